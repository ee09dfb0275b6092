"""The numbers of observations and states of battles by name, in their order. All lengths follow from it.

The names are those of SMACv2 (Ellis et al., 2023), but that types are called by the unit. SMAC has no
names of its own for most of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

BASIC_ACTIONS = ("no-op", "stop", "north", "south", "east", "west")
MOVES = BASIC_ACTIONS[2:]
SAMPLES_PATHING, SAMPLES_HEIGHT = 8, 9  # points around an agent in its pathing and height features

Columns = tuple[str, ...]
"""Names of columns. In those of a unit's row ``{}`` stands for the number of the unit."""


class Sizes(NamedTuple):
    """How many numbers the views of a battle have.

    ``move`` and ``own`` are lengths of blocks of an observation. ``enemies`` and ``allies`` are blocks of
    (rows, columns). ``state_ally`` and ``state_enemy`` are the lengths of one unit's row in the state.
    ``n_actions`` is A, ``obs`` is O and ``state`` is S.
    """

    n_actions: int
    move: int
    enemies: tuple[int, int]
    allies: tuple[int, int]
    own: int
    obs: int
    state_ally: int
    state_enemy: int
    state: int


@dataclass(frozen=True)
class Layout:
    """What an observation and the state of a battle consist of.

    An observation is: ``move``, a row ``enemy`` for each enemy, a row ``ally`` for each other agent, ``own``
    of the agent itself, ``last``. The state is: a row ``state_ally`` for each agent and ``state_enemy`` for
    each enemy, the last actions of all agents if ``state_actions``, ``state_last``. With
    ``observations_as_state`` it is the observations of all agents one after the other.
    """

    n_agents: int
    n_enemies: int
    n_actions: int
    move: Columns
    enemy: Columns
    ally: Columns
    own: Columns
    last: Columns
    state_ally: Columns
    state_enemy: Columns
    state_actions: bool
    state_last: Columns
    observations_as_state: bool = False

    def sizes(self) -> Sizes:
        """The lengths of everything."""
        n, m = self.n_agents, self.n_enemies
        own = len(self.own) + len(self.last)
        obs = len(self.move) + m * len(self.enemy) + (n - 1) * len(self.ally) + own
        state = n * len(self.state_ally) + m * len(self.state_enemy)
        state += n * self.n_actions * self.state_actions + len(self.state_last)
        return Sizes(
            n_actions=self.n_actions,
            move=len(self.move),
            enemies=(m, len(self.enemy)),
            allies=(n - 1, len(self.ally)),
            own=len(self.own),
            obs=obs,
            state_ally=len(self.state_ally),
            state_enemy=len(self.state_enemy),
            state=n * obs if self.observations_as_state else state,
        )

    def obs_names(self, agent: int = 0) -> Columns:
        """The O names of what an agent sees. Rows of other agents come in the order of their numbers."""
        others = [i for i in range(self.n_agents) if i != agent]
        return (
            *self.move,
            *_rows("enemy", range(self.n_enemies), self.enemy),
            *_rows("ally", others, self.ally),
            *(f"own_{column.replace('_{}', '')}" for column in self.own),
            *self.last,
        )

    def state_names(self) -> Columns:
        """The S names of the state."""
        agents = range(self.n_agents)
        if self.observations_as_state:
            return tuple(f"agent_{i}_{name}" for i in agents for name in self.obs_names(i))
        return (
            *_rows("ally", agents, self.state_ally),
            *_rows("enemy", range(self.n_enemies), self.state_enemy),
            *_rows("ally", agents, last_actions(self.n_actions * self.state_actions)),
            *self.state_last,
        )


def ground(pathing_grid: bool, terrain_height: bool) -> Columns:
    """Where an agent can move, and the optional samples of the ground around it."""
    return (
        *(f"move_action_{way}" for way in MOVES),
        *(f"pathing_grid_{k}" for k in range(SAMPLES_PATHING * pathing_grid)),
        *(f"terrain_height_{k}" for k in range(SAMPLES_HEIGHT * terrain_height)),
    )


def seen(first: str) -> Columns:
    """Where a unit is, from an agent. ``first`` is the name of the entry before it."""
    return (f"{first}_{{}}", "distance_{}", "relative_x_{}", "relative_y_{}")


def strength(health: bool, shield: bool) -> Columns:
    """Health, and shields where there are any."""
    return only(health, "health_{}", *only(shield, "shield_{}"))


def types(names: Sequence[str]) -> Columns:
    """One-hot types of units."""
    return tuple(f"unit_type_{{}}_{name}" for name in names)


def last_actions(n_actions: int) -> Columns:
    """One-hot last actions."""
    return tuple(f"last_action_{{}}_action_{k}" for k in range(n_actions))


def timestep(shown: bool) -> Columns:
    """The share of the episode limit that is over."""
    return only(shown, "timestep")


def only(shown: bool, *columns: str) -> Columns:
    """Columns that an option shows."""
    return columns if shown else ()


def _rows(side: str, units: Iterable[int], columns: Columns) -> Iterable[str]:
    return (f"{side}_{column.replace('{}', str(k))}" for k in units for column in columns)
