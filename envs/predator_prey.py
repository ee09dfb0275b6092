"""Predator-Prey: agents on a grid catch prey together, and are punished if one tries it alone.

The task is that of Boehmer, Kurin and Whiteson, "Deep coordination graphs" (ICML 2020). It measures
relative overgeneralisation: two agents beside a stag must choose *catch* in the same step.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from remix.envs import predator_prey_kernels as kernels
from remix.envs.predator_prey_kernels import (
    CATCH,
    CHANNELS,
    HARE,
    STAG,
    STAY,
    Draws,
    Game,
    Outputs,
    Table,
    World,
)
from remix.envs.rendering import Piece, draw_grid
from remix.envs.spec import Environment, EnvSpec, Observation, Step
from remix.kernels.bundle import bundled
from remix.settings import checks
from remix.settings.errors import SettingError

_ACTION_NAMES = ("right", "down", "left", "up", "stay", "catch")
_CHANNEL_NAMES = ("agent", "stag", "hare")
_LARGEST_TABLE = 10_000_000  # cells in sight of all cells
_DISPLACEMENTS = ((0, 1), (1, 0), (0, -1), (-1, 0))


class PredatorPrey(Environment):
    """A batch of Predator-Prey episodes (protocol: :class:`remix.envs.spec.Environment`).

    In a step the agents act one after the other in random order. A move into an occupied cell fails. Then the
    prey act one after the other in random order. A prey is captured if enough agents beside it catch;
    otherwise it moves to a random free neighbouring cell. Too few catchers cost ``punishment``, once for each
    prey. An episode ends when no prey or no agent is left.

    An observation is a window around the agent, the state is the whole grid. Both have one bit per cell for
    each of agents, stags and hares, flattened in the order (row, column, channel). Unavailable actions do
    nothing. The actions of frozen agents are ignored.

    :param n_agents: N, the number of predators.
    :param n_stags: prey that ``agents_needed_stag`` agents must catch together.
    :param n_hares: prey that ``agents_needed_hare`` agents must catch together.
    :param world_shape: rows and columns of the grid.
    :param obs_radius: number of cells that an agent sees in each direction, (rows, columns) or one number.
    :param punishment: reward (at most 0) for each prey that too few agents try to catch in a step.
    :param reward_stag: reward for a captured stag.
    :param reward_hare: reward for a captured hare.
    :param reward_time: reward for every step.
    :param reward_collision: reward for every action of an agent that does not move it.
    :param agents_needed_stag: number of agents that must catch a stag in the same step.
    :param agents_needed_hare: number of agents that must catch a hare in the same step.
    :param p_stags_rest: probability that a stag rests in a step although it could move.
    :param p_hares_rest: probability that a hare rests in a step although it could move.
    :param episode_limit: steps after which an episode is cut.
    :param toroidal: whether the edges of the grid are joined, for moves, catches and sight.
    :param reference_wrap: whether catches and sight end at the edges of a torus, although catching is
        available across them. The original environment does so.
    :param capture_terminal: whether the first capture ends the episode.
    :param capture_freezes: whether the catchers of a captured prey are out of the game (frozen).
    :param remove_frozen: whether frozen agents leave the grid and see nothing. Otherwise they are
        obstacles: they still see, but no observation shows them.
    :raises SettingError: a setting has an invalid value.
    """

    def __init__(
        self,
        n_agents: int = 8,
        n_stags: int = 8,
        n_hares: int = 0,
        world_shape: Sequence[int] = (10, 10),
        obs_radius: Sequence[int] | int = (2, 2),
        punishment: float = 0.0,
        reward_stag: float = 10.0,
        reward_hare: float = 1.0,
        reward_time: float = 0.0,
        reward_collision: float = 0.0,
        agents_needed_stag: int = 2,
        agents_needed_hare: int = 1,
        p_stags_rest: float = 0.0,
        p_hares_rest: float = 0.0,
        episode_limit: int = 200,
        toroidal: bool = False,
        reference_wrap: bool = False,
        capture_terminal: bool = False,
        capture_freezes: bool = True,
        remove_frozen: bool = True,
    ) -> None:
        self.shape = checks.whole_pair("world_shape", world_shape, minimum=1)
        if isinstance(obs_radius, int):
            obs_radius = (obs_radius, obs_radius)
        radius = checks.whole_pair("obs_radius", obs_radius, minimum=0)
        _check_sizes(self.shape, radius)
        n_agents = checks.whole("n_agents", n_agents, minimum=1)
        n_stags = checks.whole("n_stags", n_stags, minimum=0)
        n_hares = checks.whole("n_hares", n_hares, minimum=0)
        _check_counts(n_agents, n_stags + n_hares, self.shape)
        self._prey_kinds = ["stag"] * n_stags + ["hare"] * n_hares
        wrap = checks.flag("toroidal", toroidal)
        if checks.flag("reference_wrap", reference_wrap) and not wrap:
            raise SettingError("reference_wrap", reference_wrap, "needs toroidal=true")
        wrap_all = wrap and not reference_wrap

        def per_prey(stag: float, hare: float, dtype: type[np.generic]) -> NDArray[Any]:
            return np.repeat(np.array([stag, hare], dtype), [n_stags, n_hares])

        reach = _cells_around(self.shape, _DISPLACEMENTS, wrap_all)
        beside = _most_beside(reach)
        self._game = Game(
            neighbours=_cells_around(self.shape, _DISPLACEMENTS, wrap),
            reach=reach,
            window=_cells_around(self.shape, _window(*radius), wrap_all),
            prey_code=per_prey(STAG, HARE, np.int8),
            needed=per_prey(
                _agents_needed("agents_needed_stag", agents_needed_stag, n_stags, n_agents, beside),
                _agents_needed("agents_needed_hare", agents_needed_hare, n_hares, n_agents, beside),
                np.int64,
            ),
            reward_capture=per_prey(
                checks.number("reward_stag", reward_stag),
                checks.number("reward_hare", reward_hare),
                np.float64,
            ),
            p_rest=per_prey(
                checks.number("p_stags_rest", p_stags_rest, 0, 1),
                checks.number("p_hares_rest", p_hares_rest, 0, 1),
                np.float64,
            ),
            reward_time=checks.number("reward_time", reward_time),
            reward_collision=checks.number("reward_collision", reward_collision),
            punishment=checks.number("punishment", punishment, maximum=0),
            episode_limit=checks.whole("episode_limit", episode_limit, minimum=1),
            capture_terminal=checks.flag("capture_terminal", capture_terminal),
            capture_freezes=checks.flag("capture_freezes", capture_freezes),
            remove_frozen=checks.flag("remove_frozen", remove_frozen),
        )
        self.spec = EnvSpec(
            name="predator_prey",
            n_agents=n_agents,
            n_actions=len(_ACTION_NAMES),
            obs_size=CHANNELS * self._game.window.shape[1],
            state_size=CHANNELS * self._game.window.shape[0],
            episode_limit=self._game.episode_limit,
            obs_dtype="bool",
            state_dtype="bool",
            metrics=("captures", "failed_catches"),
            action_names=_ACTION_NAMES,
            best_return=_best_return(self._game, n_agents),
            obs_names=_names("{:+d},{:+d}", _window(*radius)),
            state_names=_names("{},{}", list(np.ndindex(*self.shape))),
        )
        self._allocate(0)

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start an episode for each of ``seeds [E]``, with all agents and prey on random free cells."""
        seeds = np.asarray(seeds, np.int64)
        if seeds.ndim != 1:
            raise ValueError(f"seeds have shape {seeds.shape}, expected one dimension")
        if seeds.shape != self.world.running.shape:
            self._allocate(len(seeds))
        kernels.start(self._game, self.world, self._streams, seeds.astype(np.uint64))
        self._actions[:] = STAY
        return self._show()

    def place(
        self,
        agents: NDArray[np.integer],
        prey: NDArray[np.integer],
        seeds: NDArray[np.int64],
        active: NDArray[np.bool_] | bool = True,
        alive: NDArray[np.bool_] | bool = True,
        steps: NDArray[np.integer] | int = 0,
    ) -> Observation:
        """Start episodes from given situations, e.g. to study or to test them.

        :param agents: (row, column) of the agents, ``[E, N, 2]``.
        :param prey: (row, column) of the prey, stags first, ``[E, P, 2]``.
        :param seeds: seeds of the random decisions that follow, ``[E]``.
        :param active: which agents are in play, ``[E, N]`` or one flag for all.
        :param alive: which prey are not captured yet, ``[E, P]`` or one flag for all.
        :param steps: steps already made, ``[E]`` or one number for all.
        :raises ValueError: a position is outside the grid, or two pieces are in one cell.
        """
        self.reset(seeds)
        world = self.world
        world.active[:], world.alive[:], world.steps[:] = active, alive, steps
        for cells, positions in ((world.agents, agents), (world.prey, prey)):
            cells[:] = np.ravel_multi_index(np.moveaxis(np.asarray(positions), -1, 0), self.shape)
        observation = self._show()
        on_grid = world.active.sum(1) if self._game.remove_frozen else world.active.shape[1]
        if (np.count_nonzero(world.cells[:, :-1], axis=1) != on_grid + world.alive.sum(1)).any():
            raise ValueError("two pieces stand in the same cell")
        return observation

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]`` in all running episodes; ``spec.action_names`` says what they mean."""
        self._accept(actions)
        if not kernels.step(self._table):
            self._refuse()
        return self._step

    def play(self, actions: NDArray[np.integer], draws: Draws) -> Step:
        """Play ``actions [E, N]`` with given random decisions, e.g. recorded ones, which are not checked."""
        self._accept(actions)
        if not kernels.valid(self.world.running, self._actions):
            self._refuse()
        kernels.play(self._game, self.world, self._actions, draws, self._outputs)
        return self._step

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture ``[height, width, 3]`` of episode ``index``: the grid, the last catches, counters."""
        world, limit, n_agents = self.world, self.spec.episode_limit, self.spec.n_agents
        caption = (
            f"step {world.steps[index]}/{limit}    return {world.returns[index]:g}    "
            f"captures {world.captures[index]:g}    agents {world.active[index].sum()}/{n_agents}"
        )
        kinds = ["agent"] if self._game.remove_frozen else ["agent", "frozen"]
        legend = [*kinds, *dict.fromkeys(self._prey_kinds), "captured"]
        return draw_grid(self.shape, self._pieces(index), caption, legend, ring="catching")

    def close(self) -> None:
        """Do nothing, as there is nothing to release."""

    def _accept(self, actions: NDArray[np.integer]) -> None:
        """Copy ``actions [E, N]`` into the table.

        :raises ValueError: they have another shape.
        """
        actions = np.asarray(actions)
        if actions.shape != self._actions.shape:
            expected = f"{self._actions.shape} (episodes, agents)"
            raise ValueError(f"actions have shape {actions.shape}, expected {expected}")
        np.copyto(self._actions, actions, casting="same_kind", where=self.world.running[:, None])

    def _refuse(self) -> NoReturn:
        raise ValueError(f"actions must lie between 0 and {self.spec.n_actions - 1}")

    def _pieces(self, e: int) -> list[Piece]:
        """The pieces of episode ``e``, the lower ones first. Agents that were just removed are among them."""

        def piece(cell: int, kind: str, label: str = "", highlighted: bool = False) -> Piece:
            row, column = divmod(int(cell), self.shape[1])
            return Piece(row, column, kind, label, highlighted)

        world, catching = self.world, self._actions[e] == CATCH
        stays = ~world.active[e] & (catching | (not self._game.remove_frozen))
        pieces = [piece(world.prey[e, p], "captured") for p in np.flatnonzero(~world.alive[e])]
        pieces += [piece(world.agents[e, i], "frozen", str(i), catching[i]) for i in np.flatnonzero(stays)]
        pieces += [piece(world.prey[e, p], self._prey_kinds[p]) for p in np.flatnonzero(world.alive[e])]
        return pieces + [
            piece(world.agents[e, i], "agent", str(i), catching[i]) for i in np.flatnonzero(world.active[e])
        ]

    def _show(self) -> Observation:
        kernels.occupy(self._game, self.world)
        kernels.show_all(self._game, self.world, self._outputs)
        return self._step.observation

    def _allocate(self, n: int) -> None:
        """Make the arrays of ``n`` episodes."""
        spec, (n_cells, _), n_prey = self.spec, self._game.window.shape, self._game.needed.size
        self.world = World(
            cells=np.zeros((n, n_cells + 1), np.int8),
            agents=np.zeros((n, spec.n_agents), np.int32),
            prey=np.zeros((n, n_prey), np.int32),
            active=np.zeros((n, spec.n_agents), np.bool_),
            alive=np.zeros((n, n_prey), np.bool_),
            running=np.zeros(n, np.bool_),
            steps=np.zeros(n, np.int64),
            returns=np.zeros(n, np.float64),
            captures=np.zeros(n, np.float32),
            failed_catches=np.zeros(n, np.float32),
        )
        self._streams = np.zeros(n, np.uint64)
        self._actions = np.zeros((n, spec.n_agents), np.int64)
        draws = Draws(
            agent_order=np.zeros((n, spec.n_agents), np.int64),
            prey_order=np.zeros((n, n_prey), np.int64),
            rest=np.zeros((n, n_prey), np.float64),
            direction=np.zeros((n, n_prey), np.float64),
        )
        self._outputs = Outputs(
            obs=np.zeros((n, spec.n_agents, spec.obs_size), np.bool_),
            state=np.zeros((n, spec.state_size), np.bool_),
            avail_actions=np.zeros((n, spec.n_agents, spec.n_actions), np.bool_),
            reward=np.zeros(n, np.float32),
            terminated=np.zeros(n, np.bool_),
            truncated=np.zeros(n, np.bool_),
        )
        self._table = bundled(
            Table(self._game, self.world, self._streams, draws, self._actions, self._outputs)
        )
        obs, state, avail_actions, reward, terminated, truncated = self._outputs
        info = {"captures": self.world.captures, "failed_catches": self.world.failed_catches}
        self._step = Step(Observation(obs, state, avail_actions), reward, terminated, truncated, info)


