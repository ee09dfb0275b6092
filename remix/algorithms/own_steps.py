"""What algorithms share that make the steps of several optimizers themselves."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

from remix.algorithms.base import MultiAgentModule
from remix.learning import epochs


class OwnSteps(MultiAgentModule):
    """Base of algorithms that call :meth:`minimise`; their constructors set what is annotated here.

    Lightning makes no steps then, so ``automatic_optimization`` is false.
    """

    gradient_clip: float
    """Largest L2 norm of the gradient of one optimizer's parameters."""

    @abstractmethod
    def part_of(self, number: int) -> str:
        """What the optimizer of this ``number`` optimises, for messages."""

    def minimise(self, loss: Tensor, number: int) -> Tensor:
        """Make a step of the optimizer with this ``number`` on a scalar loss.

        :returns: the norm of its gradient before clipping, a scalar.
        """
        part = self.part_of(number)
        self.look(f"{part}'s loss", loss)
        optimizer = self.optimizers()[number]  # type: ignore[index]
        optimizer.zero_grad()
        self.manual_backward(loss)
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        scale = epochs.gradient_scale(self.trainer) if self.scales_gradients else 1.0
        norm = nn.utils.clip_grad_norm_(parameters, scale * self.gradient_clip, foreach=True) / scale
        if not self.scales_gradients:
            self.look(f"{part}'s gradient", norm)
        optimizer.step()
        return norm
