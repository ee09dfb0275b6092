"""How the battles of a scenario are drawn: constants and buffers of the kernel that does it."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.kernels.mustering import (
    ALL_TEAMS,
    MIRRORED_OR_SURROUNDED,
    TOGETHER,
    WEIGHTED_TEAMS,
    Drawn,
    Muster,
)
from remix.envs.skirmish.kernels.placing import Floor, Placed, place
from remix.envs.skirmish.rules import Rules
from remix.envs.skirmish.scenarios import Scenario, Trait
from remix.envs.skirmish.units import UnitType
from remix.settings.errors import SettingError

_FILLED = 0.7
"""Of as many units as have room around one point, the share that has room at drawn places, too."""


def make_muster(
    scenario: Scenario, units: Mapping[str, UnitType], rules: Rules, setting: str = "map_name"
) -> Muster:
    """Constants of the kernel that draws teams and places.

    :param rules: of which the first are those of the scenario's types.
    :param setting: the one that gave the scenario, for errors.
    :raises SettingError: the ground has no room for as many units.
    """
    teams, n_types = scenario.teams, len(scenario.types)
    listed = [scenario.types.index(name) for name in teams.unit_types]
    weights = np.zeros(n_types)
    weights[listed] = teams.weights
    chances = np.cumsum(weights) / weights.sum()
    chances[chances >= chances[-1]] = 2.0  # whatever rounding makes of 1
    floor = make_floor(rules, n_types)
    _check_room(scenario, floor, setting)
    names = sorted(scenario.types)
    return Muster(
        n_agents=scenario.n_agents,
        n_enemies=scenario.n_enemies,
        team=ALL_TEAMS if teams.kind == "all_teams" else WEIGHTED_TEAMS,
        chances=chances,
        listed=np.array(listed, np.int64),
        exception=np.array([name in teams.exceptions for name in scenario.types]),
        rank=np.array([names.index(name) for name in scenario.types], np.int64),
        start=TOGETHER if scenario.starts.kind == "together" else MIRRORED_OR_SURROUNDED,
        mirrored=scenario.starts.p,
        width=scenario.starts.width,
        height=scenario.starts.height,
        floor=floor,
        shown=1.0 if scenario.mask is None else scenario.mask,
        **_trait("attack", scenario.attack, 1.0),
        **_trait("health", scenario.health, 0.0),
    )


def _trait(name: str, trait: Trait | None, usual: float) -> dict[str, NDArray[np.float64]]:
    """Bounds and items; without a trait everybody has the usual number."""
    bounds = (usual, usual) if trait is None else (trait.low, trait.high)
    items = np.array(trait.items if trait is not None and trait.items else np.zeros((0, 0)), np.float64)
    return {name: np.array(bounds, np.float64), f"{name}_items": items}


def make_floor(rules: Rules, n_types: int) -> Floor:
    """Where units of the first ``n_types`` of the rules can stand: their circles within the open ground."""
    bounds = np.zeros((n_types, 4))
    for k in range(n_types):
        cells, margin = np.argwhere(rules.passable[rules.plane[k]]), rules.separation[k]
        (left, bottom), (right, top) = cells.min(0), cells.max(0) + 1
        bounds[k] = left + margin, right - margin, bottom + margin, top - margin
    return Floor(
        plane=rules.plane[:n_types].copy(),
        separation=rules.separation[:n_types].copy(),
        passable=rules.passable,
        bounds=bounds,
    )


def _check_room(scenario: Scenario, floor: Floor, setting: str) -> None:
    """Both teams must have room wherever they are sent to, also if all are of the broadest type.

    :raises SettingError: they do not.
    """
    needed = scenario.n_agents + scenario.n_enemies
    most = ceil(needed / _FILLED)
    for name in scenario.teams.unit_types:
        k = scenario.types.index(name)
        kind, x, y = np.full(most, k), np.full(most, 16.0), np.full(most, 16.0)
        found = place(floor, kind, x, y, Placed(np.zeros(len(scenario.types), np.int64)))
        if found < most:
            room = int(_FILLED * found)
            limit = f"capability_config.n_units and n_enemies must be {room} in sum at most, not {needed}"
            reason = f"{scenario.terrain.name} has room for no more of {name} at drawn places"
            raise SettingError(setting, scenario.name, f"{limit}: {reason}")


def allocate_drawn(scenario: Scenario, n_battles: int) -> Drawn:
    """Room for what is drawn for ``n_battles``."""
    n, m = scenario.n_agents, scenario.n_enemies
    return Drawn(
        kind=np.zeros((n_battles, n + m), np.int64),
        x=np.zeros((n_battles, n + m)),
        y=np.zeros((n_battles, n + m)),
        hidden=np.zeros((n_battles, n, m), np.bool_),
        attack=np.zeros((n_battles, n)),
        health=np.zeros((n_battles, n)),
        random=np.zeros(n_battles, np.uint64),
    )
