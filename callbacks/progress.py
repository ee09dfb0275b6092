"""Live progress in environment steps: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from tqdm import tqdm

from remix.algorithms.base import MultiAgentModule
from remix.learning.rounds import Round
from remix.settings import checks

_BAR_REFRESH = 0.2  # seconds
_BAR_FORMAT = "{percentage:3.0f}%|{bar}| {n:,}/{total:,} steps [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


class EnvStepProgress(Callback):
    """Shows environment steps of the budget, steps per second, epsilon, the last test return and updates.

    On Ray it also shows how many workers there are.

    :param interval: seconds between lines when the standard output is not a terminal.
    """

    changes_training = False

    def __init__(self, interval: float = 15.0) -> None:
        self.interval = checks.number("interval", interval, above=0)
        self._bar: tqdm[Any] | None = None
        self._started = self._shown = (0.0, 0)  # seconds and environment steps

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        module, budget = _parts(trainer, pl_module)
        self._started = self._shown = time.monotonic(), module.env_steps
        if sys.stdout.isatty():
            self._bar = tqdm(
                total=budget,
                initial=module.env_steps,
                file=sys.stdout,
                unit=" steps",
                bar_format=_BAR_FORMAT,
                dynamic_ncols=True,
            )

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Round, batch_idx: int
    ) -> None:
        period = self.interval if self._bar is None else _BAR_REFRESH
        if time.monotonic() - self._shown[0] >= period:
            self._show(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._show(trainer, pl_module, final=True)
        self._close()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self._close()

    def _show(self, trainer: pl.Trainer, pl_module: pl.LightningModule, final: bool = False) -> None:
        """Update the bar, or print a line. The final line shows the average speed."""
        module, budget = _parts(trainer, pl_module)
        now, steps = time.monotonic(), module.env_steps
        details = {"epsilon": f"{module.exploration(steps):.2f}"}
        if (test_return := trainer.callback_metrics.get("test/return")) is not None:
            details["test return"] = f"{float(test_return):.2f}"
        details["updates"] = f"{module.updates:,}"
        if (strength := _strength(trainer)) is not None:
            details["workers"] = "{} of {}".format(*strength)
        if self._bar is not None:
            self._bar.set_postfix(details, refresh=False)
            # The last round may exceed the budget, and tqdm shows no bar beyond its total.
            self._bar.update(min(steps, budget) - self._bar.n)
            self._bar.refresh()
        else:
            since, before = self._started if final else self._shown
            rate = (steps - before) / max(now - since, 1e-9)
            parts = [
                f"{steps:,} of {budget:,} steps ({min(steps / budget, 1.0):.0%})",
                f"{rate:,.0f} steps/s" + (" on average" if final else ""),
                *(f"{name} {value}" for name, value in details.items()),
            ]
            print(", ".join(parts), flush=True)
        self._shown = now, steps

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _parts(trainer: pl.Trainer, pl_module: pl.LightningModule) -> tuple[MultiAgentModule, int]:
    """The module, and the budget in environment steps."""
    assert isinstance(pl_module, MultiAgentModule)
    return pl_module, trainer.datamodule.max_env_steps  # type: ignore[attr-defined]


def _strength(trainer: pl.Trainer) -> tuple[int, int] | None:
    """Workers that are there and workers wanted, where that is worth telling."""
    pool = trainer.datamodule.collector.pool  # type: ignore[attr-defined]
    return None if pool is None else pool.strength
