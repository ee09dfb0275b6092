"""The public face: composing, training and looking at policies in a script or a notebook."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from hydra import compose as hydras_compose
from hydra import initialize_config_dir, version
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig
from pytorch_lightning.callbacks import Callback
from torch import Tensor

import remix
from remix.algorithms.dop import DOP
from remix.algorithms.value_factorization import ValueFactorization
from remix.records.directory import RunDirectory
from remix.runs import building
from remix.settings.import_path import OURS
from tests.command_line import NO_PICTURES, SMALL
from tests.projects import write

SCRIPT = """
import remix
remix.Environment
from callbacks.mine import NAME
assert NAME == "callbacks.mine"
"""
PAGE = (Path(__file__).parents[1] / "docs/python.md").read_text()

TINY = (
    "env=penalty",
    "logger=none",
    *NO_PICTURES,
    "max_env_steps=40",
    "steps_per_epoch=20",
    "replay.batch_size=4",
    "replay.episodes_per_round=4",
    "validation_episodes=2",
    "test_episodes=2",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> remix.Run:
    folder = tmp_path_factory.mktemp("run") / "mine"
    return remix.train("algorithm=qmix", *SMALL, "logger=none", f"run_dir={folder}")


def test_importing_costs_nothing_and_every_name_is_there():
    code = (
        "import sys, remix; assert not {'torch', 'hydra', 'numpy'} & set(sys.modules)\n"
        "remix.compose(); assert 'torch' not in sys.modules\n"
        "assert set(remix.__all__) == {name for names in remix._HOMES.values() for name in names}\n"
        "assert all(getattr(remix, name).__name__ == name for name in remix.__all__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        remix.trian  # noqa: B018


def test_a_script_finds_what_a_command_finds_in_the_folder_of_a_project(tmp_path: Path):
    """Folders without an ``__init__.py`` too, of names that a checkout has, wherever the script lies."""
    write(tmp_path, {"callbacks/mine.py": "NAME = __name__", "scripts/run.py": SCRIPT})
    environment = {**os.environ, "PYTHONPATH": str(OURS.parent)}
    subprocess.run([sys.executable, "scripts/run.py"], cwd=tmp_path, env=environment, check=True, timeout=120)


def test_references_stay_alive():
    config = remix.compose("env=climbing", "algorithm=qmix", "study=custom", "study.name=mine")
    assert (config.env_name, config.algorithm_name, config.run_dir) == ("climbing", "qmix", None)
    assert config.study.variant == "qmix" and "hydra" not in config
    config.seed, config.run_dir = 7, "here"
    assert config.run_name == "qmix, climbing, s7"
    assert remix.compose("env=climbing").callbacks.last_checkpoint.dirpath == "None/checkpoints"
    assert config.callbacks.last_checkpoint.dirpath == "here/checkpoints"


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("algorithm=qmxi", "algorithm=qmxi: must be one of qmix"),
        ("algorithm.gama=3", "algorithm.gama=3: unknown setting; must be one of gamma"),
        ("sed=1", "sed=1: unknown setting; must be one of seed"),
        ("seed=1,2", "seed=1,2: several values need -m"),
        ("seed", "seed=: must be SETTING=VALUE"),
        ("env=[", "env=[: cannot be read"),
        ("~env", "~env=: cannot be left out"),
        ("hydra.run.dir=x", "hydra.run.dir=x: is for the command line; here run_dir=FOLDER"),
        ("hydra/launcher=joblib", "hydra/launcher=joblib: is for the command line"),
        ("--config-dir=x", "--config-dir=x: is an option of the command line"),
        (["seed=1"], "words=['seed=1']: must be texts"),
        (Path("seed=1"), "words=PosixPath('seed=1'): must be texts"),
    ],
)
def test_a_mistake_is_one_line(word: Any, line: str):
    with pytest.raises(remix.SettingError) as caught:
        remix.compose(word)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value)


def test_composing_leaves_no_state_behind_in_the_app_of_another(tmp_path: Path):
    (tmp_path / "theirs.yaml").write_text("env: theirs\n")
    GlobalHydra.instance().clear()
    remix.compose("env=climbing")
    assert not GlobalHydra.instance().is_initialized()
    with initialize_config_dir(str(tmp_path), version_base="1.2"):
        assert remix.compose("env=climbing", "seed=2").seed == 2
        assert hydras_compose("theirs").env == "theirs"
        assert str(version.getbase()) == "1.2"


def test_threads_compose_their_own():
    with ThreadPoolExecutor(4) as pool:
        composed = list(pool.map(lambda seed: remix.compose(f"seed={seed}"), range(12)))
    assert [config.seed for config in composed] == list(range(12))


def test_a_run(run: remix.Run):
    assert run.status == "finished" and run.checkpoint.name == "best.ckpt"
    assert run.config.algorithm_name == "qmix"
    curves, scores = run.curves, run.scores
    assert curves.index.name == "env_steps" and curves.index[-1] >= 400
    assert curves["test/return"].notna().sum() >= 4
    assert scores["best_return"] == curves["test/return"].max()
    assert scores["return"] == curves["final/return"].dropna().item()
    assert scores["absolute_last_return"] == curves["absolute_last/return"].dropna().item()
    assert scores["final_return"] == curves["summary/final_return"].dropna().item()
    assert repr(run) == f"Run({run.directory}, finished, final return {scores['return']:.2f})"


def test_it_is_found_again(run: remix.Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in (run.directory, str(run.directory), run.checkpoint, run):
        found = remix.load(name)
        assert (found.directory, found.checkpoint) == (run.directory, run.checkpoint)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs/a").mkdir(parents=True)
    (tmp_path / "runs/a/run.json").write_text(f'{{"mlflow_run_id": "{"a" * 32}"}}')
    assert remix.load("a" * 32).directory == tmp_path / "runs/a"
    with pytest.raises(remix.SettingError, match="checkpoint=nowhere: must be a checkpoint file"):
        remix.load("nowhere")
    with pytest.raises(remix.SettingError, match=r"has no metrics\.jsonl"):
        _ = remix.load("runs/a").curves


def test_evaluation_is_that_of_the_command(run: remix.Run, capsys: pytest.CaptureFixture[str]):
    results = remix.evaluate(run, "episodes=3", "+env.punishment=-5")
    assert f"return          {results['return']:.3f}" in capsys.readouterr().out
    assert results == remix.evaluate(run.directory, "episodes=3", "+env.punishment=-5")
    with pytest.raises(remix.SettingError, match="episodes=0"):
        remix.evaluate(run, "episodes=0")


@pytest.mark.parametrize("name", ["a\\b", "it's", "a=b, c", "${x}", "größe"])
def test_a_run_is_found_whatever_its_folder_is_called(
    run: remix.Run, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run.directory, tmp_path / name)
    moved = remix.Run(Path(name), trust=["größe"])
    for known in (name, moved):
        assert remix.evaluate(known, "episodes=1") == remix.evaluate(run, "episodes=1")


def test_the_first_argument_is_the_run_and_no_setting():
    for name in ("episodes=3", ""):
        with pytest.raises(remix.SettingError, match=f"^checkpoint={name}: must be a checkpoint file"):
            remix.evaluate(name)


def test_what_cannot_be_meant_is_refused(run: remix.Run, tmp_path: Path):
    calls: dict[str, Callable[[], object]] = {
        r"trust=own: must be a list of packages": lambda: remix.load(run.directory, trust="own"),
        r"trust=\[1\]: must be a list of packages": lambda: remix.load(run, trust=[1]),  # type: ignore[list-item]
        r"exploration=1\.5: must be a number between 0 and 1": lambda: remix.load_policy(
            run, exploration=1.5
        ),
        r"config=\{'seed': 1\}: must be a configuration of": lambda: remix.train({"seed": 1}),  # type: ignore[arg-type]
    }
    for line, call in calls.items():
        with pytest.raises(remix.SettingError, match=f"^{line}"):
            call()
    assert remix.load(run, trust=["own"]).trust == ("own",)
    for number, text in enumerate((b"a: [", b"- 1", b"\xff")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "config.yaml").write_bytes(text)
        with pytest.raises(remix.SettingError, match=r"has a config\.yaml that cannot be read: "):
            _ = remix.Run(folder).config


def test_a_password_is_not_part_of_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:S3cretPw@127.0.0.1:1")
    with pytest.raises(
        remix.SettingError, match=r"^tracking_uri=http://me:\*\*\*@127\.0\.0\.1:1: "
    ) as caught:
        remix.evaluate("a" * 32)
    assert "S3cretPw" not in str(caught.value)


def test_networks_of_threads_are_those_of_their_seeds(monkeypatch: pytest.MonkeyPatch):
    def weights(seed: int) -> Tensor:
        config = remix.compose("algorithm=qmix", "env=penalty", f"seed={seed}", "run_dir=x")
        return torch.cat([weight.detach().flatten() for weight in building.build(config)[0].parameters()])

    expected = [weights(seed) for seed in range(3)]

    def slowly(seed: int, **more: Any) -> None:
        pl.seed_everything(seed, **more)
        time.sleep(0.1)

    monkeypatch.setattr(building, "seed_everything", slowly)
    with ThreadPoolExecutor(3) as pool:
        torch.testing.assert_close(list(pool.map(weights, range(3))), expected, rtol=0, atol=0)


def test_every_call_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    config = remix.compose("algorithm=iql", *TINY)
    before = config.copy()
    first, second = remix.train(config), remix.train(config)
    assert first.directory != second.directory and config == before
    assert first.directory.parent == tmp_path / "runs/penalty/iql"
    again = remix.train("algorithm=iql", *TINY, "resume=auto")
    assert again.directory == second.directory


def test_what_is_refused_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for words, line in (
        (("seed=-1",), "seed=-1: must be"),
        (("replay.batch_size=0",), r"replay\.batch_size=0"),
        (("env.payoff=1",), r"env\.payoff=1"),
        (("study=ablation",), "study=ablation: is a sweep"),
    ):
        with pytest.raises(remix.SettingError, match=line):
            remix.train("env=matrix_game", "logger=none", *words)
    with pytest.raises(remix.SettingError, match="words=seed=2: must go to"):
        remix.train(remix.compose(), "seed=2")
    assert not list(tmp_path.rglob("*"))


class PressCtrlC(Callback):
    """Somebody does, after the first epoch."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_ends_the_run_in_good_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGINT)
    press = f"+callbacks.press._target_={__name__}.{PressCtrlC.__name__}"
    with pytest.raises(KeyboardInterrupt):
        remix.train("algorithm=iql", *TINY, press, "run_dir=long")
    assert remix.load("long").status == "interrupted"
    assert signal.getsignal(signal.SIGINT) is before


