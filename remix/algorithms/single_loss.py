"""What algorithms share whose update is one step of one optimizer on one loss."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn
from torch.optim import Optimizer

from remix.algorithms.base import MultiAgentModule
from remix.learning.episodes import Batch
from remix.learning.rounds import Round


class SingleLossModule(MultiAgentModule):
    """Base of the algorithms that give a :meth:`loss`, which Lightning minimises.

    The parameters are those of :class:`MultiAgentModule`.
    """

    @abstractmethod
    def loss(self, batch: Batch, env_steps: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar loss of a batch, and detached scalars worth logging."""

    def round_loss(self, data: Round) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar :meth:`loss` of the episodes from which a round learns, and scalars worth logging."""
        batch = data.batch if self.learns_from_replay else data.latest
        assert batch is not None
        return self.loss(batch, data.env_steps)

    def learn(self, data: Round) -> Tensor | None:
        loss, metrics = self.round_loss(data)
        self.look("loss", loss)
        self.training_means.update({"loss": loss.detach(), **metrics})
        return loss

    def configure_optimizers(self) -> Optimizer:
        return self.optimizer_factory([p for p in self.parameters() if p.requires_grad])

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        if gradients:
            norm = nn.utils.get_total_norm(gradients)
            if not self.scales_gradients:
                self.look("gradient", norm)
            self.training_means.update({"gradient_norm": norm})
