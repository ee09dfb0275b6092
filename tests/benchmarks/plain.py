"""The update as one writes it in plain PyTorch: padded batches, float tensors, ``nn.GRU``. For comparison."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from remix.algorithms.value_factorization import ValueFactorization
from remix.learning.episodes import Batch
from remix.networks.agent import RecurrentAgent
from remix.networks.central import CentralQ
from remix.networks.feedforward import FeedForward
from remix.networks.mixers.qmix import QMixer
from remix.weighting.base import WeightingInputs


def plain_loss(module: ValueFactorization, batch: Batch) -> Tensor:
    """The loss of ReMIX with the networks of ``module``; B episodes, T transitions of the longest."""
    assert module.central is not None and isinstance(module.mixer, QMixer)
    spec, sizes = module.spec, batch.batch_sizes

    def padded(rows: Tensor, row_sizes: Tensor) -> Tensor:
        return pad_packed_sequence(PackedSequence(rows, row_sizes))[0]

    inputs = module.policy.inputs(batch.observations(), batch.last_actions())
    inputs = padded(inputs.view(-1, spec.n_agents, module.policy.inputs.size), sizes)  # [T+1, B, N, I]
    state, avail_actions = padded(batch.states(), sizes), padded(batch.availability(), sizes)
    actions, reward = padded(batch.actions, sizes[1:]), padded(batch.reward, sizes[1:])
    terminated = padded(batch.terminated, sizes[1:])
    valid = padded(torch.ones_like(batch.reward), sizes[1:]) > 0
    running = torch.cat((valid[1:], torch.zeros_like(valid[:1])))  # a transition follows

    utilities = _utilities(module.policy.agent, inputs)
    central_utilities = _utilities(module.central.agent, inputs)
    with torch.no_grad():
        target_utilities = _utilities(module.target_central.agent, inputs)
        greedy = utilities.masked_fill(~avail_actions, -1e9).argmax(-1)
        future = _central(module.target_central, _chosen(target_utilities[1:], greedy[1:]), state[1:])
        target = torch.zeros_like(reward)
        following = future[-1]
        for t in reversed(range(len(reward))):
            following = torch.where(running[t], following, future[t])
            mixed = (1 - module.td_lambda) * future[t] + module.td_lambda * following
            following = target[t] = reward[t] + module.gamma * (~terminated[t]) * mixed

    chosen = _chosen(utilities[:-1], actions)
    joint_value, slopes = _mixed(module.mixer, chosen, state[:-1])
    central_value = _central(module.central, _chosen(central_utilities[:-1], actions), state[:-1])
    with torch.no_grad():
        weights = module.weighting(
            WeightingInputs(
                joint_value=joint_value[valid],
                target=target[valid],
                utilities=utilities[:-1][valid],
                avail_actions=avail_actions[:-1][valid],
                actions=actions[valid],
                central_value=central_value[valid],
                slopes=slopes[valid],
            )
        ).values
    loss = module.loss_factor * (weights * (joint_value - target)[valid].square()).mean()
    return loss + module.central_loss_factor * (central_value - target)[valid].square().mean()


def _layers(network: FeedForward, rows: Tensor) -> Tensor:
    return nn.Sequential.forward(network, rows)


def _utilities(agent: RecurrentAgent, inputs: Tensor) -> Tensor:
    """``[T+1, B, N, A]``."""
    n_times, n_episodes, n_agents = inputs.shape[:3]
    encoded = torch.relu(agent.encoder(inputs.flatten(1, 2)))
    hidden, _ = agent.recurrence(encoded)
    return agent.head(hidden).view(n_times, n_episodes, n_agents, -1)


def _chosen(utilities: Tensor, actions: Tensor) -> Tensor:
    return utilities.gather(-1, actions.unsqueeze(-1)).squeeze(-1)


def _central(central: CentralQ, chosen: Tensor, state: Tensor) -> Tensor:
    joint = torch.cat((state, chosen), dim=-1)
    return (_layers(central.mixer, joint) + _layers(central.state_value, state)).squeeze(-1)


def _mixed(mixer: QMixer, chosen: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    shape = (*chosen.shape, mixer.embed_dim)
    first, second = _layers(mixer.first_weight, state).abs().view(shape), _layers(mixer.second_weight, state)
    hidden = (chosen.unsqueeze(-2) @ first).squeeze(-2) + _layers(mixer.first_bias, state)
    value = (nn.functional.elu(hidden) * second.abs()).sum(-1) + _layers(mixer.state_value, state).squeeze(-1)
    with torch.no_grad():
        slopes = (first @ (hidden.clamp(max=0).exp() * second.abs()).unsqueeze(-1)).squeeze(-1)
    return value, slopes
