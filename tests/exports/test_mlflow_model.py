"""The policy as a model of MLflow: loaded, registered, served."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import requests

import remix
from remix.learning import archive
from tests.checkpoints import checkpoint_of, composed
from tests.command_line import SMALL, CommandLine

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> CommandLine:
    return CommandLine(monkeypatch, capsys, tmp_path)


def example(folder: Path, n_agents: int = 5) -> dict[str, np.ndarray]:
    """Inputs of some agents that see the same and have done different things."""
    inputs = json.loads((folder / "manifest.json").read_text())["inputs"]
    arrays = {
        name: np.ones((n_agents, *described["sizes"][1:]), described["type"])
        for name, described in inputs.items()
    }
    return arrays | {"last_action": np.arange(n_agents) - 1}


def test_it_is_logged_with_the_run_and_registered(
    command: CommandLine, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow
    from mlflow.tracking import MlflowClient

    run = remix.train("algorithm=qmix", *SMALL, "run_dir=runs/mine")
    run_id = json.loads((run.directory / "run.json").read_text())["mlflow_run_id"]
    before = MlflowClient(mlflow_uri).get_run(run_id)
    for version, name in enumerate(("runs/mine", run_id), start=1):
        done = command("export", name, f"output=policy{version}", "register=hunters")
        assert done.code == 0 and not done.err, done.err
        assert done.out.endswith(f"registered in MLflow as models:/hunters/{version}\n")
    after = MlflowClient(mlflow_uri).get_run(run_id)
    assert (after.info.status, after.info.end_time) == (before.info.status, before.info.end_time)
    registered = MlflowClient(mlflow_uri).get_model_version("hunters", "2")
    assert registered.run_id == run_id
    assert str(registered.source).startswith((command.home / "runs/artifacts").as_uri())
    assert not (command.home / "mlruns").exists()

    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    inputs = example(Path("policy1"))
    answers = [
        mlflow.pyfunc.load_model(place).predict(inputs)
        for place in ("policy1/mlflow_model", "models:/hunters/1", "models:/hunters/2")
    ]
    for name, array in answers[0].items():
        assert all(np.array_equal(array, answer[name]) for answer in answers)
    assert answers[0]["action"].shape == (5,)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["register=3"], "register=3: must be the name of a model"),
        (["register=a"], "register=a: wants a run that is in MLflow, and this one is not"),
    ],
)
def test_what_cannot_be_registered_is_refused(command: CommandLine, words: list[str], message: str) -> None:
    archive.write(checkpoint_of(composed("env=matrix_game", "algorithm=iql")), Path("x.ckpt"))
    refused = command("export", "x.ckpt", *words)
    assert (refused.code, refused.err) == (2, f"remix: {message}\n")
    assert [path.name for path in command.home.iterdir()] == ["x.ckpt"]


def test_it_is_served(command: CommandLine) -> None:
    archive.write(checkpoint_of(composed("env=penalty", "algorithm=vdac_sum")), Path("x.ckpt"))
    assert command("export", "x.ckpt", "output=policy").code == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["models", "serve", "-m", "policy/mlflow_model", "--env-manager", "local", "--port", str(port)]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *words], env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address, inputs = f"http://127.0.0.1:{port}", example(Path("policy"))
        _wait_for(f"{address}/ping")
        body = {"inputs": {name: array.tolist() for name, array in inputs.items()}}
        answer = requests.post(f"{address}/invocations", json=body, timeout=120).json()
    finally:
        os.killpg(server.pid, 15)
        server.wait(120)
    assert len(answer["predictions"]["action"]) == 5


def _wait_for(address: str) -> None:
    for _ in range(240):
        try:
            if requests.get(address, timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.5)
    raise AssertionError(f"nobody answers at {address}")
