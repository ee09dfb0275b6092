"""What a checkpoint has to hold, checked before Lightning, OmegaConf or a network see any of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from remix.runs.trust import shortened
from remix.settings.errors import SettingError

NEEDS = "needs"
"""Among the hyper-parameters: the folder of every module of the user's own, by its name."""

_MOST_VALUES = 20_000  # values that a configuration may have
_DEEPEST = 40
_COUNTS = ("env_steps", "updates", "episodes_at_copy")
_OF_TRAINING: dict[str, type] = {
    "loops": dict,
    "callbacks": dict,
    "optimizer_states": list,
    "lr_schedulers": list,
    "ReplayDataModule": dict,
}
_OF_THE_DATA = ("env_steps", "episodes")


class Content:
    """The checks of one checkpoint.

    :param setting: that named the file, for errors.
    :param path: of the file, for errors.
    """

    def __init__(self, checkpoint: dict[str, Any], setting: str, path: str | Path) -> None:
        self.checkpoint, self._setting, self._path = checkpoint, setting, path

    def check(self) -> None:
        """What every use of it needs: weights, a number of steps, a configuration.

        :raises SettingError: naming the file and the part.
        """
        self._tensors()
        self._count("env_steps", self.checkpoint.get("env_steps"))
        state = self.checkpoint.get("state_dict")
        if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
            self._refuse("state_dict", "must hold tensors by name")
        for name, tensor in state.items():
            if not isinstance(tensor, Tensor):
                self._refuse(f"state_dict.{name}", "must be a tensor")
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                self._refuse(f"state_dict.{name}", "holds values that are not finite")
        given = self.checkpoint.get("hyper_parameters")
        parameters = given if isinstance(given, dict) else {}
        config = parameters.get("config")
        if not isinstance(config, dict):
            self._refuse("hyper_parameters.config", "must be the configuration of a run")
        self._plain("hyper_parameters.config", config)
        needs = parameters.get(NEEDS, {})
        texts = (*needs, *needs.values()) if isinstance(needs, dict) else (needs, None)
        if not all(isinstance(text, str) for text in texts):
            self._refuse(f"hyper_parameters.{NEEDS}", "must name modules and their folders")

    def check_version(self) -> None:
        """What Lightning looks at before anything else.

        :raises SettingError: naming the file and the part.
        """
        version = self.checkpoint.get("pytorch-lightning_version")
        if not isinstance(version, str) or not re.fullmatch(r"[2-9]\.\d+[\w.+]*", version):
            self._refuse("pytorch-lightning_version", "must be that of a Lightning of today")

    def check_continuable(self) -> None:
        """What training needs to go on from it.

        :raises SettingError: naming the file and the part.
        """
        if "optimizer_states" not in self.checkpoint:
            raise SettingError(
                self._setting, self._path, "holds weights only; training goes on from a last.ckpt"
            )
        self.check_version()
        for name in _COUNTS:
            self._count(name, self.checkpoint.get(name))
        for name, kind in _OF_TRAINING.items():
            if not isinstance(self.checkpoint.get(name), kind):
                self._refuse(name, "is missing or of another type")
        data = self.checkpoint["ReplayDataModule"]
        for name in _OF_THE_DATA:
            self._count(f"ReplayDataModule.{name}", data.get(name))
        generator, ours = data.get("generator"), torch.Generator().get_state()
        if not isinstance(generator, Tensor) or (generator.shape, generator.dtype) != (
            ours.shape,
            ours.dtype,
        ):
            self._refuse("ReplayDataModule.generator", "must be the state of a generator")

    def _count(self, name: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
            self._refuse(name, "must be a whole number of at least 0")

    def _tensors(self) -> None:
        """Every tensor is an ordinary one, no larger than what is stored of it."""
        seen: set[int] = set()
        stack: list[tuple[str, object]] = [("", self.checkpoint)]
        while stack:
            key, node = stack.pop()
            if isinstance(node, Tensor):
                plain = node.layout is torch.strided and node.device.type == "cpu" and not node.is_quantized
                if not plain or node.numel() * node.element_size() > node.untyped_storage().nbytes():
                    self._refuse(key, "is no ordinary tensor")
            elif isinstance(node, (Mapping, list, tuple)) and id(node) not in seen:
                seen.add(id(node))
                parts = node.items() if isinstance(node, Mapping) else enumerate(node)
                stack += [(f"{key}.{name}".lstrip(".")[:200], value) for name, value in parts]

    def _plain(self, key: str, content: object) -> None:
        """A configuration is made of plain values, of a sane size, and is filled in already."""
        if too_large(content):
            self._refuse(key, "is too large")
        stack: list[tuple[str, object]] = [(key, content)]
        while stack:
            place, node = stack.pop()
            if isinstance(node, Mapping):
                stack += [(f"{place}.{name}"[:200], value) for name, value in node.items()]
                stack += [(place, name) for name in node]
            elif isinstance(node, list):
                stack += [(f"{place}[{item}]"[:200], value) for item, value in enumerate(node)]
            elif isinstance(node, str) and "${" in node:
                self._refuse(place, f"is {shortened(node)}: what is stored cannot refer to other values")
            elif not isinstance(node, (str, int, float, bool, type(None))):
                self._refuse(place, f"must be a plain value, not a {type(node).__name__}")

    def _refuse(self, part: str, problem: str) -> NoReturn:
        raise SettingError(self._setting, self._path, f"{shortened(part)} {problem}")


def too_large(configuration: object) -> bool:
    """Whether plain containers hold more than a configuration would, repeated parts counted as often."""
    count, stack = 0, [(configuration, 0)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if count > _MOST_VALUES or depth > _DEEPEST:
            return True
        if isinstance(node, (Mapping, list, tuple)):
            parts = node.values() if isinstance(node, Mapping) else node
            stack += [(part, depth + 1) for part in parts]
    return False
