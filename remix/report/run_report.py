"""The report of one run: its numbers, its learning curve, its metrics as a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from remix.records.directory import CONFIGURATION, RunDirectory
from remix.report.run_curve import draw_run
from remix.report.text import printable
from remix.settings.errors import SettingError
from remix.tracking.curves import run_scores
from remix.tracking.journal import JOURNAL, Journal
from remix.tracking.runs import configuration
from remix.tracking.table import write_table

_WORDS = {
    "best_return": "best evaluation",
    "final_return": "last tenth of the evaluations",
    "absolute_best_return": "best policy, fresh episodes",
    "absolute_last_return": "last policy, fresh episodes",
}
"""Scores that are shown, by their names in :func:`run_scores`."""


def report_run(folder: Path, output: Path | None = None) -> None:
    """Print what a run came to, and write its curve and its table.

    :param folder: of the run.
    :param output: where the files go; None for the run's own folder.
    :raises SettingError: the run has no metrics yet, or the files cannot be written.
    """
    run, output = RunDirectory(folder), output or folder
    record = run.record
    if run.file(JOURNAL) is None:
        raise SettingError("run", folder, f"has no {JOURNAL} yet")
    title = run_title(folder)
    print(f"{printable(title)}: {run.state}" + (f", {printable(record.error)}" if record.error else ""))
    for name, value in _lines(run):
        print(f"  {name:<30}{value:10,.2f}")
    try:
        output.mkdir(parents=True, exist_ok=True)
        table = write_table(folder, output)
        picture = draw_run(folder, output, title, record.best_return)
    except OSError as error:
        raise SettingError("output", output, f"cannot be written ({error.strerror})") from error
    if picture is not None:
        print(f"curve   {picture}")
    print(f"metrics {table}")


def run_title(folder: Path) -> str:
    """What was trained where; without a readable configuration the name of the folder."""
    if not (folder / CONFIGURATION).is_file():
        return folder.name
    config = configuration(folder)
    names = (config.get(key) for key in ("algorithm_name", "env_name", "seed"))
    return "{} on {}, seed {}".format(*names)


def _lines(run: RunDirectory) -> Iterator[tuple[str, float]]:
    """Names and numbers, those that are known."""
    record, scores = run.record, run_scores(Journal(run.path))
    if record.final_return is not None:
        yield "final return, last policy", record.final_return
    yield from ((words, scores[name]) for name, words in _WORDS.items() if name in scores)
    if record.best_return is not None:
        yield "best possible return", record.best_return
