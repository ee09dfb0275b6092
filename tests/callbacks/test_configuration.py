"""The callback and logger groups of the configuration."""

from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from remix import conf
from remix.runs.config import check_arguments

GROUPS = Path(conf.__file__).parent
TOP_LEVEL = {
    "run_dir": "somewhere",
    "algorithm_name": "remix",
    "env_name": "two_step",
    "experiment_name": "two_step",
    "run_name": "remix-seed1",
    "seed": 1,
    "resume": "never",
    "trainer": {"accelerator": "cpu"},
}


def compose(group: str, choice: str) -> DictConfig:
    node = OmegaConf.load(GROUPS / group / f"{choice}.yaml")
    return OmegaConf.create({**TOP_LEVEL, group: node})


def test_default_callbacks(tmp_path: Path) -> None:
    config = compose("callbacks", "default")
    config.run_dir = str(tmp_path)
    check_arguments({"callbacks": OmegaConf.to_container(config.callbacks, resolve=True)})
    callbacks = {name: instantiate(node) for name, node in config.callbacks.items()}
    assert list(callbacks) == [
        "progress",
        "throughput",
        "summary",
        "absolute_metric",
        "best_checkpoint",
        "last_checkpoint",
        "weight_heatmap",
        "learning_curve",
        "episode_video",
    ]
    assert callbacks["last_checkpoint"].path == tmp_path / "checkpoints/last.ckpt"
    assert callbacks["best_checkpoint"].format_checkpoint_name({}) == str(tmp_path / "checkpoints/best.ckpt")
    assert callbacks["weight_heatmap"].title == "remix on two_step"


@pytest.mark.parametrize("choice", ["mlflow", "csv", "tensorboard", "wandb"])
def test_loggers_have_valid_arguments(choice: str) -> None:
    config = compose("logger", choice)
    resolved = OmegaConf.to_container(config.logger, resolve=True)
    assert list(config.logger) == [choice]
    check_arguments({"logger": resolved})


@pytest.mark.parametrize("group", ["callbacks", "logger"])
def test_none_is_an_empty_group(group: str) -> None:
    assert compose(group, "none")[group] == {}
