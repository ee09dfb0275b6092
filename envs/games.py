"""Small cooperative games with known optimal values, for learning tests that take seconds.

Nothing in them is random. All are a :class:`TableGame`: a few situations, and in each of them a
payoff and a next situation for every joint action. Every end is a true one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.rendering import draw_table
from remix.envs.spec import Environment, EnvSpec, Observation, Step
from remix.settings import checks
from remix.settings.errors import SettingError

END = -1  # in place of a situation: the episode is over


class TableGame(Environment):
    """A game given by tables (protocol: :class:`remix.envs.spec.Environment`).

    Episodes start in situation 0. All agents and the state see the situation as a one-hot vector,
    which is zero after the end. Agents with fewer actions than others have the rest masked.

    :param name: what the game is called in tags and tables.
    :param payoffs: ``[K, A_1, ..., A_N]``, N >= 2: team reward of each joint action in each of K situations.
    :param successors: the same shape, the situation that follows, or ``END``.
    :param situations: K names for people to read.
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
        self._views = np.eye(len(payoffs) + 1, len(payoffs), dtype=np.bool_)  # the last row, END, is zero
        self._available = np.arange(self._sizes.max()) < self._sizes[:, None]
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
        )
        self.reset(np.zeros(0, np.int64))

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start ``len(seeds)`` episodes; the seeds have nothing to decide."""
        n = len(seeds)
        self._now = np.zeros(n, np.int64)
        self._before = np.full(n, END)  # where the last actions were played
        self._actions = np.zeros((n, self.spec.n_agents), np.int64)
        self._returns = np.zeros(n)
        return self._observe()

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]`` in all running episodes."""
        running = self._now != END
        chosen = self._checked(np.asarray(actions), running)
        situation, joint = self._now[running], tuple(chosen.T)
        reward = np.zeros(len(running), np.float32)
        reward[running] = self._payoffs[situation, *joint]
        self._now[running] = self._successors[situation, *joint]
        self._before[running], self._actions[running] = situation, chosen
        self._returns += reward
        terminated = running & (self._now == END)
        return Step(self._observe(), reward, terminated, np.zeros_like(terminated), {})

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture of episode ``index``: payoffs of the last decision with the choice framed.

        Agent 0 chooses the row and agent 1 the column, the others as they did. Before the first
        decision the payoffs of situation 0 are shown.
        """
        decided, actions = bool(self._before[index] != END), self._actions[index]
        situation = self._before[index] if decided else 0
        table = self._payoffs[situation, :, :, *actions[2:]]
        caption = f"{self._situations[situation]}    return {self._returns[index]:g}"
        return draw_table(table, (int(actions[0]), int(actions[1])) if decided else None, caption)

    def close(self) -> None:
        """Nothing to release."""

    def _observe(self) -> Observation:
        state, n_agents = self._views[self._now], self.spec.n_agents
        obs = np.repeat(state[:, None], n_agents, axis=1)
        return Observation(obs, state, np.repeat(self._available[None], len(state), axis=0))

    def _checked(self, actions: NDArray[Any], running: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Actions ``[R, N]`` of the R running episodes."""
        if actions.shape != self._actions.shape:
            raise ValueError(
                f"actions have shape {actions.shape}, expected {self._actions.shape} (episodes, agents)"
            )
        chosen = actions[running].astype(np.int64, casting="same_kind")
        if ((chosen < 0) | (chosen >= self._sizes)).any():
            raise ValueError(f"actions must lie between 0 and {(self._sizes - 1).tolist()}")
        return chosen


class MatrixGame(TableGame):
    """The same payoff table in each of one or more stages, whatever was played before.

    :param payoff: ``[A_1, ..., A_N]`` as nested lists, N >= 2 agents: reward of each joint action.
    :param stages: decisions in an episode.
    :param name: what the game is called in tags and tables.
    """

    def __init__(self, payoff: Any, stages: int = 1, name: str = "matrix_game") -> None:
        table, stages = _payoff_table("payoff", payoff), checks.whole("stages", stages, minimum=1)
        following = np.append(np.arange(1, stages), END)
        super().__init__(
            name,
            payoffs=np.repeat(table[None], stages, axis=0),
            successors=np.broadcast_to(following.reshape(-1, *[1] * table.ndim), (stages, *table.shape)),
            situations=[f"stage {stage}" for stage in range(stages)],
            episode_limit=stages,
        )


class PenaltyGame(MatrixGame):
    """Two equal optima and a penalty for missing each other (Claus and Boutilier, AAAI 1998).

    :param penalty: reward (at most 0) when the agents choose different optima.
    """

    def __init__(self, penalty: float = -100.0) -> None:
        k = checks.number("penalty", penalty, maximum=0)
        super().__init__([[10, 0, k], [0, 2, 0], [k, 0, 10]], name="penalty")


class TwoStepGame(TableGame):
    """Agent 0 alone chooses which table both play next (Rashid et al., "QMIX", ICML 2018, section 5).

    :param payoff_a: ``[A_1, A_2]`` table after its first action.
    :param payoff_b: ``[A_1, A_2]`` table after its second action.
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

    Two agents with two actions. In the first stage the joint action (0, 0) pays 1 and leads to the
    safe branch, (1, 1) to the risky one. The safe branch goes on with (0, 0), which pays 1; the risky
    one goes on with (1, 1), which pays ``stages + 3`` in the last stage. All else ends the episode.

    :param stages: decisions in a complete episode, at least 2.
    """

    def __init__(self, stages: int = 4) -> None:
        stages = checks.whole("stages", stages, minimum=2)
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
    return table


def _best_return(payoffs: NDArray[np.floating], successors: NDArray[np.integer], limit: int) -> float:
    """The highest sum of payoffs from situation 0 on, by going backwards from the longest episode's end."""
    values = np.zeros(len(payoffs) + 1)  # the last one is that of END
    for _ in range(limit):
        values[:-1] = (payoffs + values[successors]).reshape(len(payoffs), -1).max(axis=1)
    return float(values[0])
