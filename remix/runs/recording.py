"""Episodes of a trained policy in files, for whoever learns from them elsewhere."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from remix.learning.recorded import CONTENTS, EpisodeFiles
from remix.learning.workers.seeds import episode_seeds
from remix.records.new_folder import new_folder
from remix.runs.compilation import compilation_told
from remix.runs.playing import playing
from remix.settings import checks


@compilation_told()
def record(config: DictConfig) -> Path:
    """Play the episodes of :func:`remix.runs.evaluation.evaluate` and keep them whole.

    :returns: the folder that they are in.
    """
    checks.count(config, "episodes", minimum=1)
    together = checks.count(config, "episodes_per_file", minimum=1)
    output = Path(checks.text("output", config.output, "the name of a folder"))
    with (
        playing(config, min(together, config.episodes), "episodes_per_file") as player,
        new_folder(output) as folder,
        player.recruited(),
    ):
        files = EpisodeFiles(folder, player.data.spec)
        for first in range(0, config.episodes, together):
            count = min(together, config.episodes - first)
            files.add(episode_seeds(player.seed, "test", first, count), player.episodes(first, count))
        files.describe({**player.about, "exploration": config.exploration, "seed": player.seed})
    print(
        f"{config.episodes:,} episodes of {player.checkpoint}: {files.steps:,} steps, "
        f"mean return {files.mean_return:.3f}\n"
        f"described in {output / CONTENTS}"
    )
    return output
