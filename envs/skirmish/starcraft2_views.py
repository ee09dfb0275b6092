"""The methods of SMAC's and SMACv2's interfaces that show a battle and do not change it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import ViewOptions
from remix.envs.skirmish.drawn import DrawnSkirmish
from remix.envs.skirmish.encoding import ally_features, cooldown_scale, enemy_features
from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.kernels.views import SHOOT_RANGE, SIGHT_RANGE
from remix.envs.skirmish.layouts import BASIC_ACTIONS, MOVES, Sizes
from remix.envs.skirmish.maps import BattleMap
from remix.envs.skirmish.terrain import SIZE
from remix.envs.skirmish.unit_views import UnitView
from remix.envs.smacv2 import DrawnViewOptions
from remix.envs.spec import Observation


class Direction(IntEnum):
    """The directions in which agents can move."""

    NORTH = 0
    SOUTH = 1
    EAST = 2
    WEST = 3


@dataclass(frozen=True)
class Setup:
    """A game, and what its battles have in common.

    :param env: the environment whose battle 0 is shown.
    :param battle_map: ground, races and types of all battles.
    :param lengths: of what ``env`` shows.
    :param options: the view options with which ``env`` was made.
    :param move_amount: the ``move_amount`` with which ``env`` was made, in map units.
    :param agent_types: numbers of the types of agents.
    :param healers_take_part: whether there are, or may be, healers in a battle.
    :param n_turns: directions in which agents can look; 0 in SMAC.
    """

    env: Skirmish | DrawnSkirmish
    battle_map: BattleMap
    lengths: Sizes
    options: ViewOptions | DrawnViewOptions
    move_amount: float
    agent_types: Mapping[str, int]
    healers_take_part: bool
    n_turns: int = 0


class StarCraft2Views:
    """Sizes, observations, state, masks and units of one battle, under SMAC's names."""

    n_actions_move = len(MOVES)
    map_x = map_y = max_distance_x = max_distance_y = SIZE

    def __init__(self, setup: Setup) -> None:
        self._setup, self._env, self._layout = setup, setup.env, setup.lengths
        env, battle_map = setup.env, setup.battle_map
        self.n_actions_no_attack = len(BASIC_ACTIONS) + setup.n_turns
        self.map_name, self.map_type = battle_map.name, battle_map.map_type
        self.n_agents, self.n_enemies = env.spec.n_agents, self._layout.enemies[0]
        self.episode_limit, self.n_actions = battle_map.episode_limit, self._layout.n_actions
        self.unit_type_bits = battle_map.unit_type_bits
        self.shield_bits_ally = int(battle_map.ally_race == "P")
        self.shield_bits_enemy = int(battle_map.enemy_race == "P")
        self.pathing_grid, self.terrain_height = battle_map.terrain.open, battle_map.terrain.height
        self.agents: dict[int, UnitView] = {}
        self.enemies: dict[int, UnitView] = {}
        self.last_action = np.zeros((self.n_agents, self.n_actions))
        self._episode_steps = 0
        self._shown: Observation | None = None

    # --- Observations, state, masks -----------------------------------------------------------------------

    def _observation(self) -> Observation:
        if self._shown is None:
            raise RuntimeError("no battle has been started: call reset() first")
        return self._shown

    def get_obs(self) -> list[NDArray[np.float32]]:
        """The N observations, float32 ``[O]`` each."""
        return [self.get_obs_agent(i) for i in range(self.n_agents)]

    def get_obs_agent(self, agent_id: int) -> NDArray[np.float32]:
        """The observation of one agent, float32 ``[O]``; zeros if it is dead."""
        return np.array(self._observation().obs[0, agent_id], np.float32)

    def get_state(self) -> NDArray[np.float32]:
        """The global state, float32 ``[S]``. Agents must not see it when they act."""
        return np.array(self._observation().state[0], np.float32)

    def get_state_dict(self) -> dict[str, Any]:
        """The parts of the state by name: rows of ``allies`` and ``enemies``, and as the options say
        ``last_action [N, A]`` and ``timestep``."""
        rows = self._rows_of_units()
        end = self.n_agents * self._layout.state_ally
        state: dict[str, Any] = {
            "allies": rows[:end].reshape(self.n_agents, self._layout.state_ally),
            "enemies": rows[end:].reshape(self.n_enemies, self._layout.state_enemy),
        }
        if self._setup.options.state_last_action:
            state["last_action"] = self.last_action.copy()
        if self._setup.options.state_timestep_number:
            state["timestep"] = self._episode_steps / self.episode_limit
        return state

    def _rows_of_units(self) -> NDArray[np.float32]:
        """The rows of all units in the state, one after the other."""
        rows = self.n_agents * self._layout.state_ally + self.n_enemies * self._layout.state_enemy
        return self.get_state()[:rows]

    def get_avail_actions(self) -> list[list[int]]:
        """Whether each action is available, N lists of A numbers 0 or 1."""
        return [self.get_avail_agent_actions(i) for i in range(self.n_agents)]

    def get_avail_agent_actions(self, agent_id: int) -> list[int]:
        """Whether each action of one agent is available, A numbers 0 or 1."""
        return [int(available) for available in self._observation().avail_actions[0, agent_id]]

    def get_visibility_matrix(self) -> NDArray[np.bool_]:
        """Which agent sees which unit, bool ``[N, U]``; the columns are the agents and then the enemies.

        Whether two agents see each other is decided by the sight of the one with the lower number.
        """
        units, n = self._env.units, self.n_agents
        alive, x, y = units.health[0] > 0, units.x[0], units.y[0]
        sight = np.array([self.unit_sight_range(i) for i in range(n)])
        near = np.hypot(x[:n, None] - x, y[:n, None] - y) < sight[:, None]
        seen: NDArray[np.bool_] = near & alive[:n, None] & alive
        friends = np.triu(seen[:, :n], 1)
        seen[:, :n] = friends | friends.T
        return seen

    # --- Sizes --------------------------------------------------------------------------------------------

    def get_total_actions(self) -> int:
        """A, the number of actions of an agent, available or not."""
        return self.n_actions

    def get_obs_size(self) -> int:
        """O, the length of an observation."""
        return self._layout.obs

    def get_obs_move_feats_size(self) -> int:
        """The length of the first block of an observation: moves and the ground around the agent."""
        return self._layout.move

    def get_obs_enemy_feats_size(self) -> tuple[int, int]:
        """The rows and columns of an observation's block of enemies."""
        return self._layout.enemies

    def get_obs_ally_feats_size(self) -> tuple[int, int]:
        """The rows and columns of an observation's block of other agents."""
        return self._layout.allies

    def get_obs_own_feats_size(self) -> int:
        """The length of the last block of an observation: the agent itself, and the time."""
        return self._layout.own

    def get_state_size(self) -> int:
        """S, the length of the state."""
        return self._layout.state

    def get_ally_num_attributes(self) -> int:
        """The length of an agent's row in the state."""
        return self._layout.state_ally

    def get_enemy_num_attributes(self) -> int:
        """The length of an enemy's row in the state."""
        return self._layout.state_enemy

    def get_env_info(self) -> dict[str, Any]:
        """The sizes by SMAC's names, and the names of the columns of the state."""
        return {
            "state_shape": self.get_state_size(),
            "obs_shape": self.get_obs_size(),
            "n_actions": self.n_actions,
            "n_agents": self.n_agents,
            "episode_limit": self.episode_limit,
            "agent_features": ally_features(self._setup.battle_map),
            "enemy_features": enemy_features(self._setup.battle_map),
        }

    # --- Units --------------------------------------------------------------------------------------------

    def get_unit_by_id(self, a_id: int) -> UnitView:
        """The agent with the number ``a_id``."""
        return self.agents[a_id]

    def get_unit_types(self) -> list[int]:
        """The numbers of the types of all agents and then of all enemies, U numbers."""
        return [unit.unit_type for unit in (*self.agents.values(), *self.enemies.values())]

    def get_unit_type_id(self, unit: UnitView, ally: bool) -> int:
        """The entry of the one-hot type that is set for a unit.

        :raises ValueError: the views of this map show no types.
        """
        onehot = self._setup.battle_map.ally_onehot if ally else self._setup.battle_map.enemy_onehot
        if unit.type.name not in onehot:
            raise ValueError(f"views of {self.map_name} have no entry for the type {unit.type.name}")
        return onehot[unit.type.name]

    def unit_shoot_range(self, agent_id: int) -> float:
        """The distance at which an agent may aim, in map units from centre to centre."""
        return SHOOT_RANGE

    def unit_sight_range(self, agent_id: int) -> float:
        """The distance at which an agent sees, in map units from centre to centre."""
        return SIGHT_RANGE

    def unit_max_cooldown(self, unit: UnitView) -> float:
        """The number by which the state divides a unit's cooldown (loops), or a healer's energy (points)."""
        return cooldown_scale(unit.type)

    def unit_max_shield(self, unit: UnitView) -> float | None:
        """The full shield of a unit in points, None for a unit without shields."""
        return unit.shield_max or None

    def can_move(self, unit: UnitView, direction: int) -> bool:
        """Whether the ground is open at the place of a unit after half a move in a :class:`Direction`."""
        ahead, place = self._setup.move_amount / 2, unit.pos
        dx = ahead * ((direction == Direction.EAST) - (direction == Direction.WEST))
        dy = ahead * ((direction == Direction.NORTH) - (direction == Direction.SOUTH))
        x, y = int(place.x + dx), int(place.y + dy)
        return self.check_bounds(x, y) and bool(self.pathing_grid[x, y])

    def check_bounds(self, x: float, y: float) -> bool:
        """Whether the place (x, y), in map units, is on the map."""
        return 0 <= x < self.map_x and 0 <= y < self.map_y

    @staticmethod
    def distance(x1: float, y1: float, x2: float, y2: float) -> float:
        """The distance between two places, in map units."""
        return math.hypot(x2 - x1, y2 - y1)
