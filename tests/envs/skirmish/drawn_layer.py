"""Frames of SMACv2's battles shown and judged as the environment does it, without the fighting."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import RewardOptions
from remix.envs.skirmish.drawn_encoding import drawn_sizes, make_drawn_encoding, make_drawn_scoring
from remix.envs.skirmish.encoding import most_reward, reward_factor
from remix.envs.skirmish.fields import DATA, Fields
from remix.envs.skirmish.kernels.drawn_observing import observe_drawn
from remix.envs.skirmish.kernels.drawn_offering import translate
from remix.envs.skirmish.kernels.drawn_sensing import forget
from remix.envs.skirmish.kernels.drawn_views import NOBODY, Handicaps, Memory
from remix.envs.skirmish.kernels.mustering import number_agents
from remix.envs.skirmish.kernels.scoring import RUNNING, TIMEOUT, WON, Scores, Strength, score
from remix.envs.skirmish.kernels.views import ATTACK, NO_ACTION, NO_OP, STOP, Bodies, Views
from remix.envs.skirmish.plain_yaml import parse
from remix.envs.skirmish.rosters import Roster
from remix.envs.skirmish.scenarios import Scenario, read_scenario
from remix.envs.skirmish.units import load_units
from remix.envs.smacv2 import DrawnViewOptions

UNITS = load_units("liberty")
Orders = list[tuple[Any, ...]]
_MOVES = ((0, 2), (0, -2), (2, 0), (-2, 0))


class Judged(NamedTuple):
    """Reward, and whether the battle is over, only cut, won; the dead of both teams."""

    reward: float
    end: tuple[bool, bool, bool, int, int]


def scenario_of(
    config: str, changes: dict[str, Any] | None = None, limit: int = 200, observe: bool = True
) -> Scenario:
    """A scenario ``<race>_<agents>_vs_<enemies>`` with SMACv2's distributions, and changes of them.

    :param observe: whether agents see the types of others.
    """
    race, agents, _, enemies = config.split("_")
    content = parse((DATA / "scenarios" / f"{race}_5_vs_5.yaml").read_text("utf-8"))
    content["episode_limit"] = limit
    capabilities = content["capability_config"] | {"n_units": int(agents), "n_enemies": int(enemies)}
    capabilities["team_gen"]["observe"] = observe
    content["capability_config"] = capabilities | (changes or {})
    return read_scenario(Fields("map_name", config, "", content), config, DATA, UNITS)


def options_of(cls: Any, flags: dict[str, Any]) -> Any:
    known = {field.name for field in fields(cls)}
    return cls(**{name: value for name, value in flags.items() if name in known})


class Frame:
    """One battle as it stood."""

    def __init__(self, recorded: dict[str, Any], layer: DrawnLayer) -> None:
        rows = recorded["agents"] + recorded["enemies"]
        self.tags = [row["tag"] for row in rows]
        self.kind = np.array([[layer.scenario.types.index(row["type"]) for row in rows]])
        names = ("x", "y", "health", "shield", "energy", "cooldown")
        self.bodies = Bodies(*(np.array([[float(row[name]) for row in rows]]) for name in names))
        self.actions = np.array(recorded.get("actions", [NO_ACTION] * layer.n_agents))


class DrawnLayer:
    """Views and scores of one battle of a recorded episode."""

    def __init__(self, episode: dict[str, Any]) -> None:
        flags, drawn = episode["flags"], episode["drawn"]
        changes, limit = episode["extra_capabilities"], episode["episode_limit"]
        self.scenario = scenario_of(episode["config"], changes, limit, episode["observe"])
        self.continuing = flags.get("continuing_episode", False)
        options = options_of(DrawnViewOptions, flags)
        self._rewards = options_of(RewardOptions, flags)
        self._n_turns = options.n_turns
        self.sizes = drawn_sizes(self.scenario, UNITS, options)
        self._encoding = make_drawn_encoding(self.scenario, UNITS, options, Roster(self.scenario, UNITS))
        self._scoring = make_drawn_scoring(self.scenario, UNITS, self._rewards)
        self._scale = reward_factor(self._rewards, episode["max_reward"])
        self.n_agents, m = self.scenario.n_agents, self.scenario.n_enemies
        n = self.n_agents
        self._handicaps = Handicaps(
            kind=np.zeros((1, n + m), np.int64),
            hidden=np.array(drawn.get("enemy_mask", np.zeros((n, m))), bool)[None],
            attack=np.array(drawn.get("attack", np.ones(n)), float).reshape(1, n),
            health=np.array(drawn.get("health", np.zeros(n)), float).reshape(1, n),
        )
        self._memory = Memory(
            known=np.zeros((1, m, n), bool),
            finder=np.full((1, m), NOBODY),
            turn=np.zeros((1, n), np.int64),
            order=np.zeros((1, n), np.int64),
            luck=np.zeros((1, n * m)),
            offered=np.zeros((1, n, self.sizes.n_actions - ATTACK - self._n_turns), bool),
        )

    def show(self, frame: Frame, steps: int, order: list[int], draws: list[float]) -> Views:
        """One pass with the given order and random numbers, of a frame after ``steps``."""
        self._memory.order[0] = order
        self._memory.luck[0, : len(draws)] = draws
        views = Views(  # what is not written would be noticed
            np.ones((1, self.n_agents, self.sizes.n_actions), bool),
            np.full((1, self.n_agents, self.sizes.obs), np.nan, np.float32),
            np.full((1, self.sizes.state), np.nan, np.float32),
        )
        handicaps = self._handicaps._replace(kind=frame.kind)
        last = frame.actions[None]
        steps_made = np.array([steps])
        observe_drawn(self._encoding, frame.bodies, handicaps, self._memory, last, steps_made, views, 0)
        return views

    def forget(self, frame: Frame) -> None:
        """Of the dead of a frame."""
        forget(self._memory, frame.bodies, 0)

    def orders(self, frame: Frame, actions: NDArray[np.int64], draws: list[float]) -> Orders:
        """What actions in a frame that was shown mean: (tag, kind, target or place)."""
        targets = actions >= ATTACK + self._n_turns
        luck, given = np.zeros(self.n_agents), iter(draws)
        luck[targets] = [next(given, 0.0) for _ in range(int(targets.sum()))]
        orders = np.zeros(self.n_agents, np.int64)
        handicaps = self._handicaps._replace(kind=frame.kind)
        translate(self._encoding, handicaps, self._memory, 0, actions, luck, orders)
        result: Orders = []
        for i, order in enumerate(orders.tolist()):
            x, y = frame.bodies.x[0, i], frame.bodies.y[0, i]
            if order == STOP:
                result.append((frame.tags[i], "stop"))
            elif order >= ATTACK:
                heals = bool(self._encoding.basic.heals[frame.kind[0, i]])
                target = order - ATTACK + (0 if heals else self.n_agents)
                result.append((frame.tags[i], "heal" if heals else "attack", frame.tags[target]))
            elif order != NO_OP:
                dx, dy = _MOVES[order - 2]
                result.append((frame.tags[i], "move", x + dx, y + dy))
        return result

    def judge(self, before: Frame, after: Frame, steps: int) -> Judged:
        """Reward and end of the step from one frame to the next."""
        scores = Scores(np.full(1, np.nan), *(np.full(1, -1) for _ in range(3)))
        scoring = self._scoring._replace(heals=self._encoding.basic.heals[after.kind[0]], scale=self._scale)
        then, now = (Strength(frame.bodies.health, frame.bodies.shield) for frame in (before, after))
        score(scoring, then, now, np.array([steps]), scores, 0, 1)
        outcome = scores.outcome[0]
        dead = int(scores.dead_allies[0]), int(scores.dead_enemies[0])
        return Judged(
            float(scores.reward[0]),
            (bool(outcome != RUNNING), bool(outcome == TIMEOUT), bool(outcome == WON), *dead),
        )

    def max_reward(self, frame: Frame) -> float:
        """Of a victory over the enemies of a frame."""
        units = [UNITS[self.scenario.types[kind]] for kind in frame.kind[0, self.n_agents :]]
        strength = sum(unit.health + unit.shield for unit in units)
        return most_reward(self._rewards, self.scenario.n_enemies, strength)

    def renumbered(self, frame: Frame) -> list[int]:
        """Tags of the agents of a frame in the order that the engine gives them."""
        n = self.n_agents
        by_tag = np.argsort(frame.tags[:n])
        kind = frame.kind[0, :n][by_tag]
        x, y = (places[0, :n][by_tag] for places in (frame.bodies.x, frame.bodies.y))
        places = {(float(a), float(b)): frame.tags[i] for i, (a, b) in enumerate(
            zip(frame.bodies.x[0, :n], frame.bodies.y[0, :n], strict=True)
        )}  # fmt: skip
        names = sorted(self.scenario.types)
        rank = np.array([names.index(name) for name in self.scenario.types])
        number_agents(rank, n, kind, x, y)
        return [places[float(a), float(b)] for a, b in zip(x, y, strict=True)]

    def memory_as_text(self) -> tuple[list[str], list[int | None]]:
        """Who knows whom, and who saw whom first, as recordings have it."""
        known = ["".join("01"[flag] for flag in row) for row in self._memory.known[0].astype(int)]
        return known, [None if finder == NOBODY else int(finder) for finder in self._memory.finder[0]]

    def true_avail(self, views: Views) -> list[str]:
        """Available actions where only targets in reach are."""
        avail = views.avail_actions[0].copy()
        avail[:, ATTACK + self._n_turns :] = self._memory.offered[0]
        return ["".join("01"[flag] for flag in row) for row in avail.astype(int)]

    def directions(self) -> NDArray[np.float64]:
        """Where agents look, x and y of one after the other."""
        turn = self._memory.turn[0]
        return np.stack([self._encoding.turns_x[turn], self._encoding.turns_y[turn]], -1).ravel()
