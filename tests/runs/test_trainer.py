"""Arguments of the Trainer that work, those that are refused, and what launched the process."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import RunningStage

from remix.runs import experiment, telling
from remix.runs.trainer import TimeLimit
from remix.runs.trainer_arguments import FIXED, WORKING, check_trainer
from remix.settings.errors import SettingError
from tests.command_line import SMALL, CommandLine

WORKS: dict[str, tuple[Any, ...]] = {
    "accelerator": ("cpu", "auto"),
    "precision": ("32-true",),
    "max_epochs": (-1, 2),
    "max_steps": (-1, 3, 3.0),
    "max_time": (None, "00:00:10:00", {"minutes": 10}),
    "gradient_clip_val": (None, 1, 0.5),
    "gradient_clip_algorithm": ("norm", None),
    "log_every_n_steps": (0, 1),
    "enable_progress_bar": (False,),
    "enable_checkpointing": (True,),
    "enable_autolog_hparams": (False, True),
    "deterministic": (True, False, "warn"),
    "benchmark": (False, None),
    "inference_mode": (False, True),
    "detect_anomaly": (True, False),
}
"""Values with which a run is made below, as many at once as there are."""

REFUSED: dict[str, tuple[Any, ...]] = {
    "accelerator": ("tpu", "hpu", "", None, 3),
    "precision": ("16-true", 32, None),
    "max_epochs": (0, None, "many", 1.5, True),
    "max_steps": (0, -2, 1.5),
    "max_time": (7200, "2h", "00:60", True),
    "gradient_clip_val": (-1, "x", float("nan"), True),
    "gradient_clip_algorithm": ("value", 2),
    "log_every_n_steps": (-1, None, 2.5),
    "deterministic": ("yes", 1),
    "benchmark": (1,),
    "devices": (2, 0, "auto", "2", [0, 1], -1, True, None),
    "num_nodes": (2,),
    "strategy": ("ddp", "single_device"),
    "sync_batchnorm": (True,),
    "logger": (True, False),
    "callbacks": ([], {}),
    "profiler": ("simple",),
    "fast_dev_run": (True, 1),
    "limit_val_batches": (0, 0.5),
    "overfit_batches": (1, 0.1),
    "num_sanity_val_steps": (2, -1, False),
    "accumulate_grad_batches": (4,),
    "default_root_dir": ("elsewhere",),
    "barebones": (True,),
    "of_a_later_lightning": (1,),
}


def test_every_argument_of_the_trainer_works_or_is_refused() -> None:
    assert inspect.signature(pl.Trainer).parameters.keys() == WORKING.keys() | FIXED.keys()
    assert WORKS.keys() == WORKING.keys()
    assert not WORKING.keys() & FIXED.keys()


def test_working_arguments_are_accepted() -> None:
    for name, values in WORKS.items():
        for value in values:
            check_trainer({name: value}, "runs/x")
    for name, (only, _) in FIXED.items():
        check_trainer({name: only}, "runs/x")
    check_trainer({"_target_": "pytorch_lightning.Trainer", "default_root_dir": "runs/x"}, "runs/x")


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_work_is_refused_by_name(name: str) -> None:
    for value in REFUSED[name]:
        with pytest.raises(SettingError) as refused:
            check_trainer({name: value}, "runs/x")
        assert refused.value.setting == f"trainer.{name}"
        assert "\n" not in str(refused.value)


def test_runs_with_other_arguments_than_the_defaults(remix: CommandLine) -> None:
    line = ("train", *SMALL, "algorithm=vdn", "threads=1", "logger=none", "callbacks.episode_video=null")
    arguments = {name: values[0] for name, values in WORKS.items() if values[0] is not None}
    several = remix(*line, *(f"++trainer.{name}={value}" for name, value in arguments.items()))
    assert several.code == 0, several.err
    stopped = remix(*line, "trainer.max_epochs=1", "++trainer.max_steps=3", "++trainer.gradient_clip_val=0.5")
    assert stopped.code == 0, stopped.err
    refused = remix(*line, "trainer.devices=2")
    assert refused.code == 2
    assert refused.err.startswith("remix: trainer.devices=2: must be 1: a run is one process; more devices: ")


def test_a_time_limit_begins_anew_where_a_run_goes_on() -> None:
    limit = TimeLimit({"seconds": 30})
    limit.load_state_dict({"time_elapsed": {RunningStage.TRAINING: 100.0}})
    assert limit.time_remaining() == 30


def test_a_time_limit_is_kept(remix: CommandLine) -> None:
    line = ("train", *SMALL, "algorithm=vdn", "threads=1", "logger=none", "callbacks.episode_video=null")
    stopped = remix(*line, "max_env_steps=100_000", "trainer.max_time={seconds: 1}", "run_dir=runs/x")
    assert stopped.code == 0, stopped.err
    assert torch.load(remix.home / "runs/x/checkpoints/last.ckpt")["env_steps"] < 100_000
    wrong = remix(*line, "trainer.max_time={secs: 1}", "run_dir=runs/y")
    assert wrong.code == 2 and wrong.err.startswith("remix: trainer.max_time")


def test_half_precision_is_said_to_need_a_gpu(remix: CommandLine) -> None:
    line = ("train", *SMALL, "algorithm=vdn", "threads=1", "logger=none", "callbacks=none")
    run = remix(*line, "trainer.precision=bf16-mixed", "run_dir=runs/x")
    assert run.code == 0
    expected = "warning: trainer.precision=bf16-mixed: on the CPU the networks compute in float32"
    assert expected in run.err.splitlines()


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
    describe = telling.describe

    def leave_a_checkpoint_of_slurm(*arguments: Any) -> None:
        (remix.home / "runs/x/hpc_ckpt_1.ckpt").write_text("not ours")
        describe(*arguments)

    monkeypatch.setattr(experiment, "describe", leave_a_checkpoint_of_slurm)
    among = remix(*line, "run_dir=runs/x")
    assert among.code == 0 and "srun" not in among.err
    returns = [next(row for row in run.out.splitlines() if "final return" in row) for run in (alone, among)]
    assert returns[0].partition(";")[0] == returns[1].partition(";")[0]
    assert (remix.home / "runs/x/checkpoints/best.ckpt").is_file()
