"""What the machine does while a run trains, as MLflow's own monitors see it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from remix.settings import checks
from remix.settings.errors import SettingError


class SystemMetrics:
    """Samples of processors, memory, disk, network and GPUs, under MLflow's names.

    :param seconds: between two samples.
    :raises SettingError: if that makes no sense, or psutil is not installed.
    """

    def __init__(self, seconds: Any) -> None:
        self._seconds = checks.number("system_metrics", seconds, above=0)
        self._monitors = _monitors(seconds)
        self._last = time.monotonic()
        self._collect()  # what processors do is counted from the call before

    def sample(self) -> dict[str, float]:
        """The values of now; empty if it is not yet time for them."""
        if time.monotonic() < self._last + self._seconds:
            return {}
        self._last = time.monotonic()
        return self._collect()

    def _collect(self) -> dict[str, float]:
        values: dict[str, float] = {}
        for monitor in self._monitors:
            monitor.collect_metrics()
            values |= monitor.aggregate_metrics()
            monitor.clear_metrics()
        return {f"system/{name}": float(value) for name, value in values.items()}


def _monitors(seconds: Any) -> list[Any]:
    try:
        from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
        from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
        from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor
    except ModuleNotFoundError as error:
        raise SettingError("system_metrics", seconds, "needs the package: pip install psutil") from error
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

    monitors = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]
    with suppress(ImportError, RuntimeError):  # no nvidia-ml-py, or no GPU
        monitors.append(GPUMonitor())
    return monitors
