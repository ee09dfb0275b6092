"""An environment that fails when a file tells it to; worker processes import it from here."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from envs.predator_prey import PredatorPrey
from envs.spec import Step


def small_predator_prey() -> PredatorPrey:
    """Two agents and two prey on nine cells: episodes of 3 to 12 steps."""
    return PredatorPrey(
        n_agents=2, n_stags=2, agents_needed_stag=1, world_shape=(3, 3), obs_radius=1, episode_limit=12
    )


class Faulty(PredatorPrey):
    """The small Predator-Prey, except while ``file`` holds the name of a fault.

    The first worker to reach its third step removes the file and fails, unless the fault is ``always_raise``.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(
            n_agents=2, n_stags=2, agents_needed_stag=1, world_shape=(3, 3), obs_radius=1, episode_limit=12
        )
        self.file = file

    def step(self, actions: np.ndarray) -> Step:
        if self.world.steps.max() == 2 and self.file.exists():
            self.fail()
        return super().step(actions)

    def fail(self) -> None:
        fault = self.file.read_text()
        if fault != "always_raise":
            self.file.unlink()
        faults: dict[str, Any] = {
            "hang": lambda: time.sleep(1000),
            "exit": lambda: os._exit(3),
            "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
        }
        faults.get(fault, self.complain)()

    def complain(self) -> None:
        raise RuntimeError("the game is broken")
