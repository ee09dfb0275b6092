"""Whole battles of the environment, step by step, from whatever start and with whatever actions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import RewardOptions
from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.fields import DATA
from remix.envs.skirmish.rules import Rules, make_rules
from remix.envs.spec import Step

KEPT = ("x", "y", "health", "shield", "energy", "damage_taken", "busy")


@dataclass(frozen=True)
class Plan:
    """How battles start and what the agents do.

    :param seeds: of the battles, and so their number.
    :param scattered: whether units start on cells all over the map, drawn with this seed; None: as usual.
    :param strengths: shares of health and shields with which agents and enemies start.
    :param choices: one number for each step, from which the actions of that step are drawn.
    :param eager: probability with which an agent that can attack does so.
    """

    seeds: tuple[int, ...]
    scattered: int | None
    strengths: tuple[float, float]
    choices: tuple[int, ...]
    eager: float


class Frame(NamedTuple):
    """One step of E battles. ``before`` and ``after`` hold arrays ``[E, U]`` by their names in ``Units``."""

    steps: int
    running: NDArray[np.bool_]
    actions: NDArray[np.int64]
    before: dict[str, NDArray[np.float64]]
    after: dict[str, NDArray[np.float64]]
    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    info: dict[str, NDArray[np.float32]]
    obs: NDArray[np.float32]
    state: NDArray[np.float32]
    avail_actions: NDArray[np.bool_]


class World:
    """Environments on copies of SMAC's maps with another limit, each made once.

    :param folder: where the copies are written.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._made: dict[tuple[str, bool], tuple[Skirmish, Rules]] = {}

    def environment(self, name: str, only_positive: bool = True) -> tuple[Skirmish, Rules]:
        """The environment on the map ``name`` with unscaled rewards, and the rules of its battles."""
        if (name, only_positive) not in self._made:
            lines = (DATA / "maps" / f"{name}.yaml").read_text("utf-8").splitlines()
            changed = [
                f"episode_limit: {self._limit}" if line.startswith("episode_limit:") else line
                for line in lines
            ]
            path = self._folder / f"{name}.yaml"
            path.write_text("\n".join(changed), "utf-8")
            rewards = RewardOptions(reward_scale=False, reward_only_positive=only_positive)
            env = Skirmish(str(path), rewards=rewards, continuing_episode=True)
            self._made[name, only_positive] = env, make_rules(env.map, env.types)
        return self._made[name, only_positive]


def scatter(env: Skirmish, rules: Rules, seed: int) -> None:
    """Put all units on different cells, two apart, that everybody may enter."""
    cells = np.argwhere(rules.interior[0])
    cells = cells[(cells % 2 == 0).all(1)]
    chosen = np.random.default_rng(seed).permutation(len(cells))[: rules.team.size]
    env.units.x[:], env.units.y[:] = cells[chosen].T + 0.5


def draw_actions(avail: NDArray[np.bool_], choice: int, eager: float) -> NDArray[np.int64]:
    """Available actions ``[E, N]``."""
    generator = np.random.default_rng(choice)
    score = np.where(avail, generator.random(avail.shape), -1.0)
    score[..., 6:] += avail[..., 6:] * (generator.random((*avail.shape[:2], 1)) < eager)
    return score.argmax(-1)


def begin(env: Skirmish, rules: Rules, plan: Plan) -> Step:
    """The first step, in which everybody stops: what is offered before does not know of unusual starts."""
    env.reset(np.array(plan.seeds, np.int64))
    if plan.scattered is not None:
        scatter(env, rules, plan.scattered)
    shares = np.array(plan.strengths)[rules.team]
    env.units.health[:] *= shares
    env.units.shield[:] *= shares
    return env.step(np.ones((len(plan.seeds), env.map.n_agents), np.int64))


def play(env: Skirmish, rules: Rules, plan: Plan) -> list[Frame]:
    """The frames of a plan after its first step, until all battles are over or no choices are left."""
    step = begin(env, rules, plan)
    running = ~(step.terminated | step.truncated)
    frames: list[Frame] = []
    for k, choice in enumerate(plan.choices, start=2):
        if not running.any():
            break
        before = _keep(env)
        actions = draw_actions(step.observation.avail_actions, choice, plan.eager)
        step = env.step(actions)
        frames.append(
            Frame(
                steps=k,
                running=running.copy(),
                actions=actions,
                before=before,
                after=_keep(env),
                reward=step.reward.copy(),
                terminated=step.terminated.copy(),
                truncated=step.truncated.copy(),
                info={name: values.copy() for name, values in step.info.items()},
                obs=np.array(step.observation.obs, np.float32),
                state=np.array(step.observation.state, np.float32),
                avail_actions=step.observation.avail_actions.copy(),
            )
        )
        running = running & ~(step.terminated | step.truncated)
    return frames


def _keep(env: Skirmish) -> dict[str, NDArray[np.float64]]:
    return {name: getattr(env.units, name).copy() for name in KEPT}
