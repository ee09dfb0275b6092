"""Battles of the StarCraft Multi-Agent Challenge: their settings, and the choice of a backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from remix.envs.backends import Backed
from remix.settings import checks
from remix.settings.errors import SettingError

BACKENDS = {
    "skirmish": "remix.envs.skirmish.environment:Skirmish",
    "starcraft2": "remix.envs.starcraft:StarCraft",
}
"""The class of each backend. It is imported only if it is chosen, because its packages may be missing."""

MOST_LOOPS = 1000
"""The greatest ``step_mul``. Such a step takes a minute, in which most battles end."""
LONGEST_MOVE = 32.0
"""The greatest ``move_amount``, the distance from one edge of a map to the other."""
_MOST = 1e6  # the greatest size of a reward


@dataclass(frozen=True)
class ViewOptions:
    """What observations and the state show beside the places and types of units.

    :param obs_all_health: observations show health and shields of the agent and of all units in its sight.
    :param obs_own_health: observations show health and shields of the agent.
    :param obs_last_action: observations show the last actions of the agents in sight.
    :param obs_pathing_grid: observations show where the ground around the agent is open.
    :param obs_terrain_height: observations show how high the ground around the agent is.
    :param obs_instead_of_state: the state is the observations of all agents one after the other.
    :param obs_timestep_number: observations show which share of the episode limit has passed. (SMAC's own
        vectors are then one entry longer than it says; these are not.)
    :param state_last_action: the state shows the last actions of all agents.
    :param state_timestep_number: the state shows which share of the episode limit has passed.
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
    :param reward_only_positive: the agents' own losses do not count, and the sign of the reward is dropped.
    :param reward_death_value: reward for each enemy killed.
    :param reward_win: reward for a victory.
    :param reward_defeat: reward for a defeat.
    :param reward_negative_scale: weight of the agents' own losses.
    :param reward_scale: rewards are scaled so that their sum is ``reward_scale_rate`` in a victory over
        enemies that never regenerate.
    :param reward_scale_rate: this sum.
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
    """The options of a backend, with SMAC's defaults in place of None.

    :raises SettingError: an argument is neither None nor such options.
    """
    views = ViewOptions() if views is None else views
    if not isinstance(views, ViewOptions):
        raise SettingError("views", views, "must be ViewOptions of remix.envs.battles")
    return views, given_rewards(rewards)


def given_rewards(rewards: Any) -> RewardOptions:
    """The rewards that a backend was given; for None, SMAC's defaults.

    :raises SettingError: something else was given.
    """
    rewards = RewardOptions() if rewards is None else rewards
    if not isinstance(rewards, RewardOptions):
        raise SettingError("rewards", rewards, "must be RewardOptions of remix.envs.battles")
    return rewards


def options_of(settings: Mapping[str, Any]) -> tuple[ViewOptions, RewardOptions]:
    """The options among settings by name. Other settings are ignored.

    :raises SettingError: an option has an invalid value.
    """
    views = {field.name: settings[field.name] for field in fields(ViewOptions)}
    rewards = {field.name: settings[field.name] for field in fields(RewardOptions)}
    return ViewOptions(**views), RewardOptions(**rewards)


class Battles(Backed):
    """SMAC's battles on a chosen backend, with SMAC's names and defaults of its settings.

    :param map_name: one of SMAC's 23 maps.
    :param backend: ``skirmish``, the compiled engine, or ``starcraft2``, the real game.
    :param step_mul: game loops of one step.
    :param move_amount: map units that a move action tries to go.
    :param continuing_episode: whether a battle that reaches its limit is truncated there, so that learners
        estimate what would have followed. With False, as in the configurations of SMAC and PyMARL, it is
        terminated and nothing follows.
    :param profile: unit data of the engine, see :class:`remix.envs.skirmish.environment.Skirmish`, which also
        has ``render_sight`` and ``scenario``.
    :param difficulty: a setting of the game, see :class:`remix.envs.starcraft.StarCraft`; so are
        ``game_version`` and ``replay_dir``.

    The other settings are those of :class:`ViewOptions` and :class:`RewardOptions`.

    :raises SettingError: a setting has an invalid value, or belongs to another backend.
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
        render_sight: bool | None = None,
        scenario: Mapping[str, Any] | None = None,
        difficulty: str | int | None = None,
        game_version: str | float | None = None,
        replay_dir: str | None = None,
    ) -> None:
        views, rewards = options_of(locals())
        engine_only = {"profile": profile, "render_sight": render_sight, "scenario": scenario}
        game_only = {"difficulty": difficulty, "game_version": game_version, "replay_dir": replay_dir}
        super().__init__(
            backend,
            BACKENDS,
            {"skirmish": engine_only, "starcraft2": game_only},
            map_name=map_name,
            step_mul=step_mul,
            move_amount=move_amount,
            continuing_episode=continuing_episode,
            views=views,
            rewards=rewards,
        )
