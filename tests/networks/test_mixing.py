"""The compiled mixing layer of QMIX; against PyTorch's it is compared in tests of the mixer."""

import numpy as np
import pytest

from remix.kernels.mixing import Mixing, backward_rows, forward_rows


def mixed(units: int, gap: int, seed: int) -> dict[str, bytes]:
    """What comes of one row with one agent, arrays lying ``gap`` numbers apart, gradients behind numbers."""
    shapes = {"utilities": (1, 1), "weights": (1, 3 * units + 1)}
    numbers = np.random.default_rng(seed).normal(size=(len(shapes), 3 * units + 1)).astype(np.float32)
    memory, end = np.zeros(20 * (units + gap), np.float32), 0

    def array(*shape: int) -> np.ndarray:
        nonlocal end
        start, end = end, end + int(np.prod(shape)) + gap
        return memory[start : end - gap].reshape(shape)

    given, grads = {}, {}
    for (name, shape), values in zip(shapes.items(), numbers, strict=True):
        given[name], grads[name] = array(*shape), array(*shape)
        given[name][:] = values[: shape[1]]
    value, slopes = array(1), array(1, 1)
    forward_rows(0, 1, Mixing(**given), value, slopes)
    backward_rows(0, 1, Mixing(**given), np.ones(1, np.float32), Mixing(**grads))
    return {name: made.tobytes() for name, made in {**grads, "value": value, "slopes": slopes}.items()}


@pytest.mark.parametrize("units", [8, 16, 32])
def test_no_digit_depends_on_where_arrays_lie(units: int) -> None:
    for seed in range(20):
        assert mixed(units, gap=0, seed=seed) == mixed(units, gap=1000, seed=seed)
