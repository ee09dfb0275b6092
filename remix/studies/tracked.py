"""A study's parent run in MLflow, made of what is in the study's folder."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from remix.records.directory import RECORD, RunDirectory
from remix.settings.errors import SettingError
from remix.settings.files import replace_text
from remix.studies.plan import Plan
from remix.studies.tracked_parent import TrackedParent
from remix.tracking.artifacts import Artifacts
from remix.tracking.plan_file import LARGEST_FILE, PLAN_FILE, read_plan
from remix.tracking.store import DESCRIPTION, store_uri
from remix.tracking.studies import STUDY

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CONFIGURATION_FILE = "study.yaml"
"""In a study's folder and on its run: the sweep, and the configuration of the first job."""


class TrackedStudy(TrackedParent):
    """What a study is, and what came of it: its plan, its configuration, and the states of its jobs.

    :param folder: of the study, with its plan.
    :param uri: of the store.
    """

    kind = STUDY

    def __init__(self, folder: Path, uri: str) -> None:
        super().__init__(folder, str(read_plan(folder / PLAN_FILE)["study"]), uri)

    @property
    def plan(self) -> dict[str, Any]:
        """As it is now: another command may have added jobs."""
        return read_plan(self.folder / PLAN_FILE)

    @classmethod
    def open(cls, config: DictConfig, plan: Plan) -> TrackedStudy | None:
        """Create or reopen the parent run; None if runs are not tracked in MLflow.

        A store that is away costs a warning.

        :param config: of the sweep as a whole, whose plan is written.
        :raises SettingError: if the store cannot be used.
        """
        node = config.logger.get("mlflow")
        if node is None:
            return None
        folder = Path(config.hydra.sweep.dir)
        about = {"sweep": plan.sweep, "first job": plan.configuration}
        replace_text(folder / CONFIGURATION_FILE, OmegaConf.to_yaml(OmegaConf.create(about)))
        study = cls(folder, store_uri(node.tracking_uri))
        study.begin()
        return study

    @property
    def option(self) -> str:
        """That tells other commands of the store, after a space; empty if they find it themselves."""
        return "" if self.uri == store_uri() else f" --tracking-uri {shlex.quote(self.uri)}"

    def report(self) -> Path | None:
        """Figures and tables of the finished runs in ``runs/reports`` and on the parent run.

        :returns: the page of the report, None if no run has finished.
        """
        from remix.report.load import load_study
        from remix.report.output import report_folder, upload_report, write_report

        try:
            results = load_study(self.name, self.uri)
        except SettingError:
            return None
        output = report_folder(results)
        paths = write_report(results, output)
        if results.run_id is not None:
            upload_report(results, output, paths, self.uri)
        return paths[0]

    def status(self) -> str:
        """What the states of its jobs come to, in MLflow's word."""
        jobs = (job for job in self.plan["jobs"] if "directory" in job)
        states = {RunDirectory(self._directory(Path(job["directory"]))).state for job in jobs}
        if "running" in states:
            return "RUNNING"
        return "FINISHED" if states == {"finished"} else "FAILED" if "failed" in states else "KILLED"

    def _directory(self, planned: Path) -> Path:
        """Of a job: where it lies in the study's folder, which may be elsewhere now.

        :param planned: its directory, as seen from where the study was planned.
        """
        inside = (self.folder.joinpath(*planned.parts[n:]) for n in range(1, len(planned.parts)))
        return next((place for place in inside if (place / RECORD).is_file()), planned)

    def content(self) -> bytes:
        return (self.folder / PLAN_FILE).read_bytes()

    def bring(self, client: MlflowClient, run_id: str) -> None:
        configuration = OmegaConf.to_container(OmegaConf.load(self.folder / CONFIGURATION_FILE))
        assert isinstance(configuration, dict)
        plan = self.plan
        description = _description(plan, configuration["sweep"])
        client.set_tag(run_id, DESCRIPTION, description)
        client.set_experiment_tag(client.get_run(run_id).info.experiment_id, DESCRIPTION, description)
        self._upload(client, run_id, plan)

    def _upload(self, client: MlflowClient, run_id: str, plan: Mapping[str, Any]) -> None:
        """The plan, with the jobs that are in the store alone, and the configuration."""
        with tempfile.TemporaryDirectory() as folder:
            files = Artifacts(client, client.get_run(run_id))
            path = files.download(PLAN_FILE, Path(folder), LARGEST_FILE)
            earlier = [] if path is None else read_plan(path)["jobs"]
        jobs = {(job["panel"], job["variant"], job["seed"]): job for job in (*earlier, *plan["jobs"])}
        with tempfile.TemporaryDirectory() as folder:
            (path := Path(folder, PLAN_FILE)).write_text(
                json.dumps({**plan, "jobs": list(jobs.values())}, indent=1)
            )
            client.log_artifact(run_id, str(path))
        client.log_artifact(run_id, str(self.folder / CONFIGURATION_FILE))


def _description(plan: Mapping[str, Any], sweep: Mapping[str, str]) -> str:
    """For the pages of the experiment and of the run in MLflow, in Markdown."""
    swept = "\n".join(f"* `{key}`: {value}" for key, value in sweep.items())
    study = shlex.quote(plan["study"])
    return (
        f"**{plan['title']}**, {len(plan['jobs'])} jobs, compared by `{plan['metric']}`.\n\n"
        f"`remix ui {study}` opens their curves, one for each variant and panel: the mean over seeds, within "
        "a band from the lowest to the highest. `summary/*` is what a curve comes to, `absolute_best/return` "
        f"the mean return of fresh episodes of the best policy. `remix report {study}` compares the variants "
        "with intervals; that report, with its figures, is in the folder `report` among the artifacts of the "
        f"run `{plan['study']}`.\n\n{swept}"
    )
