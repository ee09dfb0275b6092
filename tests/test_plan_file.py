"""Plans of studies from stores and folders: what is none is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from remix.settings.errors import SettingError
from remix.tracking.plan_file import read_plan

JOB = {"panel": "p = 0", "variant": "remix", "algorithm": "remix", "seed": 1, "identity": "ab"}
PLAN = {"study": "duel", "title": "A duel", "metric": "test/return", "score": "test return", "jobs": [JOB]}


def written(folder: Path, content: Any) -> Path:
    path = folder / "plan.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_a_plan(tmp_path: Path) -> None:
    assert read_plan(written(tmp_path, PLAN)) == PLAN


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", r"\(Expecting value on line 1\)"),
        (b"{\n", "on line 2"),
        (b"\xff\xfe", "UnicodeDecodeError"),
        (b"[" * 100_000, "RecursionError"),
        (b"[" + b"9" * 5_000 + b"]", "ValueError"),
        (b"[]", "jobs=: must be given, as a list"),
        (PLAN | {"jobs": {}}, "jobs=: must be given, as a list"),
        (PLAN | {"jobs": [1]}, r"jobs\[0\]=1: must be an object"),
        (PLAN | {"jobs": [JOB] * 20_001}, "must be at most 20,000"),
        (PLAN | {"jobs": [JOB, JOB]}, r"jobs\[1\]=remix: must not be the job jobs\[0\] again"),
        (PLAN | {"reference": 5}, "reference=5: must be text"),
        (PLAN | {"title": None}, "title=None: must be text"),
        (PLAN | {"metric": "\ud800x"}, "metric=.*must not hold the character"),
        (PLAN | {"jobs": [JOB | {"panel": ""}]}, r"jobs\[0\].panel=: must be a name"),
        (PLAN | {"jobs": [JOB | {"variant": "a\nb"}]}, r"jobs\[0\].variant=.*must not hold the character"),
        (PLAN | {"jobs": [JOB | {"algorithm": {}}]}, r"jobs\[0\].algorithm=.*must be text"),
        (PLAN | {"jobs": [JOB | {"seed": "1"}]}, r"jobs\[0\].seed=1: must be a whole number"),
        (PLAN | {"jobs": [JOB | {"seed": float("nan")}]}, r"jobs\[0\].seed=nan: must be a whole number"),
    ],
)
def test_what_is_no_plan(tmp_path: Path, content: Any, complaint: str) -> None:
    with pytest.raises(SettingError, match=rf"study=.*plan.json: .*{complaint}") as error:
        read_plan(written(tmp_path, content))
    assert str(error.value).isprintable()


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(SettingError, match=r"cannot be read \(Is a directory\)"):
        read_plan(tmp_path / "plan.json")
