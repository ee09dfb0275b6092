"""Battles of scripted policies in the profile ``smaclite``, against battles recorded in SMAClite.

``python -m tests.envs.skirmish.reference`` prints all of them as a table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.maps import load_map
from remix.envs.skirmish.terrain import SIZE, Terrain, build_terrain
from tests.envs.skirmish.battles import ATTACK_0, EAST, NORTH, SOUTH, STOP, WEST, Battle, arena

RECORDED = json.loads((Path(__file__).parents[2] / "data/skirmish_smaclite.json").read_text("utf-8"))
POLICIES = ("nearest", "lowest_index", "stop", "random")
PAIRS = [(name, policy) for name in RECORDED["maps"] for policy in POLICIES]


class Result(NamedTuple):
    """Means over the episodes."""

    won: float
    length: float
    reward: float


def terrain_of_rows(cells: list[list[int]]) -> Terrain:
    rows = [["#"] * SIZE for _ in range(SIZE)]
    for y, first, last in cells:
        rows[SIZE - 1 - y][first : last + 1] = "." * (last + 1 - first)
    return build_terrain("smaclite", tuple("".join(row) for row in rows))


def set_up(name: str, episodes: int) -> Battle:
    recorded = RECORDED["maps"][name]
    allies, enemies = ([tuple(unit) for unit in recorded[side]] for side in ("allies", "enemies"))
    battle_map = arena(allies, enemies, load_map(name).order, terrain_of_rows(recorded["cells"]))
    return Battle(battle_map, range(episodes), profile="smaclite", as_smaclite=True)


def move_toward(delta: NDArray[np.float64], avail: NDArray[np.bool_]) -> int:
    """The available move along the larger part of ``delta``, or along the other one, or stop."""
    horizontal, vertical = EAST if delta[0] > 0 else WEST, NORTH if delta[1] > 0 else SOUTH
    choices = [(horizontal, abs(delta[0])), (vertical, abs(delta[1]))]
    if abs(delta[0]) <= abs(delta[1]):
        choices.reverse()
    if avail[choices[0][0]]:
        return choices[0][0]
    return choices[1][0] if avail[choices[1][0]] and choices[1][1] >= 0.5 else STOP


def scripted(battle: Battle, policy: str, i: int, avail: NDArray[np.bool_]) -> int:
    """Action of agent ``i`` of the first battle by the policies nearest and lowest_index."""
    if avail[0]:
        return 0
    n, places = battle.n_agents, battle.places[0]
    health = battle.units.health[0]
    if battle.rules.healer[i]:
        others = [j for j in range(n) if health[j] > 0 and not battle.rules.healer[j]]
        hurt = [j for j in others if health[j] < battle.rules.max_health[j]]
        offered = [j for j in hurt if avail[ATTACK_0 + j]]
        if offered:
            by_need = (lambda j: health[j] / battle.rules.max_health[j]) if policy == "nearest" else None
            return ATTACK_0 + min(offered, key=by_need)
        if not others:
            return STOP
        nearest = min(hurt or others, key=lambda j: np.linalg.norm(places[j] - places[i]))
        delta = places[nearest] - places[i]
        return STOP if np.linalg.norm(delta) <= 2 else move_toward(delta, avail)
    gaps = np.where(health[n:] > 0, np.linalg.norm(places[n:] - places[i], axis=-1), np.inf)
    in_reach = np.flatnonzero(avail[ATTACK_0 : ATTACK_0 + len(gaps)])
    if len(in_reach):
        return ATTACK_0 + int(in_reach[0] if policy == "lowest_index" else in_reach[gaps[in_reach].argmin()])
    return move_toward(places[n + gaps.argmin()] - places[i], avail)


def choose(battle: Battle, policy: str, generator: np.random.Generator) -> NDArray[np.int64]:
    if policy == "random":
        return battle.random_actions(generator)
    avail = battle.available()
    if policy == "stop":
        return np.where(avail[..., 0], 0, STOP)
    return np.array([[scripted(battle, policy, i, avail[0, i]) for i in range(battle.n_agents)]])


def reward_of(
    battle: Battle, health: NDArray[np.float64], damage: NDArray[np.float64]
) -> NDArray[np.float64]:
    """SMAClite's reward of a step: damage done, with bonuses for kills and for the victory."""
    n, units = battle.n_agents, battle.units
    done = (units.damage_taken - damage)[:, n:]
    died = (units.health == 0)[:, n:] & (health[:, n:] > 0)
    # Banelings that blow themselves up pay the health they had, but no bonus.
    left = np.where(died, np.maximum(health[:, n:] - done, 0), 0)
    by_itself = left > battle.rules.health_regeneration[n:] * 8
    won = died.any(1) & (units.health[:, n:] == 0).all(1)
    return (done + np.where(by_itself, left, 0) + 10 * (died & ~by_itself)).sum(1) + 200 * won


def fight(name: str, policy: str) -> Result:
    """Nothing but the actions is random, so one episode will do where they are not."""
    episodes = 100 if policy == "random" else 1
    battle, generator = set_up(name, episodes), np.random.default_rng(1000)
    length, total = np.zeros(episodes), np.zeros(episodes)
    for _ in range(RECORDED["maps"][name]["limit"]):
        health, damage = battle.units.health.copy(), battle.units.damage_taken.copy()
        battle.play(choose(battle, policy, generator))
        length += battle.running
        total += reward_of(battle, health, damage) * battle.running
        alive = battle.units.health > 0
        n = battle.n_agents
        battle.running &= alive[:, :n].any(1) & alive[:, n:].any(1)
        if not battle.running.any():
            break
    won = (battle.units.health[:, battle.n_agents :] == 0).all(1) & (battle.units.health > 0).any(1)
    scale = RECORDED["maps"][name]["max_reward"] / 20
    return Result(won.mean(), length.mean(), total.mean() / scale)


def recorded(pair: tuple[str, str]) -> Result:
    numbers = RECORDED["battles"][pair[0]][pair[1]]
    return Result(numbers["win_rate"], numbers["length"], numbers["return"])


def table(results: Mapping[tuple[str, str], Result]) -> str:
    """Markdown: for each pair of map and policy our result and, in brackets, SMAClite's."""
    heads = ("map", "policy", "won", "length", "return")
    rows = [heads, ("---",) * len(heads)]
    for pair, result in results.items():
        both = zip(result, recorded(pair), strict=True)
        rows.append((*pair, *(f"{ours:.2f} ({theirs:.2f})" for ours, theirs in both)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(table({pair: fight(*pair) for pair in PAIRS}))
