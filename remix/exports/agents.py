"""The agents of an exported policy; needs onnxruntime and NumPy, and nothing else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Agents:
    """All N agents of a team, in E episodes at once; ``seed`` is of what is random in their choices."""

    def __init__(self, folder: str | Path, seed: int = 0) -> None:
        from onnxruntime import InferenceSession

        self.manifest = json.loads((Path(folder) / "manifest.json").read_text())
        self.session = InferenceSession(Path(folder) / "policy.onnx")
        self.random, self.n_agents = np.random.default_rng(seed), len(self.manifest["agents"])
        self.reset()

    def reset(self, n_episodes: int = 1) -> None:
        """New episodes begin."""
        rows = n_episodes * self.n_agents
        self.agent = np.tile(np.arange(self.n_agents), n_episodes)
        self.last_action = np.full(rows, -1)
        self.hidden = np.zeros((rows, self.manifest["hidden_size"]), np.float32)

    def act(self, obs: ArrayLike, avail_actions: ArrayLike) -> NDArray[Any]:
        """Actions ``[E, N]`` from observations ``[E, N, O]`` and available actions, bool ``[E, N, A]``."""
        rows = len(self.agent)
        given = {
            "obs": np.asarray(obs, np.float32).reshape(rows, -1),
            "last_action": self.last_action,
            "avail_actions": np.asarray(avail_actions, bool).reshape(rows, -1),
            "hidden": self.hidden,
            "agent": self.agent,
            "noise": self.random.random((rows, 2), np.float32),
        }
        wanted = {name: given[name] for name in self.manifest["inputs"]}
        self.last_action, _, _, self.hidden = self.session.run(None, wanted)
        return self.last_action.reshape(-1, self.n_agents).copy()  # the caller may change them
