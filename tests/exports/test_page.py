"""The page on what leaves does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import remix
from tests.command_line import SMALL, CommandLine

PAGE = (Path(__file__).parents[2] / "docs/export.md").read_text()
COMMANDS = re.findall(r"^\$ remix (.*)$", PAGE, flags=re.MULTILINE)
READ, PLAY, LOAD = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> CommandLine:
    command = CommandLine(monkeypatch, capsys, tmp_path)
    remix.train("algorithm=qmix", *SMALL, "logger=none", "run_dir=runs/mine")
    return command


def test_episodes_and_networks(command: CommandLine) -> None:
    for words in COMMANDS:
        if words.startswith("export"):
            continue
        small = (
            [*SMALL, "algorithm=qmix", "logger=none"]
            if words.startswith("train")
            else ["episodes_per_file=50"]
        )
        done = command(*words.replace("episodes=1000", "episodes=60").split(), *small)
        assert (done.code, done.err) == (0, "")
    found: dict[str, Any] = {}
    exec(READ, found)
    assert found["obs"].shape == (found["length"] + 1, 2, found["page"]["environment"]["obs_size"])
    assert len(found["actions"]) == len(found["reward"]) == found["length"]
    named = set(re.findall(r"`(\w+)`", PAGE.partition("| array |")[2].partition("\n\n")[0]))
    assert {name for name in found["page"]["arrays"] if not name.startswith("metric_")} < named


def test_policies(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    [words] = [words for words in COMMANDS if words.startswith("export")]
    assert command(*words.split()).code == 0
    monkeypatch.syspath_prepend("policy")
    found: dict[str, Any] = {}
    exec(PLAY, found)
    assert found["actions"].shape == (2, 2)
    exec(LOAD, found)
    assert found["answer"]["action"].shape == (3,)
