"""Exploration, availability and probabilities of the decentralised policy."""

import numpy as np
import pytest
import torch

from remix.learning.policy import ActorCriticPolicy, Policy, StochasticPolicy, greedy_actions
from remix.networks.normalised_agent import NormalisedAgent
from remix.networks.softmax import log_policy, with_exploration
from tests.samples import make_spec

SPEC = make_spec()
E = 400


@pytest.fixture
def policy():
    return Policy(SPEC)


def situation(n=E):
    """Observations, last actions and availability (at least one, at most all actions) of n episodes."""
    avail_actions = torch.rand(n, SPEC.n_agents, SPEC.n_actions) < 0.5
    avail_actions |= torch.nn.functional.one_hot(
        torch.randint(SPEC.n_actions, (n, SPEC.n_agents)), SPEC.n_actions
    ).bool()
    return torch.randn(n, SPEC.n_agents, 5), torch.full((n, SPEC.n_agents), -1), avail_actions


def act(policy, situation, exploration, noise=None):
    """Actions, their probabilities and the next hidden state as tensors."""
    n = len(situation[0])
    noise = torch.rand(n, SPEC.n_agents, 2) if noise is None else noise
    obs, last_actions, avail_actions = (part.numpy() for part in situation)
    acted = policy.act(obs, last_actions, avail_actions, policy.initial_state(n), exploration, noise.numpy())
    return tuple(map(torch.from_numpy, acted))


def best_available(policy, situation):
    """Index of the highest utility among the available actions, found one by one."""
    obs, last_actions, avail_actions = situation
    rows = policy.inputs(obs, last_actions)
    utilities, _ = policy.agent.step(rows, torch.from_numpy(policy.initial_state(len(obs))))
    best = [
        max((value, i) for i, value in enumerate(values) if avail[i])[1]
        for values, avail in zip(utilities.tolist(), avail_actions.flatten(0, 1).tolist(), strict=True)
    ]
    return torch.tensor(best).view(len(obs), SPEC.n_agents)


def test_greedy_without_exploration(policy):
    now = situation()
    actions, probability, _ = act(policy, now, 0.0)
    assert torch.equal(actions, best_available(policy, now))
    assert (probability == 1).all()


@pytest.mark.parametrize("exploration", [None, 0.0, 0.3, 1.0])
@pytest.mark.parametrize("kind", [Policy, StochasticPolicy, ActorCriticPolicy])
def test_only_available_actions(kind, exploration):
    policy, now = kind(SPEC), situation()
    for extreme in (0.0, 0.5, 1.0 - 2.0**-24):
        actions, _, _ = act(policy, now, exploration, torch.full((E, SPEC.n_agents, 2), extreme))
        assert now[2].gather(-1, actions.unsqueeze(-1)).all()
    actions, _, _ = act(policy, now, exploration)
    assert now[2].gather(-1, actions.unsqueeze(-1)).all()


def test_noise_chooses_evenly_among_available_actions(policy):
    """With exploration 1 the second random number runs through the available actions, in equal parts."""
    now = tuple(part[:1].repeat(12, *[1] * (part.ndim - 1)) for part in situation(1))
    now[2][:] = torch.tensor([True, False, True, True])
    noise = torch.zeros(12, SPEC.n_agents, 2)
    noise[..., 1] = torch.linspace(0, 1, 13)[:-1].unsqueeze(1) + 1e-4
    actions, probability, _ = act(policy, now, 1.0, noise)
    for agent in range(SPEC.n_agents):
        assert actions[:, agent].tolist() == [0] * 4 + [2] * 4 + [3] * 4
    torch.testing.assert_close(probability, torch.full_like(probability, 1 / 3))


