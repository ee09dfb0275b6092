"""One policy call per time step for all episodes of a batched environment."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from remix.envs.gate import Gate
from remix.envs.spec import Environment, Observation
from remix.learning.episodes import Episode
from remix.learning.policy import Policy
from remix.learning.workers.seeds import exploration_noise


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
    record = _Record(observation, spec.episode_limit)
    actions = np.full((n, spec.n_agents), -1, dtype=np.int64)
    hidden = policy.initial_state(n)
    running = np.arange(n)
    lengths, terminated = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_)
    metrics: list[dict[str, float]] = [{} for _ in range(n)]
    t = 0
    with policy.frozen():
        while len(running):
            everyone = len(running) == n
            rows = slice(None) if everyone else running
            chosen, probability, hidden = policy.act(
                torch.from_numpy(np.ascontiguousarray(observation.obs[rows])),
                torch.from_numpy(actions[rows]),
                torch.from_numpy(np.ascontiguousarray(observation.avail_actions[rows])),
                hidden,
                exploration,
                torch.from_numpy(exploration_noise(seeds[rows], t, spec.n_agents)),
            )
            actions[rows] = chosen.numpy()
            step = game.step(actions)
            observation = step.observation
            record.append(t, rows, actions, probability.numpy(), step.reward, observation)
            t += 1
            if game.some_ended:
                ended = (step.terminated | step.truncated)[rows]
                finished = running[ended]
                lengths[finished], terminated[finished] = t, step.terminated[finished]
                for i in finished:
                    metrics[i] = {name: float(step.info[name][i]) for name in spec.metrics}
                hidden = hidden.view(len(running), spec.n_agents, -1)[torch.from_numpy(~ended)].flatten(0, 1)
                running = running[~ended]
            if on_step is not None:
                on_step()
    return [record.episode(i, int(lengths[i]), bool(terminated[i]), metrics[i]) for i in range(n)]


class _Record:
    """Arrays of E episodes that are being played, ``[T, E, ...]``, doubled in length when they run full."""

    def __init__(self, first: Observation, episode_limit: int) -> None:
        self._points = {
            name: np.empty((min(episode_limit, 256) + 1, *array.shape), array.dtype)
            for name, array in first._asdict().items()
        }
        self._steps: dict[str, NDArray[np.generic]] = {}
        for name, array in first._asdict().items():
            self._points[name][0] = array

    def append(
        self,
        t: int,
        rows: slice | NDArray[np.int64],
        actions: NDArray[np.int64],
        probability: NDArray[np.float32],
        reward: NDArray[np.float32],
        observation: Observation,
    ) -> None:
        if not self._steps:
            size = len(self._points["state"]) - 1
            self._steps = {
                "actions": np.zeros((size, *actions.shape), actions.dtype),
                "behaviour": np.zeros((size, *actions.shape), np.float32),
                "reward": np.zeros((size, *reward.shape), np.float32),
            }
        if t >= len(self._steps["reward"]):
            self._points = {name: _doubled(array) for name, array in self._points.items()}
            self._steps = {name: _doubled(array) for name, array in self._steps.items()}
        self._steps["actions"][t] = actions
        self._steps["behaviour"][t][rows] = probability
        self._steps["reward"][t] = reward
        for name, array in observation._asdict().items():
            self._points[name][t + 1] = array

    def episode(self, i: int, length: int, terminated: bool, metrics: dict[str, float]) -> Episode:
        points = {name: array[: length + 1, i].copy() for name, array in self._points.items()}
        steps = {name: array[:length, i].copy() for name, array in self._steps.items()}
        return Episode(**points, **steps, terminated=terminated, metrics=metrics)  # type: ignore[arg-type]


def _doubled(array: NDArray[np.generic]) -> NDArray[np.generic]:
    return np.concatenate((array, np.empty_like(array)))
