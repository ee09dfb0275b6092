"""An environment that fails when a file tells it to; worker processes import it from here."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix.envs.predator_prey import PredatorPrey
from remix.envs.spec import Observation, Step
from tests.programs import start_program


def complain() -> None:
    """What a broken game does."""
    raise RuntimeError("the game is broken")


FAULTS: dict[str, Callable[[], None]] = {
    "raise": complain,
    "hang": lambda: time.sleep(1000),
    "exit": lambda: os._exit(3),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
}


class SmallPredatorPrey(PredatorPrey):
    """Two agents and two prey on nine cells: episodes of up to 12 steps."""

    def __init__(self) -> None:
        super().__init__(
            n_agents=2, n_stags=2, agents_needed_stag=1, world_shape=(3, 3), obs_radius=1, episode_limit=12
        )


class Faulty(SmallPredatorPrey):
    """Fails in its third step once ``file`` holds the name of a fault.

    :param always: fail every time; otherwise only the first process that comes across the file.
    """

    def __init__(self, file: Path, always: bool = False) -> None:
        super().__init__()
        self.file, self.always = file, always

    def step(self, actions: NDArray[np.integer]) -> Step:
        if self.world.steps.max() == 2 and self.file.exists():
            FAULTS.get(self._fault(), lambda: None)()
        return super().step(actions)

    def _fault(self) -> str:
        if self.always:
            return self.file.read_text()
        taken = self.file.with_suffix(f".{os.getpid()}")
        try:
            self.file.rename(taken)  # of several processes, one succeeds
        except FileNotFoundError:
            return ""
        return taken.read_text()


class Slow(Faulty):
    """Takes 20 ms for a step."""

    def step(self, actions: NDArray[np.integer]) -> Step:
        time.sleep(0.02)
        return super().step(actions)


class WithProgram(Faulty):
    """Has a program run, as games do, and forgets to end it.

    :param programs: file that gets the process ids of the programs.
    """

    def __init__(self, file: Path, programs: Path) -> None:
        super().__init__(file)
        self.programs, self.started = programs, False

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        if not self.started:
            start_program(self.programs)
            self.started = True
        return super().reset(seeds)
