"""Jobs on Slurm, where there is one: a single node that this machine is itself is enough."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from remix.records.directory import RunDirectory
from tests.command_line import TINY

REMIX = (sys.executable, "-c", "from remix.cli.command import main; main()")
LONG = (*TINY, "max_env_steps=4_000", "steps_per_epoch=400", "callbacks.absolute_metric=null")
"""Long enough to be stopped on the way."""


def has_slurm() -> bool:
    return (
        shutil.which("sinfo") is not None and subprocess.run(["sinfo"], capture_output=True).returncode == 0
    )


pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_slurm(), reason="there is no Slurm here")]


def wait_until(true: Callable[[], object], patience: float = 800.0) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_job_of_a_study_is_queued_again_and_goes_on(tmp_path: Path):
    line = [
        *REMIX,
        "train",
        *LONG,
        "study=custom",
        "study.name=s",
        "seed=1,2",
        "hydra/launcher=submitit_slurm",
    ]
    line += ["hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=null", "hydra.launcher.timeout_min=10"]
    study = subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    folder = tmp_path / "runs/studies/s"
    wait_until(lambda: RunDirectory(folder / "matrix_game/vdn/seed1").goes_on_from)
    (job,) = folder.glob(".submitit/*_0")
    subprocess.run(["scancel", "--signal=USR2", job.name], check=True)  # as before the end of its time
    out, err = study.communicate(timeout=800)
    assert study.returncode == 0, err
    assert "study s: 2 jobs: 2 finished\n" in out
    assert "resumed from" in (job / f"{job.name}_0_log.out").read_text()


SCRIPT = """\
#!/bin/bash
#SBATCH --time=00:10:00
#SBATCH --cpus-per-task=1
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=output.txt

srun {command} resume=auto
[ $? -eq 138 ] && scontrol requeue $SLURM_JOB_ID
"""


def test_a_script_queues_its_run_again(tmp_path: Path):
    """That of docs/machines.md."""
    (tmp_path / "remix").write_text(f"#!/bin/bash\nexec {sys.executable} -c '{REMIX[2]}' \"$@\"\n")
    (tmp_path / "remix").chmod(0o755)
    command = " ".join(("./remix", "train", *LONG, "run_dir=runs/one"))
    (tmp_path / "job.sh").write_text(SCRIPT.format(command=command))
    sent = subprocess.run(["sbatch", "job.sh"], cwd=tmp_path, capture_output=True, text=True, check=True)
    run = RunDirectory(tmp_path / "runs/one")
    wait_until(lambda: run.goes_on_from)
    subprocess.run(["scancel", "--signal=USR1", sent.stdout.split()[-1]], check=True)
    wait_until(lambda: run.state == "finished")
    assert (tmp_path / "output.txt").read_text().count("resumed from") == 1
