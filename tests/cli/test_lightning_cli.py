"""The Lightning CLI on the same classes."""

from __future__ import annotations

import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

pytest.importorskip("jsonargparse")

from remix.cli.lightning import main
from remix.cli.translation import DATA_KEYS, translate
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
    game = "class_path: remix.envs.predator_prey.PredatorPrey, init_args: {n_agents: 300}"
    (tmp_path / "config.yaml").write_text(
        f"data: {{environment: {{{game}}}}}\n"
        "model: {class_path: remix.algorithms.independent.IndependentQLearning}\n"
    )
    with pytest.raises(SystemExit) as caught:
        main(["fit", "--config", str(tmp_path / "config.yaml")])
    assert caught.value.code == 2
    assert "n_agents" in capsys.readouterr().err


def test_a_file_that_is_no_text_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "config.yaml").write_bytes(bytes(range(256)))
    with pytest.raises(SystemExit) as caught:
        main(["fit", "--config", str(tmp_path / "config.yaml")])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("remix: a file that should be text in UTF-8 is not")


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
    innocent, meddling = "remix.envs.predator_prey.PredatorPrey", "tests.meddling.MeddlingPredatorPrey"
    expected = fitted(capsys, tmp_path, innocent, 1)
    assert fitted(capsys, tmp_path, meddling, 1) == expected
    assert fitted(capsys, tmp_path, meddling, 2) != expected


@pytest.mark.parametrize("key", ["--seed_everything", "--data.seed"])
@pytest.mark.parametrize("seed", ["-1", "4294967296"])
def test_a_seed_out_of_range_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, key: str, seed: str
):
    (tmp_path / "config.yaml").write_text(
        "data: {environment: {class_path: remix.envs.predator_prey.PredatorPrey}}\n"
        "model: {class_path: remix.algorithms.independent.IndependentQLearning}\n"
    )
    with pytest.raises(SystemExit) as caught:
        main(["fit", "--config", str(tmp_path / "config.yaml"), f"{key}={seed}"])
    assert caught.value.code == 2
    assert f"={seed}: must be a whole number between 0 and 4294967295" in capsys.readouterr().err


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


GAME = {"class_path": "remix.envs.games.BranchChain"}
OWN_CONFIG: dict[str, Any] = {
    "model": {"class_path": "remix.algorithms.independent.IndependentQLearning"},
    "data": {
        "environment": GAME,
        "batch_size": 2,
        "max_env_steps": 20,
        "steps_per_epoch": 10,
        "validation_episodes": 1,
        "test_episodes": 1,
    },
    "trainer": {"logger": False, "enable_checkpointing": False},
}
MARKER = {"command": "touch marker"}


