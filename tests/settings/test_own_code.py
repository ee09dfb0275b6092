"""Modules of the user's own: found, checked, and shown when they fail."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from site import getusersitepackages
from textwrap import dedent

import pytest

from remix.settings.import_path import OURS, find_own_modules
from remix.settings.own_code import OwnCodeError, own_traceback, summary
from tests.command_line import CommandLine

FILES = {
    "lamp.py": """
        from __future__ import annotations
        from dataclasses import dataclass
        from typing import TYPE_CHECKING
        from pytorch_lightning import Callback
        from remix.envs.games import MatrixGame
        from remix.envs.spec import Environment
        from remix.networks.mixers.vdn import VDNMixer
        from remix.weighting.optimistic import Optimistic
        if TYPE_CHECKING:
            from nowhere import Thing

        class Lamp(MatrixGame):
            label = "lamp"

        class Wide(VDNMixer):
            def value_and_slopes(self, *inputs):
                value, slopes = super().value_and_slopes(*inputs)
                return value[:, None], slopes

        class Loud(Optimistic):
            def __call__(self, inputs):
                return super().__call__(inputs)._replace(diagnostics={"weighting/loud": inputs.target})

        class Half(Environment):
            def reset(self, seeds): ...

        class Dark(Lamp):
            def __init__(self, **settings) -> None:
                self.search()
            def search(self):
                raise RuntimeError("no switch\\nanywhere")

        class Leaves(Lamp):
            def __init__(self, **settings) -> None:
                raise SystemExit(3)

        class Typed(Callback):
            def __init__(self, thing: Thing = None, number: int = 3) -> None:
                print("typed", number)

        class Needy(Callback):
            def __init__(self, name: str) -> None: ...

        @dataclass
        class Data(Callback):
            number: int = 3

        class Bug(Callback):
            def on_fit_start(self, trainer, pl_module):
                raise ValueError("a bug")

        def nothing(**settings):
            return 3
    """,
    "broken.py": "first = 1\nsecond = missing\n",
    "syntax.py": "def f(:\n",
    "quits.py": "raise SystemExit(3)\n",
    "slow.py": "from remix.settings.signals import Stopped\nraise Stopped(15)\n",
}
GAME = "env._target_=lamp.Lamp"
RUN = (
    "env=matrix_game",
    "threads=1",
    "max_env_steps=40",
    "steps_per_epoch=20",
    "validation_episodes=2",
    "test_episodes=2",
    "replay.batch_size=8",
    "replay.capacity=16",
    "logger=none",
    "callbacks=none",
)


@pytest.fixture
def remix(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    for name, text in FILES.items():
        (tmp_path / name).write_text(dedent(text))
    return CommandLine(monkeypatch, capsys, tmp_path)


MISTAKES = [
    ("env._target_=lamp.Lmap", "env._target_=lamp.Lmap: lamp has no Lmap; nearest: Lamp"),
    ("env._target_=lmap.Lamp", "env._target_=lmap.Lamp: there is no module lmap, neither in "),
    (
        "env._target_=remix.envs.gamess.X",
        "env._target_=remix.envs.gamess.X: remix.envs has no gamess; nearest: games",
    ),
    ("env._target_=lamp.Half", "env._target_=lamp.Half: is not complete: it must have close, render, step"),
    ("env._target_=lamp.Typed", "env._target_=lamp.Typed: must be an Environment"),
    ("env._target_=os.path", "env._target_=os.path: is a module; must be a class or a function"),
    ("env._target_=lamp.nothing", "env._target_=lamp.nothing: makes an int; must make an Environment"),
    (
        "env._target_=collections.OrderedDict",
        "env._target_=collections.OrderedDict: must be an Environment",
    ),
    ("env._target_=''", "env._target_=: must name a class or a function"),
    ("env._target_=..x", "env._target_=..x: must name a class or a function"),
    ("env._target_=null", "env._target_=None: must name a class or a function"),
    ("~env._target_", "env={"),
    ("+callbacks.mine={_target_:lamp.Needy}", "callbacks.mine.name=???: must be given: lamp.Needy needs it"),
    ("+callbacks.mine={_target_:lamp.Typed,number:x}", "callbacks.mine.number=x: must be a whole number"),
    ("+callbacks.mine={_target_:lamp.Typed,nmber:3}", "callbacks.mine.nmber=3: unknown setting; "),
    (
        "algorithm.mixer._target_=lamp.Wide",
        "algorithm.mixer.embed_dim=32: unknown setting; lamp.Wide has none; "
        "leave it out with '~algorithm.mixer.embed_dim'\n",
    ),
    ("+callbacks.mine={_target_:lamp.Lamp}", "callbacks.mine._target_=lamp.Lamp: must be a Callback"),
    ("+logger.mine={_target_:os.getcwd}", "logger.mine._target_=os.getcwd: makes a str; must make a Logger"),
    (
        "algorithm.mixer._target_=remix.learning.policy.Policy",
        "algorithm.mixer._target_=remix.learning.policy.Policy: must be a Mixer",
    ),
]


@pytest.mark.parametrize(("word", "message"), MISTAKES, ids=[word for word, _ in MISTAKES])
def test_a_wrong_target_is_one_line(remix: CommandLine, word: str, message: str):
    outcome = remix("train", *RUN, word)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1), outcome.err
    assert outcome.err.startswith(f"remix: {message}")
    assert not (remix.home / "runs").exists()


@pytest.mark.parametrize(
    ("word", "traceback", "line"),
    [
        ("env._target_=broken.X", ["broken.py", "line 2"], "its import raised NameError: "),
        ("env._target_=syntax.X", ["syntax.py", "def f(:"], "its import raised SyntaxError: "),
        (
            "env._target_=quits.X",
            ["quits.py", "line 1"],
            "raised SystemExit: 3 (quits.py, line 1)",
        ),
        ("env._target_=lamp.Leaves", ["in __init__"], "building it raised SystemExit: 3 (lamp.py, line "),
        (
            "env._target_=lamp.Dark",
            ["in __init__", "in search"],
            "raised RuntimeError: no switch anywhere",
        ),
    ],
)
def test_own_code_that_raises_shows_its_own_lines(
    remix: CommandLine, word: str, traceback: list[str], line: str
):
    outcome = remix("train", *RUN, word)
    *shown, last = outcome.err.splitlines()
    assert outcome.code == 2
    assert last.startswith("remix: env") and line in last
    assert all(any(part in text for text in shown) for part in traceback)
    assert len(shown) < 10 and not any("hydra" in text for text in shown)


def test_a_signal_during_an_import_is_no_fault_of_the_module(remix: CommandLine):
    outcome = remix("train", *RUN, "env._target_=slow.X")
    assert (outcome.code, outcome.err) == (143, "remix: stopped by SIGTERM\n")


def test_own_code_that_raises_while_training_shows_its_own_lines(remix: CommandLine):
    outcome = remix("train", *RUN, GAME, "+callbacks.mine={_target_:lamp.Bug}")
    assert outcome.code == 1
    assert outcome.err.count("lamp.py") == 2 and "lightning" not in outcome.err
    last = outcome.err.splitlines()[-1]
    assert last.startswith("remix: unexpected ValueError: a bug (lamp.py, line ")
    assert last.endswith("error.txt") and outcome.err.count("error.txt") == 1


def test_packages_that_are_installed_for_one_user_alone_are_not_shown():
    theirs = compile("raise RuntimeError", f"{getusersitepackages()}/hydra/theirs.py", "exec")
    with pytest.raises(RuntimeError) as caught:
        exec(theirs)
    assert "test_own_code.py" in own_traceback(caught.value)
    assert "theirs.py" not in own_traceback(caught.value) + summary(caught.value)


def test_what_fails_in_our_code_for_a_part_of_ones_own_points_to_the_check(remix: CommandLine):
    outcome = remix("train", *RUN, "algorithm=ow_qmix", "algorithm.weighting._target_=lamp.Loud")
    assert outcome.code == 1
    assert outcome.err.startswith("remix: unexpected RuntimeError: ")
    assert outcome.err.endswith("error.txt; remix check tries your own parts\n")


@pytest.mark.parametrize("callback", ["Typed", "Data"])
def test_own_classes_are_used(remix: CommandLine, callback: str):
    outcome = remix("train", *RUN, GAME, f"+callbacks.mine={{_target_:lamp.{callback},number:4}}")
    assert outcome.code == 0, outcome.err
    assert callback != "Typed" or "typed 4" in outcome.out


def test_own_modules_are_found_in_workers(remix: CommandLine):
    """Those of jobs side by side are found in ``tests/studies/test_launchers.py``."""
    outcome = remix("train", *RUN, GAME, "workers=process", "workers.n_workers=1")
    assert outcome.code == 0, outcome.err


def test_own_modules_come_after_all_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    find_own_modules()
    find_own_modules()
    assert sys.path[-2:] == [str(tmp_path), str(OURS.parent)]
    assert sys.path.count(str(tmp_path)) == 1


def test_errors_of_own_code_travel_between_processes():
    error = OwnCodeError("env", "lamp.Lamp", "building it raised RuntimeError", "File lamp.py")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.details) == (str(error), error.details)
