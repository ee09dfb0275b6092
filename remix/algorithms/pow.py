"""POW-QMIX: potentially optimal joint actions weighted (Huang et al., 2026)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from remix.algorithms.optimizers import OptimizerFactory, adam
from remix.algorithms.own_steps import OwnSteps
from remix.algorithms.value_factorization import Forward, ValueFactorization
from remix.envs.spec import EnvSpec
from remix.learning.rounds import Round
from remix.learning.schedules import Schedule
from remix.networks.recogniser import Recogniser, build_recogniser
from remix.networks.softmax import gather
from remix.settings import checks
from remix.settings.errors import SettingError
from remix.weighting.base import Weighting
from remix.weighting.recognised import Recognised

VALUES, RECOGNISER = 0, 1
"""Numbers of the optimizers."""


class POW(ValueFactorization, OwnSteps):
    """A weighted projection on the joint actions that a recogniser holds for possibly optimal.

    Before every update the recogniser makes steps of its own towards the same target as Q_tot. Unlike in the
    authors' code its gradient is clipped by its own norm alone.

    :param weighting: must ask for the recognised gap.
    :param recogniser: builds it from the spec.
    :param recogniser_optimizer: builds its optimizer.
    :param recogniser_steps: of that optimizer before each update; twice as many before the first.
    :param gradient_clip: largest L2 norm of the gradient of one optimizer's parameters.

    The other parameters are those of :class:`ValueFactorization`.
    """

    further = frozenset({"recognised_gap"})

    def __init__(
        self,
        spec: EnvSpec,
        weighting: Weighting | None = None,
        epsilon: Schedule = Schedule(1.0, 0.05, 500_000),
        loss_factor: float = 0.5,
        recogniser: Callable[[EnvSpec], Recogniser] = Recogniser,
        recogniser_optimizer: OptimizerFactory = adam,
        recogniser_steps: int = 10,
        gradient_clip: float = 10.0,
        **inherited: Any,
    ) -> None:
        weighting = weighting if weighting is not None else Recognised()
        super().__init__(spec, weighting=weighting, epsilon=epsilon, loss_factor=loss_factor, **inherited)
        if not self.further <= self.weighting.requires:
            name = type(self.weighting).__name__
            raise SettingError("weighting", name, "must be Recognised: no other asks what was recognised")
        self.automatic_optimization = False
        self.recogniser_optimizer_factory = recogniser_optimizer
        self.recogniser_steps = checks.whole("recogniser_steps", recogniser_steps, minimum=1)
        self.gradient_clip = checks.number("gradient_clip", gradient_clip, above=0)
        self.recogniser = build_recogniser(recogniser, spec)

    def configure_optimizers(self) -> list[Optimizer]:  # type: ignore[override]
        """That of all values, then the recogniser's."""
        own = {id(parameter) for parameter in self.recogniser.parameters()}
        others = [p for p in self.parameters() if p.requires_grad and id(p) not in own]
        return [
            self.optimizer_factory(others),
            self.recogniser_optimizer_factory(self.recogniser.parameters()),
        ]

    def part_of(self, number: int) -> str:
        return "recogniser" if number == RECOGNISER else "value"

    def learn(self, data: Round) -> None:
        assert data.batch is not None
        step = Forward(self, data.batch)
        target = self.target(step)
        recogniser_loss = self.teach(step, target)
        loss, metrics = self.loss_of(step, target, data.env_steps)
        norm = self.minimise(loss, VALUES)
        more = {"loss": loss.detach(), "gradient_norm": norm, "train/recogniser_loss": recogniser_loss}
        self.training_means.update({**metrics, **more})

    def teach(self, step: Forward, target: Tensor) -> Tensor:
        """Make the recogniser's steps towards ``target [K]``.

        :returns: its scalar loss at the last step.
        """
        regret, state = self._regret(step), step.state[step.batch.here]
        loss = target
        for _ in range(self.recogniser_steps if self.updates else 2 * self.recogniser_steps):
            value, _ = self.recogniser(regret, state, step.batch.actions)
            loss = 0.5 * (value - target).square().mean()
            self.minimise(loss, RECOGNISER)
        return loss.detach()

    @torch.no_grad()
    def further_inputs(self, step: Forward) -> dict[str, Tensor]:
        """How much worse the recogniser rates the taken joint actions than the agents' best ones, ``[K]``."""
        _, gap = self.recogniser(self._regret(step), step.state[step.batch.here], step.batch.actions)
        return {"recognised_gap": gap}

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Norms are known from the steps themselves."""

    @torch.no_grad()
    def _regret(self, step: Forward) -> Tensor:
        """By how much every agent's action is worse than its best one, ``[K, N]``."""
        here = step.batch.here
        best = gather(step.utilities[here], step.greedy[here])
        return best - step.chosen
