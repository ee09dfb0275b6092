"""The contract of an algorithm (:class:`remix.algorithms.base.MultiAgentModule`), one function a clause."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, isnan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from pytorch_lightning.utilities.seed import isolate_rng
from torch import Tensor

from remix.checking.outcome import NotChecked, Report, expect, run_checks
from remix.checking.recording import Row
from remix.checking.training import HALF, Run, Training
from remix.learning.episodes import Episode
from remix.learning.policy import Policy
from remix.learning.workers.rollout import rollout
from remix.runs.checkpoints import load
from remix.runs.instantiation import factory
from remix.weighting.base import Weighting

_KEEP = "keep what training changes in parameters, buffers or on_save_checkpoint"


def check_algorithm(name: str, algorithm: Any) -> Report:
    """Every clause that a few tiny trainings on Predator-Prey can show.

    :param name: of the algorithm, for messages.
    :param algorithm: what stands below ``algorithm`` in the composed configuration of a run, such a
        configuration, or the name of a choice in ``conf/algorithm``.
    :raises CheckFailed: a clause is broken.
    """
    __tracebackhide__ = True
    with TemporaryDirectory() as folder, isolate_rng(include_cuda=False):
        return run_checks(name, Training(name, algorithm, Path(folder)), CHECKS)


def it_can_be_configured_and_built(training: Training) -> None:
    """Its settings fit its signature, and its optimizers take what they are given."""
    training.build(training.config)


def target_networks_are_never_trained(training: Training) -> None:
    """The copies among its target networks need no gradient."""
    module, _ = training.build(training.config)
    for copy, original in module.targets.pairs:
        wrong = [name for name, parameter in copy.named_parameters() if parameter.requires_grad]
        kind = type(original).__name__
        expect(not wrong, f"the target copy of {kind} trains {', '.join(wrong)}; make it with target_copy")


def it_trains_and_logs(training: Training) -> None:
    """Updates are made, and every number that is logged is finite; of weightings some may be missing."""
    run = training.whole
    updates = run.module.updates
    expect(updates >= 2 * HALF, f"made {updates} updates, must make some in every epoch")
    for step, metrics in run.recorder.rows:
        for name, value in metrics.items():
            missing = name.startswith("weighting/") and isnan(value)
            expect(isfinite(value) or missing, f"{name} is {value} at environment step {step}")
    logged = {name for _, metrics in run.recorder.rows for name in metrics}
    absent = [name for name in ("train/return", "test/return", "train/updates") if name not in logged]
    expect(not absent, f"does not log {', '.join(absent)}; call the methods of MultiAgentModule")
    losses = [name for name in logged if "loss" in name]
    expect(losses, f"logs no loss, only {', '.join(sorted(logged))}")


def everything_that_should_learn_does(training: Training) -> None:
    """Every layer has changed. A single parameter need not: the bias before a softmax has no gradient."""
    run, moved = training.whole, dict[str, bool]()
    for name, parameter in run.module.named_parameters():
        layer = name.rpartition(".")[0]
        if parameter.requires_grad:
            changed = not torch.equal(parameter.detach().cpu(), run.before[name])
            moved[layer] = moved.get(layer, False) or changed
    still = [layer for layer, has in moved.items() if not has]
    expect(not still, f"{', '.join(still)} has not learned anything in {run.module.updates} updates")


def its_weights_can_be_drawn(training: Training) -> None:
    """``last_weights [K]`` of the last update, within the weighting's range, for the heat map."""
    module = training.whole.module
    weighting = getattr(module, "weighting", None)
    if not isinstance(weighting, Weighting) or weighting.min_weight == weighting.max_weight:
        raise NotChecked("it weighs all transitions alike")
    weights = getattr(module, "last_weights", None)
    expect(
        isinstance(weights, Tensor) and weights.dim() == 1 and not weights.requires_grad,
        "last_weights must be the weights of the last update, without gradient",
    )


def a_run_that_stopped_goes_on_exactly(training: Training) -> None:
    """Stopped half-way and gone on with it equals the uninterrupted one, digit by digit."""
    half = training.run(training.configured("half", max_epochs=HALF))
    rest = training.run(training.configured("half"), checkpoint=training.folder / "half/last.ckpt")
    when = "in a run that was stopped and went on"
    _same(training.whole, rest, [*half.recorder.rows, *rest.recorder.rows], f"{when}; {_KEEP}")


def the_seed_decides_everything(training: Training) -> None:
    """The global random generators, which a game may seed, do not."""
    other = training.run(training.configured("other"), global_seed=12345)
    when = "when a game has seeded the global random generators"
    _same(training.whole, other, other.recorder.rows, f"{when}; draw from a generator of your own")


def a_checkpoint_loads_as_its_policy(training: Training) -> None:
    """The loaded policy acts as the trained one does."""
    package = str(training.config.algorithm._target_).partition(".")[0]
    trained = training.whole.module
    _, loaded = load(training.folder / "whole/last.ckpt", trust=[package])
    episodes = zip(_greedy(training, trained.policy), _greedy(training, loaded.policy), strict=True)
    same = all(np.array_equal(ours.actions, theirs.actions) for ours, theirs in episodes)
    expect(same, "the policy that is loaded from its checkpoint acts otherwise than the trained one")


def a_gpu_trains_alike(training: Training) -> None:
    """The first loss on the GPU is that on the CPU."""
    if not torch.cuda.is_available():
        raise NotChecked("there is one device here, the CPU")
    elsewhere = training.run(training.configured("gpu", accelerator="cuda"))
    logged = {name for _, metrics in training.whole.recorder.rows for name in metrics}
    for name in sorted(name for name in logged if "loss" in name):
        first, other = (run.recorder.history(name)[0][1] for run in (training.whole, elsewhere))
        close = np.isclose(first, other, rtol=1e-3, atol=1e-5)
        expect(close, f"the first {name} is {other:.6g} on the GPU, {first:.6g} on the CPU")


CHECKS = (
    it_can_be_configured_and_built,
    target_networks_are_never_trained,
    it_trains_and_logs,
    everything_that_should_learn_does,
    its_weights_can_be_drawn,
    a_checkpoint_loads_as_its_policy,
    a_run_that_stopped_goes_on_exactly,
    the_seed_decides_everything,
    a_gpu_trains_alike,
)


def _same(expected: Run, run: Run, rows: Sequence[Row], when: str) -> None:
    """:raises Flaw: the metrics or the weights are not those expected."""
    for (step, metrics), (_, others) in zip(expected.recorder.rows, rows, strict=False):
        for name in sorted(metrics):
            value, other = metrics[name], others.get(name)
            same = repr(value) == repr(other)  # as text, NaN equals NaN
            expect(same, f"{name} at environment step {step} is {other}, not {value}, {when}")
    expect(len(rows) == len(expected.recorder.rows), f"other numbers of metrics are logged {when}")
    theirs = run.module.state_dict()
    for name, value in expected.module.state_dict().items():
        expect(torch.equal(value, theirs[name]), f"the weights {name} differ {when}")


def _greedy(training: Training, policy: Policy) -> list[Episode]:
    game = factory(training.config.env)()
    try:
        return rollout(game, policy, np.arange(8), exploration=None)
    finally:
        game.close()
