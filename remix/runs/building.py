"""From a composed configuration to the Lightning module and the data module."""

from __future__ import annotations

import inspect
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from threading import RLock
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning import seed_everything
from pytorch_lightning.utilities.seed import isolate_rng

from remix.algorithms.base import MultiAgentModule
from remix.envs.spec import Environment, EnvSpec
from remix.learning.datamodule import ReplayDataModule
from remix.learning.policy import Policy
from remix.learning.workers.base import EnvironmentFactory, WorkerPool, WorkersFactory, check_hanging
from remix.learning.workers.environments import Environments
from remix.runs import sources
from remix.runs.config import kept, plain
from remix.runs.content import NEEDS
from remix.runs.instantiation import factory
from remix.settings import checks
from remix.settings.errors import GameError, SettingError, first_line, part
from remix.settings.own_code import OwnCodeError, failed, own_traceback
from remix.settings.signatures import with_article

GENERATORS = RLock()
"""Held by the thread that seeds the global random generators, or builds what draws from them."""


def build(config: DictConfig) -> tuple[MultiAgentModule, ReplayDataModule]:
    """The Lightning module and data module of a composed configuration.

    :raises SettingError: naming the setting by its full key.
    """
    with GENERATORS, ExitStack() as refused:
        environments = refused.enter_context(closing(build_environments(config)))
        data, module = build_data(config, environments), build_module(config, environments.spec)
        if config.workers.get("overlap") and not module.learns_from_replay:
            name = type(module).__name__
            raise SettingError("workers.overlap", True, f"must be false: {name} learns on-policy")
        refused.pop_all()
    return module, data


def build_environments(config: DictConfig) -> Environments:
    """The environments of a composed configuration, of which one is built.

    :raises SettingError: naming the setting by its full key.
    """
    return Environments(
        factory(config.env),
        first=partial(make, config.env, "env", Environment),
    )


def build_data(config: DictConfig, environments: Environments) -> ReplayDataModule:
    """The data module alone, which plays in these environments.

    :raises SettingError: naming the setting by its full key.
    """
    pool = instantiate(config.workers, _partial_=True).func
    check_hanging(environments.spec, pool)
    changed = sources.changed(plain(config))
    if changed is not None and getattr(pool, "imports_anew", True):
        expected = f"import your code anew, and {changed} has changed since this process did; begin again"
        raise SettingError("workers", pool.__name__, expected)
    checks.known("replay", config.replay, inspect.signature(ReplayDataModule).parameters)
    return ReplayDataModule(
        environment=environments,
        workers=_workers(config),
        **plain(config.replay),
        steps_per_epoch=config.steps_per_epoch,
        max_env_steps=config.max_env_steps,
        validation_episodes=config.validation_episodes,
        test_episodes=config.test_episodes,
        seed=config.seed,
    )


def build_module(config: DictConfig, spec: EnvSpec) -> MultiAgentModule:
    """The Lightning module alone, for environments like this.

    :raises SettingError: naming the setting by its full key.
    """
    # Networks draw their weights from the global generators, with which a game may do what it likes.
    with isolate_rng(include_cuda=False):
        seed_everything(config.seed, verbose=False)
        module: MultiAgentModule = make(config.algorithm, "algorithm", MultiAgentModule, spec)
    with named_settings("algorithm", config.algorithm.get("_target_", "")):
        module.configure_optimizers()  # Lightning makes them again; this call finds settings that they refuse
    module.hparams["config"] = stored = kept(config)
    module.hparams[NEEDS] = sources.own_modules(stored)
    return module


def make(node: Any, key: str, kind: type[Any], *first: Any, **more: Any) -> Any:
    """The object that a node of the configuration describes.

    :param key: full key of the node.
    :param kind: class of which the object must be.
    :param first: arguments before those of the node, as ``more`` are after them.
    :raises SettingError: it cannot be made, or is of another kind.
    """
    target = node.get("_target_", "") if isinstance(node, Mapping) else node
    with named_settings(key, target):
        # Hydra would turn arguments that are dataclasses into mappings. So it only makes a partial.
        made = factory(node)(*first, **more)
    if not isinstance(made, kind):
        found = with_article(type(made))
        raise SettingError(f"{key}._target_", target, f"makes {found}; must make {with_article(kind)}")
    return made


def make_all(group: Mapping[str, Any], key: str, kind: type[Any], **more: Any) -> list[Any]:
    """The objects of a group, such as the callbacks, by name; those that are null are left out."""
    return [make(node, f"{key}.{name}", kind, **more) for name, node in group.items() if node is not None]


def quiet() -> None:
    """Silence warnings of Lightning that say nothing of use to the user."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    for message in (
        ".*`training_step` returned `None`.*",  # before the replay holds a batch, rounds have no update
        ".*dataloader is not resumable.*",  # the data module keeps the state
        ".*isinstance.treespec, LeafSpec.*",
        ".*does not have many workers.*",
        ".*Checkpoint directory .* exists and is not empty.*",
        "The dirpath has changed from .*",  # a run may begin from the checkpoint of another
        "Be aware that when using `ckpt_path`, callbacks.*TimeLimit'.\\.",  # trainer.max_time may be left out
    ):
        warnings.filterwarnings("ignore", message)


@contextmanager
def named_settings(group: str, target: str = "") -> Iterator[None]:
    """Within, an object of a group is built. Errors get the full key of the setting that they are about.

    :param target: what is built, for messages.
    """
    try:
        with part(group):
            yield
    except (SettingError, GameError):
        raise
    except InstantiationException as error:
        keys, targets = (re.search(pattern, str(error)) for pattern in (r"full_key: (\S+)", "target '(.+)'"))
        key, target = f"{group}.{keys[1]}" if keys else group, targets[1] if targets else target
        raise _named(error.__cause__ or error, key, target) from error
    except BaseException as error:
        if not failed(error):
            raise
        raise _named(error, group, target) from error


def _named(error: BaseException, key: str, target: str) -> Exception:
    """The error of building something as the user is to see it."""
    if isinstance(error, GameError):
        return error
    if isinstance(error, SettingError):
        return SettingError(f"{key}.{error.setting}", error.value, error.expected)
    if own_traceback(error):
        return OwnCodeError.of(key, target, "building it", error)
    return SettingError(key, target, f"cannot be built: {first_line(error)}")


def _workers(config: DictConfig) -> WorkersFactory:
    def build(environment: EnvironmentFactory, policy: Policy) -> WorkerPool:
        pool: WorkerPool = make(config.workers, "workers", WorkerPool, environment, policy)
        return pool

    return build
