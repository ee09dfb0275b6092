"""The contract of a weighting (:class:`remix.weighting.base.Weighting`), one function a clause.

Batches are packed and hold no padding, so there is nothing to ignore; what has to be seen to is that the
order of the transitions means nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from remix.checking.outcome import Flaw, NotChecked, Report, expect, run_checks
from remix.checking.transitions import OPTIONAL, changed, extremes, make_inputs, selected
from remix.settings.errors import named
from remix.weighting.base import Weighting, WeightingInputs, Weights

_LATE = 10**12  # environment steps; no warm-up lasts so long


def check_weighting(name: str, thing: Any, seed: int = 0) -> Report:
    """Every clause that random and extreme transitions can show.

    :param name: of the weighting, for messages.
    :param thing: a weighting, or what makes one without arguments.
    :param seed: of the transitions.
    :raises CheckFailed: a clause is broken.
    """
    __tracebackhide__ = True
    return run_checks(name, Weighing(thing, seed), CHECKS)


class Weighing:
    """A weighting to be checked; the parameters are those of :func:`check_weighting`."""

    def __init__(self, thing: Any, seed: int) -> None:
        self.thing, self.seed = thing, seed

    @cached_property
    def weighting(self) -> Weighting:
        """The weighting that all checks use."""
        made: Weighting = self.thing if isinstance(self.thing, Weighting) else self.thing()
        return made

    @cached_property
    def usual(self) -> WeightingInputs:
        return make_inputs(seed=self.seed, env_steps=_LATE)

    def weights(self, inputs: WeightingInputs) -> Weights:
        """After any warm-up; the inputs are copied, so that no check finds what another has done to them."""
        return self.weighting(replace(changed(inputs, Tensor.clone), env_steps=_LATE))


def it_can_be_made_and_has_a_range(weighing: Weighing) -> None:
    """A ``Weighting``, which asks for inputs that there are."""
    weighting = weighing.weighting
    expect(isinstance(weighting, Weighting), f"is a {type(weighting).__name__}, must be a Weighting")
    has_range = hasattr(weighting, "min_weight") and hasattr(weighting, "max_weight")
    expect(has_range, "has no min_weight and max_weight, must call super().__init__")
    unknown = sorted(set(weighting.requires) - OPTIONAL)
    known = ", ".join(sorted(OPTIONAL))
    expect(not unknown, f"requires {', '.join(unknown)}, must be among {known}")


def weights_are_one_number_for_each_transition(weighing: Weighing) -> None:
    """``Weights`` with finite values ``[K]`` of the targets' type, without gradient."""
    weights = weighing.weights(weighing.usual)
    expect(isinstance(weights, Weights), f"returns a {type(weights).__name__}, must return Weights")
    target, values = weighing.usual.target, weights.values
    found, wanted = (f"{t.dtype} {list(t.shape)}".removeprefix("torch.") for t in (values, target))
    expect(found == wanted, f"weights of {len(target)} transitions are {found}, must be {wanted}")
    expect(not values.requires_grad, "weights have a gradient, must be constants")


def the_same_transitions_get_the_same_weights(weighing: Weighing) -> None:
    """Nothing is random, nothing is remembered, and the inputs stay as they are."""
    inputs = changed(weighing.usual, Tensor.clone)
    first = weighing.weighting(inputs).values.clone()
    for name, value in vars(weighing.usual).items():
        kept = not isinstance(value, Tensor) or torch.equal(value, getattr(inputs, name))
        expect(kept, f"changes its input {name}")
    weighing.weights(make_inputs(seed=weighing.seed + 1))
    _close(weighing.weights(inputs).values, first, "when they come again", tolerance=0.0)


def it_reads_only_what_it_requires(weighing: Weighing) -> None:
    """Nobody computes other inputs."""
    others = dict.fromkeys(OPTIONAL - weighing.weighting.requires)
    try:
        weights = weighing.weights(WeightingInputs(**(vars(weighing.usual) | others)))
    except Exception as error:
        raise Flaw(f"reads an input that requires does not name ({named(error)})") from error
    _close(weights.values, weighing.weights(weighing.usual).values, "when no other inputs are there")


def weights_lie_in_their_range(weighing: Weighing) -> None:
    """Finite and within ``bounds``, whatever training comes to."""
    low, high = weighing.weighting.bounds
    for what, inputs in {"ordinary transitions": weighing.usual, **extremes(weighing.seed)}.items():
        for k, weight in enumerate(weighing.weights(inputs).values.tolist()):
            expect(
                low * (1 - 1e-6) <= weight <= high * (1 + 1e-6),
                f"{what}: the weight of transition {k} is {weight:.6g}, must be between {low:g} and {high:g}",
            )


def equal_transitions_weigh_the_same(weighing: Weighing) -> None:
    """Equal transitions get equal weights, however many there are."""
    values = weighing.weights(extremes(weighing.seed)["equal transitions"]).values
    _close(values, values[:1].expand(len(values)), "among equal transitions")


def the_order_of_transitions_means_nothing(weighing: Weighing) -> None:
    """In reversed order, transitions keep their weights."""
    turned = torch.arange(len(weighing.usual.target) - 1, -1, -1)
    expected = weighing.weights(weighing.usual).values[turned]
    _close(weighing.weights(selected(weighing.usual, turned)).values, expected, "in another order")


def the_warm_up_comes_first(weighing: Weighing) -> None:
    """Its weights before ``warmup_steps`` environment steps, one's own from then on."""
    weighting, inputs = weighing.weighting, weighing.usual
    warmup, steps = weighting.warmup, weighting.warmup_steps
    if warmup is None or steps < 1:
        raise NotChecked("it has no warm-up")
    for now in (0, steps - 1):
        values = weighting(replace(inputs, env_steps=now)).values
        _close(values, warmup(replace(inputs, env_steps=now)).values, f"in the warm-up, at step {now}")
    values = weighting(replace(inputs, env_steps=steps)).values
    _close(values, weighing.weights(inputs).values, f"after the warm-up, at step {steps}")


def diagnostics_can_be_logged(weighing: Weighing) -> None:
    """Scalars named ``weighting/...``, a number or NaN, without gradient."""
    for what, inputs in {"ordinary transitions": weighing.usual, **extremes(weighing.seed)}.items():
        for name, value in weighing.weights(inputs).diagnostics.items():
            expect(name.startswith("weighting/"), f"the diagnostic {name} must be called weighting/...")
            scalar = isinstance(value, Tensor) and value.dim() == 0 and not value.requires_grad
            expect(scalar, f"the diagnostic {name} must be a scalar tensor without gradient")
            expect(not value.isinf(), f"{what}: the diagnostic {name} is infinite, which no store takes")


CHECKS: tuple[Callable[[Weighing], None], ...] = (
    it_can_be_made_and_has_a_range,
    weights_are_one_number_for_each_transition,
    the_same_transitions_get_the_same_weights,
    it_reads_only_what_it_requires,
    weights_lie_in_their_range,
    equal_transitions_weigh_the_same,
    the_order_of_transitions_means_nothing,
    the_warm_up_comes_first,
    diagnostics_can_be_logged,
)


def _close(values: Tensor, expected: Tensor, when: str, tolerance: float = 1e-5) -> None:
    """:raises Flaw: naming the first transition whose weight differs."""
    differs = (~torch.isclose(values, expected, rtol=tolerance, atol=tolerance)).nonzero()
    if len(differs):
        k = int(differs[0])
        raise Flaw(f"the weight of transition {k} is {values[k]:.6g} {when}, must be {expected[k]:.6g}")
