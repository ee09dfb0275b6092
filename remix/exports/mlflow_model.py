"""An exported policy as a model of MLflow, beside its files and, on wish, in the registry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from remix.exports.writing import Agent, onnx
from remix.settings.errors import SettingError, first_line
from remix.tracking.store import ENVIRONMENT_VARIABLE, connect, exclusive, load_mlflow, store_uri

NAME = "policy"
"""What the model is called in its run."""

_PACKAGES = ("numpy", "onnx", "onnxruntime")


class Registration:
    """A place in the registry for the policy of a run, known to be there before anything is written.

    :param name: of the registered model, of which this becomes a new version.
    :param run_id: of the run in MLflow, to which the model is logged.
    :raises SettingError: the store is out of reach or lacks the run.
    """

    def __init__(self, name: str, run_id: str | None, tracking_uri: str | None) -> None:
        if not isinstance(name, str) or not name.strip():
            raise SettingError("register", name, "must be the name of a model")
        if run_id is None:
            raise SettingError("register", name, "wants a run that is in MLflow, and this one is not")
        self.name, self.run_id, self.uri = name, run_id, store_uri(tracking_uri)
        self._client = connect(self.uri)
        from mlflow.exceptions import MlflowException

        try:
            self._run = self._client.get_run(run_id)
        except MlflowException as error:
            reason = f"wants the run {run_id}, which is not in {self.uri}"
            raise SettingError("register", name, reason) from error

    def register(self, agent: Agent, folder: Path) -> str:
        """Log the model with the run, and register it.

        :returns: the address of the version that it is now.
        """
        import mlflow.onnx
        from mlflow.exceptions import MlflowException
        from mlflow.models import Model

        with _store(self.uri), exclusive(self.uri):
            try:
                place = self._place()
                Model.log(
                    None,
                    mlflow.onnx,
                    name=NAME,
                    run_id=self.run_id,
                    model_id=place,
                    **_arguments(agent, folder),
                )
                version = self._new_version(place)
            except MlflowException as error:
                raise SettingError("register", self.name, first_line(error)) from error
        return f"models:/{self.name}/{version}"

    def _place(self) -> str:
        """The id of a new model of the run's experiment; MLflow would choose its default one."""
        experiment, parameters = self._run.info.experiment_id, self._run.data.params
        made = self._client.create_logged_model(experiment, NAME, self.run_id, params=parameters)
        return str(made.model_id)

    def _new_version(self, model_id: str) -> str:
        """Register a model that is logged. MLflow's own function says so on the standard error."""
        from mlflow.exceptions import MlflowException

        with suppress(
            MlflowException
        ):  # there is one of that name, or there can be none, which the next says
            self._client.create_registered_model(self.name)
        place = self._client.get_logged_model(model_id).artifact_location
        made = self._client.create_model_version(self.name, place, self.run_id, model_id=model_id)
        return str(made.version)


def save(agent: Agent, folder: Path) -> None:
    """Write the folder ``mlflow_model``, which ``mlflow.pyfunc.load_model`` reads and MLflow serves."""
    load_mlflow()
    import mlflow.onnx

    mlflow.onnx.save_model(path=folder / "mlflow_model", **_arguments(agent, folder))


def _arguments(agent: Agent, folder: Path) -> dict[str, Any]:
    import onnx as files
    from mlflow.models import infer_signature

    example = {name: tensor.numpy() for name, tensor in agent.inputs().items()}
    return {
        "onnx_model": files.load(folder / "policy.onnx"),
        "signature": infer_signature(example, onnx(folder)(example)),
        "input_example": example,
        "pip_requirements": [f"{package}=={version(package)}" for package in _PACKAGES],
        "onnx_execution_providers": ["CPUExecutionProvider"],
        "save_as_external_data": False,
    }


@contextmanager
def _store(uri: str) -> Iterator[None]:
    """Within, MLflow's functions that ask nobody for a store take this one."""
    import mlflow

    variable = os.environ.get(ENVIRONMENT_VARIABLE)  # which MLflow sets too
    given = mlflow.is_tracking_uri_set() and mlflow.get_tracking_uri() != variable
    before: Any = mlflow.get_tracking_uri() if given else None  # None: that of the variable
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
        os.environ.pop(ENVIRONMENT_VARIABLE, None)
        if variable is not None:
            os.environ[ENVIRONMENT_VARIABLE] = variable
