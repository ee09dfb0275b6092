"""The agents' shared recurrent network and its inputs."""

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence

from remix.networks.agent import AgentInputs, RecurrentAgent
from tests.samples import make_spec

SPEC = make_spec()
OBS = torch.arange(2 * 3 * 5).view(2, 3, 5)
LAST_ACTIONS = torch.tensor([[-1, -1, -1], [0, 3, 1]])
PARTS = ("outputs", "hidden")


def gradients(agent, parts, factors):
    """Of the sum of all numbers times their factors, with respect to the parameters."""
    total = sum((part * factor).sum() for part, factor in zip(parts, factors, strict=True))
    return torch.autograd.grad(total, list(agent.parameters()), materialize_grads=True)


def test_input_is_observation_last_action_number():
    rows = AgentInputs(SPEC)(OBS, LAST_ACTIONS)
    assert rows.shape == (2 * 3, 5 + 4 + 3)
    assert rows.dtype == torch.float32
    # first row of time, agent 1: no action yet
    assert rows[1].tolist() == [5, 6, 7, 8, 9, *(0, 0, 0, 0), *(0, 1, 0)]
    # second row of time, agents 0 to 2
    assert rows[3].tolist() == [15, 16, 17, 18, 19, *(1, 0, 0, 0), *(1, 0, 0)]
    assert rows[4].tolist() == [20, 21, 22, 23, 24, *(0, 0, 0, 1), *(0, 1, 0)]
    assert rows[5].tolist() == [25, 26, 27, 28, 29, *(0, 1, 0, 0), *(0, 0, 1)]


@pytest.mark.parametrize(
    ("last_action", "agent_id", "expected"),
    [
        (False, False, []),
        (True, False, [0, 0, 0, 1]),
        (False, True, [0, 1, 0]),
    ],
)
def test_parts_can_be_left_out(last_action, agent_id, expected):
    inputs = AgentInputs(SPEC, last_action, agent_id)
    rows = inputs(OBS, LAST_ACTIONS)
    assert rows.shape == (6, inputs.size)
    assert rows[4].tolist() == [20, 21, 22, 23, 24, *expected]


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32])
def test_observations_of_any_type(dtype):
    obs = (OBS % 2).to(dtype)
    assert torch.equal(AgentInputs(SPEC)(obs, LAST_ACTIONS)[:, :5], (OBS % 2).float().view(6, 5))


def test_step_by_step_equals_whole_histories():
    """Sequences of different lengths, packed: 4 run at step 0, 3 at step 1, 1 at steps 2 and 3."""
    agent = RecurrentAgent(input_size=6, n_outputs=4, hidden_size=16)
    batch_sizes = [4, 3, 1, 1]
    rows = torch.randn(sum(batch_sizes), 6)
    whole = agent(rows, torch.tensor(batch_sizes))
    hidden, stepwise = torch.zeros(4, 16), []
    for n, inputs in zip(batch_sizes, rows.split(batch_sizes), strict=True):
        outputs, hidden = agent.step(inputs, hidden[:n])
        stepwise.append(outputs)
    torch.testing.assert_close(whole, torch.cat(stepwise))


def test_history_matters():
    agent = RecurrentAgent(input_size=6, n_outputs=4)
    rows = torch.randn(2, 6)
    other = torch.cat((torch.randn(1, 6), rows[1:]))
    sizes = torch.tensor([1, 1])
    assert not torch.allclose(agent(rows, sizes)[1], agent(other, sizes)[1])


class TestWithHidden:
    """Outputs together with the hidden states, whether the pass is compiled or not."""

    @pytest.fixture(autouse=True, params=["compiled", "layers"])
    def _device(self, request, monkeypatch):
        if request.param == "layers":
            monkeypatch.setattr("remix.networks.agent.compiles", lambda weight: False)

    def test_hidden_states_are_those_of_each_agent_at_each_step_of_each_episode(self):
        """Packed as in a batch: by time, then episode, then agent."""
        agent, n_agents, lengths = RecurrentAgent(6, 4, hidden_size=16), 3, [5, 3, 3, 1]
        sizes = torch.tensor([sum(length > t for length in lengths) for t in range(max(lengths))])
        rows = torch.randn(sum(lengths), n_agents, 6)
        outputs, states = agent.with_hidden(rows.flatten(0, 1), sizes * n_agents)
        outputs, states = outputs.unflatten(0, (-1, n_agents)), states.unflatten(0, (-1, n_agents))
        starts = sizes.cumsum(0) - sizes
        for episode, length in enumerate(lengths):
            for i in range(n_agents):
                hidden = torch.zeros(1, 16)
                for t in range(length):
                    point = int(starts[t]) + episode
                    output, hidden = agent.step(rows[point, i : i + 1], hidden)
                    torch.testing.assert_close(states[point, i], hidden[0], rtol=0.0, atol=2e-6)
                    torch.testing.assert_close(outputs[point, i], output[0], rtol=0.0, atol=4e-6)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize("read", ["outputs", "hidden", "both"])
    def test_gradients_are_those_of_plain_layers(self, read, dtype):
        agent, sizes = RecurrentAgent(6, 4, hidden_size=13).to(dtype), torch.tensor([70, 70, 3, 3, 1])
        rows = torch.randn(int(sizes.sum()), 6, dtype=dtype)
        encoded = torch.relu(agent.encoder(rows))
        hidden, _ = agent.recurrence(PackedSequence(encoded, sizes))
        theirs, ours = (agent.head(hidden.data), hidden.data), agent.with_hidden(rows, sizes)
        factors = [
            torch.randn_like(part) * (read in (name, "both"))
            for name, part in zip(PARTS, theirs, strict=True)
        ]
        tolerance = 1e-5 if dtype == torch.float32 else 1e-13
        for mine, other in zip(*(gradients(agent, parts, factors) for parts in (ours, theirs)), strict=True):
            scale = max(1.0, float(other.abs().max()))
            torch.testing.assert_close(mine / scale, other / scale, rtol=0.0, atol=tolerance)

    def test_outputs_are_those_without(self):
        agent, rows, sizes = RecurrentAgent(6, 4), torch.randn(7, 6), torch.tensor([4, 2, 1])
        torch.testing.assert_close(agent.with_hidden(rows, sizes)[0], agent(rows, sizes))

    def test_frozen_weights_get_no_gradient(self):
        agent, rows = RecurrentAgent(6, 4).requires_grad_(False), torch.randn(7, 6)
        assert not any(part.requires_grad for part in agent.with_hidden(rows, torch.tensor([4, 2, 1])))

    def test_under_autocast_nothing_but_rounding_changes(self):
        agent, rows, sizes = RecurrentAgent(6, 4), torch.randn(12, 6), torch.tensor([4, 4, 4])
        exact = agent.with_hidden(rows, sizes)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = agent.with_hidden(rows, sizes)
        for low, high in zip(rounded, exact, strict=True):
            assert (low - high).norm() <= 0.03 * high.norm()


@pytest.mark.parametrize(("agent_id", "count"), [(False, 30_598), (True, 31_110)])
def test_number_of_parameters(agent_id, count):
    """With the sizes of Predator-Prey."""
    inputs = AgentInputs(make_spec(n_agents=8, n_actions=6, obs_size=75), agent_id=agent_id)
    assert sum(p.numel() for p in RecurrentAgent(inputs.size, 6).parameters()) == count
