"""A trained policy in its environment, ready to play."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from remix.algorithms.base import MultiAgentModule
from remix.learning.datamodule import ReplayDataModule
from remix.learning.episodes import Episode
from remix.records.directory import short
from remix.runs.building import build_data
from remix.runs.checkpoints import find_checkpoint, load_with_environments
from remix.runs.config import check_arguments, kept, plain
from remix.runs.memory import check_together
from remix.runs.sources import file_digest, release
from remix.settings import checks


@dataclass(frozen=True)
class Player:
    """A trained policy in its environment.

    :param checkpoint: from which it is.
    :param settings: those of its run, with the user's changes, as they may be shown.
    :param seed: of its episodes.
    :param exploration: with which it plays, None for its best actions.
    """

    checkpoint: Path
    module: MultiAgentModule
    data: ReplayDataModule
    settings: dict[str, Any]
    seed: int
    exploration: float | None

    def recruited(self) -> AbstractContextManager[None]:
        """Within, :meth:`episodes` can be called."""
        return self.data.collector.recruited(self.module)

    def episodes(self, first: int, count: int) -> list[Episode]:
        """Some of the episodes that :func:`remix.evaluate` plays, by their numbers."""
        state = {name: tensor.detach().cpu() for name, tensor in self.module.policy.state_dict().items()}
        return self.data.collector.collect("test", first, count, self.exploration, state)

    @property
    def about(self) -> dict[str, Any]:
        """Where the policy is from, for files that leave."""
        return {
            "release": release(),
            "checkpoint": str(short(self.checkpoint.absolute())),
            "checkpoint_digest": file_digest(self.checkpoint),
            "env_steps": self.module.env_steps,
            "algorithm": self.settings["algorithm"]["_target_"],
            "game": self.settings["env"],
        }


@contextmanager
def playing(config: DictConfig, together: int, setting: str = "episodes") -> Iterator[Player]:
    """Within, the policy that the user named can play.

    :param config: with the settings of ``conf/evaluate.yaml``, of which ``episodes`` may lack.
    :param together: how many episodes are played at once, as ``setting`` says.
    :raises SettingError: a setting cannot work.
    """
    checks.whole(setting, together, minimum=1)
    if config.seed is not None:
        checks.seed("seed", config.seed)
    if config.exploration is not None:
        checks.number("exploration", config.exploration, 0.0, 1.0)
    path = find_checkpoint(str(config.checkpoint), config.tracking_uri)
    trained, module, environments = load_with_environments(path, config.env, packages(config.trust))
    trained.seed = checks.seed("seed", trained.seed if config.seed is None else config.seed)
    trained.test_episodes = together
    if "workers" in config:
        trained.workers = config.workers
        check_arguments({"workers": plain(trained.workers)})
    with closing(environments):
        data = build_data(trained, environments)
        check_together(data.spec, trained.workers, setting, together)
        yield Player(path, module, data, kept(trained), trained.seed, config.exploration)


def packages(trust: object) -> list[str]:
    """The packages that a checkpoint's configuration may name."""
    return checks.packages("trust", OmegaConf.to_object(trust) if isinstance(trust, ListConfig) else trust)
