"""The views and rewards of SMAC: sizes, names, and the constants of the kernels that compute them.

The rewards and the layout of observations, state and actions are those of the StarCraft Multi-Agent
Challenge (Samvelyan et al., 2019), oddities included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import RewardOptions, ViewOptions
from remix.envs.skirmish import layouts
from remix.envs.skirmish.kernels.scoring import Scoring
from remix.envs.skirmish.kernels.views import NO_TYPE, Encoding
from remix.envs.skirmish.layouts import BASIC_ACTIONS, Columns, Layout, Sizes, only
from remix.envs.skirmish.maps import BattleMap
from remix.envs.skirmish.rules import healing_pairs
from remix.envs.skirmish.units import UnitType
from remix.envs.spec import EnvSpec
from remix.settings.errors import SettingError

# SMAC divides the cooldown of a weapon in the state by this number of loops. It is not the weapon's period.
_COOLDOWN_SCALES = {
    "marine": 15,
    "marauder": 25,
    "stalker": 35,
    "zealot": 22,
    "colossus": 24,
    "hydralisk": 10,
    "zergling": 11,
    "baneling": 1,
}
_OTHER_COOLDOWN_SCALE = 15
_ENERGY_SCALE = 200  # healers show their energy in place of a cooldown


def layout_of(battle_map: BattleMap, options: ViewOptions) -> Layout:
    """What observations and state of battles on a map consist of."""
    ally_shield, enemy_shield = battle_map.ally_race == "P", battle_map.enemy_race == "P"
    ally_types, enemy_types = (
        _types(onehot, battle_map.unit_type_bits)
        for onehot in (battle_map.ally_onehot, battle_map.enemy_onehot)
    )
    all_health = options.obs_all_health
    own_health = all_health or options.obs_own_health
    n_actions = len(action_names(battle_map))
    last = layouts.last_actions(n_actions * options.obs_last_action)
    state_place = ("relative_x_{}", "relative_y_{}")
    return Layout(
        n_agents=battle_map.n_agents,
        n_enemies=battle_map.n_enemies,
        n_actions=n_actions,
        move=layouts.ground(options.obs_pathing_grid, options.obs_terrain_height),
        enemy=layouts.seen("shootable") + layouts.strength(all_health, enemy_shield) + enemy_types,
        ally=layouts.seen("visible") + layouts.strength(all_health, ally_shield) + ally_types + last,
        own=layouts.strength(own_health, ally_shield) + ally_types,
        last=layouts.timestep(options.obs_timestep_number),
        state_ally=("health_{}", "cooldown_{}", *state_place, *only(ally_shield, "shield_{}"), *ally_types),
        state_enemy=("health_{}", *state_place, *only(enemy_shield, "shield_{}"), *enemy_types),
        state_actions=options.state_last_action,
        state_last=layouts.timestep(options.state_timestep_number),
        observations_as_state=options.obs_instead_of_state,
    )


def sizes(battle_map: BattleMap, options: ViewOptions) -> Sizes:
    """The sizes of all views of battles on a map. As in SMAC the time belongs to the agent's own block."""
    layout = layout_of(battle_map, options)
    lengths = layout.sizes()
    return lengths._replace(own=lengths.own + len(layout.last))


def _types(onehot: Mapping[str, int], bits: int) -> Columns:
    """The one-hot types of a side, which may have fewer types than bits."""
    names = {bit: name for name, bit in onehot.items()}
    return layouts.types([names.get(bit, f"bit_{bit}") for bit in range(bits)])


def action_names(battle_map: BattleMap) -> tuple[str, ...]:
    """The A names of the actions. With ``attack k`` a healer heals agent k."""
    return BASIC_ACTIONS + tuple(f"attack {k}" for k in range(battle_map.n_enemies))


def ally_features(battle_map: BattleMap) -> list[str]:
    """The names of the entries of an agent's row in the state."""
    shield = ["shield"] * (battle_map.ally_race == "P")
    return ["health", "energy/cooldown", "rel_x", "rel_y", *shield, *_type_features(battle_map)]


def enemy_features(battle_map: BattleMap) -> list[str]:
    """The names of the entries of an enemy's row in the state."""
    shield = ["shield"] * (battle_map.enemy_race == "P")
    return ["health", "rel_x", "rel_y", *shield, *_type_features(battle_map)]


def _type_features(battle_map: BattleMap) -> list[str]:
    return [f"type_{bit}" for bit in range(battle_map.unit_type_bits)]


def cooldown_scale(unit: UnitType) -> float:
    """The number by which the state divides a unit's cooldown (loops), or a healer's energy (points)."""
    if unit.heal is not None:
        return _ENERGY_SCALE
    return _COOLDOWN_SCALES.get(unit.name, _OTHER_COOLDOWN_SCALE)


def max_reward(battle_map: BattleMap, units: Mapping[str, UnitType], options: RewardOptions) -> float:
    """The sum of unscaled rewards of a victory over enemies that never regenerate."""
    strength = sum(units[name].health + units[name].shield for name in battle_map.enemies)
    return most_reward(options, battle_map.n_enemies, strength)


def most_reward(options: RewardOptions, n_enemies: int, strength: float) -> float:
    """:func:`max_reward` of a victory over enemies with health and shields of ``strength`` in sum."""
    return n_enemies * options.reward_death_value + options.reward_win + strength


