"""Compiled rules of Predator-Prey for a batch of E episodes.

The cells of the grid are numbered row by row from 0 to C - 1. Only the tables of :class:`Game` say which
cells are neighbours. So the rules are the same in a bounded and in a toroidal world. Cell C stands for
everything outside a bounded world: it is a wall, and always looks empty.

A :func:`step` has two parts. :func:`draw` makes all random decisions of the step; :func:`play` follows the
rules with given decisions. All functions write into the arrays of their arguments.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.kernels.bundle import Bundle
from remix.kernels.compiling import compile_kept

# The actions. The first four are also the directions of the prey.
RIGHT, DOWN, LEFT, UP, STAY, CATCH = range(6)
DIRECTIONS = 4

# What a cell holds. Channel c of observations and of the state shows code c + 1.
EMPTY, AGENT, STAG, HARE, FROZEN, WALL = range(6)
CHANNELS = 3

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_FACTOR_1 = np.uint64(0xBF58476D1CE4E5B9)
_FACTOR_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3, _SHIFT_53 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)

compiled = partial(compile_kept, nogil=True)
"""Compile a function; its machine code runs without the GIL."""


class Game(NamedTuple):
    """What never changes, for C cells, K cells in a window and P prey (stags first).

    ``neighbours [C, 4]`` is the next cell in each direction. ``reach [C, 4]`` are the cells from which an
    agent can catch a prey in a cell. ``window [C, K]`` are the cells that an agent sees. By prey, ``[P]``:
    ``prey_code`` in the grid, agents ``needed``, ``reward_capture`` and the probability ``p_rest`` to rest.
    """

    neighbours: NDArray[np.int32]
    reach: NDArray[np.int32]
    window: NDArray[np.int32]
    prey_code: NDArray[np.int8]
    needed: NDArray[np.int64]
    reward_capture: NDArray[np.float64]
    p_rest: NDArray[np.float64]
    reward_time: float
    reward_collision: float
    punishment: float
    episode_limit: int
    capture_terminal: bool
    capture_freezes: bool
    remove_frozen: bool


class World(NamedTuple):
    """The situation of each of E episodes.

    ``cells [E, C + 1]`` is what each cell holds. ``agents [E, N]`` and ``prey [E, P]`` are their cells; of
    captured prey and removed agents it is the last one. ``active [E, N]``, ``alive [E, P]`` and
    ``running [E]`` are flags. ``steps``, ``returns``, ``captures`` and ``failed_catches`` ``[E]`` count since
    the reset.
    """

    cells: NDArray[np.int8]
    agents: NDArray[np.int32]
    prey: NDArray[np.int32]
    active: NDArray[np.bool_]
    alive: NDArray[np.bool_]
    running: NDArray[np.bool_]
    steps: NDArray[np.int64]
    returns: NDArray[np.float64]
    captures: NDArray[np.float32]
    failed_catches: NDArray[np.float32]


class Draws(NamedTuple):
    """All random decisions of one step.

    ``agent_order [E, N]`` and ``prey_order [E, P]`` are permutations; entry k is the number of the one that
    acts as k-th. ``rest`` and ``direction`` ``[E, P]`` lie in [0, 1). A prey rests if ``rest`` is below its
    probability; otherwise it takes the free direction with the number ``int(direction * n_free)``.
    """

    agent_order: NDArray[np.int64]
    prey_order: NDArray[np.int64]
    rest: NDArray[np.float64]
    direction: NDArray[np.float64]


class Outputs(NamedTuple):
    """The results: ``obs [E, N, 3K]``, ``state [E, 3C]``, ``avail_actions [E, N, 6]``, the others ``[E]``."""

    obs: NDArray[np.bool_]
    state: NDArray[np.bool_]
    avail_actions: NDArray[np.bool_]
    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]


class Table(NamedTuple):
    """Everything that a step reads and writes, also ``streams [E]`` of random numbers, ``actions [E, N]``."""

    game: Game
    world: World
    streams: NDArray[np.uint64]
    draws: Draws
    actions: NDArray[np.int64]
    outputs: Outputs


@compiled
def _scramble(z: np.uint64) -> np.uint64:
    z = (z ^ (z >> _SHIFT_1)) * _FACTOR_1
    z = (z ^ (z >> _SHIFT_2)) * _FACTOR_2
    return z ^ (z >> _SHIFT_3)


@compiled
def _uniform(streams: NDArray[np.uint64], e: int) -> float:
    """The next random number in [0, 1) of episode ``e`` (SplitMix64, Steele et al. 2014)."""
    streams[e] += _INCREMENT
    return float(_scramble(streams[e]) >> _SHIFT_53) * 2.0**-53


@compiled
def _shuffle(order: NDArray[np.int64], streams: NDArray[np.uint64], e: int) -> None:
    """Fill ``order`` with a random permutation of its indices."""
    for k in range(order.size):
        j = int(_uniform(streams, e) * (k + 1))
        order[k] = order[j]
        order[j] = k


@compiled
def start(game: Game, world: World, streams: NDArray[np.uint64], seeds: NDArray[np.uint64]) -> None:
    """Put all agents and prey on random free cells, each episode by a new stream from its seed, ``[E]``."""
    n_agents, n_prey = world.agents.shape[1], world.prey.shape[1]
    order = np.empty(game.neighbours.shape[0], np.int64)
    for e in range(seeds.size):
        streams[e] = _scramble(
            seeds[e] + _INCREMENT
        )  # unscrambled seeds that differ by the increment would share a stream
        _shuffle(order, streams, e)
        for i in range(n_agents):
            world.agents[e, i] = order[i]
        for p in range(n_prey):
            world.prey[e, p] = order[n_agents + p]
    world.active[:] = True
    world.alive[:] = True
    world.running[:] = True
    world.steps[:] = 0
    world.returns[:] = 0
    world.captures[:] = 0
    world.failed_catches[:] = 0


@compiled
def occupy(game: Game, world: World) -> None:
    """Write ``world.cells`` from the positions and flags of agents and prey."""
    n_cells = game.neighbours.shape[0]
    for e in range(world.cells.shape[0]):
        world.cells[e, :n_cells] = EMPTY
        world.cells[e, n_cells] = WALL
        for i in range(world.agents.shape[1]):
            if world.active[e, i]:
                world.cells[e, world.agents[e, i]] = AGENT
            elif not game.remove_frozen:
                world.cells[e, world.agents[e, i]] = FROZEN
        for p in range(world.prey.shape[1]):
            if world.alive[e, p]:
                world.cells[e, world.prey[e, p]] = game.prey_code[p]


@compiled
def draw(running: NDArray[np.bool_], streams: NDArray[np.uint64], draws: Draws) -> None:
    """Make the random decisions of the next step of every running episode."""
    for e in range(running.size):
        if running[e]:
            _shuffle(draws.agent_order[e], streams, e)
            _shuffle(draws.prey_order[e], streams, e)
            for p in range(draws.rest.shape[1]):
                draws.rest[e, p] = _uniform(streams, e)
                draws.direction[e, p] = _uniform(streams, e)


@compiled
def valid(running: NDArray[np.bool_], actions: NDArray[np.int64]) -> bool:
    """Whether the actions ``[E, N]`` of all running episodes exist."""
    for e in range(running.size):
        if running[e]:
            for action in actions[e]:
                if not RIGHT <= action <= CATCH:
                    return False
    return True


@compiled
def _move_agents(
    game: Game, world: World, e: int, actions: NDArray[np.int64], order: NDArray[np.int64]
) -> float:
    """Let the agents act one after the other.

    :returns: the reward for collisions.
    """
    cells, reward = world.cells[e], 0.0
    for i in order:
        if world.active[e, i]:
            here = world.agents[e, i]
            target = game.neighbours[here, actions[i]] if actions[i] < DIRECTIONS else here
            if cells[target] == EMPTY:
                cells[here] = EMPTY
                cells[target] = AGENT
                world.agents[e, i] = target
            else:  # staying and catching count, too, as an agent does not move either
                reward += game.reward_collision
    return reward


@compiled
def _find_catchers(
    game: Game, world: World, e: int, p: int, actions: NDArray[np.int64], catchers: NDArray[np.int64]
) -> int:
    """Write the active agents that catch beside prey ``p`` into ``catchers [N]``.

    :returns: their number.
    """
    n_catchers, cell = 0, world.prey[e, p]
    for i in range(actions.size):
        if actions[i] == CATCH and world.active[e, i]:
            for u in range(DIRECTIONS):
                if game.reach[cell, u] == world.agents[e, i]:
                    catchers[n_catchers] = i
                    n_catchers += 1
                    break
    return n_catchers


@compiled
def _capture(game: Game, world: World, e: int, p: int, catchers: NDArray[np.int64]) -> float:
    """Take prey ``p`` out of the game, and its catchers if captures freeze.

    :returns: the reward.
    """
    world.alive[e, p] = False
    world.cells[e, world.prey[e, p]] = EMPTY
    world.captures[e] += 1
    if game.capture_freezes:
        for i in catchers:
            world.active[e, i] = False
            world.cells[e, world.agents[e, i]] = EMPTY if game.remove_frozen else FROZEN
    return float(game.reward_capture[p])


@compiled
def _move_prey(game: Game, world: World, e: int, p: int, rest: float, direction: float) -> None:
    """Move prey ``p`` to a free neighbouring cell, unless it rests or there is none."""
    cells, here, n_free = world.cells[e], world.prey[e, p], 0
    for u in range(DIRECTIONS):
        n_free += cells[game.neighbours[here, u]] == EMPTY
    if n_free == 0 or rest < game.p_rest[p]:
        return
    choice = int(direction * n_free)
    for u in range(DIRECTIONS):
        target = game.neighbours[here, u]
        if cells[target] == EMPTY:
            if choice == 0:
                cells[here] = EMPTY
                cells[target] = game.prey_code[p]
                world.prey[e, p] = target
                return
            choice -= 1


@compiled
def _run_prey(
    game: Game, world: World, e: int, actions: NDArray[np.int64], draws: Draws, catchers: NDArray[np.int64]
) -> float:
    """Let the prey be captured, or move, one after the other.

    :returns: the reward for captures and failed catches.
    """
    reward = 0.0
    for p in draws.prey_order[e]:
        if world.alive[e, p]:
            n_catchers = _find_catchers(game, world, e, p, actions, catchers)
            if n_catchers >= game.needed[p]:
                reward += _capture(game, world, e, p, catchers[:n_catchers])
            else:
                if n_catchers > 0:
                    reward += game.punishment
                    world.failed_catches[e] += 1
                _move_prey(game, world, e, p, draws.rest[e, p], draws.direction[e, p])
    return reward


@compiled
def play(game: Game, world: World, actions: NDArray[np.int64], draws: Draws, outputs: Outputs) -> None:
    """Play one step of every running episode with given ``actions [E, N]`` and random decisions."""
    catchers = np.empty(world.agents.shape[1], np.int64)
    for e in range(world.running.size):
        outputs.reward[e] = 0.0
        outputs.terminated[e] = outputs.truncated[e] = False
        if not world.running[e]:
            continue
        captures_before = world.captures[e]
        reward = game.reward_time + _move_agents(game, world, e, actions[e], draws.agent_order[e])
        reward += _run_prey(game, world, e, actions[e], draws, catchers)
        world.steps[e] += 1
        world.returns[e] += reward
        ended = not world.alive[e].any() or not world.active[e].any()
        ended = ended or (game.capture_terminal and world.captures[e] > captures_before)
        outputs.reward[e] = reward
        # An end in the last step of the limit counts as a cut, as in the original environment.
        outputs.truncated[e] = world.steps[e] >= game.episode_limit
        outputs.terminated[e] = ended and not outputs.truncated[e]
        world.running[e] = not (ended or outputs.truncated[e])
        show(game, world, e, outputs)


@compiled
def step(table: Bundle) -> bool:
    """Play one step of every running episode on a bundled :class:`Table`.

    :returns: whether all actions exist. If not, nothing has been played.
    """
    content = table.content
    if not valid(content.world.running, content.actions):
        return False
    draw(content.world.running, content.streams, content.draws)
    play(content.game, content.world, content.actions, content.draws, content.outputs)
    return True


@compiled
def show(game: Game, world: World, e: int, outputs: Outputs) -> None:
    """Write observations, state and available actions of episode ``e``."""
    cells, state = world.cells[e], outputs.state[e]
    for c in range(game.neighbours.shape[0]):
        state[CHANNELS * c] = cells[c] == AGENT or cells[c] == FROZEN
        state[CHANNELS * c + 1] = cells[c] == STAG
        state[CHANNELS * c + 2] = cells[c] == HARE
    for i in range(world.agents.shape[1]):
        active, here = world.active[e, i], world.agents[e, i]
        _show_actions(game.neighbours[here], cells, active, outputs.avail_actions[e, i])
        if active or not game.remove_frozen:
            _show_window(game.window[here], cells, outputs.obs[e, i])
        else:
            outputs.obs[e, i] = False


@compiled
def _show_actions(
    neighbours: NDArray[np.int32], cells: NDArray[np.int8], active: bool, avail: NDArray[np.bool_]
) -> None:
    """Write the mask of one agent. It can move into every cell of the world, and catch beside prey."""
    outside, beside_prey = cells.size - 1, False
    for u in range(DIRECTIONS):
        avail[u] = active and neighbours[u] != outside
        code = cells[neighbours[u]]
        beside_prey = beside_prey or code in (STAG, HARE)
    avail[STAY] = True
    avail[CATCH] = active and beside_prey


@compiled
def _show_window(window: NDArray[np.int32], cells: NDArray[np.int8], obs: NDArray[np.bool_]) -> None:
    for k in range(window.size):
        code = cells[window[k]]
        obs[CHANNELS * k] = code == AGENT
        obs[CHANNELS * k + 1] = code == STAG
        obs[CHANNELS * k + 2] = code == HARE


@compiled
def show_all(game: Game, world: World, outputs: Outputs) -> None:
    """Write observations, states and available actions of all episodes."""
    for e in range(world.running.size):
        show(game, world, e, outputs)