def test_a_class_of_ones_own_is_trusted_where_it_was_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "own_penalty.py").write_text(
        "from remix.envs.games import MatrixGame\n\n\nclass Own(MatrixGame):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(elsewhere))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    run = remix.train("algorithm=iql", *TINY, "env=matrix_game", "env._target_=own_penalty.Own", "run_dir=a")
    assert run.trust == ("own_penalty",)
    assert run.module.spec.n_agents == 2 and remix.evaluate(run, "episodes=1")
    with pytest.raises(remix.SettingError, match=r"trust=\[own_penalty\]"):
        _ = remix.load("a").module
    assert remix.load_policy("a", trust=["own_penalty"]).spec == run.module.spec


def test_code_that_changes_meanwhile_is_that_of_the_next_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    own = "from remix.envs.games import MatrixGame\n\n\nclass Own(MatrixGame):\n    pass\n"
    (tmp_path / "own_matrix.py").write_text(own)
    words = ("algorithm=iql", *TINY, "env=matrix_game", "env._target_=own_matrix.Own")
    first = remix.train(*words)
    (tmp_path / "own_matrix.py").write_text(f"{own}# another\n")
    with pytest.warns(UserWarning, match=r"^own_matrix\.py has changed since this process imported it"):
        second = remix.train(*words)
    known, found = (RunDirectory(run.directory).record.identity for run in (first, second))
    assert known == found
    with pytest.raises(remix.SettingError, match=r"^workers=ProcessWorkers: import your code anew, and "):
        remix.train(*words, "workers=process")
    del sys.modules["own_matrix"]
    assert RunDirectory(remix.train(*words).directory).record.identity != known


def test_a_module_is_loaded_as_lightning_does_it(run: remix.Run):
    for kind in (ValueFactorization, remix.MultiAgentModule):
        module = kind.load_from_checkpoint(run.checkpoint)
        assert isinstance(module, ValueFactorization) and module.env_steps == run.module.env_steps
    with pytest.raises(remix.SettingError, match="holds a ValueFactorization"):
        DOP.load_from_checkpoint(run.checkpoint)


@pytest.mark.parametrize("section", re.findall(r"^## (.*)$", PAGE, flags=re.MULTILINE))
def test_the_page_runs(section: str, run: remix.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block, with a small budget."""
    if "mpe2" in (text := PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]):
        pytest.importorskip("mpe2", reason="mpe2 is not installed")
    monkeypatch.chdir(tmp_path)
    compose = remix.compose

    def small(*words: str, command: str = "train") -> DictConfig:
        if command != "train" or words == ("env=climbing",):
            return compose(*words, command=command)
        return compose(*words, *TINY[1:])

    monkeypatch.setattr(remix, "compose", small)
    monkeypatch.setattr("remix.runs.api.compose", small)
    names: dict[str, Any] = {"remix": remix, "run": run}
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(re.sub(r"100_000|200", "60", block), names)
