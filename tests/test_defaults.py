"""A class has its defaults in its signature, for Python, and its YAML shows the same, for everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hydra import compose, initialize_config_module
from hydra.utils import get_object, instantiate

from remix import conf
from remix.learning.schedules import Schedule
from remix.settings.signatures import parameters_of
from tests.test_algorithms import METHODS

FOLDER = Path(conf.__file__).parent

OTHERWISE = {
    ("remix.envs.battles.Battles", "map_name"),  # the smallest map is enough to try
    ("remix.envs.games.MatrixGame", "name"),  # one class is many games ...
    ("remix.envs.games.GeneralSumGame", "name"),
    ("remix.envs.games.MatrixGame", "stages"),
    ("remix.algorithms.value_factorization.ValueFactorization", "loss_factor"),  # ... and many methods
}
"""Where the YAML chooses another value than the class."""


def nodes(content: Any) -> Iterator[dict[str, Any]]:
    """All nodes with a target of ours."""
    if isinstance(content, dict):
        if str(content.get("_target_", "")).startswith("remix."):
            yield content
        for inner in content.values():
            yield from nodes(inner)


def shown(value: Any) -> Any:
    """A default as YAML writes it."""
    return [shown(item) for item in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize(
    "file", sorted(FOLDER.glob("**/*.yaml")), ids=lambda file: str(file.relative_to(FOLDER))
)
def test_a_file_shows_the_defaults_of_its_classes(file: Path):
    for node in nodes(yaml.safe_load(file.read_text())):
        for name, parameter in parameters_of(get_object(node["_target_"])).items():
            value, default = node.get(name), parameter.default
            of_the_run = isinstance(value, dict) or "${" in str(value)
            if name in node and not of_the_run and default is not parameter.empty:
                equal = value == shown(default)
                assert equal or (node["_target_"], name) in OTHERWISE, (name, value, default)


@pytest.mark.parametrize("algorithm", METHODS)
def test_a_class_on_its_own_has_the_numbers_of_its_configuration(algorithm: str):
    """With what its file inherits, and with the objects that are made of its nodes."""
    with initialize_config_module("remix.conf", version_base="1.3"):
        config = compose("train", [f"algorithm={algorithm}"]).algorithm
    defaults = {k: p.default for k, p in parameters_of(get_object(config._target_)).items()}
    optimizers = [name for name in config if "optimizer" in name]
    numbers = [name for name, value in config.items() if isinstance(value, int | float)]
    assert optimizers and numbers
    for name in optimizers:
        alone, configured = (
            make([torch.nn.Parameter(torch.zeros(1))]) for make in (defaults[name], instantiate(config[name]))
        )
        assert type(alone) is type(configured) and alone.defaults == configured.defaults
    schedules = [name for name in defaults if isinstance(defaults[name], Schedule)]
    assert schedules and all(defaults[name] == instantiate(config[name]) for name in schedules)
    differ = {name for name in numbers if defaults[name] != config[name]}
    assert {(config._target_, name) for name in differ} <= OTHERWISE
