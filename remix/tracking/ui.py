"""The MLflow user interface on the store of runs."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from threading import Thread
from typing import IO
from urllib.error import HTTPError
from urllib.request import urlopen

from remix.settings.errors import SettingError
from remix.settings.signals import Stopped
from remix.tracking.store import database_file, store_uri

START_SECONDS = 120.0


def ui(arguments: Sequence[str]) -> None:
    """Serve the store until interrupted. Arguments other than ours go to ``mlflow server``.

    :raises SettingError: if there are no runs, or the port is taken.
    """
    parser = argparse.ArgumentParser(
        prog="remix ui",
        description="Compare all runs in the browser.",
        epilog="Further options are those of 'mlflow server'.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    parser.add_argument("--port", type=int, default=5000, help="port to listen on (default: 5000)")
    parser.add_argument(
        "--tracking-uri", help="MLflow store (default: MLFLOW_TRACKING_URI, else runs/mlflow.db)"
    )
    options, further = parser.parse_known_args(arguments)
    uri = store_uri(options.tracking_uri)
    if uri.startswith(("http://", "https://")):
        print(f"the runs are on the MLflow server {uri}")
        return
    database = database_file(uri)
    if database is not None and not database.is_file():
        raise SettingError("tracking_uri", uri, "there are no runs yet; 'remix train' makes the first")
    _check_port(options.host, options.port)
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
    command += ["--host", options.host, "--port", str(options.port)]
    command += ["--uvicorn-opts", "--log-level warning", *further]
    # Without its background jobs, which runs do not need, the server starts in half the time.
    settings = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    settings |= {"PYTHONWARNINGS": "ignore"}
    # Every user of the machine can read the command lines of all processes, not their environments.
    store = {"MLFLOW_BACKEND_STORE_URI": uri}
    print("starting MLflow ...", flush=True)
    server = subprocess.Popen(
        command, env=settings | os.environ | store, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    Thread(target=_repeat, args=(server.stderr,), daemon=True).start()
    try:
        address = f"http://{options.host}:{options.port}"
        _wait_for(server, address)
        print(f"compare the runs at {address}    (Ctrl-C stops)", flush=True)
        server.wait()
    except KeyboardInterrupt:
        pass
    except Stopped as stop:
        if stop.signal is not signal.SIGINT:
            raise
    finally:
        server.terminate()
        server.wait()


def _repeat(errors: IO[bytes]) -> None:
    """What the server complains of, through our own stream, which masks the password of the store."""
    for line in errors:
        print(line.decode(errors="replace"), end="", file=sys.stderr, flush=True)


def _check_port(host: str, port: int) -> None:
    """MLflow reports a port in use only after it has loaded everything else."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingError(
                "port", port, f"cannot be used on {host} ({error.strerror}); try another --port"
            ) from error


def _wait_for(server: subprocess.Popen[bytes], address: str) -> None:
    """Return when the server answers; raise if it ends before that, having said why."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(server.returncode or 1)
        try:
            urlopen(f"{address}/health", timeout=1.0).close()
        except HTTPError:
            return
        except OSError:
            time.sleep(0.2)
        else:
            return
