"""The environment that fights the battles of the StarCraft Multi-Agent Challenge without StarCraft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import LONGEST_MOVE, MOST_LOOPS, RewardOptions, ViewOptions, given_or_default
from remix.envs.skirmish.cameras import Camera
from remix.envs.skirmish.encoding import make_encoding, make_scoring, make_spec
from remix.envs.skirmish.kernels.observing import observe
from remix.envs.skirmish.kernels.playing import Ends, Match, play
from remix.envs.skirmish.kernels.scoring import Scores, Strength
from remix.envs.skirmish.kernels.views import NO_ACTION, Bodies, Views
from remix.envs.skirmish.maps import load_map
from remix.envs.skirmish.rendering import draw_battle
from remix.envs.skirmish.rules import make_rules
from remix.envs.skirmish.sights import all_around
from remix.envs.skirmish.state import Units, allocate, allocate_scratch, start
from remix.envs.skirmish.stepping import play_actions
from remix.envs.skirmish.units import load_units
from remix.envs.spec import Environment, Observation, Step
from remix.kernels.bundle import bundled
from remix.settings import checks


class Skirmish(Environment):
    """A compiled battle engine with the maps, views, actions and rewards of SMAC (Samvelyan et al., 2019).

    The battles are like those of StarCraft II, but they are not the same. A result on this environment must
    not be called a result on SMAC.

    :param map_name: one of SMAC's 23 maps, or the path of the user's own YAML file.
    :param profile: unit data. ``liberty`` is what SMAC's maps declare; ``lotv`` is that of the later
        expansion; ``smaclite`` also takes the rules of SMAClite (Michalski et al., 2023). The path of the
        user's own YAML file is valid, too.
    :param step_mul: game loops of one step; 16 loops are a second.
    :param move_amount: map units that a move action tries to go.
    :param continuing_episode: see :class:`remix.envs.battles.Battles`.
    :param views: what observations and state contain; None for SMAC's defaults.
    :param rewards: what a step pays; None for SMAC's defaults.
    :param render_sight: whether pictures show what the agents see: the other ground is darker.
    :param scenario: one of one's own by the name of ``map_name``: what would stand in its YAML file.

    :raises SettingError: the map or the profile is unknown, or its file has a mistake.
    """

    bears_threads = True

    strict = True
    """Whether only available actions can be played."""

    def __init__(
        self,
        map_name: str = "8m",
        profile: str = "liberty",
        step_mul: int = 8,
        move_amount: float = 2.0,
        continuing_episode: bool = False,
        views: ViewOptions | None = None,
        rewards: RewardOptions | None = None,
        render_sight: bool = False,
        scenario: Mapping[str, Any] | None = None,
    ) -> None:
        views, rewards = given_or_default(views, rewards)
        loops = checks.whole("step_mul", step_mul, 1, MOST_LOOPS)
        move_amount = checks.number("move_amount", move_amount, 0, LONGEST_MOVE)
        self.map, self.types = load_map(map_name, profile, scenario), load_units(profile)
        self._limit_cuts = checks.flag("continuing_episode", continuing_episode)
        self._sight = all_around(self.map.n_agents) if checks.flag("render_sight", render_sight) else None
        self._camera = Camera()
        self._rules = make_rules(self.map, self.types, profile == "smaclite", move_amount, loops)
        self._encoding = make_encoding(self.map, self.types, views, move_amount)
        self._scoring = make_scoring(self.map, self.types, rewards)
        self.spec = make_spec("skirmish", self.map, views)
        self._allocate(0)

    @property
    def units(self) -> Units:
        """The present state of all units, arrays ``[E, U]``."""
        return self._match.units

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start E battles from ``seeds [E]``.

        The delays of weapons are random, and on one map the point that the enemies are ordered to attack.
        Nothing else is.
        """
        if len(seeds) != len(self._match.running):
            self._allocate(len(seeds))
        match = self._match
        match.running[:], match.steps[:], match.last_actions[:] = True, 0, NO_ACTION
        for statistic in self._step.info.values():
            statistic[:] = 0.0
        start(match.rules, match.units, np.arange(len(seeds)), np.asarray(seeds, np.int64))
        observe(match.encoding, match.bodies, match.last_actions, match.steps, match.views, 0, len(seeds))
        return self._step.observation

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]`` in all running battles; ``spec.action_names`` says what they mean.

        :raises ValueError: ``actions`` has another shape, or an action is not available.
        """
        play_actions(play, self._bundle, self._match.actions, actions)
        return self._step

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture ``[height, width, 3]`` of battle ``index``: see :func:`draw_battle`."""
        step = int(self._match.steps[index])
        return draw_battle(self.map, self.types, self.units, index, step, self._camera, self._sight)

    def close(self) -> None:
        """Do nothing, as there is nothing to release."""

    def _allocate(self, n: int) -> None:
        """Make the arrays of ``n`` battles."""
        spec, n_units = self.spec, self._rules.team.size
        units = allocate(n, n_units)
        strength = Strength(units.health, units.shield)
        actions, last_actions = np.zeros((2, n, spec.n_agents), np.int64)
        ends = Ends(
            reward=np.zeros(n, np.float32),
            terminated=np.zeros(n, np.bool_),
            truncated=np.zeros(n, np.bool_),
            **{name: np.zeros(n, np.float32) for name in spec.metrics},
        )
        self._match = Match(
            rules=self._rules,
            encoding=self._encoding,
            scoring=self._scoring,
            limit_cuts=self._limit_cuts,
            strict=self.strict,
            units=units,
            scratch=allocate_scratch(n_units),
            bodies=Bodies(units.x, units.y, units.health, units.shield, units.energy, units.cooldown),
            before=Strength(*np.zeros((2, n, n_units))),
            after=strength,
            running=np.zeros(n, np.bool_),
            steps=np.zeros(n, np.int64),
            actions=actions,
            last_actions=last_actions,
            views=Views(
                avail_actions=np.zeros((n, spec.n_agents, spec.n_actions), np.bool_),
                obs=np.zeros((n, spec.n_agents, spec.obs_size), np.float32),
                state=np.zeros((n, spec.state_size), np.float32),
            ),
            scores=Scores(
                reward=np.zeros(n), outcome=np.zeros(n, np.int64),
                dead_allies=np.zeros(n, np.int64), dead_enemies=np.zeros(n, np.int64),
            ),
            ends=ends,
        )  # fmt: skip
        self._bundle = bundled(self._match)
        views = self._match.views
        self._step = Step(
            observation=Observation(views.obs, views.state, views.avail_actions),
            reward=ends.reward,
            terminated=ends.terminated,
            truncated=ends.truncated,
            info={name: getattr(ends, name) for name in spec.metrics},
        )
