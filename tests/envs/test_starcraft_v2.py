"""The real game's environment for SMACv2, on a stand-in for its package."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from remix.envs.skirmish.drawn import DrawnSkirmish
from remix.envs.skirmish.fields import DATA
from remix.envs.skirmish.scenarios import scenario_names
from remix.envs.smacv2 import DrawnBattles, DrawnViewOptions
from remix.envs.starcraft_v2 import DrawnStarCraft
from remix.settings.errors import GameError, SettingError
from tests.programs import is_running

FAKE = Path(__file__).parent / "fake_smac"
STOP, WEST, ATTACK = 1, 5, 6


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a game that can be played; what it has started is ended afterwards."""
    folder = tmp_path / "StarCraftII"
    (folder / "Versions/Base75689").mkdir(parents=True)
    (folder / "Maps/SMAC_Maps").mkdir(parents=True)
    (folder / "Maps/SMAC_Maps/32x32_flat.SC2Map").touch()
    monkeypatch.setenv("SC2PATH", str(folder))
    monkeypatch.setenv("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")
    forget_packages()
    monkeypatch.syspath_prepend(FAKE)
    yield folder
    forget_packages()
    games = folder / "games"
    pids = [int(line.split()[0]) for line in games.read_text().splitlines()] if games.exists() else []
    for pid in filter(is_running, pids):
        os.kill(pid, 9)


def forget_packages() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("smac", "smacv2", "pysc2")]:
        del sys.modules[name]


def game_of(env: DrawnStarCraft, episode: int = 0) -> Any:
    return env._games[episode]._smac


def everybody(env: DrawnStarCraft, action: int) -> np.ndarray:
    """``action`` for all agents that can perform it, else what else they can."""
    available = env._observation.avail_actions
    return np.where(available[..., action], action, available.argmax(-1))


OPTIONS: list[dict[str, Any]] = [
    {},
    {"obs_all_health": False, "obs_own_health": False, "state_last_action": False, "obs_own_pos": False},
    {"obs_last_action": True, "obs_pathing_grid": True, "obs_terrain_height": True},
    {"obs_timestep_number": True, "state_timestep_number": True},
    {"conic_fov": True, "num_fov_actions": 8},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", ["protoss_5_vs_5", "terran_10_vs_11", "zerg_20_vs_23"])
def test_sizes_are_those_of_smacv2(folder: Path, name: str, options: dict[str, Any]):
    """The stand-in has its own formulas; the environment compares them with its spec."""
    views = DrawnViewOptions(**options)
    env = DrawnStarCraft(name, views=views)
    observation = env.reset(np.arange(1))
    assert observation.obs.shape == (1, env.spec.n_agents, env.spec.obs_size)
    assert observation.state.shape == (1, env.spec.state_size)
    assert observation.obs.dtype == observation.state.dtype == np.float32
    spec = replace(env.spec, name=f"skirmish/{name}", may_hang=False)
    assert spec == DrawnSkirmish(name, views=views).spec
    env.close()


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_has_its_map_and_its_teams(folder: Path, name: str):
    env = DrawnStarCraft(name)
    env.reset(np.arange(2))
    game = game_of(env)
    race, n_agents, _, n_enemies = name.split("_")
    assert game.map_name == f"10gen_{race}"
    assert (game.n_agents, game.n_enemies) == (int(n_agents), int(n_enemies))
    published = yaml.safe_load((DATA / "scenarios" / f"{name}.yaml").read_text())["capability_config"]
    given = game_of(env, 1).distribution_config
    for key, part in published.items():
        assert part == ({k: given[key][k] for k in part} if isinstance(part, dict) else given[key])
    assert given is not game.distribution_config  # the package writes into it
    env.close()


def test_the_spec_needs_neither_package_nor_game(folder: Path):
    env = DrawnStarCraft("zerg_5_vs_5")
    assert "smacv2" not in sys.modules and not (folder / "games").exists()
    assert env.spec.name == "starcraft2/zerg_5_vs_5" and env.spec.may_hang
    env.close()


def test_agents_look_twice_at_the_start_and_once_after_each_step(folder: Path):
    """As the engine's do: the first look is SMACv2's own."""
    env = DrawnStarCraft("protoss_5_vs_5")
    env.reset(np.arange(1))
    assert game_of(env).passes == 2
    env.step(everybody(env, STOP))
    assert game_of(env).passes == 3
    env.close()


def test_settings_reach_the_game(folder: Path):
    env = DrawnBattles(
        "terran_5_vs_5",
        backend="starcraft2",
        step_mul=4,
        prob_obs_enemy=0.5,
        action_mask=False,
        min_attack_range=3.0,
        reward_win=100.0,
        difficulty=3,
        continuing_episode=True,
    )
    env.reset(np.arange(1))
    game = game_of(env._battles)  # type: ignore[arg-type]
    assert (game.difficulty, game._step_mul, game.reward_win) == ("3", 4, 100.0)
    chosen = {"prob_obs_enemy": 0.5, "action_mask": False, "min_attack_range": 3.0, "use_unit_ranges": True}
    assert {name: game.options[name] for name in chosen} == chosen
    assert game.continuing_episode and game.options["obs_own_pos"]
    env.close()


def test_a_victory_and_the_next_battle(folder: Path):
    env = DrawnStarCraft("zerg_5_vs_5")
    for _ in range(2):
        env.reset(np.arange(1))
        returns = env.step(everybody(env, WEST)).reward.copy()
        step = None
        while step is None or not step.terminated.any():
            attack = ATTACK + env._observation.avail_actions[..., ATTACK:].argmax(-1)
            step = env.step(attack)
            returns += step.reward
        assert step.info["battle_won"][0] == 1 and returns == pytest.approx(20.0)
    assert len((folder / "games").read_text().splitlines()) == 1
    env.close()


def test_a_game_that_breaks_down_is_an_error(folder: Path):
    env = DrawnStarCraft("zerg_5_vs_5")
    env.reset(np.arange(1))
    (folder / "fault").write_text("step lose connection")
    with pytest.raises(GameError, match="starcraft2/zerg_5_vs_5: the game of episode 0 broke down"):
        env.step(everybody(env, STOP))
    env.reset(np.arange(1))
    env.close()


def test_a_picture_shows_the_types_that_were_drawn(folder: Path):
    env = DrawnStarCraft("protoss_5_vs_5")
    env.reset(np.arange(1))
    agents, enemies = env._games[0].names()
    assert list(agents) == sorted(enemies)
    before = env.render()
    env.step(everybody(env, 2))
    assert before.shape == env.render().shape and (before != env.render()).any()
    env.close()


def own(tmp_path: Path, **changes: Any) -> str:
    content = yaml.safe_load((DATA / "scenarios" / "terran_5_vs_5.yaml").read_text())
    capabilities = content["capability_config"] | changes.pop("capability_config", {})
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(content | {"capability_config": capabilities} | changes))
    return str(path)


