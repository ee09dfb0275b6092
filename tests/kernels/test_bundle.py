"""Arguments that are handed over once are the same memory."""

import gc
from copy import deepcopy
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix.envs.predator_prey import PredatorPrey
from remix.kernels.bundle import Bundle, bundled
from remix.kernels.compiler import compiled


class Sums(NamedTuple):
    numbers: NDArray[np.float64]
    total: NDArray[np.float64]
    factor: float


@compiled
def add_up(sums: Bundle) -> int:
    content = sums.content
    content.total[0] = content.factor * content.numbers.sum()
    return content.numbers.size


def test_compiled_code_reads_and_writes_the_arrays_themselves():
    content = Sums(np.arange(4.0), np.zeros(1), 2.0)
    bundle = bundled(content)
    assert (add_up(bundle), content.total[0]) == (4, 12.0)
    content.numbers[0] = 5.0
    add_up(bundle)
    assert content.total[0] == 22.0


def test_a_bundle_keeps_its_arrays():
    total = np.zeros(1)
    bundle = bundled(Sums(np.full(100_000, 3.0), total, 1.0))
    gc.collect()
    others = [np.full(100_000, 7.0) for _ in range(10)]
    add_up(bundle)
    assert total[0] == 300_000.0 and len(others) == 10


def test_a_copied_game_plays_on_by_itself():
    game, seeds, actions = PredatorPrey(), np.arange(3), np.zeros((3, 8), np.int64)
    game.reset(seeds)
    twin = deepcopy(game)
    before = game.step(actions).observation.state.copy()
    game.step(actions)
    assert np.array_equal(twin.step(actions).observation.state, before)
