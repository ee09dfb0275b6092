"""What random available actions come to on every map.

``python -m tests.envs.skirmish.random_play`` prints it as a table.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.maps import map_names


class Outcome(NamedTuple):
    """Means over the battles."""

    won: float
    reward: float
    length: float
    limit: int


def play_randomly(map_name: str, battles: int = 100) -> Outcome:
    """Battles with the map's own units and random available actions."""
    env, rng = Skirmish(map_name), np.random.default_rng(0)
    observation, running = env.reset(np.arange(battles)), np.ones(battles, bool)
    reward, length = np.zeros((2, battles))
    while running.any():
        avail = observation.avail_actions
        step = env.step((avail * rng.random(avail.shape)).argmax(-1))
        reward += step.reward
        length += running
        observation, running = step.observation, running & ~(step.terminated | step.truncated)
    won = step.info["battle_won"].mean()
    return Outcome(float(won), float(reward.mean()), float(length.mean()), env.spec.episode_limit)


if __name__ == "__main__":
    print("| map | won | return | length | limit |\n| --- | --- | --- | --- | --- |")
    for name in map_names():
        won, reward, length, limit = play_randomly(name)
        print(f"| {name} | {won:.2f} | {reward:.1f} | {length:.0f} | {limit} |")
