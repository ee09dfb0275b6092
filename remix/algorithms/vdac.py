"""Value-decomposition actor-critic (Su et al., 2021): VDAC-sum and VDAC-vmix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.optim import Optimizer, RMSprop

from envs.errors import SettingError, part
from envs.spec import EnvSpec
from remix.algorithms.base import MultiAgentModule, OptimizerFactory, PolicyFactory
from remix.episodes import Batch
from remix.networks.mixers.base import Mixer
from remix.networks.mixers.vdn import VDNMixer
from remix.networks.softmax import entropy, gather, log_policy, with_exploration
from remix.policy import ActorCriticPolicy
from remix.returns import td_lambda

if TYPE_CHECKING:
    from remix.datamodule import Round


def rmsprop(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """RMSprop as PyTorch has it, with a learning rate of 0.001."""
    return RMSprop(parameters, lr=1e-3)


class VDAC(MultiAgentModule):
    """Stochastic policies that share the advantage of a joint value mixed from the agents' own values.

    ``V_tot = mixer(V_1, ..., V_N)`` is fitted to its TD(lambda) return G; the policies follow
    ``(G - V_tot) log pi_i(u_i)`` and a bonus of entropy. Learns on-policy, from the episodes just collected.

    :param mixer: builds the mixer of the agents' values: their sum, or QMIX's.
    :param td_lambda: lambda of the returns.
    :param value_loss_factor: of the squared error of V_tot.
    :param entropy_factor: of the policies' entropy.
    :param explore_in_loss: let the loss see the policies as they acted, uniform choices included.

    The other parameters are those of :class:`MultiAgentModule`; epsilon is the share of uniform choices.
    """

    learns_from_replay, learns_from_latest = False, True

    def __init__(
        self,
        spec: EnvSpec,
        mixer: Callable[[EnvSpec], Mixer] = VDNMixer,
        policy: PolicyFactory = ActorCriticPolicy,
        optimizer: OptimizerFactory = rmsprop,
        gamma: float = 0.99,
        td_lambda: float = 0.8,
        epsilon_start: float = 0.5,
        epsilon_end: float = 0.0,
        epsilon_anneal_steps: int = 100_000,
        value_loss_factor: float = 0.1,
        entropy_factor: float = 0.01,
        explore_in_loss: bool = False,
    ) -> None:
        super().__init__(spec, policy, optimizer, gamma, epsilon_start, epsilon_end, epsilon_anneal_steps)
        if not 0.0 <= td_lambda <= 1.0:
            raise SettingError("td_lambda", td_lambda, "must be between 0 and 1")
        with part("mixer"):
            self.mixer = mixer(spec)
        if self.mixer.requires:
            name = type(self.mixer).__name__
            raise SettingError("mixer", name, "must mix values of states: VDNMixer or QMixer, say")
        self.td_lambda, self.value_loss_factor = td_lambda, value_loss_factor
        self.entropy_factor, self.explore_in_loss = entropy_factor, explore_in_loss

    def round_loss(self, data: Round) -> tuple[Tensor, dict[str, Tensor]]:
        assert data.latest is not None
        return self._loss(data.latest, data.exploration)

    def loss(self, batch: Batch, env_steps: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self._loss(batch, self.exploration(env_steps))

    def _loss(self, batch: Batch, exploration: float) -> tuple[Tensor, dict[str, Tensor]]:
        """:param exploration: with which the episodes were played."""
        n_actions = self.spec.n_actions
        inputs = self.policy.inputs.rows(batch.obs_rows(), batch.last_actions())
        outputs = self.policy.agent(inputs, batch.batch_sizes * self.spec.n_agents).float()
        outputs = outputs.view(-1, self.spec.n_agents, n_actions + 1)
        joint_value = self.mixer(outputs[..., n_actions], batch.state_rows()).float()
        returns = td_lambda(
            batch.reward,
            batch.terminated,
            joint_value.detach()[batch.n_episodes :],
            batch.transition_sizes,
            self.gamma,
            self.td_lambda,
        )
        error = returns - joint_value[batch.here]
        avail_actions = batch.availability()[batch.here]
        policy = log_policy(outputs[batch.here][..., :n_actions], avail_actions)
        uncertainty = entropy(policy).mean()
        if self.explore_in_loss:
            policy = with_exploration(policy, avail_actions, exploration)
        advantage = error.detach().unsqueeze(-1)
        policy_loss = -(advantage * gather(policy, batch.actions)).mean()
        value_loss = error.square().mean()
        loss = policy_loss + self.value_loss_factor * value_loss - self.entropy_factor * uncertainty
        return loss, {
            "train/policy_loss": policy_loss.detach(),
            "train/td_error_abs": error.detach().abs().mean(),
            "train/v_tot": joint_value.detach().mean(),
            "train/target": returns.mean(),
            "train/entropy": uncertainty.detach(),
        }
