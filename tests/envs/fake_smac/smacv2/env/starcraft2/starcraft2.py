"""SMACv2's environment with the toy of the stand-in for SMAC in place of StarCraft II.

Teams are given at every reset; the toy's rules, processes and faults are those of ``smac``.
"""

import atexit
import os
import random
from pathlib import Path

import numpy as np
from smac.env.starcraft2.starcraft2 import SIZE, _unit
from smac.env.starcraft2.starcraft2 import StarCraft2Env as Toy

TYPES = (
    "baneling",
    "colossus",
    "hydralisk",
    "marauder",
    "marine",
    "medivac",
    "stalker",
    "zealot",
    "zergling",
)
GAME_NUMBERS = (9, 4, 107, 51, 48, 54, 74, 73, 105)
RACES = {"10gen_terran": "terran_gen", "10gen_zerg": "zerg_gen", "10gen_protoss": "protoss_gen"}


class StarCraft2Env(Toy):
    def __init__(
        self,
        map_name="8m",
        step_mul=8,
        move_amount=2,
        difficulty="7",
        game_version=None,
        seed=None,
        continuing_episode=False,
        obs_all_health=True,
        obs_own_health=True,
        obs_last_action=False,
        obs_pathing_grid=False,
        obs_terrain_height=False,
        obs_instead_of_state=False,
        obs_timestep_number=False,
        obs_own_pos=False,
        obs_starcraft=True,
        conic_fov=False,
        num_fov_actions=12,
        state_last_action=True,
        state_timestep_number=False,
        reward_sparse=False,
        reward_only_positive=True,
        reward_death_value=10,
        reward_win=200,
        reward_defeat=0,
        reward_negative_scale=0.5,
        reward_scale=True,
        reward_scale_rate=20,
        use_unit_ranges=False,
        min_attack_range=2,
        kill_unit_step_mul=2,
        fully_observable=False,
        capability_config={},  # noqa: B006
        replay_dir="",
        replay_prefix="",
        window_size_x=1920,
        window_size_y=1200,
        heuristic_ai=False,
        heuristic_rest=False,
        debug=False,
        prob_obs_enemy=1.0,
        action_mask=True,
    ):
        if obs_instead_of_state:
            raise NotImplementedError
        self.options = dict(locals())
        self.map_name, self.map_type = map_name, RACES[map_name]
        self.n_agents = capability_config["team_gen"]["n_units"]  # which only the wrapper writes there
        self.n_enemies = capability_config["team_gen"]["n_enemies"]
        self.traits = ("attack" in capability_config) + ("health" in capability_config)
        self.episode_limit, self.unit_type_bits = 200, 3
        self.shields = int(self.map_type == "protoss_gen")
        self._step_mul, self._move_amount = step_mul, move_amount
        self.difficulty, self.game_version, self._seed = difficulty, game_version, seed
        self.continuing_episode = continuing_episode
        self.obs_own_health = obs_own_health or obs_all_health
        self.obs_timestep_number = obs_timestep_number
        self.obs_pathing_grid = self.obs_terrain_height = self.obs_instead_of_state = False
        self.reward_sparse, self.reward_death_value = reward_sparse, reward_death_value
        self.reward_win, self.reward_defeat = reward_win, reward_defeat
        self.reward_scale, self.reward_scale_rate = reward_scale, reward_scale_rate
        self.replay_dir, self.replay_prefix = replay_dir, replay_prefix
        self.n_actions_move, self.turns = 4, num_fov_actions if conic_fov else 0
        self.n_actions_no_attack = 6 + self.turns
        terran = self.map_type == "terran_gen"
        self.n_actions = self.n_actions_no_attack
        self.n_actions += max(self.n_agents, self.n_enemies) if terran else self.n_enemies
        self.max_reward = self.n_enemies * reward_death_value + reward_win
        self.agents, self.enemies, self.passes = {}, {}, 0
        self._episode_count = self._episode_steps = self._total_steps = 0
        self.battles_won = self.battles_game = self.timeouts = self.force_restarts = 0
        self._folder, self._sc2_proc = Path(os.environ["SC2PATH"]), None
        self.last_action = np.zeros((self.n_agents, self.n_actions))
        self.ally_unit_map = {name: 2000 + k for k, name in enumerate(TYPES)}
        self.enemy_unit_map = dict(zip(TYPES, GAME_NUMBERS, strict=True))
        self._teams = {}
        atexit.register(self.close)

    def reset(self, episode_config={}):  # noqa: B006
        self._teams = episode_config["team_gen"]
        self.passes = 0
        return super().reset()

    def init_units(self):
        names, hostile = sorted(self._teams["ally_team"]), self._teams["enemy_team"]
        units = enumerate(names)
        self.agents = {i: _unit(9.0, 16.0 - i % 16, self.ally_unit_map[name]) for i, name in units}
        units = enumerate(hostile)
        self.enemies = {i: _unit(14.0, 16.0 - i % 16, self.enemy_unit_map[name]) for i, name in units}
        if self._episode_count == 0:
            self.max_reward += sum(unit.health_max + unit.shield_max for unit in self.enemies.values())

    def _battle(self, actions):
        """A look around is none of the toy's actions."""
        turned = range(6, 6 + self.turns)
        return super()._battle([1 if action in turned else action for action in actions])

    def get_avail_agent_actions(self, agent_id):
        unit = self.agents[agent_id]
        if unit.health == 0:
            return [1] + [0] * (self.n_actions - 1)
        targets = [int(enemy.health > 0) for enemy in self.enemies.values()]
        known = [0, 1, 1, 1, 1, 1] + [1] * self.turns + targets
        return known + [0] * (self.n_actions - len(known))

    def get_obs(self):
        """In random order, as who looks first changes what others see."""
        self.passes += 1
        agents, views = list(range(self.n_agents)), [None] * self.n_agents
        random.shuffle(agents)
        for agent in agents:
            views[agent] = self.get_obs_agent(agent)
        return views

    def get_obs_agent(self, agent_id, fully_observable=False):
        size, unit = self.get_obs_size() - self.obs_timestep_number, self.agents[agent_id]
        view = np.zeros(size, np.float32)
        if unit.health > 0:
            view[:] = np.arange(size) % 7 + agent_id
            view[:3] = unit.health / unit.health_max, unit.pos.x / SIZE, unit.pos.y / SIZE
        if self.obs_timestep_number:
            view = np.append(view, self._episode_steps / self.episode_limit)
        return view

    def get_obs_size(self):
        options, bits, health = self.options, self.unit_type_bits, 1 + self.shields
        enemy = 4 + options["obs_all_health"] * health + bits
        ally = enemy + self.traits + options["obs_last_action"] * self.n_actions
        own = self.obs_own_health * health + self.traits + bits
        own += 2 * options["obs_own_pos"] + 2 * options["conic_fov"]
        move = 4 + 8 * options["obs_pathing_grid"] + 9 * options["obs_terrain_height"]
        return (
            move + self.n_enemies * enemy + (self.n_agents - 1) * ally + own + int(self.obs_timestep_number)
        )

    def get_state_size(self):
        options = self.options
        ally = 4 + self.shields + self.traits + 2 * options["conic_fov"] + self.unit_type_bits
        size = self.n_agents * ally + self.n_enemies * (3 + self.shields + self.unit_type_bits)
        size += options["state_last_action"] * self.n_agents * self.n_actions
        return size + int(options["state_timestep_number"])
