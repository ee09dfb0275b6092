"""The Trainer: what launched the process does not count."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import SMALL, CommandLine


@pytest.fixture
def remix(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    return CommandLine(monkeypatch, capsys, tmp_path)


SCHEDULERS = {
    "SLURM_NTASKS": "2",
    "SLURM_JOB_ID": "7",
    "SLURM_JOB_NAME": "job",
    "SLURM_PROCID": "1",
    "SLURM_LOCALID": "1",
    "RANK": "1",
    "LOCAL_RANK": "1",
    "WORLD_SIZE": "2",
    "GROUP_RANK": "1",
    "TORCHELASTIC_RUN_ID": "x",
    "PL_TRAINER_MAX_STEPS": "1",
}


def test_variables_of_schedulers_change_nothing(remix: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ("train", *SMALL, "algorithm=vdn", "threads=1", "logger=csv", "callbacks.episode_video=null")
    alone = remix(*line, "run_dir=runs/alone")
    for name, value in SCHEDULERS.items():
        monkeypatch.setenv(name, value)
    (remix.home / "runs/x").mkdir()
    (remix.home / "runs/x/hpc_ckpt_1.ckpt").write_text("not ours")
    among = remix(*line, "run_dir=runs/x")
    assert among.code == 0 and "srun" not in among.err
    returns = [next(row for row in run.out.splitlines() if "final return" in row) for run in (alone, among)]
    assert returns[0].partition(";")[0] == returns[1].partition(";")[0]
    assert (remix.home / "runs/x/checkpoints/best.ckpt").is_file()
