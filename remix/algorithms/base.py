"""What all algorithms share: a policy, exploration, target copies, evaluation and the metrics' x axis."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from envs.errors import SettingError, part
from envs.spec import EnvSpec
from remix.divergence import DivergenceGuard
from remix.episodes import Batch, Episode
from remix.metrics import EpisodeStatistics, Means
from remix.policy import Policy

if TYPE_CHECKING:
    from remix.datamodule import Round

OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]
PolicyFactory = Callable[[EnvSpec], Policy]
NetworkT = TypeVar("NetworkT", bound=nn.Module)


def adam(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Adam with the learning rate of the paper's Table 2."""
    return torch.optim.Adam(parameters, lr=1e-3)


def slow_adam(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Adam with half of that, for the methods that regress on one-step targets."""
    return torch.optim.Adam(parameters, lr=5e-4)


class MultiAgentModule(pl.LightningModule):
    """Base of all algorithms.

    A subclass gives :meth:`loss`, or :meth:`learn` where one loss is not enough, and lists its target
    networks in ``targets`` as pairs (copy, original).

    :param spec: of the environment.
    :param policy: builds the decentralised policy.
    :param optimizer: builds the optimizer over all parameters.
    :param gamma: discount per environment step.
    :param epsilon_start: exploration at step 0.
    :param epsilon_end: exploration after ``epsilon_anneal_steps`` environment steps (linear in between).
    :param target_update_episodes: collected episodes between copies into the target networks; None if the
        subclass has none or makes them itself.
    """

    learns_from_replay = True
    """Whether updates want episodes drawn from the replay."""

    learns_from_latest = False
    """Whether updates want the episodes collected last; if nothing else, learning is on-policy."""

    needs_behaviour = False
    """Whether the replay has to keep the behaviour probabilities of actions."""

    def __init__(
        self,
        spec: EnvSpec,
        policy: PolicyFactory,
        optimizer: OptimizerFactory,
        gamma: float,
        epsilon_start: float,
        epsilon_end: float,
        epsilon_anneal_steps: int,
        target_update_episodes: int | None = None,
    ) -> None:
        super().__init__()
        if not 0.0 <= gamma <= 1.0:
            raise SettingError("gamma", gamma, "must be between 0 and 1")
        for name, value in (("epsilon_start", epsilon_start), ("epsilon_end", epsilon_end)):
            if not 0.0 <= value <= 1.0:
                raise SettingError(name, value, "must be between 0 and 1")
        for name, count in (
            ("epsilon_anneal_steps", epsilon_anneal_steps),
            ("target_update_episodes", target_update_episodes),
        ):
            if count is not None and count < 1:
                raise SettingError(name, count, "must be at least 1")
        self.spec, self.gamma, self.optimizer_factory = spec, gamma, optimizer
        self.epsilon_start, self.epsilon_end = epsilon_start, epsilon_end
        self.epsilon_anneal_steps, self.target_update_episodes = epsilon_anneal_steps, target_update_episodes
        with part("policy"):
            self.policy = policy(spec)
        self.targets: list[tuple[nn.Module, nn.Module]] = []
        # Plain numbers rather than buffers: reading one of those would wait for the device.
        self.env_steps = self.updates = self.episodes_at_copy = 0
        self.batches = 0  # of this epoch; Lightning's index begins anew where a run that stopped goes on
        self.training_means = Means(may_lack="weighting/")
        self.guard = DivergenceGuard()
        self.scales_gradients = False
        self.played = EpisodeStatistics(spec.metrics)
        self.evaluated = EpisodeStatistics(spec.metrics)

    @abstractmethod
    def loss(self, batch: Batch, env_steps: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar loss of a batch, and detached scalars worth logging."""

    def exploration(self, env_steps: int) -> float:
        """Epsilon after so many environment steps."""
        progress = min(1.0, env_steps / self.epsilon_anneal_steps)
        return self.epsilon_start + progress * (self.epsilon_end - self.epsilon_start)

    def configure_optimizers(self) -> Optimizer:
        return self.optimizer_factory([p for p in self.parameters() if p.requires_grad])

    def on_train_start(self) -> None:
        # Validate at the end of an epoch, which the collected steps decide, not after a number of batches.
        self.trainer.val_check_batch = float("inf")
        # In half precision gradients are scaled, and steps whose gradients overflow are left out.
        self.scales_gradients = getattr(self.trainer.precision_plugin, "scaler", None) is not None

    def training_step(self, batch: Round, batch_idx: int) -> Tensor | None:
        self.env_steps = batch.env_steps
        if batch.collected:
            self.played.update(batch.collected)
        return self.learn(batch) if batch.learns else None

    def learn(self, data: Round) -> Tensor | None:
        """One update: the loss for Lightning to minimise, or None if the steps are made here."""
        loss, metrics = self.round_loss(data)
        self.look("loss", loss)
        self.training_means.update({"loss": loss.detach(), **metrics})
        return loss

    def round_loss(self, data: Round) -> tuple[Tensor, dict[str, Tensor]]:
        """:meth:`loss` of what a round is learned from."""
        batch = data.batch if self.learns_from_replay else data.latest
        assert batch is not None
        return self.loss(batch, data.env_steps)

    def look(self, what: str, value: Tensor) -> None:
        """Nothing if a loss or the norm of a gradient is finite; else the run ends.

        :raises Diverged: as soon as it can be known without waiting for the device.
        """
        self.guard.look(what, value.detach(), self.updates + 1, self.env_steps)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        if gradients:
            norm = nn.utils.get_total_norm(gradients)
            if not self.scales_gradients:
                self.look("gradient", norm)
            self.training_means.update({"gradient_norm": norm})

    def on_train_batch_end(self, outputs: Any, batch: Round, batch_idx: int) -> None:
        if batch.learns:
            self.updates += 1
        self._copy_targets(batch.episodes)
        if batch.ends_epoch:
            # Only now is it known that this batch was the epoch's last; Lightning validates after it.
            self.trainer.fit_loop.epoch_loop.batch_progress.is_last_batch = True
        if batch.ends_run:
            self.trainer.should_stop = True
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

    def _copy_targets(self, episodes: int) -> None:
        interval = self.target_update_episodes
        if interval is not None and episodes - self.episodes_at_copy >= interval:
            copy_all(self.targets)
            self.episodes_at_copy = episodes

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
        # Lightning's own record serves checkpoints and early stopping; the loggers get the right axis.
        self.log_dict(metrics, logger=False)
        if not self.trainer.sanity_checking:
            self.log_metrics(metrics)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.guard.check()
        checkpoint["env_steps"] = self.env_steps
        checkpoint["updates"], checkpoint["episodes_at_copy"] = self.updates, self.episodes_at_copy
        # Between two times of logging, as a run may stop there.
        checkpoint["batches"] = self.batches
        checkpoint["played"], checkpoint["means"] = self.played.gathered(), self.training_means.gathered()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.env_steps = checkpoint["env_steps"]
        self.updates, self.episodes_at_copy = checkpoint["updates"], checkpoint["episodes_at_copy"]
        if "played" in checkpoint:
            self.batches = checkpoint["batches"]
            self.played.restore(checkpoint["played"])
            self.training_means.restore(checkpoint["means"])


def target_copy(network: NetworkT) -> NetworkT:
    """An exact copy that is never trained."""
    return deepcopy(network).requires_grad_(False)


def copy_all(targets: Iterable[tuple[nn.Module, nn.Module]]) -> None:
    """Give every copy the weights of its original."""
    for copy, original in targets:
        copy.load_state_dict(original.state_dict())
