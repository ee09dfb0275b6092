"""One compiled step, or the start, of a batch of SMACv2's battles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.battle import advance
from remix.envs.skirmish.kernels.common import NO_TIMER, uniform
from remix.envs.skirmish.kernels.compiler import compiled, inlined, lean
from remix.envs.skirmish.kernels.dealing import rules_of
from remix.envs.skirmish.kernels.drawn_observing import observe_drawn
from remix.envs.skirmish.kernels.drawn_offering import translate
from remix.envs.skirmish.kernels.drawn_sensing import forget
from remix.envs.skirmish.kernels.drawn_views import NOBODY, DrawnEncoding, Handicaps, Memory
from remix.envs.skirmish.kernels.mustering import draw_below
from remix.envs.skirmish.kernels.playing import Ends, first_forbidden, write_ends
from remix.envs.skirmish.kernels.scoring import Scores, Scoring, Strength, score_battle
from remix.envs.skirmish.kernels.views import NO_ACTION, Bodies, Views
from remix.envs.skirmish.rules import Rules
from remix.envs.skirmish.state import Scratch, Units, start
from remix.kernels.bundle import Bundle


class DrawnMatch(NamedTuple):
    """All that a step of E battles of N agents reads and writes: see :class:`~.playing.Match`.

    ``rules`` have the battles as their first dimension where units differ. ``scale [E]`` factors of rewards.
    ``random [E]`` state of the random numbers for order and knowledge of agents, and for attacks that fail;
    ``luck [N]`` memory for the latter, ``orders [E, N]`` for what actions mean, ``no_orders`` of that shape.
    ``culling`` loops before the end of a step agents die that are below their share of health.
    """

    rules: Rules
    encoding: DrawnEncoding
    scoring: Scoring
    scale: NDArray[np.float64]
    limit_cuts: bool
    strict: bool
    culling: int
    units: Units
    scratch: Scratch
    bodies: Bodies
    handicaps: Handicaps
    memory: Memory
    random: NDArray[np.uint64]
    luck: NDArray[np.float64]
    orders: NDArray[np.int64]
    no_orders: NDArray[np.int64]
    before: Strength
    after: Strength
    running: NDArray[np.bool_]
    steps: NDArray[np.int64]
    actions: NDArray[np.int64]
    last_actions: NDArray[np.int64]
    views: Views
    scores: Scores
    ends: Ends


@compiled
def begin_drawn(match: Bundle, rows: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
    """Start the battles ``rows [R]``, whose units are dealt already, from ``seeds [R]``; all are shown.

    :param match: a :class:`DrawnMatch`.
    """
    for r in range(rows.size):
        _begin(match.content, rows[r : r + 1], seeds[r : r + 1])


@lean
def _begin(match: DrawnMatch, row: NDArray[np.int64], seed: NDArray[np.int64]) -> None:
    e, memory = row[0], match.memory
    start(rules_of(match.rules, e, match.rules.loops_per_step), match.units, row, seed)
    match.running[e], match.steps[e] = True, 0
    match.last_actions[e, :] = NO_ACTION
    memory.known[e] = False
    memory.finder[e, :] = NOBODY
    memory.turn[e, :] = 0
    # SMACv2's reset looks once, and whoever calls it looks again.
    for _ in range(2):
        _observe(match, e)


@compiled
def play_drawn(match: Bundle) -> int:
    """Play the actions in all running battles; the others stay as they are, without reward or flag.

    :param match: a :class:`DrawnMatch`.
    :returns: -1, or ``e * N + i`` for an agent of a running battle whose action is not available, if that is
        not allowed. Then nothing has been played.
    """
    return _play(match.content)


@lean
def _play(match: DrawnMatch) -> int:
    """:func:`play_drawn`, with nothing to count references for."""
    forbidden = -1
    if match.strict:
        forbidden = first_forbidden(match.running, match.views.avail_actions, match.actions)
    if forbidden < 0:
        for e in range(match.running.size):
            _play_battle(match, e)
    return forbidden


@inlined
def _play_battle(match: DrawnMatch, e: int) -> None:
    """Play battle ``e``, if it is running."""
    match.ends.reward[e], match.ends.terminated[e], match.ends.truncated[e] = 0.0, False, False
    if not match.running[e]:
        return
    units, before = match.units, match.before
    for i in range(units.health.shape[1]):
        before.health[e, i], before.shield[e, i] = units.health[e, i], units.shield[e, i]
    if match.encoding.shows_attack:
        for i in range(match.luck.size):
            match.luck[i] = uniform(match.random, e)
    encoding, handicaps, memory = match.encoding, match.handicaps, match.memory
    translate(encoding, handicaps, memory, e, match.actions[e], match.luck, match.orders[e])
    _fight(match, e)
    match.steps[e] += 1
    for i in range(match.luck.size):
        match.last_actions[e, i] = match.actions[e, i]
    score_battle(
        _scoring_of(match.scoring, match.rules.healer[e], match.scale[e]),
        before,
        match.after,
        match.steps,
        match.scores,
        e,
    )
    forget(memory, match.bodies, e)
    _observe(match, e)
    match.running[e] = write_ends(match.ends, match.scores, match.limit_cuts, e)


@inlined
def _fight(match: DrawnMatch, e: int) -> None:
    """Give the orders and play the loops of a step."""
    loops = match.rules.loops_per_step
    if not match.encoding.shows_health:
        _advance(match, e, loops, match.orders)
        return
    _advance(match, e, loops - match.culling, match.orders)
    _cull(rules_of(match.rules, e, loops), match.units, match.handicaps, e)
    _advance(match, e, match.culling, match.no_orders)


@lean
def _advance(match: DrawnMatch, e: int, loops: int, orders: NDArray[np.int64]) -> None:
    rules = rules_of(match.rules, e, loops)
    advance(rules, match.units, match.scratch, match.running, orders, e, e + 1)


@inlined
def _cull(rules: Rules, units: Units, handicaps: Handicaps, e: int) -> None:
    """Agents die that are below the share of their health at which they do; they do not explode."""
    for i in range(rules.n_agents):
        if 0.0 < units.health[e, i] < handicaps.health[e, i] * rules.max_health[i]:
            units.health[e, i] = units.shield[e, i] = 0.0
            units.windup[e, i] = NO_TIMER
            units.busy[e, i] = units.pushed[e, i] = units.waiting[e, i] = False


@inlined
def _scoring_of(scoring: Scoring, heals: NDArray[np.bool_], scale: float) -> Scoring:
    """The scoring of a battle in which the units of ``heals [U]`` do that."""
    return Scoring(
        n_agents=scoring.n_agents,
        heals=heals,
        healers_take_part=scoring.healers_take_part,
        healers_surrender=scoring.healers_surrender,
        episode_limit=scoring.episode_limit,
        sparse=scoring.sparse,
        only_positive=scoring.only_positive,
        clipped=scoring.clipped,
        death_value=scoring.death_value,
        win=scoring.win,
        defeat=scoring.defeat,
        negative_scale=scoring.negative_scale,
        scale=scale,
    )


@inlined
def _observe(match: DrawnMatch, e: int) -> None:
    """Show battle ``e`` to its agents, who look in random order."""
    order, luck = match.memory.order[e], match.memory.luck[e]
    for i in range(order.size):
        order[i] = i
    for i in range(order.size - 1, 0, -1):
        j = draw_below(match.random, e, i + 1)
        order[i], order[j] = order[j], order[i]
    if 0.0 < match.encoding.awareness < 1.0:  # else any numbers do
        for k in range(luck.size):
            luck[k] = uniform(match.random, e)
    observe_drawn(
        match.encoding,
        match.bodies,
        match.handicaps,
        match.memory,
        match.last_actions,
        match.steps,
        match.views,
        e,
    )
