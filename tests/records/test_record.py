"""What a run's record keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from remix.records.directory import RECORD, RunDirectory
from remix.records.record import RunRecord


def test_what_other_versions_wrote_is_kept(tmp_path: Path):
    content = {"identity": "ab", "seed": 3, "final_return": 2, "priority": [1, 2], "status": "finished"}
    (tmp_path / RECORD).write_text(json.dumps(content))
    directory = RunDirectory(tmp_path)
    record = directory.record
    assert (record.identity, record.seed, record.final_return, record.status) == ("ab", 3, 2, "finished")
    directory.write(replace(record, status="running"))
    assert json.loads((tmp_path / RECORD).read_text()) == content | {"status": "running"}


def test_a_value_of_another_type_is_not_taken(tmp_path: Path):
    (tmp_path / RECORD).write_text('{"started": 5, "seed": "one", "final_return": "much", "error": null}')
    record = RunDirectory(tmp_path).record
    assert (record.started, record.seed, record.final_return, record.error) == (None,) * 4
    assert record.content() == {"started": 5, "seed": "one", "final_return": "much"}


def test_an_empty_one_stands_for_no_run():
    assert not RunRecord() and RunRecord(identity="ab") and RunRecord(others={"x": 1})


def test_the_checkpoint_of_the_policy_is_the_best_one_that_is_there(tmp_path: Path):
    directory = RunDirectory(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    assert directory.checkpoint is directory.goes_on_from is None
    for name, goes_on_from in (
        ("previous.ckpt", "previous.ckpt"),
        ("last.ckpt", "last.ckpt"),
        ("best.ckpt", "last.ckpt"),
    ):
        (tmp_path / "checkpoints" / name).touch()
        assert directory.checkpoint == tmp_path / "checkpoints" / name
        assert directory.goes_on_from == tmp_path / "checkpoints" / goes_on_from
