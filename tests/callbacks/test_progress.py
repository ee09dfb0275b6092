"""What a user sees while a run goes on."""

import re
import sys
from pathlib import Path

import pytest

from remix.callbacks.checkpointing import LastCheckpoint
from remix.callbacks.progress import EnvStepProgress
from remix.learning.workers.inline import InlineWorkers
from remix.settings.errors import SettingError
from tests.callbacks.runs import Run

ALWAYS = 1e-9  # seconds between lines: one for every round


def shown_steps(output: str) -> list[int]:
    return [int(n.replace(",", "")) for n in re.findall(r"^([\d,]+) of", output, re.MULTILINE)]


def test_lines_count_environment_steps_of_the_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path, [EnvStepProgress(ALWAYS), LastCheckpoint(tmp_path)]).fit()
    output = capsys.readouterr().out
    steps = shown_steps(output)
    assert steps == sorted(steps)
    assert steps[-1] == run.data.env_steps
    first, last = output.splitlines()[0], output.splitlines()[-1]
    assert "of 160 steps" in first and "epsilon 0.9" in first and "updates 0" in first
    assert re.search(
        r"steps \(100%\), return -?\d+\.\d\d of \d+, [\d,]+ steps/s on average, "
        r"epsilon 0\.\d\d, updates \d+$",
        last,
    )
    assert f"updates {run.module.updates}" in last


def test_lines_keep_their_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Run(tmp_path, [EnvStepProgress(interval=3600.0), LastCheckpoint(tmp_path)]).fit()
    assert len(capsys.readouterr().out.splitlines()) == 1  # that at the end


def test_lines_tell_how_many_workers_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InlineWorkers, "strength", (3, 4))
    Run(tmp_path, [EnvStepProgress(ALWAYS), LastCheckpoint(tmp_path)]).fit()
    assert capsys.readouterr().out.splitlines()[0].endswith(", workers 3 of 4")


def test_resumed_run_starts_from_its_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = Run(tmp_path, [EnvStepProgress(ALWAYS), LastCheckpoint(tmp_path)], max_epochs=2).fit()
    capsys.readouterr()
    Run(tmp_path, [EnvStepProgress(ALWAYS), LastCheckpoint(tmp_path)]).fit(tmp_path / "last.ckpt")
    steps = shown_steps(capsys.readouterr().out)
    assert first.data.env_steps < steps[0] < first.data.env_steps + 20


def test_terminal_shows_a_bar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    run = Run(tmp_path, [EnvStepProgress(), LastCheckpoint(tmp_path)]).fit()
    assert run.data.env_steps > 160  # the last round went beyond the budget
    last = capsys.readouterr().out.split("\r")[-1].rstrip("\n")
    assert len(last) <= 80
    assert "100%" in last and "160/160 [" in last
    assert re.search(r"\], return -?\d+\.\d\d of \d+, [\d,]+ steps/s$", last)


def test_a_wide_terminal_shows_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("LINES", "24")
    Run(tmp_path, [EnvStepProgress(), LastCheckpoint(tmp_path)]).fit()
    last = capsys.readouterr().out.split("\r")[-1]
    assert "epsilon 0." in last and "updates " in last


def test_interval_must_be_positive() -> None:
    with pytest.raises(SettingError, match="interval"):
        EnvStepProgress(0.0)
