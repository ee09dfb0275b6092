"""What SMACv2 shows of a battle and pays for it: sizes, names, and the constants of the kernels.

The layout of observations, state and actions and the rewards are those of SMACv2 (Ellis et al., 2023),
oddities included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import RewardOptions
from remix.envs.skirmish import layouts
from remix.envs.skirmish.encoding import battle_spec, cooldown_scale, most_reward, reward_factor
from remix.envs.skirmish.kernels.drawn_views import DrawnEncoding
from remix.envs.skirmish.kernels.scoring import Scoring
from remix.envs.skirmish.kernels.views import SHOOT_RANGE, SIGHT_RANGE, Encoding
from remix.envs.skirmish.layouts import BASIC_ACTIONS, Layout, Sizes, only
from remix.envs.skirmish.rosters import Roster
from remix.envs.skirmish.scenarios import Scenario
from remix.envs.skirmish.units import UnitType
from remix.envs.smacv2 import DrawnViewOptions
from remix.envs.spec import EnvSpec

# How far agents may aim where that is not what their weapon reaches.
_SHOOT_RANGES = {"colossus": 7.0}


def heals_any(scenario: Scenario, units: Mapping[str, UnitType]) -> bool:
    """Whether there may be healers in a battle."""
    return any(units[name].heal is not None for name in scenario.types)


def drawn_action_names(
    scenario: Scenario, units: Mapping[str, UnitType], options: DrawnViewOptions
) -> tuple[str, ...]:
    """Names of the actions; healers heal the agent with the number of the enemy."""
    n_targets = scenario.n_enemies
    if heals_any(scenario, units):
        n_targets = max(n_targets, scenario.n_agents)
    turns = tuple(f"look {360 * k / options.n_turns:g}" for k in range(options.n_turns))
    return BASIC_ACTIONS + turns + tuple(f"attack {k}" for k in range(n_targets))


def drawn_layout(
    scenario: Scenario,
    units: Mapping[str, UnitType],
    options: DrawnViewOptions,
    type_names: Sequence[str] = (),
) -> Layout:
    """What is shown of a battle of a scenario.

    :param type_names: what the entries of one-hot types are called; by default, by their units.
    """
    shield, all_health = scenario.race == "P", options.obs_all_health
    traits = (
        *only(scenario.attack is not None, "attack_prob_{}"),
        *only(scenario.health is not None, "health_level_{}"),
    )
    fov = only(options.conic_fov, "fov_x_{}", "fov_y_{}")
    types = layouts.types(type_names or scenario.types)
    n_actions = len(drawn_action_names(scenario, units, options))
    own_strength = layouts.strength(all_health or options.obs_own_health, shield)
    others = layouts.strength(all_health, shield)
    place, shields = ("relative_x_{}", "relative_y_{}"), only(shield, "shield_{}")
    return Layout(
        n_agents=scenario.n_agents,
        n_enemies=scenario.n_enemies,
        n_actions=n_actions,
        move=layouts.ground(options.obs_pathing_grid, options.obs_terrain_height),
        enemy=(*layouts.seen("shootable"), *others, *types),
        ally=(
            *layouts.seen("visible"),
            *others,
            *traits,
            *types,
            *layouts.last_actions(n_actions * options.obs_last_action),
        ),
        own=(*own_strength, *traits, *only(options.obs_own_pos, "pos_x", "pos_y"), *fov, *types),
        last=layouts.timestep(options.obs_timestep_number),
        state_ally=("health_{}", "cooldown_{}", *place, *shields, *traits, *fov, *types),
        state_enemy=("health_{}", *place, *shields, *types),
        state_actions=options.state_last_action,
        state_last=layouts.timestep(options.state_timestep_number),
    )


def drawn_sizes(scenario: Scenario, units: Mapping[str, UnitType], options: DrawnViewOptions) -> Sizes:
    """Lengths of everything that is shown of a battle of a scenario."""
    return drawn_layout(scenario, units, options).sizes()


def make_drawn_spec(
    backend: str, scenario: Scenario, units: Mapping[str, UnitType], options: DrawnViewOptions
) -> EnvSpec:
    """What a learner has to know of a scenario, the same whatever it is fought on."""
    return battle_spec(
        f"{backend}/{scenario.name}",
        drawn_layout(scenario, units, options),
        scenario.episode_limit,
        drawn_action_names(scenario, units, options),
    )


def make_drawn_encoding(
    scenario: Scenario,
    units: Mapping[str, UnitType],
    options: DrawnViewOptions,
    roster: Roster,
    move_amount: float = 2.0,
) -> DrawnEncoding:
    """Constants of the kernels that show a battle.

    :param roster: of the scenario.
    :param move_amount: how far a move action wants to go, in map units.
    """
    types = [units[name] for name in scenario.types]
    sight, reach = _ranges(types, options)
    angles = 2 * np.pi * np.arange(options.n_turns) / max(options.n_turns, 1)
    layout, attack, health = drawn_sizes(scenario, units, options), scenario.attack, scenario.health
    return DrawnEncoding(
        basic=_basic_encoding(scenario, types, options, layout, roster.heals, move_amount),
        sight=sight,
        reach=reach,
        turns_x=np.cos(angles),
        turns_y=np.sin(angles),
        masked=options.action_mask,
        everything=options.fully_observable,
        own_place=options.obs_own_pos,
        shows_attack=attack is not None,
        shows_health=health is not None,
        types_of_others=scenario.teams.observe,
        attack_of_others=attack is not None and attack.observe,
        health_of_others=health is None or health.observe,
        erases_all=options.enemy_erasure == "all",
        awareness=float(options.prob_obs_enemy),
    )


def _ranges(
    types: list[UnitType], options: DrawnViewOptions
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far each type sees and may aim, from centre to centre."""
    if not options.use_unit_ranges:
        return np.full(len(types), SIGHT_RANGE), np.full(len(types), SHOOT_RANGE)
    weapons = [unit.weapon or unit.heal for unit in types]
    ranges = [weapon.range if weapon is not None else 0.0 for weapon in weapons]
    reach = [_SHOOT_RANGES.get(unit.name, limit) for unit, limit in zip(types, ranges, strict=True)]
    sight = np.array([unit.sight for unit in types], np.float64)
    return sight, np.maximum(np.array(reach, np.float64), options.min_attack_range)


