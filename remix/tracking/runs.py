"""What a run records besides metrics, and how to get it back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix.records.directory import BEST, CONFIGURATION, LAST
from remix.settings.errors import SettingError
from remix.settings.files import RUNS
from remix.settings.redaction import redacted
from remix.tracking.store import connect, store_uri

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

Scalar = bool | int | float | str

PARAMETERS_AT_ONCE = 100
"""MLflow's limit of parameters in one request."""

LONGEST_VALUE = 500
"""Characters of a parameter value; every MLflow server of recent years takes as many."""

LONGEST_TAG = 5000

CHECKPOINTS = (BEST, LAST)

_PACKAGES = {
    "remix": "remix-marl",
    "torch": "torch",
    "lightning": "pytorch-lightning",
    "numpy": "numpy",
    "numba": "numba",
}
"""On which speed or digits may depend, by a short name."""

_NOT_PARAMETERS = (
    "callbacks",
    "logger",
    "hydra",
    "resume",
    "run_name",
    "experiment_name",
    "study",
    "variant_name",
)


def flatten(config: Mapping[str, Any], skip: Sequence[str] = _NOT_PARAMETERS) -> dict[str, Scalar]:
    """A resolved configuration as flat hyper-parameters: keys joined by dots, lists and None as JSON.

    A node with a ``_target_`` has the name of that class as its own value; other keys that are addressed to
    Hydra say nothing about the run.

    :param skip: top-level keys that say nothing of what a run computes.
    """
    flat: dict[str, Scalar] = {}
    for key, value in config.items():
        if key in skip or str(key).startswith("_"):
            continue
        if isinstance(value, Mapping) and value:
            if "_target_" in value:
                flat[str(key)] = str(value["_target_"]).rpartition(".")[2]
            flat |= {f"{key}.{inner}": v for inner, v in flatten(value, skip=()).items()}
        else:
            flat[str(key)] = _scalar(value)
    return flat


def run_parameters(config: Mapping[str, Any]) -> dict[str, Scalar]:
    """The hyper-parameters of a run out of its configuration; groups go by the names of their choices."""
    parameters = flatten(config)
    for group in ("algorithm", "env"):
        parameters[group] = parameters.pop(f"{group}_name")
    if (study := config.get("study")) is not None:
        parameters |= {"panel": study["panel"], "variant": study["variant"]}
        if tuning := study.get("tuning"):
            parameters["tuning"] = tuning.get(study["variant"], "not stated")
    return parameters


def _scalar(value: Any) -> Scalar:
    if isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def configuration(directory: Path) -> dict[str, Any]:
    """That of the run in a directory, as it was kept."""
    from omegaconf import OmegaConf

    config = OmegaConf.to_container(OmegaConf.load(directory / CONFIGURATION))
    return {str(key): value for key, value in config.items()} if isinstance(config, dict) else {}


def run_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """The given tags, as far as they have a value, and where the code is from."""
    return origin() | {name: str(value) for name, value in redacted(tags).items() if value is not None}


def origin() -> dict[str, str]:
    """Where the code is from: ``git_commit``, and versions as ``python_version`` and ``torch_version``."""
    return {
        "git_commit": git_commit(Path(__file__)),
        "python_version": ".".join(map(str, sys.version_info[:3])),
        **{f"{name}_version": _version(package) for name, package in _PACKAGES.items()},
    }


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def git_commit(file: Path) -> str:
    """The commit of the checkout that ``file`` is part of, with ``-dirty`` if anything in it was changed.

    ``unknown`` if the file is in no checkout, as when the package was installed.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(file.parent), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", file.name)
        return git("describe", "--always", "--abbrev=40", "--exclude=*", "--dirty")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def log_file(client: MlflowClient, run_id: str, directory: Path, name: str) -> None:
    """Upload ``directory/name`` as the artifact ``name``, which may lie in a folder."""
    folder = Path(name).parent.as_posix()
    client.log_artifact(run_id, str(directory / name), None if folder == "." else folder)


def download_checkpoint(run_id: str, tracking_uri: str | None = None) -> Path:
    """Copy a run's best checkpoint, else its last, and its configuration below ``runs/downloads``.

    :returns: the checkpoint.
    :raises SettingError: if the store has no such run or the run has no checkpoint.
    """
    uri = store_uri(tracking_uri)
    client = connect(uri)
    from mlflow.exceptions import MlflowException

    try:
        client.get_run(run_id)
    except MlflowException as error:
        raise SettingError("checkpoint", run_id, f"is not a run in {uri}") from error
    folder = Path(CHECKPOINTS[0]).parent.as_posix()
    present = {artifact.path for artifact in client.list_artifacts(run_id, folder)}
    found = next((name for name in CHECKPOINTS if name in present), None)
    if found is None:
        raise SettingError("checkpoint", run_id, f"has no checkpoint in {uri}; has the run ended?")
    destination = RUNS / "downloads" / run_id
    (destination / folder).mkdir(parents=True, exist_ok=True)
    if any(artifact.path == CONFIGURATION for artifact in client.list_artifacts(run_id)):
        client.download_artifacts(run_id, CONFIGURATION, str(destination))
    return Path(client.download_artifacts(run_id, found, str(destination / folder)))
