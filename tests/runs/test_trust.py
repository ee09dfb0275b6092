"""What a file may name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
import yaml
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.loggers import Logger
from torch.optim import Optimizer

import remix
from remix import callbacks, envs
from remix.algorithms.base import MultiAgentModule
from remix.envs.spec import Environment
from remix.learning.policy import Policy
from remix.learning.workers.base import WorkerPool
from remix.networks.mixers.base import Mixer
from remix.runs.checkpoints import load
from remix.runs.trust import Trust
from remix.settings.errors import SettingError
from remix.weighting.base import Weighting
from remix.weighting.mappings import Mapping
from tests.checkpoints import changed, checkpoint_of, composed

FILE = (Path("evil.ckpt"),)
KINDS = (Environment, MultiAgentModule, WorkerPool, Policy, Mixer, Weighting, Mapping, Callback, Logger)
GAME = "remix.envs.pettingzoo.PettingZoo"
COMMAND = {"command": "touch marker"}


def check(node: Any, *kinds: type, **options: Any) -> None:
    Trust(FILE, **options).check("key", node, kinds)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that one stands in, whose modules leave a file when they are imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def module(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"open({str(path.with_suffix('.imported'))!r}, 'w').close()\n{text}")
    importlib.invalidate_caches()


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": "os.system", **COMMAND},
        {"_target_": "subprocess.Popen", "args": ["touch", "marker"]},
        {"_target_": "io.open", "_args_": ["marker", "w"]},
        {"_target_": "pathlib.Path.touch", "self": "marker"},
        {"_target_": "builtins.exec", "_args_": ["open('marker', 'w')"]},
        {"_target_": "remix.runs.building.instantiate", "config": {"_target_": "os.system", **COMMAND}},
        {"_target_": "remix.envs.factories.import_module", "name": "this"},
        {"_target_": "remix.envs.films.np.save"},
        {"_target_": "torch.optim.adam.torch.hub.load"},
        {"_target_": "torch.nn.Linear"},
        {"_target_": "functools.partial"},
        {"_target_": "sys.exit"},
        {"_target_": "no_such_package.Thing"},
        {"_target_": "remix.envs.games.MatrixGame", "payoff": [[{"_target_": "os.system", **COMMAND}]]},
        {"_target_": GAME, "id": "mpe2.simple_spread_v3", "options": {"a": [{"_target_": "os.system"}]}},
        {"_target_": GAME, "id": "os:system", "options": COMMAND},
        {"_target_": GAME, "_args_": ["os:system", COMMAND]},
        {"_target_": GAME, "id": "subprocess:run", "options": {"args": ["touch", "marker"]}},
        [{"_target_": "os.system", **COMMAND}],
        {"inner": {"_target_": "os.system", **COMMAND}},
        "os.system",
    ],
    ids=str,
)
def test_what_runs_code_is_refused_and_how_to_consent_is_said(node: Any, project: Path) -> None:
    with pytest.raises(SettingError, match=r"^key.*trust.*evil\.ckpt\); if you trust it: trust=\[\w+\]$"):
        check(node, Environment)
    assert not list(project.iterdir())


@pytest.mark.parametrize(
    ("node", "kind"),
    [
        ({"_target_": "torch.optim.Adam"}, Environment),
        ({"_target_": "remix.envs.games.MatrixGame"}, Optimizer),
        ({"_target_": "remix.learning.workers.child.Child"}, WorkerPool),
        ({"_target_": "remix.envs.spec.Environment.close"}, Environment),
        ({"_target_": "pytorch_lightning.Trainer"}, Callback),
        ({"_target_": "remix.algorithms.optimizers.adam"}, Environment),
        (
            {
                "_target_": "remix.algorithms.independent.IndependentQLearning",
                "policy": {"_target_": "torch.optim.Adam"},
            },
            MultiAgentModule,
        ),
    ],
    ids=str,
)
def test_what_is_of_another_kind_is_refused(node: Any, kind: type) -> None:
    with pytest.raises(SettingError, match=r"_target_=.*, which belongs here \(evil\.ckpt\)$"):
        check(node, kind)


@pytest.mark.parametrize(
    "name",
    [
        5,
        None,
        "",
        "a b",
        "a\nb",
        "envs",
        "remix.envs.games",
        "remix.envs.games.Nothing",
        "remix.envs.nothing.X",
        "os:system",
    ],
)
def test_what_is_no_name_of_a_class_is_one_line(name: Any) -> None:
    with pytest.raises(SettingError, match=r"^key\._target_=[^\n]*$"):
        check({"_target_": name}, Environment)


@pytest.mark.parametrize(
    "id",
    [
        "pettingzoo.utils.conversions:parallel_to_aec",
        "remix.envs.factories:import_module",
        "remix.cli:main",
        "tools:wipe",
        "game:wipe",
        "game:system",
        "",
        "..game:make",
        ["os:system"],
    ],
    ids=str,
)
def test_only_what_makes_a_game_is_called_as_such(id: Any, project: Path) -> None:
    pytest.importorskip("mpe2")
    module(project / "tools.py", "def wipe(): ...")
    module(project / "game.py", "from os import system\nfrom pettingzoo import ParallelEnv\ndef wipe(): ...")
    with pytest.raises(SettingError, match=r"^key\.id=.*(is not known to make a game|must be module)"):
        check({"_target_": GAME, "id": id}, Environment)


@pytest.mark.parametrize(
    "id",
    [
        "mpe2.simple_spread_v3",
        "mpe2.simple_spread_v3:parallel_env",
        "game",
        "game:Game",
        "game:said",
        "game:named",
        "game:wrapped",
    ],
)
def test_games_of_known_packages_and_of_ones_own_load(id: str, project: Path) -> None:
    pytest.importorskip("mpe2")
    module(
        project / "game.py",
        "from pettingzoo import ParallelEnv\n"
        "class Game(ParallelEnv): ...\n"
        "def parallel_env(): ...\n"
        "def said() -> Game: ...\n"
        "def named(): return Game()\n"
        "def wrap(cls): return lambda: cls()\n"
        "wrapped = wrap(Game)\n",
    )
    check({"_target_": GAME, "id": id}, Environment)


OWN = """
from remix.envs.games import BranchChain
from remix.weighting.optimistic import Optimistic
from json import JSONDecoder
class Lamp(BranchChain):
    def __init__(self, part=None): ...
