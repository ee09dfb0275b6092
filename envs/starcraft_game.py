"""One game of StarCraft II, played through SMAC's own environment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.skirmish.cameras import Camera
from remix.envs.skirmish.maps import BattleMap


class Outcome(NamedTuple):
    """The outcome of one step: SMAC's reward, whether the episode is over, whether it was cut, ``info``."""

    reward: float
    ended: bool
    cut: bool
    info: dict[str, Any]


class Game:
    """SMAC's environment. SMAC hides failures of the game; this class raises them.

    :param smac: a ``StarCraft2Env`` that has not been reset.
    """

    def __init__(self, smac: Any) -> None:
        self._smac, self.camera = smac, Camera()
        self.steps = 0
        self._launched = self._finished_one = False

    @property
    def can_start(self) -> bool:
        """Whether SMAC can start an episode. It cannot start its first one twice.

        SMAC would then launch a second game. It would also count the strength of the enemies twice, by which
        rewards are scaled.
        """
        return self._finished_one or not self._launched

    def start(self) -> None:
        """Start an episode.

        :raises ConnectionError: the game broke down and SMAC has started it again.
        """
        self.steps, self._launched = 0, True
        restarts = self._smac.force_restarts
        self._smac.reset()
        self._expect(restarts)

    def step(self, actions: list[int]) -> Outcome:
        """Play one action of each of the N agents.

        :raises ConnectionError: the game broke down; SMAC has started it again and calls that an end.
        """
        restarts = self._smac.force_restarts
        reward, ended, info = self._smac.step(actions)
        self._expect(restarts)
        self.steps += 1
        self._finished_one |= ended
        return Outcome(reward, ended, bool(info.get("episode_limit")), info)

    def get_obs(self) -> list[NDArray[np.floating[Any]]]:
        """The N observations, ``[O]`` each."""
        views: list[NDArray[np.floating[Any]]] = self._smac.get_obs()
        return views

    def get_state(self) -> NDArray[np.floating[Any]]:
        """The global state ``[S]``."""
        state: NDArray[np.floating[Any]] = self._smac.get_state()
        return state

    def get_avail_actions(self) -> list[list[int]]:
        """Whether each action is available, N lists of A numbers 0 or 1."""
        mask: list[list[int]] = self._smac.get_avail_actions()
        return mask

    def units(self) -> tuple[list[Any], list[Any]]:
        """The game's agents and enemies by their numbers, with the dead ones."""
        return [unit for _, unit in sorted(self._smac.agents.items())], [
            unit for _, unit in sorted(self._smac.enemies.items())
        ]

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Types of agents and enemies in the order of their numbers, which SMACv2 knows by name."""
        maps = (self._smac.ally_unit_map, self._smac.enemy_unit_map)
        known = ({number: name for name, number in types.items()} for types in maps)
        agents, enemies = (
            tuple(names[unit.unit_type] for unit in team)
            for names, team in zip(known, self.units(), strict=True)
        )
        return agents, enemies

    def save_replay(self) -> None:
        """Save a replay of all episodes so far, if there are any."""
        if self._launched:
            self._smac.save_replay()

    def close(self) -> None:
        """End the game."""
        self._smac.close()

    def _expect(self, restarts: int) -> None:
        if self._smac.force_restarts != restarts:
            raise ConnectionError("SMAC lost the connection and started the game again")


def picture_of(game: Game, battle_map: BattleMap) -> NDArray[np.uint8]:
    """RGB picture ``[height, width, 3]`` of the present battle, drawn like those of the engine.

    :param battle_map: the engine's map of the same name.
    """
    from remix.envs.skirmish.rendering import draw_battle
    from remix.envs.skirmish.state import allocate
    from remix.envs.skirmish.unit_views import GAME_TYPES
    from remix.envs.skirmish.units import load_units

    allies, enemies = game.units()
    units = allocate(1, len(allies) + len(enemies))
    units.target[:] = -1
    for i, unit in enumerate((*allies, *enemies)):
        units.x[0, i], units.y[0, i] = unit.pos.x, unit.pos.y
        units.health[0, i], units.shield[0, i] = unit.health, unit.shield
    # The game lists the enemies in another order than the map.
    types = {number: name for name, number in GAME_TYPES.items()}
    names = tuple(
        types.get(unit.unit_type, name) for unit, name in zip(enemies, battle_map.enemies, strict=True)
    )
    return draw_battle(
        replace(battle_map, enemies=names), load_units("liberty"), units, 0, game.steps, game.camera
    )
