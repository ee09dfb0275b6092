"""Names of the numbers in observations and states: read by their names, they are what the engine knows."""

from __future__ import annotations

import re
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest

from remix.envs.battles import ViewOptions
from remix.envs.skirmish.drawn import DrawnSkirmish
from remix.envs.skirmish.drawn_encoding import drawn_layout
from remix.envs.skirmish.encoding import cooldown_scale
from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.fields import DATA
from remix.envs.skirmish.maps import map_names
from remix.envs.skirmish.plain_yaml import parse
from remix.envs.skirmish.scenarios import load_scenario, scenario_names
from remix.envs.skirmish.sources import DRAWN
from remix.envs.skirmish.units import load_units
from remix.envs.smacv2 import DrawnViewOptions
from tests.envs.skirmish.test_drawn import draw_actions

ALL = replace(ViewOptions(), **{f.name: f.name != "obs_instead_of_state" for f in fields(ViewOptions)})
NONE = ViewOptions(**dict.fromkeys(asdict(ViewOptions()), False))
FLAGS = [name for name, value in asdict(DrawnViewOptions()).items() if isinstance(value, bool)]
EVERY: dict[str, Any] = dict.fromkeys(FLAGS, True) | {"fully_observable": False, "num_fov_actions": 4}
HARDLY: dict[str, Any] = dict.fromkeys(FLAGS, False) | {"action_mask": True, "use_unit_ranges": True}
ALL_DRAWN, NONE_DRAWN = DrawnViewOptions(**EVERY), DrawnViewOptions(**HARDLY)
ROW = re.compile(r"(enemy|ally)_(unit_type|last_action|[a-z_]+?)_(\d+)(?:_(?:action_)?(\w+))?")
SHOWN = ("all", "none", "default")
WAYS = ("north", "south", "east", "west")
# Where the ground is sampled, in moves of 2.
SAMPLES = [(0, 2), (0, -2), (2, 0), (-2, 0), (1, 1), (-1, -1), (1, -1), (-1, 1), (0, 0)]


def row(name: str) -> tuple[str, str, int, str | None]:
    """Side, column, number of the unit, and type or action."""
    parts = ROW.fullmatch(name)
    assert parts is not None, name
    side, what, k, rest = parts.groups()
    return side, what, int(k), rest


class Told:
    """What the numbers of a battle are by their names, from the state of the engine alone."""

    def __init__(self, env: Any) -> None:
        self.env, self.n, self.units = env, env.spec.n_agents, env.units
        self.drawn = isinstance(env, DrawnSkirmish)
        battle_map = env.map_of(0) if self.drawn else env.map
        self.kinds = [env.types[name] for name in (*battle_map.allies, *battle_map.enemies)]
        self.terrain, self.limit = battle_map.terrain, battle_map.episode_limit
        self.aims = env.spec.action_names.index("attack 0")
        self.last, self.steps = [-1] * self.n, 0

    def body(self, what: str, j: int, rest: str | None) -> float:
        """What does not depend on who looks."""
        units, kind, env = self.units, self.kinds[j], self.env
        if what == "health":
            level = env._drawn.health[0, j] if self.drawn and j < self.n else 0.0
            return (units.health[0, j] / kind.health - level) / (1 - level)
        if what == "cooldown":
            return (units.energy if kind.heal else units.cooldown)[0, j] / cooldown_scale(kind)
        values = {
            "shield": lambda: units.shield[0, j] / kind.shield if kind.shield else 0.0,
            "unit_type": lambda: kind.name == rest,
            "last_action": lambda: self.last[j] == int(rest or -1),
            "visible": lambda: 1.0,
            "pos_x": lambda: units.x[0, j] / 32,
            "pos_y": lambda: units.y[0, j] / 32,
            "attack_prob": lambda: env._drawn.attack[0, j],
            "health_level": lambda: env._drawn.health[0, j],
            "fov_x": lambda: np.cos(env._match.memory.turn[0, j] * np.pi / 2),
            "fov_y": lambda: np.sin(env._match.memory.turn[0, j] * np.pi / 2),
        }
        return float(values[what]())

    def in_state(self, name: str) -> float:
        if name == "timestep":
            return self.steps / self.limit
        side, what, k, rest = row(name)
        j = k + self.n * (side == "enemy")
        if what == "last_action":
            return float(self.last[j] == int(rest or -1))
        if self.units.health[0, j] <= 0:
            return 0.0
        places = {"relative_x": self.units.x, "relative_y": self.units.y}
        return places[what][0, j] / 32 - 0.5 if what in places else self.body(what, j, rest)

    def in_obs(self, name: str, i: int, avail: Any, shown: dict[str, float]) -> float:
        """What agent i sees. ``shown`` is asked only whether it sees a unit that may be hidden from it."""
        units, here = self.units, (self.units.x[0, i], self.units.y[0, i])
        if name == "timestep":
            return self.steps / self.limit
        if units.health[0, i] <= 0:
            return 0.0
        if name.startswith("move_action_"):
            return avail[2 + WAYS.index(name.removeprefix("move_action_"))]
        if name.startswith("own_unit_type_"):
            return self.kinds[i].name == name.removeprefix("own_unit_type_")
        if name.startswith("own_"):
            return self.body(name.removeprefix("own_"), i, None)
        ground = {"pathing_grid": self.terrain.open, "terrain_height": self.terrain.height}
        if name[:-2] in ground:
            x, y = (int(at) + 2 * move for at, move in zip(here, SAMPLES[int(name[-1])], strict=True))
            return ground[name[:-2]][x, y] if min(x, y) >= 0 and max(x, y) < 32 else 1.0
        side, what, k, rest = row(name)
        j = k + self.n if side == "enemy" else k - (k <= i)
        dx, dy = units.x[0, j] - here[0], units.y[0, j] - here[1]
        sight = self.kinds[i].sight if self.drawn else 9
        visible = units.health[0, j] > 0 and np.hypot(dx, dy) <= sight
        if side == "enemy" or (self.drawn and len(self.env._encoding.turns_x)):  # may be hidden
            there = shown[f"{side}_distance_{k}"] > 0
            assert visible or not there
            visible = there
        if not visible:
            return 0.0
        parts = {"relative_x": dx, "relative_y": dy, "distance": np.hypot(dx, dy)}
        if what in parts:
            return parts[what] / sight
        return avail[self.aims + k] if what == "shootable" else self.body(what, j, rest)


