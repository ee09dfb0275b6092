"""Stores that are databases on a server, PostgreSQL above all: first contact, and taking turns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from remix.settings.errors import SettingError

if TYPE_CHECKING:
    from sqlalchemy import Engine

CREATION_SECONDS = 120.0
"""Longest wait for the tables of a new database."""

_DATABASE = re.compile(r"(postgresql|mysql|mssql)(\+\w+)?://")
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('remix'))"
_LOCK_SECONDS = 60


def is_database(uri: str) -> bool:
    """Whether an address is that of a database on a server, which is then used without an MLflow server."""
    return _DATABASE.match(uri) is not None


def probe(uri: str) -> None:
    """Connect once. MLflow itself would try for minutes.

    :raises SettingError: if the driver of the database is missing, or the address is none.
    :raises sqlalchemy.exc.SQLAlchemyError: if there is no connection.
    """
    with _engine(uri).connect():
        pass


@contextmanager
def turn(uri: str) -> Iterator[None]:
    """Within, no other process of ours is in its turn on the same PostgreSQL database."""
    if not uri.startswith("postgresql"):
        yield
        return
    with _engine(uri).begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
        connection.exec_driver_sql(_LOCK)
        yield


def _engine(uri: str) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    try:
        return create_engine(uri, poolclass=NullPool)
    except ModuleNotFoundError as error:
        advice = f"needs the package {error.name}"
        if uri.startswith("postgresql"):
            advice += "; pip install 'remix-marl[postgres]' brings psycopg, for postgresql:// addresses"
        raise SettingError("tracking_uri", uri, advice) from error
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise SettingError("tracking_uri", uri, f"is no address of a database ({error})") from error
