"""What runs of one process share, and what they do not."""

from __future__ import annotations

from pathlib import Path
from signal import SIGTERM
from threading import Barrier, current_thread, main_thread
from time import sleep
from typing import Any

import pytest
import torch

import remix
from remix.runs import experiment, launchers, side_by_side
from remix.runs.building import build
from remix.runs.run_settings import RunSettings
from remix.runs.side_by_side import Company
from remix.settings.signals import Stopped
from tests.command_line import TINY


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunSettings]:
    monkeypatch.chdir(tmp_path)
    return [RunSettings(remix.compose(*TINY, f"seed={n}", f"run_dir=runs/{n}")) for n in (1, 2, 3)]


def test_all_networks_are_drawn_before_a_run_trains(
    runs: list[RunSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    built, drawn = [], {}

    def counted(config: Any) -> Any:
        assert current_thread() is main_thread()
        built.append(config.seed)
        return build(config)

    def train(run: RunSettings, company: Company) -> None:
        assert built == [1, 2, 3] and company.size == 3
        torch.rand(1)  # as a game might
        drawn[run.config.seed] = company.parts(run.config)[0].state_dict()

    monkeypatch.setattr(side_by_side, "build", counted)
    side_by_side.side_by_side(runs, train)
    for run in runs:
        torch.testing.assert_close(drawn[run.config.seed], build(run.config)[0].state_dict(), rtol=0, atol=0)


def test_a_finished_run_is_not_built_and_an_error_of_building_is_the_runs_own(
    runs: list[RunSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment.train(runs[0])
    built = []

    def fails(config: Any) -> Any:
        built.append(config.seed)
        raise RuntimeError(f"no game {config.seed}")

    def train(run: RunSettings, company: Company) -> str:
        return "finished" if company.built is None else str(company.parts(run.config))

    monkeypatch.setattr(side_by_side, "build", fails)
    first, second, third = side_by_side.side_by_side(runs, train)
    assert first == "finished" and (str(second), str(third)) == ("no game 2", "no game 3")
    assert built == [2, 3]


def test_a_signal_reaches_every_run(runs: list[RunSettings], monkeypatch: pytest.MonkeyPatch) -> None:
    all_wait, ended = Barrier(4), []

    def train(run: RunSettings, company: Company) -> None:
        all_wait.wait()
        for _ in range(3_000):
            sleep(0.01)
            try:
                company.stop.on_test_start(None, None)  # type: ignore[arg-type]
            except Stopped as stop:
                ended.append((run.config.seed, stop.signal))
                raise

    def signalled(futures: Any) -> None:
        all_wait.wait()
        raise Stopped(SIGTERM)

    monkeypatch.setattr(side_by_side, "wait", signalled)
    with pytest.raises(Stopped, match="SIGTERM"):
        side_by_side.side_by_side(runs, train)
    assert sorted(ended) == [(1, SIGTERM), (2, SIGTERM), (3, SIGTERM)]


@pytest.mark.parametrize(("setting", "runs_there", "threads"), [(None, 3, 2), (None, 20, 1), (4, 3, 4)])
def test_runs_share_the_cores(
    setting: int | None, runs_there: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiment, "cores", lambda: 8)
    assert launchers.cores() >= 1
    experiment._seed_and_threads(remix.compose(f"threads={setting or 'null'}"), runs_there)
    assert torch.get_num_threads() == threads
