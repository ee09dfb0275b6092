"""The MLflow user interface on the store of runs."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from typing import IO
from urllib.error import HTTPError
from urllib.request import urlopen

from remix.settings import checks
from remix.settings.errors import SettingError
from remix.settings.signals import Stopped
from remix.tracking import leash
from remix.tracking.pages import page_of
from remix.tracking.store import connect, database_file, store_uri, without_login

START_SECONDS = 120.0
END_SECONDS = 10.0

_LOOPBACK = "127.0.0.1"


def ui(arguments: Sequence[str]) -> None:
    """Serve the store until interrupted. Arguments other than ours go to ``mlflow server``.

    :raises SettingError: if there are no runs, not the wanted one, or the port is taken.
    """
    options, further = _parser().parse_known_args(arguments)
    uri = store_uri(options.tracking_uri)
    database = database_file(uri)
    if database is not None and not database.is_file():
        raise SettingError("tracking_uri", uri, "there are no runs yet; 'remix train' makes the first")
    if uri.startswith(("http://", "https://")):
        page = "" if options.run is None else page_of(connect(uri), options.run)
        _show(f"{without_login(uri)}{page}", options.open)
        return
    _check_port(options.host, options.port)
    page = page_of(connect(uri), options.run)
    print("starting MLflow ...", flush=True)
    server = _start(uri, options.host, options.port, further)
    try:
        _wait_for(server, f"http://{options.host}:{options.port}")
        _show(f"http://{_name(options.host)}:{options.port}{page}", options.open)
        print(f"(also at http://{options.host}:{options.port}; Ctrl-C stops)", flush=True)
        server.wait()
    except KeyboardInterrupt:
        pass
    except Stopped as stop:
        if stop.signal is not signal.SIGINT:
            raise
    finally:
        _end(server)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="remix ui",
        description="Compare runs in the browser.",
        epilog="Further options are those of 'mlflow server', as --option=value.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "run", nargs="?", help="study or other experiment, or the folder or MLflow id of a run (default: all)"
    )
    parser.add_argument("--host", default=_LOOPBACK, help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=5000, help="port to listen on (default: 5000)")
    parser.add_argument(
        "--tracking-uri", help="MLflow store (default: MLFLOW_TRACKING_URI, else runs/mlflow.db)"
    )
    parser.add_argument(
        "--open",
        action=argparse.BooleanOptionalAction,
        default=_has_display(),
        help="open the page in a browser (default: where there is a screen)",
    )
    return parser


def _start(uri: str, host: str, port: int, further: Sequence[str]) -> subprocess.Popen[bytes]:
    """``mlflow server``, in a process group of its own: it has processes that are to end with it.

    It ends with this process too if that is killed, which could not do it.
    """
    command = [
        sys.executable,
        leash.__file__,
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--workers",
        "1",
        "--host",
        host,
        "--port",
        str(port),
    ]
    command += ["--uvicorn-opts", "--log-level warning", *further]
    # Without its background jobs, which runs do not need, the server starts in half the time.
    settings = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    settings |= {"PYTHONWARNINGS": "ignore"}
    if host == _LOOPBACK:
        names = [f"{name}:{port}" for name in (host, "localhost", _name(host))]
        settings["MLFLOW_SERVER_ALLOWED_HOSTS"] = ",".join(names)
        settings["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"] = f"http://{_name(host)}:{port}"
    # Every user of the machine can read the command lines of all processes, not their environments.
    store = {"MLFLOW_BACKEND_STORE_URI": uri}
    server = subprocess.Popen(
        command,
        env=settings | os.environ | store,
        stdin=subprocess.PIPE,  # closed by our end, whatever it is
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    Thread(target=_repeat, args=(server.stderr,), daemon=True).start()
    return server


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server and its processes, in good order if they can."""
    if not hasattr(os, "killpg"):
        server.terminate()
        server.wait()
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with suppress(subprocess.TimeoutExpired):
            server.wait(END_SECONDS)


def _name(host: str) -> str:
    """A name of the host under which MLflow shows runs alone; under the usual ones it opens an assistant."""
    return "remix.localhost" if host == _LOOPBACK else host


def _show(address: str, opened: bool) -> None:
    print(f"compare the runs at {address}", flush=True)
    if opened:
        webbrowser.open(address)


def _has_display() -> bool:
    screen = sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return screen and sys.stdout.isatty()


def _repeat(errors: IO[bytes]) -> None:
    """What the server complains of, through our own stream, which masks the password of the store."""
    for line in errors:
        if not line.startswith(b"[MLflow] Security middleware"):  # which names it may be called by
            print(line.decode(errors="replace"), end="", file=sys.stderr, flush=True)


def _check_port(host: str, port: int) -> None:
    """MLflow reports a port in use only after it has loaded everything else."""
    checks.whole("port", port, minimum=1, maximum=2**16 - 1)
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