def make_spec(backend: str, battle_map: BattleMap, options: ViewOptions) -> EnvSpec:
    """The :class:`EnvSpec` of battles on a map, the same for every backend.

    :param backend: name of the backend, the first part of the environment's name.
    """
    layout = layout_of(battle_map, options)
    return battle_spec(
        f"{backend}/{battle_map.name}", layout, battle_map.episode_limit, action_names(battle_map)
    )


def battle_spec(name: str, layout: Layout, episode_limit: int, actions: tuple[str, ...]) -> EnvSpec:
    """The :class:`EnvSpec` of battles that show what ``layout`` says."""
    lengths = layout.sizes()
    return EnvSpec(
        name=name,
        n_agents=layout.n_agents,
        n_actions=layout.n_actions,
        obs_size=lengths.obs,
        state_size=lengths.state,
        episode_limit=episode_limit,
        metrics=("battle_won", "dead_allies", "dead_enemies"),
        action_names=actions,
        obs_names=layout.obs_names(),
        state_names=layout.state_names(),
    )


def make_encoding(
    battle_map: BattleMap, units: Mapping[str, UnitType], options: ViewOptions, move_amount: float = 2.0
) -> Encoding:
    """The constants of the kernels that write observations, states and masks.

    :param units: types of the map's units, by name.
    :param move_amount: how far a move action wants to go, in map units.
    """
    types = [units[name] for name in (*battle_map.allies, *battle_map.enemies)]
    layout = sizes(battle_map, options)
    return Encoding(
        n_agents=battle_map.n_agents,
        n_actions=layout.n_actions,
        health_scale=1 / np.array([unit.health for unit in types]),
        shield_scale=np.array([1 / unit.shield if unit.shield else 0.0 for unit in types]),
        readiness_scale=1 / np.array([cooldown_scale(unit) for unit in types]),
        heals=np.array([unit.heal is not None for unit in types]),
        aims=_aims(battle_map, types),
        type_bit=_type_bits(battle_map),
        bits=battle_map.unit_type_bits,
        open=battle_map.terrain.open,
        height=battle_map.terrain.height,
        move_amount=float(move_amount),
        episode_limit=battle_map.episode_limit,
        ally_shield=battle_map.ally_race == "P",
        enemy_shield=battle_map.enemy_race == "P",
        own_health=options.obs_all_health or options.obs_own_health,
        all_health=options.obs_all_health,
        last_action=options.obs_last_action,
        pathing_grid=options.obs_pathing_grid,
        terrain_height=options.obs_terrain_height,
        timestep=options.obs_timestep_number,
        observations_as_state=options.obs_instead_of_state,
        state_last_action=options.state_last_action,
        state_timestep=options.state_timestep_number,
        enemy_width=layout.enemies[1],
        ally_width=layout.allies[1],
        state_ally_width=layout.state_ally,
        state_enemy_width=layout.state_enemy,
    )


def _aims(battle_map: BattleMap, types: Sequence[UnitType]) -> NDArray[np.bool_]:
    """Which attack actions each agent may ever take, bool ``[N, A - 6]``.

    A healer may take those of the agents that it can heal. As in SMAC an armed agent may take all of them,
    also for enemies that its weapon cannot hit.
    """
    n, n_enemies = battle_map.n_agents, battle_map.n_enemies
    healed = healing_pairs(types, np.repeat([0, 1], [n, n_enemies]))[:n, :n]
    aims = np.zeros((n, n_enemies), np.bool_)
    aims[[unit.weapon is not None for unit in types[:n]]] = True
    aims[:, :n] |= healed[:, :n_enemies]
    return aims


def _type_bits(battle_map: BattleMap) -> NDArray[np.int64]:
    """The bit of the one-hot type that is set for each of U units, ``[U]``; NO_TYPE where none is."""
    sides = ((battle_map.allies, battle_map.ally_onehot), (battle_map.enemies, battle_map.enemy_onehot))
    return np.array([onehot.get(unit, NO_TYPE) for team, onehot in sides for unit in team], np.int64)


def make_scoring(battle_map: BattleMap, units: Mapping[str, UnitType], options: RewardOptions) -> Scoring:
    """The constants of the kernel that computes rewards and ends.

    :raises SettingError: ``reward_scale`` is set although a victory pays nothing.
    """
    healers = np.array([units[name].heal is not None for name in (*battle_map.allies, *battle_map.enemies)])
    return Scoring(
        n_agents=battle_map.n_agents,
        heals=healers,
        healers_take_part=bool(healers.any()),
        healers_surrender=False,
        episode_limit=battle_map.episode_limit,
        sparse=options.reward_sparse,
        only_positive=options.reward_only_positive,
        clipped=False,
        death_value=float(options.reward_death_value),
        win=float(options.reward_win),
        defeat=float(options.reward_defeat),
        negative_scale=float(options.reward_negative_scale),
        scale=reward_factor(options, max_reward(battle_map, units, options)),
    )


def reward_factor(options: RewardOptions, most: float) -> float:
    """The factor of all rewards. ``most`` is the sum of unscaled rewards of a victory."""
    if not options.reward_scale:
        return 1.0
    if most <= 0:
        raise SettingError("reward_scale", True, f"needs a victory to pay more than 0, not {most:g}")
    return options.reward_scale_rate / most
