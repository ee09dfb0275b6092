"""Small cooperative games with known optimal values, for learning tests that take seconds.

Nothing in them is random. Each is a :class:`TableGame`: it has a few situations, and in each of them a payoff
and a next situation for every joint action. Every end is a true end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.games_kernels import END, Board, step
from remix.envs.rendering import draw_table
from remix.envs.spec import Environment, EnvSpec, Observation, Step
from remix.kernels.bundle import bundled
from remix.settings import checks
from remix.settings.errors import SettingError

_MOST_STAGES = 10_000  # each is a situation, of which observations have a one-hot vector


class TableGame(Environment):
    """A game given by tables (protocol: :class:`remix.envs.spec.Environment`).

    Episodes start in situation 0. The state and all observations are the situation as a one-hot vector,
    which is zero after the end. If an agent has fewer actions than others, the rest are unavailable.

    :param name: name of the game in tags and tables.
    :param payoffs: team reward of each joint action in each of K situations, ``[K, A_1, ..., A_N]``, N >= 2.
    :param successors: the situation that follows, or ``END``, of the same shape.
    :param situations: K names of the situations for people.
    :param episode_limit: number of decisions in the longest episode.
    """

    def __init__(
        self,
        name: str,
        payoffs: NDArray[np.floating],
        successors: NDArray[np.integer],
        situations: Sequence[str],
        episode_limit: int,
    ) -> None:
        self._payoffs, self._successors, self._situations = payoffs, successors, situations
        self._sizes = np.array(payoffs.shape[1:])
        self.spec = EnvSpec(
            name=name,
            n_agents=self._sizes.size,
            n_actions=int(self._sizes.max()),
            obs_size=len(payoffs),
            state_size=len(payoffs),
            episode_limit=episode_limit,
            obs_dtype="bool",
            state_dtype="bool",
            best_return=_best_return(payoffs, successors, episode_limit),
            obs_names=tuple(situations),
            state_names=tuple(situations),
        )
        self.reset(np.zeros(0, np.int64))

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start ``len(seeds)`` episodes. The seeds change nothing, as nothing is random."""
        n, spec, k = len(seeds), self.spec, len(self._payoffs)
        state = np.tile(np.arange(k) == 0, (n, 1))
        self._board = board = Board(
            payoffs=np.array(self._payoffs, np.float64).reshape(k, -1),
            successors=np.array(self._successors, np.int64).reshape(k, -1),
            sizes=self._sizes,
            now=np.zeros(n, np.int64),
            before=np.full(n, END),
            returns=np.zeros(n),
            played=np.zeros((n, spec.n_agents), np.int64),
            actions=np.zeros((n, spec.n_agents), np.int64),
            obs=np.repeat(state[:, None], spec.n_agents, axis=1),
            state=state,
            reward=np.zeros(n, np.float32),
            terminated=np.zeros(n, np.bool_),
        )
        self._bundle = bundled(board)
        available = np.tile(np.arange(self._sizes.max()) < self._sizes[:, None], (n, 1, 1))
        observation = Observation(board.obs, state, available)
        self._step = Step(observation, board.reward, board.terminated, np.zeros(n, np.bool_), {})
        return observation

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]`` in all running episodes."""
        actions, expected = np.asarray(actions), self._board.actions.shape
        if actions.shape != expected:
            raise ValueError(f"actions have shape {actions.shape}, expected {expected} (episodes, agents)")
        np.copyto(self._board.actions, actions, casting="same_kind")
        if not step(self._bundle):
            raise ValueError(f"actions must lie between 0 and {(self._sizes - 1).tolist()}")
        return self._step

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture ``[height, width, 3]`` of episode ``index``: the last payoffs, with the choice framed.

        Agent 0 chooses the row and agent 1 the column. Of the others it shows the actions that they chose.
        Before the first decision it shows the payoffs of situation 0.
        """
        board = self._board
        decided, actions = bool(board.before[index] != END), board.played[index]
        situation = board.before[index] if decided else 0
        table = self._payoffs[situation, :, :, *actions[2:]]
        caption = f"{self._situations[situation]}    return {board.returns[index]:g}"
        return draw_table(table, (int(actions[0]), int(actions[1])) if decided else None, caption)

    def close(self) -> None:
        """Do nothing, as there is nothing to release."""


class MatrixGame(TableGame):
    """A game with the same payoff table in each of its stages, whatever was played before.

    :param payoff: reward of each joint action, ``[A_1, ..., A_N]`` as nested lists, with N >= 2 agents.
    :param stages: number of decisions in an episode.
    :param name: name of the game in tags and tables.
    """

    def __init__(self, payoff: Any, stages: int = 1, name: str = "matrix_game") -> None:
        table, stages = _payoff_table("payoff", payoff), checks.whole("stages", stages, 1, _MOST_STAGES)
        following = np.append(np.arange(1, stages), END)
        super().__init__(
            name,
            payoffs=np.repeat(table[None], stages, axis=0),
            successors=np.broadcast_to(following.reshape(-1, *[1] * table.ndim), (stages, *table.shape)),
            situations=[f"stage {stage}" for stage in range(stages)],
            episode_limit=stages,
        )


