"""The command, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from hydra.core.global_hydra import GlobalHydra

from remix.cli import command as cli
from remix.runs import config
from tests import command_line

ROOT = Path(__file__).parents[2]
PATIENCE = 600.0
"""Seconds after which a process counts as hung."""

FULL_ERROR = "HYDRA_FULL_ERROR"
"""A variable that a command sets for its own process, and that would make another one verbose."""

RUN_FOLDER = "runs/x"
TINY = (*command_line.TINY, "callbacks=none")


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def end(self) -> str:
        """The last line that was said, for messages."""
        return (self.err.strip() or self.out.strip() or "nothing was said").splitlines()[-1][:200]


def call(home: Path, *words: str, main: Callable[[], None] = cli.main) -> Outcome:
    """Exit status and output of ``remix WORDS`` within this process, as if it had been given in ``home``.

    What the command leaves for the end of its process is done too.
    """
    GlobalHydra.instance().clear()
    config._new_directory.cache_clear()
    at_exit: list[Callable[[], object]] = []
    out, err, code = StringIO(), StringIO(), 0
    with (
        chdir(home),
        patch.object(sys, "argv", ["remix", *words]),
        patch.object(sys, "path", list(sys.path)),
        patch.dict(os.environ),
        patch.object(warnings, "formatwarning", warnings.formatwarning),  # put back afterwards
        patch("atexit.register", lambda function, *first: at_exit.append(partial(function, *first))),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        os.environ.pop(FULL_ERROR, None)
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except Exception:
            traceback.print_exc()
            code = 1
        for function in reversed(at_exit):
            function()
    return Outcome(code, out.getvalue(), err.getvalue())


class Process:
    """A command in a process of its own, with its output in files of its folder.

    :param home: the folder it is given in.
    :param program: Python to run instead of the command; finds the words in ``sys.argv``.
    :param environment: variables to add.
    """

    def __init__(
        self, home: Path, *words: str, program: str = "", environment: dict[str, str] | None = None
    ) -> None:
        number = len(list(home.glob(".out.*")))
        self._out, self._err = home / f".out.{number}", home / f".err.{number}"
        self._mark = f"REMIX_FAULTS={home}.{number}"
        code = program or "from remix.cli.command import main; main()"
        variables = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        variables.pop(FULL_ERROR, None)
        name, _, value = self._mark.partition("=")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, *words],
                cwd=home,
                env=variables | {name: value},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def wait(self) -> Outcome:
        """Its end.

        :raises AssertionError: it did not end.
        """
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"no end within {PATIENCE:g} s") from None
        return Outcome(code, self._out.read_text(), self._err.read_text())

    def descendants(self) -> list[str]:
        """Command lines of all that it started and that runs on; where the system does not tell, none."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self._mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    words = (folder / "cmdline").read_bytes().split(b"\0")
                    found.append(b" ".join(words).decode(errors="replace").strip())
            except OSError:  # ended meanwhile, or somebody else's
                continue
        return [line for line in found if line]  # one that nobody has waited for has no command line
