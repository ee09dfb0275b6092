"""The words of a command line: settings and options, checked and put in the order that Hydra takes."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from importlib.resources import files
from io import StringIO
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from remix.settings.errors import SettingError, one_of
from remix.settings.project import check_added, configuration_folders, own_configurations

_NAMING = ("--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp")
"""Options whose value is the next word."""

_PRESETS = ("experiment", "variant")
"""Groups whose files set what others hold."""


def check_words(name: str, words: Sequence[str]) -> None:
    """Find the mistakes in settings that Hydra has no words for, or no objection to.

    :param name: of the command, whose configuration is ``conf/<name>.yaml``.
    :raises SettingError: naming the first of them.
    """
    options = [word for word in words if word.startswith("-") and word != "-"]
    _check_options(options, words)
    _check_modes(words)
    for folder in added_folders(words):
        check_added(folder)
    for word in words:
        key, equals, value = word.partition("=")
        if not key.strip("+~ ") and not word.startswith("-"):
            raise SettingError(key, value, "must be SETTING=VALUE")
        if (choices := group_choices(key.lstrip("~"))) and key.lstrip("~") != "hydra":
            if key.startswith("~"):
                raise SettingError(key, value, f"cannot be left out; {one_of(choices)}")
            if equals and _is_no_name(value):
                raise SettingError(key, value, one_of(choices))
            if re.search(r"\.yaml\b", value):  # which Hydra takes, and keeps in the names of runs
                raise SettingError(key, value, "must stand without '.yaml'")
        if key.startswith("+") and not any("config-dir" in option or option == "-cd" for option in options):
            _check_added(name, key.lstrip("+"), value, words)


def settings_and_options(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Settings and options, whose values may be spelled like settings."""
    settings: list[str] = []
    options: list[str] = []
    for before, word in pairwise(("", *words)):
        is_value = before in _NAMING or word.startswith("-")
        is_setting = not is_value and ("=" in word or word.startswith("~"))
        (settings if is_setting else options).append(word)
    return settings, options


def settings_first(words: Sequence[str]) -> list[str]:
    """Settings before options, the only order that Hydra's parser takes."""
    return list(chain(*settings_and_options(words)))


def with_checkpoint(words: Sequence[str]) -> list[str]:
    """A first word that is no setting names the checkpoint."""
    if words and words[0] and not words[0].startswith("-") and not _is_setting(words[0]):
        return [f"checkpoint={quoted(words[0])}", *words[1:]]
    return list(words)


def quoted(text: str) -> str:
    """A value that Hydra and OmegaConf read as just this text.

    Backslashes count where a quotation mark, the end or a reference follows, and nowhere else.
    """
    plain = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)
    inner = re.sub(r"(\\*)('|\Z)", lambda found: 2 * found[1] + found[2].replace("'", "\\'"), plain)
    return f"'{inner}'"


def group_choices(group: str) -> list[str]:
    """The configurations of a group, of ReMIX and of the project; none if there is no such group."""
    if not group or "." in group:
        return []
    folders = (folder.joinpath(*group.split("/")) for folder in configuration_folders())
    return [path.stem for path in chain(*(folder.glob("[!_]*.yaml") for folder in folders))]


