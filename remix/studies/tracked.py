"""A study's parent run in MLflow: what the study is before it starts, what came of it when it ends."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from mlflow.tracking import MlflowClient
from omegaconf import DictConfig, OmegaConf

from envs.errors import SettingError
from remix.studies.plan import Plan
from remix.tracking.plan_file import LARGEST_FILE, PLAN_FILE, read_plan
from remix.tracking.runs import download_file
from remix.tracking.store import connect, experiment_id, store_uri
from remix.tracking.studies import DESCRIPTION, parent_run

CONFIGURATION_FILE = "study.yaml"


class TrackedStudy:
    """The parent run of a study.

    :param client: of the store.
    :param uri: of the store.
    :param run_id: of the parent run.
    :param name: of the study.
    """

    def __init__(self, client: MlflowClient, uri: str, run_id: str, name: str) -> None:
        self.client, self.uri, self.run_id, self.name = client, uri, run_id, name

    @classmethod
    def open(cls, config: DictConfig, plan: Plan) -> TrackedStudy | None:
        """Create or reopen the parent run and give it the plan; None if runs are not tracked in MLflow.

        :param config: of the sweep as a whole.
        :raises SettingError: if the store cannot be used.
        """
        node = config.logger.get("mlflow")
        if node is None:
            return None
        client = connect(uri := store_uri(node.tracking_uri))
        experiment = experiment_id(client, uri, plan.study)
        study = cls(client, uri, parent_run(client, uri, experiment, plan.study), plan.study)
        client.update_run(study.run_id, status="RUNNING")
        client.set_tag(study.run_id, DESCRIPTION, _description(plan))
        study._describe(plan)
        return study

    def report(self) -> None:
        """Figures and tables of the finished runs, if any, in ``runs/reports`` and on the parent run."""
        from remix.report.load import load_study
        from remix.report.output import report_folder, upload_report, write_report

        try:
            results = load_study(self.name, self.uri)
        except SettingError:
            return
        output = report_folder(results)
        upload_report(results, output, write_report(results, output), self.uri)

    def end(self, status: str) -> None:
        """:param status: FINISHED, FAILED or KILLED."""
        self.client.set_terminated(self.run_id, status)

    def _describe(self, plan: Plan) -> None:
        """Put the plan and the configuration beside what an earlier command left."""
        merged = plan.merged(self._earlier_jobs())
        about = {"sweep": plan.sweep, "first job": plan.configuration}
        with tempfile.TemporaryDirectory() as folder:
            files = {
                PLAN_FILE: json.dumps(merged, indent=1),
                CONFIGURATION_FILE: OmegaConf.to_yaml(OmegaConf.create(about)),
            }
            for name, text in files.items():
                (path := Path(folder, name)).write_text(text)
                self.client.log_artifact(self.run_id, str(path))

    def _earlier_jobs(self) -> list[dict[str, Any]]:
        with tempfile.TemporaryDirectory() as folder:
            path = download_file(self.client, self.run_id, PLAN_FILE, Path(folder), LARGEST_FILE)
            return [] if path is None else list(read_plan(path)["jobs"])


def _description(plan: Plan) -> str:
    """For the page of the run in MLflow, in Markdown."""
    swept = "\n".join(f"* `{key}`: {value}" for key, value in plan.sweep.items())
    return (
        f"**{plan.title}**. The jobs are the child runs: select them and *Compare*. Tags `variant` and "
        "`panel` say which is which, `summary/*` what each curve comes to. Figures and tables are among the "
        f"artifacts, in `report`; `remix report {plan.study}` makes them anew.\n\n{swept}"
    )
