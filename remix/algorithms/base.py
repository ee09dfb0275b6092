"""What all algorithms share: a policy, exploration, target copies, evaluation and the metrics' x axis."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self

import pytorch_lightning as pl
import torch
from torch import Tensor

import remix
from remix.algorithms.optimizers import OptimizerFactory
from remix.algorithms.target_networks import TargetNetworks
from remix.envs.spec import EnvSpec
from remix.learning import epochs
from remix.learning.divergence import DivergenceGuard
from remix.learning.episodes import Episode
from remix.learning.metrics import EpisodeStatistics, Means
from remix.learning.policy import Policy
from remix.learning.rounds import Round
from remix.learning.schedules import Schedule
from remix.settings import checks
from remix.settings.errors import SettingError

PolicyFactory = Callable[[EnvSpec], Policy]


class MultiAgentModule(pl.LightningModule, ABC):
    """Base of all algorithms: a :class:`Learner` whose subclasses define :meth:`learn`.

    An algorithm that minimises one loss derives from :class:`SingleLossModule` instead. A subclass puts
    target networks that follow the collected episodes into ``targets``.

    :param spec: of the environment.
    :param policy: builds the decentralised policy.
    :param optimizer: builds the optimizer, of all parameters where a subclass says nothing else.
    :param gamma: discount per environment step.
    :param epsilon: exploration by environment steps, between 0 and 1.
    :param individual_rewards: whether each agent learns from its own reward rather than the team's; for
        subclasses that learn from :meth:`remix.learning.episodes.Batch.agent_rewards`.
    """

    learns_from_replay = True
    """Whether updates want episodes drawn from the replay."""

    learns_from_latest = False
    """Whether updates want the episodes collected last; if nothing else, learning is on-policy."""

    extra_outputs = 0
    """What the policy's agents must give beside an output for each action, see :class:`Policy`."""

    needs_behaviour = False
    """Whether the replay has to keep the behaviour probabilities of actions."""

    def __init__(
        self,
        spec: EnvSpec,
        policy: PolicyFactory,
        optimizer: OptimizerFactory,
        gamma: float,
        epsilon: Schedule,
        individual_rewards: bool = False,
    ) -> None:
        super().__init__()
        self.spec, self.optimizer_factory = spec, optimizer
        self.individual_rewards = checks.flag("individual_rewards", individual_rewards)
        if individual_rewards and not spec.individual_rewards:
            expected = f"must be false: {spec.name} pays the team, not each agent"
            raise SettingError("individual_rewards", individual_rewards, expected)
        self.gamma = checks.number("gamma", gamma, 0.0, 1.0)
        self.epsilon = checks.instance("epsilon", epsilon, Schedule).within("epsilon", 0.0, 1.0)
        self.policy = checks.built("policy", Policy, policy, spec)
        if self.policy.extra_outputs != self.extra_outputs:
            expected = f"must have extra_outputs={self.extra_outputs}, has {self.policy.extra_outputs}"
            raise SettingError("policy", type(self.policy).__name__, expected)
        self.targets = TargetNetworks()
        # Plain numbers rather than buffers: reading one of those would wait for the device.
        self.env_steps = self.updates = 0
        self.batches = 0  # of this epoch; Lightning's index begins anew where a run that stopped goes on
        self.training_means = Means(may_lack="weighting/")
        self.guard = DivergenceGuard()
        self.scales_gradients = False
        self.played, self.evaluated = self.new_statistics(), self.new_statistics()

    @classmethod
    def load_from_checkpoint(
        cls, checkpoint_path: Any, map_location: Any = None, *arguments: Any, **options: Any
    ) -> Self:
        """A trained module; without further arguments it is built as its run was configured.

        :param arguments: with any of them or of the ``options`` it is built as Lightning does it.
        :raises SettingError: the checkpoint cannot be used, or is of another class.
        """
        if arguments or options:
            return super().load_from_checkpoint(checkpoint_path, map_location, *arguments, **options)
        module = remix.load_module(checkpoint_path, map_location)
        if not isinstance(module, cls):
            raise SettingError("checkpoint_path", checkpoint_path, f"holds a {type(module).__name__}")
        return module

    @abstractmethod
    def learn(self, data: Round) -> Tensor | None:
        """One update.

        :returns: a scalar loss for Lightning to minimise, or None if the algorithm makes its steps itself.
        """

    def new_statistics(self) -> EpisodeStatistics:
        """Statistics of episodes of this game, with the agents' own returns where they learn from these."""
        return EpisodeStatistics(self.spec.metrics, self.spec.n_agents if self.individual_rewards else 0)

    def exploration(self, env_steps: int) -> float:
        """Share of uniform choices in episodes that begin after so many environment steps.

        :raises SettingError: a schedule of another class gives no probability there.
        """
        return checks.number(f"epsilon({env_steps})", self.epsilon(env_steps), 0.0, 1.0)

    def on_train_start(self) -> None:
        epochs.validate_after_epochs(self.trainer)
        self.scales_gradients = epochs.scales_gradients(self.trainer)

    def training_step(self, batch: Round, batch_idx: int) -> Tensor | None:
        """Learn from a round. It returns the scalar loss of :meth:`learn`, or None without an update."""
        self.env_steps = batch.env_steps
        if batch.collected:
            self.played.update(batch.collected)
        return self.learn(batch) if batch.learns else None

    def look(self, what: str, value: Tensor) -> None:
        """End the run if a loss or the norm of a gradient, a scalar, is not finite.

        :param what: name of the number in the message.
        :raises Diverged: it is not finite, as soon as that can be known without waiting for the device.
        """
        self.guard.look(what, value.detach(), self.updates + 1, self.env_steps)

    def on_train_batch_end(self, outputs: Any, batch: Round, batch_idx: int) -> None:
        if batch.learns:
            self.updates += 1
        self.targets.follow(batch.episodes)
        epochs.end_where_due(self.trainer, batch)
        self.batches += 1
        interval: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]  # 0 for never
        if batch.ends_epoch or (interval and self.batches % interval == 0):
            self._log_training(batch)
        if batch.ends_epoch:
            self.batches = 0

    def on_train_end(self) -> None:
        self.guard.check()

    def validation_step(self, batch: list[Episode], batch_idx: int) -> None:
        self.evaluated.update(batch)

    def on_validation_epoch_end(self) -> None:
        self._log_evaluation("test")

    def test_step(self, batch: list[Episode], batch_idx: int) -> None:
        self.evaluated.update(batch)

    def on_test_epoch_end(self) -> None:
        self._log_evaluation("final")

    def log_metrics(self, metrics: dict[str, float]) -> None:
        """Send metrics to every logger, environment steps on the x axis."""
        for logger in self.loggers:
            logger.log_metrics(metrics, step=self.env_steps)

    def _log_training(self, batch: Round) -> None:
        self.guard.check()
        played = self.played.compute() if self.played.count > 0 else {}
        metrics = {f"train/{name}": value for name, value in played.items()}
        metrics |= {
            name if "/" in name else f"train/{name}": v for name, v in self.training_means.take().items()
        }
        metrics |= {
            "train/epsilon": batch.exploration,
            "train/episodes": float(batch.episodes),
            "train/updates": float(self.updates),
        }
        self.played.reset()
        self.log_metrics(metrics)

    def _log_evaluation(self, prefix: str) -> None:
        metrics = {f"{prefix}/{name}": value for name, value in self.evaluated.compute().items()}
        self.evaluated.reset()
        # Lightning's own record serves callbacks; the loggers get the right axis. Of plain numbers it would
        # keep single precision, in which 0.9 is not 90 % of 1.
        record = {name: torch.tensor(value, dtype=torch.float64) for name, value in metrics.items()}
        self.log_dict(record, logger=False)
        if not self.trainer.sanity_checking:
            self.log_metrics(metrics)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.guard.check()
        checkpoint["env_steps"], checkpoint["updates"] = self.env_steps, self.updates
        checkpoint["episodes_at_copy"] = self.targets.copied_at
        # Between two times of logging, as a run may stop there.
        checkpoint["batches"] = self.batches
        checkpoint["played"], checkpoint["means"] = self.played.gathered(), self.training_means.gathered()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.env_steps, self.updates = checkpoint["env_steps"], checkpoint["updates"]
        self.targets.copied_at = checkpoint["episodes_at_copy"]
        if "played" in checkpoint:
            self.batches = checkpoint["batches"]
            self.played.restore(checkpoint["played"])
            self.training_means.restore(checkpoint["means"])
