"""PQN with a mixer (Gallici et al., 2025): Q-learning without replay and target networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from remix.algorithms.base import PolicyFactory
from remix.algorithms.mixing import mixer_context
from remix.algorithms.optimizers import OptimizerFactory, radam
from remix.algorithms.single_loss import SingleLossModule
from remix.envs.spec import EnvSpec
from remix.learning.episodes import Batch
from remix.learning.policy import Policy, greedy_actions
from remix.learning.returns import td_lambda as td_lambda_targets
from remix.learning.schedules import Schedule
from remix.networks.mixers.base import Mixer, build_mixer
from remix.networks.mixers.vdn import VDNMixer
from remix.networks.normalised_agent import NormalisedAgent
from remix.networks.softmax import gather
from remix.settings import checks


def normalised_policy(spec: EnvSpec) -> Policy:
    """Epsilon-greedy agents with normalised layers."""
    return Policy(spec, agent=NormalisedAgent)


class PQN(SingleLossModule):
    """Q_tot fitted to TD(lambda) targets that the same networks make of the episodes just played.

    What steadies it in place of old episodes and old networks is the normalisation in the agents, and many
    episodes a round. Every update makes its targets anew, so ``replay.updates_per_round`` are the epochs.
    With VDN's mixer it is the authors' method; others are an extension.

    :param mixer: builds the mixer from the spec.
    :param td_lambda: lambda of the targets.

    The other parameters are those of :class:`SingleLossModule`.
    """

    learns_from_replay, learns_from_latest = False, True

    def __init__(
        self,
        spec: EnvSpec,
        mixer: Callable[[EnvSpec], Mixer] = VDNMixer,
        policy: PolicyFactory = normalised_policy,
        optimizer: OptimizerFactory = radam,
        gamma: float = 0.99,
        td_lambda: float = 0.85,
        epsilon: Schedule = Schedule(1.0, 0.05, 100_000),
    ) -> None:
        super().__init__(spec, policy, optimizer, gamma, epsilon)
        self.td_lambda = checks.number("td_lambda", td_lambda, 0.0, 1.0)
        self.mixer = build_mixer(mixer, spec)

    def loss(self, batch: Batch, env_steps: int) -> tuple[Tensor, dict[str, Tensor]]:
        utilities, avail_actions, state = self.policy.unroll(batch), batch.availability(), batch.state_rows()
        context = partial(mixer_context, self.mixer, batch, utilities, avail_actions)
        chosen = gather(utilities[batch.here], batch.actions)
        joint_value = self.mixer(chosen, state[batch.here], context(batch.actions, batch.here)).float()
        with torch.no_grad():
            after = torch.arange(batch.n_episodes, len(utilities), device=utilities.device)
            greedy = greedy_actions(utilities[after], avail_actions[after])
            best = gather(utilities[after], greedy)
            next_value = self.mixer(best, state[after], context(greedy, after)).float()
        target = td_lambda_targets(
            batch.reward, batch.terminated, next_value, batch.transition_sizes, self.gamma, self.td_lambda
        )
        error = joint_value - target
        return error.square().mean(), {
            "train/td_error_abs": error.detach().abs().mean(),
            "train/q_tot": joint_value.detach().mean(),
            "train/target": target.mean(),
        }
