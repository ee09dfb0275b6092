"""A new project trains as it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from remix.cli import lightning
from remix.cli.new import TEMPLATE
from remix.settings.import_path import OURS
from tests.command_line import CommandLine
from tests.projects import QUICK, forgotten

LAMP = ("experiment=lamp", *QUICK, "algorithm.central.embed_dim=8")


@pytest.fixture
def project(remix: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new one, in which one stands."""
    assert remix("new", "mine").code == 0
    monkeypatch.chdir("mine")
    return Path.cwd()


def test_it_is_the_template_under_its_own_name(project: Path):
    def names(folder: Path) -> set[Path]:
        return {file.relative_to(folder) for file in folder.rglob("*") if "__pycache__" not in file.parts}

    assert names(project) == names(TEMPLATE)
    assert 'name = "mine"' in (project / "pyproject.toml").read_text()
    assert not any("my_project" in file.read_text() for file in project.rglob("*") if file.is_file())


def test_it_trains_and_is_looked_at(remix: CommandLine, project: Path):
    trained = remix("train", *LAMP, "logger=none", "run_dir=run")
    assert trained.code == 0, trained.err
    needs = {"envs.lamp": str(project), "weightings.sharp": str(project)}
    assert json.loads((project / "run/run.json").read_text())["needs"] == needs
    assert remix("evaluate", "run", "episodes=2").code == 0
    assert remix("watch", "run").code == 0
    resumed = remix("train", *LAMP, "logger=none", "run_dir=run", "resume=auto")
    assert "already finished: run" in resumed.out


def test_its_battle_trains_and_a_checkpoint_brings_it_along(
    remix: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch
):
    trained = remix("train", "env=ambush", *QUICK, "logger=none", "run_dir=run")
    assert trained.code == 0, trained.err
    assert "remix on skirmish/ambush: 3 agents" in trained.out
    assert json.loads((project / "run/run.json").read_text()).get("needs", {}) == {}
    monkeypatch.chdir(project.parent)
    assert remix("watch", "mine/run", "+env.render_sight=true").code == 0
    without_plus = remix("watch", "mine/run", "env.render_sight=true")
    assert (
        without_plus.err
        == "remix: env.render_sight: nothing is set there yet; write +env.render_sight=VALUE\n"
    )
    wrong = remix("train", "env=smac", "env.map_name=zerg_5_vs_5", *QUICK, "logger=none")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1) and "env=smacv2" in wrong.err


def test_what_a_checkpoint_needs_is_said_elsewhere(
    remix: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with forgotten(project):
        assert remix("train", *LAMP, "logger=none", "run_dir=run").code == 0
    elsewhere = project.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    outcome = remix("evaluate", "../mine/run")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert f"needs the module envs.lamp of the project in {project}: go there" in outcome.err
    assert outcome.err.endswith("or set PYTHONPATH to it and trust=[envs,weightings]\n")
    with pytest.raises(SystemExit):
        lightning.main(["fit", "--config", "../mine/run/config.yaml"])
    said = capsys.readouterr().err
    assert f"config=../mine/run/config.yaml: needs the module envs.lamp of the project in {project}" in said
    assert "--trust envs --trust weightings" in said and said.count("\n") == 1
    project.rename(project.with_name("moved"))
    outcome = remix("evaluate", "../moved/run")
    assert f"needs the module envs.lamp of the project that was in {project}: go to" in outcome.err
    monkeypatch.setattr(sys, "path", [*sys.path, str(project.with_name("moved"))])
    assert remix("evaluate", "../moved/run", "episodes=2").code == 2
    assert remix("evaluate", "../moved/run", "episodes=2", "trust=[envs,weightings]").code == 0


def test_its_study_runs(remix: CommandLine, project: Path):
    outcome = remix("train", "study=lamp", *LAMP[1:], "logger=none", "seed=1")
    assert outcome.code == 0, outcome.err
    assert "study lamp: 2 jobs: 2 finished" in outcome.out
    for variant in ("optimistic", "sharp"):
        assert (project / f"runs/studies/lamp/lamp/{variant}/seed1/run.json").is_file()


@pytest.mark.slow
def test_its_tests_and_other_processes_find_its_modules(remix: CommandLine, project: Path):
    environment = os.environ | {"PYTHONPATH": str(OURS.parent)}

    def run(*words: str) -> None:
        command = [sys.executable, *words]
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    assert (
        remix("train", *LAMP, "logger=none", "run_dir=run", "workers=process", "workers.n_workers=1").code
        == 0
    )
    run("-m", "remix.cli.lightning", "fit", "--config", "run/config.yaml")


@pytest.mark.parametrize(
    "name", ["", "9lives", "con fig", "remix", "Remix_marl", "naïve", "a.b", "-x", "ends-"]
)
def test_a_name_that_is_none_is_refused(remix: CommandLine, name: str):
    outcome = remix("new", name)
    assert outcome.code == 2
    assert re.fullmatch(rf"remix: name={re.escape(name)}: must be .*\n", outcome.err)
    assert not list(remix.home.iterdir())


def test_what_is_there_is_left_alone(remix: CommandLine):
    (remix.home / "empty").mkdir()
    assert remix("new", "empty").code == 0
    (remix.home / "file").touch()
    for name in ("empty", "file"):
        outcome = remix("new", name)
        expected = f"remix: name={name}: is there already; choose another name, or an empty folder\n"
        assert (outcome.code, outcome.err) == (2, expected)


def test_two_names_and_none(remix: CommandLine):
    for words in ((), ("a", "b")):
        outcome = remix("new", *words)
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert remix("new", "--help").code == 0
