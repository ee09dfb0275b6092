"""Folders that are there as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from remix.records.new_folder import new_folder
from remix.settings.errors import SettingError


def write(path: Path) -> None:
    with new_folder(path) as folder:
        (folder / "first").write_text("1")
        assert not path.exists()
        (folder / "without/second").write_text("2")


def test_a_folder_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / ".mine.tmp/content").mkdir(parents=True)
    (tmp_path / ".mine.tmp/content/first").write_text("of a process that was killed")
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "mine")
    assert not list(tmp_path.iterdir())
    with new_folder(tmp_path / "new/mine") as folder:
        (folder / "first").write_text("1")
    assert [path.name for path in (tmp_path / "new").rglob("*")] == ["mine", "first"]
    with pytest.raises(SettingError, match=r"^output=.*mine: is there already; choose another folder$"):
        write(tmp_path / "new/mine")


def test_it_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    with new_folder(tmp_path / "mine") as folder:
        (folder / "first").write_text("1")
        expected = r"^output=.*mine: another process is writing it; choose another folder$"
        with pytest.raises(SettingError, match=expected), new_folder(tmp_path / "mine"):
            pytest.fail("written twice at once")
        (folder / "second").write_text("2")
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["first", "second"]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
