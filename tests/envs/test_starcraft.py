"""The real game's environment, on a stand-in for SMAC's package that has a toy in place of the game."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import remix
from remix.envs.battles import Battles, ViewOptions
from remix.envs.skirmish.environment import Skirmish
from remix.envs.starcraft import StarCraft
from remix.learning.episodes import collate, pack
from remix.learning.policy import Policy
from remix.learning.returns import td_lambda
from remix.learning.workers.process import ProcessWorkers
from remix.learning.workers.rollout import rollout
from remix.learning.workers.seeds import episode_seeds
from remix.settings.errors import GameError, SettingError
from tests.command_line import CommandLine
from tests.programs import assert_running, is_running

FAKE = Path(__file__).parent / "fake_smac"
MAPS = ("3m", "8m", "2m_vs_1z", "2s3z", "MMM", "corridor")
STOP, WEST, ATTACK = 1, 5, 6


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a game that can be played; what it has started is ended afterwards."""
    folder = tmp_path / "StarCraftII"
    for build in (75689, 69232):
        (folder / f"Versions/Base{build}").mkdir(parents=True)
    (folder / "Maps/SMAC_Maps").mkdir(parents=True)
    for name in MAPS:
        (folder / f"Maps/SMAC_Maps/{name}.SC2Map").touch()
    monkeypatch.setenv("SC2PATH", str(folder))
    monkeypatch.setenv("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "")  # to be as it was afterwards
    monkeypatch.delenv("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION")
    use_package(monkeypatch, FAKE)
    yield folder
    forget_packages()
    for pid in filter(is_running, pids(folder)):
        os.kill(pid, 9)


def use_package(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Put the package smac in ``path`` before any other."""
    forget_packages()
    monkeypatch.syspath_prepend(path)


def forget_packages() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("smac", "pysc2")]:
        del sys.modules[name]


def games(folder: Path) -> list[tuple[int, int]]:
    """Process id and seed of every game that was launched."""
    file = folder / "games"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(int(pid), int(seed)) for pid, seed in (line.split() for line in lines)]


def pids(folder: Path) -> list[int]:
    return [pid for pid, _ in games(folder)]


def everybody(env: StarCraft, action: int) -> np.ndarray:
    """``action`` for all agents that can perform it, else what else they can."""
    available = env._observation.avail_actions
    return np.where(available[..., action], action, available.argmax(-1))


def attack(env: StarCraft) -> np.ndarray:
    """Every agent attacks the first enemy that is left."""
    available = env._observation.avail_actions
    return ATTACK + available[..., ATTACK:].argmax(-1)


def win(env: StarCraft, n_battles: int = 1) -> np.ndarray:
    """Win battles from where the enemies do not come, and return the returns."""
    env.reset(np.arange(n_battles))
    returns = env.step(everybody(env, WEST)).reward.copy()
    for _ in range(env.spec.episode_limit):
        step = env.step(attack(env))
        returns += step.reward
        if step.terminated.all():
            assert (step.info["battle_won"] == 1).all()
            return returns
    raise AssertionError("not won")


# Sizes and views


def test_the_spec_needs_neither_package_nor_game(folder: Path):
    env = StarCraft("3m")
    spec = env.spec
    assert "smac" not in sys.modules and not games(folder)
    assert spec.name == "starcraft2/3m" and spec.may_hang
    assert replace(spec, name="skirmish/3m", may_hang=False) == Skirmish("3m").spec
    env.close()


def test_the_game_is_imported_with_the_protobuf_it_can_read(folder: Path):
    env = StarCraft("3m")
    assert "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION" not in os.environ
    env.reset(np.arange(1))
    assert os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] == "python"
    env.close()


OPTIONS = [
    {},
    {"obs_all_health": False, "obs_own_health": False, "state_last_action": False},
    {"obs_last_action": True, "obs_pathing_grid": True, "obs_terrain_height": True},
    {"obs_timestep_number": True, "state_timestep_number": True},
    {"obs_timestep_number": True, "obs_instead_of_state": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("map_name", MAPS)
def test_sizes_are_those_of_smac(folder: Path, map_name: str, options: dict[str, bool]):
    """The stand-in has its own formulas; the environment compares them with its spec."""
    env = StarCraft(map_name, views=ViewOptions(**options))
    observation = env.reset(np.arange(1))
    assert observation.obs.shape == (1, env.spec.n_agents, env.spec.obs_size)
    assert observation.state.shape == (1, env.spec.state_size)
    assert observation.obs.dtype == observation.state.dtype == np.float32
    assert observation.avail_actions.any(-1).all()
    env.close()


def test_what_is_seen_is_what_smac_shows(folder: Path):
    env = StarCraft("3m")
    env.reset(np.array([3, 4]))
    for _ in range(3):
        observation = env.step(everybody(env, STOP)).observation
        for episode in range(2):
            smac = env._games[episode]._smac
            np.testing.assert_array_equal(observation.obs[episode], smac.get_obs())
            np.testing.assert_array_equal(observation.state[episode], smac.get_state())
            np.testing.assert_array_equal(observation.avail_actions[episode], smac.get_avail_actions())
    env.close()


def test_the_time_is_the_last_entry_and_nothing_is_reserved_for_it(folder: Path):
    """SMAC's own vectors are one entry longer than it says."""
    views = ViewOptions(obs_timestep_number=True, obs_instead_of_state=True)
    env = StarCraft("3m", views=views)
    env.reset(np.arange(1))
    obs, state, _ = env.step(everybody(env, WEST)).observation
    longer = np.array(env._games[0]._smac.get_obs())
    assert longer.shape[1] == env.spec.obs_size + 1 and not longer[:, -2].any()
    np.testing.assert_array_equal(obs[0, :, :-1], longer[:, :-2].astype(np.float32))
    np.testing.assert_array_equal(obs[0, :, -1], np.full(3, 1 / 60, np.float32))
    np.testing.assert_array_equal(state[0], obs[0].ravel())
    env.close()


def test_settings_reach_the_game(folder: Path):
    env = Battles(
        "3m",
        backend="starcraft2",
        step_mul=4,
        move_amount=1.5,
        reward_win=100.0,
        obs_last_action=True,
        difficulty=3,
        game_version="4.6.2",
        continuing_episode=True,
    )
    env.reset(np.arange(1))
    game = env._battles._games[0]._smac  # type: ignore[attr-defined]
    assert (game.map_name, game.difficulty, game.game_version) == ("3m", "3", "4.6.2")
    assert (game._step_mul, game._move_amount, game.reward_win) == (4, 1.5, 100.0)
    assert game.obs_last_action and game.continuing_episode
    env.close()


# Episodes


def test_a_victory_is_an_end_that_pays_twenty(folder: Path):
    env = StarCraft("3m")
    assert win(env, 2) == pytest.approx(20.0)
    assert win(env, 2) == pytest.approx(20.0)
    assert len(games(folder)) == 2  # each goes on with its next episode
    env.close()


def test_a_defeat_is_an_end(folder: Path):
    env = StarCraft("3m")
    env.reset(np.arange(1))
    steps = [env.step(everybody(env, STOP)) for _ in range(3)]
    assert [bool(step.terminated[0]) for step in steps] == [False, False, True]
    assert not any(step.truncated[0] for step in steps)
    info = {name: values[0] for name, values in steps[-1].info.items()}
    assert info == {"battle_won": 0, "dead_allies": 3, "dead_enemies": 0}
    assert tuple(steps[-1].info) == env.spec.metrics
    np.testing.assert_array_equal(steps[-1].observation.avail_actions[0].argmax(-1), [0, 0, 0])
    env.close()


Array = NDArray[Any]


class Hiding:
    """A policy of agents that go one step to the west and wait there, where nobody finds them."""

    frozen = nullcontext

    def __init__(self, n_agents: int) -> None:
        self.n_agents = n_agents

    def initial_state(self, n_episodes: int) -> Array:
        return np.zeros((n_episodes * self.n_agents, 1))

    def act(
        self, obs: Array, last_actions: Array, avail_actions: Array, hidden: Array, *rest: Any
    ) -> tuple[Array, Array, Array]:
        actions = np.where(last_actions < 0, WEST, STOP)
        return actions, np.ones(actions.shape, np.float32), hidden


@pytest.mark.parametrize(("backend", "map_name"), [("skirmish", "2s_vs_1sc"), ("starcraft2", "3m")])
@pytest.mark.parametrize("continuing", [None, False, True])
def test_the_limit_is_an_end_unless_episodes_continue(
    folder: Path, backend: str, map_name: str, continuing: bool | None
):
    """And then nothing that would have followed is part of any target."""
    settings: dict[str, Any] = {} if continuing is None else {"continuing_episode": continuing}
    env = Battles(map_name, backend=backend, **settings)
    policy: Any = Hiding(env.spec.n_agents)
    (episode,) = rollout(env, policy, np.arange(1), None)
    assert episode.length == env.spec.episode_limit
    assert episode.terminated == (not continuing)
    batch = collate([pack(episode)], env.spec)
    following = torch.full_like(batch.reward, 100.0)
    targets = td_lambda(
        batch.reward, batch.terminated, following, batch.transition_sizes, gamma=0.5, lambda_=0.0
    )
    assert targets[:-1].tolist() == [50.0] * (episode.length - 1)
    assert targets[-1] == (50.0 if continuing else 0.0)
    env.close()


def test_a_finished_episode_stays_as_it_is(folder: Path):
    """And is not played on while another one is."""
    env = StarCraft("3m")
    env.reset(np.arange(2))
    actions = everybody(env, STOP)
    actions[1] = WEST
    for _ in range(3):
        last = env.step(actions)
        actions = everybody(env, STOP)
    assert last.terminated.tolist() == [True, False]
    kept = [part[0].copy() for part in (*last.observation, *last.info.values())]
    step = env.step(np.stack([np.full(3, 99), actions[1]]))
    assert step.reward[0] == 0 and not step.terminated[0] and not step.truncated[0]
    for before, after in zip(kept, (*step.observation, *step.info.values()), strict=True):
        np.testing.assert_array_equal(before, after[0])
    assert env._games[0].steps == 3 and env._games[1].steps == 4
    env.close()


def test_only_the_first_seed_of_a_game_counts_in_31_bits(folder: Path):
    env = StarCraft("3m")
    env.reset(np.array([5, 2**31 + 1]))
    while not env.step(everybody(env, STOP)).terminated.all():
        pass
    env.reset(np.array([7, 8]))
    (_, first), (_, second) = games(folder)
    assert first == 5 and 0 <= second < 2**31
    env.close()


@pytest.mark.parametrize("wrong", [0, 9, -1], ids=["no-op of the living", "unknown", "negative"])
def test_unavailable_actions_do_not_reach_the_game(folder: Path, wrong: int):
    env = StarCraft("3m")
    env.reset(np.arange(2))
    actions = everybody(env, STOP)
    actions[1, 2] = wrong
    with pytest.raises(ValueError, match=f"actions: agent 2 cannot perform {wrong} in battle 1"):
        env.step(actions)
    with pytest.raises(ValueError, match=r"actions have shape \(1, 3\), expected \(2, 3\)"):
        env.step(actions[:1])
    assert all(game.steps == 0 for game in env._games.values())
    env.close()


def test_a_picture(folder: Path):
    env = StarCraft("MMM")
    env.reset(np.arange(1))
    before = env.render()
    env.step(everybody(env, 2))
    after = env.render()
    assert before.dtype == np.uint8 and before.shape == after.shape and before.shape[-1] == 3
    assert not np.array_equal(before, after)
    env.close()


# Failures


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("lose connection", "ConnectionError: SMAC lost the connection"),
        ("raise", "RuntimeError: Trying to run"),
    ],
    ids=["lose connection", "raise"],
)
@pytest.mark.parametrize("when", ["reset", "restart", "step"])
def test_nothing_is_kept_of_an_episode_in_which_the_game_broke_down(
    folder: Path, when: str, fault: str, reason: str
):
    """SMAC starts the game again and goes on; what follows here is a fresh game with the right rewards."""
    env = StarCraft("3m")
    if when == "restart":
        win(env)
    (folder / "fault").write_text(f"{when} {fault}")
    with pytest.raises(GameError, match="starcraft2/3m: the game of episode 0 broke down: ") as caught:
        win(env)
    assert when == "reset" or reason in str(caught.value)
    assert_running(pids(folder), 0)
    before = len(games(folder))
    assert win(env) == pytest.approx(20.0)
    assert len(games(folder)) == before + 1
    env.close()


