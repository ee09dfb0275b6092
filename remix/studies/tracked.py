"""A study's parent run in MLflow, made of what is in the study's folder."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from remix.records.directory import RunDirectory
from remix.settings.errors import SettingError, first_line
from remix.settings.files import replace_text
from remix.settings.redaction import redacted
from remix.studies.plan import Plan
from remix.tracking.courier import within
from remix.tracking.note import Note
from remix.tracking.plan_file import LARGEST_FILE, PLAN_FILE, read_plan
from remix.tracking.runs import download_file
from remix.tracking.store import AwayError, connect, experiment_id, store_uri
from remix.tracking.studies import DESCRIPTION, parent_run

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CONFIGURATION_FILE = "study.yaml"
"""In a study's folder and on its run: the sweep, and the configuration of the first job."""


class TrackedStudy:
    """The parent run of a study: what the study is, and what came of it.

    :param folder: of the study, with its plan.
    :param uri: of the store.
    """

    def __init__(self, folder: Path, uri: str) -> None:
        self.folder, self.uri = folder, uri
        self.plan = read_plan(folder / PLAN_FILE)
        self.name = str(self.plan["study"])
        note, store = Note.read(folder), redacted(uri)
        self.note = note if note is not None and note.store == store else Note(store)

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
        study.note.status = None  # a run that ended is running again
        study.note.write(folder)
        try:
            study.deliver("RUNNING")
        except AwayError as error:
            study._tell(error)
        return study

    def close(self, status: str) -> None:
        """End the study for now: deliver what the store lacks, or say that it could not be delivered.

        :param status: FINISHED, FAILED or KILLED.
        """
        try:
            self.deliver(status)
        except SettingError as error:
            self._tell(error)

    def report(self) -> None:
        """Figures and tables of the finished runs, if any, in ``runs/reports`` and on the parent run."""
        from remix.report.load import load_study
        from remix.report.output import report_folder, upload_report, write_report

        try:
            results = load_study(self.name, self.uri)
        except SettingError:
            return
        output = report_folder(results)
        paths = write_report(results, output)
        if results.run_id is not None:
            upload_report(results, output, paths, self.uri)

    def deliver(self, status: str) -> None:
        """Bring the plan, the configuration and the status to the store, waiting for some seconds at most.

        :raises SettingError: if the store is away, or cannot be used.
        """
        if not self.is_complete(status):
            within(self.uri, lambda: self._deliver(status))

    def is_complete(self, status: str) -> bool:
        """Whether the store has all of the study, as far as the notes in its folder say."""
        return (self.note.status, self.note.parameters) == (status, self._digest())

    def status(self) -> str:
        """What the states of its jobs come to, in MLflow's word."""
        states = {
            RunDirectory(Path(job["directory"])).state for job in self.plan["jobs"] if "directory" in job
        }
        if "running" in states:
            return "RUNNING"
        return "FINISHED" if states == {"finished"} else "FAILED" if "failed" in states else "KILLED"

    def _deliver(self, status: str) -> None:
        client = connect(self.uri)
        run_id = parent_run(client, self.uri, experiment_id(client, self.uri, self.name), self.name)
        if self.note.parameters != (digest := self._digest()) or self.note.run_id != run_id:
            client.set_tag(run_id, DESCRIPTION, _description(self.plan, self._configuration()["sweep"]))
            self._upload(client, run_id)
        if status == "RUNNING":
            client.update_run(run_id, status)
        else:
            client.set_terminated(run_id, status)
        self.note.run_id, self.note.parameters, self.note.status = run_id, digest, status
        self.note.write(self.folder)

    def _upload(self, client: MlflowClient, run_id: str) -> None:
        """The plan, with the jobs that are in the store alone, and the configuration."""
        with tempfile.TemporaryDirectory() as folder:
            path = download_file(client, run_id, PLAN_FILE, Path(folder), LARGEST_FILE)
            earlier = [] if path is None else read_plan(path)["jobs"]
        jobs = {(job["panel"], job["variant"], job["seed"]): job for job in (*earlier, *self.plan["jobs"])}
        with tempfile.TemporaryDirectory() as folder:
            (path := Path(folder, PLAN_FILE)).write_text(
                json.dumps(self.plan | {"jobs": list(jobs.values())}, indent=1)
            )
            client.log_artifact(run_id, str(path))
        client.log_artifact(run_id, str(self.folder / CONFIGURATION_FILE))

    def _configuration(self) -> Any:
        return OmegaConf.to_container(OmegaConf.load(self.folder / CONFIGURATION_FILE))

    def _digest(self) -> str:
        return sha256((self.folder / PLAN_FILE).read_bytes()).hexdigest()

    def _tell(self, error: SettingError) -> None:
        print(
            f"warning: {first_line(error)}; the study is in {self.folder}, and 'remix sync' delivers it",
            file=sys.stderr,
            flush=True,
        )


def _description(plan: Mapping[str, Any], sweep: Mapping[str, str]) -> str:
    """For the page of the run in MLflow, in Markdown."""
    swept = "\n".join(f"* `{key}`: {value}" for key, value in sweep.items())
    return (
        f"**{plan['title']}**. The jobs are the child runs: select them and *Compare*. Tags `variant` and "
        "`panel` say which is which, `summary/*` what each curve comes to. Figures and tables are among the "
        f"artifacts, in `report`; `remix report {plan['study']}` makes them anew.\n\n{swept}"
    )
