"""From a composed configuration to the Lightning module and the data module."""

from __future__ import annotations

import inspect
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig

from envs.errors import SettingError, first_line, one_of, part
from envs.gate import Gate
from envs.spec import EnvSpec
from remix.algorithms.base import MultiAgentModule
from remix.config import plain
from remix.datamodule import ReplayDataModule
from remix.policy import Policy
from remix.workers.base import EnvironmentFactory, WorkerPool, WorkersFactory, check_hanging


def build(config: DictConfig) -> tuple[MultiAgentModule, ReplayDataModule]:
    """The Lightning module and data module of a composed configuration.

    :raises SettingError: naming the setting by its full key.
    """
    spec = _spec(config)
    check_hanging(spec, instantiate(config.workers, _partial_=True).func)
    for key, value in config.replay.items():
        if key not in (valid := inspect.signature(ReplayDataModule).parameters):
            raise SettingError(f"replay.{key}", value, "unknown setting; replay " + one_of(valid, str(key)))
    data = ReplayDataModule(
        environment=instantiate(config.env, _partial_=True),
        workers=_workers(config),
        **plain(config.replay),
        steps_per_epoch=config.steps_per_epoch,
        max_env_steps=config.max_env_steps,
        validation_episodes=config.validation_episodes,
        test_episodes=config.test_episodes,
        seed=config.seed,
    )
    return _module(config, spec), data


def build_module(config: DictConfig) -> MultiAgentModule:
    """The Lightning module alone, which has the policy; what is to be done with it may need no workers.

    :raises SettingError: naming the setting by its full key.
    """
    return _module(config, _spec(config))


def _spec(config: DictConfig) -> EnvSpec:
    with named_settings("env"):
        environment = instantiate(config.env)
    with closing(Gate(environment)) as game:
        return game.spec


def _module(config: DictConfig, spec: EnvSpec) -> MultiAgentModule:
    with named_settings("algorithm"):
        module: MultiAgentModule = instantiate(config.algorithm, _partial_=True, _convert_="all")(spec)
    module.hparams["config"] = plain(config)
    return module


def quiet() -> None:
    """Keep the console for what the user has to know."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    for message in (
        ".*`training_step` returned `None`.*",  # rounds before the replay holds a batch
        ".*dataloader is not resumable.*",  # its state is the data module's
        ".*isinstance.treespec, LeafSpec.*",
        ".*does not have many workers.*",
        ".*Checkpoint directory .* exists and is not empty.*",
    ):
        warnings.filterwarnings("ignore", message)


@contextmanager
def named_settings(group: str) -> Iterator[None]:
    """Give errors of building a group's objects the full key of the setting they are about."""
    try:
        with part(group):
            yield
    except InstantiationException as error:
        cause = error.__cause__
        found = re.search(r"full_key: (\S+)", str(error))
        key = found.group(1) if found else group
        if isinstance(cause, SettingError):
            raise SettingError(f"{key}.{cause.setting}", cause.value, cause.expected) from error
        raise SettingError(key, "", f"cannot be built: {first_line(cause or error)}") from error


def _workers(config: DictConfig) -> WorkersFactory:
    factory = instantiate(config.workers, _partial_=True)

    def build(environment: EnvironmentFactory, policy: Policy) -> WorkerPool:
        with named_settings("workers"):
            pool: WorkerPool = factory(environment, policy)
        return pool

    return build
