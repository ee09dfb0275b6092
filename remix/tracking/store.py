"""Where runs are kept, and the first contact with it."""

from __future__ import annotations

import logging
import os
import re
import shlex
import sqlite3
from contextlib import AbstractContextManager, closing, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from filelock import FileLock

from remix.settings.errors import SettingError, first_line
from remix.settings.files import RUNS
from remix.settings.redaction import MASK, password, remember
from remix.tracking import databases
from remix.tracking.moved import bring_along

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

DESCRIPTION = "mlflow.note.content"
"""The tag of an experiment or a run whose text, in Markdown, stands on its page."""

ENVIRONMENT_VARIABLE = "MLFLOW_TRACKING_URI"
DATABASE = RUNS / "mlflow.db"
"""The store, unless another one is named."""

PROBE_SECONDS = 5.0
_SQLITE = "sqlite:///"
_TRAINING = {"mlflow.experimentKind": "custom_model_development"}  # decides which pages MLflow shows
_NOTE = """Runs of ReMIX: **{name}**.

`remix ui {command}` opens their curves, over environment steps. `test/return` is the mean return of test
episodes without exploration, `absolute_best/return` that of fresh episodes of the best policy, `summary/*`
what a curve comes to. Among the artifacts of a run are its configuration and its best checkpoint.
"""
_MLFLOW_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Callers that can wait try again themselves. By default MLflow would try 7 times for 2 minutes.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "PGCONNECT_TIMEOUT": f"{PROBE_SECONDS:.0f}",
}
_LONGEST_FOLDER = 157  # MLflow's tables keep 200 characters, of which those of a run are 43
SERVERS = ("http://", "https://")
_TEMPORARY = re.compile(
    r"database is locked|database or disk is full|disk I/O|read-?only|unable to open|could not connect"
    r"|connection (refused|reset|timed|is lost|was closed)|can't connect|timed? ?out|unreachable|no route to"
    r"|failed with error code (5\d\d|429|408)|(starting up|shutting down|closed the connection)\b"
    r"|administrator command|recovery mode|too many (clients|connections)|slots are reserved|deadlock"
    r"|(resolve|translate) host",
    re.IGNORECASE,
)


class AwayError(SettingError):
    """The store does not answer or takes nothing. Its address may be right, and it may come back."""


def store_uri(tracking_uri: str | None = None) -> str:
    """The given store, else that of ``MLFLOW_TRACKING_URI``, else a database in the folder of all runs.

    The path of a SQLite store is made absolute: its meaning must not depend on the working directory.

    :raises SettingError: if the password of the address cannot be read as one.
    """
    default = f"{_SQLITE}{DATABASE.as_posix()}"
    uri = tracking_uri or os.environ.get(ENVIRONMENT_VARIABLE) or default
    remember(uri)
    _check_password(uri)
    database = database_file(uri)
    if database is None:
        return uri
    _, mark, query = uri.partition("?")
    return f"{_SQLITE}{database.as_posix()}{mark}{query}"


def database_file(uri: str) -> Path | None:
    """The file of a SQLite store, absolute; None for other stores."""
    if not uri.startswith(_SQLITE):
        return None
    return Path(uri.removeprefix(_SQLITE).partition("?")[0]).absolute()


