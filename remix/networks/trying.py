"""Networks of others are tried when they are built: what cannot be computed is one line, not a broken run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from remix.envs.spec import EnvSpec
from remix.networks.features import Features, Rows
from remix.settings import checks
from remix.settings.errors import SettingError
from remix.settings.named_objects import below
from remix.settings.own_code import OwnCodeError, failed

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def tried(
    setting: str,
    kind: type,
    build: Callable[..., NetworkT],
    *arguments: Any,
    attempt: Callable[[NetworkT], None],
) -> NetworkT:
    """The network that ``build`` makes of the arguments.

    :param attempt: is made with a copy of another's.
    :raises SettingError: it is of another kind, or cannot compute what it must.
    """
    built = checks.built(setting, kind, build, *arguments)
    if to_be_tried(built):
        with trying(setting, built) as copy:
            attempt(copy)
    return built


def to_be_tried(network: nn.Module) -> bool:
    """Whether a network is another's."""
    return not below(type(network).__module__, "remix")


@contextmanager
def trying(setting: str, network: NetworkT, learning: bool = True) -> Iterator[NetworkT]:
    """A copy of the network, on the CPU, so that nothing of it changes, and no random number is drawn.

    :param learning: whether it computes this for learning alone. Where there is a GPU it may need that, and
        an exception here says nothing.
    :raises SettingError: it raises an exception.
    """
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            yield deepcopy(network)
    except SettingError:
        raise
    except BaseException as error:
        if not failed(error):
            raise
        if learning and torch.cuda.is_available():
            return
        raise OwnCodeError.of(setting, type(network).__name__, "trying it", error) from error


def blank(spec: EnvSpec, n: int) -> tuple[Rows, Rows]:
    """States ``[n, S]`` and observations ``[n * N, O]`` of the kinds in which a batch on the CPU has them."""
    states, obs = torch.zeros(n, spec.state_size), torch.zeros(n * spec.n_agents, spec.obs_size)
    listed = spec.state_dtype == "bool"
    return Features.of_numbers(states) if listed else states, Features.of_numbers(obs)


def expect_shape(setting: str, network: nn.Module, what: str, found: Tensor, *shape: int) -> None:
    """:raises SettingError: ``what`` the network gives for R rows, ``found [R, ...]``, has another shape."""
    if not isinstance(found, Tensor):
        raise SettingError(setting, type(network).__name__, f"gives {what} that are no tensor")
    if found.shape != shape:
        has, needs = list(found.shape), list(shape)
        expected = f"gives {what} of the shape {has} for {shape[0]} rows, must be of {needs}"
        raise SettingError(setting, type(network).__name__, expected)
