"""Compiled steps of games that are given by tables, for a batch of E episodes of N agents."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.kernels.bundle import Bundle
from remix.kernels.compiling import compile_kept as compiled

END = -1  # in place of a situation: the episode is over


class Board(NamedTuple):
    """All that a step reads and writes: K situations, J joint actions, the last agent's counting quickest.

    ``payoffs`` and ``successors`` ``[K, J]``, ``sizes [N]`` number of actions; ``now`` and ``before`` ``[E]``
    situations, ``returns [E]``, ``played [E, N]``; ``actions [E, N]`` to be played; ``obs [E, N, K]``,
    ``state [E, K]``, ``reward`` and ``terminated`` ``[E]`` results.
    """

    payoffs: NDArray[np.float64]
    successors: NDArray[np.int64]
    sizes: NDArray[np.int64]
    now: NDArray[np.int64]
    before: NDArray[np.int64]
    returns: NDArray[np.float64]
    played: NDArray[np.int64]
    actions: NDArray[np.int64]
    obs: NDArray[np.bool_]
    state: NDArray[np.bool_]
    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]


@compiled
def step(board: Bundle) -> bool:
    """One step of every running episode on a :class:`Board`.

    :returns: whether all actions exist. If not, nothing has happened.
    """
    content = board.content
    if not _valid(content):
        return False
    for e in range(content.now.size):
        content.reward[e], content.terminated[e] = 0.0, False
        situation, joint = content.now[e], 0
        if situation == END:
            continue
        for i in range(content.sizes.size):
            content.played[e, i] = content.actions[e, i]
            joint = joint * content.sizes[i] + content.actions[e, i]
        content.before[e], content.now[e] = situation, content.successors[situation, joint]
        content.reward[e] = content.payoffs[situation, joint]
        content.returns[e] += content.reward[e]
        content.terminated[e] = content.now[e] == END
        show(content.now[e], content.obs[e], content.state[e])
    return True


@compiled
def _valid(board: Board) -> bool:
    for e in range(board.now.size):
        for i in range(board.sizes.size):
            if board.now[e] != END and not 0 <= board.actions[e, i] < board.sizes[i]:
                return False
    return True


@compiled
def show(situation: int, obs: NDArray[np.bool_], state: NDArray[np.bool_]) -> None:
    """The situation one-hot in ``state [K]`` and every row of ``obs [N, K]``; nothing after the end."""
    for k in range(state.size):
        state[k] = k == situation
        for i in range(obs.shape[0]):
            obs[i, k] = k == situation
