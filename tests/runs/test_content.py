"""What a checkpoint has to hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from remix.callbacks.checkpointing import LastCheckpoint
from remix.learning import archive
from remix.runs.content import Content, too_large
from remix.settings.errors import SettingError
from tests.callbacks.runs import Run

CONFIG = "hyper_parameters.config"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint from which training could go on."""
    folder = tmp_path_factory.mktemp("trained")
    run = Run(folder, [LastCheckpoint(folder)], max_epochs=1)
    run.module.hparams["config"] = {"env": {"_target_": "remix.envs.games.BranchChain"}, "seed": 1}
    run.fit()
    return folder / "last.ckpt"


@pytest.fixture
def checkpoint(file: Path) -> dict[str, Any]:
    return archive.read(file)


def set_part(checkpoint: dict[str, Any], part: str, value: Any) -> None:
    *way, last = part.split("/")
    node = checkpoint
    for name in way:
        node = node[name]
    if value is None:
        del node[last]
    else:
        node[last] = value


def deep(levels: int) -> Any:
    node: Any = 1
    for _ in range(levels):
        node = [node]
    return node


def doubled(levels: int) -> Any:
    node: Any = 1
    for _ in range(levels):
        node = [node, node]
    return node


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("state_dict", None, "state_dict must hold tensors by name"),
        ("state_dict", [1], "state_dict must hold tensors by name"),
        ("state_dict", {1: torch.ones(1)}, "state_dict must hold tensors by name"),
        ("state_dict/x", "text", r"state_dict\.x must be a tensor"),
        (
            "state_dict/x",
            torch.tensor([1.0, float("nan")]),
            r"state_dict\.x holds values that are not finite",
        ),
        ("state_dict/x", torch.tensor(float("inf")), r"state_dict\.x holds values that are not finite"),
        ("state_dict/x", torch.ones(1).expand(10**12), r"state_dict\.x is no ordinary tensor"),
        ("state_dict/x", torch.ones(2, 2).to_sparse(), r"state_dict\.x is no ordinary tensor"),
        (
            "optimizer_states/huge",
            torch.ones(1).expand(10**12),
            r"optimizer_states\.huge is no ordinary tensor",
        ),
        ("env_steps", None, "env_steps must be a whole number of at least 0"),
        ("env_steps", "12", "env_steps must be a whole number of at least 0"),
        ("env_steps", True, "env_steps must be a whole number of at least 0"),
        ("env_steps", -1, "env_steps must be a whole number of at least 0"),
        ("env_steps", 10**30, "env_steps must be a whole number of at least 0"),
        ("hyper_parameters", None, f"{CONFIG} must be the configuration of a run"),
        ("hyper_parameters/config", "text", f"{CONFIG} must be the configuration of a run"),
        ("hyper_parameters/config/a", "${oc.env:HOME}", rf"{CONFIG}\.a is .*cannot refer to other values"),
        ("hyper_parameters/config/a", {"b": ["x${c}"]}, rf"{CONFIG}\.a\.b\[0\] is .*cannot refer"),
        ("hyper_parameters/config/a", {"${b}": 1}, rf"{CONFIG}\.a is .*cannot refer"),
        ("hyper_parameters/config/a", torch.ones(1), rf"{CONFIG}\.a must be a plain value, not a Tensor"),
        ("hyper_parameters/config/a", deep(500), f"{CONFIG} is too large"),
        ("hyper_parameters/config/a", doubled(39), f"{CONFIG} is too large"),
        (
            "hyper_parameters/needs",
            "envs.lamp",
            r"hyper_parameters\.needs must name modules",
        ),
        ("hyper_parameters/needs", {"envs.lamp": 3}, r"hyper_parameters\.needs must name modules"),
        ("hyper_parameters/needs", {3: "x"}, r"hyper_parameters\.needs must name modules"),
    ],
)
def test_what_no_use_can_do_without(checkpoint: dict[str, Any], part: str, value: Any, message: str) -> None:
    Content(checkpoint, "checkpoint", "x.ckpt").check()
    if part.startswith("optimizer_states"):
        checkpoint["optimizer_states"] = {}
    set_part(checkpoint, part, value)
    with pytest.raises(SettingError, match=rf"^checkpoint=x\.ckpt: {message}"):
        Content(checkpoint, "checkpoint", "x.ckpt").check()


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("optimizer_states", None, r"holds weights only; training goes on from a last\.ckpt"),
        ("optimizer_states", {}, "optimizer_states is missing or of another type"),
        ("loops", None, "loops is missing or of another type"),
        ("callbacks", "text", "callbacks is missing or of another type"),
        ("lr_schedulers", None, "lr_schedulers is missing or of another type"),
        ("pytorch-lightning_version", None, "pytorch-lightning_version must be"),
        ("pytorch-lightning_version", "0.1", "pytorch-lightning_version must be"),
        ("updates", 1.5, "updates must be a whole number"),
        ("episodes_at_copy", None, "episodes_at_copy must be a whole number"),
        ("ReplayDataModule", None, "ReplayDataModule is missing or of another type"),
        ("ReplayDataModule/env_steps", "3", r"ReplayDataModule\.env_steps must be a whole number"),
        ("ReplayDataModule/generator", torch.ones(3), r"ReplayDataModule\.generator must be the state"),
        ("ReplayDataModule/generator", None, r"ReplayDataModule\.generator must be the state"),
    ],
)
def test_what_training_goes_on_from(checkpoint: dict[str, Any], part: str, value: Any, message: str) -> None:
    Content(checkpoint, "ckpt_path", "x.ckpt").check_continuable()
    set_part(checkpoint, part, value)
    with pytest.raises(SettingError, match=rf"^ckpt_path=x\.ckpt: {message}"):
        Content(checkpoint, "ckpt_path", "x.ckpt").check_continuable()


def test_a_configuration_that_holds_itself_is_too_large() -> None:
    node: dict[str, Any] = {}
    node["itself"] = node
    assert too_large(node)
    assert not too_large({"a": [1, {"b": "c"}]})