def without_login(uri: str) -> str:
    """The address of a server, fit to be shown."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")


def connect(uri: str) -> MlflowClient:
    """A client of the store, which is created if it is a database that does not exist.

    :raises AwayError: if the store is out of reach, which is known after seconds.
    :raises SettingError: if it cannot be used for another reason.
    """
    load_mlflow()
    from mlflow.tracking import MlflowClient

    database = database_file(uri)
    try:
        _probe(uri)
        if database is not None:
            database.parent.mkdir(parents=True, exist_ok=True)
        # Two processes that both find no database would both create its tables.
        with exclusive(uri):
            client = MlflowClient(uri)
            client.search_experiments(max_results=1)
            if database is not None:
                bring_along(database, _beside(database))
    except SettingError:
        raise
    except Exception as error:
        kind = AwayError if is_away(error) else SettingError
        raise kind("tracking_uri", uri, f"cannot be used as an MLflow store: {first_line(error)}") from error
    return client


def load_mlflow() -> None:
    """Import MLflow, which takes seconds, with the settings that it takes from the environment then."""
    for name, value in _MLFLOW_SETTINGS.items():
        os.environ.setdefault(name, value)
    import_module("mlflow.tracking")
    for name in ("mlflow.store.db.utils", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # our own messages tell of retries


def experiment_id(client: MlflowClient, uri: str, name: str) -> str:
    """The id of an experiment, which is created if there is none of that name.

    Its artifacts go into the folder ``artifacts`` beside a SQLite database, and below ``runs`` with another;
    a server decides for itself.

    :raises SettingError: if the name is that of a deleted experiment.
    """
    from mlflow.exceptions import MlflowException

    with exclusive(uri):
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            try:
                tags = _TRAINING | {DESCRIPTION: _NOTE.format(name=name, command=shlex.quote(name))}
                return str(client.create_experiment(name, _artifacts(uri), tags))
            except MlflowException:
                # Another client of the same server was faster.
                experiment = client.get_experiment_by_name(name)
                if experiment is None:
                    raise
    if experiment.lifecycle_stage == "deleted":
        raise SettingError(
            "experiment_name",
            name,
            "was deleted; choose another, or bring it back with "
            f"'mlflow experiments restore -x {experiment.experiment_id}'",
        )
    return str(experiment.experiment_id)


def patience(uri: str, seconds: float) -> float | None:
    """Longest wait for a store: ``seconds`` for a server, longer for a database, which may have to be made.

    :returns: seconds; None for as long as it takes.
    """
    if databases.is_database(uri):
        return max(seconds, databases.CREATION_SECONDS)
    return None if database_file(uri) is not None else seconds


def exclusive(uri: str) -> AbstractContextManager[object]:
    """A context that one process at a time is in; an MLflow server sees to that by itself."""
    database = database_file(uri)
    if database is not None:
        return FileLock(f"{database}.lock")
    return databases.turn(uri) if databases.is_database(uri) else nullcontext()


def _artifacts(uri: str) -> str | None:
    """Where the artifacts of a new experiment go; None if that is the server's to say.

    :raises SettingError: if the database has no room for the address.
    """
    if (database := database_file(uri)) is not None:
        return _beside(database).as_uri()
    if not databases.is_database(uri):
        return None
    folder = (RUNS.absolute() / "artifacts").as_uri()
    if len(folder) > _LONGEST_FOLDER:
        expected = (
            f"must be a folder whose address has at most {_LONGEST_FOLDER} characters, to track in {uri}"
        )
        raise SettingError("runs", folder, expected)
    return folder


def _beside(database: Path) -> Path:
    """The folder of the artifacts of a SQLite database."""
    return database.parent / "artifacts"


def _check_password(uri: str) -> None:
    """Refuse a password with characters after which libraries would take the rest for a host and show it."""
    given = password(uri)
    if given == MASK:
        expected = "has its password masked, as every address that was kept; give it with the password"
        raise SettingError("tracking_uri", uri, expected)
    if given and any(character in given for character in "@/?#[]"):
        expected = (
            "has a password with @, /, ?, #, [ or ], which must be percent-encoded (@ is %40, / is %2F)"
        )
        raise SettingError("tracking_uri", uri, expected)


def is_away(error: BaseException | None) -> bool:
    """Whether an error means that the store is out of reach, too busy or out of room, and not a mistake."""
    from mlflow.exceptions import RestException

    while error is not None:
        if isinstance(error, OSError | AwayError) or _TEMPORARY.search(str(error)):
            return True
        if isinstance(error, RestException):
            return error.get_http_status_code() in (408, 429) or error.get_http_status_code() >= 500
        error = error.__cause__ or error.__context__
    return False


def _probe(uri: str) -> None:
    """Ask the store for a sign of life. MLflow itself would wait much longer for it."""
    try:
        if uri.startswith(SERVERS):
            _ask(uri)
        elif (database := database_file(uri)) is not None and database.is_file():
            with closing(sqlite3.connect(database, timeout=PROBE_SECONDS)) as connection:
                connection.execute("BEGIN IMMEDIATE")
        elif databases.is_database(uri):
            databases.probe(uri)
    except sqlite3.OperationalError as error:
        raise AwayError("tracking_uri", uri, f"takes nothing: {error}") from error
    except sqlite3.DatabaseError as error:
        raise SettingError("tracking_uri", uri, f"cannot be used as an MLflow store: {error}") from error


def _ask(uri: str) -> None:
    import requests

    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=PROBE_SECONDS)
    except requests.exceptions.InvalidURL as error:
        raise SettingError("tracking_uri", uri, "is no address of a server") from error
    except requests.RequestException as error:
        raise AwayError(
            "tracking_uri",
            uri,
            f"no MLflow server answers there ({type(error).__name__}); start it, correct the address "
            f"(it may come from {ENVIRONMENT_VARIABLE}), or train with logger=csv",
        ) from error
