"""The real StarCraft II, played through the package of SMACv2 (Ellis et al., 2023).

Neither the package nor the game is part of an installation, see :mod:`remix.envs.starcraft`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import RewardOptions
from remix.envs.skirmish.drawn_encoding import make_drawn_spec
from remix.envs.skirmish.rosters import battle_map_of
from remix.envs.skirmish.scenarios import Scenario, Trait, load_scenario, scenario_names
from remix.envs.skirmish.units import load_units
from remix.envs.smacv2 import DrawnViewOptions, given_or_default
from remix.envs.starcraft import StarCraft, common_settings
from remix.envs.starcraft_game import picture_of
from remix.envs.starcraft_setup import SMACV2
from remix.settings.errors import SettingError, one_of

_GROUND = "32x32_flat"  # the one map on which all scenarios of SMACv2 are played
_RACES = ("protoss", "terran", "zerg")
_LIMIT, _TERRAIN, _ORDER = 200, "open_field", "hunt"


class DrawnStarCraft(StarCraft):
    """SMACv2's battles in StarCraft II: one game, a process of its own, per episode of the batch.

    Observations, states, masks and rewards are SMACv2's, which scales rewards by the strength of the enemies
    of a game's first episode. It draws teams, places and the order in which agents look without a seed: the
    seed of an episode controls nothing but the game, as in :class:`StarCraft`.

    :param map_name: one of the 15 published scenarios, or a YAML file of one's own that differs from them
        in ``capability_config`` only.

    The others are those of :class:`StarCraft` and :class:`remix.envs.skirmish.drawn.DrawnSkirmish`.

    :raises SettingError: a setting that makes no sense, or something that is not installed.
    """

    package = SMACV2

    def __init__(
        self,
        map_name: str = "protoss_5_vs_5",
        step_mul: int = 8,
        move_amount: float = 2.0,
        continuing_episode: bool = False,
        views: DrawnViewOptions | None = None,
        rewards: RewardOptions | None = None,
        difficulty: str | int = "7",
        game_version: str | float | None = None,
        replay_dir: str | None = None,
    ) -> None:
        shown, rewards = given_or_default(views, rewards)
        if shown.enemy_erasure != "all":
            raise SettingError("enemy_erasure", shown.enemy_erasure, "must be all: the game has nothing else")
        self._scenario, units = load_scenario(map_name), load_units("liberty")
        _check_playable(self._scenario, map_name)
        options = {name: value for name, value in asdict(shown).items() if name != "enemy_erasure"}
        on_grid = shown.obs_pathing_grid or shown.obs_terrain_height
        self._settings = {
            "map_name": f"10gen_{_race(self._scenario)}",
            "capability_config": capability_config(self._scenario),
            "game_version": game_version,
            "obs_instead_of_state": False,
            **common_settings(step_mul, move_amount, on_grid, difficulty, continuing_episode),
            **options,
            **asdict(rewards),
        }
        self._map = battle_map_of(self._scenario, (), ())
        spec = make_drawn_spec("starcraft2", self._scenario, units, shown)
        self._prepare(spec, _GROUND, game_version, replay_dir)

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture of battle ``index``, drawn like those of the engine, on the engine's terrain."""
        game = self._games[index]
        agents, enemies = game.names()
        return picture_of(game, battle_map_of(self._scenario, agents, enemies))


def capability_config(scenario: Scenario) -> dict[str, Any]:
    """What SMACv2 draws, in its own words."""
    teams, starts = scenario.teams, scenario.starts
    config: dict[str, Any] = {
        "n_units": scenario.n_agents,
        "n_enemies": scenario.n_enemies,
        "team_gen": {
            "dist_type": teams.kind,
            "unit_types": list(teams.unit_types),
            "weights": list(teams.weights),
            "exception_unit_types": sorted(teams.exceptions),
            "observe": teams.observe,
        },
    }
    if starts.kind != "together":
        ground = {"map_x": starts.width, "map_y": starts.height}
        config["start_positions"] = {"dist_type": starts.kind, "p": starts.p, **ground}
    if scenario.mask is not None:
        config["enemy_mask"] = {"dist_type": "mask", "mask_probability": scenario.mask}
    traits = {"attack": scenario.attack, "health": scenario.health}
    return config | {name: _trait(trait) for name, trait in traits.items() if trait is not None}


def _trait(trait: Trait) -> dict[str, Any]:
    if trait.items:
        items = [list(item) for item in trait.items]
        return {"dist_type": "fixed", "items": items, "test_mode": False, "observe": trait.observe}
    bounds = {"lower_bound": [trait.low], "upper_bound": [trait.high]}
    return {"dist_type": "per_agent_uniform", **bounds, "observe": trait.observe}


def _race(scenario: Scenario) -> str:
    return scenario.map_type.removesuffix("_gen")


def _check_playable(scenario: Scenario, map_name: str) -> None:
    """The game has three kinds of armies, and all else as in the published scenarios.

    :raises SettingError: the scenario is none that it can play.
    """
    race = _race(scenario)
    if race not in _RACES:
        expected = one_of([f"{race}_gen" for race in _RACES], scenario.map_type)
        raise SettingError(
            "map_name", map_name, f"map_type={scenario.map_type}: with backend=starcraft2 {expected}"
        )
    published = load_scenario(next(name for name in scenario_names() if name.startswith(race)))
    fixed = {
        "types": (list(scenario.types), list(published.types)),
        "episode_limit": (scenario.episode_limit, _LIMIT),
        "terrain": (scenario.terrain.name, _TERRAIN),
        "order.kind": (scenario.order.kind, _ORDER),
    }
    for name, (value, valid) in fixed.items():
        if value != valid:
            expected = f"{name}={value}: must be {valid} with backend=starcraft2"
            raise SettingError("map_name", map_name, expected)
