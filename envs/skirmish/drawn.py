"""Battles of SMACv2 without StarCraft: teams and places are drawn for every episode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import LONGEST_MOVE, MOST_LOOPS, RewardOptions
from remix.envs.skirmish.cameras import Camera
from remix.envs.skirmish.drawn_encoding import (
    make_drawn_encoding,
    make_drawn_scoring,
    make_drawn_spec,
)
from remix.envs.skirmish.encoding import most_reward, reward_factor
from remix.envs.skirmish.kernels.drawn_playing import DrawnMatch, begin_drawn, play_drawn
from remix.envs.skirmish.kernels.drawn_views import Handicaps, Memory
from remix.envs.skirmish.kernels.mustering import Drawn, muster
from remix.envs.skirmish.kernels.placing import Placed
from remix.envs.skirmish.kernels.playing import Ends
from remix.envs.skirmish.kernels.scoring import Scores, Strength
from remix.envs.skirmish.kernels.views import ATTACK, Bodies, Views
from remix.envs.skirmish.maps import BattleMap
from remix.envs.skirmish.mustered import allocate_drawn, make_muster
from remix.envs.skirmish.rendering import draw_battle
from remix.envs.skirmish.rosters import Roster, battle_map_of
from remix.envs.skirmish.scenarios import load_scenario
from remix.envs.skirmish.sights import Sight
from remix.envs.skirmish.state import Units, allocate, allocate_scratch
from remix.envs.skirmish.stepping import play_actions
from remix.envs.skirmish.units import load_units
from remix.envs.smacv2 import REWARD_TEAMS, DrawnViewOptions, given_or_default
from remix.envs.spec import Environment, Observation, Step
from remix.kernels.bundle import bundled
from remix.settings import checks

_CULLING = 2  # loops before the end of a step agents die that are below their share of health


class DrawnSkirmish(Environment):
    """The compiled battle engine with the teams, places, views, actions and rewards of SMACv2.

    Teams, places, handicaps and the order in which agents look come from a random stream of each episode
    that starts at its seed. Battles are not those of StarCraft II, only like them; what runs here must not
    be called a result on SMACv2.

    :param map_name: one of the 15 published scenarios, or a YAML file of one's own.
    :param profile: of the units, see :class:`remix.envs.skirmish.environment.Skirmish`.
    :param step_mul: game loops of one step, of which 16 make a second.
    :param move_amount: how far a move action wants to go, in map units.
    :param continuing_episode: see :class:`remix.envs.battles.Battles`.
    :param views: what observations and state contain; None for the published settings.
    :param rewards: what a step pays; None for the published settings.
    :param reward_team: the enemies by whose strength rewards are scaled: ``average`` ones, the same in all
        episodes, so that stronger ones pay more; or an episode's ``own``. SMACv2 scales all rewards by the
        strength of the enemies that it happens to draw first.
    :param render_sight: whether pictures show what the agents see: the other ground is darker.
    :param scenario: one of one's own by the name of ``map_name``: what would stand in its YAML file.
    :raises SettingError: an unknown scenario or profile, or a file that makes no sense.
    """

    bears_threads = True

    def __init__(
        self,
        map_name: str = "protoss_5_vs_5",
        profile: str = "liberty",
        step_mul: int = 8,
        move_amount: float = 2.0,
        continuing_episode: bool = False,
        views: DrawnViewOptions | None = None,
        rewards: RewardOptions | None = None,
        reward_team: str = "average",
        render_sight: bool = False,
        scenario: Mapping[str, Any] | None = None,
    ) -> None:
        views, self._rewards = given_or_default(views, rewards)
        loops = checks.whole("step_mul", step_mul, 1, MOST_LOOPS)
        move_amount = checks.number("move_amount", move_amount, 0, LONGEST_MOVE)
        self.scenario, self.types = load_scenario(map_name, profile, scenario), load_units(profile)
        self._limit_cuts = checks.flag("continuing_episode", continuing_episode)
        self._renders_sight = checks.flag("render_sight", render_sight)
        self._camera = Camera()
        self._own_scale = checks.choice("reward_team", reward_team, REWARD_TEAMS) == "own"
        self._roster = Roster(self.scenario, self.types, profile == "smaclite", move_amount, loops)
        given = "map_name" if scenario is None else "scenario"
        self._muster = make_muster(self.scenario, self.types, self._roster.types, given)
        self._encoding = make_drawn_encoding(self.scenario, self.types, views, self._roster, move_amount)
        self._scoring = make_drawn_scoring(self.scenario, self.types, self._rewards)
        self.spec = make_drawn_spec("skirmish", self.scenario, self.types, views)
        self._allocate(0)

    @property
    def units(self) -> Units:
        """All units of all battles as they stand."""
        return self._match.units

    @property
    def drawn(self) -> Drawn:
        """What was drawn for all battles."""
        return self._drawn

    @property
    def offered(self) -> NDArray[np.bool_]:
        """Which targets are in reach of each agent, ``[E, N, T]``."""
        return self._match.memory.offered

    def map_of(self, index: int) -> BattleMap:
        """Who fights in battle ``index``, and where."""
        names = [self.scenario.types[kind] for kind in self._drawn.kind[index]]
        n = self.scenario.n_agents
        return battle_map_of(self.scenario, tuple(names[:n]), tuple(names[n:]))

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Draw and start ``len(seeds)`` battles."""
        seeds = np.asarray(seeds, np.int64)
        if len(seeds) != len(self._match.running):
            self._allocate(len(seeds))
        drawn, match = self._drawn, self._match
        muster(self._muster, drawn, Placed(np.zeros(len(self.scenario.types), np.int64)), seeds)
        self._roster.deal(match.rules, drawn.kind, drawn.x, drawn.y)
        match.scale[:] = self._scales()
        for statistic in self._step.info.values():
            statistic[:] = 0.0
        begin_drawn(self._bundle, np.arange(len(seeds)), seeds)
        return self._step.observation

    def _scales(self) -> float | NDArray[np.float64]:
        """Factors of the rewards, one or ``[E]``."""
        if not self._own_scale:
            return self._scoring.scale
        rules, n = self._match.rules, self.scenario.n_agents
        strengths = (rules.max_health + rules.max_shield)[:, n:].sum(1)
        most = (most_reward(self._rewards, self.scenario.n_enemies, float(sum_)) for sum_ in strengths)
        return np.array([reward_factor(self._rewards, value) for value in most])

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]`` in all running battles; ``spec.action_names`` says what they mean.

        :raises ValueError: an action of a living agent is not available.
        """
        play_actions(play_drawn, self._bundle, self._match.actions, actions)
        return self._step

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture ``[height, width, 3]`` of battle ``index``: see :func:`draw_battle`."""
        step, sight = int(self._match.steps[index]), self.sight(index) if self._renders_sight else None
        return draw_battle(self.map_of(index), self.types, self.units, index, step, self._camera, sight)

    def reach(self, index: int, agent: int) -> float:
        """How far an agent of battle ``index`` may aim, in map units from centre to centre."""
        return float(self._encoding.reach[self._drawn.kind[index, agent]])

    def sight(self, index: int) -> Sight:
        """What the agents of battle ``index`` see."""
        encoding, n = self._encoding, self.scenario.n_agents
        distance = encoding.sight[self._drawn.kind[index, :n]]
        if not encoding.turns_x.size:
            return Sight(distance, np.zeros(n))
        turns = self._match.memory.turn[index]
        heading = np.degrees(np.arctan2(encoding.turns_y[turns], encoding.turns_x[turns]))
        return Sight(distance, heading, 360 / encoding.turns_x.size)

    def close(self) -> None:
        """Nothing to release."""

    def _allocate(self, n: int) -> None:
        """Make the buffers for ``n`` battles."""
        spec, scenario = self.spec, self.scenario
        n_agents, n_enemies = scenario.n_agents, scenario.n_enemies
        n_units, n_turns = n_agents + n_enemies, len(self._encoding.turns_x)
        units, self._drawn = allocate(n, n_units), allocate_drawn(scenario, n)
        drawn = self._drawn
        actions, last_actions = np.zeros((2, n, n_agents), np.int64)
        self._match = DrawnMatch(
            rules=self._roster.allocate(n),
            encoding=self._encoding,
            scoring=self._scoring,
            scale=np.zeros(n),
            limit_cuts=self._limit_cuts,
            strict=True,
            culling=min(_CULLING, self._roster.types.loops_per_step),
            units=units,
            scratch=allocate_scratch(n_units),
            bodies=Bodies(units.x, units.y, units.health, units.shield, units.energy, units.cooldown),
            handicaps=Handicaps(drawn.kind, drawn.hidden, drawn.attack, drawn.health),
            memory=Memory(
                known=np.zeros((n, n_enemies, n_agents), np.bool_),
                finder=np.zeros((n, n_enemies), np.int64),
                turn=np.zeros((n, n_agents), np.int64),
                order=np.zeros((n, n_agents), np.int64),
                luck=np.zeros((n, n_enemies * n_agents)),
                offered=np.zeros((n, n_agents, spec.n_actions - ATTACK - n_turns), np.bool_),
            ),
            random=drawn.random,
            luck=np.zeros(n_agents),
            orders=np.zeros((n, n_agents), np.int64),
            no_orders=np.zeros((n, n_agents), np.int64),
            before=Strength(*np.zeros((2, n, n_units))),
            after=Strength(units.health, units.shield),
            running=np.zeros(n, np.bool_),
            steps=np.zeros(n, np.int64),
            actions=actions,
            last_actions=last_actions,
            views=Views(
                avail_actions=np.zeros((n, n_agents, spec.n_actions), np.bool_),
                obs=np.zeros((n, n_agents, spec.obs_size), np.float32),
                state=np.zeros((n, spec.state_size), np.float32),
            ),
            scores=Scores(
                reward=np.zeros(n), outcome=np.zeros(n, np.int64),
                dead_allies=np.zeros(n, np.int64), dead_enemies=np.zeros(n, np.int64),
            ),
            ends=Ends(
                reward=np.zeros(n, np.float32),
                terminated=np.zeros(n, np.bool_),
                truncated=np.zeros(n, np.bool_),
                **{name: np.zeros(n, np.float32) for name in spec.metrics},
            ),
        )  # fmt: skip
        self._bundle = bundled(self._match)
        views, ends = self._match.views, self._match.ends
        self._step = Step(
            observation=Observation(views.obs, views.state, views.avail_actions),
            reward=ends.reward,
            terminated=ends.terminated,
            truncated=ends.truncated,
            info={name: getattr(ends, name) for name in spec.metrics},
        )
