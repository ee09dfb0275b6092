"""Commands that run with a configuration, which Hydra composes of their arguments."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from remix.settings.import_path import find_own_modules
from remix.settings.redaction import shield
from remix.settings.signals import stoppable

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run_configured(name: str, arguments: list[str], function: Callable[[DictConfig], object]) -> None:
    """Compose ``conf/<name>.yaml`` with the arguments, and call the function with it.

    In a sweep the function is called for each of its runs, by Hydra's launcher.
    """
    import hydra
    from hydra.errors import ConfigCompositionException

    from remix.runs.config import register_resolvers
    from remix.settings.words import check_words, settings_first
    from remix.studies.ray_launcher import find_ray_launcher

    check_words(name, arguments)
    if {"-h", "--help"}.intersection(arguments):
        from remix.cli.help import help_of

        print(help_of(name, arguments), end="")
        return
    register_resolvers()
    find_ray_launcher()
    # Our configurations of the launchers are those of the plugins with other values.
    warnings.filterwarnings("ignore", r"\s*'hydra/launcher/\w+' is validated against ConfigStore schema")
    # Hydra then raises errors instead of printing its own report of them.
    os.environ["HYDRA_FULL_ERROR"] = "1"

    failures: list[Exception] = []

    def task(config: DictConfig) -> object:
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        from remix.settings.earlier_releases import bring_up_to_date

        shield()  # a launcher may call this in another process
        find_own_modules()
        try:
            _check_folder()
            bring_up_to_date(config)
            with stoppable():
                return function(config)
        except Exception as error:
            # Hydra would print an error of a single run in its own words. A sweep needs the exception.
            if HydraConfig.get().mode is not RunMode.RUN:
                raise
            failures.append(error)
            return None

    task.__name__, task.__module__ = name, "remix.runs.experiment"
    sys.argv = [f"remix {name}", *settings_first(arguments)]
    try:
        hydra.main(version_base="1.3", config_path="pkg://remix.conf", config_name=name)(task)()
    except ConfigCompositionException as error:
        if any(said in str(error) for said in ("Ambiguous value", "requires --multirun")):
            _check_sweep(name, arguments)
        raise
    if failures:
        raise failures[0]


def _check_sweep(name: str, arguments: list[str]) -> None:
    """Raise what is wrong with a study.

    Hydra takes a study with a mistake for a single run, and objects to its several values instead.
    """
    from remix.runs.composing import composed, config_loader
    from remix.settings.words import added_folders, settings_and_options

    settings, _ = settings_and_options(arguments)
    composed(name, settings, config_loader(added_folders(arguments)), sweep=True)


def _check_folder() -> None:
    """Refuse ``hydra.job.chdir``: settings name paths from the folder in which the command is given."""
    from pathlib import Path

    from hydra.core.hydra_config import HydraConfig

    from remix.records.directory import RunDirectory
    from remix.settings.errors import SettingError

    settings = HydraConfig.get()
    if settings.job.chdir:
        os.chdir(settings.runtime.cwd)
        RunDirectory(Path(settings.runtime.output_dir)).discard()
        raise SettingError(
            "hydra.job.chdir", True, "must be false: settings name paths from the folder you are in"
        )
