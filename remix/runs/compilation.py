"""Machine code: says that it is being made, which first runs wait for, and makes it beforehand.

Kernels and environments are compiled when they are first called, and kept on disk for later runs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

from numba.core.event import Event, Listener, install_listener
from omegaconf import DictConfig
from tqdm import tqdm


class Compilation(Listener):
    """What this process has compiled since it listens, told on the standard error.

    A terminal shows the function and the number of functions so far; elsewhere one line says that it begins.
    """

    told: ClassVar[bool] = False
    """Whether somebody listens for the whole process."""

    def __init__(self) -> None:
        self.functions = 0
        self._depth = 0
        self._bar: tqdm[Any] | None = None

    def on_start(self, event: Event) -> None:
        """A function begins; those that it calls come within."""
        if not self.functions and not self._depth:
            tqdm.write("compiling (once, then it is kept) ...", sys.stderr)
        if not self._depth:
            self._bar = tqdm(
                initial=self.functions, bar_format="{desc}{n} compiled", leave=False, disable=None
            )
        self._depth += 1
        if self._bar is not None:
            self._bar.set_description_str(f"compiling {event.data['dispatcher'].py_func.__name__}, ")

    def on_end(self, event: Event) -> None:
        """It is done."""
        self._depth -= 1
        if not self._depth:
            self.functions += 1
            if self._bar is not None:
                self._bar.close()


@contextmanager
def compilation_told() -> Iterator[None]:
    """Within it, users are told what they wait for; once, however many runs there are in this process."""
    if Compilation.told:
        yield
        return
    Compilation.told = True
    try:
        with install_listener("numba:compile", Compilation()):
            yield
    finally:
        Compilation.told = False


def warm_up(config: DictConfig) -> None:
    """Compile what runs of a configuration call, by one that makes a single update and is thrown away."""
    from remix.runs.experiment import train_alone

    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="remix-warmup-") as directory:
        config.run_dir = str(Path(directory) / "run")
        with redirect_stdout(StringIO()):
            train_alone(config)
    seconds = time.monotonic() - begun
    print(f"all that runs of {config.algorithm_name} on {config.env_name} call is compiled ({seconds:.0f} s)")