def _basic_encoding(
    scenario: Scenario,
    types: list[UnitType],
    options: DrawnViewOptions,
    layout: Sizes,
    heals: NDArray[np.bool_],
    move_amount: float,
) -> Encoding:
    """What a battle has in common with SMAC's, by type instead of by unit."""
    shields = scenario.race == "P"
    return Encoding(
        n_agents=scenario.n_agents,
        n_actions=layout.n_actions,
        health_scale=1 / np.array([unit.health for unit in types]),
        shield_scale=np.array([1 / unit.shield if unit.shield else 0.0 for unit in types]),
        readiness_scale=1 / np.array([cooldown_scale(unit) for unit in types]),
        heals=np.array([unit.heal is not None for unit in types]),
        aims=heals,
        type_bit=np.arange(len(types)),
        bits=len(types),
        open=scenario.terrain.open,
        height=scenario.terrain.height,
        move_amount=float(move_amount),
        episode_limit=scenario.episode_limit,
        ally_shield=shields,
        enemy_shield=shields,
        own_health=options.obs_all_health or options.obs_own_health,
        all_health=options.obs_all_health,
        last_action=options.obs_last_action,
        pathing_grid=options.obs_pathing_grid,
        terrain_height=options.obs_terrain_height,
        timestep=options.obs_timestep_number,
        observations_as_state=False,
        state_last_action=options.state_last_action,
        state_timestep=options.state_timestep_number,
        enemy_width=layout.enemies[1],
        ally_width=layout.allies[1],
        state_ally_width=layout.state_ally,
        state_enemy_width=layout.state_enemy,
    )


def make_drawn_scoring(scenario: Scenario, units: Mapping[str, UnitType], options: RewardOptions) -> Scoring:
    """Constants of the kernel that judges a battle, with the scale of the average enemies.

    :raises SettingError: if rewards are to be scaled although there is nothing to earn.
    """
    healers = np.array([units[name].heal is not None for name in scenario.types])
    most = most_reward(options, scenario.n_enemies, scenario.n_enemies * mean_strength(scenario, units))
    return Scoring(
        n_agents=scenario.n_agents,
        heals=healers,
        healers_take_part=bool(healers.any()),
        healers_surrender=bool(healers.any()),
        episode_limit=scenario.episode_limit,
        sparse=options.reward_sparse,
        only_positive=options.reward_only_positive,
        clipped=True,
        death_value=float(options.reward_death_value),
        win=float(options.reward_win),
        defeat=float(options.reward_defeat),
        negative_scale=float(options.reward_negative_scale),
        scale=reward_factor(options, most),
    )


def mean_strength(scenario: Scenario, units: Mapping[str, UnitType]) -> float:
    """Mean of health and shields of an enemy, over all teams that may be drawn."""
    n, more = scenario.n_agents, scenario.n_enemies - scenario.n_agents
    if more <= 0:
        return _mean_of_drawn(scenario, units, n)
    total = sum(size * _mean_of_drawn(scenario, units, size) for size in (n, more))
    return total / scenario.n_enemies


def _mean_of_drawn(scenario: Scenario, units: Mapping[str, UnitType], n: int) -> float:
    """Mean strength in teams of ``n``, of which those of exceptions alone are drawn again."""
    teams = scenario.teams
    chances = np.array(teams.weights) / sum(teams.weights)
    strength = np.array([units[name].health + units[name].shield for name in teams.unit_types])
    rare = np.array([name in teams.exceptions for name in teams.unit_types])
    share = float(chances[rare].sum())
    if not share:
        return float(chances @ strength)
    again = share**n
    if teams.kind == "all_teams":
        kinds, exceptions = len(rare), int(rare.sum())
        again = comb(n + exceptions - 1, n) / comb(n + kinds - 1, n)
    rejected = float(chances[rare] @ strength[rare]) / share
    return (float(chances @ strength) - again * rejected) / (1 - again)
