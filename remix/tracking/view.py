"""What the MLflow page of an experiment shows first: its runs by variant, and the curves that matter.

The page takes its state from a tag of the experiment, as it is made by MLflow's own button *Share*.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from remix.tracking.studies import KIND, PARENT

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

KEY = "remix"
"""Of the state, in links."""

TAG = f"mlflow.sharedViewState.{KEY}"

HEADLINES = (
    "test/return",
    "test/battle_won",
    "train/return",
    "summary/final_return",
    "absolute_best/return",
    "absolute_best/battle_won",
    "summary/onset",
    "summary/area_under_curve",
    "summary/steps_to_90_percent",
)
"""Metrics that are asked for first, as far as there are any."""

COLUMNS = (
    "test/battle_won",
    "test/return",
    "summary/final_return",
    "absolute_best/battle_won",
    "absolute_best/return",
    "summary/onset",
)
"""Metrics in the list of runs: those that one looks for while runs go on come first."""

_NAME, _CREATED, _DURATION = (
    "attributes.`Run Name`",
    "runDateAndNestInfo",
    "duration",
)  # as the list calls them
_LETTER, _AROUND_NAME, _AROUND_HEAD = 6, 50, 24  # pixels
_TESTED = "test/return"
_LAYOUT = {"columns": 2, "cardHeight": 400}  # charts side by side, and their height in pixels
_MOST_RUNS = 1000
_SOME = 20  # runs
_AT_ONCE = 100  # runs that MLflow's page loads before it is asked for more


def write_view(client: MlflowClient, experiment: str) -> None:
    """Give an experiment the state of its page, made for the runs that it has now."""
    runs = client.search_runs([experiment], max_results=_MOST_RUNS)
    view = view_of(runs)
    if view["groupBy"] is not None and not _steps_agree(client, runs):
        _smooth(view, runs)
    client.set_experiment_tag(experiment, TAG, json.dumps(view))


def view_of(runs: Sequence[Run]) -> dict[str, Any]:
    """The state of the page: columns, charts and groups.

    :param runs: of the experiment.
    """
    metrics = {name for run in runs for name in run.data.metrics}
    headlines = [name for name in HEADLINES if name in metrics]
    curves = [name for name in headlines if name.startswith(("test/", "train/"))]
    scores = [name for name in headlines if name not in curves]
    groups = [name for name in ("variant", "panel") if _differs(name, runs)]
    telling = groups or [name for name in ("algorithm", "environment") if _differs(name, runs)]
    return {
        **_columns(runs, [name for name in COLUMNS if name in metrics], telling),
        "runsExpanded": {run.info.run_id: True for run in runs if KIND in run.data.tags},
        "runsHiddenMode": "FIRST_20_RUNS",
        "compareRunSections": [_section("curves", "Curves"), _section("scores", "Scores")],
        "compareRunCharts": [_chart("LINE", name, "curves") for name in curves]
        + [_chart("BAR", name, "scores") for name in scores],
        "isAccordionReordered": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
        "groupBy": _grouped(groups) if groups else None,
    }


def _columns(runs: Sequence[Run], metrics: Sequence[str], telling: Sequence[str]) -> dict[str, Any]:
    """Names as wide as the longest, which ends in the seed, and beside them what is asked for first."""
    scores = {f"metrics.`{name}`": _AROUND_HEAD + _LETTER * len(name) for name in metrics}
    names = _AROUND_NAME + _LETTER * max((len(run.info.run_name) for run in runs), default=0)
    widths = {_NAME: max(names, 190), _CREATED: 150, "tags.`seed`": 60, **scores, _DURATION: 80}
    widths |= {f"tags.`{name}`": 100 for name in telling}
    selected = [name for name in widths if name.startswith(("tags.", "metrics."))]
    return {
        "selectedColumns": [*selected, "attributes.`Duration`"],
        "columnOrder": list(widths),
        "columnWidths": widths,
    }


def _steps_agree(client: MlflowClient, runs: Sequence[Run]) -> bool:
    """Whether runs were evaluated after the same steps, as with episodes of one length, by some of them."""
    tested = [run.info.run_id for run in runs if _TESTED in run.data.metrics]
    some = tested[:: len(tested) // _SOME + 1]
    steps = [{point.step for point in client.get_metric_history(run_id, _TESTED)} for run_id in some]
    return all(taken <= max(steps, key=len) for taken in steps)


def _smooth(view: dict[str, Any], runs: Sequence[Run]) -> None:
    """Smooth curves over as many points as a group has runs.

    MLflow takes means over the points of one step. Where every run has steps of its own, such a "mean" jumps
    from run to run.
    """
    keys = [key["groupByData"] for key in view["groupBy"]["groupByKeys"]]
    members = [run.data.tags for run in runs if PARENT in run.data.tags]
    groups = {tuple(tags.get(key) for key in keys) for tags in members}
    size = min(len(members), _AT_ONCE) / max(len(groups), 1)
    smoothness = round(100.0 * (1.0 - 1.0 / max(size, 1.0)))
    view["globalLineChartConfig"]["lineSmoothness"] = smoothness
    for chart in view["compareRunCharts"]:
        chart["lineSmoothness"] = smoothness


def _grouped(tags: Sequence[str]) -> dict[str, Any]:
    """Means over the runs whose tags are the same, within bands from the lowest to the highest."""
    return {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": t} for t in tags]}


def _differs(tag: str, runs: Iterable[Run]) -> bool:
    return len({run.data.tags[tag] for run in runs if tag in run.data.tags}) > 1


def _section(uuid: str, name: str) -> dict[str, Any]:
    return {"uuid": uuid, "name": name, "display": True, "isReordered": True, **_LAYOUT}


def _chart(kind: str, metric: str, section: str) -> dict[str, Any]:
    return {
        "type": kind,
        "uuid": f"{section}-{metric}",
        "metricSectionId": section,
        "metricKey": metric,
        "displayName": metric,
        "lineSmoothness": 0,  # the curves as they are
        "isGenerated": False,
        "deleted": False,
    }
