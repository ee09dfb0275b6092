"""The Lightning CLI on the same classes."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("jsonargparse")

from remix.lightning_cli import main, translate
from tests.command_line import SMALL, SMALL_REMIX, CommandLine


@pytest.mark.parametrize(
    "settings",
    [SMALL_REMIX, (*SMALL, "algorithm=dop"), (*SMALL, "algorithm=vdac_vmix")],
    ids=["remix", "dop", "vdac_vmix"],
)
def test_composed_configuration_trains_and_validates(
    settings: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
):
    remix = CommandLine(monkeypatch, capsys, tmp_path)
    printed = remix(
        "train", *settings, "run_dir=x", "logger=none", "callbacks=none", "--cfg", "job", "--resolve"
    )
    (tmp_path / "config.yaml").write_text(printed.out)
    for command in ("fit", "validate", "test"):
        monkeypatch.setattr("sys.argv", ["lightning_cli"])
        main([command, "--config", "config.yaml", "--data.max_env_steps", "150", "--trainer.logger", "false"])
    assert "steps" in "".join(capsys.readouterr())


def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "config.yaml").write_text(
        "data: {environment: {class_path: envs.predator_prey.PredatorPrey, init_args: {n_agents: 300}}}\n"
        "model: {class_path: remix.algorithms.independent.IndependentQLearning}\n"
    )
    with pytest.raises(SystemExit) as caught:
        main(["fit", "--config", str(tmp_path / "config.yaml")])
    assert caught.value.code == 2
    assert "n_agents" in capsys.readouterr().err


def fitted(capsys: pytest.CaptureFixture[str], folder: Path, game: str, seed: int) -> str:
    """What a run of a few updates prints at its end."""
    (folder / "config.yaml").write_text(
        f"seed_everything: {seed}\n"
        f"data: {{environment: {{class_path: {game}, init_args: {{n_agents: 2, world_shape: [4, 4], "
        "episode_limit: 9}}, batch_size: 4, episodes_per_round: 4, max_env_steps: 120, steps_per_epoch: 120, "
        f"validation_episodes: 4, seed: {seed}}}\n"
        "model: {class_path: remix.algorithms.fop.FOP}\n"
        "trainer: {gradient_clip_val: null, logger: false, enable_checkpointing: false}\n"
    )
    main(["fit", "--config", str(folder / "config.yaml"), "--trainer.callbacks", "tests.training.Digest"])
    return next(line for line in capsys.readouterr().out.splitlines() if line.startswith("digest"))


def test_only_the_seed_decides(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    innocent, meddling = "envs.predator_prey.PredatorPrey", "tests.meddling.MeddlingPredatorPrey"
    expected = fitted(capsys, tmp_path, innocent, 1)
    assert fitted(capsys, tmp_path, meddling, 1) == expected
    assert fitted(capsys, tmp_path, meddling, 2) != expected


@pytest.mark.parametrize("key", ["--seed_everything", "--data.seed"])
@pytest.mark.parametrize("seed", ["-1", "4294967296"])
def test_a_seed_out_of_range_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, key: str, seed: str
):
    (tmp_path / "config.yaml").write_text(
        "data: {environment: {class_path: envs.predator_prey.PredatorPrey}}\n"
        "model: {class_path: remix.algorithms.independent.IndependentQLearning}\n"
    )
    with pytest.raises(SystemExit) as caught:
        main(["fit", "--config", str(tmp_path / "config.yaml"), f"{key}={seed}"])
    assert caught.value.code == 2
    assert f"={seed}: must be an integer between 0 and 4294967295" in capsys.readouterr().err


def test_targets_become_class_paths_at_any_depth():
    node = {"_target_": "a.B", "_partial_": True, "c": {"_target_": "d.E", "f": 1}, "g": [1, 2]}
    composed = {
        "env": node,
        "workers": {"_target_": "w.W"},
        "replay": {"capacity": 5},
        "algorithm": node,
        "trainer": {"_target_": "t.T", "devices": 1},
        "seed": 3,
        "steps_per_epoch": 1,
        "max_env_steps": 2,
        "validation_episodes": 3,
        "test_episodes": 4,
    }
    translated = translate(composed)
    expected = {
        "class_path": "a.B",
        "init_args": {"c": {"class_path": "d.E", "init_args": {"f": 1}}, "g": [1, 2]},
    }
    assert translated["model"] == expected
    assert translated["data"]["workers"] == {"class_path": "w.W"}
    assert translated["data"]["max_env_steps"] == 2
    assert translated["seed_everything"] == 3
