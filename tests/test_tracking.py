"""MLflow: what a run records, first contact of several processes, stores out of reach, the interface."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from mlflow.tracking import MlflowClient

from remix import tracking
from remix.settings.errors import SettingError
from remix.tracking import store
from remix.tracking.loggers import MLflowLogger, tensorboard
from remix.tracking.runs import LONGEST_VALUE, git_commit
from remix.tracking.store import AwayError
from tests.command_line import CommandLine

CONFIG: dict[str, Any] = {
    "seed": 3,
    "env": {"_target_": "remix.envs.games.TwoStepGame", "_convert_": "all", "payoff_a": [[7, 7], [7, 7]]},
    "algorithm": {"gamma": 0.99, "optimizer": {"lr": 0.001}, "central": None, "dueling": False},
    "logger": {"mlflow": {"tracking_uri": "postgresql://user:password@host"}},
}


@pytest.fixture
def client(mlflow_uri: str) -> MlflowClient:
    return MlflowClient(mlflow_uri)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_importing_is_cheap() -> None:
    code = "import sys, remix.tracking; print({'torch', 'mlflow', 'pytorch_lightning'} & sys.modules.keys())"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


class TestFlatten:
    def test_keys_are_joined_and_values_readable(self) -> None:
        assert tracking.flatten(CONFIG) == {
            "seed": 3,
            "env": "TwoStepGame",
            "env.payoff_a": "[[7, 7], [7, 7]]",
            "algorithm.gamma": 0.99,
            "algorithm.optimizer.lr": 0.001,
            "algorithm.central": "null",
            "algorithm.dueling": False,
        }

    def test_flat_parameters_stay_as_they_are(self) -> None:
        flat = tracking.flatten(CONFIG)
        assert tracking.flatten(flat) == flat

    def test_a_run_of_a_study_says_what_choosing_its_settings_took(self) -> None:
        study = {"panel": "p", "variant": "qmix", "tuning": {"qmix": "12 short runs"}}
        run = {"algorithm_name": "qmix", "env_name": "hunt", "study": study}
        assert tracking.run_parameters(run)["tuning"] == "12 short runs"
        assert tracking.run_parameters(run | {"study": study | {"variant": "vdn"}})["tuning"] == "not stated"
        assert "tuning" not in tracking.run_parameters(run | {"study": study | {"tuning": {}}})

    def test_only_groups_of_the_top_level_are_skipped(self) -> None:
        assert tracking.flatten({"callbacks": {"a": 1}, "env": {"callbacks": 2}}) == {"env.callbacks": 2}

    def test_long_values_are_cut_visibly(self) -> None:
        value = tracking.flatten({"payoff": list(range(1000))})["payoff"]
        assert isinstance(value, str)
        assert len(value) == LONGEST_VALUE
        assert value.startswith("[0, 1, 2") and value.endswith("…")


class TestTags:
    def test_given_tags_and_origin(self) -> None:
        tags = tracking.run_tags({"algorithm": "remix", "seed": 4})
        assert tags["algorithm"] == "remix" and tags["seed"] == "4"
        assert tags["remix_version"] and tags["git_commit"]
        assert tags["python_version"].startswith("3.")

    def test_commit_of_a_checkout(self, tmp_path: Path) -> None:
        def git(*arguments: str) -> str:
            identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
            return subprocess.check_output(["git", *identity, *arguments], cwd=tmp_path, text=True).strip()

        file = tmp_path / "code.py"
        file.write_text("one")
        assert git_commit(file) == "unknown"
        git("init", "-q")
        assert git_commit(file) == "unknown"  # not part of it
        git("add", "code.py")
        git("commit", "-q", "-m", "first")
        assert git_commit(file) == git("rev-parse", "HEAD")
        file.write_text("two")
        assert git_commit(file) == git("rev-parse", "HEAD") + "-dirty"


class TestStoreUri:
    def test_default_is_a_database_below_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        assert store.store_uri() == f"sqlite:///{tmp_path.resolve()}/runs/mlflow.db"

    def test_environment_variable_and_setting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking.example.org")
        assert store.store_uri() == "http://tracking.example.org"
        assert store.store_uri("http://other.example.org") == "http://other.example.org"

    def test_relative_database_becomes_absolute(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert store.store_uri("sqlite:///mine.db") == f"sqlite:///{tmp_path.resolve()}/mine.db"


class TestStore:
    def test_deleted_experiment_is_named(self, client: MlflowClient, mlflow_uri: str, tmp_path: Path) -> None:
        number = client.create_experiment("gone")
        client.delete_experiment(number)
        with pytest.raises(SettingError, match=rf"experiment_name=gone.*restore -x {number}"):
            MLflowLogger(tmp_path, "gone", tracking_uri=mlflow_uri)

    def test_file_that_is_no_database_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "mlflow.db").write_text("not a database" * 100)
        with pytest.raises(SettingError, match=r"tracking_uri=sqlite.*cannot be used as an MLflow store"):
            store.connect(f"sqlite:///{tmp_path}/mlflow.db")

    def test_absent_server_is_known_before_long(
        self, free_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port}")
        started = time.monotonic()
        with pytest.raises(AwayError, match=rf"tracking_uri=http://127.0.0.1:{free_port}.*no MLflow server"):
            store.connect(store.store_uri())
        assert time.monotonic() - started < 120.0

    def test_silent_server_is_known_after_the_probe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "PROBE_SECONDS", 0.3)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(AwayError, match=r"MLFLOW_TRACKING_URI.*logger=csv"):
                store.connect(uri)

    def test_database_that_is_locked_is_known_after_the_probe(
        self, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store, "PROBE_SECONDS", 0.3)
        with closing(sqlite3.connect(mlflow_uri.removeprefix("sqlite:///"))) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(AwayError, match="takes nothing: database is locked"):
                store.connect(mlflow_uri)

    @pytest.mark.parametrize("uri", ["htp://x", "http://127.0.0.1:99999"])
    def test_address_of_no_store_is_a_mistake(self, uri: str) -> None:
        with pytest.raises(SettingError, match=f"tracking_uri={uri}") as refused:
            store.connect(uri)
        assert not isinstance(refused.value, AwayError)

    @pytest.mark.slow
    def test_first_contact_of_several_processes(self, tmp_path: Path) -> None:
        code = (
            "import mlflow, time, sys; from pathlib import Path; from remix.tracking import store\n"
            "directory, uri = Path(sys.argv[1]), sys.argv[2]\n"
            "(directory / f'ready{sys.argv[3]}').touch()\n"
            "while len(list(directory.glob('ready*'))) < 2: time.sleep(0.01)\n"
            "client = store.connect(uri)\n"
            "number = store.experiment_id(client, uri, 'new')\n"
            "print(number, client.create_run(number).info.status)\n"
        )
        uri = f"sqlite:///{tmp_path}/new folder/mlflow.db"
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(tmp_path), uri, str(i)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for i in range(2)
        ]
        results = [(process.communicate(timeout=600), process.returncode) for process in processes]
        assert [code for _, code in results] == [0] * 2, results
        assert len({output for (output, _), _ in results}) == 1
        assert [errors for (_, errors), _ in results] == [""] * 2  # nothing on the console
        [experiment] = [e for e in MlflowClient(uri).search_experiments() if e.name == "new"]
        assert len(MlflowClient(uri).search_runs([experiment.experiment_id])) == 2


class TestDownload:
    @pytest.fixture
    def run_id(self, client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.chdir(tmp_path)
        run_id = str(
            client.create_run(client.create_experiment("download", str(tmp_path / "there"))).info.run_id
        )
        (tmp_path / "config.yaml").write_text("seed: 3")
        (tmp_path / "checkpoints").mkdir()
        client.log_artifact(run_id, "config.yaml")
        return run_id

    def upload(self, client: MlflowClient, run_id: str, *names: str) -> None:
        for name in names:
            Path("checkpoints", name).write_text(name)
            client.log_artifact(run_id, f"checkpoints/{name}", "checkpoints")

    @pytest.mark.parametrize(
        ("uploaded", "expected"),
        [(("last.ckpt",), "last.ckpt"), (("last.ckpt", "best.ckpt"), "best.ckpt")],
    )
    def test_best_checkpoint_else_the_last(
        self, client: MlflowClient, run_id: str, uploaded: tuple[str, ...], expected: str
    ) -> None:
        self.upload(client, run_id, *uploaded)
        path = tracking.download_checkpoint(run_id)
        assert path.read_text() == expected
        assert path.resolve() == Path("runs/downloads", run_id, "checkpoints", expected).resolve()
        assert path.parent.with_name("config.yaml").read_text() == "seed: 3"

    def test_run_without_checkpoint_is_named(self, run_id: str) -> None:
        with pytest.raises(SettingError, match=rf"checkpoint={run_id}: has no checkpoint"):
            tracking.download_checkpoint(run_id)

    def test_unknown_run_is_named(self, mlflow_uri: str) -> None:
        with pytest.raises(SettingError, match=r"checkpoint=abc: is not a run in sqlite"):
            tracking.download_checkpoint("abc", mlflow_uri)


class TestTensorBoard:
    def test_missing_tensorboard_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        module = "lightning_fabric.loggers.tensorboard."
        monkeypatch.setattr(module + "_TENSORBOARD_AVAILABLE", False)
        monkeypatch.setattr(module + "_TENSORBOARDX_AVAILABLE", False)
        with pytest.raises(SettingError, match=r"logger=tensorboard.*remix-marl\[tensorboard\]"):
            tensorboard(tmp_path)

    def test_tensorboard_writes_events(self, tmp_path: Path) -> None:
        pytest.importorskip("tensorboard", reason="the extra 'tensorboard' is not installed")
        logger = tensorboard(tmp_path)
        logger.log_hyperparams(tracking.flatten(CONFIG))
        logger.log_metrics({"test/return": 1.0}, step=100)
        logger.finalize("success")
        assert list((tmp_path / "tensorboard").glob("events.out.*"))


class TestUi:
    def test_without_runs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with pytest.raises(SettingError, match="there are no runs yet"):
            tracking.ui([])

    def test_server_is_pointed_to(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking.example.org")
        tracking.ui([])
        assert "http://tracking.example.org" in capsys.readouterr().out

    @pytest.mark.parametrize("port", ["0", "65536"])
    def test_a_port_that_is_none_is_named(self, mlflow_uri: str, port: str) -> None:
        with pytest.raises(SettingError, match=rf"port={port}: must be a whole number between 1 and 65535"):
            tracking.ui(["--tracking-uri", mlflow_uri, "--port", port])

    def test_taken_port_is_named(self, mlflow_uri: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(SettingError, match=rf"port={port}: cannot be used"):
                tracking.ui(["--tracking-uri", mlflow_uri, "--port", str(port)])

    @pytest.fixture
    def served(self, mlflow_uri: str, free_port: int) -> Iterator[subprocess.Popen[str]]:
        arguments = ["--tracking-uri", mlflow_uri, "--port", str(free_port)]
        code = f"import sys; from remix.cli import main; sys.argv[1:] = {['ui', *arguments]}; main()"
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        yield process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)

    @pytest.mark.slow
    @pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
    def test_serves_the_runs_until_it_is_ended(
        self, served: subprocess.Popen[str], free_port: int, number: signal.Signals
    ) -> None:
        assert served.stdout is not None
        lines = [served.stdout.readline() for _ in range(3)]
        assert f"http://remix.localhost:{free_port}" in lines[1]
        assert f"http://127.0.0.1:{free_port}" in lines[2]
        with urlopen(f"http://127.0.0.1:{free_port}/") as page:
            assert b"MLflow" in page.read()
        served.send_signal(number)
        assert served.wait(240) == {signal.SIGINT: 0, signal.SIGKILL: -number}[number]
        deadline = time.monotonic() + (120.0 if number is signal.SIGKILL else 0.0)
        while _answers(free_port):
            assert time.monotonic() < deadline
            time.sleep(0.2)

    @pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
    def test_the_server_ends_with_a_command_that_is_told_to_end(
        self, remix: CommandLine, mlflow_uri: str, free_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = [sys.executable, "-S", "-c", "import time; time.sleep(1000)"]  # in place of MLflow
        server = subprocess.Popen(program, stderr=subprocess.PIPE, start_new_session=True)
        ui = import_module("remix.tracking.ui")  # a function is called like it
        monkeypatch.setattr(ui, "_start", lambda *arguments: server)
        monkeypatch.setattr(ui, "_wait_for", lambda *arguments: os.kill(os.getpid(), signal.SIGTERM))
        try:
            assert remix("ui", "--port", str(free_port)).code == 128 + signal.SIGTERM
            assert server.returncode == -signal.SIGTERM
        finally:
            server.kill()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60.0).close()
    except ConnectionRefusedError:
        return False
    return True
