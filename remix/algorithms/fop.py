"""FOP: factorised policies of maximum entropy (Zhang et al., 2021)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer, RMSprop

from envs.errors import SettingError, part
from envs.spec import EnvSpec
from remix.algorithms.actor_critic import ActorCriticModule
from remix.algorithms.base import OptimizerFactory, PolicyFactory, target_copy
from remix.episodes import Batch, agent_rows
from remix.networks.agent import AgentInputs
from remix.networks.features import Rows
from remix.networks.feedforward import FeedForward
from remix.networks.mixers.base import Context, Mixer
from remix.networks.mixers.fop import FOPMixer
from remix.networks.softmax import entropy, expectation, gather, log_policy, with_exploration
from remix.policy import StochasticPolicy
from remix.returns import td_lambda

if TYPE_CHECKING:
    from remix.datamodule import Round


def rmsprop(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """RMSprop as the authors of FOP used it."""
    return RMSprop(parameters, lr=5e-4, alpha=0.99, eps=1e-5)


def soft_values(values: Tensor, avail_actions: Tensor, temperature: float) -> Tensor:
    """``v = alpha logsumexp_a(Q(a) / alpha)`` ``[...]`` over the available of ``[..., A]`` actions.

    ``exp((Q - v) / alpha)`` is the policy of highest soft value; with alpha going to 0 v is the maximum.
    """
    scaled = (values / temperature).masked_fill(~avail_actions, -torch.inf)
    return temperature * scaled.logsumexp(-1)


def sample(policy: Tensor, noise: Tensor) -> Tensor:
    """Actions int64 ``[...]`` from log probabilities ``[..., A]``; impossible ones are never drawn.

    :param noise: ``[..., A]``, uniform in [0, 1). The highest of log probability plus Gumbel noise is drawn.
    """
    positive = noise.clamp(min=torch.finfo(noise.dtype).tiny)
    return (policy - (-positive.log()).log()).argmax(-1)


@dataclass(frozen=True)
class Situations:
    """What the critics know of R time points.

    :param inputs: ``[R * N, I]``, of every agent.
    :param state: ``[R, S]``.
    :param avail_actions: bool ``[R, N, A]``.
    """

    inputs: Rows
    state: Rows
    avail_actions: Tensor


class SoftCritic(nn.Module):
    """Values of every agent's actions, the same network for all agents, and the mixer that joins them.

    :param input_size: width of an input row.
    :param hidden_size: width of both hidden layers.
    :param mixer: builds the mixer from the spec.
    """

    def __init__(
        self, spec: EnvSpec, input_size: int, hidden_size: int, mixer: Callable[[EnvSpec], Mixer]
    ) -> None:
        super().__init__()
        self.shape = (-1, spec.n_agents, spec.n_actions)
        self.network = FeedForward(input_size, hidden_size, hidden_size, spec.n_actions)
        with part("mixer"):
            self.mixer = mixer(spec)

    def values(self, situations: Situations) -> Tensor:
        """``Q_i(a) [R, N, A]``."""
        outputs: Tensor = self.network(situations.inputs)
        return outputs.view(self.shape).float()

    def joint_value(
        self, values: Tensor, actions: Tensor, situations: Situations, temperature: float
    ) -> Tensor:
        """``Q_tot [R]`` of the joint ``actions [R, N]``, given :meth:`values` of the same situations."""
        maxima = soft_values(values.detach(), situations.avail_actions, temperature)
        context = Context(actions=actions, maxima=maxima)
        value: Tensor = self.mixer(gather(values, actions), situations.state, context)
        return value.float()


class FOP(ActorCriticModule):
    """Stochastic policies and two soft critics, each with a mixer of its own; learns from the replay.

    An update improves the policies by their own critics, then fits both critics to one target, which takes
    the lower of the two target copies' values at joint actions that the policies draw anew.

    As in the authors' code, epsilon counts twice: the policy that learns contains a share of uniform choices,
    and the policy that acts replaces the same share of what is left. Both are uniform over the available
    actions here, while the authors divide the first by the number of all actions.

    :param mixer: builds the mixer from the spec.
    :param critic_hidden_size: width of both hidden layers of the critics.
    :param td_lambda: lambda of the targets.
    :param entropy_in_return: the soft return of the paper, in which the joint policy's entropy is part of
        every step's reward. Without, as in the authors' code, its mean over the agents is added to the return
        once, for the next step alone and without discount.
    :param temperature_start: alpha, what the entropy weighs, at step 0.
    :param temperature_end: the lowest alpha.
    :param temperature_steps: environment steps in which alpha falls by 1.

    The other parameters are those of :class:`ActorCriticModule`.
    """

    def __init__(
        self,
        spec: EnvSpec,
        mixer: Callable[[EnvSpec], Mixer] = FOPMixer,
        policy: PolicyFactory = StochasticPolicy,
        optimizer: OptimizerFactory = rmsprop,
        critic_optimizer: OptimizerFactory = rmsprop,
        gradient_clip: float = 10.0,
        critic_hidden_size: int = 64,
        gamma: float = 0.99,
        td_lambda: float = 0.8,
        entropy_in_return: bool = False,
        temperature_start: float = 0.5,
        temperature_end: float = 0.05,
        temperature_steps: int = 200_000,
        epsilon_start: float = 1.0,
        epsilon_end: float = 0.05,
        epsilon_anneal_steps: int = 50_000,
        target_update_episodes: int = 200,
    ) -> None:
        super().__init__(
            spec,
            policy,
            optimizer,
            critic_optimizer,
            gradient_clip,
            gamma=gamma,
            epsilon_start=epsilon_start,
            epsilon_end=epsilon_end,
            epsilon_anneal_steps=epsilon_anneal_steps,
            target_update_episodes=target_update_episodes,
        )
        if not 0.0 <= td_lambda <= 1.0:
            raise SettingError("td_lambda", td_lambda, "must be between 0 and 1")
        if temperature_end <= 0.0:
            raise SettingError("temperature_end", temperature_end, "must be positive")
        if temperature_start < temperature_end:
            raise SettingError(
                "temperature_start", temperature_start, f"must be at least temperature_end={temperature_end}"
            )
        for name, count in (
            ("temperature_steps", temperature_steps),
            ("critic_hidden_size", critic_hidden_size),
        ):
            if count < 1:
                raise SettingError(name, count, "must be at least 1")
        self.td_lambda, self.entropy_in_return = td_lambda, entropy_in_return
        self.temperature_start, self.temperature_end = temperature_start, temperature_end
        self.temperature_steps = temperature_steps
        self.critic_inputs = AgentInputs(spec, last_action=False, agent_id=True)
        self.first, self.second = (
            SoftCritic(spec, self.critic_inputs.size, critic_hidden_size, mixer) for _ in range(2)
        )
        if "obs" in self.first.mixer.requires:
            name = type(self.first.mixer).__name__
            raise SettingError("mixer", name, "must do without observations: FOPMixer, say")
        self.critics = [[self.first], [self.second]]
        self.first_target, self.second_target = target_copy(self.first), target_copy(self.second)
        self.targets = [(self.first_target, self.first), (self.second_target, self.second)]
        # On the CPU and apart from all other draws: the same numbers on every device and after a resumption.
        self.generator = torch.Generator()

    def setup(self, stage: str) -> None:
        if stage == "fit":
            # A checkpoint is restored after this.
            self.generator.manual_seed(self.trainer.datamodule.seed)  # type: ignore[attr-defined]

    def exploration(self, env_steps: int) -> float:
        """Share of uniform choices in what is played: those in the policy, and as many of the others."""
        return 1.0 - (1.0 - self.policy_exploration(env_steps)) ** 2

    def policy_exploration(self, env_steps: int) -> float:
        """Epsilon after so many environment steps, the share of uniform choices in the policy that learns."""
        return super().exploration(env_steps)

    def temperature(self, env_steps: int) -> float:
        """Alpha after so many environment steps."""
        return max(self.temperature_end, self.temperature_start - env_steps / self.temperature_steps)

    def loss(self, batch: Batch, env_steps: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The policies' loss; those of the critics need a target that :meth:`learn` makes once."""
        return _Update(self, batch, env_steps).policy_loss()

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

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["generator"] = self.generator.get_state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        self.generator.set_state(checkpoint["generator"].cpu())


