"""What is compiled is told, once, and ``remix warmup`` leaves nothing to compile."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from remix.runs.compilation import compilation_told

SMALL = ("env=matrix_game", "algorithm=vdn", "threads=1")
COUNTING = """
import sys
from numba.core import event
counted = []
class Count(event.Listener):
    def on_start(self, event): counted.append(event.data["dispatcher"].py_func.__qualname__)
    def on_end(self, event): pass
event.register("numba:compile", Count())
from remix.cli.command import main
main()
print("compiled:", len(counted), *counted)
"""


def _plus_one(numbers: np.ndarray) -> np.ndarray:
    return numbers + 1


def test_what_is_compiled_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    double = njit(_plus_one)
    with compilation_told():
        double(np.zeros(3))
        double(np.zeros(3, np.float32))
        double(np.zeros(3))
    assert capsys.readouterr().err.count("compiling (once") == 1


def test_nothing_is_told_where_nothing_is_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    double = njit(_plus_one)
    double(np.zeros(3))
    with compilation_told():
        double(np.zeros(3))
    double(np.zeros(3, np.float32))
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_a_run_after_a_warm_up_compiles_nothing(tmp_path: Path) -> None:
    cache = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "code")}

    def remix(*arguments: str) -> str:
        command = [sys.executable, "-c", COUNTING, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=cache, capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    said = remix("warmup", *SMALL)
    assert "compiling (once" in said
    assert re.search(r"all that runs of vdn on matrix_game call is compiled \(\d+ s\)", said)
    assert not (tmp_path / "runs").exists()
    settings = ("max_env_steps=600", "steps_per_epoch=300", "replay.batch_size=32", "logger=none")
    said = remix("train", *SMALL, *settings, "run_dir=run", "callbacks=none")
    assert "compiled: 0" in said
    assert "compiling" not in said.replace("compiled: 0", "")
