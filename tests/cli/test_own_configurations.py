"""Configurations in the folder that a command is given in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

from remix.cli.completion import choices
from remix.report.style import _looks
from remix.runs.config import register_resolvers
from remix.settings.import_path import OURS
from remix.settings.project import configuration_folders
from tests.command_line import CommandLine
from tests.projects import QUICK, write

FILES = {
    "envs/lamp.py": "from remix.envs.games import TwoStepGame\n\nclass Lamp(TwoStepGame): ...\n",
    "conf/env/lamp.yaml": "_target_: envs.lamp.Lamp\n",
    "conf/algorithm/mine.yaml": "# @label Mine\n# @color teal\ndefaults:\n  - vdn\n  - _self_\ngamma: 0.5\n",
    "conf/mine/x.yaml": "answer: 42\n",
}


@pytest.fixture
def remix(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    write(tmp_path, FILES)
    return CommandLine(monkeypatch, capsys, tmp_path)


def test_a_run_is_composed_of_them(remix: CommandLine):
    outcome = remix("train", "env=lamp", "algorithm=mine", *QUICK, "logger=none", "run_dir=run")
    assert outcome.code == 0, outcome.err
    config = (remix.home / "run/config.yaml").read_text()
    assert "_target_: envs.lamp.Lamp" in config
    assert "gamma: 0.5" in config
    assert "mine on two_step" in outcome.out


def test_they_are_offered(remix: CommandLine):
    assert "env=lamp" in choices("remix train env=")
    assert choices("remix train algorithm=mi") == ["algorithm=mine"]
    assert "lamp, matrix_game" in " ".join(remix("train", "--help").out.split())
    assert "must be one of lamp" in remix("train", "env=lmap").err
    assert "must be one of branch_chain, climbing, lamp" in remix("train", "env=3").err


def test_a_new_group_can_be_added(remix: CommandLine):
    assert "answer: 42" in remix("train", "+mine=x", "--cfg", "job").out
    assert "mine=y: must be one of x" in remix("train", "+mine=y").err
    assert "yours=x: unknown setting" in remix("train", "+yours=x").err


GLOBAL = "# @package _global_\n"
TWO_STEP = "defaults:\n  - override /env: two_step\n"


def test_a_variant_that_changes_nothing_is_refused(remix: CommandLine):
    """Though something refers to the choice of a variant."""
    write(remix.home, {"conf/variant/mine.yaml": "max_env_steps: 9\n"})
    outcome = remix("train", "variant=mine", "env=lamp", *QUICK, "logger=none")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert outcome.err.startswith("remix: variant={'max_env_steps': 9}: changes nothing; the file of ")


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        (
            f"{GLOBAL}{TWO_STEP}max_env_step: 9\n",
            "max_env_step=9: unknown setting; must be one of max_env_steps, ",
        ),
        ("max_env_steps: 9\n", "experiment={'max_env_steps': 9}: changes nothing; the file of experiment="),
    ],
)
def test_what_an_experiment_sets_in_vain_is_refused(remix: CommandLine, experiment: str, message: str):
    write(remix.home, {"conf/experiment/mine.yaml": experiment})
    outcome = remix("train", "experiment=mine", *QUICK, "logger=none")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert outcome.err.startswith(f"remix: {message}")


def test_what_settings_refer_to_may_stand_at_the_top(remix: CommandLine):
    text = f"{GLOBAL}{TWO_STEP}width: 8\nalgorithm:\n  policy:\n    hidden_size: ${{width}}\n"
    write(remix.home, {"conf/experiment/mine.yaml": text})
    outcome = remix(
        "train", "experiment=mine", "algorithm=vdn", "+mine=x", *QUICK[:4], "threads=1", "logger=none"
    )
    assert outcome.code == 0, outcome.err


def test_they_are_found_from_python(remix: CommandLine):
    register_resolvers()
    with initialize_config_module("remix.conf", version_base="1.3"):
        assert compose("train", ["env=lamp"]).env._target_ == "envs.lamp.Lamp"


def test_an_algorithm_looks_in_the_report_as_its_file_says(remix: CommandLine):
    _looks.cache_clear()
    try:
        assert _looks()["mine"] == {"label": "Mine", "color": "teal"}
    finally:
        _looks.cache_clear()


@pytest.mark.parametrize(
    ("file", "setting", "words"),
    [
        ("conf/env/smac.yaml", "env=smac", ()),
        ("conf/algorithm/_q_learning.yaml", "algorithm=_q_learning", ()),
        ("conf/train.yaml", "--config-name=train", ()),
        ("more/env/smac.yaml", "env=smac", ("--config-dir", "more")),
        ("more/env/smac.yaml", "env=smac", ("--config-dir=more",)),
        ("more/env/smac.yaml", "env=smac", ("-cd", "more")),
    ],
)
def test_none_of_ours_is_replaced(remix: CommandLine, file: str, setting: str, words: tuple[str, ...]):
    write(remix.home, {file: "{}\n"})
    expected = f"{setting}: comes with ReMIX, {file} cannot replace it; give that file another name"
    for command in (("train", "--cfg", "job"), ("evaluate", "x"), ("check", "env=lamp")):
        outcome = remix(*command, *words)
        assert (outcome.code, outcome.err) == (2, f"remix: {expected}\n")


def test_a_wrong_one_is_one_line(remix: CommandLine):
    write(
        remix.home,
        {"conf/env/dim.yaml": "_target_: envs.lamp.Lamp\nsise: 3\n", "conf/env/cut.yaml": "a: b: c"},
    )
    assert remix("train", "env=dim").err.startswith("remix: env.sise=3: unknown setting; env must be one of")
    outcome = remix("train", "env=cut")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "conf/env/cut.yaml, line 1, column 5: mapping values are not allowed here" in outcome.err
    write(remix.home, {"conf/algorithm/two.yaml": "# @label Two words\ndefaults: [qmix]\n"})
    outcome = remix("train", "algorithm=two")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert outcome.err.startswith("remix: # @label Two words: ") and "one word" in outcome.err


def test_files_that_have_nothing_to_do_with_it_are_no_obstacle(remix: CommandLine):
    """Links to nowhere, folders that look like files, other encodings; what they say may be a reference."""
    (remix.home / "conf/folder.yaml").mkdir(parents=True)
    (remix.home / "conf/gone.yaml").symlink_to("nowhere")
    (remix.home / "conf/latin.yaml").write_bytes(b"name: caf\xe9 ${lightness}\n")
    write(remix.home, {"conf/experiment/odd.yaml": "# @package _global_\nheight: 3\nlightness: 2\n"})
    outcome = remix("train", "experiment=odd")
    assert outcome.err.startswith("remix: height=3: unknown setting; must be one of "), outcome.err


def test_our_own_folder_is_no_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir((OURS / "conf").resolve().parent)
    assert configuration_folders() == [OURS / "conf"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").touch()
    assert configuration_folders() == [OURS / "conf"]
