"""Addresses of the pages of MLflow that show an experiment or a run, from the server's address on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from remix.settings.errors import SettingError, one_of
from remix.tracking.note import Note
from remix.tracking.studies import has_run
from remix.tracking.view import KEY, write_view

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_DEFAULT = "Default"
_KIND = "workflowType=machine_learning"
"""Which of its two faces MLflow shows; the other one is about language models."""


def page_of(client: MlflowClient, asked: str | None) -> str:
    """The page that shows what is asked for.

    Of an experiment it is that of its curves, which are arranged for the runs that it has now.

    :param asked: an experiment, which is also the name of a study; the folder or the id of a run; None for
        all experiments, or the only one.
    :raises SettingError: if the store has no such thing.
    """
    names = _experiments(client)
    if asked is None:
        return _curves(client, *names.values()) if len(names) == 1 else f"/#/experiments?{_KIND}"
    if asked in names:
        return _curves(client, names[asked])
    note = Note.read(Path(asked))
    run_id = asked if note is None else note.run_id
    if run_id is None or not has_run(client, run_id):
        experiments = f"{one_of(names, asked)}, which are experiments, or" if names else "must be"
        expected = f"{experiments} the folder or the id of a run"
        raise SettingError("run or study", asked, expected)
    return run_page(client.get_run(run_id).info.experiment_id, run_id)


def run_page(experiment: str, run_id: str) -> str:
    """The page of a run of the experiment with this id."""
    return f"/#/experiments/{experiment}/runs/{run_id}?{_KIND}"


def _curves(client: MlflowClient, experiment: str) -> str:
    write_view(client, experiment)
    return f"/#/experiments/{experiment}/runs?viewStateShareKey={KEY}&compareRunsMode=CHART&{_KIND}"


def _experiments(client: MlflowClient) -> dict[str, str]:
    """Ids by name, without the empty one that MLflow makes with every store."""
    found: dict[str, str] = {}
    token = None
    while token != "":
        page = client.search_experiments(page_token=token)
        found |= {str(experiment.name): str(experiment.experiment_id) for experiment in page}
        token = page.token or ""
    if (default := found.get(_DEFAULT)) is not None and not client.search_runs([default], max_results=1):
        del found[_DEFAULT]
    return found
