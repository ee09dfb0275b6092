"""Rules of battles whose units differ from battle to battle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.maps import BattleMap
from remix.envs.skirmish.rules import Rules, make_rules
from remix.envs.skirmish.scenarios import Scenario
from remix.envs.skirmish.units import UnitType

_HOSTILE, _FRIENDLY = ("damage", "can_hit"), ("can_heal",)
_BY_PAIR = _HOSTILE + _FRIENDLY
_PLACES = ("start_x", "start_y")
_SHARED = (
    "n_agents", "team", "enemy_order", "goal_x", "goal_y", "targeting", "least_damage", "move_amount",
    "loops_per_step", "passable", "interior", "ground",
)  # fmt: skip


class Roster:
    """The rules for K types of units, from which those of battles are put together.

    :param as_smaclite: see :func:`make_rules`, as ``move_amount`` and ``loops_per_step``.
    """

    def __init__(
        self,
        scenario: Scenario,
        units: Mapping[str, UnitType],
        as_smaclite: bool = False,
        move_amount: float = 2.0,
        loops_per_step: int = 8,
    ) -> None:
        # Two friends of every type, who may heal each other, and an enemy.
        self._k, types = len(scenario.types), scenario.types
        parade = battle_map_of(scenario, types * 2, types)
        self._types = make_rules(parade, units, as_smaclite, move_amount, loops_per_step)
        self._n_agents, self._n_units = scenario.n_agents, scenario.n_agents + scenario.n_enemies

    @property
    def types(self) -> Rules:
        """The rules of single types: whose index is a type, has more entries than there are types."""
        return self._types

    @property
    def heals(self) -> NDArray[np.bool_]:
        """``[K, K]``, whether a type heals another."""
        return np.ascontiguousarray(self._types.can_heal[: self._k, self._k : 2 * self._k])

    def allocate(self, n_battles: int) -> Rules:
        """Rules of ``n_battles``, to be filled by :meth:`deal`: ``[E, U]`` for ``[U]`` of :class:`Rules`."""
        n_agents, n_units = self._n_agents, self._n_units
        shared: dict[str, Any] = {name: getattr(self._types, name) for name in _SHARED}
        shared["n_agents"] = n_agents
        shared["team"] = np.repeat([0, 1], [n_agents, n_units - n_agents]).astype(np.int64)
        own: dict[str, Any] = {
            name: self._array(n_battles, name) for name in Rules._fields if name not in shared
        }
        return Rules(**shared, **own)

    def _array(self, n_battles: int, name: str) -> NDArray[np.generic]:
        column, shape = getattr(self._types, name), (n_battles, self._n_units)
        shape += (self._n_units,) if name in _BY_PAIR else column.shape[1:]
        return np.zeros(shape, column.dtype)

    def deal(
        self, rules: Rules, kind: NDArray[np.int64], x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> None:
        """Write the rules of battles.

        :param kind: types of the units ``[E, U]``, which start at ``x``, ``y [E, U]``.
        """
        rules.start_x[:], rules.start_y[:] = x, y
        hostile = rules.team[:, None] != rules.team
        for name in Rules._fields:
            table, result = getattr(self._types, name), getattr(rules, name)
            if name in _BY_PAIR:
                other = self._k if name in _FRIENDLY else 2 * self._k
                result[:] = table[kind[:, :, None], other + kind[:, None, :]]
                result *= hostile if name in _HOSTILE else ~hostile & ~np.eye(self._n_units, dtype=bool)
            elif name not in _SHARED + _PLACES:
                np.take(table, kind, axis=0, out=result)


def battle_map_of(scenario: Scenario, allies: tuple[str, ...], enemies: tuple[str, ...]) -> BattleMap:
    """A battle of a scenario with the given types of units, as a map, all at one place."""
    onehot = {name: bit for bit, name in enumerate(scenario.types)}
    return BattleMap(
        name=scenario.name,
        episode_limit=scenario.episode_limit,
        map_type=scenario.map_type,
        allies=allies,
        enemies=enemies,
        ally_onehot=onehot,
        enemy_onehot=onehot,
        ally_race=scenario.race,
        enemy_race=scenario.race,
        ally_positions=np.zeros((len(allies), 2)),
        enemy_positions=np.zeros((len(enemies), 2)),
        terrain=scenario.terrain,
        order=scenario.order,
    )
