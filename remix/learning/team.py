"""Trained agents in a loop of one's own: observations in, actions out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from remix.envs.spec import Environment, EnvSpec
from remix.learning.policy import Policy
from remix.learning.workers.seeds import exploration_noise
from remix.settings import checks
from remix.settings.errors import InvalidOutput, brief, one_of

if TYPE_CHECKING:
    from remix.envs.slots import Slot


class Team:
    """A policy that remembers what its agents have seen and done in one episode.

    Observations come by agent, as a PettingZoo game has them, or as an array with a row per agent. The same
    observations lead to the same actions as in :func:`remix.evaluate`.

    :param policy: is copied.
    :param spec: of the environment that it was trained in.
    :param slots: gives the places of a PettingZoo game's agents; asked for at the first dictionary only.
    :param exploration: None for the best actions; a number samples as in training with this epsilon.
    :raises SettingError: the exploration is no share.
    """

    def __init__(
        self,
        policy: Policy,
        spec: EnvSpec,
        slots: Callable[[], Sequence[Slot]],
        exploration: float | None = None,
    ) -> None:
        if exploration is not None:
            checks.number("exploration", exploration, 0.0, 1.0)
        self.spec, self.exploration = spec, exploration
        self._policy, self._make_slots = deepcopy(policy).cpu().eval().freeze(), slots
        self.reset()

    def reset(self, seed: int = 0) -> None:
        """A new episode begins.

        :param seed: of what is random in the choice of actions, if anything is.
        """
        self._seed = np.array([seed], np.int64)
        self._step = 0
        self._hidden = self._policy.initial_state(1)
        self._actions = np.full((1, self.spec.n_agents), -1, np.int64)

    @overload
    def act(
        self, observations: Mapping[Any, Any], infos: Mapping[Any, Any] | None = None
    ) -> dict[Any, Any]: ...
    @overload
    def act(
        self, observations: NDArray[Any], infos: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int64]: ...
    def act(self, observations: Any, infos: Any = None) -> Any:
        """The actions of all agents at this step.

        :param observations: by agent, of those that play on, with ``action_mask`` beside the observation or
            in the info where there is one; or ``[N, O]``.
        :param infos: by agent; or the available actions, bool ``[N, A]``, None for all.
        :returns: by agent, as the game takes them; or int64 ``[N]``.
        :raises InvalidOutput: what is observed does not fit the agents.
        """
        if not isinstance(observations, Mapping):
            return self._choose(*self._arrays(observations, infos))
        obs, avail = self._rows(observations, infos or {})
        chosen = self._choose(obs, avail)
        return {
            slot.agent: slot.action(int(action))
            for slot, action in zip(self._slots, chosen, strict=True)
            if slot.agent in observations
        }

    @cached_property
    def _slots(self) -> Sequence[Slot]:
        return self._make_slots()

    def _choose(self, obs: NDArray[Any], avail: NDArray[np.bool_]) -> NDArray[np.int64]:
        noise = exploration_noise(self._seed, self._step, self.spec.n_agents)
        self._actions, _, self._hidden = self._policy.act(
            obs[None], self._actions, avail[None], self._hidden, self.exploration, noise
        )
        self._step += 1
        return self._actions[0].copy()

    def _arrays(self, observations: Any, avail: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """``[N, O]`` and ``[N, A]`` as the policy reads them."""
        spec = self.spec
        obs = self._read("observations", observations, spec.obs_dtype, spec.obs_size)
        if avail is None:
            return obs, np.ones((spec.n_agents, spec.n_actions), np.bool_)
        mask = self._read("infos", avail, "bool", spec.n_actions)
        if not mask.any(axis=-1).all():
            raise InvalidOutput(spec.name, "infos", "leaves an agent without any action", step=self._step)
        return obs, mask

    def _read(self, name: str, given: Any, kind: str, size: int) -> NDArray[Any]:
        """What is given under a ``name``, ``[N, size]`` of a ``kind``."""
        try:
            return _held(given, kind, (self.spec.n_agents, size))
        except ValueError as error:
            raise InvalidOutput(self.spec.name, name, str(error), step=self._step) from None

    def _rows(
        self, observations: Mapping[Any, Any], infos: Mapping[Any, Any]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """``[N, O]`` and ``[N, A]``; who is not there sees zeros, and has action 0 alone, as in training."""
        spec = self.spec
        agents = [slot.agent for slot in self._slots]
        if strangers := [agent for agent in observations if agent not in agents]:
            problem = f"has {brief(strangers[0])}; {one_of(map(str, agents), str(strangers[0]))}"
            raise InvalidOutput(spec.name, "observations", problem, step=self._step)
        obs = np.zeros((spec.n_agents, spec.obs_size), spec.obs_dtype)
        avail = np.zeros((spec.n_agents, spec.n_actions), np.bool_)
        for n, slot in enumerate(self._slots):
            if slot.agent in observations:
                view = observations[slot.agent]
                slot.write(view, infos.get(slot.agent), obs[n], avail[n], self._step)
        avail[~avail.any(axis=-1), 0] = True
        return obs, avail


def _held(given: Any, kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """The numbers given in a type that holds them: floats may be rounded, and nothing else may change.

    :raises ValueError: it does not hold them, or they have another shape, as a phrase.
    """
    array = np.asarray(given)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"must be an array of numbers, not {brief(given)}")
    if array.shape != shape:
        raise ValueError(f"has shape {list(array.shape)}, must be {list(shape)}")
    with np.errstate(invalid="ignore", over="ignore"):
        numbers = np.ascontiguousarray(array, kind)
    floating = numbers.dtype.kind == "f"
    held = np.isfinite(numbers) if floating else numbers == array
    if not held.all():
        expected = "finite" if floating else f"of the type {kind}"
        raise ValueError(f"has {array[~held][0]}, must be {expected}")
    return numbers


def slots_of(game: Environment) -> Sequence[Slot]:
    """The places of a PettingZoo game's agents; of other environments, those they have as such a game.

    :param game: an environment; is closed.
    """
    from remix.envs.parallel import ParallelEnvironment
    from remix.envs.pettingzoo import PettingZoo
    from remix.envs.slots import make_slot

    with closing(game):
        if isinstance(game, PettingZoo):
            return game.slots
        wrapped = ParallelEnvironment(game)
        return [
            make_slot(game.spec.name, agent, wrapped.action_space(agent), wrapped.observation_space(agent))
            for agent in wrapped.possible_agents
        ]
