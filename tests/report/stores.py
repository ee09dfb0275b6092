"""Small MLflow stores with studies in them, made through MLflow's client."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

from remix.report.results import HeatMap
from remix.report.weight_map import write_weights
from remix.tracking.journal import JOURNAL, Journal

METRIC = "test/return"


class FakeStore:
    """A store in a folder of its own, and what fills it.

    :param folder: to be created.
    :param migrated_database: an empty MLflow database.
    """

    def __init__(self, folder: Path, migrated_database: Path) -> None:
        folder.mkdir()
        shutil.copy(migrated_database, folder / "mlflow.db")
        self.folder, self.uri = folder, f"sqlite:///{folder}/mlflow.db"
        self.client = MlflowClient(self.uri)
        self._clock = 0

    def experiment(self, name: str) -> str:
        return str(self.client.create_experiment(name, (self.folder / "artifacts").as_uri()))

    def study(self, name: str, jobs: Sequence[tuple[str, str, int]] | None) -> tuple[str, str]:
        """A study's experiment and its parent run.

        :param jobs: panel, variant and seed of the planned jobs; None leaves out the plan.
        """
        experiment = self.experiment(name)
        parent = self.client.create_run(experiment, tags={"kind": "study", "study": name}).info.run_id
        if jobs is not None:
            plan = {"study": name, "title": f"About {name}", "metric": METRIC, "score": "test return"}
            names = ("panel", "variant", "seed")
            rows = [
                dict(zip(names, job, strict=True)) | {"algorithm": "remix", "identity": "ab", "group": ""}
                for job in jobs
            ]
            self.upload(parent, "plan.json", json.dumps(plan | {"jobs": rows}))
        return experiment, parent

    def child(
        self,
        study: tuple[str, str],
        job: tuple[str, str, int],
        curve: Mapping[int, float] | Sequence[tuple[int, float]] = (),
        status: str = "FINISHED",
        identity: str | None = "ab",
    ) -> str:
        """A run of a job, newer than all before it."""
        experiment, parent = study
        self._clock += 1_000
        panel, variant, seed = job
        tags = {"mlflow.parentRunId": parent, "panel": panel, "variant": variant, "seed": str(seed)}
        tags |= {"best_return": "20.0", "seconds": "60.5", "git_commit": "ab12"}
        tags |= {"algorithm": "remix"} | ({} if identity is None else {"identity": identity})
        run_id = str(self.client.create_run(experiment, self._clock, tags).info.run_id)
        points = list(curve.items()) if isinstance(curve, Mapping) else list(curve)
        metrics = [Metric(METRIC, value, time, step) for time, (step, value) in enumerate(points)]
        self.client.log_batch(run_id, metrics=metrics)
        if status != "RUNNING":
            self.client.set_terminated(run_id, status)
        return run_id

    def upload(self, run_id: str, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        self.client.log_artifact(run_id, str(path))

    def upload_weights(self, run_id: str, counts: list[list[int]]) -> None:
        path = self.folder / "weight_heatmap.csv"
        table = np.array(counts)
        steps, edges = np.arange(table.shape[0] + 1) * 100.0, np.linspace(0.1, 1.0, table.shape[1] + 1)
        write_weights(HeatMap("", "", 1, table, steps, edges), path)
        self.client.log_artifact(run_id, str(path))

    def upload_episodes(self, run_id: str, evaluations: Mapping[tuple[str, int], list[float]]) -> None:
        """:param evaluations: returns of episodes by the evaluation's name and environment steps."""
        folder = self.folder / run_id
        folder.mkdir()
        for (name, step), returns in evaluations.items():
            Journal(folder).append_evaluation(name, {"return": returns}, step)
        self.client.log_artifact(run_id, str(folder / JOURNAL))

    def artifacts(self, run_id: str, folder: str | None = None) -> set[str]:
        found: list[Any] = self.client.list_artifacts(run_id, folder)
        return {file.path for file in found}


JOBS = [
    (panel, variant, seed)
    for panel in ("p = 0", "p = -2")
    for variant in ("remix", "qmix")
    for seed in (1, 2, 3)
]


def fill(store: FakeStore) -> dict[str, str]:
    """A study ``duel`` in all states, others that cannot be reported, and an ordinary experiment.

    :returns: ids of runs by a name.
    """
    duel = store.study("duel", JOBS)
    ids = {"duel": duel[1]}
    for seed in (1, 2, 3):
        ids[f"remix {seed}"] = store.child(duel, ("p = 0", "remix", seed), {0: 0.0, 100: 9.0 + seed})
    evaluations = {("test", 0): [-1.0, 1.0], ("test", 100): [9.0, 11.0], ("absolute_best", 100): [8.0, 9.0]}
    store.upload_episodes(ids["remix 1"], evaluations)
    for seed, counts in ((1, [[1, 2], [3, 4]]), (2, [[10, 20], [30, 40], [50, 60]])):
        store.upload_weights(ids[f"remix {seed}"], counts)
    store.child(duel, ("p = 0", "qmix", 1), {0: 0.0, 100: 1.0})
    store.child(duel, ("p = 0", "qmix", 1), {0: 0.0, 110: 7.0})  # the newest of equals
    store.child(duel, ("p = 0", "qmix", 2), {0: 0.0, 100: 8.0}, identity=None)
    store.child(duel, ("p = 0", "qmix", 3), {0: 0.0, 100: 9.0})
    store.child(duel, ("p = 0", "qmix", 3), {0: 0.0}, "FAILED")  # newer, but worse
    resumed = [(0, 0.0), (100, 3.0), (200, 4.0), (100, 5.0), (200, 6.0)]
    store.child(duel, ("p = -2", "remix", 1), resumed)
    running = store.child(duel, ("p = -2", "remix", 2), {0: 0.0, 100: 50.0}, "RUNNING")
    store.upload_weights(running, [[1, 1]])
    store.child(duel, ("p = -2", "remix", 2), {0: 0.0}, "FAILED")
    store.child(duel, ("p = -2", "remix", 3), {}, "KILLED")
    store.child(duel, ("p = -2", "qmix", 1), {0: 1.0, 100: 2.0}, "FAILED")
    store.child(duel, ("p = -2", "qmix", 2), {0: 0.0, 100: 5.0}, identity="another configuration")
    store.child(duel, ("p = 9", "qmix", 1), {0: 0.0, 100: 5.0})  # not planned

    begun = store.study("begun", JOBS[:4])
    store.child(begun, JOBS[0], {0: 0.0}, "RUNNING")
    store.child(begun, JOBS[1], {0: 0.0}, "FAILED")
    store.child(begun, JOBS[2])  # finished without scores
    store.study("planless", None)
    store.child((store.experiment("ordinary"), ""), JOBS[0], {0: 1.0})
    return ids
