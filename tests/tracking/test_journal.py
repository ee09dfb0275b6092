"""The file of a run's metrics: nothing lost, nothing twice, whatever ends the process."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from remix.records.record import RunRecord
from remix.tracking.journal import JOURNAL, Journal
from remix.tracking.loggers import CSVLogger, JournalLogger


def steps(journal: Journal, start: int = 0, end: int | None = None) -> list[int]:
    return [entry.step for entry in journal.entries(start, end)]


def test_every_call_is_a_line_with_step_and_time(tmp_path: Path) -> None:
    logger = JournalLogger(Journal(tmp_path))
    logger.log_metrics({"loss": 0.5, "gain": math.inf}, 10)
    logger.log_metrics({"loss": math.nan}, 20)
    first, second = map(json.loads, (tmp_path / JOURNAL).read_text().splitlines())
    assert (first["step"], first["values"]) == (10, {"loss": 0.5, "gain": math.inf})
    assert second["step"] == 20 and math.isnan(second["values"]["loss"])
    assert 0 < first["time"] <= second["time"]


@pytest.mark.parametrize("torn", [b"{", b'{"step": 30, "time": 1, "val', b"\0\0\0"])
def test_a_torn_line_is_no_part_of_it(tmp_path: Path, torn: bytes) -> None:
    journal = Journal(tmp_path)
    for step in (10, 20):
        journal.append({"loss": 0.5}, step)
    with journal.path.open("ab") as file:
        file.write(torn)
    later = Journal(tmp_path)
    assert steps(later) == [10, 20]
    later.append({"loss": 0.25}, 30)
    assert steps(Journal(tmp_path)) == [10, 20, 30]
    assert torn + b"\n" not in journal.path.read_bytes()


def test_a_spoiled_line_costs_itself_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for step in (10, 20, 30):
        journal.append({"loss": 0.5}, step)
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(lines[0] + b"?" * (len(lines[1]) - 1) + b"\n" + lines[2])
    assert steps(Journal(tmp_path)) == [10, 30]


def test_episodes_of_evaluations_stand_between_the_entries(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append_evaluation("test", {"return": [1.0, 2.5], "length": [3.0, 4.0]}, 10)
    journal.append({"test/return": 1.75}, 10)
    length = journal.sync()
    journal.keep()
    journal.append_evaluation("test", {"return": [5.0]}, 20)
    with journal.path.open("ab") as file:
        file.write(b'{"step": 30, "evaluation": "test", "episodes": {"return": 5}}\n{"step": 30, "ev')
    later = Journal(tmp_path)
    assert list(later.evaluations()) == [
        ("test", 10, {"return": [1.0, 2.5], "length": [3.0, 4.0]}),
        ("test", 20, {"return": [5.0]}),
    ]
    assert steps(later) == [10]
    later.cut(length)
    assert [evaluation.step for evaluation in Journal(tmp_path).evaluations()] == [10]


def test_what_checkpoints_know_of_is_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append({"loss": 0.5}, 10)
    assert journal.kept == 0
    journal.keep()
    journal.append({"loss": 0.25}, 20)
    for again in (journal, Journal(tmp_path)):
        assert steps(again, 0, again.kept) == [10]
        assert steps(again, again.kept) == [20]


def test_a_run_that_goes_on_takes_back_what_its_checkpoint_does_not_know(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append({"loss": 0.5}, 10)
    length = journal.sync()
    journal.keep()
    for step in (20, 30):
        journal.append({"loss": 0.25}, step)
    later = Journal(tmp_path)
    later.cut(length)
    later.append({"loss": 0.125}, 20)
    assert steps(Journal(tmp_path)) == [10, 20]
    assert later.kept == Journal(tmp_path).kept == length
    later.cut(0)
    assert journal.path.read_bytes() == b"" and later.kept == 0


class TestTable:
    def rows(self, directory: Path) -> list[dict[str, str]]:
        with (directory / "metrics.csv").open() as file:
            return list(csv.DictReader(file))

    def test_has_a_line_per_entry_and_a_column_per_name(self, tmp_path: Path) -> None:
        journal, table = Journal(tmp_path), CSVLogger(tmp_path)
        journal.append({"loss": 0.5}, 10)
        journal.keep()
        table.save()
        assert self.rows(tmp_path) == [{"step": "10", "loss": "0.5"}]
        journal.append({"loss": 0.25, "gain": 1.0}, 20)
        table.end(RunRecord(status="finished"))
        assert self.rows(tmp_path) == [
            {"step": "10", "loss": "0.5", "gain": ""},
            {"step": "20", "loss": "0.25", "gain": "1.0"},
        ]

    def test_is_whole_if_it_cannot_be_written_anew(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal, table = Journal(tmp_path), CSVLogger(tmp_path)
        journal.append({"loss": 0.5}, 10)
        table.save()

        def killed(*arguments: object) -> None:
            raise KeyboardInterrupt

        journal.append({"gain": 0.5}, 20)
        monkeypatch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            table.end(RunRecord())
        assert self.rows(tmp_path) == [{"step": "10", "loss": "0.5"}]
