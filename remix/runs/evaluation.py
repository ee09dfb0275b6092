"""Looking at trained policies: greedy episodes in numbers, and one of them as a picture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytorch_lightning as pl
from omegaconf import DictConfig, ListConfig, OmegaConf

from remix.algorithms.base import MultiAgentModule
from remix.learning.datamodule import ReplayDataModule
from remix.learning.films import film
from remix.runs.building import build_data
from remix.runs.checkpoints import find_checkpoint, load_with_environments
from remix.runs.compilation import compilation_told
from remix.runs.config import check_arguments, plain
from remix.runs.memory import check_together
from remix.runs.trainer import OneProcess
from remix.settings import checks
from remix.settings.errors import SettingError


@compilation_told()
def evaluate(config: DictConfig) -> dict[str, float]:
    """Play episodes of a trained policy; print and return their statistics."""
    with playing(config) as (path, module, data):
        data.evaluation_exploration = epsilon = config.exploration
        kind = "greedy episodes" if epsilon is None else f"episodes with epsilon {epsilon:g}"
        print(f"{config.episodes} {kind} of {path}")
        results = _tested(module, data, config.accelerator)
    width = max(map(len, results))
    for name, value in results.items():
        print(f"  {name:<{width}}  {value:.3f}")
    print(f"look at one of them: remix watch {path}")
    return results


@contextmanager
def playing(
    config: DictConfig, together: int | None = None, setting: str = "episodes"
) -> Iterator[tuple[Path, MultiAgentModule, ReplayDataModule]]:
    """Within, a trained policy can play: its checkpoint, its module, and the data module that plays.

    :param config: with the settings of ``conf/evaluate.yaml``.
    :param together: how many episodes are played at once, as ``setting`` says; None for all.
    :raises SettingError: a setting cannot work.
    """
    checks.whole("episodes", config.episodes, minimum=1)
    checks.seed("seed", config.seed)
    if config.exploration is not None:
        checks.number("exploration", config.exploration, 0.0, 1.0)
    path = find_checkpoint(str(config.checkpoint), config.tracking_uri)
    trained, module, environments = load_with_environments(path, config.env, _packages(config.trust))
    trained.seed, trained.test_episodes = config.seed, config.episodes
    if "workers" in config:
        trained.workers = config.workers
        check_arguments({"workers": plain(trained.workers)})
    with closing(environments):
        data = build_data(trained, environments)
        check_together(data.spec, trained.workers, setting, together or config.episodes)
        yield path, module, data


@compilation_told()
def watch(config: DictConfig) -> Path:
    """Play one greedy episode of a trained policy and save it as a film."""
    checks.seed("seed", config.seed)
    checks.whole("fps", config.fps, minimum=1)
    path = find_checkpoint(str(config.checkpoint), config.tracking_uri)
    _, module, environments = load_with_environments(path, config.env, _packages(config.trust))
    output = Path(config.output or path.parent / f"episode-seed{config.seed}.gif")
    with closing(environments):
        episode = film(environments, module.policy, config.seed, output, config.fps)
    print(f"{output}: {episode.length} steps, return {episode.score:g}")
    return output


def _tested(module: MultiAgentModule, data: ReplayDataModule, accelerator: str) -> dict[str, float]:
    """Statistics of the test episodes."""
    trainer = pl.Trainer(
        accelerator=accelerator, devices=1, logger=False, enable_progress_bar=False,
        enable_checkpointing=False, enable_model_summary=False, plugins=[OneProcess()],
    )  # fmt: skip
    trainer.test(module, data, verbose=False)
    return {name.removeprefix("final/"): float(value) for name, value in trainer.callback_metrics.items()}


def _packages(trust: object) -> list[str]:
    """The packages that a checkpoint's configuration may name."""
    packages = OmegaConf.to_object(trust) if isinstance(trust, ListConfig) else trust
    if not isinstance(packages, list) or not all(
        isinstance(package, str) and re.fullmatch(r"\w+(\.\w+)*", package) for package in packages
    ):
        raise SettingError("trust", packages, "must be a list of packages, as in trust=[mypackage]")
    return packages
