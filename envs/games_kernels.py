"""Compiled steps of games that are defined by tables, for a batch of E episodes of N agents."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.kernels.bundle import Bundle
from remix.kernels.compiling import compile_kept as compiled

END = -1  # the successor at the end of an episode, in place of a situation


class Board(NamedTuple):
    """Everything that a step reads and writes, for K situations and J joint actions.

    Joint actions are numbered row by row; the action of the last agent counts fastest.

    - Rules: ``payoffs`` and ``successors`` ``[K, J]``; ``sizes [N]`` are the numbers of actions.
    - Episodes: ``now`` and ``before`` ``[E]`` are situations, ``returns [E]`` the rewards so far, and
      ``played [E, N]`` the last actions. ``actions [E, N]`` are to be played.
    - Results: ``obs [E, N, K]``, ``state [E, K]``, ``reward`` and ``terminated`` ``[E]``.
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
    """Play one step of every running episode on a bundled :class:`Board`.

    :returns: whether all actions exist. If not, nothing has been played.
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
    """Write the situation as one-hot to ``state [K]`` and each row of ``obs [N, K]``; zeros after the end."""
    for k in range(state.size):
        state[k] = k == situation
        for i in range(obs.shape[0]):
            obs[i, k] = k == situation
