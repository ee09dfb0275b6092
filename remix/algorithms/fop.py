"""FOP: factorised policies of maximum entropy (Zhang et al., 2021)."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import torch
from torch import Tensor

from remix.algorithms.actor_critic import ActorCriticModule
from remix.algorithms.base import PolicyFactory
from remix.algorithms.optimizers import OptimizerFactory, pymarl_rmsprop
from remix.algorithms.own_generator import OwnGenerator
from remix.algorithms.target_networks import TargetNetworks, target_copy
from remix.envs.spec import EnvSpec
from remix.learning.episodes import Batch, agent_rows
from remix.learning.policy import StochasticPolicy
from remix.learning.returns import td_lambda
from remix.learning.rounds import Round
from remix.learning.schedules import Schedule
from remix.networks.agent import AgentInputs
from remix.networks.mixers.base import Mixer
from remix.networks.mixers.fop import FOPMixer
from remix.networks.soft_critics import Situations, SoftCritic
from remix.networks.softmax import entropy, expectation, gather, log_policy, sample, with_exploration
from remix.settings import checks
from remix.settings.errors import SettingError

_LOWEST_TEMPERATURE = 1e-6  # values are divided by it


class FOP(OwnGenerator, ActorCriticModule):
    """Stochastic policies and two soft critics, each with a mixer of its own; learns from the replay.

    An update first improves the policies by the lower of their two critics. It then fits both critics to one
    target, the lower of the two target copies' values at joint actions that the policies draw anew.

    As in the authors' code, epsilon counts twice: the policy that learns contains a share of uniform choices,
    and the policy that acts replaces the same share of what is left. Both are uniform over the available
    actions here, while the authors divide the first by the number of all actions.

    :param mixer: builds the mixer from the spec.
    :param critic_hidden_size: width of both hidden layers of the critics.
    :param td_lambda: lambda of the targets.
    :param entropy_in_return: the soft return of the paper, in which the joint policy's entropy is part of
        every step's reward. Without, as in the authors' code, its mean over the agents is added to the return
        once, for the next step alone and without discount.
    :param temperature: alpha, what the entropy weighs, by environment steps.
    :param target_update_episodes: collected episodes between copies into the target networks.

    The other parameters are those of :class:`ActorCriticModule`.
    """

    def __init__(
        self,
        spec: EnvSpec,
        mixer: Callable[[EnvSpec], Mixer] = FOPMixer,
        policy: PolicyFactory = StochasticPolicy,
        optimizer: OptimizerFactory = pymarl_rmsprop,
        critic_optimizer: OptimizerFactory = pymarl_rmsprop,
        gradient_clip: float = 10.0,
        critic_hidden_size: int = 64,
        gamma: float = 0.99,
        td_lambda: float = 0.8,
        entropy_in_return: bool = False,
        temperature: Schedule = Schedule(0.5, 0.05, 90_000),
        epsilon: Schedule = Schedule(1.0, 0.05, 50_000),
        target_update_episodes: int = 200,
    ) -> None:
        super().__init__(spec, policy, optimizer, critic_optimizer, gradient_clip, gamma, epsilon)
        self.td_lambda = checks.number("td_lambda", td_lambda, 0.0, 1.0)
        self.entropy_in_return = entropy_in_return
        checks.instance("temperature", temperature, Schedule)
        self.temperature = temperature.within("temperature", _LOWEST_TEMPERATURE, inf)
        hidden_size = checks.whole("critic_hidden_size", critic_hidden_size, minimum=1)
        self.critic_inputs = AgentInputs(spec, last_action=False, agent_id=True)
        self.first, self.second = (
            SoftCritic(spec, self.critic_inputs.size, hidden_size, mixer) for _ in range(2)
        )
        if "obs" in self.first.mixer.requires:
            name = type(self.first.mixer).__name__
            raise SettingError("mixer", name, "must do without observations: FOPMixer, say")
        self.critics = [[self.first], [self.second]]
        self.first_target, self.second_target = target_copy(self.first), target_copy(self.second)
        pairs = [(self.first_target, self.first), (self.second_target, self.second)]
        self.targets = TargetNetworks(
            pairs, checks.whole("target_update_episodes", target_update_episodes, minimum=1)
        )

    def exploration(self, env_steps: int) -> float:
        """Share of uniform choices in what is played: those in the policy, and as many of the others."""
        return 1.0 - (1.0 - super().exploration(env_steps)) ** 2

    def learn(self, data: Round) -> None:
        """A step of the policies, then one of each critic, on the same batch."""
        assert data.batch is not None
        step = _Update(self, data.batch, data.env_steps)
        policy_loss, metrics = step.policy_loss()
        norms = [self.minimise(policy_loss, 0)]
        target = step.target()
        joint_values = step.joint_values()
        losses = [(value - target).square().mean() for value in joint_values]
        norms += [self.minimise(loss, number) for number, loss in enumerate(losses, start=1)]
        values = torch.stack(joint_values).detach()
        metrics |= {
            "train/critic_loss": torch.stack(losses).detach().mean(),
            "train/td_error_abs": (values - target).abs().mean(),
            "train/q_tot": values.mean(),
            "train/target": target.mean(),
            "train/gradient_norm": torch.stack(norms).norm(),
        }
        self.training_means.update(metrics)


class _Update:
    """The parts of one update, which share their input rows and the critics' values.

    K transitions, see :class:`Batch`; B episodes.
    """

    def __init__(self, module: FOP, batch: Batch, env_steps: int) -> None:
        self.module, self.batch = module, batch
        self.temperature = module.temperature(env_steps)
        self.exploration = module.epsilon(env_steps)
        self.avail_actions = batch.availability()
        self.here, self.after = self._situations()
        self.values = [critic.values(self.here) for critic in (module.first, module.second)]

    def policy_loss(self) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean of all agents' ``sum_a pi_i(a) (alpha log pi_i(a) - min_k Q_i^k(a))``, and what to log."""
        policy = self._log_policy()[self.batch.here]
        values = torch.minimum(*self.values).detach()
        loss = expectation(policy, self.temperature * policy - values).mean()
        return loss, {
            "train/policy_loss": loss.detach(),
            "train/entropy": entropy(policy.detach()).mean(),
            "train/temperature": loss.new_full((), self.temperature),
        }

    @torch.no_grad()
    def target(self) -> Tensor:
        """The target ``[K]`` of both critics; the present policies draw the next joint actions."""
        batch, module = self.batch, self.module
        policy = self._log_policy()[batch.n_episodes :]
        actions = self._draw(policy)
        targets = (module.first_target, module.second_target)
        next_value = torch.minimum(*(self._joint_value(critic, actions) for critic in targets))
        # After a true end nobody chooses.
        running = (~batch.terminated).unsqueeze(-1)
        surprise = -self.temperature * gather(policy, actions) * running
        reward = batch.reward
        if module.entropy_in_return:
            # As a reward it reaches all terms of the return, whose fixed point thus is that of the soft
            # Bellman equation whatever lambda.
            reward = reward + module.gamma * surprise.sum(-1)
        returns = td_lambda(
            reward, batch.terminated, next_value, batch.transition_sizes, module.gamma, module.td_lambda
        )
        return returns if module.entropy_in_return else returns + surprise.mean(-1)

    def joint_values(self) -> list[Tensor]:
        """``Q_tot [K]`` of both critics at the actions that were taken."""
        critics = (self.module.first, self.module.second)
        return [
            critic.joint_value(values, self.batch.actions, self.here, self.temperature)
            for critic, values in zip(critics, self.values, strict=True)
        ]

    def _log_policy(self) -> Tensor:
        """``log pi_i(a) [M, N, A]``, uniform choices included."""
        policy = log_policy(self.module.policy.unroll(self.batch), self.avail_actions)
        return with_exploration(policy, self.avail_actions, self.exploration)

    def _draw(self, policy: Tensor) -> Tensor:
        """Actions ``[K, N]`` from ``log pi [K, N, A]``."""
        noise = torch.rand(policy.shape, generator=self.module.generator)
        return sample(policy, noise.to(policy.device))

    def _joint_value(self, critic: SoftCritic, actions: Tensor) -> Tensor:
        """``Q_tot [K]`` of joint ``actions`` after every transition."""
        return critic.joint_value(critic.values(self.after), actions, self.after, self.temperature)

    def _situations(self) -> tuple[Situations, Situations]:
        """The K situations in which the transitions start, and the K that follow them."""
        batch, n_agents, state = self.batch, self.module.spec.n_agents, self.batch.state_rows()
        inputs = batch.inputs(self.module.critic_inputs.rows)
        rows = agent_rows(batch.here, n_agents)
        after, rows_after = slice(batch.n_episodes, None), slice(batch.n_episodes * n_agents, None)
        return (
            Situations(inputs[rows], state[batch.here], self.avail_actions[batch.here]),
            Situations(inputs[rows_after], state[after], self.avail_actions[after]),
        )
