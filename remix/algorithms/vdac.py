"""Value-decomposition actor-critic (Su et al., 2021): VDAC-sum and VDAC-vmix."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from remix.algorithms.base import PolicyFactory
from remix.algorithms.optimizers import OptimizerFactory, rmsprop
from remix.algorithms.single_loss import SingleLossModule
from remix.envs.spec import EnvSpec
from remix.learning.episodes import Batch
from remix.learning.policy import ActorCriticPolicy
from remix.learning.returns import td_lambda
from remix.learning.rounds import Round
from remix.learning.schedules import Schedule
from remix.networks.mixers.base import Mixer, build_mixer
from remix.networks.mixers.vdn import VDNMixer
from remix.networks.softmax import entropy, gather, log_policy, with_exploration
from remix.settings import checks
from remix.settings.errors import SettingError


class VDAC(SingleLossModule):
    """Stochastic policies that share the advantage of a joint value mixed from the agents' own values.

    ``V_tot = mixer(V_1, ..., V_N)`` is fitted to its TD(lambda) return G; the policies follow
    ``(G - V_tot) log pi_i(u_i)`` and a bonus of entropy. Learns on-policy, from the episodes just collected.

    :param mixer: builds the mixer of the agents' values: their sum, or QMIX's.
    :param td_lambda: lambda of the returns.
    :param value_loss_factor: of the squared error of V_tot.
    :param entropy_factor: of the policies' entropy.
    :param explore_in_loss: let the loss see the policies as they acted, uniform choices included.

    The other parameters are those of :class:`SingleLossModule`; epsilon is the share of uniform choices.
    """

    learns_from_replay, learns_from_latest = False, True
    extra_outputs = 1

    def __init__(
        self,
        spec: EnvSpec,
        mixer: Callable[[EnvSpec], Mixer] = VDNMixer,
        policy: PolicyFactory = ActorCriticPolicy,
        optimizer: OptimizerFactory = rmsprop,
        gamma: float = 0.99,
        td_lambda: float = 0.8,
        epsilon: Schedule = Schedule(0.5, 0.0, 100_000),
        value_loss_factor: float = 0.1,
        entropy_factor: float = 0.01,
        explore_in_loss: bool = False,
    ) -> None:
        super().__init__(spec, policy, optimizer, gamma, epsilon)
        self.td_lambda = checks.number("td_lambda", td_lambda, 0.0, 1.0)
        self.mixer = build_mixer(mixer, spec)
        if self.mixer.requires:
            name = type(self.mixer).__name__
            raise SettingError("mixer", name, "must mix values of states: VDNMixer or QMixer, say")
        self.value_loss_factor = checks.number("value_loss_factor", value_loss_factor, minimum=0.0)
        self.entropy_factor = checks.number("entropy_factor", entropy_factor, minimum=0.0)
        self.explore_in_loss = explore_in_loss

    def round_loss(self, data: Round) -> tuple[Tensor, dict[str, Tensor]]:
        assert data.latest is not None
        return self.loss(data.latest, data.env_steps, data.exploration)

    def loss(
        self, batch: Batch, env_steps: int, exploration: float | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar loss of a batch, and detached scalars worth logging.

        :param exploration: the exploration of these episodes; None for that after ``env_steps``.
        """
        if exploration is None:
            exploration = self.exploration(env_steps)
        n_actions = self.spec.n_actions
        outputs = self.policy.unroll(batch)
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
