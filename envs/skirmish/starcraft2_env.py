"""SMAC's own class ``StarCraft2Env``, played by the compiled engine instead of the game."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import ViewOptions, options_of
from remix.envs.skirmish.encoding import make_encoding, max_reward, sizes
from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.kernels.observing import observe
from remix.envs.skirmish.kernels.views import Bodies, Views
from remix.envs.skirmish.maps import BattleMap
from remix.envs.skirmish.scripted import ScriptedAgents
from remix.envs.skirmish.starcraft2_battles import StarCraft2Battles
from remix.envs.skirmish.starcraft2_views import Setup
from remix.settings import checks


class _Obedient(Skirmish):
    """A battle that accepts unavailable actions. SMAC's scripted agents attack whom they could not choose."""

    strict = False


class StarCraft2Env(StarCraft2Battles):
    """Battles on SMAC's maps with SMAC's own interface, without StarCraft.

    Arguments, methods and attributes are those of SMAC's ``StarCraft2Env`` (Samvelyan et al., 2019). The
    battles are not those of StarCraft II, so a result on them must not be called a result on SMAC. As in
    SMAC an episode that reaches its limit is terminated; ``info`` tells of it only with
    ``continuing_episode``.

    :param map_name: one of SMAC's 23 maps, or the path of the user's own YAML file.
    :param seed: seed of the sequence of battles; None for another sequence every time.
    :param continuing_episode: whether ``info["episode_limit"]`` tells of an episode that its limit has cut.
    :param heuristic_ai: whether SMAC's scripted agents act in place of the actions that are passed. Their
        actions are written into the list that was passed, and views show them as last actions.
    :param heuristic_rest: whether the scripted agents keep to available actions.
    :param profile: unit data, see :class:`remix.envs.skirmish.environment.Skirmish`.

    ``step_mul``, ``move_amount`` and the arguments from ``obs_all_health`` to ``reward_scale_rate`` are
    those of :class:`remix.envs.battles.Battles`. With ``obs_timestep_number`` an observation has the length
    that ``get_obs_size`` says, and the time is its last entry; SMAC's own observations are one entry longer.
    The settings of the game (``difficulty``, ``game_version``, ``replay_dir``, ``replay_prefix``,
    ``window_size_x``, ``window_size_y`` and ``debug``) are accepted and ignored, as configurations have them.

    :raises SettingError: a setting has an invalid value.
    """

    def __init__(
        self,
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
        replay_dir: str = "",
        replay_prefix: str = "",
        window_size_x: int = 1920,
        window_size_y: int = 1200,
        heuristic_ai: bool = False,
        heuristic_rest: bool = False,
        debug: bool = False,
        profile: str = "liberty",
    ) -> None:
        views, rewards = options_of(locals())
        scripted = checks.flag("heuristic_ai", heuristic_ai)
        rest = checks.flag("heuristic_rest", heuristic_rest)
        engine = _Obedient if scripted else Skirmish
        env = engine(map_name, profile, step_mul, move_amount, True, views, rewards)
        places = {name: place for place, name in enumerate(dict.fromkeys(env.map.allies))}
        setup = Setup(
            env=env,
            battle_map=env.map,
            lengths=sizes(env.map, views),
            options=views,
            move_amount=move_amount,
            agent_types=env.map.ally_onehot or places,
            healers_take_part=any(env.types[name].heal for name in (*env.map.allies, *env.map.enemies)),
        )
        super().__init__(setup, seed, continuing_episode, ScriptedAgents(rest) if scripted else None)
        self.heuristic_ai, self.heuristic_rest = scripted, rest
        self.max_reward = max_reward(env.map, env.types, rewards)
        self._map = env.map

    def _fighters(self) -> BattleMap:
        return self._map

    def _rows_of_units(self) -> NDArray[np.float32]:
        """As above, also where the state shows observations instead."""
        self._observation()
        options, types, units = ViewOptions(state_last_action=False), self._env.types, self._env.units
        lengths = sizes(self._map, options)
        views = Views(
            np.zeros((1, self.n_agents, lengths.n_actions), np.bool_),
            np.zeros((1, self.n_agents, lengths.obs), np.float32),
            np.zeros((1, lengths.state), np.float32),
        )
        bodies = Bodies(units.x, units.y, units.health, units.shield, units.energy, units.cooldown)
        last_actions, steps = np.zeros((1, self.n_agents), np.int64), np.zeros(1, np.int64)
        observe(make_encoding(self._map, types, options), bodies, last_actions, steps, views, 0, 1)
        return views.state[0]
