"""The command ``remix report``."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from remix.records.directory import RunDirectory
from remix.report.choices import DEFAULTS, add_options, chosen
from remix.report.text import printable
from remix.settings.errors import SettingError, one_of
from remix.settings.files import RUNS
from remix.settings.names import check_name

if TYPE_CHECKING:
    from remix.report.results import StudyResults


def report(arguments: Sequence[str]) -> None:
    """Make the report of a study or a run, of the latest if none is named.

    :raises SettingError: if there is no such study or run, or nothing in it to report on.
    """
    parser = argparse.ArgumentParser(
        prog="remix report",
        description="Compare the variants of a study: tables, figures and a page. Of one run: its numbers, "
        "learning_curve.png and metrics.csv.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "study",
        nargs="?",
        help="name of a study, curves.csv of an earlier report, or folder of a run; without: what began last",
    )
    parser.add_argument(
        "--tracking-uri", help="MLflow store (default: MLFLOW_TRACKING_URI, else runs/mlflow.db)"
    )
    parser.add_argument(
        "--output",
        help="folder of the report (default: runs/reports/STUDY, of a file STUDY.csv; of a run its own)",
    )
    parser.add_argument(
        "--upload",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="add the report to the study's run in MLflow (default: yes)",
    )
    add_options(parser)
    options = parser.parse_args(arguments)
    if options.output == "":
        raise SettingError("output", options.output, "must be a folder")
    if options.study is None:
        options.study = _latest(options.tracking_uri)
    if RunDirectory(Path(options.study)).record:
        _report_run(options)
        return
    with _few_collections():
        _report_study(options)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Within, Python seldom looks for garbage.

    Imports and runs are hundreds of thousands of objects, and all stay: to look through them took a fifth of
    the time.
    """
    before = gc.get_threshold()
    gc.set_threshold(200_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _report_study(options: argparse.Namespace) -> None:
    results = chosen(_read(options), options)
    from remix.report.output import report_folder, upload_report, write_report

    print(f"{results.status_phrase}; making tables and figures ...", flush=True)
    output = Path(options.output) if options.output else report_folder(results)
    try:
        paths = write_report(results, output, options.pdf)
    except OSError as error:
        raise SettingError("output", output, f"cannot be written ({error.strerror})") from error
    tracked = options.upload and results.run_id is not None
    if tracked and upload_report(results, output, paths, options.tracking_uri):
        print("added to the study's run in MLflow")
    for path in paths[:2]:
        print(f"report  {path}")
    print(f"figures {output / 'figures'}")
    print(f"tables  {output / 'scores.csv'}")


def _report_run(options: argparse.Namespace) -> None:
    """Of one run, for which settings of comparisons say nothing."""
    from remix.report.run_report import report_run

    for name, default in DEFAULTS.items():
        if (value := getattr(options, name)) != default:
            raise SettingError(name, value, "is for studies; this is the report of one run")
    report_run(Path(options.study), Path(options.output) if options.output else None)


def _read(options: argparse.Namespace) -> StudyResults:
    """A study, from its store or a file of curves."""
    study = check_name("study", options.study)
    if study.lower().endswith(".csv"):
        from remix.report.files import read_curves

        return read_curves(Path(study), options.metric)
    from remix.report.load import load_study

    print(f"reading {printable(study)} ...", flush=True)
    return load_study(study, options.tracking_uri, options.metric)


def _latest(tracking_uri: str | None) -> str:
    """The name of the study, or the folder of the run, that began last.

    :raises SettingError: if there is none here; the studies of the store are named.
    """
    from remix.report.listing import latest

    if (found := latest()) is not None:
        return found
    from remix.report.load import studies
    from remix.tracking.store import store_uri

    uri = store_uri(tracking_uri)
    choices = list(map(printable, studies(uri)))
    expected = f"{one_of(choices)}; these are the studies" if choices else "there are no studies"
    raise SettingError("study", "", f"there are no runs below {RUNS}; {expected} in {uri}")
