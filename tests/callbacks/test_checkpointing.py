"""Checkpoints: exact resumption, files that survive a crash, best and last."""

import os
import random
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint

from remix.callbacks.checkpointing import AtomicCheckpointIO, LastCheckpoint
from remix.callbacks.throughput import Throughput
from remix.callbacks.weight_heatmap import WeightHeatMap
from remix.envs.predator_prey import PredatorPrey
from remix.learning import archive
from remix.runs.checkpoints import restoring
from remix.settings.errors import SettingError
from remix.settings.signals import Stopped
from remix.weighting.optimistic import Optimistic
from tests.callbacks.runs import Run

SMALL_PREDATOR_PREY = partial(PredatorPrey, n_agents=2, n_stags=1, world_shape=(4, 4), episode_limit=9)


def best_checkpoint(directory: Path) -> ModelCheckpoint:
    return ModelCheckpoint(
        dirpath=directory,
        filename="best",
        monitor="test/return",
        mode="max",
        save_weights_only=True,
        save_on_train_epoch_end=False,
        auto_insert_metric_name=False,
        enable_version_counter=False,
    )


def resumable_run(directory: Path, max_epochs: int = -1, extra: tuple[Callback, ...] = ()) -> Run:
    """Predator-Prey of four epochs, whose replay overflows in the second."""
    callbacks = [
        Throughput(),
        WeightHeatMap(bins=4, rows=4),
        best_checkpoint(directory),
        LastCheckpoint(directory),
        *extra,
    ]
    return Run(
        directory,
        callbacks,
        weighting=Optimistic(0.1, 1.0),
        max_epochs=max_epochs,
        environment=SMALL_PREDATOR_PREY,
        steps_per_epoch=100,
        max_env_steps=400,
        updates_per_round=2,
    )


def assert_equal_state(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    assert left.keys() == right.keys()
    for name, value in left.items():
        torch.testing.assert_close(value, right[name], rtol=0.0, atol=0.0, msg=f"{name}: {{}}".format)


def test_resumed_run_equals_uninterrupted_run(tmp_path: Path) -> None:
    straight = resumable_run(tmp_path / "straight").fit()
    first = resumable_run(tmp_path / "resumed", max_epochs=2).fit()
    assert 200 <= first.data.env_steps < 300
    second = resumable_run(tmp_path / "resumed").fit(tmp_path / "resumed/last.ckpt")
    assert second.data.env_steps == straight.data.env_steps
    assert first.metrics("time/") + second.metrics("time/") == straight.metrics("time/")
    assert_equal_state(second.module.state_dict(), straight.module.state_dict())
    heat_maps = [(tmp_path / run / "weight_heatmap.csv").read_text() for run in ("straight", "resumed")]
    assert heat_maps[0] == heat_maps[1]
    best = [torch.load(tmp_path / run / "best.ckpt", weights_only=True) for run in ("straight", "resumed")]
    assert best[0]["env_steps"] == best[1]["env_steps"]
    assert_equal_state(best[0]["state_dict"], best[1]["state_dict"])


class StopAt(Callback):
    """Ends training in the middle of an epoch, as a time limit does."""

    def __init__(self, env_steps: int) -> None:
        self.env_steps = env_steps

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        if pl_module.env_steps >= self.env_steps and batch_idx % 2 == 1:
            trainer.should_stop = True


def test_run_that_was_cut_within_an_epoch_goes_on(tmp_path: Path) -> None:
    straight = resumable_run(tmp_path / "straight").fit()
    first = resumable_run(tmp_path / "cut", extra=(StopAt(150),)).fit()
    assert 150 <= first.data.env_steps < 200
    second = resumable_run(tmp_path / "cut").fit(tmp_path / "cut/last.ckpt")
    assert_equal_state(second.module.state_dict(), straight.module.state_dict())

    def evaluations(run: Run) -> list[tuple[int | None, float]]:
        return [(step, row["test/return"]) for step, row in run.metrics() if "test/return" in row]

    extra = evaluations(first)[-1]  # stopping evaluates too
    assert extra[0] == first.data.env_steps
    assert evaluations(first)[:-1] + evaluations(second) == evaluations(straight)


@pytest.mark.parametrize(("updates", "per_round"), [(7, 1), (11, 3), (12, 4)])
def test_a_stop_within_an_epoch_loses_no_metrics(updates: int, per_round: int, tmp_path: Path) -> None:
    """Nor updates, where it comes within a round."""

    def run(*extra: Callback) -> Run:
        return Run(tmp_path, [LastCheckpoint(tmp_path), *extra], updates_per_round=per_round)

    def rows(*runs: Run) -> list[tuple[int | None, dict[str, float]]]:
        return [row for part in runs for row in part.metrics("test/")]

    straight = run().fit()
    first = run()
    first.trainer.fit_loop.epoch_loop.max_steps = updates
    first.fit()
    assert first.trainer.global_step == updates and first.data.env_steps < 160
    second = run().fit(tmp_path / "last.ckpt")
    assert rows(first, second) == rows(straight)
    assert second.module.updates == straight.module.updates
    assert_equal_state(second.module.state_dict(), straight.module.state_dict())


@pytest.mark.parametrize("batch", random.Random(3).sample(range(4, 17), 3))
def test_a_run_that_is_broken_off_anywhere_goes_on_from_its_last_checkpoint(
    batch: int, tmp_path: Path
) -> None:
    class BreakOff(Callback):
        left = batch

        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            self.left -= 1
            if self.left == 0:
                raise Stopped(signal.SIGTERM)

    straight = resumable_run(tmp_path / "straight").fit()
    with pytest.raises(Stopped):
        resumable_run(tmp_path / "broken", extra=(BreakOff(),)).fit()
    last = tmp_path / "broken/last.ckpt"
    second = resumable_run(tmp_path / "broken").fit(last if last.is_file() else None)
    assert_equal_state(second.module.state_dict(), straight.module.state_dict())


def test_end_of_training_is_saved_between_two_periods(tmp_path: Path) -> None:
    run = Run(tmp_path, [LastCheckpoint(tmp_path, every_n_epochs=3)]).fit()
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert saved["env_steps"] == run.data.env_steps >= 160
    again = Run(tmp_path, [LastCheckpoint(tmp_path, every_n_epochs=3)], max_env_steps=200)
    again.fit(tmp_path / "last.ckpt")
    assert again.data.env_steps >= 200
    steps = [step for step, row in again.metrics() if "test/return" in row]
    assert steps == [again.data.env_steps]


def test_only_last_checkpoint_holds_the_replay(tmp_path: Path) -> None:
    run = Run(tmp_path, [best_checkpoint(tmp_path), LastCheckpoint(tmp_path)]).fit()
    run.trainer.save_checkpoint(tmp_path / "own.ckpt", weights_only=False)
    held = {
        name: "replay" in torch.load(tmp_path / f"{name}.ckpt", weights_only=True)
        for name in ("best", "last", "own")
    }
    assert held == {"best": False, "last": True, "own": False}


def test_the_checkpoint_before_the_last_stays(tmp_path: Path) -> None:
    Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=1).fit()
    assert [path.name for path in tmp_path.glob("*.ckpt")] == ["last.ckpt"]
    first = archive.read(tmp_path / "last.ckpt")["env_steps"]
    Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=2).fit(tmp_path / "last.ckpt")
    assert archive.read(tmp_path / "previous.ckpt")["env_steps"] == first
    assert archive.read(tmp_path / "last.ckpt")["env_steps"] > first
    assert {path.name for path in tmp_path.glob("*.ckpt")} == {"last.ckpt", "previous.ckpt"}


