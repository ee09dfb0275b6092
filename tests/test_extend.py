"""The page on extending: its files, written into a folder, do what its commands want."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.command_line import CommandLine
from tests.projects import QUICK, write

PAGE = (Path(__file__).parents[1] / "docs/extend.md").read_text()
FILES = dict(re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE, flags=re.DOTALL))
COMMANDS = re.findall(r"^\$ remix (.*)$", PAGE, flags=re.MULTILINE)
STUDY = ("train study=sharp", "report sharp")
ROW = re.compile(r"^\| \[(.*?)\].*\| (\d+|none)(?: lines?)? \| (\d+) lines? \|$", re.MULTILINE)


@pytest.fixture
def remix(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    mlflow_uri: str,
) -> CommandLine:
    write(tmp_path, FILES)
    return CommandLine(monkeypatch, capsys, tmp_path)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in STUDY])
def test_a_command_works(remix: CommandLine, command: str):
    words = command.split()
    if words[0] == "train":
        words += [*QUICK, "logger=none"]
    outcome = remix(*words)
    assert outcome.code == 0, outcome.err


@pytest.mark.usefixtures("blank_figures")
def test_the_study_is_reported(remix: CommandLine):
    train, report = (command.split() for command in STUDY)
    outcome = remix(*train, *QUICK, "seed=1")
    assert "study sharp: 2 jobs: 2 finished" in outcome.out, outcome.err
    assert remix(*report).code == 0
    assert set(STUDY) <= set(COMMANDS)


def test_files_are_as_long_as_the_table_says():
    rows = ROW.findall(PAGE)
    assert len(rows) == 10
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    for (part, python, configuration), section in zip(rows, sections, strict=True):
        assert section.lower().startswith(part)
        files = re.findall(r"```(python|yaml)\n# \S+\n(.*?)```", section, flags=re.DOTALL)
        lengths = {language: str(text.count("\n")) for language, text in files}
        assert (lengths.get("python", "none"), lengths["yaml"]) == (python, configuration)
