"""What counts for the identity of a run, and what does not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from omegaconf import open_dict

import remix
from remix.runs.config import register_resolvers
from remix.runs.identity import identity
from tests.command_line import CommandLine

GAME = """\
from helpers.numbers import REWARD
from pettingzoo import ParallelEnv

def parallel_env():
    raise NotImplementedError(REWARD)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the user is in, with a game of two modules."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers/__init__.py").touch()
    (tmp_path / "helpers/numbers.py").write_text("REWARD = 9\n")
    (tmp_path / "dice.py").write_text(GAME)
    (tmp_path / "beside.py").write_text("x = 1\n")
    register_resolvers()
    return tmp_path


def of(*words: str) -> str:
    return identity(remix.compose(*words))


@pytest.mark.parametrize("game", ["dice", "dice:parallel_env"])
def test_the_source_of_own_modules_counts_and_of_what_they_import(own: Path, game: str) -> None:
    words = ("env=pettingzoo", f"env.id='{game}'")
    before = of(*words)
    (own / "beside.py").write_text("x = 2\n")
    assert of(*words) == before
    (own / "helpers/numbers.py").write_text("REWARD = 5000\n")
    after = of(*words)
    assert after != before
    (own / "dice.py").write_text(GAME + "# another\n")
    assert of(*words) not in (before, after)


def test_the_content_of_named_files_counts_not_their_place(own: Path) -> None:
    for name, text in {"a.yaml": "one", "b.yaml": "one", "c.yaml": "two"}.items():
        (own / name).write_text(text)
    first, same, other = (of(f"+env.map_file=./{name}.yaml") for name in "abc")
    assert first == same != other
    assert of(f"+env.text='Long. {'x' * 300}'") != of(f"+env.text='Long. {'y' * 300}'")  # no name of a file
    begins = [of(f"ckpt_path={name}.yaml") for name in "abc"]
    assert begins[0] == begins[1] != begins[2] != of()


def test_the_terrain_that_a_scenario_names_counts_as_the_scenario_does(own: Path) -> None:
    (own / "maps").mkdir()
    (own / "maps/ambush.yaml").write_text("terrain: valley.txt\n")
    (own / "maps/valley.txt").write_text("....\n")
    words = ("env=smac", "env.map_name=maps/ambush.yaml")
    open_ground = of(*words)
    (own / "maps/valley.txt").write_text("#..#\n")
    closed = of(*words)
    assert open_ground != closed
    (own / "maps").rename(own / "moved")
    assert of("env=smac", "env.map_name=moved/ambush.yaml") == closed


def test_the_networks_that_a_run_begins_with_count_not_their_place(own: Path) -> None:
    for name, text in {"a": "one", "b": "one", "c": "two"}.items():
        (own / name / "checkpoints").mkdir(parents=True)
        (own / name / "checkpoints/best.ckpt").write_text(text)
    begins = [of(f"init_from={name}") for name in ("a", "b", "a/checkpoints/best.ckpt", "c")]
    assert begins[0] == begins[1] == begins[2] != begins[3] != of() == of("init_from=null")


def test_pictures_do_not_count(own: Path) -> None:
    assert of("env=smac") == of("env=smac", "env.render_sight=true") != of("env=smac", "env.step_mul=4")


def test_settings_of_own_environments_count_whatever_they_are_called(own: Path) -> None:
    near, far = (of("env._target_=dice.Mine", f"+env.render_distance={blocks}") for blocks in (2, 16))
    assert near != far


@pytest.mark.parametrize("game", ["smac", "smacv2", "open_loop_smac"])
def test_a_run_made_before_battles_had_a_place_for_a_scenario_is_the_same(own: Path, game: str) -> None:
    config = remix.compose(f"env={game}")
    with open_dict(config):
        del config.env["scenario"]
    before = identity(config)
    assert of(f"env={game}") == before
    plus, plain = (of(f"env={game}", f"{plus}env.scenario={{episode_limit: 9}}") for plus in ("+", ""))
    assert plus == plain != before
    assert of("+env.scenario=null") == of()
    assert of("env._target_=dice.Game", "+env.scenario=null") != of("env._target_=dice.Game")


def test_equal_numbers_and_what_only_shows_do_not_count(own: Path) -> None:
    base = of("env.punishment=-2")
    for words in (
        ["env.punishment=-2.0"],
        ["env.punishment=-2", "seed=3", "trainer.log_every_n_steps=7", "trainer.max_time=00:01:00:00"],
        ["env.punishment=-2", "callbacks=none", "logger=none", "trainer.enable_model_summary=true"],
        ["env.punishment=-2", "env_name=hunt", "algorithm_name=ours"],
        ["env.punishment=-2", "callbacks.progress.interval=3", "workers=process"],
    ):
        assert of(*words) == base, words
    assert of("+trainer.limit_val_batches=1") != of("+trainer.limit_val_batches=1.0")


def test_callbacks_count_unless_they_are_known_to_change_nothing(own: Path) -> None:
    (own / "stop.py").write_text(
        "from remix.callbacks.progress import EnvStepProgress\n"
        "class Stop(EnvStepProgress):\n    pass\n"
        "class Look(EnvStepProgress):\n    changes_training = False\n"
    )
    base = of()
    early = "{_target_: pytorch_lightning.callbacks.EarlyStopping, monitor: test/return, patience: 1}"
    assert of(f"+callbacks.a={early}") == of(f"+callbacks.b={early}") != base
    assert of("+callbacks.a._target_=stop.Look") == base
    stop = of("+callbacks.a={_target_: stop.Stop}")
    assert stop != base
    assert of("+callbacks.a={_target_: stop.Stop}", "run_dir=elsewhere", "seed=5") == stop
    (own / "stop.py").write_text((own / "stop.py").read_text() + "# another\n")
    assert of("+callbacks.a={_target_: stop.Stop}") == stop  # as it was imported
    sys.modules.pop("stop")
    assert of("+callbacks.a={_target_: stop.Stop}") != stop
    monitor = "{_target_: pytorch_lightning.callbacks.LearningRateMonitor}"
    assert of(f"+callbacks.a={monitor}") == base


def test_a_run_of_an_earlier_version_is_told_from_one_of_another_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    remix = CommandLine(monkeypatch, capsys, tmp_path)
    (tmp_path / "runs/x").mkdir(parents=True)
    (tmp_path / "runs/x/run.json").write_text('{"identity": "0123456789", "seed": 1, "status": "finished"}')
    refused = remix("train", "env=matrix_game", "resume=auto", "run_dir=runs/x")
    assert refused.code == 2
    assert "run_dir=runs/x: holds a run that an earlier version of ReMIX recorded" in refused.err
    assert refused.err.count("\n") == 1
