"""Looking at trained policies: greedy episodes in numbers, and one of them as a picture."""

from __future__ import annotations

import re
from pathlib import Path

import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, ListConfig, OmegaConf

from remix.learning.films import film
from remix.runs.building import build_data, build_environments
from remix.runs.checkpoints import find_checkpoint, load
from remix.runs.compilation import compilation_told
from remix.runs.config import check_arguments, plain
from remix.runs.memory import check_together
from remix.runs.trainer import OneProcess
from remix.settings import checks
from remix.settings.errors import SettingError


@compilation_told()
def evaluate(config: DictConfig) -> dict[str, float]:
    """Play episodes of a trained policy; print and return their statistics."""
    checks.whole("episodes", config.episodes, minimum=1)
    checks.seed("seed", config.seed)
    if config.exploration is not None:
        checks.number("exploration", config.exploration, 0.0, 1.0)
    path = find_checkpoint(str(config.checkpoint), config.tracking_uri)
    trained, module = load(path, config.env, _packages(config.trust))
    trained.seed, trained.test_episodes = config.seed, config.episodes
    if "workers" in config:
        trained.workers = config.workers
        check_arguments({"workers": plain(trained.workers)})
    data = build_data(trained, build_environments(trained))
    check_together(data.spec, trained.workers, "episodes", config.episodes)
    data.evaluation_exploration = config.exploration
    trainer = pl.Trainer(
        accelerator=config.accelerator, devices=1, logger=False, enable_progress_bar=False,
        enable_checkpointing=False, enable_model_summary=False, plugins=[OneProcess()],
    )  # fmt: skip
    kind = (
        "greedy episodes" if config.exploration is None else f"episodes with epsilon {config.exploration:g}"
    )
    print(f"{config.episodes} {kind} of {path}")
    trainer.test(module, data, verbose=False)
    results = {name.removeprefix("final/"): float(value) for name, value in trainer.callback_metrics.items()}
    width = max(map(len, results))
    for name, value in results.items():
        print(f"  {name:<{width}}  {value:.3f}")
    print(f"look at one of them: remix watch {path}")
    return results


@compilation_told()
def watch(config: DictConfig) -> Path:
    """Play one greedy episode of a trained policy and save it as a film."""
    checks.seed("seed", config.seed)
    checks.whole("fps", config.fps, minimum=1)
    path = find_checkpoint(str(config.checkpoint), config.tracking_uri)
    trained, module = load(path, config.env, _packages(config.trust))
    output = Path(config.output or path.parent / f"episode-seed{config.seed}.gif")
    environment = instantiate(trained.env, _partial_=True)
    episode = film(environment, module.policy, config.seed, output, config.fps)
    print(f"{output}: {episode.length} steps, return {episode.score:g}")
    return output


def _packages(trust: object) -> list[str]:
    """The packages that a checkpoint's configuration may name."""
    packages = OmegaConf.to_object(trust) if isinstance(trust, ListConfig) else trust
    if not isinstance(packages, list) or not all(
        isinstance(package, str) and re.fullmatch(r"\w+(\.\w+)*", package) for package in packages
    ):
        raise SettingError("trust", packages, "must be a list of packages, as in trust=[mypackage]")
    return packages
