"""One function for all kinds of parts: what it is given tells which contract holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from remix.algorithms.base import MultiAgentModule
from remix.checking.agents import check_agent
from remix.checking.algorithms import check_algorithm
from remix.checking.environments import check_environment
from remix.checking.mixers import check_mixer
from remix.checking.outcome import Report
from remix.checking.weightings import check_weighting
from remix.envs.spec import Environment
from remix.networks.agent import RecurrentAgent
from remix.networks.mixers.base import Mixer
from remix.runs.instantiation import factory
from remix.runs.targets import locate
from remix.settings.errors import SettingError
from remix.settings.named_objects import home, makes
from remix.weighting.base import Weighting

KINDS: dict[type, Callable[..., Report]] = {
    Environment: check_environment,
    Mixer: check_mixer,
    Weighting: check_weighting,
    MultiAgentModule: check_algorithm,
    RecurrentAgent: check_agent,
}


def check(thing: Any, **how: Any) -> Report:
    """Check that a part of one's own keeps the contract of its kind.

    :param thing: an environment, a mixer, a weighting, an agent network or an algorithm: its class, a
        function that makes it and is annotated with what it returns, the dotted name of either, or a node of
        a configuration that names it by ``_target_``. Environments and weightings may also be given as they
        are; an algorithm by the name of its configuration, or as the whole configuration of a run.
    :param how: see :func:`check_environment`, :func:`check_mixer`, :func:`check_weighting` and
        :func:`check_agent`.
    :returns: what was checked; print it.
    :raises CheckFailed: something is broken; one line says what, where, and what would be right.
    :raises SettingError: the thing is of none of these kinds.
    """
    __tracebackhide__ = True
    if isinstance(thing, str) and "." not in thing:
        return check_algorithm(thing, thing, **how)
    if isinstance(thing, str):
        return _check_node({"_target_": thing}, how)
    if isinstance(thing, Mapping):
        return _check_node(thing, how) if "_target_" in thing else _check_whole(thing, how)
    return _check_object(thing, how)


def kind_of(name: str, thing: Any) -> type:
    """Which of the ``KINDS`` a thing is, or makes.

    :raises SettingError: none.
    """
    made = type(thing) if isinstance(thing, tuple(KINDS)) else makes(getattr(thing, "func", thing))
    for kind in KINDS:
        if made is not None and issubclass(made, kind):
            return kind
    kinds = ", ".join(kind.__name__ for kind in KINDS)
    expected = f"must be one of {kinds}, or be annotated with the one that it makes"
    raise SettingError("check", name, expected)


def _check_node(node: Mapping[Any, Any], how: Mapping[str, Any]) -> Report:
    __tracebackhide__ = True
    name = str(node["_target_"])
    kind = kind_of(name, locate("check", name))
    if kind is MultiAgentModule:
        return check_algorithm(name, node, **how)
    return KINDS[kind](name, factory(node), **how)


def _check_whole(config: Mapping[Any, Any], how: Mapping[str, Any]) -> Report:
    """The configuration of a run."""
    __tracebackhide__ = True
    node = config.get("algorithm")
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise SettingError("check", "a mapping", "must have a _target_, or algorithm._target_")
    return check_algorithm(str(node["_target_"]), config, **how)


def _check_object(thing: Any, how: Mapping[str, Any]) -> Report:
    __tracebackhide__ = True
    name = home(thing.func if isinstance(thing, partial) else thing)
    kind = kind_of(name, thing)
    if kind is MultiAgentModule:
        return _check_node({"_target_": name}, how)
    if isinstance(thing, Mixer | RecurrentAgent):
        of = "the spec" if isinstance(thing, Mixer) else "its sizes"
        raise SettingError("check", name, f"is built already; give its class, or a function of {of}")
    return KINDS[kind](name, thing, **how)
