"""Independent Q-learning."""

from functools import partial

import torch

from remix.algorithms.independent import IndependentQLearning
from remix.learning.episodes import collate, pack
from remix.learning.policy import Policy
from tests.algorithms.oracle import independent_loss
from tests.samples import make_batch, make_episode, make_spec

SPEC = make_spec()


def build():
    module = IndependentQLearning(SPEC, policy=partial(Policy, hidden_size=16))
    for parameter in module.target_agent.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return module


def test_loss_and_gradient_of_a_batch_are_those_of_its_transitions_and_agents():
    module = build()
    episodes = [
        make_episode(SPEC, n, seed, end) for seed, (n, end) in enumerate([(3, True), (6, False), (1, True)])
    ]
    loss, _ = module.loss(collate([pack(episode) for episode in episodes], SPEC), env_steps=0)
    expected = independent_loss(module, episodes)
    torch.testing.assert_close(loss, expected)
    trained = list(module.policy.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(loss, trained), torch.autograd.grad(expected, trained), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_every_agent_gets_the_team_reward_and_counts_alike():
    """Worked example: utilities 1, 2, 3 of the taken actions, reward 5, no future."""
    module, batch = build(), make_batch(SPEC, [1], terminated=[True])
    batch.reward[:] = 5.0
    head = module.policy.agent.head
    head.weight.data.zero_()
    head.bias.data.copy_(torch.tensor([1.0, 2.0, 3.0, 100.0]))
    batch.actions[:] = torch.tensor([[0, 1, 2]])
    loss, metrics = module.loss(batch, env_steps=0)
    torch.testing.assert_close(loss, torch.tensor(0.5 * (16 + 9 + 4) / 3))
    torch.testing.assert_close(metrics["train/target"], torch.tensor(5.0))
    torch.testing.assert_close(metrics["train/q_taken"], torch.tensor(2.0))