def test_other_games_of_the_batch_go_on_to_their_next_episode(folder: Path):
    env = StarCraft("3m")
    win(env, 2)
    env.reset(np.arange(2))
    (folder / "fault").write_text("step lose connection")
    with pytest.raises(GameError, match="episode 0"):
        env.step(everybody(env, STOP))
    other = pids(folder)[1]
    assert win(env, 2) == pytest.approx(20.0)
    assert is_running(other) and len(env._games) == 2
    env.close()
    assert_running(pids(folder), 0)


def test_a_first_episode_that_was_given_up_does_not_spoil_the_rewards(folder: Path):
    """SMAC would launch a second game and scale rewards by twice the enemies' strength."""
    env = StarCraft("3m")
    env.reset(np.arange(1))
    env.step(everybody(env, STOP))
    assert win(env) == pytest.approx(20.0)
    assert_running(pids(folder), 1)
    env.close()


def test_closing_ends_all_games_and_may_be_repeated(folder: Path):
    env = StarCraft("3m")
    win(env, 3)
    env.close()
    env.close()
    assert len(games(folder)) == 3
    assert_running(pids(folder), 0)
    assert not (folder / "Replays").exists()
    assert win(env) == pytest.approx(20.0)
    env.close()


def test_replays_are_saved_before_games_are_closed(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder.parent)
    env = StarCraft("3m", replay_dir="films/of battles")
    assert (folder.parent / "films/of battles").is_dir()
    win(env, 2)
    env.reset(np.arange(1))
    env.close()
    replays = sorted(path.name for path in (folder.parent / "films/of battles").iterdir())
    assert len(replays) == 2 and all(name.startswith("3m_") for name in replays)
    env.close()


