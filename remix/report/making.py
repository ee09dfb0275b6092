"""How a report was made, and what lies beside its page."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from remix.records.directory import short
from remix.report.differences import commits
from remix.report.markup import Links
from remix.report.results import StudyResults
from remix.report.text import natural, printable, shortened
from remix.settings.redaction import redact_forms
from remix.tracking.runs import origin

_COMMIT = 9  # characters
_UNKNOWN = ("", "unknown")


def made(results: StudyResults, files: Sequence[str]) -> Links:
    """When a report was made, by which code and command and of what runs; with links to its files.

    :param files: their names in the folder of the page.
    """
    now = datetime.now().astimezone()
    parts = [f"Made {now:%Y-%m-%d %H:%M %Z} with {_code()} by “{_command()}”", _runs(results)]
    source = results.store if results.file is None else str(short(results.file))
    if source:
        parts.append(f"read from {shortened(redact_forms(source))}")
    targets = [(_link(name), name) for name in files]
    if results.address:
        targets.append(("MLflow", results.address))
    return Links(f"{', '.join(parts)}.", targets)


def _code() -> str:
    """The release of ReMIX, and its commit where it is a checkout."""
    known = origin()
    commit = known["git_commit"]
    return f"ReMIX {known['remix_version']}" + ("" if commit in _UNKNOWN else f" (commit {_brief(commit)})")


def _command() -> str:
    """As it was called; the path of the program is nobody's business."""
    return printable(redact_forms(shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])))


def _runs(results: StudyResults) -> str:
    """As in "28 runs of commit 1a2b3c4d5 on AMD EPYC 7R13"."""
    runs = [run for run in results.runs if run.counts]
    words = f"{len(runs)} {'run' if len(runs) == 1 else 'runs'}"
    if known := commits(results):
        words += f" of {'commit' if len(known) == 1 else 'commits'} {', '.join(map(_brief, known))}"
    machines = {run.facts.get("processor", "") for run in runs} - set(_UNKNOWN)
    if machines:
        words += f" on {', '.join(map(shortened, sorted(machines, key=natural)))}"
    return words


def _brief(commit: str) -> str:
    return shortened(commit[:_COMMIT] + ("-dirty" if commit.endswith("-dirty") else ""))


def _link(name: str) -> str:
    """What a file is called: the ending of the first figure, the name of the others."""
    path = Path(name)
    return path.suffix[1:].upper() if path.parent.name else path.name
