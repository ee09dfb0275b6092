"""The contract of a mixer (:class:`remix.networks.mixers.base.Mixer`), one function a clause."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor

from remix.checking.outcome import Flaw, NotChecked, Report, expect, run_checks
from remix.checking.tables import SPEC, Table, random_actions
from remix.envs.spec import EnvSpec
from remix.networks.features import Features
from remix.networks.mixers.base import Context, Mixer
from remix.settings.errors import named

_STEP = 1e-5  # of finite differences
_MOST_JOINT_ACTIONS = 5_000


def check_mixer(name: str, make: Callable[[EnvSpec], Mixer], spec: EnvSpec = SPEC, seed: int = 0) -> Report:
    """Every clause that random situations can show.

    :param name: of the mixer, for messages.
    :param make: builds it from a spec: the class, or a partial of it.
    :param spec: for which it is built.
    :param seed: of its weights and of the situations.
    :raises CheckFailed: a clause is broken.
    """
    __tracebackhide__ = True
    return run_checks(name, Mixing(make, spec, seed), CHECKS)


class Mixing:
    """A mixer to be checked, built anew for every check; the parameters are those of :func:`check_mixer`."""

    def __init__(self, make: Callable[[EnvSpec], Mixer], spec: EnvSpec, seed: int) -> None:
        self.make, self.spec, self.seed = make, spec, seed

    def mixer(self, other_weights: bool = False) -> Mixer:
        with isolate_rng(include_cuda=False):
            torch.manual_seed(self.seed + other_weights)
            return self.make(self.spec)

    def monotonic(self) -> Mixer:
        """The mixer, if it says that its value never falls with a utility."""
        mixer = self.mixer()
        if not mixer.monotonic:
            raise NotChecked("monotonic is false")
        return mixer

    def situations(
        self, n_rows: int, dtype: torch.dtype = torch.float32, scale: float = 3.0, number: int = 0
    ) -> tuple[Table, Tensor]:
        """Always the same ones of a number, and joint actions ``[K, N]`` in them."""
        generator = torch.Generator().manual_seed(1000 * self.seed + number)
        table = Table.random(n_rows, dtype, scale, self.spec, generator)
        return table, random_actions(n_rows, self.spec, generator)


def it_is_built_from_a_spec(mixing: Mixing) -> None:
    """A ``Mixer``, which asks for parts of the ``Context`` that there are."""
    mixer = mixing.mixer()
    expect(isinstance(mixer, Mixer), f"makes a {type(mixer).__name__}, must make a Mixer")
    unknown = sorted(set(mixer.requires) - set(Context.__dataclass_fields__))
    known = ", ".join(Context.__dataclass_fields__)
    expect(not unknown, f"requires {', '.join(unknown)}, must be among {known}")


def values_and_slopes_have_their_shapes(mixing: Mixing) -> None:
    """Finite ``[K]`` and ``[K, N]``, the slopes without gradient."""
    table, actions = mixing.situations(50)
    value, slopes = table.mix(mixing.mixer(), actions)
    for what, found, shape in (("value", value, (50,)), ("slopes", slopes, (50, mixing.spec.n_agents))):
        has = list(found.shape)
        expect(has == list(shape), f"{what} of 50 rows has the shape {has}, must have {list(shape)}")
        expect(found.isfinite().all(), f"{what} is not finite")
    expect(not slopes.requires_grad, "slopes have a gradient, must be detached")


def forward_gives_the_value_alone(mixing: Mixing) -> None:
    """The same number as with the slopes, and the same every time."""
    mixer, (table, actions) = mixing.mixer(), mixing.situations(50)
    value, _ = table.mix(mixer, actions)
    again = mixer(table.chosen(actions), table.state, table.context(actions))
    _close("value", again, value, "as with slopes: nothing is random here", exact=True)


def it_reads_only_what_it_requires(mixing: Mixing) -> None:
    """Nobody computes other parts of the ``Context``."""
    mixer, (table, actions) = mixing.mixer(), mixing.situations(50)
    whole = table.context(actions)
    needed = Context(**{name: getattr(whole, name) for name in mixer.requires})
    try:
        value = mixer(table.chosen(actions), table.state, needed)
    except (AssertionError, AttributeError, TypeError) as error:
        raise Flaw(f"reads a part of the context that requires does not name ({named(error)})") from error
    _close("value", value, table.mix(mixer, actions)[0], "as with the whole context")


def single_and_double_precision_agree(mixing: Mixing) -> None:
    """Up to rounding."""
    mixer, (table, actions) = mixing.mixer(), mixing.situations(50)
    value, _ = table.mix(mixer, actions)
    precise = Table(table.utilities.double(), table.state.double(), table.obs.double())
    _close("value", value.double(), precise.mix(mixer.double(), actions)[0], "as in double precision", 1e-3)


def slopes_are_the_derivatives_of_the_value(mixing: Mixing) -> None:
    """By finite differences: a change of a taken utility also moves the agent's maximum, if it is that."""
    mixer, (table, actions) = mixing.mixer().double(), mixing.situations(40, torch.float64)
    _, slopes = table.mix(mixer, actions)
    ends = [
        torch.stack([
            table.moved(agent, actions, step).mix(mixer, actions)[0].detach()
            for agent in range(mixing.spec.n_agents)
        ], dim=-1)
        for step in (_STEP, -_STEP)
    ]  # fmt: skip
    derivatives = (ends[0] - ends[1]) / (2 * _STEP)
    _close("slope", slopes, derivatives, "the derivative of the value by that agent's utility", 1e-4)


