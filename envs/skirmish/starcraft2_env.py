"""SMAC's own class ``StarCraft2Env``, played by the compiled engine instead of the game."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import options_of
from remix.envs.skirmish.encoding import max_reward
from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.scripted import ScriptedAgents
from remix.envs.skirmish.starcraft2_views import StarCraft2Views
from remix.envs.skirmish.unit_views import UnitView
from remix.settings import checks

Info = dict[str, bool | int]


class _Obedient(Skirmish):
    """A battle that accepts unavailable actions. SMAC's scripted agents attack whom they could not choose."""

    strict = False


class StarCraft2Env(StarCraft2Views):
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
        # The battle always tells a cut by the limit from another end: the counts of ``get_stats`` need it.
        env = engine(map_name, profile, step_mul, move_amount, True, views, rewards)
        super().__init__(env, views, move_amount)
        self._script = ScriptedAgents(rest) if scripted else None
        self.heuristic_ai, self.heuristic_rest = scripted, rest
        self.continuing_episode = checks.flag("continuing_episode", continuing_episode)
        self._seed = None if seed is None else checks.whole("seed", seed, 0)
        self._seeds = np.random.default_rng(self._seed)
        self.max_reward = max_reward(env.map, env.types, rewards)
        self.battles_won = self.battles_game = self.timeouts = self.force_restarts = 0
        self._total_steps = self._episode_count = 0
        self._forget()

    def _forget(self) -> None:
        """Leave the present battle, if there is one."""
        self._running, self._episode_steps, self.reward = False, 0, 0.0
        self.win_counted = self.defeat_counted = False
        self.last_action = np.zeros((self.n_agents, self.n_actions))
        self.death_tracker_ally = np.zeros(self.n_agents)
        self.death_tracker_enemy = np.zeros(self.n_enemies)
        self.agents, self.enemies, self._shown = {}, {}, None

    # --- Episodes -----------------------------------------------------------------------------------------

    def reset(self) -> tuple[list[NDArray[np.float32]], NDArray[np.float32]]:
        """Start a battle.

        :returns: the N observations, float32 ``[O]`` each, and the state, float32 ``[S]``.
        """
        self._forget()
        if self._script:
            self._script.reset()
        self._shown = self._env.reset(self._seeds.integers(2**63, size=1))
        self.agents = {i: UnitView(self._env, i) for i in range(self.n_agents)}
        self.enemies = {k: UnitView(self._env, self.n_agents + k) for k in range(self.n_enemies)}
        self._running = True
        return self.get_obs(), self.get_state()

    def step(self, actions: Any) -> tuple[float, bool, Info]:
        """Play one action of each agent.

        :param actions: N whole numbers, as a sequence or as a vector of NumPy or PyTorch.
        :returns: the reward, whether the episode is over, and statistics.
        :raises AssertionError: an action is not available.
        :raises RuntimeError: there is no battle, or it is over.
        """
        if not self._running:
            raise RuntimeError("no battle is going on: call reset() first, and after every episode")
        chosen = [int(action) for action in actions]
        if len(chosen) != self.n_agents:
            raise ValueError(f"{len(chosen)} actions for {self.n_agents} agents")
        if self._script:
            chosen = self._script.actions(self.agents, self.enemies, self.get_avail_actions())
            for i, action in enumerate(chosen):
                actions[i] = action
        else:
            self._check(chosen)
        self.last_action = np.eye(self.n_actions)[chosen]
        outcome = self._env.step(np.array([chosen]))
        self._total_steps += 1
        self._episode_steps += 1
        self.reward = float(outcome.reward[0])
        alive = [unit.health > 0 for unit in (*self.agents.values(), *self.enemies.values())]
        self.death_tracker_ally = 1.0 - np.array(alive[: self.n_agents])
        self.death_tracker_enemy = 1.0 - np.array(alive[self.n_agents :])
        return self.reward, *self._judge(
            bool(outcome.terminated[0]), bool(outcome.truncated[0]), outcome.info
        )

    def _check(self, actions: list[int]) -> None:
        for i, action in enumerate(actions):
            avail = self.get_avail_agent_actions(i)
            if not (0 <= action < self.n_actions and avail[action]):
                raise AssertionError(f"Agent {i} cannot perform action {action}")

    def _judge(self, ended: bool, cut: bool, statistics: dict[str, NDArray[np.float32]]) -> tuple[bool, Info]:
        """Count the battle if it is over.

        :returns: whether it is over, and the statistics for ``step``.
        """
        won = bool(statistics["battle_won"][0])
        info: Info = {
            "battle_won": won,
            "dead_allies": int(statistics["dead_allies"][0]),
            "dead_enemies": int(statistics["dead_enemies"][0]),
        }
        if ended or cut:
            self._running = False
            self._episode_count += 1
            self.battles_game += 1
            self.battles_won += won
            self.timeouts += cut
            self.win_counted = won
            self.defeat_counted = ended and not won and not self._drawn()
            if cut and self.continuing_episode:
                info["episode_limit"] = True
        return ended or cut, info

    def _drawn(self) -> bool:
        """Whether everybody is dead. With healers in the battle that is a defeat, no draw."""
        units = (*self.agents.values(), *self.enemies.values())
        return all(unit.health == 0 and unit.type.heal is None for unit in units)

    def get_stats(self) -> dict[str, float]:
        """Counts of all battles so far. ``win_rate`` is 0 before the first end, where SMAC divides by 0."""
        return {
            "battles_won": self.battles_won,
            "battles_game": self.battles_game,
            "battles_draw": self.timeouts,
            "win_rate": self.battles_won / max(self.battles_game, 1),
            "timeouts": self.timeouts,
            "restarts": self.force_restarts,
        }

    # --- The rest -----------------------------------------------------------------------------------------

    def seed(self) -> int | None:
        """The ``seed`` of the constructor."""
        return self._seed

    def render(self, mode: str = "human") -> NDArray[np.uint8]:
        """RGB picture ``[height, width, 3]``, uint8, of the battle.

        :param mode: must be ``rgb_array``.
        :raises NotImplementedError: another mode, as there is no window.
        """
        if mode != "rgb_array":
            raise NotImplementedError(f'there is no window for mode="{mode}": render(mode="rgb_array")')
        self._observation()
        return self._env.render()

    def save_replay(self) -> None:
        """Not possible, as there is no game that could record a replay.

        :raises NotImplementedError: always.
        """
        raise NotImplementedError('replays are StarCraft\'s: keep the pictures of render(mode="rgb_array")')

    def full_restart(self) -> None:
        """Leave the battle, as SMAC does when it starts the game anew. ``reset`` begins the next one."""
        self.force_restarts += 1
        self._forget()

    def close(self) -> None:
        """Release what the battle holds. It may be called twice."""
        self._env.close()
