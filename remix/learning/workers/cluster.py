"""The Ray cluster on which workers play, or jobs run."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from logging import ERROR, getLogger
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from remix.settings import checks
from remix.settings.errors import SettingError, first_line

LOCAL, RUNNING = "local", "auto"
_NOTE = Path("/tmp/ray/ray_current_cluster")  # in which Ray keeps the address of the last one started here
_REACH = 10.0  # seconds for a cluster to accept a connection; Ray itself may try for minutes


def connect(
    address: str,
    cores: int = 0,
    log_to_driver: bool = False,
    runtime_env: Mapping[str, Any] | None = None,
) -> Any:
    """The module ``ray``, connected to a cluster, which stays the same as long as this process.

    :param address: ``local`` starts a cluster here, ``auto`` is one that runs on this machine or that
        ``RAY_ADDRESS`` names, else ``host:port``.
    :param cores: that a cluster which starts here has at least, whatever the machine has.
    :param log_to_driver: whether what is printed elsewhere is printed here, too.
    :param runtime_env: what Ray brings to other machines.
    :raises SettingError: there is no Ray, or no cluster, or not what is to be brought.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")  # which would leave out lines that two jobs print
    os.environ.setdefault("RAY_worker_niceness", "0")  # Ray would have them give way to everything else
    try:
        ray = import_module("ray")
    except ImportError as error:
        expected = "needs the package Ray: pip install 'remix-marl[ray]'"
        raise SettingError("address", address, expected) from error
    if ray.is_initialized():
        return ray
    getLogger("ray").setLevel(ERROR)
    here = {"num_cpus": max(cores, _cores()), "include_dashboard": False} if address == LOCAL else {}
    env = None if runtime_env is None else dict(runtime_env)
    try:
        _knock(address)
        with _our_signals():
            ray.init(
                address=address, configure_logging=False, log_to_driver=log_to_driver, runtime_env=env, **here
            )
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        if env is not None and isinstance(error, ValueError) and "address" not in str(error):
            raise SettingError("runtime_env", env, f"cannot be brought: {first_line(error)}") from error
        expected = f"no Ray cluster can be reached there ({first_line(error)})"
        raise SettingError("address", address, expected) from error
    return ray


def check_resources(ray: Any, needs: Mapping[str, tuple[str, float]]) -> None:
    """Refuse what no machine of the cluster has.

    :param needs: Ray's name of a resource, and how much of it is wanted at once, by setting.
    """
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    met: list[str] = []
    for setting, (resource, amount) in needs.items():
        checks.number(setting, amount, minimum=0)
        most = max(machine.get(resource, 0.0) for machine in machines)
        if amount > most:
            beside = f" beside {' and '.join(met)}" if met else ""
            expected = f"must be at most {most:g}: no machine of the cluster has more{beside}"
            raise SettingError(setting, amount, expected)
        machines = [machine for machine in machines if machine.get(resource, 0.0) >= amount]
        met.append(f"{setting}={amount:g}")


def _knock(address: str) -> None:
    """See that somebody answers at an address, which Ray would go on trying for minutes."""
    if address == RUNNING:
        address = os.environ.get("RAY_ADDRESS") or (_NOTE.read_text().strip() if _NOTE.is_file() else address)
    place = urlsplit(address if "://" in address else f"//{address}")
    if place.hostname is not None and place.port is not None:
        socket.create_connection((place.hostname, place.port), _REACH).close()


@contextmanager
def _our_signals() -> Iterator[None]:
    """Keep the handler of SIGTERM, which Ray replaces by its own."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
