"""From nodes of a configuration to calls, each argument of the type that its annotation wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from hydra.utils import instantiate
from omegaconf import OmegaConf

from remix.runs.targets import locate
from remix.settings.errors import SettingError
from remix.settings.signatures import delivered, hints_of


def factory(node: Any) -> Callable[..., Any]:
    """The call that a node describes, to which further arguments may be given.

    What a signature takes as a ``Path`` is one, and 4e3 a whole number where it wants that.
    """
    plain = OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node
    call: Callable[..., Any] = instantiate(_typed(plain), _partial_=True, _convert_="all")
    return call


def _typed(node: Any) -> Any:
    if isinstance(node, list):
        return [_typed(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    typed, hints = {key: _typed(value) for key, value in node.items()}, {}
    if "_target_" in node:
        with suppress(SettingError):  # Hydra says what is wrong with it
            hints = hints_of(locate("_target_", node["_target_"]))
    return {key: delivered(value, hints.get(key, Any)) for key, value in typed.items()}
