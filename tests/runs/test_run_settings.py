"""What a run is told, resolved once and fixed."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import ReadonlyConfigError

import remix
from remix.records.directory import RunDirectory
from remix.runs.run_settings import RunSettings


@pytest.fixture
def settings() -> RunSettings:
    return RunSettings(remix.compose("seed=3", "run_dir=place", "callbacks=default"))


def test_it_is_resolved_and_cannot_be_changed(settings: RunSettings) -> None:
    assert settings.config.run_name == settings.plain["run_name"] == "remix-seed3"
    assert not OmegaConf.is_interpolation(settings.config, "run_name")
    with pytest.raises(ReadonlyConfigError):
        settings.config.seed = 4
    with pytest.raises(AttributeError):
        settings.composed = settings.config  # type: ignore[misc]
    assert settings.plain is settings.plain and settings.kept is settings.kept


def test_its_directory_is_the_runs(settings: RunSettings) -> None:
    assert isinstance(settings.directory, RunDirectory)
    assert settings.directory.path.name == "place"


def test_its_identity_is_that_of_every_seed_and_place() -> None:
    """Though settings refer to the seed and the place, which are resolved in what the run gets."""
    stop = (
        "+callbacks.stop={_target_: pytorch_lightning.callbacks.EarlyStopping, monitor: 'x${seed}${run_dir}'}"
    )
    one, other = (
        RunSettings(remix.compose(f"seed={seed}", f"run_dir=place{seed}", "callbacks=none", stop))
        for seed in (1, 2)
    )
    assert one.identity == other.identity


def test_what_is_stored_holds_no_password() -> None:
    settings = RunSettings(
        remix.compose("logger.mlflow.tracking_uri=https://me:secret@example.org", "run_dir=x")
    )
    assert "secret" in str(settings.plain) and "secret" not in str(settings.kept)
