"""Studies whose jobs run side by side, and studies that are tracked by a server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from mlflow.tracking import MlflowClient

from remix.settings.import_path import OURS
from tests.command_line import TINY, CommandLine
from tests.studies.studies import STUDY, parent_and_children, records


@pytest.fixture
def server(migrated_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an MLflow server that keeps artifacts too."""
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copy(migrated_database, folder / "mlflow.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        try:
            urlopen(f"{address}/health", timeout=60).close()
            break
        except OSError:
            time.sleep(0.2)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    yield address
    os.killpg(process.pid, 9)
    process.wait()


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (("workers=ray",), "workers.address=local"),
        (
            ("-m", "seed=1,2", "hydra/launcher=ray", "hydra.launcher.address=auto"),
            "hydra.launcher.address=auto",
        ),
    ],
)
def test_without_ray(
    remix: CommandLine, monkeypatch: pytest.MonkeyPatch, settings: tuple[str, ...], line: str
):
    monkeypatch.setitem(sys.modules, "ray", None)
    done = remix("train", *TINY, *settings)
    assert done.code == 2
    assert done.err == f"remix: {line}: needs the package Ray: pip install 'remix-marl[ray]'\n"
    assert not list(remix.home.glob("runs/*/*/*/checkpoints"))


def test_without_slurm(remix: CommandLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(remix.home))
    done = remix("train", *TINY, "-m", "seed=1,2", "hydra/launcher=submitit_slurm")
    assert done.code == 2
    line = "there is no srun here; start it on a node of the Slurm cluster"
    assert done.err == f"remix: hydra/launcher=submitit_slurm: {line}\n"


@pytest.mark.slow
def test_jobs_side_by_side_on_sqlite_are_neither_lost_nor_doubled(tmp_path: Path, mlflow_uri: str) -> None:
    """Of a game of the user's own, which every process finds."""
    (tmp_path / "lamp.py").write_text(
        "from remix.envs.games import MatrixGame\n\n\nclass Lamp(MatrixGame):\n    label = 'lamp'\n"
    )
    program = f"import sys; sys.path[0] = {str(OURS.parent)!r}; from remix.cli.command import main; main()"
    command = [sys.executable, "-c", program, *STUDY, "env._target_=lamp.Lamp"]
    command += ["algorithm=qmix,vdn", "seed=1,2", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, done.stderr
    assert "study games: 4 jobs: 4 finished\n" in done.stdout
    assert (tmp_path / "runs/reports/games/figures/learning_curves.svg").stat().st_size > 1000
    assert "Warning" not in done.stderr
    _, children = parent_and_children(mlflow_uri, "games")
    labels = sorted((c.data.tags["variant"], c.data.tags["seed"]) for c in children)
    assert labels == [(algorithm, seed) for algorithm in ("qmix", "vdn") for seed in "12"]
    assert {c.info.status for c in children} == {"FINISHED"}
    client = MlflowClient(mlflow_uri)
    for child in children:
        assert len(client.get_metric_history(child.info.run_id, "test/return")) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("blank_figures")
def test_a_study_on_a_server(remix: CommandLine, server: str) -> None:
    done = remix(*STUDY, "seed=1,2")
    assert done.code == 0, done.err
    parent, children = parent_and_children(server, "games")
    assert parent.info.status == "FINISHED" and len(children) == 2
    assert len(records(remix.home)) == 2
    assert not list(remix.home.glob("runs/mlflow.db"))
    report = remix("report", "games", "--output", "elsewhere")
    assert report.code == 0, report.err
    assert (remix.home / "elsewhere/report.html").is_file()
    paths = {artifact.path for artifact in MlflowClient(server).list_artifacts(parent.info.run_id, "report")}
    assert "report/report.html" in paths
