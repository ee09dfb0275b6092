"""Battles shown and judged as the environment does it, without the fighting."""

import numpy as np

from remix.envs.battles import RewardOptions, ViewOptions
from remix.envs.skirmish.encoding import make_encoding, make_scoring, sizes
from remix.envs.skirmish.kernels.observing import observe
from remix.envs.skirmish.kernels.scoring import Scores, Strength, score
from remix.envs.skirmish.kernels.views import NO_ACTION, Bodies, Views
from remix.envs.skirmish.maps import load_map
from remix.envs.skirmish.units import load_units

UNITS = load_units("liberty")


def options_of(cls, options):
    return cls(**{name: value for name, value in options.items() if name in cls.__dataclass_fields__})


def bodies_of(rows):
    """One battle with the given rows [x, y, health, shield, energy, cooldown], None for the dead."""
    table = np.array([[row or [0.0] * 6 for row in rows]], np.float64)
    return Bodies(*(np.ascontiguousarray(table[:, :, column]) for column in range(6)))


class Layer:
    """Views and scores of a batch of battles on a map."""

    def __init__(self, map_name, **options):
        self.map = load_map(map_name)
        self.encoding = make_encoding(self.map, UNITS, options_of(ViewOptions, options))
        self.scoring = make_scoring(self.map, UNITS, options_of(RewardOptions, options))
        self.sizes = sizes(self.map, options_of(ViewOptions, options))

    def show(self, bodies, last_actions=None, steps=0):
        n_battles, n_agents, lengths = len(bodies.x), self.map.n_agents, self.sizes
        views = Views(  # what is not written would be noticed
            np.ones((n_battles, n_agents, lengths.n_actions), bool),
            np.full((n_battles, n_agents, lengths.obs), np.nan, np.float32),
            np.full((n_battles, lengths.state), np.nan, np.float32),
        )
        last = np.full((n_battles, n_agents), NO_ACTION) if last_actions is None else last_actions
        observe(self.encoding, bodies, last, np.full(n_battles, steps), views, 0, n_battles)
        return views

    def judge(self, before, after, steps=1):
        n_battles = len(after.x)
        scores = Scores(np.full(n_battles, np.nan), *(np.full(n_battles, -1) for _ in range(3)))
        then, now = (Strength(bodies.health, bodies.shield) for bodies in (before, after))
        score(self.scoring, then, now, np.full(n_battles, steps), scores, 0, n_battles)
        return scores

    def start(self):
        """One battle as it starts."""
        types = [UNITS[name] for name in (*self.map.allies, *self.map.enemies)]
        places = np.concatenate([self.map.ally_positions, self.map.enemy_positions])
        strengths = [(unit.health, unit.shield, unit.energy_start, 0.0) for unit in types]
        rows = [[*place, *strength] for place, strength in zip(places, strengths, strict=True)]
        return bodies_of(rows)


def killed(bodies, *units):
    health, shield = bodies.health.copy(), bodies.shield.copy()
    health[:, list(units)] = shield[:, list(units)] = 0
    return bodies._replace(health=health, shield=shield)
