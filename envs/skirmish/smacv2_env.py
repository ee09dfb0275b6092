"""SMACv2's own class ``StarCraftCapabilityEnvWrapper``, played by the compiled engine instead of the game."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.drawn import DrawnSkirmish
from remix.envs.skirmish.drawn_encoding import drawn_layout, heals_any, mean_strength
from remix.envs.skirmish.encoding import most_reward
from remix.envs.skirmish.fields import DATA
from remix.envs.skirmish.maps import BattleMap
from remix.envs.skirmish.plain_yaml import parse, read_text
from remix.envs.skirmish.rosters import battle_map_of
from remix.envs.skirmish.sources import DRAWN
from remix.envs.skirmish.starcraft2_battles import StarCraft2Battles
from remix.envs.skirmish.starcraft2_views import Setup
from remix.envs.skirmish.unit_views import UnitView
from remix.envs.smacv2 import options_of
from remix.settings import checks
from remix.settings.errors import SettingError

_MAPS = {f"10gen_{race}": f"{race}_5_vs_5" for race in ("protoss", "terran", "zerg")}
"""SMACv2's maps, and a scenario with the ground, the types and the limit of each."""
_TYPES = (
    "baneling", "colossus", "hydralisk", "marauder", "marine", "medivac", "stalker", "zealot", "zergling",
)  # fmt: skip
_CONFIG = "capability_config"
_ADDED = ("env_key", "n_units", "n_enemies")  # what SMACv2 itself writes into the parts of its configuration


