"""Battles for the tests: a few lines to set one up and to play it loop by loop or step by step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.battle import advance
from remix.envs.skirmish.maps import BattleMap, Order, load_map
from remix.envs.skirmish.rules import Rules, make_rules
from remix.envs.skirmish.state import allocate, allocate_scratch, start
from remix.envs.skirmish.terrain import Terrain
from remix.envs.skirmish.units import load_units

STOP, NORTH, SOUTH, EAST, WEST, ATTACK_0 = 1, 2, 3, 4, 5, 6
HOLD = Order("hold")
Unit = tuple[str, float, float]


@lru_cache
def terrain_of(map_name: str) -> Terrain:
    return load_map(map_name).terrain


def arena(
    allies: Sequence[Unit],
    enemies: Sequence[Unit],
    order: Order = HOLD,
    terrain: Terrain | None = None,
) -> BattleMap:
    """A map with the given units (type, x, y), by default on a square field."""
    return BattleMap(
        name="arena",
        episode_limit=1000,
        map_type="arena",
        allies=tuple(name for name, _, _ in allies),
        enemies=tuple(name for name, _, _ in enemies),
        ally_onehot={},
        enemy_onehot={},
        ally_race="P",
        enemy_race="P",
        ally_positions=np.array([place for _, *place in allies], np.float64),
        enemy_positions=np.array([place for _, *place in enemies], np.float64),
        terrain=terrain or terrain_of("3s_vs_3z"),
        order=order,
    )


class Battle:
    """A batch of battles with equal rules; changes of the rules by keyword, e.g. ``loops_per_step=1``."""

    def __init__(
        self,
        battle_map: BattleMap,
        seeds: Sequence[int] = (0,),
        profile: str = "liberty",
        as_smaclite: bool = False,
        **changes: Any,
    ) -> None:
        self.map = battle_map
        self.rules: Rules = make_rules(battle_map, load_units(profile), as_smaclite)._replace(**changes)
        self.n_agents, self.n_units = self.rules.n_agents, self.rules.team.size
        self.units = allocate(len(seeds), self.n_units)
        self.scratch = allocate_scratch(self.n_units)
        self.running = np.ones(len(seeds), np.bool_)
        start(self.rules, self.units, np.arange(len(seeds)), np.array(seeds, np.int64))

    def play(self, actions: Any = STOP) -> None:
        """One step with ``actions``, broadcast to ``[E, N]``."""
        shape = (len(self.running), self.n_agents)
        given = np.ascontiguousarray(np.broadcast_to(np.asarray(actions, np.int64), shape))
        advance(self.rules, self.units, self.scratch, self.running, given, 0, len(self.running))

    @property
    def places(self) -> NDArray[np.float64]:
        """``[E, U, 2]``."""
        return np.stack([self.units.x, self.units.y], -1)

    def available(self) -> NDArray[np.bool_]:
        """Available actions ``[E, N, A]``, worked out afresh from SMAC's definition of them."""
        n, units, rules = self.n_agents, self.units, self.rules
        alive = units.health > 0
        avail = np.zeros((len(self.running), n, 6 + max(n, self.n_units - n)), np.bool_)
        avail[..., 0] = ~alive[:, :n]
        avail[..., STOP] = alive[:, :n]
        grid = rules.ground.open
        for k, (dx, dy) in enumerate(((0, 1), (0, -1), (1, 0), (-1, 0))):
            cells = (self.places[:, :n] + [dx, dy]).astype(int)
            inside = ((cells >= 0) & (cells < grid.shape)).all(-1)
            cells = np.clip(cells, 0, np.array(grid.shape) - 1)
            avail[..., NORTH + k] = alive[:, :n] & inside & grid[cells[..., 0], cells[..., 1]]
        gaps = np.linalg.norm(self.places[:, :n, None] - self.places[:, None], axis=-1)
        near = (gaps <= 6) & alive[:, None] & alive[:, :n, None]
        for i in range(n):
            if rules.healer[i]:
                avail[:, i, 6 : 6 + n] = near[:, i, :n] & rules.can_heal[i, :n]
            else:
                avail[:, i, 6 : 6 + self.n_units - n] = near[:, i, n:]
        return avail

    def random_actions(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Available actions ``[E, N]``, each as likely as any other."""
        avail = self.available()
        return np.where(avail, generator.random(avail.shape), -1.0).argmax(-1)

    def over(self) -> NDArray[np.bool_]:
        """Whether one side is dead, healers among the agents not counted, ``[E]``."""
        alive = self.units.health > 0
        ours = (alive & ~self.rules.healer)[:, : self.n_agents].any(1)
        return np.asarray(~(ours & alive[:, self.n_agents :].any(1)))
