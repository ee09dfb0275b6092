"""Checkpoints made policies again, whoever they are from, and the point from which a run goes on."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from remix.learning import archive
from remix.learning.schedules import Schedule
from remix.runs.checkpoints import differences, find_checkpoint, load, starting_point, take_networks
from remix.settings.errors import SettingError
from tests.checkpoints import changed, checkpoint_of, composed, untrained
from tests.command_line import CommandLine

GAME = ("env=matrix_game", "algorithm=iql")
MARKER = {"command": "touch marker"}
CHAIN = {"_target_": "remix.envs.games.BranchChain"}


def choices(group: str) -> list[str]:
    names = [file.name for file in (files("remix.conf") / group).iterdir() if file.name.endswith(".yaml")]
    return sorted(name.removesuffix(".yaml") for name in names if not name.startswith("_"))


EVERYTHING = [
    *((*GAME[:1], f"algorithm={name}") for name in choices("algorithm")),
    *(
        (GAME[0], "algorithm=remix", f"algorithm/{part}={name}")
        for part in ("mixer", "weighting", "central")
        for name in choices(f"algorithm/{part}")
        if name not in ("fop", "none", "unconstrained", "qfix_mono", "recognised")  # refused: not for ReMIX
    ),
    *(
        (GAME[0], "algorithm=remix", f"algorithm/weighting/mapping={name}")
        for name in choices("algorithm/weighting/mapping")
    ),
    *((f"env={name}", "algorithm=iql") for name in choices("env") if name != "pettingzoo"),
    ("env=pettingzoo", "env.id=mpe2.simple_spread_v3", "algorithm=iql"),
    *((*GAME, f"workers={name}") for name in choices("workers")),
]


@pytest.fixture(scope="module")
def checkpoint() -> dict[str, Any]:
    return checkpoint_of(composed(*GAME))


@pytest.mark.parametrize("settings", EVERYTHING, ids=" ".join)
def test_what_can_be_composed_loads_again_without_consent(settings: tuple[str, ...], tmp_path: Path) -> None:
    if "env=pettingzoo" in settings:
        pytest.importorskip("mpe2")
    config = composed(*settings)
    archive.write(checkpoint_of(config), tmp_path / "best.ckpt")
    loaded, module = load(tmp_path / "best.ckpt")
    assert loaded.algorithm == config.algorithm
    assert module.env_steps == 0


def test_a_weighting_of_ones_own_loads_without_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "sharp_weights.py").write_text(
        "from remix.weighting.optimistic import Optimistic\nclass Sharp(Optimistic): ...\n"
    )
    weighting = "{_target_:sharp_weights.Sharp,min_weight:0.1,max_weight:1.0}"
    config = composed(GAME[0], "algorithm=ow_qmix", f"algorithm.weighting={weighting}")
    archive.write(checkpoint_of(config), tmp_path / "best.ckpt")
    _, module = load(tmp_path / "best.ckpt")
    assert type(module.weighting).__name__ == "Sharp"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"env": {"_target_": "os.system", **MARKER}}, r"env\._target_=os\.system: .*trust=\[os\]"),
        ({"env": {"_target_": "io.open", "_args_": ["marker", "w"]}}, r"env\._target_=io\.open: .*\[io\]"),
        (
            {"env": {"_target_": "remix.envs.pettingzoo.PettingZoo", "id": "os:system", "options": MARKER}},
            r"env\.id=os:system: .*trust=\[os\]",
        ),
        ({"workers": {"_target_": "os.system", **MARKER}}, r"workers\._target_=os\.system: .*trust=\[os\]"),
        ({"algorithm": {"_target_": "os.system", **MARKER}}, r"algorithm\._target_=os\.system: .*\[os\]"),
        ({"run_name": "${oc.env:HOME}"}, r"checkpoint=.*run_name is .*cannot refer to other values"),
        ({"env": [{"_target_": "os.system", **MARKER}]}, r"checkpoint=.*config\.env must name a _target_"),
        ({"env": "os.system"}, r"checkpoint=.*config\.env must name a _target_"),
        ({"workers": None}, r"checkpoint=.*config\.workers must name a _target_"),
        ({"replay": {"_target_": "os.system"}}, r"replay\._target_=os\.system"),
        ({"replay": 5}, r"checkpoint=.*config\.replay must hold settings"),
        ({"max_env_steps": "many"}, r"max_env_steps=many: must be a whole number"),
        ({"env": {**CHAIN, "stages": "x"}}, r"env\.stages=x: must be a whole"),
        ({"env": {**CHAIN, "_partial_": True}}, r"checkpoint=.*does not fit"),
        ({"env": {**CHAIN, "stages": "???"}}, r"env\.stages=\?\?\?: must be"),
    ],
    ids=str,
)  # fmt: skip
def test_a_strangers_configuration_runs_nothing(
    checkpoint: dict[str, Any],
    parts: dict[str, Any],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    changed(checkpoint, Path("evil.ckpt"), **parts)
    with pytest.raises(SettingError, match=rf"^{message}[^\n]*$"):
        load(Path("evil.ckpt"))
    assert [path.name for path in tmp_path.iterdir()] == ["evil.ckpt"]


def test_what_the_user_types_is_free(checkpoint: dict[str, Any], tmp_path: Path) -> None:
    env = {"_target_": "remix.envs.pettingzoo.PettingZoo", "id": "os:system", "options": MARKER}
    evil = changed(checkpoint, tmp_path / "evil.ckpt", env=env)
    with pytest.raises(SettingError, match=r"^env\.id=no_such_game: "):
        load(evil, OmegaConf.create({"id": "no_such_game"}))


def test_evaluate_and_watch_refuse_in_one_line(
    checkpoint: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    remix = CommandLine(monkeypatch, capsys, tmp_path)
    env = {"_target_": "json.JSONDecoder"}
    changed(checkpoint, tmp_path / "evil.ckpt", env=env)
    refused = "remix: env._target_=json.JSONDecoder: is not trusted in a file (evil.ckpt); if you trust it: "
    for command in ("evaluate", "watch"):
        assert remix(command, "evil.ckpt") == (2, "", f"{refused}trust=[json]\n")
        consented = remix(command, "evil.ckpt", "trust=[json]")
        assert consented.code == 2
        assert "env._target_=json.JSONDecoder: is no Environment" in consented.err
        outcome = remix(command, "evil.ckpt", "trust=json")
        assert outcome == (2, "", "remix: trust=json: must be a list of packages, as in trust=[mypackage]\n")


def test_a_damaged_checkpoint_offers_the_others(checkpoint: dict[str, Any], tmp_path: Path) -> None:
    run = tmp_path / "run"
    for name in ("best", "last", "previous"):
        archive.write(checkpoint, run / f"checkpoints/{name}.ckpt")
    best = find_checkpoint(str(run), None)
    assert best.name == "best.ckpt"
    best.write_bytes(best.read_bytes()[:-99])
    with pytest.raises(SettingError, match=r"is damaged.*; there is also .*last\.ckpt, .*previous\.ckpt$"):
        load(best)
    best.unlink()
    assert find_checkpoint(str(run), None).name == "last.ckpt"
    (run / "checkpoints/last.ckpt").unlink()
    assert find_checkpoint(str(run), None).name == "previous.ckpt"


def test_a_checkpoint_of_an_earlier_release_loads_under_the_names_of_this_one(
    checkpoint: dict[str, Any], tmp_path: Path
) -> None:
    config = checkpoint["hyper_parameters"]["config"]
    epsilon = {"epsilon_start": 0.7, "epsilon_end": 0.2, "epsilon_anneal_steps": 50}
    algorithm = {name: value for name, value in config["algorithm"].items() if name != "epsilon"} | epsilon
    path = changed(checkpoint, tmp_path / "best.ckpt", algorithm=algorithm)
    loaded, module = load(path)
    assert module.epsilon == Schedule(0.7, 0.2, 50)
    ours = config | {"algorithm": loaded.algorithm}
    assert differences(path, ours) == []


@pytest.fixture(scope="module")
def config() -> DictConfig:
    return composed(*GAME)


@pytest.fixture
def folder(checkpoint: dict[str, Any], tmp_path: Path) -> Path:
    """Of the checkpoints of a run, two steps apart."""
    for name, steps in (("previous", 10), ("last", 12)):
        training = {
            "pytorch-lightning_version": "2.6.0",
            "loops": {},
            "callbacks": {},
            "optimizer_states": [],
            "lr_schedulers": [],
            "updates": 1,
            "episodes_at_copy": 0,
            "ReplayDataModule": {
                "env_steps": steps,
                "episodes": 3,
                "generator": torch.Generator().get_state(),
            },
        }
        archive.write(checkpoint | training | {"env_steps": steps}, tmp_path / f"{name}.ckpt")
    return tmp_path


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_run_goes_on_from_its_last_good_checkpoint(
    config: DictConfig, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = untrained(config)
    assert starting_point(module, None, None) is None
    assert starting_point(module, None, folder / "nothing") is None
    assert starting_point(module, None, folder) == str(folder / "last.ckpt")
    assert capsys.readouterr().out == ""
    damage(folder / "last.ckpt")
    assert starting_point(module, None, folder) == str(folder / "previous.ckpt")
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "is damaged" in said
    assert f"going on from {folder / 'previous.ckpt'}" in said
    # The damaged one is out of the way of the next, but not lost.
    assert (folder / "damaged.ckpt").is_file()
    assert starting_point(module, None, folder) == str(folder / "previous.ckpt")
    damage(folder / "previous.ckpt")
    with pytest.raises(
        SettingError,
        match=r"^resume=auto: .*previous\.ckpt is damaged.*; resume=never with another run_dir starts anew$",
    ):
        starting_point(module, None, folder)


def test_networks_of_another_shape_are_no_start(config: DictConfig, folder: Path) -> None:
    module, weights = untrained(config), archive.read(folder / "last.ckpt")["state_dict"]
    assert take_networks(module, str(folder / "last.ckpt")) == folder / "last.ckpt"
    for name, ours in module.state_dict().items():
        assert torch.equal(ours, weights[name])
    other = untrained(composed(GAME[0], "algorithm=qmix"))
    with pytest.raises(SettingError, match=r"^init_from=.*holds other networks than configured"):
        take_networks(other, str(folder / "last.ckpt"))


def test_the_users_choice_is_checked_before_anything_starts(config: DictConfig, folder: Path) -> None:
    module, chosen = untrained(config), folder / "last.ckpt"
    assert starting_point(module, str(chosen), None) == str(chosen)
    other = untrained(composed(GAME[0], "algorithm=qmix"))
    with pytest.raises(SettingError, match=r"^ckpt_path=.*holds other networks than configured"):
        starting_point(other, str(chosen), None)
    whole = archive.read(chosen)
    archive.write({name: whole[name] for name in ("state_dict", "env_steps", "hyper_parameters")}, chosen)
    with pytest.raises(SettingError, match=r"^ckpt_path=.*holds weights only"):
        starting_point(module, str(chosen), None)
    damage(chosen)
    with pytest.raises(SettingError, match=r"^ckpt_path=.*is damaged.*; there is also .*previous\.ckpt"):
        starting_point(module, str(chosen), None)
