"""What an installed ReMIX puts on the path of imports: remix alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import remix
from remix.settings.earlier_releases import MOVED, current_name, in_todays_names
from tests.command_line import SMALL

TOP = Path(remix.__path__[0]).parent
FOLDERS = ("callbacks", "conf", "envs")
PROGRAM = """
import sys
sys.path.pop(0)
from remix.cli.command import main
if __name__ == "__main__":
    main()
"""
LAMP = "from remix.envs.games import TwoStepGame\n\nclass Lamp(TwoStepGame):\n    label = 'lamp'\n"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_at_the_top_is_a_part_of_remix(folder: str):
    """As one module, under one name."""
    assert (TOP / "remix" / folder).resolve() == TOP / folder
    assert import_module(f"remix.{folder}").__name__ == f"remix.{folder}"


def test_no_configuration_names_them_otherwise():
    for file in (TOP / "conf").rglob("*.yaml"):
        assert not re.search(r"(_target_:|pkg://) *(callbacks|conf|envs)\b", file.read_text()), file


@pytest.mark.parametrize("packages", [True, False])
@pytest.mark.slow
def test_a_user_may_have_folders_of_these_names(tmp_path: Path, packages: bool):
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
        if packages:
            (tmp_path / folder / "__init__.py").write_text("" if folder == "envs" else "1 / 0")
    (tmp_path / "envs/lamp.py").write_text(LAMP)
    (tmp_path / "run.py").write_text(PROGRAM)
    settings = [word for word in (*SMALL, "max_env_steps=100") if not word.startswith("env.")]
    game = ["env=two_step", "env._target_=envs.lamp.Lamp", "algorithm=vdn", "logger=none", "run_dir=run"]
    if not packages:
        game += ["workers=process", "workers.n_workers=1"]
    done = subprocess.run(
        [sys.executable, "run.py", "train", *settings, *game],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "_target_: envs.lamp.Lamp" in (tmp_path / "run/config.yaml").read_text()


def test_former_names_lead_to_modules_of_today():
    for former, current in MOVED.items():
        assert import_module(current).__name__ == current
        assert current_name(f"{former}.Thing") == f"{current}.Thing"


def test_other_names_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("envs.lamp.Lamp", "envs.games", "envs", "", "lamp", "callbacks.mine.Mine"):
        assert current_name(name) == name
    assert current_name("envs.games.MatrixGame") == "remix.envs.games.MatrixGame"
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs/__init__.py").touch()
    (tmp_path / "envs/games.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert current_name("envs.games.MatrixGame") == "envs.games.MatrixGame"
    assert current_name("envs.pettingzoo.PettingZoo") == "remix.envs.pettingzoo.PettingZoo"


def test_only_classes_are_renamed():
    part = {"_target_": "envs.games.X", "inner": {"class_path": "envs.games.Y"}}
    inner = {"_target_": "remix.envs.games.X", "inner": {"class_path": "remix.envs.games.Y"}}
    node = {"title": "envs.games.X", "parts": [part]}
    assert in_todays_names(node) == node | {"parts": [inner]}
