"""Targets of the joint action that was taken next: SARSA(lambda)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from remix.algorithms.value_factorization import Forward, ValueFactorization
from remix.envs.games import MatrixGame
from remix.learning.episodes import collate, pack
from remix.learning.policy import Policy, greedy_actions
from remix.learning.returns import td_lambda
from remix.networks.central import CentralQ
from remix.networks.mixers.qplex import QPLEXMixer
from remix.networks.mixers.unconstrained import UnconstrainedMixer
from remix.settings.errors import SettingError
from remix.weighting.regret_minimizing import RegretMinimizing
from tests.algorithms.oracle import greedy, mixed, outputs
from tests.algorithms.test_games import PAYOFF, every_episode, factorization, joint_values, learn
from tests.samples import make_episode, make_spec

SPEC = make_spec()
CENTRAL = partial(CentralQ, hidden_size=16, embed_dim=16)
EPISODES = sorted(
    (make_episode(SPEC, n, i, i % 2 == 0) for i, n in enumerate([3, 6, 1, 6])), key=lambda e: -e.length
)
BATCH = collate([pack(episode) for episode in EPISODES], SPEC)


def build(**changes: Any) -> ValueFactorization:
    """Its target networks differ from the online ones."""
    settings: dict[str, Any] = {"bootstrap": "taken", "policy": partial(Policy, hidden_size=16)}
    module = ValueFactorization(SPEC, **(settings | changes))
    for copy, _ in module.targets.pairs:
        for parameter in copy.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    return module


@pytest.mark.parametrize(
    ("terminated", "targets"), [(True, [3.8692, 3.98, 3.0]), (False, [5.70628, 7.382, 9.3])]
)
def test_worked_example(terminated, targets):
    """Values of the next two joint actions, then of the greedy one, which counts where the limit cut."""
    found = td_lambda(
        torch.tensor([1.0, 2.0, 3.0]),
        torch.tensor([False, False, terminated]),
        torch.tensor([2.0, 1.0, 7.0]),
        [1, 1, 1],
        gamma=0.9,
        lambda_=0.6,
    )
    assert found.tolist() == pytest.approx(targets, abs=1e-5)


@pytest.mark.parametrize(
    "settings", [{}, {"mixer": QPLEXMixer}, {"central": CENTRAL}], ids=["qmix", "qplex", "central"]
)
def test_values_are_those_of_the_next_actions_and_at_last_of_the_greedy_ones(settings):
    module, values = build(**settings), []
    with torch.no_grad():
        found = Forward(module, BATCH).next_value()
        for episode in EPISODES:
            best = greedy(outputs(module.policy.agent, module.policy.inputs, episode), episode)
            following = torch.cat((torch.from_numpy(episode.actions)[1:], best[-1:]))
            state = torch.from_numpy(episode.state).float()
            if module.central is not None:
                central = outputs(module.target_central.agent, module.policy.inputs, episode)[..., None]
                values.append(module.target_central(central[1:], following, state[1:]))
                continue
            utilities = outputs(module.target_agent, module.policy.inputs, episode)
            steps = [
                mixed(module.target_mixer, utilities, u, episode, t) for t, u in enumerate(following, start=1)
            ]
            values.append(torch.stack(steps))
    order = [(i, t) for t in range(6) for i, e in enumerate(EPISODES) if e.length > t]
    torch.testing.assert_close(found, torch.stack([values[i][t] for i, t in order]), atol=1e-5, rtol=1e-4)


def test_who_always_acts_greedily_learns_as_from_greedy_targets():
    agents = partial(Policy, last_action=False, hidden_size=16)
    module = build(policy=agents)
    batch = collate([pack(episode) for episode in EPISODES], SPEC)
    batch.actions = greedy_actions(module.policy.unroll(batch), batch.availability())[batch.here]
    taken, _ = module.loss(batch, env_steps=0)
    module.bootstrap = "greedy"
    assert module.loss(batch, env_steps=0)[0].item() == taken.item()


def test_with_lambda_1_it_is_the_return():
    ended = collate([pack(episode) for episode in EPISODES if episode.terminated], SPEC)
    found, targets = [build(td_lambda=1.0, bootstrap=b) for b in ("taken", "greedy")], []
    for module in found:
        targets.append(module.loss(ended, env_steps=0)[1]["train/target"].item())
    assert targets[0] == pytest.approx(targets[1])


def test_the_unconstrained_mixer_fits_the_whole_game():
    """Exactly; which actions its agents then hold for best is another matter, and chance."""
    game = MatrixGame(PAYOFF)
    batch = every_episode(game)
    torch.manual_seed(0)
    mixer = partial(UnconstrainedMixer, hypernet_dim=16)
    module = factorization(game, 0.02, mixer=mixer, bootstrap="taken")
    learn(module, batch, updates=600)
    assert joint_values(module, batch).tolist() == pytest.approx(
        torch.tensor(PAYOFF).flatten().tolist(), abs=0.3
    )


def test_weights_that_divide_by_slopes_are_refused():
    with pytest.raises(SettingError, match="mixer=UnconstrainedMixer: must be monotonic: RegretMinimizing"):
        build(mixer=UnconstrainedMixer, weighting=RegretMinimizing(), central=CENTRAL)


def test_there_are_two_ways():
    with pytest.raises(SettingError, match="bootstrap=best: must be one of greedy, taken"):
        build(bootstrap="best")
