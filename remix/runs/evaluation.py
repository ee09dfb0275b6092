"""Looking at trained policies: greedy episodes in numbers, and one of them as a picture."""

from __future__ import annotations

import shlex
from contextlib import closing
from pathlib import Path

from omegaconf import DictConfig

from remix.algorithms.base import MultiAgentModule
from remix.envs.films import frames_per_second
from remix.learning.datamodule import ReplayDataModule
from remix.learning.films import film
from remix.records.directory import RunDirectory
from remix.runs.checkpoints import find_checkpoint, load_with_environments
from remix.runs.compilation import compilation_told
from remix.runs.playing import Player, packages, playing
from remix.runs.trainer import testing_trainer
from remix.runs.trainer_arguments import ACCELERATORS
from remix.settings import checks
from remix.settings.program import program


@compilation_told()
def evaluate(config: DictConfig) -> dict[str, float]:
    """Play episodes of a trained policy; print and return their statistics."""
    checks.choice("accelerator", config.accelerator, ACCELERATORS)
    with playing(config, checks.count(config, "episodes", minimum=1)) as player:
        player.data.evaluation_exploration = epsilon = player.exploration
        kind = "greedy episodes" if epsilon is None else f"episodes with epsilon {epsilon:g}"
        print(f"{config.episodes} {kind} of {_policy(player)}")
        results = _tested(player.module, player.data, config.accelerator)
    width = max(map(len, results))
    for name, value in results.items():
        print(f"  {name:<{width}}  {value:.3f}")
    print(f"look at one of them: {program()} watch {shlex.quote(str(player.checkpoint))}")
    return results


@compilation_told()
def watch(config: DictConfig) -> Path:
    """Play one greedy episode of a trained policy and save it as a film."""
    checks.seed("seed", config.seed)
    frames_per_second(config.fps)
    if config.output is not None:
        checks.text("output", config.output, "the name of a file")
    path = find_checkpoint(str(config.checkpoint), config.tracking_uri)
    _, module, environments = load_with_environments(path, config.env, packages(config.trust))
    output = Path(config.output or path.parent / f"episode-seed{config.seed}.gif")
    with closing(environments):
        episode = film(environments, module.policy, config.seed, output, config.fps)
    print(f"{output}: {episode.length} steps, return {episode.score:g}")
    return output


def _policy(player: Player) -> str:
    """Which policy of its run it is, and what the run says of its last one."""
    path = player.checkpoint
    kind = {"best": "the best policy", "last": "the last policy"}.get(path.stem, "the policy")
    final = RunDirectory(path.parent.parent).record.final_return
    return f"{kind}, after {player.module.env_steps:,} environment steps: {path}" + (
        "" if final is None else f"\n(the run's final return, {final:.2f}, is that of the last policy)"
    )


def _tested(module: MultiAgentModule, data: ReplayDataModule, accelerator: str) -> dict[str, float]:
    """Statistics of the test episodes."""
    trainer = testing_trainer(accelerator)
    trainer.test(module, data, verbose=False)
    return {name.removeprefix("final/"): float(value) for name, value in trainer.callback_metrics.items()}
