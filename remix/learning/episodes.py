"""An episode as it was played, and a batch of episodes as the learner reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remix.envs.spec import EnvSpec
from remix.learning.packing import Arrays, pack_features, unpack_features
from remix.networks.features import Features, Rows


@dataclass
class Episode:
    """One whole episode of L transitions in the environment's own types.

    :param obs: ``[L+1, N, O]``, including the observation after the last action.
    :param state: ``[L+1, S]``.
    :param avail_actions: bool ``[L+1, N, A]``.
    :param actions: integer ``[L, N]``.
    :param reward: float32 ``[L]``.
    :param behaviour: float32 ``[L, N]``, probability with which each action was chosen.
    :param terminated: it came to a true end; if not, it was cut and its last value is bootstrapped.
    :param metrics: episode statistics of the environment.
    :param individual_rewards: float32 ``[L, N]`` if the environment has them.
    """

    obs: NDArray[np.generic]
    state: NDArray[np.generic]
    avail_actions: NDArray[np.bool_]
    actions: NDArray[np.integer]
    reward: NDArray[np.float32]
    behaviour: NDArray[np.float32]
    terminated: bool
    metrics: dict[str, float]
    individual_rewards: NDArray[np.float32] | None = None

    @property
    def length(self) -> int:
        """Number of transitions L."""
        return len(self.reward)

    @property
    def score(self) -> float:
        """Undiscounted return of the team."""
        return float(self.reward.sum(dtype=np.float64))

    @property
    def individual_scores(self) -> list[float]:
        """Undiscounted return of each agent, ``[N]``; only where there are individual rewards."""
        assert self.individual_rewards is not None
        scores: list[float] = self.individual_rewards.sum(axis=0, dtype=np.float64).tolist()
        return scores


def pack(
    episode: Episode, behaviour: bool = False, state: bool = True, individual_rewards: bool = False
) -> Arrays:
    """The arrays of an episode that are stored, in small types.

    :param behaviour: whether the probabilities of the actions are stored.
    :param state: whether the state is stored. One that is the observations end to end need not be.
    :param individual_rewards: whether the agents' own rewards are stored.
    """
    n_actions = episode.avail_actions.shape[-1]
    action_type = np.uint8 if n_actions <= 256 else np.int32
    terminated = np.zeros(episode.length, dtype=np.bool_)
    terminated[-1] = episode.terminated
    arrays: Arrays = {
        **pack_features("obs", episode.obs),
        **(pack_features("state", episode.state) if state else {}),
        "avail_actions": np.packbits(episode.avail_actions, axis=-1),
        "actions": episode.actions.astype(action_type),
        "reward": episode.reward.astype(np.float32),
        "terminated": terminated,
    }
    if behaviour:
        arrays["behaviour"] = episode.behaviour.astype(np.float32)
    if individual_rewards:
        assert episode.individual_rewards is not None
        arrays["individual_rewards"] = episode.individual_rewards.astype(np.float32)
    return arrays


@dataclass
class Batch:
    """B episodes without padding, packed time-major (see :mod:`remix.networks`).

    M rows are time points (L+1 per episode), K = M - B are transitions. Row k of the transitions leads to
    time point ``B + k``, so what follows every transition is the slice ``[B:]``; what precedes is ``here``.

    :param obs: ``[M, N, O]``, or bits ``[M, N, ceil(O / 8)]`` of 0/1 features; read :meth:`observations`.
    :param state: ``[M, S]`` or bits; read :meth:`states`.
    :param avail_actions: bits; read :meth:`availability`.
    :param actions: int64 ``[K, N]``.
    :param reward: ``[K]``.
    :param terminated: bool ``[K]``.
    :param here: int64 ``[K]``, the time point at which each transition starts.
    :param batch_sizes: int64 ``[T+1]`` on the CPU, episodes that have a time point t.
    :param behaviour: ``[K, N]`` if the replay keeps it.
    :param individual_rewards: ``[K, N]`` if the replay keeps them; read :meth:`agent_rewards`.
    """

    spec: EnvSpec
    obs: Tensor
    state: Tensor
    avail_actions: Tensor
    actions: Tensor
    reward: Tensor
    terminated: Tensor
    here: Tensor
    batch_sizes: Tensor
    behaviour: Tensor | None = None
    individual_rewards: Tensor | None = None

    @property
    def n_episodes(self) -> int:
        """B."""
        return int(self.batch_sizes[0])

    @cached_property
    def transition_sizes(self) -> list[int]:
        """Transitions at every time step, ``[T]``."""
        sizes: list[int] = self.batch_sizes[1:].tolist()
        return sizes

    @property
    def agent_sizes(self) -> Tensor:
        """Agents' histories that have a time point t, int64 ``[T+1]`` on the CPU."""
        return self.batch_sizes * self.spec.n_agents

    def observations(self) -> Tensor:
        """``[M, N, O]``, uint8 if the features are 0/1."""
        return _unbits(self.obs, self.spec.obs_size) if self.spec.obs_dtype == "bool" else self.obs

    def states(self) -> Tensor:
        """Float ``[M, S]``."""
        packed = self.spec.state_dtype == "bool"
        return (_unbits(self.state, self.spec.state_size) if packed else self.state).float()

    def state_rows(self) -> Rows:
        """The states ``[M, S]`` as network input."""
        if self.spec.state_dtype == "bool" and self.state.device.type == "cpu":
            return Features.of_bits(self.state, self.spec.state_size)
        return self.states()

    def obs_rows(self) -> Rows:
        """The observations ``[M * N, O]`` as network input."""
        if self.obs.device.type != "cpu":
            return self.observations().flatten(0, 1)
        rows = self.obs.flatten(0, 1)
        if self.spec.obs_dtype == "bool":
            return Features.of_bits(rows, self.spec.obs_size)
        return Features.of_numbers(rows.float())

    def availability(self) -> Tensor:
        """Bool ``[M, N, A]``."""
        return _unbits(self.avail_actions, self.spec.n_actions).bool()

    def inputs(self, build: Callable[[Rows, Tensor], Rows]) -> Rows:
        """What agents' networks read at all time points, ``[M * N, I]``; built once for all of them.

        :param build: makes it of :meth:`obs_rows` and :meth:`last_actions`.
        """
        if build not in self._inputs:
            self._inputs[build] = build(self.obs_rows(), self.last_actions())
        return self._inputs[build]

    @cached_property
    def _inputs(self) -> dict[Callable[[Rows, Tensor], Rows], Rows]:
        return {}

    def agent_rewards(self, individual: bool) -> Tensor:
        """Rewards ``[K, N]`` to learn from: each agent's own, which the replay must keep, or the team's."""
        if not individual:
            return self.reward.unsqueeze(-1).expand(self.actions.shape)
        assert self.individual_rewards is not None
        return self.individual_rewards

    def last_actions(self) -> Tensor:
        """The joint action before every time point, int64 ``[M, N]``, -1 before the first."""
        none = self.actions.new_full((self.n_episodes, self.spec.n_agents), -1)
        return torch.cat((none, self.actions))

    def to(self, device: torch.device, **options: Any) -> Batch:
        """The same batch on another device; ``batch_sizes`` stays where it is."""
        moved: dict[str, Any] = {
            field.name: value.to(device, **options)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor) and field.name != "batch_sizes"
        }
        return replace(self, **moved)


