"""Places of PettingZoo agents in arrays of fixed size. Needs the extra ``pettingzoo``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from envs.errors import SettingError


@dataclass(frozen=True)
class Slot:
    """Fixed place of one agent, kept when the agent leaves the game.

    :param agent: its name in the game.
    :param n_actions: number of its actions.
    :param first_action: what the game calls its action 0.
    :param space: what it observes, without the action mask.
    :param masked: whether its observation is a Dict that also holds an ``action_mask``.
    :param obs_size: length of its flattened observation.
    :param binary: whether that observation is made of zeros and ones.
    """

    agent: Any
    n_actions: int
    first_action: int
    space: spaces.Space[Any]
    masked: bool
    obs_size: int
    binary: bool

    def write(
        self,
        observation: Any,
        info: Mapping[str, Any],
        obs: NDArray[np.generic],
        avail_actions: NDArray[np.bool_],
    ) -> None:
        """Fill the rows ``obs [O]`` and ``avail_actions [A]``, both zero so far."""
        obs[: self.obs_size] = np.asarray(spaces.flatten(self.space, observation))
        mask = observation["action_mask"] if self.masked else info.get("action_mask")
        avail_actions[: self.n_actions] = True if mask is None else mask
        # Nothing to decide: Gymnasium's sampling, too, gives the first action for an empty mask.
        avail_actions[0] |= not avail_actions.any()


def make_slot(id: str, game: ParallelEnv[Any, Any, Any], agent: Any) -> Slot:
    """The slot of one agent.

    :param id: the user's name of the game, for the error.
    :raises SettingError: its actions are not discrete or its observations of no fixed size.
    """
    actions = game.action_space(agent)
    if not isinstance(actions, spaces.Discrete):
        reason = f"but {agent} has {actions}; continuous action spaces are out of scope"
        raise SettingError("id", id, f"must have discrete actions, {reason}")
    space, masked = without_mask(game.observation_space(agent))
    flat = spaces.flatten_space(space)
    if not isinstance(flat, spaces.Box):
        raise SettingError("id", id, f"must have observations of fixed size, but {agent} has {space}")
    return Slot(
        agent=agent,
        n_actions=int(actions.n),
        first_action=int(actions.start),
        space=space,
        masked=masked,
        obs_size=flat.shape[0],
        binary=flat.dtype.kind in "biu" and bool(np.all(flat.low >= 0) and np.all(flat.high <= 1)),
    )


def without_mask(space: spaces.Space[Any]) -> tuple[spaces.Space[Any], bool]:
    """What is observed apart from an ``action_mask``, and whether there is such a mask."""
    if not isinstance(space, spaces.Dict) or "action_mask" not in space.spaces:
        return space, False
    return spaces.Dict({key: part for key, part in space.spaces.items() if key != "action_mask"}), True
