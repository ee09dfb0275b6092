"""Whether a budget of environment steps suffices, as far as that is known before the run."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from math import ceil

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from remix.algorithms.base import MultiAgentModule
from remix.learning.datamodule import ReplayDataModule
from remix.learning.rounds import Learner, check_capacity, wanted_episodes
from remix.settings.errors import SettingError


def check_budget(config: DictConfig) -> None:
    """Refuse a new run whose budget ends before its first update, or whose replay never holds one.

    :raises SettingError: naming ``max_env_steps``, or a setting of the replay.
    """
    learner, capacity = _learner(config), config.replay.get("capacity")
    if learner is not None and capacity is not None:
        check_capacity(learner, capacity, config.replay.batch_size, _latest_size(config))
    if config.ckpt_path is None:  # else there may be episodes already
        Budget.of_configuration(config).check()


@dataclass(frozen=True)
class Budget:
    """The environment steps of a run, and what it needs of them.

    :param max_env_steps: the budget.
    :param wanted: episodes that have to be stored before the first update.
    :param episodes_per_round: episodes that are collected together.
    :param episode_limit: steps of the longest possible episode; None if that is not known yet.
    :param warmup_steps: environment steps in which a simpler weighting stands in for the algorithm's.
    """

    max_env_steps: int
    wanted: int
    episodes_per_round: int
    episode_limit: int | None
    warmup_steps: int

    @classmethod
    def of_configuration(cls, config: DictConfig) -> Budget:
        """The budget of a checked configuration; what only built objects know is left open."""
        replay, learner = config.replay, _learner(config)
        return cls(
            max_env_steps=config.max_env_steps,
            wanted=wanted_episodes(learner, replay.batch_size, _latest_size(config)) if learner else 0,
            episodes_per_round=replay.episodes_per_round,
            episode_limit=OmegaConf.select(config, "env.episode_limit"),
            warmup_steps=OmegaConf.select(config, "algorithm.weighting.warmup_steps", default=0),
        )

    @classmethod
    def of_run(cls, module: MultiAgentModule, data: ReplayDataModule) -> Budget:
        """The budget of a run whose objects are built."""
        return cls(
            max_env_steps=data.max_env_steps,
            wanted=wanted_episodes(module, data.batch_size, data.latest_size),
            episodes_per_round=data.episodes_per_round,
            episode_limit=data.spec.episode_limit,
            warmup_steps=getattr(getattr(module, "weighting", None), "warmup_steps", 0),
        )

    def check(self) -> None:
        """Refuse a budget that is spent before the first update, however short episodes are.

        :raises SettingError: naming ``max_env_steps``.
        """
        if not self._reaches_an_update(episode_length=1):
            raise SettingError(
                "max_env_steps",
                self.max_env_steps,
                f"allows no update: the first one wants {self.wanted} episodes (replay.batch_size, "
                f"replay.latest_size), collected {self.episodes_per_round} at a time "
                "(replay.episodes_per_round)",
            )

    def shortfalls(self, env_steps: int, updates: int) -> list[str]:
        """What the budget did not suffice for in a run that ended, a sentence each.

        :param env_steps: environment steps that were collected.
        :param updates: updates that were made.
        """
        if updates == 0:
            return [
                "not a single update was made: the policy is as it was initialised (the first update wants "
                f"{self.wanted} episodes: replay.batch_size, replay.latest_size)"
            ]
        if min(env_steps, self.max_env_steps) <= self.warmup_steps:
            return [
                f"the weights were those of the warm-up to the end, {env_steps:,} steps "
                f"(algorithm.weighting.warmup_steps={self.warmup_steps:,})"
            ]
        return []

    def warnings(self) -> list[str]:
        """What the budget will not suffice for, a sentence each. Whoever starts a run rarely means that."""
        found = []
        limit = self.episode_limit
        if limit is not None and not self._reaches_an_update(limit):
            found.append(
                f"no update in episodes of full length: the first one is made after {self.wanted} episodes "
                f"(replay.batch_size, replay.latest_size), here about {self._episodes * limit:,} steps, and "
                f"max_env_steps={self.max_env_steps:,}"
            )
        if 0 < self.max_env_steps <= self.warmup_steps:
            found.append(
                f"algorithm.weighting.warmup_steps={self.warmup_steps:,} covers the whole budget, "
                f"max_env_steps={self.max_env_steps:,}: only the weights of the warm-up are used"
            )
        return found

    @property
    def _episodes(self) -> int:
        """Episodes that are stored at the first update: those of whole rounds."""
        return ceil(self.wanted / self.episodes_per_round) * self.episodes_per_round

    def _reaches_an_update(self, episode_length: int) -> bool:
        """Whether the round of the first update begins within the budget; it is then played to its end."""
        return (self._episodes - self.episodes_per_round) * episode_length < self.max_env_steps


def _learner(config: DictConfig) -> type[Learner] | None:
    """The class of the algorithm, None if something else builds it."""
    algorithm = get_object(config.algorithm._target_)
    known = inspect.isclass(algorithm) and hasattr(algorithm, "learns_from_replay")
    return algorithm if known else None


def _latest_size(config: DictConfig) -> int:
    """Episodes collected last that an update gets, if the algorithm learns from such."""
    return config.replay.get("latest_size") or config.replay.episodes_per_round
