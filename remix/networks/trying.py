"""Networks of others are tried when they are built: what cannot be computed is one line, not a broken run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TypeVar

import torch
from torch import Tensor, nn

from remix.settings.errors import SettingError
from remix.settings.named_objects import below
from remix.settings.own_code import OwnCodeError

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def to_be_tried(network: nn.Module) -> bool:
    """Whether a network is another's, and learns on the CPU: where there is a GPU it may need that."""
    return not below(type(network).__module__, "remix") and not torch.cuda.is_available()


@contextmanager
def trying(setting: str, network: NetworkT) -> Iterator[NetworkT]:
    """A copy of the network, so that nothing of it changes, and no random number is drawn.

    :raises SettingError: it raises an exception.
    """
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            yield deepcopy(network)
    except SettingError:
        raise
    except Exception as error:
        raise OwnCodeError.of(setting, type(network).__name__, "trying it", error) from error


def expect_shape(setting: str, network: nn.Module, what: str, found: Tensor, *shape: int) -> None:
    """:raises SettingError: ``what`` the network gives for R rows, ``found [R, ...]``, has another shape."""
    if found.shape != shape:
        has, needs = list(found.shape), list(shape)
        expected = f"gives {what} of the shape {has} for {shape[0]} rows, must be of {needs}"
        raise SettingError(setting, type(network).__name__, expected)