def _check_sizes(shape: tuple[int, int], radius: tuple[int, int]) -> None:
    """Refuse a grid and windows whose table of neighbours would fill the memory."""
    cells, window = prod(shape), prod(2 * cells + 1 for cells in radius)
    if cells * window > _LARGEST_TABLE:
        setting, value = ("obs_radius", radius) if window > cells else ("world_shape", shape)
        expected = f"{window:,} cells in sight from each of {cells:,} are too many, above {_LARGEST_TABLE:,}"
        raise SettingError(setting, list(value), expected)


def _check_counts(n_agents: int, n_prey: int, shape: tuple[int, int]) -> None:
    rows, columns = shape
    if n_prey == 0:
        raise SettingError("n_stags", 0, "needs at least one stag or hare")
    if n_agents + n_prey > rows * columns:
        expected = f"agents and {n_prey} prey must fit on the {rows * columns} cells of the grid"
        raise SettingError("n_agents", n_agents, expected)


def _most_beside(reach: NDArray[np.int32]) -> int:
    """How many agents can stand beside one prey, in the place that has most cells beside it.

    On a torus of two rows or columns two of the cells are the same, on one of a single row or column they
    are the prey's own.

    :param reach: the cells beside each of C cells, ``[C, 4]``; C if there is none.
    """
    own = np.arange(len(reach))[:, None]
    beside = np.sort(np.where((reach == own) | (reach == len(reach)), -1, reach), axis=1)
    return int((np.diff(beside, axis=1, prepend=-1) > 0).sum(axis=1).max())