class _Update:
    """The parts of one update, which share their input rows and the critics' values.

    K transitions, see :class:`Batch`; B episodes.
    """

    def __init__(self, module: FOP, batch: Batch, env_steps: int) -> None:
        self.module, self.batch = module, batch
        self.temperature = module.temperature(env_steps)
        self.exploration = module.policy_exploration(env_steps)
        obs, last_actions = batch.obs_rows(), batch.last_actions()
        self.policy_inputs = module.policy.inputs.rows(obs, last_actions)
        self.avail_actions = batch.availability()
        self.here, self.after = self._situations(module.critic_inputs.rows(obs, last_actions))
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
        """Of both critics, ``[K]``, from joint actions that the policies as they are now would take next."""
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
        module, n_agents = self.module, self.module.spec.n_agents
        outputs = module.policy.agent(self.policy_inputs, self.batch.batch_sizes * n_agents)
        outputs = outputs.view(-1, n_agents, module.spec.n_actions).float()
        policy = log_policy(outputs, self.avail_actions)
        return with_exploration(policy, self.avail_actions, self.exploration)

    def _draw(self, policy: Tensor) -> Tensor:
        """Actions ``[K, N]`` from ``log pi [K, N, A]``."""
        noise = torch.rand(policy.shape, generator=self.module.generator)
        return sample(policy, noise.to(policy.device))

    def _joint_value(self, critic: SoftCritic, actions: Tensor) -> Tensor:
        """``Q_tot [K]`` of joint ``actions`` after every transition."""
        return critic.joint_value(critic.values(self.after), actions, self.after, self.temperature)

    def _situations(self, inputs: Rows) -> tuple[Situations, Situations]:
        """Where every transition starts, and what follows it.

        :param inputs: of the critics at all time points, ``[M * N, I]``.
        """
        batch, n_agents, state = self.batch, self.module.spec.n_agents, self.batch.state_rows()
        rows = agent_rows(batch.here, n_agents)
        after, rows_after = slice(batch.n_episodes, None), slice(batch.n_episodes * n_agents, None)
        return (
            Situations(inputs[rows], state[batch.here], self.avail_actions[batch.here]),
            Situations(inputs[rows_after], state[after], self.avail_actions[after]),
        )