class Cli:
    """Calls the Lightning CLI in a folder of its own."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        self.monkeypatch, self.capsys, self.home = monkeypatch, capsys, home
        monkeypatch.chdir(home)
        monkeypatch.syspath_prepend(home)

    def __call__(self, config: object, *arguments: str, command: str = "fit") -> str:
        """The one line with which a configuration is refused; empty if it ran."""
        text = config if isinstance(config, str) else yaml.safe_dump(config)
        (self.home / "config.yaml").write_text(text)
        self.monkeypatch.setattr("sys.argv", ["lightning_cli"])
        self.capsys.readouterr()
        try:
            main([command, "--config", "config.yaml", *arguments])
        except SystemExit as ended:
            lines = self.capsys.readouterr().err.splitlines()
            assert (ended.code, sum(line.startswith("remix: ") for line in lines)) == (2, 1)  # noqa: PT017
            return lines[-1]
        return ""


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    return Cli(monkeypatch, capsys, tmp_path)


def with_part(place: str, value: Any) -> dict[str, Any]:
    config = deepcopy(OWN_CONFIG)
    *way, last = place.split(".")
    node = config
    for name in way:
        node = node.setdefault(name, {})
    node[last] = value
    return config


def call(class_path: str, **arguments: Any) -> dict[str, Any]:
    return {"class_path": class_path, "init_args": arguments}


ENVIRONMENT, OPTIMIZER = "data.environment", "model.init_args.optimizer"
PETTINGZOO = {"id": "os:system", "options": MARKER, "episode_limit": 5}


@pytest.mark.parametrize(
    ("place", "value", "refused"),
    [
        (ENVIRONMENT, call("os.system", **MARKER), "os.system"),
        (ENVIRONMENT, "os.system", "os.system"),
        (ENVIRONMENT, call("remix.envs.pettingzoo.PettingZoo", **PETTINGZOO), "os:system"),
        (
            ENVIRONMENT,
            {"class_path": "remix.envs.pettingzoo.PettingZoo", "dict_kwargs": PETTINGZOO},
            "os:system",
        ),
        (
            ENVIRONMENT,
            call("remix.envs.pettingzoo.PettingZoo", id="a.b", options={"x": call("os.system", **MARKER)}),
            "os.system",
        ),
        (ENVIRONMENT, call("remix.envs.games.BranchChain", stages=call("os.system", **MARKER)), ""),
        (ENVIRONMENT, "other.yaml", ""),
        ("data.workers", "os.system", "os.system"),
        ("data.workers", call("remix.learning.workers.child.Child"), "remix.learning.workers.child.Child"),
        (OPTIMIZER, "os.system", "os.system"),
        (OPTIMIZER, call("subprocess.Popen", args=["touch", "marker"]), "subprocess.Popen"),
        (OPTIMIZER, "remix.runs.building.instantiate", "instantiate"),
        (OPTIMIZER, call("remix.envs.games.BranchChain"), ""),
        ("trainer.callbacks", [call("pytorch_lightning.callbacks.LambdaCallback")], "LambdaCallback"),
        ("trainer.callbacks", [call("LambdaCallback", on_fit_start="os.system")], "LambdaCallback"),
        ("trainer.callbacks", ["no_such_package.Callback"], "no_such_package.Callback"),
        (
            "trainer.callbacks",
            [call("pytorch_lightning.callbacks.ModelCheckpoint", dirpath="/tmp/x")],
            "below the working directory",
        ),
        ("trainer.default_root_dir", "../x", "below the working directory"),
        ("trainer.strategy", "no_such_package.Strategy", "no_such_package.Strategy"),
        ("trainer.profiler", call("pytorch_lightning.profilers.SimpleProfiler"), "SimpleProfiler"),
        ("data", "other.yaml", "os.system"),
        ("config", "other.yaml", ""),
    ],
    ids=str,
)
def test_a_configuration_of_a_stranger_runs_nothing(place: str, value: Any, refused: str, cli: Cli):
    other = OWN_CONFIG["data"] | {"environment": call("os.system", **MARKER)}
    (cli.home / "other.yaml").write_text(yaml.safe_dump(other))
    assert refused in cli(with_part(place, value)) != ""
    assert {path.name for path in cli.home.iterdir()} == {"config.yaml", "other.yaml"}


@pytest.mark.parametrize(
    "text",
    [
        "model: !!python/object/apply:os.system ['touch marker']",
        "model: {class_path: [",
        "hello",
        "a: &a [*a]",
        "[" * 5000,
        "\n".join(
            ["a0: &a0 [1]", *(f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 10)}]" for i in range(9))]
        ),
        yaml.safe_dump({"env": 1, "algorithm": 2, "replay": 3, "trainer": 4}),
        yaml.safe_dump(
            {
                **dict.fromkeys(DATA_KEYS, 1),
                **{key: {"_target_": "os.system", **MARKER} for key in ("env", "algorithm", "workers")},
                "replay": {},
                "trainer": {},
            }
        ),
    ],
    ids=["tag", "broken", "text", "itself", "deep", "bomb", "half a run", "run"],
)
def test_malformed_files_are_one_line(text: str, cli: Cli):
    assert 0 < len(cli(text)) < 450
    assert [path.name for path in cli.home.iterdir()] == ["config.yaml"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (OPTIMIZER, call("torch.optim.SGD", lr=0.1)),
        (OPTIMIZER, "remix.algorithms.optimizers.adam"),
        ("trainer.callbacks", [call("pytorch_lightning.callbacks.EarlyStopping", monitor="test/return")]),
        ("trainer.callbacks", [call("EarlyStopping", monitor="test/return")]),
        ("trainer.logger", call("pytorch_lightning.loggers.CSVLogger", save_dir="logs")),
        (ENVIRONMENT, "own_game.Game"),
    ],
    ids=str,
)
def test_what_is_trusted_runs(place: str, value: Any, cli: Cli):
    (cli.home / "own_game.py").write_text(
        "from remix.envs.games import BranchChain\nclass Game(BranchChain): ...\n"
    )
    assert cli(with_part(place, value)) == ""


def test_consent_and_what_is_typed(cli: Cli, tmp_path_factory: pytest.TempPathFactory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("agreed_game", "typed_game"):
        (elsewhere / f"{name}.py").write_text(
            "from remix.envs.games import BranchChain\nclass Game(BranchChain): ...\n"
        )
    cli.monkeypatch.syspath_prepend(elsewhere)
    theirs = with_part(ENVIRONMENT, "agreed_game.Game")
    assert cli(theirs).endswith(
        "is not trusted in a file (config.yaml); if you trust it: --trust agreed_game"
    )
    assert cli(theirs, "--trust", "agreed_game") == ""
    mine = deepcopy(OWN_CONFIG)
    del mine["data"]["environment"]
    assert cli(mine, "--data.environment", "typed_game.Game") == ""
    elsewhere_too = str(elsewhere / "logs")
    assert cli(OWN_CONFIG, "--trainer.default_root_dir", elsewhere_too) == ""


def test_a_checkpoint_of_a_stranger_runs_nothing(cli: Cli):
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, ("marker",)

    for content in (
        {"state_dict": {}, "x": Evil()},
        {"state_dict": {}, "hyper_parameters": {"_class_path": "os.mkdir", "path": "marker"}},
    ):
        torch.save(content, "evil.ckpt")
        for command in ("fit", "validate"):
            assert "ckpt_path=evil.ckpt: " in cli(OWN_CONFIG, "--ckpt_path", "evil.ckpt", command=command)
    assert not (cli.home / "marker").exists()
