"""Checks of what ``reset`` and ``step`` of a PettingZoo game return, before anything of it is used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.flattening import as_row, numbers
from remix.envs.slots import MASK, misnamed
from remix.settings.errors import GameCode, InvalidOutput, brief

EVERYBODY = "__all__"
"""The key of a flag for the whole episode, in place of an agent's name, as in RLlib."""


class Outcome(NamedTuple):
    """What a game returned of one joint step, by agent."""

    observations: Mapping[Any, Any]
    rewards: Mapping[Any, Any]
    terminations: Mapping[Any, Any]
    truncations: Mapping[Any, Any]
    infos: Mapping[Any, Any]


class Outcomes:
    """Checks what a game returns.

    Observations and infos may have entries for others than the agents, as PettingZoo allows. Infos may be
    missing.

    :param game: name of the game in errors.
    :param agents: its ``possible_agents``.
    :raises InvalidOutput: by all methods.
    """

    def __init__(self, game: str, agents: Collection[Any]) -> None:
        self._game, self._agents = game, dict.fromkeys(agents)

    def of_reset(self, returned: Any) -> tuple[Mapping[Any, Any], Mapping[Any, Any]]:
        """The observations and infos at the start of an episode."""
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            problem = f"must return (observations, infos), not {_form(returned)}"
            raise InvalidOutput(self._game, "reset", problem, step=0)
        observations, infos = returned
        return self._by_agent("observations", observations, 0), self._infos(infos, 0)

    def of_step(self, returned: Any, step: int) -> Outcome:
        """The outcome of step number ``step``, which counts from 1."""
        if not isinstance(returned, tuple | list) or len(returned) != 5:
            form = "(observations, rewards, terminations, truncations, infos)"
            raise InvalidOutput(self._game, "step", f"must return {form}, not {_form(returned)}", step=step)
        observations, rewards, terminations, truncations, infos = returned
        flags = {EVERYBODY: None}
        return Outcome(
            self._by_agent("observations", observations, step),
            self._by_agent("rewards", rewards, step, known=self._agents),
            self._by_agent("terminations", terminations, step, known=self._agents | flags),
            self._by_agent("truncations", truncations, step, known=self._agents | flags),
            self._infos(infos, step),
        )

    def own_state(self, game: Any) -> NDArray[Any] | None:
        """The game's own global state ``[S]`` in the type in which to keep it, None if it has none.

        It resets the game.

        :raises GameError: the game raised an exception.
        """
        with GameCode(self._game, "reset"):
            game.reset(seed=0)
        if not all(callable(getattr(of, "state", None)) for of in (game, getattr(game, "unwrapped", game))):
            return None
        with GameCode(self._game, "state"):
            try:
                state = game.state()
            except NotImplementedError:
                return None
        row = as_row(state)
        if row is None or not row.size:
            raise InvalidOutput(
                self._game, "state", f"must be an array of numbers, not {brief(state)}", step=0
            )
        dtype = "uint8" if row.dtype == np.uint8 else "float32"
        return self.state(row, row.size, dtype, 0).astype(dtype)

    def state(self, state: Any, size: int, dtype: str, step: int) -> NDArray[Any]:
        """The game's own state ``[size]``, of numbers that fit in an array of ``dtype``."""
        try:
            return numbers(state, size, dtype)
        except ValueError as error:
            raise InvalidOutput(self._game, "state", str(error), step=step) from None

    def listed(self, game: Any, step: int) -> set[Any]:
        """The agents in play, by the game's own list."""
        agents = game.agents
        if not isinstance(agents, Iterable) or isinstance(agents, str):
            raise InvalidOutput(
                self._game, "agents", f"must be a list of agents, not {brief(agents)}", step=step
            )
        if unknown := set(agents) - self._agents.keys():
            problem = f"has {brief(unknown.pop())}, which is not one of possible_agents"
            raise InvalidOutput(self._game, "agents", problem, step=step)
        return set(agents)

    def reward(self, outcome: Outcome, agent: Any, step: int) -> Any:
        """The reward of one agent: an int, or a float of the type that the game uses."""
        if agent not in outcome.rewards:
            raise InvalidOutput(self._game, "reward", "is missing", agent, step)
        try:
            reward = numbers(outcome.rewards[agent], 1, "float32")[0]
        except ValueError as error:
            raise InvalidOutput(self._game, "reward", str(error), agent, step) from None
        return reward if isinstance(reward, np.floating) else int(reward)

    def ended(self, outcome: Outcome, agent: Any, step: int, acted: bool) -> tuple[bool, bool]:
        """Whether one agent was terminated, and whether it was truncated.

        :param acted: whether the agent had to choose an action in this step; its flags must be present then.
        """
        terminated = self._flag("terminations", outcome.terminations, agent, step, acted)
        return terminated, self._flag("truncations", outcome.truncations, agent, step, acted)

    def _flag(self, field: str, flags: Mapping[Any, Any], agent: Any, step: int, needed: bool) -> bool:
        if EVERYBODY not in flags and isinstance(flag := flags.get(agent), bool):
            return flag
        given = [flags[key] for key in (agent, EVERYBODY) if key in flags]
        if not given and needed:
            raise InvalidOutput(self._game, field, "must hold a flag for it, true or false", agent, step)
        try:
            return any(bool(numbers(flag, 1, "bool")[0]) for flag in given)
        except ValueError:
            problem = f"must be true or false, not {brief(given[0])}"
            raise InvalidOutput(self._game, field, problem, agent, step) from None

    def _by_agent(
        self, field: str, values: Any, step: int, known: Mapping[Any, Any] | None = None
    ) -> Mapping[Any, Any]:
        if not isinstance(values, Mapping):
            problem = f"must be a dict with an entry for every agent, not {brief(values)}"
            raise InvalidOutput(self._game, field, problem, step=step)
        if known is not None and (unknown := values.keys() - known.keys()):
            problem = f"has {brief(unknown.pop())}, which is not one of possible_agents"
            raise InvalidOutput(self._game, field, problem, step=step)
        return values

    def _infos(self, infos: Any, step: int) -> Mapping[Any, Any]:
        if infos is None:
            return {}
        checked = self._by_agent("infos", infos, step)
        for key in checked.keys() - self._agents.keys():
            if other := misnamed(checked[key] if isinstance(checked[key], Mapping) else {key: checked[key]}):
                problem = f"has {other!r} outside of the info of an agent, where nothing looks for {MASK}"
                raise InvalidOutput(self._game, "infos", problem, step=step)
        return checked


def _form(returned: Any) -> str:
    """How a return value looks from outside."""
    if isinstance(returned, tuple | list):
        return f"{len(returned)} value{'s' * (len(returned) != 1)}, as before PettingZoo 1.23"
    return f"one {type(returned).__name__}"
