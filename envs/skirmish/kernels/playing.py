"""One compiled step of a batch of battles, from the agents' actions to what they see next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.battle import advance
from remix.envs.skirmish.kernels.compiler import lean
from remix.envs.skirmish.kernels.observing import observe_battle
from remix.envs.skirmish.kernels.scoring import Scores, Scoring, Strength, score_battle
from remix.envs.skirmish.kernels.views import Bodies, Encoding, Views
from remix.envs.skirmish.rules import Rules
from remix.envs.skirmish.state import Scratch, Units


@lean
def play(
    rules: Rules,
    units: Units,
    scratch: Scratch,
    encoding: Encoding,
    scoring: Scoring,
    bodies: Bodies,
    before: Strength,
    after: Strength,
    running: NDArray[np.bool_],
    actions: NDArray[np.int64],
    last_actions: NDArray[np.int64],
    steps: NDArray[np.int64],
    views: Views,
    scores: Scores,
) -> None:
    """Play ``actions [E, N]`` in the battles that are ``running [E]``; the others stay as they are.

    :param before: memory for health and shields before the step.
    :param after: those of ``units``.
    :param last_actions: ``[E, N]``, and ``steps [E]``, brought up to date.
    """
    for e in range(running.size):
        if not running[e]:
            scores.reward[e] = 0.0
            continue
        for i in range(rules.team.size):
            before.health[e, i], before.shield[e, i] = units.health[e, i], units.shield[e, i]
        advance(rules, units, scratch, running, actions, e, e + 1)
        steps[e] += 1
        for i in range(rules.n_agents):
            last_actions[e, i] = actions[e, i]
        score_battle(scoring, before, after, steps, scores, e)
        observe_battle(encoding, bodies, last_actions, steps, views, e)


@lean
def first_forbidden(
    running: NDArray[np.bool_], avail_actions: NDArray[np.bool_], actions: NDArray[np.int64]
) -> int:
    """``e * N + i`` of the first agent of a running battle whose action is not available, -1 if none is."""
    for e in range(running.size):
        for i in range(actions.shape[1]):
            if running[e] and not (
                0 <= actions[e, i] < avail_actions.shape[2] and avail_actions[e, i, actions[e, i]]
            ):
                return e * actions.shape[1] + i
    return -1
