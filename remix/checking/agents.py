"""The contract of an agent network (:class:`remix.networks.agent.RecurrentAgent`), one function a clause."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor

from remix.checking.outcome import Flaw, NotChecked, Report, expect, run_checks
from remix.checking.tables import SPEC
from remix.learning.policy import AgentFactory
from remix.networks.agent import AgentInputs, RecurrentAgent
from remix.networks.features import Features
from remix.networks.own_agent import usable
from remix.networks.trying import expect_shape
from remix.settings.errors import SettingError
from remix.settings.own_code import OwnCodeError

_SIZES = (4, 4, 3, 1, 1)
"""Histories that have a time 0, a time 1, ..., the longest first."""

_TIMES = [time for time, size in enumerate(_SIZES) for _ in range(size)]
_HISTORIES = [history for size in _SIZES for history in range(size)]
"""Of every row, packed."""


def check_agent(name: str, make: AgentFactory, hidden_size: int = 64, seed: int = 0) -> Report:
    """Every clause that random histories can show.

    :param name: of the network, for messages.
    :param make: builds it of an input's width, a number of outputs, and a width.
    :param hidden_size: that width.
    :param seed: of its weights and of the histories.
    :raises CheckFailed: a clause is broken.
    """
    __tracebackhide__ = True
    with torch.no_grad():
        return run_checks(name, Living(make, hidden_size, seed), CHECKS)


class Living:
    """A network to be checked, built anew for every check; the parameters are those of :func:`check_agent`.

    :ivar sizes: int64 ``[T]``, how many histories have each time.
    """

    def __init__(self, make: AgentFactory, hidden_size: int, seed: int) -> None:
        self.make, self.hidden_size, self.seed = make, hidden_size, seed
        self.inputs, self.sizes = AgentInputs(SPEC), torch.tensor(_SIZES)

    def agent(self, other_weights: bool = False) -> RecurrentAgent:
        with isolate_rng(include_cuda=False):
            torch.manual_seed(self.seed + other_weights)
            return self.make(self.inputs.size, SPEC.n_actions, self.hidden_size)

    def rows(self, number: int = 0) -> Tensor:
        """Always the same rows ``[R, I]`` of a number, packed."""
        generator = torch.Generator().manual_seed(1000 * self.seed + number)
        return torch.randn(len(_TIMES), self.inputs.size, generator=generator)

    def memories(self, agent: RecurrentAgent) -> Tensor:
        """What agents remember in other histories, as many times ``[R, H]``."""
        return self.stepped(agent, self.rows(2))[1].clone()

    def stepped(self, agent: RecurrentAgent, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs ``[R, O]``, and what is remembered after them ``[R, H]``, one time step after the other."""
        hidden, steps = rows.new_zeros(_SIZES[0], agent.hidden_size), []
        for now in rows.split(_SIZES):
            outputs, hidden = agent.step(now, hidden[: len(now)])
            steps.append((outputs, hidden))
        return torch.cat([outputs for outputs, _ in steps]), torch.cat([hidden for _, hidden in steps])


def it_is_built_of_its_sizes(living: Living) -> None:
    """A ``RecurrentAgent`` whose ``step`` and ``forward`` give as many numbers as they are asked for."""
    agent = living.agent()
    try:
        usable(agent, living.inputs, SPEC.n_actions)
        outputs = agent(living.rows(), living.sizes)
        expect_shape("agent", agent, "outputs by forward", outputs, len(_TIMES), SPEC.n_actions)
    except OwnCodeError:
        raise
    except SettingError as error:
        raise Flaw(error.expected) from error
    expect(outputs.isfinite().all(), "its forward gives outputs that are not finite")


def the_same_rows_give_the_same_outputs(living: Living) -> None:
    """Nothing is random, nothing remembered but what ``step`` returns, and what is given stays as it is."""
    agent, rows, hidden = living.agent(), living.rows(), living.memories(living.agent())
    given, others = (rows.clone(), hidden.clone()), living.rows(1)
    computations: dict[str, Callable[[Tensor], Tensor]] = {
        "forward": lambda rows: agent(rows, living.sizes).clone(),
        "step": lambda rows: torch.cat(agent.step(rows, hidden), dim=-1),
    }
    for what, compute in computations.items():
        first, _, again = compute(rows), compute(others), compute(rows)
        kept = torch.equal(rows, given[0]) and torch.equal(hidden, given[1])
        expect(kept, f"{what} changes what it is given")
        rule = "as before: nothing may be random, or kept by the network itself"
        _close("number", again, first, f"when the same rows come to {what} again", rule, tolerance=0.0)


