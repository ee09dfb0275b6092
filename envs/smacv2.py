"""Battles of SMACv2, with teams and places drawn for every episode: settings, and the choice of a backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from remix.envs.backends import Backed
from remix.envs.battles import RewardOptions, given_rewards
from remix.settings import checks
from remix.settings.errors import SettingError

BACKENDS = {
    "skirmish": "remix.envs.skirmish.drawn:DrawnSkirmish",
    "starcraft2": "remix.envs.starcraft_v2:DrawnStarCraft",
}
"""Where the classes are; a backend is imported when it is chosen, since its packages may not be there."""

ERASURES = ("all", "row")
REWARD_TEAMS = ("average", "own")
_MOST_TURNS = 360
_LONGEST_RANGE = 64.0


@dataclass(frozen=True)
class DrawnViewOptions:
    """What observations and state contain, and which actions there are.

    :param obs_all_health: health and shields of all units in sight, and of the agent itself.
    :param obs_own_health: those of the agent itself.
    :param obs_own_pos: where on the map the agent is.
    :param obs_last_action: last actions of the agents in sight.
    :param obs_pathing_grid: where around the agent the ground is open.
    :param obs_terrain_height: how high the ground is there.
    :param obs_timestep_number: share of the episode limit that is over, in observations.
    :param state_last_action: last actions of all agents in the state.
    :param state_timestep_number: share of the episode limit that is over, in the state.
    :param use_unit_ranges: whether types of units have a sight and a range of their own; else 9 and 6.
    :param min_attack_range: least range of types of their own, so that those who fight hand to hand may aim.
    :param conic_fov: whether agents see and aim only in a cone, which actions turn.
    :param num_fov_actions: directions in which they can look; cones are as wide as these are apart.
    :param prob_obs_enemy: probability with which an agent knows of an enemy that another one sees first.
    :param enemy_erasure: what an enemy hides of which the agent does not know: ``all`` enemies before it as
        well, as SMACv2 does it, or its own ``row``.
    :param action_mask: whether only targets in reach are available; else all, and those out of reach are
        left alone.
    :param fully_observable: whether agents see everybody on the map; what they do not know stays hidden.
    """

    obs_all_health: bool = True
    obs_own_health: bool = True
    obs_own_pos: bool = True
    obs_last_action: bool = False
    obs_pathing_grid: bool = False
    obs_terrain_height: bool = False
    obs_timestep_number: bool = False
    state_last_action: bool = True
    state_timestep_number: bool = False
    use_unit_ranges: bool = True
    min_attack_range: float = 2.0
    conic_fov: bool = False
    num_fov_actions: int = 12
    prob_obs_enemy: float = 1.0
    enemy_erasure: str = "all"
    action_mask: bool = True
    fully_observable: bool = False

    def __post_init__(self) -> None:
        others = ("min_attack_range", "num_fov_actions", "prob_obs_enemy", "enemy_erasure")
        for field in fields(self):
            if field.name not in others:
                checks.flag(field.name, getattr(self, field.name))
        checks.number("min_attack_range", self.min_attack_range, 0, _LONGEST_RANGE)
        checks.whole("num_fov_actions", self.num_fov_actions, 1, _MOST_TURNS)
        checks.number("prob_obs_enemy", self.prob_obs_enemy, 0, 1)
        checks.choice("enemy_erasure", self.enemy_erasure, ERASURES)

    @property
    def n_turns(self) -> int:
        """Directions in which agents can look, 0 where they see all around."""
        return self.num_fov_actions if self.conic_fov else 0


def given_or_default(views: Any, rewards: Any) -> tuple[DrawnViewOptions, RewardOptions]:
    """The options that a backend was given; for None, the published ones.

    :raises SettingError: something else was given.
    """
    views = DrawnViewOptions() if views is None else views
    if not isinstance(views, DrawnViewOptions):
        raise SettingError("views", views, "must be DrawnViewOptions of remix.envs.smacv2")
    return views, given_rewards(rewards)


def options_of(settings: Mapping[str, Any]) -> tuple[DrawnViewOptions, RewardOptions]:
    """The options among settings that may hold others too.

    :raises SettingError: one that makes no sense.
    """
    views = {field.name: settings[field.name] for field in fields(DrawnViewOptions)}
    rewards = {field.name: settings[field.name] for field in fields(RewardOptions)}
    return DrawnViewOptions(**views), RewardOptions(**rewards)


class DrawnBattles(Backed):
    """SMACv2's battles on the backend of one's choice, with SMACv2's names of its settings.

    :param map_name: one of the 15 published scenarios, e.g. ``protoss_5_vs_5``, or a YAML file like theirs.
    :param backend: ``skirmish``, the compiled engine, or ``starcraft2``, the real game.
    :param step_mul: game loops of one step.
    :param move_amount: how far a move action wants to go, in map units.
    :param continuing_episode: see :class:`remix.envs.battles.Battles`.
    :param reward_team: see :class:`remix.envs.skirmish.drawn.DrawnSkirmish`, as ``profile``,
        ``render_sight`` and ``scenario``.
    :param difficulty: see :class:`remix.envs.starcraft.StarCraft`, which also has ``game_version`` and
        ``replay_dir``.

    The others are those of :class:`DrawnViewOptions` and :class:`remix.envs.battles.RewardOptions`.

    :raises SettingError: a setting that makes no sense, or one that only another backend has.
    """

    bears_threads = True

    def __init__(
        self,
        map_name: str = "protoss_5_vs_5",
        backend: str = "skirmish",
        step_mul: int = 8,
        move_amount: float = 2.0,
        continuing_episode: bool = False,
        obs_all_health: bool = True,
        obs_own_health: bool = True,
        obs_own_pos: bool = True,
        obs_last_action: bool = False,
        obs_pathing_grid: bool = False,
        obs_terrain_height: bool = False,
        obs_timestep_number: bool = False,
        state_last_action: bool = True,
        state_timestep_number: bool = False,
        use_unit_ranges: bool = True,
        min_attack_range: float = 2.0,
        conic_fov: bool = False,
        num_fov_actions: int = 12,
        prob_obs_enemy: float = 1.0,
        enemy_erasure: str = "all",
        action_mask: bool = True,
        fully_observable: bool = False,
        reward_sparse: bool = False,
        reward_only_positive: bool = True,
        reward_death_value: float = 10.0,
        reward_win: float = 200.0,
        reward_defeat: float = 0.0,
        reward_negative_scale: float = 0.5,
        reward_scale: bool = True,
        reward_scale_rate: float = 20.0,
        reward_team: str | None = None,
        profile: str | None = None,
        render_sight: bool | None = None,
        scenario: Mapping[str, Any] | None = None,
        difficulty: str | int | None = None,
        game_version: str | float | None = None,
        replay_dir: str | None = None,
    ) -> None:
        views, rewards = options_of(locals())
        engine_only = {
            "profile": profile,
            "reward_team": reward_team,
            "render_sight": render_sight,
            "scenario": scenario,
        }
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
