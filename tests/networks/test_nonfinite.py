"""Numbers that are not finite leave the compiled passes where they leave PyTorch's own layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from remix.kernels.sparse import compress, expand
from remix.networks.acting import FrozenAgent
from remix.networks.agent import AgentInputs, RecurrentAgent
from remix.networks.feedforward import FeedForward
from remix.networks.mixing import mix
from tests.samples import make_spec

Pass = Callable[..., Tensor]

# More than one block of rows, of which the last is not whole.
ROWS, BATCH_SIZES = 70, torch.tensor([30, 25, 15])


def mixing(utilities: Tensor, first: Tensor, bias: Tensor, second: Tensor, state_value: Tensor) -> Tensor:
    """Q_tot and its slopes by PyTorch's operations, ``[K, 1 + N]``."""
    weight = first.view(len(first), utilities.shape[1], -1).abs()
    hidden = bias + torch.einsum("kn,knm->km", utilities, weight)
    value = (F.elu(hidden) * second.abs()).sum(-1, keepdim=True) + state_value
    slopes = torch.einsum("knm,km->kn", weight, hidden.clamp(max=0.0).exp() * second.abs())
    return torch.cat((value, slopes.detach()), dim=-1)


def compiled_mixing(*inputs: Tensor) -> Tensor:
    utilities, *weights = inputs
    value, slopes = mix(utilities, torch.cat(weights, -1), inputs[2].shape[-1])
    return torch.cat((value.unsqueeze(-1), slopes), dim=-1)


def feedforward(compiled: bool) -> Pass:
    def run(rows: Tensor, *parameters: Tensor) -> Tensor:
        sizes = [rows.shape[1], *(len(bias) for bias in parameters[1::2])]
        network = FeedForward(*sizes)
        call = network.forward if compiled else super(FeedForward, network).forward
        return _with(network, parameters, call, rows)

    return run


def recurrent(compiled: bool) -> Pass:
    def run(rows: Tensor, *parameters: Tensor) -> Tensor:
        agent = RecurrentAgent(rows.shape[1], len(parameters[-1]), len(parameters[1]))

        def layers(rows: Tensor) -> Tensor:
            hidden, _ = agent.recurrence(PackedSequence(torch.relu(agent.encoder(rows)), BATCH_SIZES))
            return agent.head(hidden.data)

        return _with(agent, parameters, lambda x: agent(x, BATCH_SIZES) if compiled else layers(x), rows)

    return run


def _with(network: nn.Module, parameters: Sequence[Tensor], call: Pass, rows: Tensor) -> Tensor:
    names = [name for name, _ in network.named_parameters()]

    class Call(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self) -> Tensor:
            return call(rows)

    return torch.func.functional_call(
        Call(), {f"network.{n}": p for n, p in zip(names, parameters, strict=True)}, ()
    )


