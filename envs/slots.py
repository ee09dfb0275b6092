"""The places of PettingZoo agents in arrays of fixed size. Needs the extra ``pettingzoo``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from remix.envs.flattening import Part, counts_of, numbers, parts_of
from remix.settings.errors import InvalidOutput, SettingError, brief

MASK = "action_mask"
MOST_COMBINATIONS = 10_000
"""The most actions of a MultiDiscrete or MultiBinary space; each combination of choices is an action."""

_OTHER_NAMES = re.compile(
    r"(avail|available|legal|valid|allowed|possible)_?(actions?|moves?)(_?masks?)?|(actions?|moves?)_?masks?"
)


@dataclass(frozen=True)
class Slot:
    """The fixed place of one agent. It stays when the agent leaves the game.

    :param game: name of the game in errors.
    :param agent: name of the agent in the game.
    :param space: space of its actions. The combinations of a MultiDiscrete or MultiBinary space are numbered
        row by row; the last component counts fastest.
    :param parts: leaves of its observation, without the action mask.
    :param masked: whether its observation space declares an action mask.
    :param n_actions: number of its actions.
    :param obs_size: length of its flattened observation.
    :param obs_dtype: the smallest of bool, uint8 and float32 that holds the observation.
    """

    game: str
    agent: Any
    space: spaces.Space[Any]
    parts: tuple[Part, ...]
    masked: bool
    n_actions: int
    obs_size: int
    obs_dtype: np.dtype[Any]

    def action(self, number: int) -> Any:
        """The game's own form of the action with this number."""
        if isinstance(self.space, spaces.Discrete):
            return int(self.space.start) + number
        counts, start = counts_of(self.space)
        chosen = np.array(np.unravel_index(number, tuple(counts)), np.int64) + start
        return chosen.reshape(self.space.shape).astype(self.space.dtype)

    def write(
        self, observation: Any, info: Any, obs: NDArray[Any], avail: NDArray[np.bool_], step: int
    ) -> None:
        """Fill the rows ``obs [O]`` and ``avail [A]``, which hold zeros so far.

        :param info: the agent's info. It is ignored if it is no mapping.
        :param step: number of the step, for errors.
        :raises InvalidOutput: the observation or the mask cannot be used. A mask of zeros is no error here.
        """
        start = 0
        try:
            for part in self.parts:
                obs[start : start + part.size] = part.read(observation)
                start += part.size
        except ValueError as error:
            raise InvalidOutput(self.game, "observation", str(error), self.agent, step) from None
        mask = self._mask(observation, info, step)
        avail[: self.n_actions] = True if mask is None else mask

    def _mask(self, observation: Any, info: Any, step: int) -> NDArray[Any] | None:
        sources = [source for source in (observation, info) if isinstance(source, Mapping)]
        mask = next((source[MASK] for source in sources if source.get(MASK) is not None), None)
        if mask is not None:
            try:
                return numbers(mask, self.n_actions, "bool")
            except ValueError:
                problem = f"must be {self.n_actions} zeros and ones, one per action, not {brief(mask)}"
                raise InvalidOutput(self.game, MASK, problem, self.agent, step) from None
        declared = dict.fromkeys((key for part in self.parts for key, _ in part.path), ())
        if other := next(filter(None, map(misnamed, (*sources, declared))), None):
            place = f"a mask must be called {MASK} and stand in the info or beside the observation"
            problem = f"is missing, but there is {other!r}: {place}"
            raise InvalidOutput(self.game, MASK, problem, self.agent, step)
        if self.masked:
            raise InvalidOutput(self.game, MASK, "is missing, but its space declares one", self.agent, step)
        return None


def make_slot(id: str, agent: Any, actions: Any, observed: Any) -> Slot:
    """Make the slot of one agent.

    :param id: the user's name of the game, ``env.id``.
    :param actions: the agent's action space.
    :param observed: the agent's observation space.
    :raises SettingError: its actions are not discrete, or its observations have no fixed size.
    """
    for space in (actions, observed):
        if type(space).__module__.split(".")[0] == "gym":
            spaces_needed = "it needs those of gymnasium; old games are converted by pip install shimmy"
            raise SettingError(
                "id", id, f"{agent} has {brief(space)} of the old package gym; {spaces_needed}"
            )
    masked = isinstance(observed, spaces.Dict) and MASK in observed.spaces
    if masked:
        observed = spaces.Dict({key: part for key, part in observed.spaces.items() if key != MASK})
    try:
        parts = tuple(parts_of(observed))
    except ValueError as error:
        reason = f"must have observations of fixed size, but {agent} has {error}"
        raise SettingError("id", id, reason) from None
    return Slot(
        game=f"pettingzoo/{id}",
        agent=agent,
        space=actions,
        parts=parts,
        masked=masked,
        n_actions=_number_of(actions, id, agent),
        obs_size=sum(part.size for part in parts),
        obs_dtype=np.result_type(np.bool_, *(np.dtype(part.dtype) for part in parts)),
    )


def _number_of(actions: Any, id: str, agent: Any) -> int:
    if not isinstance(actions, spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary):
        reason = f"must have discrete actions, but {agent} has {brief(actions)}"
        if isinstance(actions, spaces.Box):
            reason += "; continuous action spaces are out of scope"
        raise SettingError("id", id, reason)
    count = math.prod(counts_of(actions)[0].tolist())
    if count > MOST_COMBINATIONS and not isinstance(actions, spaces.Discrete):
        reason = f"{agent} has {brief(actions)} with {count:,} combinations"
        raise SettingError("id", id, f"{reason}; at most {MOST_COMBINATIONS:,} can be told apart")
    return count


def shared_names(slots: Sequence[Slot]) -> tuple[str, ...]:
    """The names of combined actions, such as ``2 0 1``, if all agents have the same; otherwise none."""
    space = slots[0].space
    if isinstance(space, spaces.Discrete) or any(slot.space != space for slot in slots):
        return ()
    return tuple(" ".join(map(str, np.ravel(slots[0].action(k)))) for k in range(slots[0].n_actions))


def misnamed(entries: Mapping[Any, Any]) -> str | None:
    """The first key that looks like an action mask's and holds more than one number, None without one."""
    for key, value in entries.items():
        if isinstance(key, str) and isinstance(value, Sized) and _like_a_mask(key):
            return key
    return None


@cache
def _like_a_mask(key: str) -> bool:
    return _OTHER_NAMES.fullmatch(key.lower()) is not None
