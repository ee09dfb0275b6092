"""What stands in the advice to type next."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from remix.settings.program import program


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The command in an environment in the folder we are in, which a shell does not know of."""
    folder = tmp_path / ".venv/bin"
    folder.mkdir(parents=True)
    (command := folder / "remix").write_text("")
    command.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    return command


def test_a_command_that_no_shell_finds_has_its_path(installed: Path, monkeypatch: pytest.MonkeyPatch):
    assert program() == ".venv/bin/remix"
    monkeypatch.chdir("/usr")
    assert program() == str(installed)


def test_a_command_that_a_shell_finds_is_named(installed: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(installed.parent))
    assert program() == "remix"


def test_another_one_of_that_name_is_not_meant(
    installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (other := tmp_path / "remix").write_text("")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == ".venv/bin/remix"


def test_an_interpreter_without_the_command_leaves_the_name(installed: Path, monkeypatch: pytest.MonkeyPatch):
    installed.unlink()
    assert program() == "remix"
