"""The absolute metric: the best policy of a run once more, on fresh episodes (Gorsane et al., 2022)."""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, ModelCheckpoint

from remix.algorithms.base import MultiAgentModule
from remix.learning import archive
from remix.learning.datamodule import ReplayDataModule
from remix.learning.metrics import EpisodeStatistics, by_episode
from remix.learning.workers.base import PolicyState
from remix.settings import checks
from remix.tracking.journal import ABSOLUTE_BEST, ABSOLUTE_LAST
from remix.tracking.loggers import JournalLogger

_POLICY = "policy."
"""Beginning of the names of the policy's weights in a checkpoint."""


class AbsoluteMetric(Callback):
    """Plays greedy episodes of the best and of the last policy when a run has used its budget.

    The highest of many evaluations is too high by their noise; these episodes had no part in the choice of
    the best policy. Both policies play the same ones, of a stream of seeds that nothing else uses, as many at
    a time as in an evaluation. Their means are logged as ``absolute_best/*`` and ``absolute_last/*``, and
    each of them is in the journal. A run that was stopped has neither, and one that keeps no best checkpoint
    the latter only.

    It costs what ``2 * times`` evaluations during training cost.

    :param times: as many episodes as an evaluation has.
    """

    changes_training = False

    def __init__(self, times: int = 10) -> None:
        self.times = checks.whole("times", times, minimum=1)

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, ReplayDataModule) and isinstance(pl_module, MultiAgentModule)
        if data.env_steps < data.max_env_steps:
            return
        if (best := _best_policy(trainer)) is not None:
            self._evaluate(ABSOLUTE_BEST, data, pl_module, best)
        self._evaluate(ABSOLUTE_LAST, data, pl_module, None)

    def _evaluate(
        self, name: str, data: ReplayDataModule, module: MultiAgentModule, policy_state: PolicyState | None
    ) -> None:
        """:param policy_state: None for that of the module."""
        statistics, episodes = EpisodeStatistics(data.spec.metrics), dict[str, list[float]]()
        n = data.validation_episodes
        for first in range(0, self.times * n, n):
            played = data.collect("absolute", first, n, None, policy_state)
            statistics.update(played)
            for metric, values in by_episode(played, data.spec.metrics).items():
                episodes.setdefault(metric, []).extend(values)
        module.log_metrics({f"{name}/{metric}": value for metric, value in statistics.compute().items()})
        for logger in module.loggers:
            if isinstance(logger, JournalLogger):
                logger.journal.append_evaluation(name, episodes, module.env_steps)


def _best_policy(trainer: pl.Trainer) -> PolicyState | None:
    """Of the first callback that keeps the best checkpoint of a metric, None if there is none."""
    keepers = (callback for callback in trainer.checkpoint_callbacks if isinstance(callback, ModelCheckpoint))
    path = next((keeper.best_model_path for keeper in keepers if keeper.monitor), "")
    if not path:
        return None
    state = archive.read(path)["state_dict"].items()
    return {key.removeprefix(_POLICY): value for key, value in state if key.startswith(_POLICY)}
