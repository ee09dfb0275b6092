"""How far a run came, and who holds its directory."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from remix.records.claims import claim
from remix.records.directory import RECORD, RunDirectory, all_runs, find_runs, latest_policy, latest_run
from remix.records.record import RunRecord
from remix.settings.errors import SettingError

HOLD = """
import sys
from pathlib import Path
from remix.records.claims import claim
with claim(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that holds ``tmp_path/run``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "run")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_states_of_a_directory_nobody_holds(tmp_path: Path):
    assert RunDirectory(tmp_path).state == "new"
    for status, expected in [
        ("running", "interrupted"),
        ("interrupted", "interrupted"),
        ("failed", "failed"),
        ("stopped", "stopped"),
        ("finished", "finished"),
    ]:
        RunDirectory(tmp_path).write(RunRecord(status=status))
        assert RunDirectory(tmp_path).state == expected


def test_a_directory_is_held_by_one_process_until_it_ends(tmp_path: Path, holder):
    directory = tmp_path / "run"
    RunDirectory(directory).write(RunRecord(status="running"))
    assert RunDirectory(directory).state == "running"
    with pytest.raises(SettingError, match="another process is training this run"), claim(directory):
        pytest.fail("held twice")
    holder.kill()
    holder.wait()
    assert RunDirectory(directory).state == "interrupted"
    with claim(directory):
        pass


def test_a_record_that_cannot_be_read_is_none(tmp_path: Path):
    assert not RunDirectory(tmp_path).record
    (tmp_path / RECORD).write_text("{")
    assert not RunDirectory(tmp_path).record


def test_runs_are_found_by_identity_and_seed(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, identity, seed, started in [
        ("c", "same", 1, "2026-01-03"),
        ("a", "same", 1, "2026-01-01"),
        ("other", "other", 1, "2026-01-09"),
        ("seed", "same", 2, "2026-01-09"),
    ]:
        directory = Path("runs/x") / name
        directory.mkdir(parents=True)
        RunDirectory(directory).write(RunRecord(identity=identity, seed=seed, started=started))
    assert [run.path.name for run, _ in find_runs("same", 1)] == ["a", "c"]
    assert latest_run("same", 1) is None
    (Path("runs/x/a/checkpoints")).mkdir()
    (Path("runs/x/a/checkpoints/last.ckpt")).touch()
    assert latest_run("same", 1) == RunDirectory(Path("runs/x/a"))


def test_of_copies_the_one_that_came_furthest_is_the_latest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    began = RunRecord(identity="same", seed=1, started="2026-01-01", status="interrupted", seconds=60.0)
    for name in "abcdefgh":  # in whatever order they are found
        (checkpoints := Path("runs", name, "checkpoints")).mkdir(parents=True)
        (checkpoints / "last.ckpt").touch()
        RunDirectory(checkpoints.parent).write(began)
    RunDirectory(Path("runs/d")).write(replace(began, seconds=90.0))
    assert latest_run("same", 1) == RunDirectory(Path("runs/d"))
    assert latest_policy() == Path("runs/d/checkpoints/last.ckpt")
    RunDirectory(Path("runs/e")).write(replace(began, status="finished", final_return=1.0))
    assert latest_run("same", 1) == RunDirectory(Path("runs/e"))


def test_runs_behind_links_are_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for place in ("scratch/far", "runs/near"):
        Path(place).mkdir(parents=True)
        RunDirectory(Path(place)).write(RunRecord(seed=1))
    for link, target in (("a", "near"), ("b", "../scratch"), ("c", "../scratch/far"), ("d", ".")):
        Path("runs", link).symlink_to(target)
    Path("scratch/back").symlink_to(tmp_path / "runs")
    found = {run.path.resolve(): run.path for run, _ in all_runs()}
    assert len(list(all_runs())) == len(found) == 2
    assert found[tmp_path / "runs/near"] == Path("runs/near")


def test_what_is_not_of_a_run_is_never_discarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "far/runs/x").mkdir(parents=True)
    Path("runs").symlink_to("far/runs")
    RunDirectory(Path("runs/x")).discard()
    assert Path("runs").is_dir() and not Path("runs/x").exists()
    Path("empty").mkdir()
    Path("link").symlink_to("empty")
    RunDirectory(Path("link")).discard()
    assert Path("link").is_symlink()
    for name in ("output.txt", "error.txt"):  # to which a shell may write
        Path("mine").mkdir(exist_ok=True)
        (Path("mine") / name).write_text("of the user")
        RunDirectory(Path("mine")).discard()
        assert (Path("mine") / name).is_file()
    RunDirectory(Path("mine")).write(RunRecord(status="failed"))
    RunDirectory(Path("mine")).discard()
    assert not Path("mine").exists()
