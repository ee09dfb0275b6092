"""The help of commands that run with a configuration."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from remix.cli.completion import HYDRA_COMMANDS
from remix.cli.help import help_of
from remix.runs.composing import compose
from remix.settings.configurations import Configuration
from tests.command_line import CommandLine


@pytest.fixture
def remix(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    monkeypatch.setenv("COLUMNS", "80")
    return CommandLine(monkeypatch, capsys, tmp_path)


def described(out: str, setting: str) -> str:
    """What is said of a setting, on however many lines."""
    [text] = re.findall(
        rf"^  {re.escape(setting)}(?:\n? {{2,}}(\S.*(?:\n {{10,}}.*)*))?$", out, flags=re.MULTILINE
    )
    return " ".join(text.split())


def test_settings_are_shown_with_the_comments_of_their_files(remix: CommandLine):
    out = remix("train", "--help").out
    said = {setting.name: setting.meaning for setting in Configuration("train").settings()}
    assert described(out, "max_env_steps=1000000") == said["max_env_steps"]
    assert described(out, "weight_range.min=0.1") == said["weight_range.min"]
    assert "env.punishment=0.0" in out and "algorithm.weighting.temperature=1.0" in out
    assert max(map(len, out.split("Settings (")[0].splitlines()[1:])) < 80


def test_every_setting_of_a_run_is_there(remix: CommandLine):
    out = remix("train", "env=smac", "algorithm=qplex", "--help").out
    config = OmegaConf.to_container(compose("env=smac", "algorithm=qplex"), resolve=False)

    def names(tree: dict, prefix: str = ""):
        for key, value in tree.items():
            if isinstance(value, dict) and value:
                yield from names(value, f"{prefix}{key}.")
            elif not key.startswith("_"):
                yield f"{prefix}{key}"

    assert isinstance(config, dict)
    shown = set(re.findall(r"^  ([\w.]+)=", out, flags=re.MULTILINE))
    left = {"algorithm_name", "env_name", "variant_name", "run_dir"}  # Hydra's
    assert set(names(config)) - left <= shown


@pytest.mark.parametrize("command", HYDRA_COMMANDS)
def test_the_help_of_every_command_is_ours(remix: CommandLine, command: str):
    for option in ("--help", "-h"):
        outcome = remix(command, option)
        assert outcome.code == 0
        assert f"  remix {command}" in outcome.out
        assert "Hydra" not in outcome.out
        assert not re.search(r":\n{2,}\w", outcome.out)  # a heading of nothing
        assert not re.search(r"[ ,]_\w+|`", outcome.out.replace("_target_", ""))  # private groups, markup
    assert not (remix.home / "runs").exists()


def test_what_was_chosen_is_shown(remix: CommandLine):
    out = remix("train", "env=matrix_game", "algorithm.gamma=0.5", "--help").out
    assert "env.payoff=" in out and "  env.punishment=" not in out
    assert "algorithm.gamma=0.5" in out
    assert "env=foo: must be one of" in remix("train", "env=foo", "--help").err


def test_a_sweep_has_help_too(remix: CommandLine):
    outcome = remix(
        "train", "study=custom", "algorithm=qmix,vdn", "env=two_step,climbing", "seed=7", "--help"
    )
    assert outcome.code == 0, outcome.err
    assert "  seed=7 " in outcome.out and "  study.name=" in outcome.out


def test_configurations_of_an_added_folder_are_found(remix: CommandLine):
    (folder := remix.home / "mine/env").mkdir(parents=True)
    (folder / "lamp.yaml").write_text("_target_: lamp.Lamp\nbulbs: 3\n")
    assert "env.bulbs=3" in remix("train", "env=lamp", "--config-dir", "mine", "--help").out


def test_a_class_that_is_not_there_keeps_no_help_back(remix: CommandLine):
    (remix.home / "conf/env").mkdir(parents=True)
    (remix.home / "conf/env/mine.yaml").write_text("_target_: remix.envs.games.Nope\nx: 1\n")
    assert "env.x=1" in remix("train", "--help", "env=mine").out


def test_nothing_heavy_is_imported():
    code = (
        f"import sys; from {help_of.__module__} import help_of; help_of('train', []); "
        "print([name for name in ('torch', 'mlflow', 'numba', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
