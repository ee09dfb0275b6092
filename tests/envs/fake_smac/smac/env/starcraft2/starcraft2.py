"""SMAC's environment with a toy in place of StarCraft II.

The game is a process that sleeps, so that it can be left behind or killed like the real one. Its battle: an
agent can attack every living enemy wherever both are, and takes ``HIT`` points; every living enemy takes as
many from the first living agent that has not gone west.

What the tests want to go wrong is said by the file ``fault`` in the game's folder: ``WHEN FAULT``, with WHEN
one of reset, restart, step, replay. Only the first that comes across it takes it.
"""

import atexit
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from smac.env.starcraft2.maps import get_map_params

HIT, HEALTH = 15.0, 45.0
SIZE = 32
MOVES = {2: (0, 1), 3: (0, -1), 4: (1, 0), 5: (-1, 0)}


class ProtocolError(Exception):
    """What PySC2 raises when the game answers with an error."""


def _connection_lost():
    raise ProtocolError("Error in RPC response (likely a bug).")


def _bug():
    raise RuntimeError("Trying to run SC2_x64, but it doesn't exist")


FAULTS = {
    "lose connection": _connection_lost,
    "raise": _bug,
    "hang": lambda: time.sleep(1000),
    "die": lambda: os.kill(os.getpid(), signal.SIGKILL),
}


class _Process:
    """The running game."""

    def __init__(self, folder, seed):
        command = [sys.executable, "-c", "import time; time.sleep(1000)"]
        self._program = subprocess.Popen(command)
        with (folder / "games").open("a") as file:
            file.write(f"{self._program.pid} {seed}\n")

    def close(self):
        self._program.kill()
        self._program.wait()


