"""Episodes of a trained policy in files, for whoever learns from them elsewhere."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from remix.learning.recorded import CONTENTS, EpisodeFiles
from remix.learning.workers.seeds import episode_seeds
from remix.records.directory import short
from remix.runs.compilation import compilation_told
from remix.runs.evaluation import playing
from remix.runs.sources import file_digest, release
from remix.settings import checks
from remix.settings.errors import SettingError
from remix.settings.redaction import redacted


@compilation_told()
def record(config: DictConfig) -> Path:
    """Play the episodes of :func:`remix.runs.evaluation.evaluate` and keep them whole.

    :returns: the folder that they are in.
    """
    checks.whole("episodes_per_file", config.episodes_per_file, minimum=1)
    if not isinstance(config.output, str) or not config.output:
        raise SettingError("output", config.output, "must be the name of a folder")
    together = min(checks.whole("episodes", config.episodes, minimum=1), config.episodes_per_file)
    with playing(config, together, "episodes_per_file") as (path, module, data):
        stored = module.hparams["config"]
        about = {
            "checkpoint": str(short(path.absolute())),
            "checkpoint_digest": file_digest(path),
            "algorithm": stored["algorithm"]["_target_"],
            "game": redacted(OmegaConf.to_container(OmegaConf.merge(stored["env"], config.env))),
            "release": release(),
            "env_steps": module.env_steps,
            "exploration": config.exploration,
            "seed": config.seed,
        }
        state = {name: tensor.detach().cpu() for name, tensor in module.policy.state_dict().items()}
        steps, total = 0, 0.0
        with EpisodeFiles(Path(config.output), data.spec, about) as files, data.recruited(module):
            for first in range(0, config.episodes, together):
                count = min(together, config.episodes - first)
                episodes = data.collect("test", first, count, config.exploration, state)
                files.add(episode_seeds(config.seed, "test", first, count), episodes)
                steps += sum(episode.length for episode in episodes)
                total += sum(episode.score for episode in episodes)
    print(
        f"{config.episodes:,} episodes of {path}: {steps:,} steps, "
        f"mean return {total / config.episodes:.3f}\n"
        f"described in {files.folder / CONTENTS}"
    )
    return files.folder
