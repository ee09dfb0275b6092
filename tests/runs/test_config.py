"""Checks, types and identity of a configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import remix
from remix.records.directory import RECORD, RunDirectory, latest_run
from remix.runs import config as configuration
from remix.runs.composing import composed
from remix.runs.config import check, check_arguments, plain, run_directory
from remix.runs.identity import SCHEME, identity
from remix.runs.previous import find_previous
from remix.settings.errors import SettingError


@pytest.mark.parametrize(
    ("override", "setting"),
    [
        ("env.world_shape=10", "env.world_shape"),
        ("algorithm.weighting.bellman_error=1", "algorithm.weighting.bellman_error"),
        ("algorithm.mixer.embed_dim=1.5", "algorithm.mixer.embed_dim"),
        ("+algorithm.mixer.depth=2", "algorithm.mixer.depth"),
        ("trainer.max_epochs=many", "trainer.max_epochs"),
    ],
)
def test_arguments_are_checked_against_signatures(override: str, setting: str):
    config = remix.compose(override, "run_dir=x", "callbacks=none", "logger=none")
    with pytest.raises(SettingError) as caught:
        check_arguments(plain(config))
    assert caught.value.setting == setting


@pytest.mark.parametrize(
    ("overrides", "minimum"),
    [
        ((), 0.1),
        (("env=smac",), 0.5),
        (("experiment=starcraft2",), 0.5),
        (("env=smac", "weight_range.min=0.3"), 0.3),
        (("env=smac", "study=sensitivity", "weight_range.min=0.3"), 0.3),
    ],
)
def test_an_environment_suggests_a_weight_range(overrides: tuple[str, ...], minimum: float):
    config = remix.compose(*overrides)
    assert config.weight_range == {"min": minimum, "max": 1.0}
    assert config.algorithm.weighting.min_weight == minimum


@pytest.mark.parametrize(
    ("overrides", "seen"),
    [
        (("env=two_step",), True),
        (("env=predator_prey",), False),
        (("env=predator_prey", "algorithm=qmix_official"), True),
        (("env=predator_prey", "algorithm=dop_official"), True),
        (("experiment=quickstart",), False),
        (("env=predator_prey", "agent_inputs.agent_id=true"), True),
        (("env=predator_prey", "algorithm.policy.agent_id=true"), True),
        (("algorithm=qmix_official", "algorithm.policy.agent_id=false"), False),
    ],
)
def test_a_suggestion_is_overruled_by_algorithms_and_by_the_command_line(
    overrides: tuple[str, ...], seen: bool
):
    assert remix.compose(*overrides).algorithm.policy.agent_id is seen


def test_an_environment_of_ones_own_suggests_in_its_own_file(tmp_path: Path):
    (tmp_path / "env").mkdir()
    (tmp_path / "env/lamp.yaml").write_text(
        "# @package _global_\nenv:\n  _target_: remix.envs.games.BranchChain\n  stages: 2\n"
        "agent_inputs:\n  agent_id: false\nweight_range:\n  min: 0.2\n"
    )
    config = remix.compose("env=lamp", f"hydra.searchpath=[{tmp_path}]")
    assert (config.env.stages, config.env_name) == (2, "lamp")
    assert (config.algorithm.policy.agent_id, config.algorithm.weighting.min_weight) == (False, 0.2)


def test_identity_is_what_a_run_computes():
    base = identity(remix.compose())
    same = (
        "seed=2",
        "threads=1",
        "trainer.accelerator=gpu",
        "logger=csv",
        "resume=auto",
        "workers=process",
        "run_name=a",
        "agent_inputs.agent_id=true algorithm.policy.agent_id=false",  # which nobody uses then
    )
    for override in same:
        assert identity(remix.compose(*override.split())) == base, override
    other = (
        "weight_range.min=0.5",
        "agent_inputs.agent_id=true",
        "workers.overlap=true",
        "algorithm.gamma=0.9",
        "env.punishment=-1",
        "max_env_steps=20000",
        "trainer.precision=bf16-mixed",
    )
    identities = {identity(remix.compose(override)) for override in other}
    assert len(identities | {base}) == len(other) + 1


def test_whole_numbers_with_a_point_or_an_exponent_are_those_without():
    """``seed`` is none of them: it is part of names."""
    given = ("max_env_steps=4e3", "replay.capacity=2.0e2", "env.n_agents=3.0", "trainer.max_epochs=1e1")
    other = ("max_env_steps=4000", "replay.capacity=200", "env.n_agents=3", "trainer.max_epochs=10")
    rest = ("run_dir=x", "callbacks=none", "logger=none", "steps_per_epoch=100")
    config, plainly = (remix.compose(*words, *rest) for words in (given, other))
    check(config)
    check_arguments(plain(config))
    assert [repr(config.max_env_steps), repr(config.replay.capacity)] == ["4000", "200"]
    assert identity(config) == identity(plainly)


def test_an_epoch_is_no_longer_than_the_run():
    short, same = (
        remix.compose("max_env_steps=500", "run_dir=x", *more) for more in ((), ("steps_per_epoch=500",))
    )
    with pytest.warns(UserWarning, match=r"^steps_per_epoch=10000 .* is set to max_env_steps=500$"):
        check(short)
    check(same)
    assert short == same
    assert identity(short) == identity(same)


@pytest.mark.parametrize("value", ["4.5e0", "1e30", "nan", "'4e3'", "'4000'"])
def test_other_numbers_are_no_whole_numbers(value: str):
    with pytest.raises(SettingError, match=r"^max_env_steps=.*: must be a whole number"):
        check(remix.compose(f"max_env_steps={value}", "run_dir=x"))


def test_resume_finds_the_latest_run_of_the_same_configuration_and_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    configuration._new_directory.cache_clear()
    config = remix.compose("resume=auto")

    def run(name: str, seed: int, started: str, checkpoint: bool = True) -> Path:
        directory = Path("runs/predator_prey/remix") / name
        (directory / "checkpoints").mkdir(parents=True)
        record = {"scheme": SCHEME, "identity": identity(config), "seed": seed, "started": started}
        (directory / RECORD).write_text(json.dumps(record))
        if checkpoint:
            (directory / "checkpoints/last.ckpt").touch()
        return directory

    assert run_directory(config).endswith("-seed1")
    run("old", 1, "2026-01-01")
    expected = run("new", 1, "2026-01-02")
    run("other-seed", 2, "2026-01-03")
    run("without-checkpoint", 1, "2026-01-04", checkpoint=False)
    assert latest_run(identity(config), 1) == RunDirectory(expected)
    config.run_dir = run_directory(config)
    find_previous(config)
    assert Path(config.run_dir) == expected.absolute()


def test_new_directories_never_collide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    directories = set()
    for _ in range(3):
        configuration._new_directory.cache_clear()
        directories.add(run_directory(remix.compose()))
    assert len(directories) == 3


def test_a_sweep_has_one_directory_which_no_other_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    sweeps = [composed("train", ()).hydra.sweep for _ in range(3)]
    assert len({sweep.dir for sweep in sweeps}) == 3
    assert [sweep.dir for sweep in sweeps] == [sweep.dir for sweep in sweeps]


def test_battles_are_named_after_what_they_are_fought_on():
    engine = remix.compose("env=smac", "env.map_name=MMM2")
    assert engine.experiment_name == engine.env_name == "skirmish/MMM2"
    game = remix.compose("env=smac", "env.backend=starcraft2")
    assert game.env_name == "starcraft2/3m"
    assert game.logger.mlflow.tags.backend == "starcraft2"
    assert (
        remix.compose("env=smac", "env.map_name=../maps/own.yaml").env_name
        == "skirmish/maps.own.yaml-62093f30"
    )
    assert remix.compose().logger.mlflow.tags.backend is None


@pytest.mark.parametrize("algorithm", ["mappo", "qmix"])
@pytest.mark.parametrize("value", ["0", "1.5", "true", "null"])
def test_settings_are_checked_whether_the_algorithm_uses_them_or_not(algorithm: str, value: str):
    with pytest.raises(SettingError, match=r"on_policy_episodes=\S+: must be a whole number"):
        check(remix.compose(f"algorithm={algorithm}", f"on_policy_episodes={value}"))
