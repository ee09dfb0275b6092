"""The agents' shared recurrent network and its inputs."""

import pytest
import torch

from remix.networks.agent import AgentInputs, RecurrentAgent
from tests.samples import make_spec

SPEC = make_spec()
OBS = torch.arange(2 * 3 * 5).view(2, 3, 5)
LAST_ACTIONS = torch.tensor([[-1, -1, -1], [0, 3, 1]])


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


@pytest.mark.parametrize(("agent_id", "count"), [(False, 30_598), (True, 31_110)])
def test_number_of_parameters(agent_id, count):
    """With the sizes of Predator-Prey."""
    inputs = AgentInputs(make_spec(n_agents=8, n_actions=6, obs_size=75), agent_id=agent_id)
    assert sum(p.numel() for p in RecurrentAgent(inputs.size, 6).parameters()) == count


class TestFrozen:
    def test_steps_are_the_same(self):
        agent = RecurrentAgent(input_size=6, n_outputs=4, hidden_size=16)
        rows, hidden = torch.randn(150, 6), torch.randn(150, 16)
        expected = agent.step(rows, hidden)
        with agent.frozen():
            frozen = agent.step(rows, hidden)
        for ours, theirs in zip(frozen, expected, strict=True):
            assert not ours.requires_grad
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=2e-6)

    def test_given_states_stay_as_they_are(self):
        agent, hidden = RecurrentAgent(input_size=6, n_outputs=4, hidden_size=16), torch.zeros(3, 16)
        with agent.frozen():
            agent.step(torch.randn(3, 6), hidden)
        assert not hidden.any()

    def test_weights_count_from_the_beginning_to_the_end(self):
        agent, rows, hidden = RecurrentAgent(6, 4), torch.randn(3, 6), torch.zeros(3, 64)
        with agent.frozen():
            before = agent.step(rows, hidden)[0]
            agent.head.bias.data += 1.0
            assert torch.equal(agent.step(rows, hidden)[0], before)
        torch.testing.assert_close(agent.step(rows, hidden)[0], before + 1.0)

    def test_an_error_ends_it(self):
        agent = RecurrentAgent(6, 4)
        with pytest.raises(KeyError), agent.frozen():
            raise KeyError
        assert agent.step(torch.randn(3, 6), torch.zeros(3, 64))[0].requires_grad

    def test_double_precision_weights_compute_in_double_precision(self):
        agent, rows = RecurrentAgent(6, 4).double(), torch.randn(3, 6)
        with agent.frozen():
            outputs, hidden = agent.step(rows, torch.zeros(3, 64))
        expected, _ = agent.step(rows.double(), torch.zeros(3, 64, dtype=torch.float64))
        torch.testing.assert_close(outputs, expected, rtol=1e-12, atol=1e-12)
        assert hidden.dtype == torch.float64
