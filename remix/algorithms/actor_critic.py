"""What algorithms share that train a policy and critics with an optimizer each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import nn
from torch.optim import Optimizer

from remix.algorithms.base import PolicyFactory
from remix.algorithms.optimizers import OptimizerFactory
from remix.algorithms.own_steps import OwnSteps
from remix.envs.spec import EnvSpec
from remix.learning.schedules import Schedule
from remix.settings import checks


class ActorCriticModule(OwnSteps):
    """Base of DOP, FOP and MAPPO, whose :meth:`learn` makes its own optimizer steps with :meth:`minimise`.

    A subclass lists the networks of its critics in ``critics``, one group per optimizer.

    :param optimizer: builds the optimizer of the policy alone.
    :param critic_optimizer: builds that of each group of critic networks.
    :param gradient_clip: largest L2 norm of the gradient of one optimizer's parameters.

    The other parameters are those of :class:`MultiAgentModule`.
    """

    def __init__(
        self,
        spec: EnvSpec,
        policy: PolicyFactory,
        optimizer: OptimizerFactory,
        critic_optimizer: OptimizerFactory,
        gradient_clip: float,
        gamma: float,
        epsilon: Schedule,
        individual_rewards: bool = False,
    ) -> None:
        super().__init__(spec, policy, optimizer, gamma, epsilon, individual_rewards)
        self.automatic_optimization = False
        self.critic_optimizer_factory = critic_optimizer
        self.gradient_clip = checks.number("gradient_clip", gradient_clip, above=0)
        self.critics: list[Sequence[nn.Module]] = []

    def configure_optimizers(self) -> list[Optimizer]:
        """The policy's, then one for each group of ``critics``."""
        critics = [self.critic_optimizer_factory(_parameters(networks)) for networks in self.critics]
        return [self.optimizer_factory(_parameters([self.policy])), *critics]

    def part_of(self, number: int) -> str:
        return "policy" if number == 0 else "critic"


def _parameters(networks: Iterable[nn.Module]) -> list[nn.Parameter]:
    return [parameter for network in networks for parameter in network.parameters()]
