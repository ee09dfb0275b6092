"""The recurrent critic of agents' situations."""

import pytest
import torch

from remix.networks.agent import AgentInputs
from remix.networks.features import as_tensor
from remix.networks.value_critic import ValueCritic
from remix.settings.errors import SettingError
from tests.samples import make_batch, make_spec

SPEC = make_spec(obs_size=11, obs_dtype="bool", state_dtype="bool", state_size=20)
INPUTS = AgentInputs(SPEC)
PREDATOR_PREY = make_spec(n_agents=8, n_actions=6, obs_size=75, state_size=300)


@pytest.mark.parametrize("sees", ["own", "state", "state_and_obs"])
def test_what_it_reads(sees):
    batch, critic = make_batch(SPEC, [3, 5]), ValueCritic(SPEC, INPUTS.size, sees)
    rows = critic.rows(batch.state_rows(), batch.obs_rows(), batch.inputs(INPUTS.rows))
    own = INPUTS(batch.observations(), batch.last_actions()).view(-1, 3, INPUTS.size)
    state = batch.states().unsqueeze(1).expand(-1, 3, -1)
    number = torch.eye(3).expand(len(state), -1, -1)
    expected = {
        "own": own,
        "state": torch.cat((state, number), -1),
        "state_and_obs": torch.cat((state, batch.observations(), number), -1),
    }[sees]
    assert torch.equal(as_tensor(rows, torch.float32), expected.flatten(0, 1))
    values = critic(rows, batch.agent_sizes)
    assert values.shape == (10, 3) and values.dtype == torch.float32


@pytest.mark.parametrize(("sees", "size"), [("state_and_obs", 49_601), ("state", 44_801), ("own", 30_273)])
def test_number_of_parameters(sees, size):
    """With the sizes of Predator-Prey, whose agents do not see their number."""
    critic = ValueCritic(PREDATOR_PREY, AgentInputs(PREDATOR_PREY, agent_id=False).size, sees)
    assert sum(p.numel() for p in critic.parameters()) == size


def test_it_can_see_three_things():
    with pytest.raises(SettingError, match="sees=everything: must be one of"):
        ValueCritic(SPEC, INPUTS.size, "everything")