class GeneralSumGame(MatrixGame):
    """A matrix game that pays each agent by a table of its own; the team reward is the agents' mean.

    :param payoffs: rewards of agent 0, of agent 1, ... for each joint action, ``[N, A_1, ..., A_N]``.
    :param stages: number of decisions in an episode.
    :param name: name of the game in tags and tables.
    """

    def __init__(self, payoffs: Any, stages: int = 1, name: str = "general_sum_game") -> None:
        tables = _payoff_table("payoffs", payoffs)
        if tables.ndim != len(tables) + 1:
            raise SettingError("payoffs", payoffs, "must be a table for each agent, all of the same shape")
        super().__init__(tables.mean(axis=0), stages, name)
        self._rewards = np.moveaxis(tables, 0, -1).astype(np.float32)
        self.spec = replace(self.spec, individual_rewards=True)

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]`` in all running episodes."""
        running = self._board.now != END
        outcome = super().step(actions)
        rewards = self._rewards[tuple(self._board.played.T)] * running[:, None]
        return outcome._replace(individual_rewards=rewards)


class PenaltyGame(MatrixGame):
    """Two equal optima and a penalty for missing each other (Claus and Boutilier, AAAI 1998).

    :param penalty: reward (at most 0) if the agents choose different optima.
    """

    def __init__(self, penalty: float = -100.0) -> None:
        k = checks.number("penalty", penalty, -1e38, 0)
        super().__init__([[10, 0, k], [0, 2, 0], [k, 0, 10]], name="penalty")


class TwoStepGame(TableGame):
    """Agent 0 alone chooses which table both play next (Rashid et al., "QMIX", ICML 2018, section 5).

    :param payoff_a: payoffs after its first action, ``[A_1, A_2]``.
    :param payoff_b: payoffs after its second action, ``[A_1, A_2]``.
    """

    def __init__(self, payoff_a: Any = ((7, 7), (7, 7)), payoff_b: Any = ((0, 1), (1, 8))) -> None:
        tables = {"payoff_a": payoff_a, "payoff_b": payoff_b}
        for setting, table in tables.items():
            tables[setting] = _payoff_table(setting, table)
            if tables[setting].shape != (2, 2):
                raise SettingError(setting, table, "must be a 2x2 table")
        payoffs = np.stack([np.zeros((2, 2)), *tables.values()])
        successors = np.full((3, 2, 2), END)
        successors[0] = [[1, 1], [2, 2]]
        super().__init__("two_step", payoffs, successors, ("choice", "2A", "2B"), episode_limit=2)


class BranchChain(TableGame):
    """A safe branch that pays at once and a risky one that pays more, but only at its end.

    Two agents have two actions each. In the first stage the joint action (0, 0) pays 1 and leads to the
    safe branch; (1, 1) leads to the risky one. On the safe branch (0, 0) pays 1 and goes on. On the risky
    branch (1, 1) goes on, and pays ``stages + 3`` in the last stage. Every other joint action ends the
    episode.

    :param stages: number of decisions in a complete episode, at least 2.
    """

    def __init__(self, stages: int = 4) -> None:
        stages = checks.whole("stages", stages, 2, _MOST_STAGES)
        n_branch = stages - 1
        safe, risky = 1 + np.arange(n_branch), 1 + n_branch + np.arange(n_branch)
        payoffs = np.zeros((1 + 2 * n_branch, 2, 2))
        successors = np.full(payoffs.shape, END)
        successors[0, 0, 0], successors[0, 1, 1] = safe[0], risky[0]
        successors[safe[:-1], 0, 0], successors[risky[:-1], 1, 1] = safe[1:], risky[1:]
        payoffs[[0, *safe], 0, 0] = 1
        payoffs[risky[-1], 1, 1] = stages + 3
        names = [f"{branch} {stage}" for branch in ("safe", "risky") for stage in range(1, stages)]
        super().__init__("branch_chain", payoffs, successors, ("start", *names), episode_limit=stages)


def _payoff_table(setting: str, payoff: Any) -> NDArray[np.float64]:
    try:
        table = np.array(payoff, np.float64)
    except (TypeError, ValueError):  # ragged, or not numbers
        table = np.zeros(0)
    if table.ndim < 2 or not table.size or not np.isfinite(table).all():
        expected = "must be a full table of numbers with one dimension for each of at least two agents"
        raise SettingError(setting, payoff, expected)
    if (largest := np.abs(table).max()) > np.finfo(np.float32).max:
        raise SettingError(setting, payoff, f"must hold numbers finite as float32, not {largest:g}")
    return table


def _best_return(payoffs: NDArray[np.floating], successors: NDArray[np.integer], limit: int) -> float:
    """The highest sum of payoffs of an episode, computed backwards from the end of the longest one."""
    values = np.zeros(len(payoffs) + 1)  # the last entry is the value of END
    for _ in range(limit):
        values[:-1] = (payoffs + values[successors]).reshape(len(payoffs), -1).max(axis=1)
    return float(values[0])