def agent_rows(points: Tensor, n_agents: int) -> Tensor:
    """Rows int64 ``[K * N]`` of all agents at some time ``points [K]``, agents of a point side by side."""
    return (points.unsqueeze(-1) * n_agents + torch.arange(n_agents, device=points.device)).flatten()


def collate(episodes: Sequence[Arrays], spec: EnvSpec) -> Batch:
    """Lay stored episodes out as a :class:`Batch`, in the order of their lengths, longest first.

    :raises ValueError: they are those of another environment.
    """
    ordered = sorted(episodes, key=lambda arrays: -len(arrays["reward"]))
    lengths = np.array([len(arrays["reward"]) for arrays in ordered])
    points, steps = _time_major(lengths + 1), _time_major(lengths)
    batch_sizes = torch.from_numpy(np.bincount(points.times))
    here = torch.arange(len(ordered), len(points.rows))
    here -= torch.repeat_interleave(batch_sizes[:-1], batch_sizes[1:])

    def gather(name: str, rows: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(np.concatenate([arrays[name] for arrays in ordered])[rows])

    def gather_kept(name: str) -> Tensor | None:
        return gather(name, steps.rows) if name in ordered[0] else None

    def features(name: str, shape: tuple[int, ...]) -> Tensor:
        if name in ordered[0]:
            return gather(name, points.rows)
        return torch.from_numpy(unpack_features(name, ordered, points.rows, shape))

    obs = features("obs", (spec.n_agents, spec.obs_size))
    return Batch(
        spec=spec,
        obs=obs,
        state=_end_to_end(obs, spec) if spec.state_from_obs else features("state", (spec.state_size,)),
        avail_actions=gather("avail_actions", points.rows),
        actions=gather("actions", steps.rows).long(),
        reward=gather("reward", steps.rows),
        terminated=gather("terminated", steps.rows),
        here=here,
        batch_sizes=batch_sizes,
        behaviour=gather_kept("behaviour"),
        individual_rewards=gather_kept("individual_rewards"),
    )


@dataclass(frozen=True)
class _Order:
    """Row numbers of episode-major rows in time-major order, and the time step of each."""

    rows: NDArray[np.int64]
    times: NDArray[np.int64]


def _time_major(lengths: NDArray[np.int64]) -> _Order:
    times = np.concatenate([np.arange(length) for length in lengths])
    rows = np.argsort(times, kind="stable")
    return _Order(rows, times[rows])


def _end_to_end(obs: Tensor, spec: EnvSpec) -> Tensor:
    """The observations of all agents one after the other ``[M, N * O]``, or their bits."""
    if spec.obs_dtype != "bool":
        return obs.flatten(1)
    bits = np.unpackbits(obs.numpy(), axis=-1, count=spec.obs_size).reshape(len(obs), -1)
    return torch.from_numpy(np.packbits(bits, axis=-1))


def _unbits(packed: Tensor, size: int) -> Tensor:
    """0/1 features of packed ones, uint8 ``[..., size]``."""
    shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=packed.device)
    bits = packed.unsqueeze(-1).bitwise_right_shift(shifts).bitwise_and_(1)
    return bits.flatten(-2)[..., :size]
