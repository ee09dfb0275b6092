"""Configurations without a command line: what ``remix train WORDS`` would run. Free of torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from remix.runs.config import register_resolvers
from remix.settings.earlier_releases import in_todays_names
from remix.settings.errors import SettingError, brief
from remix.settings.user_errors import one_line
from remix.settings.words import check_words

_HYDRAS = re.compile(r"\$\{hydra:([^${}]+)\}")
_composing = RLock()


def compose(*words: str, command: str = "train") -> DictConfig:
    """The configuration that ``remix <command> WORDS`` would run.

    References between settings stay alive: with ``config.seed = 2`` the name of the run changes too.
    ``run_dir`` is null, which means a new folder, unless it is among the words.

    :param words: settings as on the command line, such as ``env=predator_prey`` or ``seed=2``.
    :param command: ``train``, ``search``, ``check``, ``evaluate`` or ``watch``.
    :raises SettingError: naming the first of the words that cannot be used.
    """
    for word in words:
        _check_word(word)
    try:
        with _our_rules():
            check_words(command, words)
            return without_hydra(composed(command, words))
    except Exception as error:
        if isinstance(error, SettingError) or (line := one_line(error)) is None:
            raise
        raise _mistake(line, words) from error


def composed(
    command: str, words: Sequence[str], loader: ConfigLoader | None = None, sweep: bool = False
) -> DictConfig:
    """``conf/<command>.yaml`` with the settings of a command line, Hydra's own part included, not resolved.

    :param loader: Hydra's, of a command that has its own search path.
    :param sweep: what all runs of a sweep share; settings with several values are left out.
    """
    mode = RunMode.MULTIRUN if sweep else RunMode.RUN
    with _our_rules():
        register_resolvers()
        OmegaConf.register_new_resolver(
            "sweep_directory", str, replace=True
        )  # no sweep is run, so that no folder is made
        try:
            return (loader or config_loader()).load_configuration(
                config_name=command,
                overrides=list(words),
                run_mode=mode,
                from_shell=False,
                validate_sweep_overrides=not sweep,
            )
        finally:
            register_resolvers()


def config_loader(added: Sequence[Path] = ()) -> ConfigLoader:
    """A loader of Hydra's for our configurations, apart from Hydra's global state.

    :param added: folders of further configurations.
    """
    Plugins.instance()
    search_path = create_config_search_path("pkg://remix.conf")
    for folder in added:
        search_path.prepend("command-line", f"file://{folder.absolute()}", anchor="schema")
    return ConfigLoaderImpl(config_search_path=search_path)


def without_hydra(full: DictConfig) -> DictConfig:
    """A composed configuration without Hydra's own part. References to that part become its values."""
    tree = OmegaConf.to_container(full, resolve=False)
    assert isinstance(tree, dict)
    tree.pop("hydra", None)
    config = OmegaConf.create(in_todays_names(_with_values(tree, full)))
    OmegaConf.set_struct(config, True)
    return config


def _with_values(node: Any, full: DictConfig) -> Any:
    """Plain containers, not resolved, in which ``${hydra:KEY}`` is replaced by what it stands for."""
    if isinstance(node, dict):
        return {key: _with_values(value, full) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_values(value, full) for value in node]
    if not isinstance(node, str) or not (found := _HYDRAS.search(node)):
        return node
    if found.group() == node:
        return OmegaConf.select(full, f"hydra.{found[1]}")  # None where only a command line has a value
    return _HYDRAS.sub(lambda match: str(OmegaConf.select(full, f"hydra.{match[1]}")), node)


@contextmanager
def _our_rules() -> Iterator[None]:
    """Within, Hydra goes by the rules of the version that our configurations are written for.

    The version is a state of the whole process. Threads therefore wait for each other.
    """
    with _composing:
        rules = version.VersionBase.instance()
        before = rules.version_base
        version.setbase("1.3")
        try:
            yield
        finally:
            rules.version_base = before


def _check_word(word: object) -> None:
    """Refuse what is no text, and what only a command line makes use of."""
    if not isinstance(word, str):
        raise SettingError(
            "words", brief(word), "must be texts, one for each setting: 'seed=2', 'env=climbing'"
        )
    key, _, value = word.partition("=")
    if word.startswith("-"):
        raise SettingError(
            key, value, "is an option of the command line; own configurations are found in conf/"
        )
    if re.split(r"[./@]", key.lstrip("+~"))[0] == "hydra" and not key.endswith("hydra.searchpath"):
        raise SettingError(key, value, "is for the command line; here run_dir=FOLDER is the place of a run")


def _mistake(line: str, words: Sequence[str]) -> SettingError:
    """The error that a line tells of. If the line gives no value of the setting, the words do."""
    about, _, expected = line.partition(": ")
    setting, _, value = about.partition("=")
    given = {key: text for key, _, text in (word.lstrip("+~").partition("=") for word in words)}
    return SettingError(setting, value or given.get(setting, ""), expected)
