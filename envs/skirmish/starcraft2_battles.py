"""Battles one after the other, as SMAC's and SMACv2's classes play and count them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.maps import BattleMap
from remix.envs.skirmish.scripted import ScriptedAgents
from remix.envs.skirmish.starcraft2_views import Setup, StarCraft2Views
from remix.envs.skirmish.unit_views import UnitView
from remix.settings import checks

Info = dict[str, bool | int]


class StarCraft2Battles(StarCraft2Views, ABC):
    """Battles under SMAC's names. As there an episode that reaches its limit is terminated.

    :param setup: its environment tells a cut by the limit from another end, as counts need that.
    :param seed: seed of the sequence of battles; None for another sequence every time.
    :param continuing_episode: whether ``info["episode_limit"]`` tells of an episode that its limit has cut.
    :param script: agents that act in place of the actions that are passed.
    """

    def __init__(
        self, setup: Setup, seed: int | None, continuing_episode: bool, script: ScriptedAgents | None = None
    ) -> None:
        super().__init__(setup)
        self.continuing_episode = checks.flag("continuing_episode", continuing_episode)
        self._seed = None if seed is None else checks.whole("seed", seed, 0)
        self._seeds = np.random.default_rng(self._seed)
        self._script = script
        self.battles_won = self.battles_game = self.timeouts = self.force_restarts = 0
        self._total_steps = self._episode_count = 0
        self._forget()

    @abstractmethod
    def _fighters(self) -> BattleMap:
        """The present battle, with its units."""

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
        self.agents, self.enemies = self._units()
        self._running = True
        return self.get_obs(), self.get_state()

    def _units(self) -> tuple[dict[int, UnitView], dict[int, UnitView]]:
        """The agents and the enemies by their numbers."""
        fighters, types, n = self._fighters(), self._env.types, self.n_agents
        numbers = self._setup.agent_types
        return (
            {i: UnitView(self._env, i, types[name], numbers[name]) for i, name in enumerate(fighters.allies)},
            {k: UnitView(self._env, n + k, types[name], None) for k, name in enumerate(fighters.enemies)},
        )

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
        """Whether everybody is dead. Where healers may take part that is a defeat, no draw."""
        dead = not self._env.units.health[0].any()
        return bool(dead and not self._setup.healers_take_part)

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