class Part: ...
class Sharp(Optimistic): ...
def lamp() -> Lamp: ...
def unknown(): ...
"""


def test_modules_of_the_folder_that_one_stands_in_are_trusted(project: Path) -> None:
    module(project / "mine.py", OWN)
    module(project / "games/one.py", OWN)
    for name in ("mine.Lamp", "mine.lamp", "games.one.Lamp"):
        check({"_target_": name}, Environment)
    check({"_target_": "mine.Sharp", "min_weight": 0.1, "max_weight": 1.0}, Weighting)
    for node in ({"_target_": "mine.unknown"}, {"_target_": "mine.Lamp", "part": {"_target_": "mine.Part"}}):
        with pytest.raises(SettingError, match=r"is not known to make what belongs here; .*trust=\[mine\]"):
            check(node, Environment)
        check(node, Environment, packages=("mine",))
    with pytest.raises(SettingError, match=r"is json\.decoder\.JSONDecoder, which is not trusted"):
        check({"_target_": "mine.JSONDecoder"}, Environment)


@pytest.mark.parametrize(
    ("place", "on_path", "name"),
    [
        ("site-packages/theirs.py", "site-packages", "theirs.Lamp"),
        ("box/lib/theirs.py", "box/lib", "theirs.Lamp"),
        ("runs/x/theirs.py", "", "runs.x.theirs.Lamp"),
        ("stranger/theirs.py", "", "stranger.theirs.Lamp"),
        ("../theirs.py", "..", "theirs.Lamp"),
    ],
)
def test_other_modules_are_not_even_imported(
    place: str, on_path: str, name: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = project / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(here)
    monkeypatch.syspath_prepend((here / on_path).resolve())
    module(here / place, OWN)
    (here / "box").mkdir(exist_ok=True)
    (here / "box/pyvenv.cfg").touch()
    trust = Trust((here / "stranger/checkpoints/best.ckpt",))
    with pytest.raises(SettingError, match="is not trusted in a file"):
        trust.check("env", {"_target_": name}, (Environment,))
    assert not list(project.rglob("*.imported"))
    Trust(trust.files, packages=(name.partition(".")[0],)).check("env", {"_target_": name}, (Environment,))
    assert list(project.rglob("*.imported"))


def test_what_the_user_typed_is_free() -> None:
    evil = {"_target_": GAME, "id": "os:system"}
    check(evil, Environment, typed=frozenset({"os:system"}))
    check({"_target_": "json.JSONDecoder"}, Environment, typed=frozenset({"json.JSONDecoder"}))
    with pytest.raises(SettingError):
        check({"_target_": "json.JSONEncoder"}, Environment, typed=frozenset({"json.JSONDecoder"}))


@pytest.mark.parametrize("place", ["/tmp/x", "../x", "a/../../x", "~/x", "file:///tmp/x"])
def test_a_file_names_no_place_to_write_outside(place: str) -> None:
    for node, kind in (
        ({"_target_": "remix.envs.battles.Battles", "replay_dir": place}, Environment),
        ({"_target_": "remix.callbacks.checkpointing.LastCheckpoint", "dirpath": place}, Callback),
        ({"_target_": "pytorch_lightning.loggers.CSVLogger", "save_dir": "x", "name": place}, Logger),
        ({"_target_": "pytorch_lightning.Trainer", "default_root_dir": place}, Trainer),
    ):
        with pytest.raises(SettingError, match="may only name places below the working directory"):
            check(node, kind)
        check(node, kind, typed=frozenset({place}))
        inside = {key: "runs/x" if value == place else value for key, value in node.items()}
        check(inside, kind)


@pytest.mark.parametrize(
    "reach", [{"address": "far.example:6379"}, {"runtime_env": {"py_modules": ["https://far.example/x.zip"]}}]
)
def test_a_file_does_not_choose_where_code_runs(reach: dict[str, Any]) -> None:
    node = {"_target_": "remix.learning.workers.ray.RayWorkers", "address": "local", "runtime_env": None}
    check(node, WorkerPool)
    with pytest.raises(SettingError, match="a file may not choose that"):
        check(node | reach, WorkerPool)
    check(node | reach, WorkerPool, typed=frozenset({"far.example:6379", "https://far.example/x.zip"}))


def test_a_policy_is_not_tried_on_the_cluster_of_its_training(tmp_path: Path) -> None:
    settings = ("env=matrix_game", "algorithm=vdn", "algorithm.policy.hidden_size=8", "workers=ray")
    checkpoint = checkpoint_of(composed(*settings, "workers.address=far.example:6379"))
    config, _ = load(changed(checkpoint, tmp_path / "best.ckpt"))
    assert "ray" in config.workers._target_ and "address" not in config.workers


def product_classes() -> Iterator[tuple[str, type]]:
    """Every class of the product that stands somewhere in a configuration, and of which kind it is."""
    for package in (callbacks, envs, remix):
        for found in walk_packages(package.__path__, f"{package.__name__}."):
            imported = importlib.import_module(found.name)
            for name, value in vars(imported).items():
                if inspect.isclass(value) and value.__module__ == found.name:
                    kinds = [kind for kind in KINDS if issubclass(value, kind)]
                    yield from ((f"{found.name}.{name}", kind) for kind in kinds)


def test_every_class_of_the_product_is_let_through() -> None:
    classes = list(product_classes())
    assert {kind for _, kind in classes} == set(KINDS)
    for name, kind in classes:
        check({"_target_": name}, kind)


def test_all_callbacks_loggers_and_trainers_of_the_configuration_are_let_through() -> None:
    seen = 0
    for group, kind in (("callbacks", Callback), ("logger", Logger), ("trainer", Trainer)):
        for file in (files("remix.conf") / group).iterdir():
            content = yaml.safe_load(file.read_text()) if file.name.endswith(".yaml") else {}
            check(content, kind)
            seen += len(content)
    assert seen > 10
