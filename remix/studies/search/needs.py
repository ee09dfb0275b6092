"""The package that a search needs, and ReMIX does not bring along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from remix.settings.errors import SettingError


@contextmanager
def optuna_for(search: str) -> Iterator[None]:
    """Within, modules are imported that need Optuna.

    :param search: its name.
    :raises SettingError: Optuna is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        needs = "needs the package Optuna: pip install 'remix-marl[search]'"
        raise SettingError("search.name", search, needs) from error
