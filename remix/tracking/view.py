"""What the MLflow page of an experiment shows first: its runs by variant, and the curves that matter.

The page takes its state from a tag of the experiment, as it is made by MLflow's own button *Share*.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from remix.tracking.studies import PARENT

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
    "summary/area_under_curve",
    "summary/steps_to_90_percent",
)
"""Metrics that are asked for first, as far as there are any."""

_LAYOUT = {"columns": 2, "cardHeight": 400}  # charts side by side, and their height in pixels
_MOST_RUNS = 1000


def write_view(client: MlflowClient, experiment: str) -> None:
    """Give an experiment the state of its page, made for the runs that it has now."""
    runs = client.search_runs([experiment], max_results=_MOST_RUNS)
    client.set_experiment_tag(experiment, TAG, json.dumps(view_of(runs)))


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
        "selectedColumns": [
            *(f"tags.`{name}`" for name in (*telling, "seed")),
            *(f"metrics.`{name}`" for name in headlines),
            "attributes.`Duration`",
        ],
        "runsExpanded": {run.info.run_id: True for run in runs if PARENT not in run.data.tags},
        "runsHiddenMode": "FIRST_20_RUNS",
        "compareRunSections": [_section("curves", "Curves"), _section("scores", "Scores")],
        "compareRunCharts": [_chart("LINE", name, "curves") for name in curves]
        + [_chart("BAR", name, "scores") for name in scores],
        "isAccordionReordered": True,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
        "groupBy": _grouped(groups) if groups else None,
    }


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