def test_a_game_that_cannot_be_closed_leaves_no_other_behind(folder: Path):
    env = StarCraft("3m")
    env.reset(np.arange(3))
    stuck = env._games[0]._smac
    close, stuck.close = stuck.close, Mock(side_effect=ConnectionError("no answer\nat all"))
    with pytest.warns(RuntimeWarning, match="starcraft2/3m: a game did not close: no answer$"):
        env.close()
    assert_running(pids(folder), 1)
    close()
    env.close()


def test_a_replay_that_fails_leaves_no_game_behind(folder: Path, tmp_path: Path):
    env = StarCraft("3m", replay_dir=str(tmp_path))
    win(env)
    (folder / "fault").write_text("replay lose connection")
    with pytest.warns(RuntimeWarning, match="starcraft2/3m: no replay: Error in RPC"):
        env.close()
    assert_running(pids(folder), 0)


# Mistakes


def make_package(path: Path, *files: str, content: str = "raise AssertionError('imported')\n") -> Path:
    for file in ("smac/__init__.py", *files):
        (path / file).parent.mkdir(parents=True, exist_ok=True)
        (path / file).write_text(content)
    return path


@pytest.mark.parametrize(
    ("settings", "setting", "words"),
    [
        ({"map_name": "3mm"}, "map_name", "must be one of 3m, "),
        ({"map_name": "my.yaml"}, "map_name", "must be one of "),
        ({"difficulty": "hard"}, "difficulty", "must be one of 1, 2, 3, 4, 5, 6, 7, 8, 9, A"),
        ({"difficulty": 0}, "difficulty", "must be one of 1, "),
        ({"step_mul": 0}, "step_mul", "whole number between 1 and 1000"),
        ({"step_mul": 2**63}, "step_mul", "whole number between 1 and 1000"),
        ({"move_amount": -1}, "move_amount", "between 0 and 32"),
        ({"move_amount": "abc"}, "move_amount", "between 0 and 32"),
        ({"continuing_episode": "yes"}, "continuing_episode", "true or false"),
        ({"difficulty": ["7"]}, "difficulty", "must be one of 1, "),
        ({"game_version": 4.10}, "game_version", "must have three parts, e.g. 4.10.0"),
        ({"game_version": 5}, "game_version", "must have three parts"),
        ({"replay_dir": 3}, "replay_dir", "must be the path of a folder"),
        ({"replay_dir": ""}, "replay_dir", "must be the path of a folder"),
        ({"replay_dir": "a\0b"}, "replay_dir", "embedded null"),
        ({"replay_dir": "~nobody_here/films"}, "replay_dir", "cannot be made (Could not determine home"),
        ({"views": 3}, "views", "must be ViewOptions"),
        ({"rewards": {}}, "rewards", "must be RewardOptions"),
        (
            {"move_amount": 1.5, "views": ViewOptions(obs_pathing_grid=True)},
            "move_amount",
            "whole number with obs_pathing_grid",
        ),
        ({"game_version": "4.9.3"}, "game_version", "must be one of 4.6.2, 4.10.0, latest"),
        ({"game_version": "newest"}, "game_version", "must be one of 4.10.0, 4.6.2, latest"),
        ({"map_name": "25m"}, "map_name", "25m.SC2Map is missing in "),
    ],
)
def test_settings_that_make_no_sense(folder: Path, settings: dict[str, Any], setting: str, words: str):
    with pytest.raises(SettingError) as caught:
        StarCraft(**{"map_name": "3m"} | settings)
    assert caught.value.setting == setting
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("version", ["4.10", "4.10.0", "4.6.2", "latest"])
def test_versions_that_are_installed(folder: Path, version: str):
    StarCraft("3m", game_version=version).close()


