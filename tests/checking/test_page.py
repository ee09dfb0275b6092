"""The page on checking does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.command_line import CommandLine

PAGE = (Path(__file__).parents[2] / "docs/checking.md").read_text()


def block(language: str, containing: str = "") -> str:
    """The fenced block of a language that contains a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return found


def test_what_is_broken_and_what_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("sharp", "test_sharp"):
        (tmp_path / f"{name}.py").write_text(block("python", f"# {name}.py"))

    command, *lines = block("console").splitlines()
    outcome = CommandLine(monkeypatch, capsys, tmp_path)(*command.removeprefix("$ remix ").split())
    assert (outcome.code, outcome.out, outcome.err.splitlines()) == (2, "", lines)

    from test_sharp import test_sharp_keeps_the_contract_of_weightings as test

    test()
    assert capsys.readouterr().out == block("text")


def test_the_files_that_it_names_are_there():
    for name in re.findall(r"`(\w+\.py)`", PAGE):
        assert (Path(__file__).parents[2] / "remix/checking" / name).is_file()