class StarCraft2Env:
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
        replay_dir="",
        replay_prefix="",
        window_size_x=1920,
        window_size_y=1200,
        heuristic_ai=False,
        heuristic_rest=False,
        debug=False,
    ):
        self.map_name = map_name
        params = get_map_params(map_name)
        self.n_agents, self.n_enemies = params["n_agents"], params["n_enemies"]
        self.episode_limit = params["limit"]
        self._step_mul, self._move_amount = step_mul, move_amount
        self.difficulty, self.game_version = difficulty, game_version
        self._seed, self.continuing_episode = seed, continuing_episode
        self.obs_all_health, self.obs_own_health = obs_all_health, obs_own_health or obs_all_health
        self.obs_last_action = obs_last_action
        self.obs_pathing_grid, self.obs_terrain_height = obs_pathing_grid, obs_terrain_height
        self.obs_instead_of_state, self.obs_timestep_number = obs_instead_of_state, obs_timestep_number
        self.state_last_action, self.state_timestep_number = state_last_action, state_timestep_number
        self.reward_sparse, self.reward_death_value = reward_sparse, reward_death_value
        self.reward_win, self.reward_defeat = reward_win, reward_defeat
        self.reward_scale, self.reward_scale_rate = reward_scale, reward_scale_rate
        self.replay_dir, self.replay_prefix = replay_dir, replay_prefix
        self.n_actions_no_attack, self.n_actions_move = 6, 4
        self.n_actions = self.n_actions_no_attack + self.n_enemies
        self.shield_bits_ally = int(params["a_race"] == "P")
        self.shield_bits_enemy = int(params["b_race"] == "P")
        self.unit_type_bits, self.map_type = params["unit_type_bits"], params["map_type"]
        self.max_reward = self.n_enemies * reward_death_value + reward_win
        self.agents, self.enemies = {}, {}
        self._episode_count = self._episode_steps = self._total_steps = 0
        self.battles_won = self.battles_game = self.timeouts = self.force_restarts = 0
        self.last_action = np.zeros((self.n_agents, self.n_actions))
        self._folder = Path(os.environ["SC2PATH"])
        self._sc2_proc = None
        self.pathing_grid = np.ones((2 * SIZE, 2 * SIZE), bool)
        atexit.register(self.close)

    def _launch(self):
        self._sc2_proc = _Process(self._folder, self._seed)

    def reset(self):
        self._episode_steps = 0
        if self._episode_count == 0:
            self._launch()
        else:
            self._restart()
        self.last_action = np.zeros((self.n_agents, self.n_actions))
        try:
            self._fail("reset")
            self.init_units()
        except ProtocolError:
            self.full_restart()
        return self.get_obs(), self.get_state()

    def _restart(self):
        try:
            self._fail("restart")
        except ProtocolError:
            self.full_restart()

    def full_restart(self):
        self.close()
        self._launch()
        self.force_restarts += 1

    def init_units(self):
        self.agents = {i: _unit(9.0, 16.0 - i, 1000) for i in range(self.n_agents)}
        self.enemies = {i: _unit(14.0, 16.0 - i, 48) for i in range(self.n_enemies)}
        if self._episode_count == 0:
            self.max_reward += sum(unit.health_max + unit.shield_max for unit in self.enemies.values())

    def step(self, actions):
        actions = [int(a) for a in actions]
        self.last_action = np.eye(self.n_actions)[np.array(actions)]
        for a_id, action in enumerate(actions):
            available = self.get_avail_agent_actions(a_id)
            assert available[action] == 1, f"Agent {a_id} cannot perform action {action}"
        try:
            self._fail("step")
            reward = self._battle(actions)
        except ProtocolError:
            self.full_restart()
            return 0, True, {}
        self._total_steps += 1
        self._episode_steps += 1
        dead_allies, dead_enemies = (
            sum(unit.health == 0 for unit in team.values()) for team in (self.agents, self.enemies)
        )
        info = {"battle_won": False, "dead_allies": dead_allies, "dead_enemies": dead_enemies}
        lost, won = dead_allies == self.n_agents, dead_enemies == self.n_enemies
        terminated = False
        if lost or won:
            terminated = True
            self.battles_game += 1
            if won and not lost:
                self.battles_won += 1
                info["battle_won"] = True
                reward = 1 if self.reward_sparse else reward + self.reward_win
            elif lost and not won:
                reward = -1 if self.reward_sparse else reward + self.reward_defeat
        elif self._episode_steps >= self.episode_limit:
            terminated = True
            if self.continuing_episode:
                info["episode_limit"] = True
            self.battles_game += 1
            self.timeouts += 1
        if terminated:
            self._episode_count += 1
        if self.reward_scale:
            reward /= self.max_reward / self.reward_scale_rate
        return reward, terminated, info

    def _battle(self, actions):
        """Attacks and steps of both sides; what the damage done pays."""
        paid = 0
        for unit, action in zip(self.agents.values(), actions, strict=True):
            if action in MOVES:
                dx, dy = MOVES[action]
                unit.pos.x, unit.pos.y = unit.pos.x + dx, unit.pos.y + dy
            elif action >= self.n_actions_no_attack:
                target = self.enemies[action - self.n_actions_no_attack]
                before, target.health = target.health, max(target.health - HIT, 0.0)
                paid += before - target.health
                paid += self.reward_death_value * (before > 0 and target.health == 0)
        for enemy in self.enemies.values():
            reach = [u for u in self.agents.values() if u.health > 0 and u.pos.x > 8]
            if enemy.health > 0 and reach:
                reach[0].health = max(reach[0].health - HIT, 0.0)
        return 0 if self.reward_sparse else paid

    def get_avail_agent_actions(self, agent_id):
        unit = self.agents[agent_id]
        if unit.health == 0:
            return [1] + [0] * (self.n_actions - 1)
        x, y = unit.pos.x, unit.pos.y
        moves = [int(0 <= x + dx < SIZE and 0 <= y + dy < SIZE) for dx, dy in MOVES.values()]
        return [0, 1, *moves, *(int(enemy.health > 0) for enemy in self.enemies.values())]

    def get_avail_actions(self):
        return [self.get_avail_agent_actions(i) for i in range(self.n_agents)]

    def get_obs_agent(self, agent_id):
        """Health, place and a number for each further entry; zeros of a dead agent."""
        size, unit = self.get_obs_size(), self.agents[agent_id]
        view = np.zeros(size, np.float32)
        if unit.health > 0:
            view[:] = np.arange(size) % 7 + agent_id
            view[:3] = unit.health / unit.health_max, unit.pos.x / SIZE, unit.pos.y / SIZE
            if self.obs_pathing_grid or self.obs_terrain_height:
                place = int(unit.pos.x) + self._move_amount, int(unit.pos.y) + self._move_amount
                view[self.n_actions_move] = self.pathing_grid[place]
        if self.obs_timestep_number:
            view[-1] = 0  # reserved, and never filled
            view = np.append(view, self._episode_steps / self.episode_limit)
        return view

    def get_obs(self):
        return [self.get_obs_agent(i) for i in range(self.n_agents)]

    def get_state(self):
        if self.obs_instead_of_state:
            return np.concatenate(self.get_obs()).astype(np.float32)
        state = np.arange(self.get_state_size(), dtype=np.float32)
        units = (*self.agents.values(), *self.enemies.values())
        state[: len(units)] = [unit.health / unit.health_max for unit in units]
        return state

    def get_obs_size(self):
        healths = (self.obs_all_health * (1 + bit) for bit in (self.shield_bits_enemy, self.shield_bits_ally))
        enemy, ally = (4 + health + self.unit_type_bits for health in healths)
        own = self.obs_own_health * (1 + self.shield_bits_ally) + self.unit_type_bits
        move = self.n_actions_move + 8 * self.obs_pathing_grid + 9 * self.obs_terrain_height
        ally += self.obs_last_action * self.n_actions
        return (
            move + self.n_enemies * enemy + (self.n_agents - 1) * ally + own + int(self.obs_timestep_number)
        )

    def get_state_size(self):
        if self.obs_instead_of_state:
            return self.get_obs_size() * self.n_agents
        size = self.n_agents * (4 + self.shield_bits_ally + self.unit_type_bits)
        size += self.n_enemies * (3 + self.shield_bits_enemy + self.unit_type_bits)
        size += self.state_last_action * self.n_agents * self.n_actions
        return size + int(self.state_timestep_number)

    def get_total_actions(self):
        return self.n_actions

    def get_env_info(self):
        return {
            "state_shape": self.get_state_size(),
            "obs_shape": self.get_obs_size(),
            "n_actions": self.get_total_actions(),
            "n_agents": self.n_agents,
            "episode_limit": self.episode_limit,
            "agent_features": ["health"],
            "enemy_features": ["health"],
        }

    def save_replay(self):
        if self._sc2_proc is None:
            raise AttributeError("'NoneType' object has no attribute 'save_replay'")
        self._fail("replay")
        folder = os.path.join(self._folder, "Replays", self.replay_dir)
        os.makedirs(folder, exist_ok=True)
        name = f"{self.replay_prefix or self.map_name}_{time.strftime('%Y-%m-%d-%H-%M-%S')}.SC2Replay"
        Path(folder, name).write_text(str(self._total_steps))

    def seed(self):
        return self._seed

    def close(self):
        if self._sc2_proc:
            self._sc2_proc.close()

    def _fail(self, when):
        """Do what the file says, if it is about this moment."""
        file = self._folder / "fault"
        if not file.exists() or not file.read_text().startswith(f"{when} "):
            return
        taken = file.with_suffix(f".{os.getpid()}")
        try:
            file.rename(taken)
        except FileNotFoundError:
            return
        FAULTS[taken.read_text().removeprefix(f"{when} ")]()


def _unit(x, y, unit_type):
    return SimpleNamespace(
        pos=SimpleNamespace(x=x, y=y),
        health=HEALTH,
        health_max=HEALTH,
        shield=0.0,
        shield_max=0.0,
        energy=0.0,
        unit_type=unit_type,
    )