def test_there_is_a_whole_checkpoint_at_every_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is killed between two steps of a save, the last or the previous one can be read."""
    good: list[list[str]] = []
    replace = os.replace

    def note(source: Path, target: Path) -> None:
        for step in (None, replace):
            if step is not None:
                step(source, target)
            names = ("last.ckpt", "previous.ckpt")
            good.append(
                [name for name in names if (tmp_path / name).exists() and archive.read(tmp_path / name)]
            )

    run = Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=3)
    Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=1).fit()
    monkeypatch.setattr("remix.callbacks.checkpointing.os.replace", note)
    run.fit(tmp_path / "last.ckpt")
    assert len(good) > 8
    assert all(good)


def test_a_damaged_checkpoint_is_refused_on_the_way_of_lightning(tmp_path: Path) -> None:
    Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=1).fit()
    path = tmp_path / "last.ckpt"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SettingError, match=r"^ckpt_path=.*last\.ckpt: is damaged"):
        Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=2).fit(path)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("loops", {}),
        ("loops", {"fit_loop": 5}),
        ("optimizer_states", [{"state": {}, "param_groups": []}]),
        ("optimizer_states", [5]),
        ("ReplayDataModule", {}),
        ("state_dict", {}),
        ("replay", 5),
    ],
)
def test_what_fails_while_it_is_restored_is_one_line(tmp_path: Path, part: str, value: Any) -> None:
    Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=1).fit()
    path = tmp_path / "last.ckpt"
    archive.write(archive.read(path) | {part: value}, path)
    run = Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=2)
    with (
        pytest.raises(SettingError, match=r"^ckpt_path=.*/last\.ckpt: [^\n]*$"),
        restoring(run.trainer, str(path)),
    ):
        run.fit(path)


def test_what_fails_in_training_is_not_the_checkpoints_fault(tmp_path: Path) -> None:
    Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=1).fit()
    run = Run(tmp_path, [LastCheckpoint(tmp_path), _Fails()], max_epochs=2)
    path = tmp_path / "last.ckpt"
    with pytest.raises(ArithmeticError), restoring(run.trainer, str(path)):
        run.fit(path)


class _Fails(Callback):
    def on_train_batch_start(self, *_: Any) -> None:
        raise ArithmeticError


class Learning(Callback):
    """Notes of every round whether it held a batch to learn from."""

    def __init__(self) -> None:
        self.rounds: list[bool] = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        self.rounds.append(batch.batch is not None)


@pytest.mark.parametrize("replay", [True, False])
def test_run_learns_at_once_if_its_replay_was_stored(tmp_path: Path, replay: bool) -> None:
    Run(tmp_path, [LastCheckpoint(tmp_path, replay=replay)], max_epochs=1).fit()
    learning = Learning()
    Run(tmp_path, [LastCheckpoint(tmp_path, replay=replay), learning], max_epochs=2).fit(
        tmp_path / "last.ckpt"
    )
    assert learning.rounds[0] == replay
    assert learning.rounds[-1]


def test_a_replay_of_another_version_is_refused(tmp_path: Path) -> None:
    Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=1).fit()
    path = tmp_path / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    del checkpoint["replay"]["sizes"]
    torch.save(checkpoint, path)
    with pytest.raises(SettingError, match=r"ckpt_path=.*last\.ckpt: holds a replay of another version"):
        Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=2).fit(path)


def test_a_damaged_replay_is_refused(tmp_path: Path) -> None:
    Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=1).fit()
    path = tmp_path / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["replay"]["fields"]["reward"][0] = torch.nan
    torch.save(checkpoint, path)
    with pytest.raises(SettingError, match=r"ckpt_path=.*ckpt: holds a replay whose reward holds"):
        Run(tmp_path, [LastCheckpoint(tmp_path)], max_epochs=2).fit(path)


@pytest.mark.parametrize(
    ("setting", "value"), [("every_n_epochs", 0), ("time_share", 0.0), ("time_share", 1.5)]
)
def test_impossible_periods_are_refused(tmp_path: Path, setting: str, value: float) -> None:
    settings: dict[str, Any] = {setting: value}
    with pytest.raises(SettingError, match=f"{setting}={value}"):
        LastCheckpoint(tmp_path, **settings)


@pytest.mark.parametrize(
    ("seconds", "share", "saved"),
    [(0.3, 0.01, [1, 2, 3, 4, 5, 6]), (4.0, 0.2, [1, 2, 3, 5, 6]), (20.0, 0.2, [1, 6])],
)
def test_saving_takes_its_share_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, share: float, saved: list[int]
) -> None:
    """Six epochs of ten seconds; the first second of saving is free, and the save at the end."""
    clock = _Clock(seconds)
    monkeypatch.setattr("remix.callbacks.checkpointing.time.monotonic", lambda: clock.now)
    run = Run(tmp_path, [clock, LastCheckpoint(tmp_path, time_share=share)], max_epochs=6, max_env_steps=1000)
    run.fit()
    assert clock.saved == saved


class _Clock(Callback):
    """Time goes on by ten seconds an epoch and by some a save; notes of the epochs that were saved."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now, self.epoch = seconds, 100.0, 0
        self.saved: list[int] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.now += 10.0
        self.epoch += 1

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, object]
    ) -> None:
        self.now += self.seconds
        self.saved.append(self.epoch)


class _Interrupted:
    """Cannot be written: stands for a process that dies in the middle of it."""

    def __reduce__(self) -> tuple[type, tuple[()]]:
        raise KeyboardInterrupt


def test_failed_write_leaves_the_previous_checkpoint(tmp_path: Path) -> None:
    io, path = AtomicCheckpointIO(), tmp_path / "folder/last.ckpt"
    io.save_checkpoint({"weights": torch.arange(3)}, path)
    with pytest.raises(KeyboardInterrupt):
        io.save_checkpoint({"weights": torch.zeros(100_000), "then": _Interrupted()}, path)
    assert torch.equal(io.load_checkpoint(path)["weights"], torch.arange(3))
    io.save_checkpoint({"weights": torch.ones(2)}, path)
    assert torch.equal(io.load_checkpoint(path)["weights"], torch.ones(2))
    assert [file.name for file in path.parent.iterdir()] == ["last.ckpt"]


def test_loading_executes_no_code(tmp_path: Path) -> None:
    torch.save({"callable": pl.Trainer}, tmp_path / "evil.ckpt")
    with pytest.raises(SettingError, match="holds other things than tensors and plain containers"):
        AtomicCheckpointIO().load_checkpoint(tmp_path / "evil.ckpt", weights_only=False)
