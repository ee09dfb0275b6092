"""The files of a report, where they lie, and their way into the study's run in MLflow."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from remix.report.differences import SETTINGS_TABLE
from remix.report.files import CURVES, HEAT_MAPS
from remix.report.results import StudyResults
from remix.report.run_table import RUNS_TABLE
from remix.report.text import shortened
from remix.settings.errors import SettingError
from remix.settings.files import RUNS
from remix.settings.names import LONGEST, folder_name

PAGE = "report.html"
SOURCE = "source.txt"
"""Beside the page: what it is the report of."""

FOLDER = "report"
"""Of the study's run in MLflow."""

_FIGURES = "figures"
_UNFINISHED = ".report-"
_TABLES = ("report.md", "scores.csv", CURVES, RUNS_TABLE, SETTINGS_TABLE, "marl_eval.json", HEAT_MAPS)


def report_folder(results: StudyResults) -> Path:
    """Where a report lies if nobody says otherwise: ``runs/reports/STUDY``, that of a file ``STUDY.csv``."""
    return RUNS / "reports" / folder_name(results.name if results.file is None else f"{results.name}.csv")


def write_report(results: StudyResults, output: Path, pdf: bool = False) -> list[Path]:
    """Write everything into a folder, which is created; an earlier report of the same is replaced.

    ``report.html`` (one file with all pictures), ``report.md``, ``figures/*.png`` and ``*.svg``,
    ``scores.csv``, ``marl_eval.json``, and ``curves.csv``, ``runs.csv``, ``settings.csv`` and
    ``weight_heatmaps.csv``, from which the report can be made again. The files are moved to their places when
    all of them are there, so that a report that is interrupted leaves the one before it.

    :param pdf: whether figures are drawn as ``*.pdf`` too.
    :returns: the files, the page first.
    :raises SettingError: if there is more than a report can hold, or other files have their names.
    """
    from remix.report.figures import figure_files

    results.check_size()
    own = [PAGE, *_TABLES, *(f"{_FIGURES}/{name}" for name in figure_files())]
    _check_place(results, output, own)
    output.mkdir(parents=True, exist_ok=True)
    _remove_remains(output)
    with TemporaryDirectory(dir=output, prefix=_UNFINISHED) as folder:
        new = [path.relative_to(folder).as_posix() for path in _write_files(results, Path(folder), pdf)]
        (output / _FIGURES).mkdir(exist_ok=True)
        (output / SOURCE).write_bytes(_source(results))
        for name in new:
            Path(folder, name).replace(output / name)
    for name in set(own) - set(new):
        (output / name).unlink(missing_ok=True)
    return [output / name for name in new]


def _remove_remains(output: Path) -> None:
    """Remove what killed reports left; what is younger than an hour may belong to a report in the making."""
    for folder in output.glob(f"{_UNFINISHED}*"):
        if folder.is_dir() and time.time() - folder.stat().st_mtime > 3600:
            shutil.rmtree(folder, ignore_errors=True)


def _write_files(results: StudyResults, folder: Path, pdf: bool) -> list[Path]:
    """The page first."""
    from remix.report.differences import settings_table, write_settings
    from remix.report.figures import save_figures
    from remix.report.files import write_curves, write_heat_maps
    from remix.report.making import made
    from remix.report.markup import to_markdown
    from remix.report.marl_eval import write_marl_eval
    from remix.report.page import sections
    from remix.report.run_table import write_runs
    from remix.report.tables import scores, write_scores
    from remix.report.web_page import to_html

    pictures = save_figures(results, folder / _FIGURES, pdf)
    names = list(dict.fromkeys(path.stem for path in pictures))
    drawn = [f"{_FIGURES}/{names[0]}.{form}" for form in ("svg", *(["pdf"] if pdf else []))]
    table = scores(results)
    page = sections(results, table, names, made(results, [*drawn, "scores.csv", CURVES, "marl_eval.json"]))
    paths = [folder / name for name in (PAGE, *_TABLES)]
    html, markdown, scores_csv, curves, runs, settings, exported, heat_maps = paths
    html.write_text(to_html(results.title, page, folder), encoding="utf-8")
    markdown.write_text(to_markdown(results.title, page), encoding="utf-8")
    write_scores(table, scores_csv)
    write_curves(results, curves)
    write_runs(results, runs)
    if settings_table(results) is not None:
        write_settings(results, settings)
    write_marl_eval(results, exported)
    if results.heat_maps:
        write_heat_maps(results.heat_maps, heat_maps)
    return [path for path in paths if path.is_file()] + pictures


def _check_place(results: StudyResults, output: Path, own: Sequence[str]) -> None:
    """:raises SettingError: if there are files of these names in the folder that are of something else."""
    taken = next((name for name in (SOURCE, *own) if (output / name).exists()), None)
    if taken is None:
        return
    source = (output / SOURCE).read_bytes() if taken == SOURCE else b""
    if source != _source(results):
        of = shortened(source.decode(errors="replace").strip(), LONGEST)
        holds = f"holds the report of the {of}" if source else f"holds another {taken}"
        raise SettingError("output", output, f"{holds}; --output must be another folder, or move that one")


def _source(results: StudyResults) -> bytes:
    source = f"study {results.name}" if results.file is None else f"file {results.file}"
    return f"{source}\n".encode(errors="surrogatepass")


def upload_report(
    results: StudyResults, output: Path, paths: Sequence[Path], tracking_uri: str | None = None
) -> bool:
    """Add the files to the artifacts of the study's run, below ``report/``.

    A report is not lost because its upload fails; that is said in one line.

    :returns: whether it worked.
    """
    from mlflow.exceptions import MlflowException

    from remix.tracking.store import connect, store_uri

    assert results.run_id is not None
    uri = store_uri(tracking_uri)
    try:
        client = connect(uri)
        for path in paths:
            folder = Path(FOLDER, path.relative_to(output).parent).as_posix()
            client.log_artifact(results.run_id, str(path), folder)
    except (SettingError, MlflowException, OSError) as error:
        print(f"warning: {uri} did not take the report: {error}", file=sys.stderr)
        return False
    return True