def refusal() -> str:
    """The one line in answer to a game that could otherwise be played."""
    with pytest.raises(SettingError) as caught:
        StarCraft("3m")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_the_package(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(FAKE)])
    forget_packages()
    expected = "backend=starcraft2: needs the package of the StarCraft Multi-Agent Challenge: "
    assert refusal() == expected + 'pip install "remix-marl[smac]"'


def test_the_other_package_of_the_same_name(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = make_package(tmp_path / "other", "smac/facade/__init__.py", "smac/runhistory/__init__.py")
    use_package(monkeypatch, path)
    line = refusal()
    assert "is SMAC3" in line and "pip uninstall smac && pip install" in line
    assert "smac" not in sys.modules


def test_an_unknown_package_of_the_same_name(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use_package(monkeypatch, make_package(tmp_path / "other"))
    assert f"the package smac in {tmp_path / 'other/smac'} is not the StarCraft" in refusal()


def test_without_the_game(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SC2PATH", str(tmp_path / "nowhere"))
    assert f"needs StarCraft II, which is not in {tmp_path / 'nowhere'}: install it from" in refusal()
    monkeypatch.delenv("SC2PATH")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "StarCraftII").rename(tmp_path / "elsewhere")
    if sys.platform.startswith("linux"):
        assert f"which is not in {tmp_path / 'StarCraftII'}: " in refusal()


def test_without_maps(folder: Path):
    maps = folder / "Maps/SMAC_Maps"
    maps.rename(folder / "Maps/Melee")
    line = refusal()
    assert f"needs SMAC's maps, which are not in {maps}: unpack https://" in line
    assert line.endswith(f"SMAC_Maps.zip in {maps.parent}")


def test_replays_need_a_folder(folder: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match=r"replay_dir=.*/file/films: cannot be made \(Not a directory\)"):
        StarCraft("3m", replay_dir=str(tmp_path / "file/films"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            "TypeError('Descriptors cannot be created directly.\\nIf this call came from')",
            "set PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python before it starts",
        ),
        ("ImportError('no module pysc2')", "cannot be imported (no module pysc2): pip install"),
    ],
    ids=["protobuf", "import"],
)
def test_a_package_that_cannot_be_imported(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str, words: str
):
    path = make_package(tmp_path / "other", "smac/env/starcraft2/starcraft2.py", content="")
    use_package(monkeypatch, make_package(path, "smac/env/__init__.py", content=""))
    (path / "smac/env/__init__.py").write_text(f"raise {error}\n")
    env = StarCraft("3m")
    with pytest.raises(SettingError, match=r"^backend=starcraft2: ") as caught:
        env.reset(np.arange(1))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_package_with_other_views(folder: Path, monkeypatch: pytest.MonkeyPatch):
    from smac.env import StarCraft2Env

    monkeypatch.setattr(StarCraft2Env, "get_obs_size", lambda self: 31)
    with pytest.raises(SettingError, match="expected obs_size=30, but it has 31"):
        StarCraft("3m").reset(np.arange(1))


# In worker processes


SEEDS = episode_seeds(1, "train", 0, 4)


@pytest.fixture
def pool(folder: Path) -> Iterator[ProcessWorkers]:
    make = partial(StarCraft, "3m")
    pool = ProcessWorkers(make, Policy(make().spec), n_workers=1, episodes_at_once=1, timeout=120.0)
    yield pool
    pool.close()
    assert_running(pids(folder), 0)


@pytest.mark.parametrize(
    ("fault", "launched"), [("lose connection", 3), ("raise", 2), ("die", 2), ("hang", 2)]
)
def test_broken_games_are_replaced_and_their_episodes_collected_again(
    folder: Path, pool: ProcessWorkers, fault: str, launched: int
):
    """Where SMAC launches a game itself before it is given up, one more is launched."""
    policy = Policy(StarCraft("3m").spec)
    (folder / "fault").write_text(f"step {fault}")
    pool.timeout = 6.0 if fault == "hang" else pool.timeout
    with pytest.warns(RuntimeWarning, match="a worker was replaced"):
        episodes = pool.collect(policy.state_dict(), SEEDS, 1.0)
    assert not (folder / "fault").exists() and pool.restarts == 1
    assert len(episodes) == len(SEEDS)
    for episode in episodes:
        everybody_died = episode.metrics["dead_allies"] == 3 or episode.metrics["dead_enemies"] == 3
        assert episode.terminated and (everybody_died or episode.length == 60)
    assert_running(pids(folder), 1)
    assert len(games(folder)) == launched


def test_workers_save_replays_when_they_are_dismissed(folder: Path, tmp_path: Path):
    make = partial(StarCraft, "3m", replay_dir=str(tmp_path / "replays"))
    policy = Policy(make().spec)
    pool = ProcessWorkers(make, policy, n_workers=2, episodes_at_once=1)
    pool.collect(policy.state_dict(), SEEDS, 1.0)
    pool.close()
    assert len(list((tmp_path / "replays").iterdir())) == 2
    assert_running(pids(folder), 0)


# In runs

RUN = (
    "experiment=starcraft2",
    "env.map_name=3m",
    "algorithm=qmix",
    "workers.n_workers=2",
    "replay.batch_size=4",
    "replay.episodes_per_round=4",
    "max_env_steps=60",
    "steps_per_epoch=30",
    "validation_episodes=2",
    "test_episodes=2",
    "algorithm.policy.hidden_size=8",
    "logger=csv",
)


def test_the_experiment(folder: Path):
    config = remix.compose("experiment=starcraft2", "env.map_name=8m")
    assert (config.env.backend, config.env_name) == ("starcraft2", "starcraft2/8m")
    assert (config.workers.n_workers, config.workers.episodes_at_once) == (8, 1)
    assert config.algorithm.policy.agent_id is not None


@pytest.mark.slow
def test_a_run_in_workers_is_evaluated_and_watched(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    remix = CommandLine(monkeypatch, capsys, tmp_path)
    trained = remix("train", *RUN)
    assert trained.code == 0, trained.err
    assert "qmix on starcraft2/3m: 3 agents" in trained.out
    (run,) = (file.parent for file in tmp_path.glob("runs/starcraft2/3m/qmix/*/run.json"))
    assert (run / "episode.gif").stat().st_size > 0
    evaluated = remix("evaluate", str(run), "episodes=2")
    assert evaluated.code == 0 and "battle_won" in evaluated.out
    alone = remix("evaluate", str(run), "episodes=2", "workers=inline")
    assert alone.code == 2 and alone.err.startswith("remix: workers=InlineWorkers: cannot replace")
    watched = remix("watch", str(run), f"output={tmp_path / 'film.gif'}")
    assert watched.code == 0 and (tmp_path / "film.gif").stat().st_size > 0
    assert_running(pids(folder), 0)


def test_a_game_that_may_hang_is_refused_without_workers(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    remix = CommandLine(monkeypatch, capsys, tmp_path)
    refused = remix("train", "env=smac", "env.backend=starcraft2")
    assert refused.code == 2 and not games(folder)
    assert not list(tmp_path.glob("**/mlflow.db")), "a run was begun"
    assert refused.err.strip() == (
        "remix: workers=InlineWorkers: cannot replace a game that hangs, as starcraft2/3m may: "
        "choose workers=process"
    )


def test_workers_do_not_load_protobuf():
    """Or the game could not choose its implementation there."""
    imports = "import sys, remix.envs.starcraft, remix.learning.workers.process"
    code = f"{imports}; print('google.protobuf' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