def no_slope_is_negative(mixing: Mixing) -> None:
    """Where the mixer says that it is monotonic."""
    mixer, (table, actions) = mixing.monotonic(), mixing.situations(200, scale=30.0)
    _, slopes = table.mix(mixer, actions)
    negative = (slopes < 0).nonzero()
    if len(negative):
        row, agent = negative[0].tolist()
        raise Flaw(f"row {row}, agent {agent}: slope is {slopes[row, agent]:.6g}, must not be negative")


def the_agents_best_actions_are_the_best_together(mixing: Mixing) -> None:
    """Of all joint actions, the one of the agents' own best actions has the highest value (IGM)."""
    mixer, spec = mixing.monotonic(), mixing.spec
    if spec.n_actions**spec.n_agents > _MOST_JOINT_ACTIONS:
        raise NotChecked("the spec has too many joint actions")
    joint = torch.tensor(list(product(range(spec.n_actions), repeat=spec.n_agents)))
    for number in range(20):
        one, _ = mixing.situations(1, number=number)
        everywhere = Table(
            one.utilities.expand(len(joint), -1, -1),
            one.state.expand(len(joint), -1),
            one.obs.repeat(len(joint), 1),
        )
        values, _ = everywhere.mix(mixer, joint)
        greedy, _ = one.mix(mixer, one.utilities.argmax(-1))
        rule = f"the highest of all: joint action {joint[values.argmax()].tolist()} has it"
        _close("value of the agents' best actions", greedy, values.max().unsqueeze(0), rule)


def each_row_is_mixed_by_itself(mixing: Mixing) -> None:
    """No other row of the batch matters."""
    mixer, (table, actions) = mixing.mixer(), mixing.situations(8)
    together, slopes = table.mix(mixer, actions)
    alone = [table.rows(slice(i, i + 1)).mix(mixer, actions[i : i + 1]) for i in range(8)]
    _close("value", together, torch.cat([value for value, _ in alone]), "as of that row alone")
    _close("slope", slopes, torch.cat([slope for _, slope in alone]), "as of that row alone")


def packed_rows_mix_as_dense_ones(mixing: Mixing) -> None:
    """0/1 states and observations come as :class:`Features` where compiled passes compute."""
    mixer, (table, actions) = mixing.mixer(), mixing.situations(50)
    dense = Table(table.utilities, (table.state > 0.5).float(), (table.obs > 0.5).float())
    maxima = table.utilities.amax(-1)
    packed = Context(actions, maxima, _packed(dense.obs))
    try:
        value, slopes = mixer.value_and_slopes(dense.chosen(actions), _packed(dense.state), packed)
    except (AttributeError, TypeError) as error:
        advice = "let a remix.networks.feedforward.FeedForward read them"
        raise Flaw(f"cannot mix packed states, which are Features ({named(error)}); {advice}") from error
    expected = dense.mix(mixer, actions)
    _close("value", value, expected[0], "as of dense rows")
    _close("slope", slopes, expected[1], "as of dense rows")


def every_parameter_learns(mixing: Mixing) -> None:
    """The gradient of the value reaches all of them, and every agent's utility."""
    mixer, (table, actions) = mixing.mixer(), mixing.situations(200)
    table.utilities.requires_grad_()
    value, _ = table.mix(mixer, actions)
    expect(value.requires_grad, "value has no gradient")
    value.square().sum().backward()
    for name, parameter in mixer.named_parameters():
        reached = parameter.grad is not None and parameter.grad.any()
        expect(reached or not parameter.requires_grad, f"parameter {name} gets no gradient")
    gradient = table.utilities.grad
    for agent in range(mixing.spec.n_agents):
        reached = gradient is not None and gradient[:, agent].any()
        expect(reached, f"the utilities of agent {agent} get no gradient")


def its_state_dict_is_all_there_is(mixing: Mixing) -> None:
    """Another mixer with that state mixes alike, as target networks and checkpoints need it."""
    mixer, other, (table, actions) = mixing.mixer(), mixing.mixer(other_weights=True), mixing.situations(50)
    other.load_state_dict(mixer.state_dict())
    value, _ = table.mix(other, actions)
    rule = "as of the mixer whose state_dict it got"
    _close("value", value, table.mix(mixer, actions)[0], rule, exact=True)


CHECKS = (
    it_is_built_from_a_spec,
    values_and_slopes_have_their_shapes,
    forward_gives_the_value_alone,
    it_reads_only_what_it_requires,
    single_and_double_precision_agree,
    slopes_are_the_derivatives_of_the_value,
    no_slope_is_negative,
    the_agents_best_actions_are_the_best_together,
    each_row_is_mixed_by_itself,
    packed_rows_mix_as_dense_ones,
    every_parameter_learns,
    its_state_dict_is_all_there_is,
)


def _close(
    what: str, found: Tensor, expected: Tensor, rule: str, tolerance: float = 1e-5, exact: bool = False
) -> None:
    """:raises Flaw: naming the first row (and agent) ``[K]`` or ``[K, N]`` that differs."""
    found, expected = found.detach(), expected.detach()
    if exact:
        same = found == expected
    else:
        same = torch.isclose(found, expected, rtol=tolerance, atol=tolerance)
    if same.all():
        return
    place = (~same).nonzero()[0].tolist()
    where = ", ".join(f"{axis} {i}" for axis, i in zip(("row", "agent"), place, strict=False))
    raise Flaw(f"{where}: {what} is {found[tuple(place)]:.6g}, must be {expected[tuple(place)]:.6g}, {rule}")


def _packed(rows: Tensor) -> Features:
    """0/1 rows ``[R, I]`` as the positions of their ones."""
    bits = torch.from_numpy(np.packbits(rows.bool().numpy(), axis=-1))
    return Features.of_bits(bits, rows.shape[1])
