"""Which modules are the user's own, and where they are."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from remix.runs.sources import changed, is_there, names_in, of_modules, own_modules
from tests.projects import forgotten, write


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "games/__init__.py": "1 / 0",
        "games/lamp.py": "1 / 0",
        "lone.py": "1 / 0",
        "bare/deep.py": "1 / 0",
    }
    write(tmp_path, files)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_own_modules_are_named_with_their_folder(project: Path):
    """None is imported."""
    settings = {
        "env": {"_target_": "games.lamp.Lamp", "label": "lone", "file": "games.yaml"},
        "more": [
            "lone:make",
            "bare.deep.Deep",
            "numpy.random.x",
            "remix.envs.games.X",
            "torch.optim.Adam",
            "no.x",
        ],
    }
    names = ("games.lamp", "lone", "bare.deep", "games")
    assert own_modules(settings) == dict.fromkeys(names, str(project))


def test_links_to_modules_of_other_names_are_followed(project: Path):
    write(project, {"versions/second.py": "x = 1", "kept/games_v2/deep.py": "x = 2"})
    (project / "linked.py").symlink_to("versions/second.py")
    (project / "folder").symlink_to("kept/games_v2")
    assert set(of_modules(["linked.Game"])) == {"linked.py"}
    assert set(of_modules(["folder.deep.Game"])) == {"folder/deep.py"}
    assert own_modules(["linked.Game"]) == {"linked": str(project)}
    assert is_there("linked") and is_there("folder.deep")


def test_code_stays_what_was_imported(project: Path):
    write(project, {"played.py": "import helped\n", "helped.py": "x = 1\n", "alone.py": ""})
    with forgotten(project):
        module = importlib.import_module("played")
        before = of_modules(["played.Game"])
        assert changed(["played.Game"]) is None
        write(project, {"helped.py": "x = 22\n", "played.py": "import helped, alone\n"})
        assert of_modules(["played.Game"]) == before
        assert changed(["played.Game"]) == project / "played.py"
        importlib.reload(module)
        assert set(of_modules(["played.Game"])) == {"played.py", "helped.py", "alone.py"}
        assert changed(["played.Game"]) == project / "helped.py"
    assert changed(["played.Game"]) is None and of_modules(["played.Game"]) != before


def test_a_module_is_there_or_not(project: Path):
    assert is_there("games.lamp")
    assert is_there("games")
    assert is_there("bare.deep")
    for name in ("games.lmap", "bare", "no", "no.lamp", "", "."):
        assert not is_there(name), name


def test_names_in_settings():
    assert list(names_in({"a": ["b.C", {"d": "e.f:g"}], "h": 3, "i": "no name", "j": "k"})) == [
        "b.C",
        "e.f.g",
        "k",
    ]