def test_probabilities_are_those_of_the_choices(policy):
    """Every action is taken as often as its reported probability says."""
    n, exploration = 40_000, 0.4
    one = situation(1)
    now = tuple(part.expand(n, *part.shape[1:]) for part in one)
    actions, probability, _ = act(policy, now, exploration)
    for agent in range(SPEC.n_agents):
        n_available = int(one[2][0, agent].sum())
        greedy = int(best_available(policy, one)[0, agent])
        for action in range(SPEC.n_actions):
            taken = actions[:, agent] == action
            expected = exploration / n_available if one[2][0, agent, action] else 0.0
            expected += (1 - exploration) * (action == greedy)
            assert taken.float().mean().item() == pytest.approx(expected, abs=0.015)
            assert probability[taken, agent].tolist() == pytest.approx([expected] * int(taken.sum()))


@pytest.mark.parametrize("exploration", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("kind", [StochasticPolicy, ActorCriticPolicy])
def test_stochastic_choices_follow_the_softmax(kind, exploration):
    """Every action is taken as often as the policy mixed with uniform choice says, and reports that."""
    n, policy, one = 40_000, kind(SPEC), situation(1)
    with torch.no_grad():
        policy.agent.head.weight.mul_(8.0)
        outputs, _ = policy.agent.step(policy.inputs(*one[:2]), torch.from_numpy(policy.initial_state(1)))
    outputs = outputs.view(1, SPEC.n_agents, -1)[..., : SPEC.n_actions]
    expected = with_exploration(log_policy(outputs, one[2]), one[2], exploration).exp()[0]
    now = tuple(part.expand(n, *part.shape[1:]) for part in one)
    actions, probability, _ = act(policy, now, exploration)
    torch.testing.assert_close(
        probability, expected.expand(n, -1, -1).gather(2, actions.unsqueeze(2)).squeeze(2)
    )
    shares = torch.nn.functional.one_hot(actions, SPEC.n_actions).float().mean(0)
    torch.testing.assert_close(shares, expected, atol=0.015, rtol=0.0)


@pytest.mark.parametrize("kind", [Policy, StochasticPolicy, ActorCriticPolicy])
def test_evaluation_takes_the_best_action(kind):
    policy, now = kind(SPEC), situation()
    actions, probability, _ = act(policy, now, None)
    outputs, _ = policy.agent.step(policy.inputs(*now[:2]), torch.from_numpy(policy.initial_state(E)))
    outputs = outputs.view(E, SPEC.n_agents, -1)[..., : SPEC.n_actions]
    assert torch.equal(actions, greedy_actions(outputs, now[2]))
    assert (probability == 1).all()


def test_large_outputs_do_not_overflow():
    policy, now = StochasticPolicy(SPEC), situation()
    with torch.no_grad():
        policy.agent.head.weight.mul_(1e4)
    _, probability, _ = act(policy, now, 0.0)
    assert probability.isfinite().all() and (probability > 0).all()


def test_hidden_state_is_carried(policy):
    obs, last_actions, avail_actions = situation(2)
    _, _, first = act(policy, (obs, last_actions, avail_actions), 0.0)
    assert first.shape == policy.initial_state(2).shape == (2 * SPEC.n_agents, 64)
    noise = torch.zeros(2, SPEC.n_agents, 2)
    parts = (part.numpy() for part in (obs, last_actions, avail_actions, first))
    _, _, second = policy.act(*parts, 0.0, noise.numpy())
    assert not torch.allclose(first, torch.from_numpy(second))


def test_greedy_actions_skip_what_is_unavailable():
    utilities = torch.tensor([[[3.0, 2.0, 1.0], [-5.0, -6.0, -7.0]]])
    avail_actions = torch.tensor([[[False, True, True], [False, False, True]]])
    assert greedy_actions(utilities, avail_actions).tolist() == [[1, 2]]


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("exploration", [None, 0.0, 0.3])
@pytest.mark.parametrize("kind", [Policy, StochasticPolicy])
def test_only_available_actions_whatever_the_utilities_are(kind, exploration, wrong):
    policy, now = kind(SPEC), situation()
    for actions in ([1], [0, 2], [0, 1, 2, 3]):
        policy.agent.head.bias.data[actions] = wrong
        chosen, _, _ = act(policy, now, exploration)
        assert now[2].gather(-1, chosen.unsqueeze(-1)).all()


@pytest.mark.parametrize("kind", [Policy, StochasticPolicy])
def test_an_agent_without_any_action_is_noticed(kind):
    obs, last_actions, avail_actions = situation()
    avail_actions[3, 1] = False
    with pytest.raises(ValueError, match="leaves an agent without any action"):
        act(kind(SPEC), (obs, last_actions, avail_actions), 0.5)


@pytest.mark.parametrize(
    ("place", "change", "message"),
    [
        (2, lambda avail: avail.long(), "avail_actions int64"),
        (
            2,
            lambda avail: torch.cat((avail, avail[..., :1]), -1),
            r"avail_actions bool \[400, 3, 5\]",
        ),
        (2, lambda avail: avail[:, :2], r"avail_actions bool \[400, 2, 4\]"),
        (1, lambda actions: actions.int(), "last_actions int32"),
        (1, lambda actions: actions[1:], r"last_actions int64 \[399, 3\]"),
        (0, lambda obs: obs[..., :1], "observations"),
        (0, lambda obs: torch.cat((obs, obs), -1), "observations"),
    ],
)
def test_situations_of_other_shapes_and_types_are_refused(policy, place, change, message):
    now = list(situation())
    now[place] = change(now[place])
    with pytest.raises(ValueError, match=message):
        act(policy, now, 0.5, torch.rand(E, SPEC.n_agents, 2))


def test_noise_and_states_of_other_shapes_are_refused(policy):
    now = situation()
    with pytest.raises(ValueError, match=r"noise float32 \[400, 3\]"):
        act(policy, now, 0.5, torch.rand(E, SPEC.n_agents))
    parts = [part.numpy() for part in now]
    with policy.frozen(), pytest.raises(ValueError, match="states"):
        policy.act(*parts, policy.initial_state(E - 1), 0.5, np.zeros((E, SPEC.n_agents, 2), np.float32))


@pytest.mark.parametrize("kind", [torch.float16, torch.float64, torch.uint8, torch.int32])
def test_observations_may_be_any_numbers(policy, kind):
    obs, last_actions, avail_actions = situation()
    with policy.frozen():
        act(policy, (obs.to(kind), last_actions, avail_actions), 0.5)


@pytest.mark.parametrize("exploration", [None, 0.0, 0.3, 1.0])
@pytest.mark.parametrize("kind", [Policy, StochasticPolicy, ActorCriticPolicy])
@pytest.mark.parametrize(
    "options", [{}, {"shared": False}, {"agent": NormalisedAgent}, {"last_action": False}]
)
def test_plain_pytorch_chooses_the_same_for_agents_in_any_order(kind, options, exploration):
    torch.manual_seed(3)
    policy = kind(SPEC, **options)
    obs, _, avail_actions = situation()
    last_actions, noise = (
        torch.randint(-1, SPEC.n_actions, (E, SPEC.n_agents)),
        torch.rand(E, SPEC.n_agents, 2),
    )
    hidden = torch.randn(E * SPEC.n_agents, policy.agent.hidden_size)
    ours = policy.act(
        *(part.numpy() for part in (obs, last_actions, avail_actions, hidden)), exploration, noise.numpy()
    )
    order = torch.randperm(E * SPEC.n_agents)
    rows = (part.flatten(0, 1)[order] for part in (obs, last_actions, avail_actions))
    with torch.no_grad():
        actions, probability, outputs, after = policy(
            *rows, hidden[order], order % SPEC.n_agents, noise.flatten(0, 1)[order], exploration
        )
    assert np.array_equal(actions, ours[0].ravel()[order])
    np.testing.assert_allclose(probability, ours[1].ravel()[order], rtol=1e-5)
    np.testing.assert_allclose(after, ours[2][order], rtol=1e-5, atol=1e-6)
    assert outputs.shape == (len(order), SPEC.n_actions)
