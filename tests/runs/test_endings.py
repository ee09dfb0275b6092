"""What a run is that ended early, which folder it has, and how it goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from remix.records.directory import RunDirectory
from tests.command_line import TINY, CommandLine

SECOND = ("max_env_steps=1000000", "steps_per_epoch=16", "trainer.max_time=00:00:00:01")


def folders(home: Path) -> set[Path]:
    """Everything below ``runs``, without the files in folders of runs."""
    return {path for path in home.glob("runs/**/*") if path.is_dir() and path.name != "checkpoints"}


def runs(home: Path) -> list[Path]:
    return sorted(file.parent for file in home.glob("runs/**/run.json"))


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("trainer.max_epochs=1", "trainer.max_epochs=1 after 16 of 64"),
        ("+trainer.max_steps=3", "trainer.max_steps=3 after 24 of 64"),
        (
            "+callbacks.stop={_target_: pytorch_lightning.callbacks.EarlyStopping, monitor: test/return, "
            "patience: 1, mode: max, min_delta: 1000}",
            "EarlyStopping of test/return after",
        ),
    ],
)
def test_a_run_that_ends_before_its_budget_is_stopped_and_goes_on(
    remix: CommandLine, setting: str, reason: str
) -> None:
    line = ("train", *TINY, setting)
    stopped = remix(*line)
    assert stopped.code == 0
    assert f"stopped by {reason}" in stopped.out
    (run,) = runs(remix.home)
    record = RunDirectory(run).record
    assert record.status == "stopped"
    assert record.final_return is not None
    again = remix(*line, "resume=auto")
    assert "already finished" not in again.out
    assert "resumed from " in again.out
    assert runs(remix.home) == [run]


def test_a_number_of_epochs_is_gone_beyond_in_a_new_run(remix: CommandLine) -> None:
    stopped = remix("train", *TINY, "run_dir=runs/x", "trainer.max_epochs=1")
    assert "resume=auto" not in stopped.out
    start = "ckpt_path=runs/x/checkpoints/last.ckpt"
    assert f"; a new run goes on, with {start} and a larger trainer.max_epochs\n" in stopped.out
    assert "after 32 of 64" in remix("train", *TINY, "run_dir=runs/y", "trainer.max_epochs=2", start).out


def test_a_time_limit_counts_for_one_command(remix: CommandLine) -> None:
    line = ("train", *TINY, *SECOND, "run_dir=runs/x")
    assert "stopped by the time limit (trainer.max_time) after" in remix(*line).out
    first = torch.load("runs/x/checkpoints/last.ckpt", weights_only=True)["global_step"]
    remix(*line, "resume=auto")
    assert torch.load("runs/x/checkpoints/last.ckpt", weights_only=True)["global_step"] > first


def test_a_run_with_a_time_limit_goes_on_without_one(
    remix: CommandLine, recwarn: pytest.WarningsRecorder
) -> None:
    line = ("train", *TINY, "run_dir=runs/x", "trainer.max_epochs=1")
    assert remix(*line, "trainer.max_time=00:01:00:00").code == 0
    assert "resumed from" in remix(*line, "resume=auto").out
    assert not [warning for warning in recwarn if "ckpt_path" in str(warning.message)]


def test_a_run_that_own_code_ends_says_where(remix: CommandLine) -> None:
    (remix.home / "leaving.py").write_text(
        "import sys\nfrom pytorch_lightning import Callback\nclass Leave(Callback):\n"
        "    def on_train_epoch_end(self, trainer, module):\n        sys.exit(0)\n"
    )
    ended = remix("train", *TINY, "+callbacks.leave={_target_: leaving.Leave}")
    assert "interrupted by SystemExit: 0 (leaving.py, line 5); the same command" in ended.out
    assert RunDirectory(runs(remix.home)[0]).record.status == "interrupted"


def test_a_folder_holds_one_run(remix: CommandLine) -> None:
    line = ("train", *TINY, "hydra.run.dir=runs/fixed")
    assert remix(*line).code == 0
    before = {path: path.read_bytes() for path in Path("runs/fixed").rglob("*") if path.is_file()}
    other = remix(*line, "algorithm.gamma=0.5")
    refused = "remix: run_dir=runs/fixed: holds a run of another configuration, code of yours or seed"
    assert other.err == f"{refused}; its algorithm.gamma is 0.99\n"
    assert remix(*line, "seed=2", "resume=auto").err == f"{refused}; its seed is 1\n"
    same = remix(*line)
    assert same.code == 2
    assert "holds this run already (finished); go on with resume=auto" in same.err
    assert before == {path: path.read_bytes() for path in Path("runs/fixed").rglob("*") if path.is_file()}
    Path("notes").mkdir()
    Path("notes/config.yaml").write_text("mine")
    assert "holds other files and no run" in remix("train", *TINY, "run_dir=notes").err
    assert Path("notes/config.yaml").read_text() == "mine"


def test_jobs_of_a_sweep_have_folders_of_their_own_and_are_found_again(remix: CommandLine) -> None:
    tiny = ("-m", *TINY, "max_env_steps=16", "callbacks=none")
    assert remix("train", *tiny, "threads=1,2", "seed=3").code == 0
    assert len(runs(remix.home)) == 2
    again = remix("train", *tiny, "seed=3", "resume=auto")
    assert "already finished: runs/sweeps/" in again.out
    assert len(runs(remix.home)) == 2
    assert all(any(path.rglob("run.json")) for path in folders(remix.home) if path.parts[-2] != "sweeps")
    new = remix("train", *tiny, "seed=4", "resume=auto")
    assert "nothing to resume: no run of this configuration and seed is below runs" in new.out


@pytest.mark.parametrize(
    "words",
    [
        ("hydra.job.chdir=true",),
        ("algorithm.gamma=7",),
        ("--cfg", "hydra"),
        ("algorithm=vdac_sum", "workers=process", "workers.overlap=true", "logger=csv"),
    ],
)
def test_what_is_refused_leaves_nothing(
    remix: CommandLine, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_exit: list[Callable[[], None]] = []
    monkeypatch.setattr("atexit.register", lambda function, *first: at_exit.append(partial(function, *first)))
    remix("train", *TINY, *words)
    for function in at_exit:
        function()
    assert not folders(remix.home)
    assert Path.cwd() == remix.home


def test_a_run_goes_on_from_its_own_checkpoint_not_from_its_start(remix: CommandLine) -> None:
    remix("train", *TINY, "seed=9", "run_dir=runs/start")
    line = (
        "train",
        *TINY,
        "ckpt_path=runs/start/checkpoints/last.ckpt",
        "max_env_steps=128",
        "run_dir=runs/x",
    )
    first = remix(*line)
    assert (
        "begins from runs/start/checkpoints/last.ckpt, whose run had seed=9, another max_env_steps\n"
        in first.out
    )
    record = Path("runs/x/run.json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"status": "running"}))
    assert "resumed from runs/x/checkpoints/last.ckpt" in remix(*line, "resume=auto").out


def test_a_run_begins_with_the_networks_of_another_and_nothing_else(remix: CommandLine) -> None:
    remix("train", *TINY, "seed=9", "run_dir=runs/start")
    best = Path("runs/start/checkpoints/best.ckpt")
    line = ("train", *TINY, "init_from=runs/start", "run_dir=runs/x", "algorithm.optimizer.lr=1e-30")
    begun = remix(*line)
    assert f"begins with the networks of {best}, whose run had seed=9, another algorithm\n" in begun.out
    ours, theirs = (torch.load(path, weights_only=True) for path in ("runs/x/checkpoints/last.ckpt", best))
    assert ours["env_steps"] == 64
    for name, weights in theirs["state_dict"].items():
        torch.testing.assert_close(ours["state_dict"][name], weights)
    record = Path("runs/x/run.json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"status": "running"}))
    again = remix(*line, "resume=auto").out
    assert "resumed from runs/x/checkpoints/last.ckpt" in again
    assert "begins with the networks" not in again


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["init_from=nowhere"],
            "init_from=nowhere: must be a checkpoint file, a run directory or an MLflow run",
        ),
        (["init_from=3"], "init_from=3: must be text"),
        (["init_from=latest"], "init_from=latest: must name a run: which one is the latest changes"),
        (["init_from=."], "init_from=.: is a directory without checkpoints/best.ckpt"),
        (["init_from=bad.ckpt"], "init_from=bad.ckpt: is not a readable checkpoint"),
        (["init_from=a", "ckpt_path=bad.ckpt"], "init_from=a: cannot go with ckpt_path"),
    ],
)
def test_networks_that_cannot_be_had_are_refused(remix: CommandLine, words: list[str], message: str) -> None:
    Path("bad.ckpt").write_text("text")
    refused = remix("train", *TINY, *words)
    assert refused.code == 2
    assert refused.err.startswith(f"remix: {message}")
    assert refused.err.count("\n") == 1
    assert not folders(remix.home)


def test_a_moved_run_keeps_its_best_checkpoint(remix: CommandLine) -> None:
    line = ("train", *TINY, *SECOND)
    remix(*line, "run_dir=runs/x")
    checkpoint = torch.load("runs/x/checkpoints/last.ckpt", weights_only=True)
    (name,) = (name for name in checkpoint["callbacks"] if name.startswith("ModelCheckpoint"))
    checkpoint["callbacks"][name]["best_model_score"] = torch.tensor(1e6)
    checkpoint["callbacks"][name]["kth_value"] = torch.tensor(1e6)
    state = checkpoint["callbacks"][name]["best_k_models"]
    checkpoint["callbacks"][name]["best_k_models"] = {path: torch.tensor(1e6) for path in state}
    from remix.learning import archive

    archive.write(checkpoint, Path("runs/x/checkpoints/last.ckpt"))
    shutil.move("runs/x", "runs/y")
    best = Path("runs/y/checkpoints/best.ckpt").read_bytes()
    assert remix(*line, "run_dir=runs/y", "resume=auto").code == 0
    assert Path("runs/y/checkpoints/best.ckpt").read_bytes() == best


def test_a_refused_repeat_leaves_the_record_as_it_was(remix: CommandLine) -> None:
    line = ("train", *TINY, "trainer.max_epochs=1", "run_dir=runs/x")
    remix(*line)
    record = Path("runs/x/run.json").read_bytes()
    for name in ("last.ckpt", "previous.ckpt"):
        if (path := Path("runs/x/checkpoints") / name).exists():
            path.write_bytes(b"")
    assert remix(*line, "resume=auto").code == 2
    assert Path("runs/x/run.json").read_bytes() == record


def test_a_record_without_its_return_is_completed(remix: CommandLine) -> None:
    line = ("train", *TINY, "run_dir=runs/x")
    remix(*line)
    record = Path("runs/x/run.json")
    content = json.loads(record.read_text())
    record.write_text(json.dumps({key: value for key, value in content.items() if key != "final_return"}))
    assert remix(*line, "resume=auto").code == 0
    assert json.loads(record.read_text())["final_return"] == content["final_return"]


def test_a_run_is_finished_when_everything_is_there(
    remix: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    line = ("train", *TINY, "run_dir=runs/x")
    with monkeypatch.context() as patch:
        patch.setattr("pytorch_lightning.Trainer.test", interrupted)
        assert remix(*line).code != 0
    assert RunDirectory(Path("runs/x")).record.status == "interrupted"
    again = remix(*line, "resume=auto")
    assert again.code == 0
    assert "resumed from runs/x/checkpoints/last.ckpt" in again.out
    assert RunDirectory(Path("runs/x")).record.status == "finished"