class StarCraftCapabilityEnvWrapper(StarCraft2Battles):
    """Battles of SMACv2 with SMACv2's own interface, without StarCraft.

    Arguments, methods and attributes are those of SMACv2's wrapper and of the environment in it (Ellis et
    al., 2023). The battles are not those of StarCraft II, so a result on them must not be called a result on
    SMACv2. What differs otherwise: ``seed`` controls everything that is drawn. ``get_obs`` shows the same as
    often as it is asked, while in SMACv2 agents may find more each time. ``capability_config`` is not
    written into.

    :param capability_config: what is drawn for a battle, as in SMACv2.
    :param map_name: ``10gen_protoss``, ``10gen_terran`` or ``10gen_zerg``. SMAC's maps are played by
        :class:`remix.envs.skirmish.starcraft2_env.StarCraft2Env`.
    :param seed: seed of the sequence of battles; None for another sequence every time.
    :param profile: see :class:`remix.envs.skirmish.drawn.DrawnSkirmish`, as ``reward_team``.
    :param enemy_erasure: see :class:`remix.envs.smacv2.DrawnViewOptions`, as all arguments that are left.

    The settings of the game (``difficulty``, ``game_version``, ``replay_dir``, ``replay_prefix``,
    ``window_size_x``, ``window_size_y`` and ``debug``) are accepted and ignored, as configurations have them.
    There are no scripted agents, no agents that see the time alone (:mod:`remix.envs.open_loop`), and as in
    SMACv2 no ``obs_instead_of_state``; ``kill_unit_step_mul`` is always 2.

    :raises SettingError: a setting has an invalid value.
    """

    def __init__(
        self,
        *,
        map_name: str = "8m",
        step_mul: int = 8,
        move_amount: float = 2,
        difficulty: str = "7",
        game_version: str | None = None,
        seed: int | None = None,
        continuing_episode: bool = False,
        obs_all_health: bool = True,
        obs_own_health: bool = True,
        obs_last_action: bool = False,
        obs_pathing_grid: bool = False,
        obs_terrain_height: bool = False,
        obs_instead_of_state: bool = False,
        obs_timestep_number: bool = False,
        obs_own_pos: bool = False,
        obs_starcraft: bool = True,
        conic_fov: bool = False,
        num_fov_actions: int = 12,
        state_last_action: bool = True,
        state_timestep_number: bool = False,
        reward_sparse: bool = False,
        reward_only_positive: bool = True,
        reward_death_value: float = 10,
        reward_win: float = 200,
        reward_defeat: float = 0,
        reward_negative_scale: float = 0.5,
        reward_scale: bool = True,
        reward_scale_rate: float = 20,
        use_unit_ranges: bool = False,
        min_attack_range: float = 2,
        kill_unit_step_mul: int = 2,
        fully_observable: bool = False,
        capability_config: Mapping[str, Any],
        replay_dir: str = "",
        replay_prefix: str = "",
        window_size_x: int = 1920,
        window_size_y: int = 1200,
        heuristic_ai: bool = False,
        heuristic_rest: bool = False,
        debug: bool = False,
        prob_obs_enemy: float = 1.0,
        action_mask: bool = True,
        profile: str = "liberty",
        reward_team: str = "average",
        enemy_erasure: str = "all",
    ) -> None:
        fixed = {
            "obs_instead_of_state": (obs_instead_of_state, False),
            "obs_starcraft": (obs_starcraft, True),
            "heuristic_ai": (heuristic_ai, False),
            "kill_unit_step_mul": (kill_unit_step_mul, 2),
        }
        views, rewards = options_of(locals())
        for name, (value, only) in fixed.items():
            if value != only:
                raise SettingError(name, value, f"must be {only} without StarCraft")
        checks.choice("map_name", map_name, _MAPS)
        with _as_given(map_name):
            env = DrawnSkirmish(
                map_name=map_name,
                profile=profile,
                step_mul=step_mul,
                move_amount=move_amount,
                continuing_episode=True,
                views=views,
                rewards=rewards,
                reward_team=reward_team,
                scenario=scenario_of(map_name, capability_config),
            )
        scenario, bits = env.scenario, [f"bit_{bit}" for bit in range(len(env.scenario.types))]
        setup = Setup(
            env=env,
            battle_map=battle_map_of(scenario, (), ()),
            lengths=drawn_layout(scenario, env.types, views).sizes(),
            options=views,
            move_amount=move_amount,
            agent_types={name: number for number, name in enumerate(_TYPES)},
            healers_take_part=heals_any(scenario, env.types),
            n_turns=views.n_turns,
        )
        super().__init__(setup, seed, continuing_episode)
        self._drawn_env, self._names = env, drawn_layout(scenario, env.types, views, bits)
        self.conic_fov, self.n_fov_actions = conic_fov, views.n_turns
        strength = scenario.n_enemies * mean_strength(scenario, env.types)
        self.max_reward = most_reward(rewards, scenario.n_enemies, strength)

    @property
    def env(self) -> StarCraftCapabilityEnvWrapper:
        """This object, in place of the environment that SMACv2's wrapper holds."""
        return self

    def _fighters(self) -> BattleMap:
        return self._drawn_env.map_of(0)

    # --- What SMACv2 has and SMAC has not -----------------------------------------------------------------

    def get_capabilities(self) -> NDArray[np.float32]:
        """Handicaps and types of all agents, dead ones included, float32 ``[N * C]``."""
        return np.concatenate([self.get_capabilities_agent(i) for i in range(self.n_agents)])

    def get_capabilities_agent(self, agent_id: int) -> NDArray[np.float32]:
        """Handicaps and type of one agent, float32 ``[C]``."""
        self._observation()
        scenario, drawn = self._drawn_env.scenario, self._drawn_env.drawn
        traits = ((scenario.attack, drawn.attack), (scenario.health, drawn.health))
        shown = [numbers[0, agent_id] for trait, numbers in traits if trait is not None]
        onehot = np.eye(len(scenario.types))[drawn.kind[0, agent_id]]
        return np.array([*shown, *onehot], np.float32)

    def get_cap_size(self) -> int:
        """C, how many numbers say what one agent is capable of."""
        scenario = self._drawn_env.scenario
        return (scenario.attack is not None) + (scenario.health is not None) + len(scenario.types)

    def get_obs_feature_names(self) -> list[str]:
        """The O names of what agent 0 sees, as SMACv2 has them."""
        return list(self._names.obs_names())

    def get_state_feature_names(self) -> list[str]:
        """The S names of the state, as SMACv2 has them."""
        return list(self._names.state_names())

    def get_env_info(self) -> dict[str, Any]:
        """The sizes by SMACv2's names, and the names of the columns of the state."""
        info, scenario = super().get_env_info(), self._drawn_env.scenario
        types = len(scenario.types)
        extra = ["fov_x", "fov_y"] * self.conic_fov
        extra += ["attack_probability"] * (scenario.attack is not None)
        extra += ["total_health"] * (scenario.health is not None)
        features = info["agent_features"]
        info["agent_features"] = [*features[:-types], *extra, *features[-types:]]
        return info | {"cap_shape": self.get_cap_size()}

    def get_true_avail_agent_actions(self, agent_id: int) -> list[int]:
        """Whether each action of an agent is available and does something, A numbers 0 or 1."""
        offered = self._drawn_env.offered[0, agent_id]
        return [*self.get_avail_agent_actions(agent_id)[: -len(offered)], *map(int, offered)]

    @property
    def fov_directions(self) -> NDArray[np.float64]:
        """Where the agents look, x and y, ``[N, 2]``; to the east where they see all around."""
        heading = np.radians(self._drawn_env.sight(0).heading)
        return np.stack([np.cos(heading), np.sin(heading)], -1)

    # --- Units --------------------------------------------------------------------------------------------

    def unit_shoot_range(self, agent_id: int) -> float:
        """The distance at which an agent may aim, in map units from centre to centre."""
        return self._drawn_env.reach(0, agent_id)

    def unit_sight_range(self, agent_id: int) -> float:
        """The distance at which an agent sees, in map units from centre to centre."""
        return float(self._drawn_env.sight(0).distance[agent_id])

    def get_can_shoot(self, agent_id: int, t_unit: UnitView) -> bool:
        """Whether an agent can aim at a unit, or if it is a healer heal it."""
        targets = self.agents if self.agents[agent_id].type.heal else self.enemies
        offered = self._drawn_env.offered[0, agent_id]
        return any(bool(offered[k]) for k, unit in targets.items() if unit is t_unit)


@contextmanager
def _as_given(map_name: str) -> Iterator[None]:
    """Within, a mistake in the scenario is one of the argument that it was made of."""
    try:
        yield
    except SettingError as error:
        if error.setting != "scenario":
            raise
        place = error.expected.removeprefix(f"{_CONFIG}.")
        if place == error.expected:
            raise SettingError("map_name", map_name, place) from error
        raise SettingError(_CONFIG, "{...}", place) from error


def scenario_of(map_name: str, capability_config: Mapping[str, Any]) -> dict[str, Any]:
    """The scenario of a map and a configuration of SMACv2's, which is left as it is."""
    if not isinstance(capability_config, Mapping):
        raise SettingError(_CONFIG, capability_config, "must be a mapping, as SMACv2 has them")
    published: dict[str, Any] = parse(read_text(DATA / DRAWN / f"{_MAPS[map_name]}.yaml"))
    config = {name: _plain(part) for name, part in capability_config.items()}
    for part in config.values():
        if isinstance(part, dict):
            for name in _ADDED:
                part.pop(name, None)
    return published | {_CONFIG: config}


def _plain(value: Any) -> Any:
    """Lists and mappings in place of what else may hold the same: arrays, tuples, sets."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(part) for part in value]
    return value
