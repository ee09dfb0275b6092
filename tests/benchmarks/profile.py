"""Where the time of training goes: ``make profile``, or ``python -m tests.benchmarks.profile [SETTING ...]``.

Trains as ``remix train`` does, by default in the paper's setting while episodes have full length, and counts
from the first update on. Settings are those of ``remix train``. Floating-point operations are counted from
the sizes of what was computed, a multiplication and an addition being two; what is not a product is not
counted. Beside their rate stands its share of what PyTorch's product of two large matrices makes here.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import SingleDeviceStrategy
from torch import nn
from torch.optim import Optimizer

import remix
from remix.algorithms import base, independent, single_loss, value_factorization
from remix.envs.spec import Environment
from remix.learning.collector import Collector
from remix.learning.episodes import Batch
from remix.learning.policy import Policy
from remix.learning.replay import EpisodeReplay
from remix.networks import feedforward, mixing, recurrence
from remix.networks.agent import AgentInputs
from remix.networks.features import Features
from remix.runs import experiment
from remix.runs.building import build
from remix.runs.run_settings import RunSettings
from remix.weighting.base import Weighting
from tests.benchmarks.stopwatch import Stopwatch
from tests.benchmarks.timing import least_seconds

SETTINGS = ["max_env_steps=64000", "seed=1"]
FULL_LENGTH = "env.punishment=-2"  # keeps episodes of Predator-Prey at their full length


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        given = sys.argv[1:]
        settings = SETTINGS if any(text.startswith("env=") for text in given) else [*SETTINGS, FULL_LENGTH]
        config = remix.compose(*settings, f"run_dir={directory}", *_store(directory), *given)
        build(config)  # so that every class it needs is known
        watch = Stopwatch()
        _measure(watch)
        experiment.train(RunSettings(config))
    threads = torch.get_num_threads()
    print(f"\nstages of training from the first update on, {threads} thread(s), {' '.join(sys.argv[1:])}")
    print(report(watch, _large_product()))


def _store(directory: str) -> list[str]:
    return [f"logger.mlflow.tracking_uri=sqlite:///{Path(directory) / 'mlflow.db'}"]


def _large_product() -> float:
    """Operations per second of a product of two large matrices in single precision, the best of many."""
    left, right = torch.ones(2, 512, 512)
    return 2 * 512**3 / least_seconds(lambda: left @ right, 100)


def report(watch: Stopwatch, machine: float) -> str:
    """One line per stage, the largest first.

    :param machine: operations per second to which those of the stages are compared.
    """
    total = watch.elapsed
    rounds = max(1, watch.calls["optimizer"])
    lines = [f"  {'stage':<38}{'share':>7}{'ms per update':>15}{'GFLOP':>9}{'GFLOP/s':>9}{'of large':>10}"]
    stages = sorted(watch.seconds.items(), key=lambda stage: -stage[1])
    rest = total - sum(watch.seconds.values())
    for name, seconds in [*stages, ("everything else", rest)]:
        line = f"  {name:<38}{seconds / total:>7.1%}{seconds / rounds * 1e3:>15.1f}"
        if operations := watch.operations.get(name, 0.0):
            rate = operations / seconds
            line += f"{operations / rounds / 1e9:>9.2f}{rate / 1e9:>9.0f}{rate / machine:>10.0%}"
        lines.append(line)
    operations = sum(watch.operations.values())
    lines.append(
        f"  {'all':<38}{1:>7.0%}{total / rounds * 1e3:>15.1f}"
        f"{operations / rounds / 1e9:>9.2f}{operations / total / 1e9:>9.0f}"
        f"{operations / total / machine:>10.0%}"
    )
    lines.append(f"  a large product by PyTorch: {machine / 1e9:.0f} GFLOP/s")
    return "\n".join(lines)


def _measure(watch: Stopwatch) -> None:
    """Put the stopwatch around every stage."""
    for environment in _subclasses(Environment):
        for name in ("reset", "step"):
            watch.measure(environment, name, "environment")
    watch.measure(Policy, "act", "policy")
    watch.measure(Collector, "collect", "rollout, the rest of it")
    watch.measure(EpisodeReplay, "add", "replay, write")
    watch.measure(EpisodeReplay, "sample", "replay, sample")
    for owner, names in {
        Batch: ("obs_rows", "state_rows", "availability", "last_actions"),
        AgentInputs: ("rows",),
    }.items():
        for name in names:
            watch.measure(owner, name, "unpack")
    names_of = _Names()
    watch.measure(base.MultiAgentModule, "on_train_start", names_of.note)
    watch.measure(
        recurrence._RecurrentPass,
        "forward",
        lambda ctx, features, sizes, learns, *parameters: names_of(parameters[:1], "forward"),
        lambda ctx, features, sizes, learns, *parameters: _recurrent(features, parameters, False),
    )
    watch.measure(
        recurrence._RecurrentPass,
        "backward",
        lambda ctx, *grads: names_of(ctx.saved_tensors[3:4], "backward"),
        lambda ctx, *grads: _recurrent(
            ctx.features, ctx.saved_tensors[3:], True, kept=len(ctx.saved_tensors[2]) > 0
        ),
    )
    watch.measure(
        feedforward._FeedForward,
        "forward",
        lambda ctx, features, dense, sizes, *parameters: names_of(parameters[::2], "forward"),
        lambda ctx, features, dense, sizes, *parameters: _layers(features, sizes, False),
    )
    watch.measure(
        feedforward._FeedForward,
        "backward",
        lambda ctx, *grads: names_of(ctx.saved_tensors[1::2], "backward"),
        lambda ctx, *grads: _layers(ctx.features, ctx.sizes, True),
    )
    watch.measure(mixing._Mixing, "forward", "mixing layer forward")
    watch.measure(mixing._Mixing, "backward", "mixing layer backward")
    watch.measure(value_factorization, "td_lambda", "targets")
    for weighting in _subclasses(Weighting):
        watch.measure(weighting, "__call__", "weights")
    for algorithm in (value_factorization.ValueFactorization, independent.IndependentQLearning):
        watch.measure(algorithm, "loss", "loss, the rest of it")
    watch.measure(SingleDeviceStrategy, "backward", "backward, the rest of it")
    watch.measure(pl.LightningModule, "clip_gradients", "gradient norms")
    watch.measure(single_loss.SingleLossModule, "on_before_optimizer_step", "gradient norms")
    for optimizer in _subclasses(Optimizer):
        watch.measure(optimizer, "step", "optimizer")
    watch.measure(base.MultiAgentModule, "log_metrics", "logging")
    watch.measure(pl.Trainer, "save_checkpoint", "checkpoints")
    _limit_to_updates(watch)


def _limit_to_updates(watch: Stopwatch) -> None:
    """Count from the first update to the end of the last epoch."""
    start, end = base.MultiAgentModule.on_train_batch_start, base.MultiAgentModule.on_train_end
    begun = False

    def restart(module: Any, batch: Any, index: int) -> Any:
        nonlocal begun
        if batch.batch is not None and not begun:
            watch.restart()
            begun = True
        return start(module, batch, index)

    def stop(module: Any) -> Any:
        watch.stop()
        return end(module)

    setattr(base.MultiAgentModule, start.__name__, restart)
    setattr(base.MultiAgentModule, end.__name__, stop)


class _Names:
    """Which network the parameters of a pass belong to."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def note(self, module: nn.Module) -> str:
        """Learn the names; returns that of the stage."""
        for name, parameter in module.named_parameters():
            self._names[parameter.data_ptr()] = name
        return "start"

    def __call__(self, weights: Sequence[torch.Tensor], direction: str) -> str:
        """What the names of all ``weights`` begin with."""
        names = [self._names.get(weight.data_ptr(), "network").split(".") for weight in weights]
        together = [parts[0] for parts in zip(*names, strict=False) if len(set(parts)) == 1]
        shown = [part for part in together if part not in ("encoder", "weight") and not part.isdigit()]
        return f"{' '.join(shown)} {direction}"


