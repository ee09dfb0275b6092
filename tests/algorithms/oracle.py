"""Losses computed the slow way: one episode after the other, one time step after the other."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from remix.algorithms.independent import IndependentQLearning
from remix.algorithms.value_factorization import ValueFactorization
from remix.learning.episodes import Episode
from remix.networks.agent import AgentInputs, RecurrentAgent
from remix.networks.mixers.base import Context, Mixer

Transition = dict[str, Tensor]
"""What is known of one transition: every value a scalar, or ``[N]``."""


def outputs(network: RecurrentAgent, inputs: AgentInputs, episode: Episode) -> Tensor:
    """``[L+1, N, outputs]`` of an agent network that lives through an episode."""
    n_agents = episode.actions.shape[1]
    hidden, steps = torch.zeros(n_agents, network.hidden_size), []
    last = torch.full((1, n_agents), -1)
    for t in range(episode.length + 1):
        rows = inputs(torch.from_numpy(episode.obs[t : t + 1]), last)
        step, hidden = network.step(rows, hidden)
        steps.append(step)
        last = torch.from_numpy(episode.actions[t : t + 1])
    return torch.stack(steps)


def greedy(utilities: Tensor, episode: Episode) -> Tensor:
    """Best available actions ``[L+1, N]``."""
    available = torch.from_numpy(episode.avail_actions)
    return torch.where(available, utilities, -1e9).argmax(-1)


def chosen(utilities: Tensor, actions: Tensor) -> Tensor:
    """Utilities ``[N]`` of ``actions [N]`` from ``[N, A]``."""
    return utilities[torch.arange(len(actions)), actions]


def lambda_targets(episode: Episode, next_values: Tensor, gamma: float, lambda_: float) -> list[Tensor]:
    """The recursion, backwards in time from the last transition."""
    following: Tensor | float = next_values[-1]
    targets: list[Tensor | float] = []
    for t in reversed(range(episode.length)):
        last = t == episode.length - 1
        future = (1 - lambda_) * next_values[t] + lambda_ * following
        following = float(episode.reward[t]) + gamma * (0.0 if last and episode.terminated else future)
        targets.append(following)
    return [torch.as_tensor(target, dtype=torch.float32).detach() for target in reversed(targets)]


def mixed(mixer: Mixer, utilities: Tensor, actions: Tensor, episode: Episode, t: int) -> Tensor:
    """Joint value of ``actions [N]`` at one time, from the utilities ``[L+1, N, A]`` of all times."""
    available = torch.from_numpy(episode.avail_actions[t])
    context = Context(
        actions=actions[None],
        maxima=torch.where(available, utilities[t].detach(), -1e9).amax(-1)[None],
        obs=torch.from_numpy(episode.obs[t]).float(),
    )
    state = torch.from_numpy(episode.state[t : t + 1]).float()
    return mixer(chosen(utilities[t], actions)[None], state, context)[0]


def transitions(module: ValueFactorization, episode: Episode) -> list[Transition]:
    """Values of all transitions of an episode."""
    inputs, n = module.policy.inputs, episode.length
    state, actions = torch.from_numpy(episode.state).float(), torch.from_numpy(episode.actions)
    utilities = outputs(module.policy.agent, inputs, episode)
    best = greedy(utilities, episode)

    def joint(of: Callable[[int], Tensor], times: Sequence[int]) -> Tensor:
        return torch.stack([of(t) for t in times])

    if module.central is None:
        target_utilities = outputs(module.target_agent, inputs, episode)
        next_values = joint(
            lambda t: mixed(module.target_mixer, target_utilities, best[t], episode, t), range(1, n + 1)
        )
    else:
        target_central = outputs(module.target_central.agent, inputs, episode)[..., None]
        next_values = joint(
            lambda t: module.target_central(target_central[t : t + 1], best[t : t + 1], state[t : t + 1])[0],
            range(1, n + 1),
        )
        central = outputs(module.central.agent, inputs, episode)[..., None]
    targets = lambda_targets(episode, next_values, module.gamma, module.td_lambda)
    rows = []
    for t in range(n):
        here = slice(t, t + 1)
        row = {
            "joint_value": mixed(module.mixer, utilities, actions[t], episode, t),
            "target": targets[t],
            "is_greedy": (actions[t] == best[t]).all(),
        }
        if module.central is not None:
            row["central_value"] = module.central(central[here], actions[here], state[here])[0]
            row["target_central_value"] = module.target_central(
                target_central[here], actions[here], state[here]
            )[0]
            row["greedy_central_value"] = module.target_central(
                target_central[here], best[here], state[here]
            )[0]
        rows.append(row)
    return rows


def value_factorization_loss(
    module: ValueFactorization, episodes: Sequence[Episode], weight: Callable[[Transition], float]
) -> Tensor:
    """Mean over all transitions of all episodes."""
    rows = [row for episode in episodes for row in transitions(module, episode)]
    errors = [weight(row) * (row["joint_value"] - row["target"]) ** 2 for row in rows]
    loss = module.loss_factor * torch.stack(errors).mean()
    if module.central is not None:
        central = [(row["central_value"] - row["target"]) ** 2 for row in rows]
        loss = loss + module.central_loss_factor * torch.stack(central).mean()
    return loss


def independent_loss(module: IndependentQLearning, episodes: Sequence[Episode]) -> Tensor:
    """Mean over all transitions and agents."""
    errors = []
    for episode in episodes:
        utilities = outputs(module.policy.agent, module.policy.inputs, episode)
        target_utilities = outputs(module.target_agent, module.policy.inputs, episode).detach()
        best = greedy(utilities, episode)
        for t, actions in enumerate(torch.from_numpy(episode.actions)):
            ends = episode.terminated and t == episode.length - 1
            future = torch.zeros(len(actions)) if ends else chosen(target_utilities[t + 1], best[t + 1])
            target = float(episode.reward[t]) + module.gamma * future
            errors.append((chosen(utilities[t], actions) - target) ** 2)
    return 0.5 * torch.stack(errors).mean()
