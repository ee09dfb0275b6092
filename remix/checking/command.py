"""``remix check``: the parts of a composed configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from remix.checking.kinds import check
from remix.checking.outcome import Report
from remix.envs.spec import Environment
from remix.networks.agent import RecurrentAgent
from remix.networks.mixers.base import Mixer
from remix.runs.building import make
from remix.runs.config import check_arguments, plain
from remix.runs.targets import locate
from remix.settings import checks
from remix.settings.named_objects import makes
from remix.studies.search.composition import given
from remix.weighting.base import Weighting

GROUPS = ("env", "algorithm")


def check_configured(config: DictConfig) -> None:
    """Check what the command line chooses or changes, else all; prints what was checked if all is sound.

    :raises SettingError: something of the configuration cannot work.
    :raises CheckFailed: something is broken.
    """
    checks.seed("seed", config.seed)  # before the callbacks, which it is handed on to
    check_arguments(plain(config))
    words = OmegaConf.to_container(HydraConfig.get().overrides.task)
    assert isinstance(words, list)
    named = {re.split(r"[./@]", key)[0] for key in given(words)}
    for report in list(_reports(config, named.intersection(GROUPS) or set(GROUPS))):
        print(report)


def _reports(config: DictConfig, groups: set[str]) -> Iterator[Report]:
    """Of an algorithm its mixer, its weighting and its agent network come first, if it names such."""
    settings = plain(config)
    if "env" in groups:
        make(config.env, "env", Environment).close()
        yield check(settings["env"], seed=config.seed)
    if "algorithm" in groups:
        algorithm = settings["algorithm"]
        for node in algorithm.values():
            if _makes(node, Mixer | Weighting):
                yield check(node, seed=config.seed)
        policy = algorithm["policy"] if isinstance(algorithm.get("policy"), Mapping) else {}
        if _makes(policy.get("agent"), RecurrentAgent):
            width = {"hidden_size": policy["hidden_size"]} if "hidden_size" in policy else {}
            yield check(policy["agent"], seed=config.seed, **width)
        yield check(config)


def _makes(node: Any, kind: type | UnionType) -> bool:
    """Whether a node of the configuration describes an object of this kind."""
    if not isinstance(node, Mapping) or "_target_" not in node:
        return False
    made = makes(locate("_target_", node["_target_"]))
    return made is not None and issubclass(made, kind)
