"""Live progress in environment steps: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from tqdm import tqdm

from remix.algorithms.base import MultiAgentModule
from remix.learning.rounds import Round
from remix.settings import checks

_BAR_REFRESH = 0.2  # seconds
_BAR_FORMAT = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]{postfix}"


class EnvStepProgress(Callback):
    """Shows environment steps of the budget, the last test return, steps per second, epsilon and updates.

    The best possible return stands beside it where the environment knows it. On Ray it also shows how many
    workers there are. A bar shows as much of that as fits into its line, the first things first.

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
                unit_scale=True,
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
        # A bar is redrawn too often for the speed between two of its pictures to be readable.
        average = final or self._bar is not None
        since, before = self._started if average else self._shown
        rate = f"{(steps - before) / max(now - since, 1e-9):,.0f} steps/s"
        details = [
            *_test_return(trainer, module.spec.best_return),
            f"{rate} on average" if final and self._bar is None else rate,
            f"epsilon {module.exploration(steps):.2f}",
            f"updates {module.updates:,}",
        ]
        if (strength := _strength(trainer)) is not None:
            details.append("workers {} of {}".format(*strength))
        if self._bar is not None:
            # The last round may exceed the budget, and tqdm shows no bar beyond its total.
            self._bar.update(min(steps, budget) - self._bar.n)
            self._bar.set_postfix_str(_fitting(details, self._bar), refresh=False)
            self._bar.refresh()
        else:
            share = f"{steps:,} of {budget:,} steps ({min(steps / budget, 1.0):.0%})"
            print(", ".join([share, *details]), flush=True)
        self._shown = now, steps

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _parts(trainer: pl.Trainer, pl_module: pl.LightningModule) -> tuple[MultiAgentModule, int]:
    """The module, and the budget in environment steps."""
    assert isinstance(pl_module, MultiAgentModule)
    return pl_module, trainer.datamodule.max_env_steps  # type: ignore[attr-defined]


def _test_return(trainer: pl.Trainer, best: float | None) -> list[str]:
    """The return of the last evaluation, if there was one, and the best one that there can be, if known."""
    if (test_return := trainer.callback_metrics.get("test/return")) is None:
        return []
    return [f"return {float(test_return):.2f}" + ("" if best is None else f" of {best:g}")]


def _fitting(details: Sequence[str], bar: tqdm[Any]) -> str:
    """Those of the details that leave a readable bar on a line of the terminal."""
    bar.set_postfix_str("", refresh=False)
    columns = shutil.get_terminal_size().columns
    meter = bar.format_meter(**{**bar.format_dict, "ncols": 0})  # with ten characters of the bar
    room = columns - len(meter) - 1
    shown: list[str] = []
    for detail in details:
        room -= len(", ") + len(detail)
        if room < 0:
            break
        shown.append(detail)
    return ", ".join(shown)


def _strength(trainer: pl.Trainer) -> tuple[int, int] | None:
    """Workers that are there and workers wanted, where that is worth telling."""
    pool = trainer.datamodule.collector.pool  # type: ignore[attr-defined]
    return None if pool is None else pool.strength
