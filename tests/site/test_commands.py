"""Every command on the pages works: with a small budget, or up to its configuration where it takes longer."""

from __future__ import annotations

import re
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

import remix
from tests.benchmarks.__main__ import BENCHMARKS
from tests.command_line import SMALL, CommandLine

ROOT = Path(__file__).parents[2]
ELSEWHERE = {"checking.md", "export.md", "extend.md", "own_project.md"}
"""Pages whose commands want files of their own: the tests of these parts give them."""
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]


def commands(page: Path) -> list[str]:
    """Behind ``$ remix``, on a page."""
    return re.findall(r"^\$ remix (.*)$", page.read_text("utf-8"), flags=re.MULTILINE)


COMMANDS = [
    (page.relative_to(ROOT), command)
    for page in PAGES
    if page.name not in ELSEWHERE
    for command in commands(page)
    if not command.startswith(("report predator_prey", "ui"))  # the second serves until it is told to end
]
BRIEF = ("max_env_steps=200", "algorithm.epsilon.steps=100")
STUDY = commands(ROOT / "docs/studies.md")
LONG = ("study=", "accelerator=gpu", "starcraft2", "env=smac", "env=pettingzoo", "workers=process")
"""What a training that is only composed has in its line; the tests of these parts run it."""


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of which the pages speak."""
    folder = tmp_path_factory.mktemp("home") / "runs/mine"
    remix.train("algorithm=remix", *SMALL, "max_env_steps=100", "logger=none", f"run_dir={folder}")
    return folder


@pytest.fixture
def command_line(
    mine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    mlflow_uri: str,
) -> CommandLine:
    shutil.copytree(mine, tmp_path / "runs/mine")
    return CommandLine(monkeypatch, capsys, tmp_path)


def small(page: Path, command: str) -> list[str]:
    """The words of a command, with as little to do as possible."""
    words = [word for word in shlex.split(command, comments=True) if word != "-m"]
    if words[0] == "train":
        if "--help" in words or "--cfg" in words:
            return words
        if "algorithms" in page.parts or " -m " in command or any(part in command for part in LONG):
            first = [re.sub(r"^([\w/.]+=[^,\[{]+),.*", r"\1", word) for word in words]  # of several values
            return [*first, "--cfg", "job"]
        size = [word for word in SMALL if not (" env=" in command and word.startswith("env."))]
        training = [*words, *size, *BRIEF]
        return training if "logger=" in command else [*training, "logger=none"]
    words = [str(ROOT / word) if word.startswith("notebooks/") else word for word in words]
    few = {
        "evaluate": ["episodes=2"],
        "record": ["episodes=2"],
        "search": ["search.trials=1", *SMALL, *BRIEF],
    }
    return words + few.get(words[0], [])


DIFFERENT = {tuple(small(page, line)): f"{page.stem}: {line}" for page, line in reversed(COMMANDS)}
"""What is tried, and where it stands; several pages have some of them."""


@pytest.mark.parametrize("words", reversed(DIFFERENT), ids=reversed(DIFFERENT.values()))
def test_a_command_works(command_line: CommandLine, words: tuple[str, ...]):
    outcome = command_line(*words)
    assert outcome.code == 0, outcome.err


def test_a_mistake_is_answered_as_shown(command_line: CommandLine):
    (shown,) = re.findall(
        r"^(remix: algorithm=qmxi: .*), \.\.\.$", (ROOT / "docs/first_run.md").read_text(), re.M
    )
    outcome = command_line("train", "algorithm=qmxi")
    assert (outcome.code, outcome.err.startswith(shown)) == (2, True)


@pytest.mark.usefixtures("blank_figures")
def test_the_study_is_reported(command_line: CommandLine):
    assert "train study=predator_prey algorithm=remix,ow_qmix seed=1,2" in STUDY
    jobs = ("algorithm=remix,ow_qmix", "env.punishment=0", "seed=1")
    assert command_line("train", "study=predator_prey", *SMALL, *BRIEF, *jobs).code == 0
    for command in STUDY:
        if command.startswith("report predator_prey"):
            outcome = command_line(*shlex.split(command))
            assert outcome.code == 0, outcome.err


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_targets_of_make_exist(page: Path):
    makefile = (ROOT / "Makefile").read_text()
    text = page.read_text("utf-8")
    for target in re.findall(r"(?:^|`)make ([a-z][\w-]*)", text, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_benchmarks_and_modules_exist():
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    benchmarks = re.findall(r'make bench ARGS=(?:"([\w ]+)"|(\w+))', text)
    assert benchmarks and {name for names in benchmarks for part in names for name in part.split()} <= set(
        BENCHMARKS
    )
    modules = set(re.findall(r"python -m ((?:tests|remix)[\w.]+)", text))
    assert modules and all(find_spec(module) for module in modules), modules
