"""The absolute metric: the best policy of a run is evaluated again on new episodes (Gorsane et al., 2022)."""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, ModelCheckpoint

from remix.algorithms.base import MultiAgentModule
from remix.callbacks.side_matters import side_matter
from remix.learning import archive
from remix.learning.datamodule import ReplayDataModule
from remix.learning.metrics import by_episode
from remix.learning.workers.base import PolicyState
from remix.settings import checks
from remix.tracking.journal import ABSOLUTE_BEST, ABSOLUTE_LAST
from remix.tracking.loggers import JournalLogger

_POLICY = "policy."
"""The prefix of the names of the policy's weights in a checkpoint."""


class AbsoluteMetric(Callback):
    """Plays greedy episodes of the best and of the last policy when a run has used its budget.

    The highest of many evaluations is too high because of their noise. The episodes of this callback had no
    part in the choice of the best policy. Both policies play the same episodes, from a stream of seeds that
    nothing else uses. The means are logged as ``absolute_best/*`` and ``absolute_last/*``; the journal keeps
    every episode. A run that was stopped has neither. A run that keeps no best checkpoint, or whose best
    checkpoint cannot be read any more, has only ``absolute_last/*``.

    The cost is that of ``2 * times`` evaluations during training.

    :param times: number of episodes of each policy, as a multiple of those of one evaluation.
    """

    changes_training = False

    def __init__(self, times: int = 10) -> None:
        self.times = checks.whole("times", times, minimum=1)

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, ReplayDataModule) and isinstance(pl_module, MultiAgentModule)
        if data.env_steps < data.max_env_steps:
            return
        best = None
        with side_matter("no absolute metric of the best policy"):
            best = _best_policy(trainer)
        if best is not None:
            self._evaluate(ABSOLUTE_BEST, data, pl_module, best)
        self._evaluate(ABSOLUTE_LAST, data, pl_module, None)

    def _evaluate(
        self, name: str, data: ReplayDataModule, module: MultiAgentModule, policy_state: PolicyState | None
    ) -> None:
        """Play the episodes with one policy and log their means under ``name``.

        :param policy_state: weights of the policy, None for those of the module.
        """
        statistics, episodes = module.new_statistics(), dict[str, list[float]]()
        n = data.validation_episodes
        for first in range(0, self.times * n, n):
            played = data.collector.collect("absolute", first, n, None, policy_state)
            statistics.update(played)
            for metric, values in by_episode(played, data.spec.metrics).items():
                episodes.setdefault(metric, []).extend(values)
        module.log_metrics({f"{name}/{metric}": value for metric, value in statistics.compute().items()})
        for logger in module.loggers:
            if isinstance(logger, JournalLogger):
                logger.journal.append_evaluation(name, episodes, module.env_steps)


def _best_policy(trainer: pl.Trainer) -> PolicyState | None:
    """The weights of the best policy, kept by the first callback that monitors a metric; None without one."""
    keepers = (callback for callback in trainer.checkpoint_callbacks if isinstance(callback, ModelCheckpoint))
    path = next((keeper.best_model_path for keeper in keepers if keeper.monitor), "")
    if not path:
        return None
    state = archive.read(path)["state_dict"].items()
    return {key.removeprefix(_POLICY): value for key, value in state if key.startswith(_POLICY)}
