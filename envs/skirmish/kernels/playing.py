"""A compiled step of a batch of battles, from the agents' actions to their next observations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.battle import advance
from remix.envs.skirmish.kernels.compiler import compiled, inlined, lean
from remix.envs.skirmish.kernels.observing import observe_battle
from remix.envs.skirmish.kernels.scoring import (
    RUNNING,
    TIMEOUT,
    WON,
    Scores,
    Scoring,
    Strength,
    score_battle,
)
from remix.envs.skirmish.kernels.views import Bodies, Encoding, Views
from remix.envs.skirmish.rules import Rules
from remix.envs.skirmish.state import Scratch, Units
from remix.kernels.bundle import Bundle


class Ends(NamedTuple):
    """The outcome of a step of E battles, ``[E]`` each, see :class:`remix.envs.spec.Step`."""

    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    battle_won: NDArray[np.float32]
    dead_allies: NDArray[np.float32]
    dead_enemies: NDArray[np.float32]


class Match(NamedTuple):
    """Everything that a step of E battles of N agents reads and writes. Its own arrays begin with ``[E]``."""

    rules: Rules
    encoding: Encoding
    scoring: Scoring
    limit_cuts: bool
    """Whether a battle that reaches the limit is truncated; otherwise it is terminated."""
    strict: bool
    """Whether unavailable actions are refused."""
    units: Units
    scratch: Scratch
    bodies: Bodies
    """Arrays of ``units``, shared with it; so are those of ``after``."""
    before: Strength
    """Health and shields before the step, ``[E, U]``."""
    after: Strength
    running: NDArray[np.bool_]
    """Which battles go on, ``[E]``."""
    steps: NDArray[np.int64]
    """Steps made so far, ``[E]``."""
    actions: NDArray[np.int64]
    """The actions to play, ``[E, N]``."""
    last_actions: NDArray[np.int64]
    """The actions of the step before, ``[E, N]``."""
    views: Views
    scores: Scores
    ends: Ends


@compiled
def play(match: Bundle) -> int:
    """Play the actions in all running battles. The others stay as they are, without reward or flag.

    :param match: a bundled :class:`Match`.
    :returns: -1 if the step was played. If unavailable actions are refused and agent i of battle e chose one,
        ``e * N + i``; then nothing has been played.
    """
    return _play(match.content)


@lean
def _play(match: Match) -> int:
    """Do the work of :func:`play`, without counting references."""
    forbidden = -1
    if match.strict:
        forbidden = first_forbidden(match.running, match.views.avail_actions, match.actions)
    if forbidden < 0:
        for e in range(match.running.size):
            _play_battle(match, e)
    return forbidden


@inlined
def _play_battle(match: Match, e: int) -> None:
    """Play one step of battle ``e`` if it is running."""
    ends = match.ends
    ends.reward[e], ends.terminated[e], ends.truncated[e] = 0.0, False, False
    if not match.running[e]:
        return
    units, before = match.units, match.before
    for i in range(match.rules.team.size):
        before.health[e, i], before.shield[e, i] = units.health[e, i], units.shield[e, i]
    advance(match.rules, units, match.scratch, match.running, match.actions, e, e + 1)
    match.steps[e] += 1
    for i in range(match.rules.n_agents):
        match.last_actions[e, i] = match.actions[e, i]
    score_battle(match.scoring, before, match.after, match.steps, match.scores, e)
    observe_battle(match.encoding, match.bodies, match.last_actions, match.steps, match.views, e)
    match.running[e] = write_ends(ends, match.scores, match.limit_cuts, e)


@inlined
def write_ends(ends: Ends, scores: Scores, limit_cuts: bool, e: int) -> bool:
    """Say how battle ``e`` stands after a step; returns whether it goes on."""
    outcome, cut = scores.outcome[e], False
    if outcome != RUNNING:
        cut = limit_cuts and outcome == TIMEOUT
        ends.terminated[e], ends.truncated[e] = not cut, cut
    ends.reward[e], ends.battle_won[e] = scores.reward[e], outcome == WON
    ends.dead_allies[e] = scores.dead_allies[e]
    ends.dead_enemies[e] = scores.dead_enemies[e]
    return bool(outcome == RUNNING)


@lean
def first_forbidden(
    running: NDArray[np.bool_], avail_actions: NDArray[np.bool_], actions: NDArray[np.int64]
) -> int:
    """``e * N + i`` of the first agent i in a running battle e with an unavailable action, -1 without one.

    :param running: ``[E]``, with ``avail_actions [E, N, A]`` and ``actions [E, N]``.
    """
    for e in range(running.size):
        for i in range(actions.shape[1]):
            if running[e] and not (
                0 <= actions[e, i] < avail_actions.shape[2] and avail_actions[e, i, actions[e, i]]
            ):
                return e * actions.shape[1] + i
    return -1