def _random(*shapes: tuple[int, ...]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def mixing_inputs(units: int) -> list[Tensor]:
    return _random((ROWS, 3), (ROWS, 3 * units), (ROWS, units), (ROWS, units), (ROWS, 1))


def feedforward_inputs(width: int) -> list[Tensor]:
    return _random((ROWS, 7), (width, 7), (width,), (width, width), (width,), (3, width), (3,))


def recurrent_inputs(width: int) -> list[Tensor]:
    gates = ((3 * width, width), (3 * width, width), (3 * width,), (3 * width,))
    return _random((ROWS, 7), (width, 7), (width,), *gates, (4, width), (4,))


PASSES = {
    "mixing": (compiled_mixing, mixing, mixing_inputs(8)),
    "feedforward": (feedforward(True), feedforward(False), feedforward_inputs(16)),
    "feedforward of odd width": (feedforward(True), feedforward(False), feedforward_inputs(5)),
    "recurrent": (recurrent(True), recurrent(False), recurrent_inputs(16)),
    "recurrent of odd width": (recurrent(True), recurrent(False), recurrent_inputs(5)),
}
CASES = [(name, which) for name, (*_, inputs) in PASSES.items() for which in range(len(inputs) + 1)]


def results(run: Pass, inputs: Sequence[Tensor], grad: Tensor, differentiated: int) -> list[Tensor]:
    """Outputs, and the gradients of the last inputs."""
    leaves = [x.clone().requires_grad_(i >= len(inputs) - differentiated) for i, x in enumerate(inputs)]
    outputs = run(*leaves)
    return [outputs.detach(), *torch.autograd.grad(outputs, leaves[-differentiated:], grad)]


def compared(name: str, which: int, wrong: float, at: tuple[int, int]) -> list[tuple[Tensor, Tensor]]:
    """Ours and PyTorch's results with a wrong number in one input; after the inputs comes the gradient."""
    ours, theirs, inputs = PASSES[name]
    inputs = [*(x.clone() for x in inputs), *_random(tuple(theirs(*inputs).shape))]
    inputs[which].view(len(inputs[which]), -1)[at] = wrong
    # The compiled recurrent pass has no gradient of its rows.
    differentiated = len(inputs) - (2 if name.startswith("recurrent") else 1)
    return list(
        zip(*(results(run, inputs[:-1], inputs[-1], differentiated) for run in (ours, theirs)), strict=True)
    )


PLACES = ((0, 0), (2, -1), (1, 0))


@pytest.mark.parametrize(("name", "which"), CASES)
def test_nan_comes_out_where_it_comes_out_of_pytorch(name, which):
    for at in PLACES:
        for ours, theirs in compared(name, which, torch.nan, at):
            assert torch.equal(ours.isnan(), theirs.isnan())
            assert torch.equal(ours.isinf(), theirs.isinf())


@pytest.mark.parametrize("wrong", [torch.inf, -torch.inf])
@pytest.mark.parametrize(("name", "which"), CASES)
def test_infinity_is_never_lost(name, which, wrong):
    """Some of the formulas differ: infinity may come out as NaN, and from columns of padding, too."""
    for at in PLACES:
        for ours, theirs in compared(name, which, wrong, at):
            assert not (ours.isfinite() & ~theirs.isfinite()).any()
            if "odd" not in name:
                assert torch.equal(ours.isfinite(), theirs.isfinite())


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("which", range(10))
def test_a_step_of_the_frozen_network_hides_nothing(which, wrong):
    rows, *parameters = recurrent_inputs(16)
    inputs = AgentInputs(make_spec(n_agents=2, obs_size=7), last_action=False, agent_id=False)
    agent = RecurrentAgent(7, 4, 16)
    for parameter, value in zip(agent.parameters(), parameters, strict=True):
        parameter.data = value.clone()
    hidden, obs = torch.randn(ROWS, 16), rows.clone().view(-1, 2, 7)
    places = [obs.view(-1, 7), hidden, *(parameter.data for parameter in agent.parameters())]
    places[which].view(len(places[which]), -1)[2, 0] = wrong
    with torch.no_grad():
        expected = agent.step(obs.flatten(0, 1), hidden)
    last_actions = np.full((ROWS // 2, 2), -1)
    found = FrozenAgent(inputs, agent).step(obs.numpy(), last_actions, hidden.numpy())
    for ours, theirs in zip(map(torch.from_numpy, found), expected, strict=True):
        assert torch.equal(ours.isnan(), theirs.isnan())
        assert torch.equal(ours.isinf(), theirs.isinf())


def test_storage_keeps_what_is_no_number():
    rows = np.array([[0.0, 1.0, np.nan], [np.inf, -np.inf, -0.0]], np.float32)
    ones, others = np.zeros((2, 1), np.uint8), np.zeros((2, 1), np.uint8)
    values, restored = np.empty(6, np.float32), np.zeros_like(rows)
    count = compress(rows, ones, others, values)
    expand(ones, others, values[:count], np.arange(2), restored)
    np.testing.assert_array_equal(restored, rows)
