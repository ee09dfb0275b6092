"""The files of a report, and their way into the study's run in MLflow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from remix.report.results import StudyResults

PAGE = "report.html"
FOLDER = "report"
"""Of the study's run in MLflow."""


def write_report(results: StudyResults, output: Path) -> list[Path]:
    """Write everything into a folder, which is created; files of an earlier report are replaced.

    ``report.html`` (one file with all pictures), ``report.md``, ``figures/*.png`` and ``*.svg``,
    ``scores.csv``, ``marl_eval.json``, and ``curves.csv`` and ``weight_heatmaps.csv``, from which the report
    can be made again.

    :returns: the files, the page first.
    :raises SettingError: if there is more than a report can hold.
    """
    from remix.report.figures import save_figures
    from remix.report.files import CURVES, HEAT_MAPS, write_curves, write_heat_maps
    from remix.report.markup import to_html, to_markdown
    from remix.report.marl_eval import write_marl_eval
    from remix.report.page import sections
    from remix.report.tables import scores, write_scores

    results.check_size()
    output.mkdir(parents=True, exist_ok=True)
    pictures = save_figures(results, output / "figures")
    table = scores(results)
    page = sections(results, table, list(dict.fromkeys(path.stem for path in pictures)))
    names = [PAGE, "report.md", "scores.csv", CURVES, "marl_eval.json"]
    html, markdown, scores_csv, curves, exported = (output / name for name in names)
    html.write_text(to_html(results.title, page, output), encoding="utf-8")
    markdown.write_text(to_markdown(results.title, page), encoding="utf-8")
    write_scores(table, scores_csv)
    write_curves(results, curves)
    write_marl_eval(results, exported)
    paths = [html, markdown, scores_csv, curves, exported]
    if results.heat_maps:
        write_heat_maps(results.heat_maps, output / HEAT_MAPS)
        paths.append(output / HEAT_MAPS)
    return paths + pictures


def upload_report(
    results: StudyResults, output: Path, paths: Sequence[Path], tracking_uri: str | None = None
) -> bool:
    """Add the files to the artifacts of the study's run, below ``report/``.

    A report is not lost because its upload fails; that is said in one line.

    :returns: whether it worked.
    """
    from mlflow.exceptions import MlflowException

    from envs.errors import SettingError
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
