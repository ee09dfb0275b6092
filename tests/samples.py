"""Random episodes of any shape, for tests that need data rather than a game."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from remix.envs.spec import EnvSpec
from remix.learning.episodes import Batch, Episode, collate, pack


def make_spec(**changes: Any) -> EnvSpec:
    """A small environment: 3 agents, 4 actions, 5 numbers seen, 7 in the state."""
    sizes: dict[str, Any] = {
        "n_agents": 3,
        "n_actions": 4,
        "obs_size": 5,
        "state_size": 7,
        "episode_limit": 20,
    }
    return EnvSpec("sample", **(sizes | changes))


def make_episode(
    spec: EnvSpec, length: int, seed: int = 0, terminated: bool = False, **changes: Any
) -> Episode:
    """An episode of random numbers in which every taken action was available."""
    rng = np.random.default_rng(seed)

    def features(dtype: str, *shape: int) -> np.ndarray:
        return (rng.random(shape) < 0.3) if dtype == "bool" else rng.normal(size=shape).astype(dtype)

    actions = rng.integers(spec.n_actions, size=(length, spec.n_agents))
    avail_actions = rng.random((length + 1, spec.n_agents, spec.n_actions)) < 0.6
    avail_actions[-1, :, 0] = True
    np.put_along_axis(avail_actions[:-1], actions[..., None], True, axis=-1)
    values: dict[str, Any] = {
        "obs": features(spec.obs_dtype, length + 1, spec.n_agents, spec.obs_size),
        "state": features(spec.state_dtype, length + 1, spec.state_size),
        "avail_actions": avail_actions,
        "actions": actions,
        "reward": rng.normal(size=length).astype(np.float32),
        "behaviour": rng.uniform(0.1, 1.0, size=actions.shape).astype(np.float32),
        "terminated": terminated,
        "metrics": {},
    }
    if spec.individual_rewards:
        values["individual_rewards"] = rng.normal(size=actions.shape).astype(np.float32)
    return Episode(**(values | changes))


def make_batch(
    spec: EnvSpec, lengths: Sequence[int], terminated: Sequence[bool] | None = None, behaviour: bool = False
) -> Batch:
    """A batch of such episodes; seed i for the i-th."""
    ends = terminated if terminated is not None else [False] * len(lengths)
    episodes = [make_episode(spec, n, i, end) for i, (n, end) in enumerate(zip(lengths, ends, strict=True))]
    return collate([pack(episode, behaviour) for episode in episodes], spec)