def each_row_is_read_by_itself(living: Living) -> None:
    """Neither other agents nor other episodes matter."""
    agent, rows, hidden = living.agent(), living.rows(), living.memories(living.agent())
    rule = "as alone: agents and episodes must not see each other"
    together, alone = agent(rows, living.sizes), torch.empty(len(rows), SPEC.n_actions)
    for history in range(_SIZES[0]):
        places = torch.tensor([row for row, other in enumerate(_HISTORIES) if other == history])
        alone[places] = agent(rows[places], torch.ones(len(places), dtype=torch.int64)).float()
    _close("output", together, alone, "by forward among others", rule)
    both = torch.cat(agent.step(rows, hidden), dim=-1)
    single = [torch.cat(agent.step(rows[i : i + 1], hidden[i : i + 1]), dim=-1) for i in range(len(rows))]
    _close("number", both, torch.cat(single), "by step among others", rule)


def listed_rows_are_read_as_dense_ones(living: Living) -> None:
    """0/1 rows come as :class:`Features` where compiled passes compute."""
    agent, dense = living.agent(), (living.rows() > 0.5).float()
    bits = torch.from_numpy(np.packbits(dense.bool().numpy(), axis=-1))
    listed = agent(Features.of_bits(bits, dense.shape[1]), living.sizes)
    rule = "as of dense rows; make them so with remix.networks.features.as_tensor"
    _close("output", listed, agent(dense, living.sizes), "of listed rows", rule)


def step_by_step_it_computes_what_forward_does(living: Living) -> None:
    """What is played is what is learned: T steps, each with what the last one remembered, are one pass."""
    agent, rows = living.agent(), living.rows()
    outputs, _ = living.stepped(agent, rows)
    rule = "as by forward over the whole history, or agents do not play what they learn"
    _close("output", outputs, agent(rows, living.sizes), "by step", rule)


def with_hidden_gives_what_is_remembered(living: Living) -> None:
    """The outputs of ``forward``, and after every row what ``step`` remembers."""
    agent, rows = living.agent(), living.rows()
    try:
        agent.must_give_hidden()
    except SettingError:
        raise NotChecked("it has none of its own, and cannot be trained by qtran") from None
    outputs, hidden = agent.with_hidden(rows, living.sizes)
    _close("output", outputs, agent(rows, living.sizes), "by with_hidden", "as by forward")
    _close("memory", hidden, living.stepped(agent, rows)[1], "by with_hidden", "as by step")


def single_and_double_precision_agree(living: Living) -> None:
    """Up to rounding."""
    agent, rows = living.agent(), living.rows()
    whole, (steps, _) = agent(rows, living.sizes), living.stepped(agent, rows)
    precise = agent.double()
    rule = "as in double precision"
    _close("output", whole.double(), precise(rows.double(), living.sizes), "by forward", rule, 1e-3)
    _close("output", steps.double(), living.stepped(precise, rows.double())[0], "by step", rule, 1e-3)


def its_state_dict_is_all_there_is(living: Living) -> None:
    """Another network with that state computes alike, as workers, target networks and checkpoints need it."""
    agent, other, rows = living.agent(), living.agent(other_weights=True), living.rows()
    other.load_state_dict(agent.state_dict())
    rule = "as by the network whose state_dict it got"
    _close("output", other(rows, living.sizes), agent(rows, living.sizes), "by forward", rule, tolerance=0.0)


CHECKS = (
    it_is_built_of_its_sizes,
    the_same_rows_give_the_same_outputs,
    each_row_is_read_by_itself,
    listed_rows_are_read_as_dense_ones,
    step_by_step_it_computes_what_forward_does,
    with_hidden_gives_what_is_remembered,
    single_and_double_precision_agree,
    its_state_dict_is_all_there_is,
)


def _close(what: str, found: Tensor, expected: Tensor, when: str, rule: str, tolerance: float = 1e-4) -> None:
    """:raises Flaw: naming the first number that differs, of packed rows ``[R, D]``."""
    has, needs = list(found.shape), list(expected.shape)
    expect(has == needs, f"{what}s {when} have the shape {has}, must have {needs}, {rule}")
    differs = (~torch.isclose(found, expected, rtol=tolerance, atol=tolerance)).nonzero()
    if len(differs):
        row, column = differs[0].tolist()
        where = f"history {_HISTORIES[row]}, time {_TIMES[row]}: {what} {column}"
        raise Flaw(f"{where} is {found[row, column]:.6g} {when}, must be {expected[row, column]:.6g}, {rule}")
