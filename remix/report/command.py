"""The command ``remix report``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from remix.records.directory import RunDirectory
from remix.settings import checks
from remix.settings.errors import SettingError, one_of
from remix.settings.names import check_name


def report(arguments: Sequence[str]) -> None:
    """Make the report of a study or a run, or say which studies there are.

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
        help="name of a study, curves.csv of an earlier report, or folder of a run; without: list studies",
    )
    parser.add_argument(
        "--tracking-uri", help="MLflow store (default: MLFLOW_TRACKING_URI, else runs/mlflow.db)"
    )
    parser.add_argument(
        "--output",
        help="folder of the report (default: runs/reports/STUDY, of a file STUDY.csv; of a run its own)",
    )
    parser.add_argument(
        "--onset", type=float, help="score above which a run has begun to learn (default: the study's)"
    )
    parser.add_argument(
        "--reference", help="variant that the others are compared with (default: the study's, else remix)"
    )
    parser.add_argument(
        "--smooth",
        type=int,
        default=1,
        help="evaluations to average in drawn curves (default: 1, as they are)",
    )
    parser.add_argument(
        "--upload",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="add the report to the study's run in MLflow (default: yes)",
    )
    options = parser.parse_args(arguments)
    if options.output == "":
        raise SettingError("output", options.output, "must be a folder")
    if options.study is None:
        _list(options.tracking_uri)
        return
    if RunDirectory(Path(options.study)).record:
        _report_run(options)
        return
    study = check_name("study", options.study)
    if study.lower().endswith(".csv"):
        from remix.report.files import read_curves

        results = read_curves(Path(study))
    else:
        from remix.report.load import load_study

        print(f"reading {study} ...", flush=True)
        results = load_study(study, options.tracking_uri)
    if options.onset is not None:
        results = replace(results, onset=checks.number("onset", options.onset))
    if options.reference is not None:
        if options.reference not in results.variants:
            expected = one_of(results.variants, options.reference)
            raise SettingError("reference", options.reference, expected)
        results = replace(results, chosen=options.reference)
    results = replace(results, smooth=checks.whole("smooth", options.smooth, minimum=1))
    from remix.report.output import report_folder, upload_report, write_report

    print(f"{results.status_phrase}; making tables and figures ...", flush=True)
    output = Path(options.output) if options.output else report_folder(results)
    try:
        paths = write_report(results, output)
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

    compares = {"onset": None, "reference": None, "smooth": 1}
    for name, default in compares.items():
        if (value := getattr(options, name)) != default:
            raise SettingError(name, value, "is for studies; this is the report of one run")
    report_run(Path(options.study), Path(options.output) if options.output else None)


def _list(tracking_uri: str | None) -> None:
    from remix.report.load import studies
    from remix.report.text import natural, printable
    from remix.tracking.store import store_uri

    uri = store_uri(tracking_uri)
    names = sorted(studies(uri), key=natural)
    print(
        "\n".join([f"studies in {uri}:", *map(printable, names)])
        if names
        else f"there are no studies in {uri}"
    )
