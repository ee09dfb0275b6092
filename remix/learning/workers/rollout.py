"""One policy call per time step for all episodes of a batched environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.gate import Gate
from remix.envs.spec import Environment, EnvSpec, Observation, Step
from remix.learning.episodes import Episode
from remix.learning.policy import Policy
from remix.learning.workers.seeds import exploration_noise

Rows = slice | NDArray[np.int64]
"""Episodes that are still being played: all, or their numbers."""


def rollout(
    environment: Environment,
    policy: Policy,
    seeds: NDArray[np.int64],
    exploration: float | None,
    on_step: Callable[[], None] | None = None,
) -> list[Episode]:
    """Play one episode per seed to its end.

    :param seeds: ``[E]``.
    :param exploration: see :meth:`Policy.act`.
    :param on_step: called after every joint step, e.g. to take a picture.
    :returns: E episodes in the order of the seeds.
    """
    game = Gate.around(environment)
    spec, n = game.spec, len(seeds)
    observation = game.reset(seeds)
    record = _Record(observation, spec)
    actions = np.full((n, spec.n_agents), -1, dtype=np.int64)
    running, last_actions, hidden = np.arange(n), actions, policy.initial_state(n)
    lengths, terminated = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_)
    metrics: list[dict[str, float]] = [{} for _ in range(n)]
    t = 0
    with policy.frozen():
        while len(running):
            # A slice costs nothing; numbers of episodes make copies.
            rows: Rows = slice(None) if len(running) == n else running
            last_actions, probability, hidden = policy.act(
                observation.obs[rows],
                last_actions,
                observation.avail_actions[rows],
                hidden,
                exploration,
                exploration_noise(seeds[rows], t, spec.n_agents),
            )
            actions[rows] = last_actions
            step = game.step(actions)
            observation = step.observation
            record.append(t, rows, actions, probability, step)
            t += 1
            if game.some_ended:
                ended = (step.terminated | step.truncated)[rows]
                finished = running[ended]
                lengths[finished], terminated[finished] = t, step.terminated[finished]
                for i in finished:
                    metrics[i] = {name: float(step.info[name][i]) for name in spec.metrics}
                hidden = hidden[np.repeat(~ended, spec.n_agents)]
                running, last_actions = running[~ended], last_actions[~ended]
            if on_step is not None:
                on_step()
    return [record.episode(i, int(lengths[i]), bool(terminated[i]), metrics[i]) for i in range(n)]


class _Record:
    """Arrays of E episodes that are being played, ``[T, E, ...]``, doubled in length when they run full."""

    def __init__(self, first: Observation, spec: EnvSpec) -> None:
        n, size = len(first.state), min(spec.episode_limit, 256)
        self._points = [np.empty((size + 1, *array.shape), array.dtype) for array in first]
        self._actions = np.zeros((size, n, spec.n_agents), np.int64)
        self._behaviour = np.zeros((size, n, spec.n_agents), np.float32)
        self._reward = np.zeros((size, n), np.float32)
        paid = spec.n_agents if spec.individual_rewards else 0
        self._individual_rewards = np.zeros((size, n, paid), np.float32)
        self._see(0, first)

    def append(
        self,
        t: int,
        rows: Rows,
        actions: NDArray[np.int64],
        probability: NDArray[np.float32],
        step: Step,
    ) -> None:
        if t >= len(self._reward):
            self._points = [_doubled(array) for array in self._points]
            self._actions, self._behaviour = _doubled(self._actions), _doubled(self._behaviour)
            self._reward = _doubled(self._reward)
            self._individual_rewards = _doubled(self._individual_rewards)
        self._actions[t] = actions
        self._behaviour[t][rows] = probability
        self._reward[t] = step.reward
        if step.individual_rewards is not None:
            self._individual_rewards[t] = step.individual_rewards
        self._see(t + 1, step.observation)

    def _see(self, t: int, observation: Observation) -> None:
        for points, array in zip(self._points, observation, strict=True):
            points[t] = array

    def episode(self, i: int, length: int, terminated: bool, metrics: dict[str, float]) -> Episode:
        obs, state, avail_actions = (array[: length + 1, i].copy() for array in self._points)
        individual_rewards = self._individual_rewards[:length, i].copy()
        return Episode(
            obs,
            state,
            avail_actions,
            actions=self._actions[:length, i].copy(),
            reward=self._reward[:length, i].copy(),
            behaviour=self._behaviour[:length, i].copy(),
            terminated=terminated,
            metrics=metrics,
            individual_rewards=individual_rewards if individual_rewards.size else None,
        )


def _doubled(array: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate((array, np.empty_like(array)))
