"""Battles of the StarCraft Multi-Agent Challenge: settings that its backends share, and the choice of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.spec import Environment, Observation, Step
from remix.settings import checks
from remix.settings.errors import SettingError

BACKENDS = {
    "skirmish": "remix.envs.skirmish.environment:Skirmish",
    "starcraft2": "remix.envs.starcraft:StarCraft",
}
"""Where the classes are; a backend is imported when it is chosen, since its packages may not be there."""

MOST_LOOPS = 1000
"""Greatest ``step_mul``: a step of a minute, in which most battles are over."""
LONGEST_MOVE = 32.0
"""Greatest ``move_amount``: from one edge of a map to the other."""
_MOST = 1e6  # points of a reward


@dataclass(frozen=True)
class ViewOptions:
    """What observations and state contain beside the places and types of units.

    :param obs_all_health: health and shields of all units in sight, and of the agent itself.
    :param obs_own_health: those of the agent itself.
    :param obs_last_action: last actions of the agents in sight.
    :param obs_pathing_grid: where around the agent the ground is open.
    :param obs_terrain_height: how high the ground is there.
    :param obs_instead_of_state: the state is all observations one after the other.
    :param obs_timestep_number: share of the episode limit that is over, in observations. (SMAC's own
        vectors are then one entry longer than it says; these are not.)
    :param state_last_action: last actions of all agents in the state.
    :param state_timestep_number: share of the episode limit that is over, in the state.
    """

    obs_all_health: bool = True
    obs_own_health: bool = True
    obs_last_action: bool = False
    obs_pathing_grid: bool = False
    obs_terrain_height: bool = False
    obs_instead_of_state: bool = False
    obs_timestep_number: bool = False
    state_last_action: bool = True
    state_timestep_number: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            checks.flag(field.name, getattr(self, field.name))


@dataclass(frozen=True)
class RewardOptions:
    """What a step pays.

    :param reward_sparse: only the end pays, 1 for a victory and -1 for a defeat.
    :param reward_only_positive: losses of one's own do not count, and the reward's sign is dropped.
    :param reward_death_value: for every enemy killed.
    :param reward_win: for a victory.
    :param reward_defeat: for a defeat.
    :param reward_negative_scale: weight of one's own losses.
    :param reward_scale: whether rewards are scaled so that ``reward_scale_rate`` can be earned.
    :param reward_scale_rate: the sum of rewards of a victory over enemies that never regenerate.
    """

    reward_sparse: bool = False
    reward_only_positive: bool = True
    reward_death_value: float = 10.0
    reward_win: float = 200.0
    reward_defeat: float = 0.0
    reward_negative_scale: float = 0.5
    reward_scale: bool = True
    reward_scale_rate: float = 20.0

    def __post_init__(self) -> None:
        for name in ("reward_sparse", "reward_only_positive", "reward_scale"):
            checks.flag(name, getattr(self, name))
        for name in ("reward_death_value", "reward_win", "reward_defeat", "reward_negative_scale"):
            checks.number(name, getattr(self, name), -_MOST, _MOST)
        checks.number("reward_scale_rate", self.reward_scale_rate, 1e-9, _MOST)


def given_or_default(views: Any, rewards: Any) -> tuple[ViewOptions, RewardOptions]:
    """The options that a backend was given; for None, SMAC's defaults.

    :raises SettingError: something else was given.
    """
    views, rewards = (
        ViewOptions() if views is None else views,
        RewardOptions() if rewards is None else rewards,
    )
    if not isinstance(views, ViewOptions):
        raise SettingError("views", views, "must be ViewOptions of remix.envs.battles")
    if not isinstance(rewards, RewardOptions):
        raise SettingError("rewards", rewards, "must be RewardOptions of remix.envs.battles")
    return views, rewards


def options_of(settings: Mapping[str, Any]) -> tuple[ViewOptions, RewardOptions]:
    """The options among settings that may hold others too.

    :raises SettingError: one that makes no sense.
    """
    views = {field.name: settings[field.name] for field in fields(ViewOptions)}
    rewards = {field.name: settings[field.name] for field in fields(RewardOptions)}
    return ViewOptions(**views), RewardOptions(**rewards)


class Battles(Environment):
    """SMAC's battles on the backend of one's choice, with SMAC's names and defaults of its settings.

    :param map_name: one of SMAC's 23 maps.
    :param backend: ``skirmish``, the compiled engine, or ``starcraft2``, the real game.
    :param step_mul: game loops of one step.
    :param move_amount: how far a move action wants to go, in map units.
    :param continuing_episode: whether a battle that reaches the limit is only cut there: truncated, and what
        would have followed is estimated. False, as in the configurations of SMAC and PyMARL, makes the limit
        an end like any other: terminated, and nothing follows.
    :param profile: see :class:`remix.envs.skirmish.environment.Skirmish`.
    :param difficulty: see :class:`remix.envs.starcraft.StarCraft`, which also has ``game_version`` and
        ``replay_dir``.

    The others are those of :class:`ViewOptions` and :class:`RewardOptions`.

    :raises SettingError: a setting that makes no sense, or one that only another backend has.
    """

    bears_threads = True

    def __init__(
        self,
        map_name: str = "8m",
        backend: str = "skirmish",
        step_mul: int = 8,
        move_amount: float = 2.0,
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
        reward_death_value: float = 10.0,
        reward_win: float = 200.0,
        reward_defeat: float = 0.0,
        reward_negative_scale: float = 0.5,
        reward_scale: bool = True,
        reward_scale_rate: float = 20.0,
        profile: str | None = None,
        difficulty: str | int | None = None,
        game_version: str | float | None = None,
        replay_dir: str | None = None,
    ) -> None:
        checks.choice("backend", backend, BACKENDS)
        views, rewards = options_of(locals())
        engine_only = {"profile": profile}
        game_only = {"difficulty": difficulty, "game_version": game_version, "replay_dir": replay_dir}
        own, foreign = (engine_only, game_only) if backend == "skirmish" else (game_only, engine_only)
        for name, value in foreign.items():
            if value is not None:
                raise SettingError(
                    name, value, f"must be null with backend={backend}, which has no such setting"
                )
        chosen: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
        module, _, backend_class = BACKENDS[backend].partition(":")
        self._battles: Environment = getattr(import_module(module), backend_class)(
            map_name,
            step_mul=step_mul,
            move_amount=move_amount,
            continuing_episode=continuing_episode,
            views=views,
            rewards=rewards,
            **chosen,
        )
        self.spec, self.bears_threads = self._battles.spec, self._battles.bears_threads

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start ``len(seeds)`` battles."""
        return self._battles.reset(seeds)

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]``; ``spec.action_names`` says what they mean."""
        return self._battles.step(actions)

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture of battle ``index``."""
        return self._battles.render(index)

    def close(self) -> None:
        """Release what the backend holds."""
        self._battles.close()
