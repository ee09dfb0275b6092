"""What version 0.1 wrote is read today, whatever has moved since."""

from __future__ import annotations

from pathlib import Path
from shutil import copy

import pytest

from remix.runs.checkpoints import load
from remix.settings.earlier_releases import MOVED
from tests.command_line import CommandLine

FILES = Path(__file__).parent / "data/version_0_1"
SAME = ("env=two_step", "algorithm=vdn", "algorithm.policy.hidden_size=4", "replay.batch_size=4")
QUICK = ("max_env_steps=72", "steps_per_epoch=72", "validation_episodes=2", "test_episodes=2", "logger=none")


def test_checkpoints_are_loaded():
    config, module = load(FILES / "last.ckpt")
    assert config.env._target_.rpartition(".")[0] not in MOVED
    assert module.env_steps == 60


def test_a_run_goes_on_from_a_checkpoint(remix: CommandLine):
    small = ("replay.capacity=4", "replay.episodes_per_round=2")
    outcome = remix("train", *SAME, *small, *QUICK, "run_dir=on", f"ckpt_path={FILES / 'last.ckpt'}")
    assert outcome.code == 0, outcome.err
    assert "another env" not in outcome.out


def test_a_configuration_of_ones_own_is_read(remix: CommandLine):
    (remix.home / "own/env").mkdir(parents=True)
    (remix.home / "own/env/old.yaml").write_text("_target_: envs.games.BranchChain\nstages: 3\n")
    outcome = remix("train", "env=old", *SAME[1:], *QUICK, "run_dir=run", "--config-dir=own")
    assert outcome.code == 0, outcome.err


def test_the_lightning_cli_reads_the_configuration_of_a_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    pytest.importorskip("jsonargparse")
    from remix.cli.lightning import main

    monkeypatch.chdir(tmp_path)
    copy(FILES / "config.yaml", tmp_path)
    main(["fit", "--config", "config.yaml", "--data.max_env_steps", "30", "--trainer.logger", "false"])