def check_battle(env: Skirmish | DrawnSkirmish, steps: int = 30) -> None:
    spec, rng, observation = env.spec, np.random.default_rng(1), env.reset(np.array([3]))
    told, seen = Told(env), set()
    for told.steps in range(steps):
        state = dict(zip(spec.state_names, observation.state[0].tolist(), strict=True))
        assert state == pytest.approx({name: float(told.in_state(name)) for name in state}, abs=1e-5)
        for i in range(spec.n_agents):
            obs = dict(zip(spec.obs_names, observation.obs[0, i].tolist(), strict=True))
            avail = observation.avail_actions[0, i]
            expected = {name: float(told.in_obs(name, i, avail, obs)) for name in obs}
            assert obs == pytest.approx(expected, abs=1e-5)
            seen |= {name for name, value in obs.items() if value}
        actions = draw_actions(observation.avail_actions, rng)
        told.last = [int(a) for a in actions[0]]
        step = env.step(actions)
        observation = step.observation
        if step.terminated[0] or step.truncated[0]:
            break
    assert len(seen) > len(spec.obs_names) / 2


@pytest.mark.parametrize("options", [ALL, NONE, ViewOptions()], ids=SHOWN)
@pytest.mark.parametrize("name", ["2s3z", "MMM2", "corridor", "2m_vs_1z"])
def test_numbers_of_smacs_battles_are_what_their_names_say(name: str, options: ViewOptions) -> None:
    check_battle(Skirmish(name, views=options))


HANDICAPS = {
    "attack": {"dist_type": "per_agent_uniform", "lower_bound": [0.5], "upper_bound": [1.0]},
    "health": {"dist_type": "per_agent_uniform", "lower_bound": [0.1], "upper_bound": [0.4]},
}


@pytest.mark.parametrize("options", [ALL_DRAWN, NONE_DRAWN, DrawnViewOptions()], ids=SHOWN)
@pytest.mark.parametrize("name", ["protoss_5_vs_5", "terran_10_vs_11", "zerg_5_vs_5"])
def test_numbers_of_smacv2s_battles_are_what_their_names_say(name: str, options: DrawnViewOptions) -> None:
    check_battle(DrawnSkirmish(name, views=options))
    content = parse((DATA / DRAWN / f"{name}.yaml").read_text("utf-8"))
    content["capability_config"] |= HANDICAPS
    check_battle(DrawnSkirmish("mine", views=options, scenario=content))


@pytest.mark.parametrize("name", map_names())
def test_every_number_of_every_map_has_a_name_of_its_own(name: str) -> None:
    for options in (ALL, NONE, replace(ALL, obs_instead_of_state=True)):
        check_names(Skirmish(name, views=options))


@pytest.mark.parametrize("name", scenario_names())
def test_every_number_of_every_scenario_has_a_name_of_its_own(name: str) -> None:
    for options in (ALL_DRAWN, NONE_DRAWN):
        check_names(DrawnSkirmish(name, views=options))


def check_names(env: Skirmish | DrawnSkirmish) -> None:
    shown = env.reset(np.array([0]))
    for names, length in (
        (env.spec.obs_names, shown.obs.shape[2]),
        (env.spec.state_names, shown.state.shape[1]),
    ):
        assert len(names) == len(set(names)) == length


def test_joined_observations_name_the_agents_as_each_of_them_sees_them() -> None:
    names = Skirmish("3m", views=ViewOptions(obs_instead_of_state=True)).spec.state_names
    assert [name for name in names if "ally_distance" in name] == [
        f"agent_{i}_ally_distance_{j}" for i in range(3) for j in range(3) if i != j
    ]


def test_names_with_bits_are_those_of_smacv2() -> None:
    bits = ("bit_0", "bit_1", "bit_2")
    layout = drawn_layout(load_scenario("zerg_5_vs_5"), load_units("liberty"), ALL_DRAWN, bits)
    names = (*layout.obs_names(), *layout.state_names())
    for name in (
        "move_action_west", "pathing_grid_7", "terrain_height_8", "enemy_shootable_4", "enemy_relative_x_0",
        "enemy_unit_type_4_bit_2", "ally_visible_1", "ally_unit_type_1_bit_0", "ally_last_action_4_action_14",
        "own_health", "own_pos_y", "own_fov_x", "own_unit_type_bit_1", "timestep", "ally_cooldown_0",
    ):  # fmt: skip
        assert name in names
