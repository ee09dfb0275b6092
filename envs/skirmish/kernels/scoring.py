"""Compiled rewards and ends of battles, as in SMAC."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.compiler import lean

# How a battle stands after a step.
RUNNING, WON, LOST, DRAW, TIMEOUT = range(5)


class Scoring(NamedTuple):
    """The constants of rewards and ends. The options are those of :class:`remix.envs.battles.RewardOptions`.

    ``heals [U]`` marks healers among the units, agents first. ``healers_take_part`` says that there are any;
    healers alone cannot go on with a battle. With ``only_positive`` losses beyond what is gained pay nothing
    if ``clipped``, else their absolute value. ``healers_surrender`` says that the enemies lose with any
    number of healers left, not only with a single one. ``scale`` is the factor of all rewards.
    """

    n_agents: int
    heals: NDArray[np.bool_]
    healers_take_part: bool
    healers_surrender: bool
    episode_limit: int
    sparse: bool
    only_positive: bool
    clipped: bool
    death_value: float
    win: float
    defeat: float
    negative_scale: float
    scale: float


class Strength(NamedTuple):
    """Health and shields of U units in E battles, ``[E, U]`` each. Both are 0 for the dead."""

    health: NDArray[np.float64]
    shield: NDArray[np.float64]


class Scores(NamedTuple):
    """The results of a step, ``[E]`` each: scaled reward, outcome (RUNNING to TIMEOUT), the dead so far."""

    reward: NDArray[np.float64]
    outcome: NDArray[np.int64]
    dead_allies: NDArray[np.int64]
    dead_enemies: NDArray[np.int64]


@lean
def score(
    scoring: Scoring,
    before: Strength,
    after: Strength,
    steps: NDArray[np.int64],
    scores: Scores,
    start: int,
    stop: int,
) -> None:
    """Judge a step of the battles ``start`` to ``stop - 1``. Several threads may share the battles.

    :param before: the units before the step.
    :param after: the units after the step.
    :param steps: steps made so far, ``[E]``, this one included.
    """
    for e in range(start, stop):
        score_battle(scoring, before, after, steps, scores, e)


@lean
def score_battle(
    scoring: Scoring, before: Strength, after: Strength, steps: NDArray[np.int64], scores: Scores, e: int
) -> None:
    """Judge a step of battle ``e``. The arrays are those of :func:`score`, ``[E, ...]``."""
    health, n_agents = after.health[e], scoring.n_agents
    outcome = _outcome(scoring, health, steps[e])
    reward = _end_reward(scoring, outcome)
    if not scoring.sparse:
        reward += _fight_reward(scoring, before.health[e], before.shield[e], health, after.shield[e])
    scores.reward[e] = reward * scoring.scale
    scores.outcome[e] = outcome
    scores.dead_allies[e] = _count_dead(health, 0, n_agents)
    scores.dead_enemies[e] = _count_dead(health, n_agents, health.size)


@lean
def _count_dead(health: NDArray[np.float64], first: int, end: int) -> int:
    dead = 0
    for j in range(first, end):
        dead += health[j] <= 0.0
    return dead


@lean
def _losses(
    health_before: NDArray[np.float64],
    shield_before: NDArray[np.float64],
    health: NDArray[np.float64],
    shield: NDArray[np.float64],
    first: int,
    end: int,
) -> tuple[float, int]:
    """The points that a team has lost in a step less those regained, and the number of its new dead."""
    lost, died = 0.0, 0
    for j in range(first, end):
        if health_before[j] > 0.0:
            lost += health_before[j] + shield_before[j]
            if health[j] > 0.0:
                lost -= health[j] + shield[j]
            else:
                died += 1
    return lost, died


@lean
def _fight_reward(
    scoring: Scoring,
    health_before: NDArray[np.float64],
    shield_before: NDArray[np.float64],
    health: NDArray[np.float64],
    shield: NDArray[np.float64],
) -> float:
    """The unscaled reward for the losses of a step.

    With ``only_positive`` its sign is dropped, so that a step in which enemies only regenerate pays, too;
    or it is ``clipped``.
    """
    n_agents, n_units = scoring.n_agents, health.size
    damage, kills = _losses(health_before, shield_before, health, shield, n_agents, n_units)
    reward = damage + scoring.death_value * kills
    if scoring.only_positive:
        return max(reward, 0.0) if scoring.clipped else abs(reward)
    own_damage, own_deaths = _losses(health_before, shield_before, health, shield, 0, n_agents)
    return reward - scoring.negative_scale * (own_damage + scoring.death_value * own_deaths)


@lean
def _outcome(scoring: Scoring, health: NDArray[np.float64], steps: int) -> int:
    """The outcome of a battle after ``steps`` steps.

    The agents lose if only healers of them are left. They win if no enemy is left, or only one healer, or any
    number of healers if they surrender. In a battle with healers there is no draw: the agents lose if
    everybody is dead.
    """
    agents, fighters = _count_living(scoring.heals, health, 0, scoring.n_agents)
    enemies, hostile_fighters = _count_living(scoring.heals, health, scoring.n_agents, health.size)
    if (agents == 0 and enemies > 0) or (scoring.healers_take_part and fighters == 0):
        return LOST
    only_healers = hostile_fighters == 0 and (enemies == 1 or scoring.healers_surrender)
    if agents > 0 and (enemies == 0 or only_healers):
        return WON
    if agents == 0 and enemies == 0:
        return DRAW
    return TIMEOUT if steps >= scoring.episode_limit else RUNNING


@lean
def _count_living(
    heals: NDArray[np.bool_], health: NDArray[np.float64], first: int, end: int
) -> tuple[int, int]:
    """The number of living units of a team, and of those among them that are no healers."""
    living, fighters = 0, 0
    for j in range(first, end):
        if health[j] > 0.0:
            living += 1
            fighters += not heals[j]
    return living, fighters


@lean
def _end_reward(scoring: Scoring, outcome: int) -> float:
    """The unscaled reward for the end of a battle."""
    if outcome == WON:
        return 1.0 if scoring.sparse else scoring.win
    if outcome == LOST:
        return -1.0 if scoring.sparse else scoring.defeat
    return 0.0