def _agents_needed(setting: str, value: int, n_prey: int, n_agents: int, beside: int) -> int:
    """Check that so many agents can catch a prey together, if there is such prey at all."""
    needed = checks.whole(setting, value, minimum=1)
    if n_prey and needed > n_agents:
        raise SettingError(setting, value, f"must be at most n_agents={n_agents}")
    if n_prey and needed > beside:
        raise SettingError(setting, value, f"must be at most {beside}, the cells beside a prey")
    return needed


def _window(rows: int, columns: int) -> list[tuple[int, int]]:
    """The displacements (row, column) of the K cells that an agent sees, row by row, ``[K, 2]``."""
    return [(row, column) for row in range(-rows, rows + 1) for column in range(-columns, columns + 1)]


def _names(place: str, cells: Sequence[tuple[int, ...]]) -> tuple[str, ...]:
    """What features mean: a piece of a kind in a cell, whose row and column ``place`` spells."""
    spelled = [place.format(*cell) for cell in cells]
    return tuple(f"{kind} {cell}" for cell in spelled for kind in _CHANNEL_NAMES)


def _cells_around(
    shape: tuple[int, int], displacements: Sequence[tuple[int, int]], wrap: bool
) -> NDArray[np.int32]:
    """The cell at each of D displacements from each of C cells, ``[C, D]``; C if it is outside the grid."""
    size = np.array(shape)
    positions = np.indices(shape).reshape(2, -1, 1) + np.array(displacements).T[:, None]
    inside = ((positions >= 0) & (positions < size[:, None, None])).all(axis=0)
    cells = np.ravel_multi_index(tuple(positions), shape, mode="wrap")
    table: NDArray[np.int32] = np.where(inside | wrap, cells, size.prod()).astype(np.int32)
    return table


def _best_return(game: Game, n_agents: int) -> float | None:
    """The highest possible return of an episode, None where it is not known.

    It is known for prey of one kind with a positive reward, if nothing else pays or costs. Then it is the
    return of capturing as much prey as the agents can.
    """
    pays_else = game.reward_time or game.reward_collision or game.capture_terminal
    if len(np.unique(game.prey_code)) != 1 or pays_else:
        return None
    most = min(
        len(game.needed), n_agents // int(game.needed[0]) if game.capture_freezes else len(game.needed)
    )
    return max(0.0, most * float(game.reward_capture[0]))
