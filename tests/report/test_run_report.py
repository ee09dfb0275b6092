"""The report of one run, out of its folder alone."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PIL import Image

from remix.records.directory import CONFIGURATION, LEARNING_CURVE, RunDirectory
from remix.records.record import RunRecord
from remix.report import report
from remix.report.run_curve import run_curve
from remix.settings.errors import SettingError
from remix.tracking.journal import Journal
from remix.tracking.table import TABLE


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with two evaluations of four episodes."""
    folder = tmp_path / "mine"
    folder.mkdir()
    record = RunRecord(started="2030-01-01T00:00:00", status="finished", final_return=7.5, best_return=10.0)
    RunDirectory(folder).write(record)
    (folder / CONFIGURATION).write_text("algorithm_name: vdn\nenv_name: lamp\nseed: 3\n")
    journal = Journal(folder)
    for step, returns in ((0, [0.0, 0.0, 1.0, 1.0]), (100, [6.0, 8.0, 8.0, 10.0])):
        journal.append_evaluation("test", {"return": returns}, step)
        journal.append({"test/return": sum(returns) / 4}, step)
    journal.append({"final/return": 7.5, "absolute_best/return": 7.75}, 100)
    return folder


def test_numbers_curve_and_table(run: Path, capsys: pytest.CaptureFixture[str]):
    report([str(run)])
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "vdn on lamp, seed 3: finished",
        "final return, last policy 7.50",
        "best evaluation 8.00",
        "last tenth of the evaluations 8.00",
        "best policy, fresh episodes 7.75",
        "best possible return 10.00",
        f"curve {run / LEARNING_CURVE}",
        f"metrics {run / TABLE}",
    ]
    with Image.open(run / LEARNING_CURVE) as picture:
        assert min(picture.size) > 300
    with (run / TABLE).open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["step"], row["test/return"]) for row in rows] == [("0", "0.5"), ("100", "8.0"), ("100", "")]


def test_the_picture_shows_means_quartiles_and_the_best_possible(run: Path):
    figure = run_curve(run, "mine", 10.0)
    assert figure is not None
    [axes] = figure.axes
    lines = {str(line.get_label()): line.get_xydata().tolist() for line in axes.lines}  # type: ignore[union-attr]
    assert lines["mean of an evaluation"] == [[0.0, 0.5], [100.0, 8.0]]
    assert {y for _, y in lines["best possible"]} == {10.0}
    [band] = axes.collections
    corners = band.get_paths()[0].vertices.tolist()  # type: ignore[union-attr]
    assert [0.0, 0.0] in corners and [100.0, 7.5] in corners and [100.0, 8.5] in corners


def test_a_run_without_an_evaluation_has_no_picture(tmp_path: Path):
    Journal(tmp_path).append({"train/return": 1.0}, 10)
    assert run_curve(tmp_path) is None


def test_files_go_where_they_are_wanted(run: Path, tmp_path: Path):
    report([str(run), "--output", str(tmp_path / "elsewhere")])
    assert {file.name for file in (tmp_path / "elsewhere").iterdir()} == {LEARNING_CURVE, TABLE}
    assert not (run / TABLE).exists()


def test_what_compares_says_nothing_of_one_run(run: Path):
    with pytest.raises(SettingError, match="smooth=3: is for studies"):
        report([str(run), "--smooth", "3"])


def test_a_run_without_metrics_is_refused(tmp_path: Path):
    RunDirectory(tmp_path).write(RunRecord(status="failed"))
    with pytest.raises(SettingError, match=r"has no metrics\.jsonl yet"):
        report([str(tmp_path)])