def test_teams_of_ones_own(folder: Path, tmp_path: Path):
    levels = {"dist_type": "fixed", "items": [[0.1, 0.2, 0.3]]}
    attack = {"dist_type": "per_agent_uniform", "lower_bound": [0.1], "upper_bound": [0.5], "observe": False}
    changes = {"n_units": 3, "n_enemies": 4, "health": levels, "attack": attack}
    env = DrawnStarCraft(own(tmp_path, capability_config=changes))
    env.reset(np.arange(1))
    given = game_of(env).distribution_config
    assert given["health"]["items"] == [[0.1, 0.2, 0.3]] and given["health"]["test_mode"] is False
    assert (given["attack"]["lower_bound"], given["attack"]["observe"]) == ([0.1], False)
    env.close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"map_type": "humans_gen"}, "map_type=humans_gen: .*must be one of .*terran_gen"),
        ({"types": ["marauder", "marine", "medivac"]}, "types=.*must be .*'marine', 'marauder', 'medivac'"),
        ({"episode_limit": 100}, "episode_limit=100: must be 200"),
        ({"terrain": "plain_band"}, "terrain=plain_band: must be open_field"),
        ({"order": {"kind": "hold"}}, "order.kind=hold: must be hunt"),
    ],
)
def test_scenarios_that_only_the_engine_can_play(
    folder: Path, tmp_path: Path, changes: dict[str, Any], words: str
):
    with pytest.raises(SettingError, match=words) as failure:
        DrawnStarCraft(own(tmp_path, **changes))
    assert "\n" not in str(failure.value)


def test_what_the_game_does_not_have(folder: Path):
    with pytest.raises(SettingError, match="enemy_erasure=row: must be all"):
        DrawnBattles(backend="starcraft2", enemy_erasure="row")
    with pytest.raises(SettingError, match="reward_team=own: must be null with backend=starcraft2"):
        DrawnBattles(backend="starcraft2", reward_team="own")


def test_what_is_missing_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "Maps/SMAC_Maps/32x32_flat.SC2Map").unlink()
    with pytest.raises(SettingError, match=r"32x32_flat.SC2Map is missing in .*smacv2/releases"):
        DrawnStarCraft()
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(FAKE)])
    with pytest.raises(SettingError, match=r"needs the package of SMACv2: pip install git\+https"):
        DrawnStarCraft()
