"""Exporting policies in Python, with the words of the command line."""

from __future__ import annotations

from pathlib import Path

from remix.exports import command
from remix.runs.api import Known, looking


def export(run: Known, *words: str) -> Path:
    """The agents' policy in files that play without ReMIX, as ``remix export RUN WORDS`` writes them.

    :returns: their folder.
    :raises SettingError: there is no such run, a setting cannot work, or a package is missing.
    """
    return command.export(looking("export", run, words))