def _is_no_name(value: str) -> bool:
    """Whether Hydra reads a value as null, as true or false, or as a number."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        read = OverridesParser.create().parse_override(f"key={value}").value()
    except HydraException:
        return False
    return read is None or isinstance(read, (bool, int, float))


def _is_setting(word: str) -> bool:
    """``key=value``, and no path of folders such as ``p=-2``."""
    key, equals, _ = word.partition("=")
    return bool(equals) and "/" not in key and not os.path.exists(word)


def _check_added(name: str, key: str, value: str, words: Sequence[str]) -> None:
    """What is added at the top is a mistake, unless other settings refer to it."""
    top = key.partition("@")[0].partition(".")[0].partition("/")[0]
    known = {"hydra", *_top_level(name), *_own_groups()}
    if top not in known and not any(f"${{{top}" in word for word in words):
        raise SettingError(key, value, f"unknown setting; {one_of(known, top)}")


def check_top_level(settings: Mapping[str, Any]) -> None:
    """What a file of the project sets at the top is a mistake, too, unless something refers to it.

    :param settings: of a run; references may be resolved.
    :raises SettingError: naming the first one that would count for nothing.
    """
    known = {"hydra", *_top_level("train"), *_own_groups()}.difference(_PRESETS)
    strange = [name for name in settings if name not in known]
    if not strange:
        return
    folders = [*configuration_folders()[1:], *added_folders(sys.argv[1:])]
    files_here = [file for folder in folders for file in folder.rglob("*.yaml") if file.is_file()]
    written = [file.read_text("utf-8", errors="replace") for file in files_here]
    said = " ".join([*written, str(settings), *sys.argv])
    for name in strange:
        if re.search(rf"\$\{{[^}}]*(?<!\w)(?<!\w\.){re.escape(name)}\b", said):
            continue
        if name in _PRESETS:
            expected = f"changes nothing; the file of {name}= must begin with the line '# @package _global_'"
            raise SettingError(name, settings[name], expected)
        raise SettingError(name, settings[name], f"unknown setting; {one_of(known, name)}")


def _check_options(options: Sequence[str], words: Sequence[str]) -> None:
    """Hydra answers an option that it does not know with its usage, of many lines."""
    if not options:
        return
    from hydra._internal.utils import get_args_parser

    if "--version" in options:  # Hydra's
        raise SettingError("--version", "", "is 'remix --version' here")
    said = StringIO()
    try:
        with redirect_stderr(said):
            if get_args_parser().parse_args(settings_first(words)).shell_completion:
                raise SettingError("--shell-completion", "", "is 'remix completion' here")
    except SystemExit:
        key, _, value = " ".join(options).partition("=")
        problem = said.getvalue().strip().rpartition("error: ")[2]
        expected = f"{problem}; groups and settings stand without dashes, as in algorithm=qmix seed=2"
        raise SettingError(key, value, expected) from None


def _check_modes(words: Sequence[str]) -> None:
    """Hydra shows the configuration of one run alone."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--cfg", "-c")
    for option in (("--multirun", "-m"), ("--run", "-r"), ("--resolve",)):
        parser.add_argument(*option, action="store_true")
    try:
        given = parser.parse_known_args(words)[0]
    except argparse.ArgumentError:  # without what to show; Hydra says so
        return
    if given.cfg and given.multirun:
        expected = "shows one run: leave out -m, and give each setting one value"
        raise SettingError("--cfg", given.cfg, expected)
    if given.run and (given.cfg or given.multirun):
        raise SettingError("--run", "true", "must stand without --cfg and --multirun")
    if given.resolve and not given.cfg:
        raise SettingError("--resolve", "true", "belongs to --cfg job")


def added_folders(words: Sequence[str]) -> list[Path]:
    """Those of ``--config-dir`` and its short form ``-cd``."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--config-dir", "-cd", type=Path, action="append", default=[])
    try:
        folders: list[Path] = parser.parse_known_args(words)[0].config_dir
    except argparse.ArgumentError:  # without a folder; Hydra says so
        return []
    return folders


def _own_groups() -> list[str]:
    """Those of the project, whether or not ReMIX has them too."""
    folder = own_configurations()
    return [] if folder is None else [path.name for path in folder.iterdir() if path.is_dir()]


def _top_level(name: str) -> Iterator[str]:
    """The settings and groups at the top of a primary configuration."""
    import yaml

    primary = yaml.safe_load((files("remix.conf") / f"{name}.yaml").read_text())
    for entry in primary.pop("defaults"):
        if isinstance(entry, dict):
            yield from (group.split()[-1].lstrip("/") for group in entry)
        elif entry != "_self_":
            yield from _top_level(entry)
    yield from primary