def _recurrent(
    features: Features, parameters: Iterable[torch.Tensor], backward: bool, kept: bool = False
) -> float:
    """Operations of a recurrent pass; on the way back gates that were not ``kept`` are computed again."""
    encoder, _, _, recurrent, _, _, head, _ = parameters
    size = recurrent.shape[1]
    gates, outputs = 2 * len(features) * 2 * 3 * size * size, 2 * len(features) * len(head) * size
    first = _first_layer(features, len(encoder))
    return (2 if kept else 3) * gates + 2 * outputs + 2 * first if backward else gates + outputs + first


def _layers(features: Features, networks: feedforward.Sizes, backward: bool) -> float:
    """Operations of a pass through linear layers; on the way back all but the last are computed again."""
    total = 0.0
    for sizes in networks:
        products = [2 * len(features) * n_in * n_out for n_in, n_out in itertools.pairwise(sizes[1:])]
        entry = _first_layer(features, sizes[1])
        dense = 2 * len(features) * features.dense.shape[1] * sizes[1]
        if not backward:
            total += entry + sum(products)
        else:
            total += entry + dense + (entry + 3 * sum(products) - products[-1] if products else 0.0)
    return total


def _first_layer(features: Features, width: int) -> float:
    """One addition for every listed one, a product for the dense columns."""
    listed = int((features.ends - features.starts).sum())
    return float(width * (listed + 2 * len(features) * features.dense.shape[1]))


def _subclasses(kind: type) -> list[Any]:
    """All classes below ``kind`` that are known by now."""
    direct: list[Any] = kind.__subclasses__()
    return [*direct, *itertools.chain.from_iterable(map(_subclasses, direct))]


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
