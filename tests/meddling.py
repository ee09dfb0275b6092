"""A game that does with the global generators what it likes, as many simulators do."""

import random
from typing import Any

import numpy as np
import torch

from remix.envs.predator_prey import PredatorPrey


def seed_everything(seed: int | None) -> None:
    """Everybody's generators: from the same number always, or (None) from one that nobody knows."""
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


class MeddlingPredatorPrey(PredatorPrey):
    """Plays as the innocent one does, and seeds everybody's generators whenever it is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        seed_everything(0)

    def reset(self, *arguments: Any) -> Any:
        seed_everything(0)
        return super().reset(*arguments)

    def step(self, *arguments: Any) -> Any:
        seed_everything(None)
        return super().step(*arguments)
