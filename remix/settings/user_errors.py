"""Exceptions in one line each: what a user can mend, and what nobody expected."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Sequence
from traceback import walk_tb

from remix.settings.configurations import elsewhere
from remix.settings.earlier_releases import RENAMED
from remix.settings.errors import CheckFailed, Diverged, GameError, SettingError, first_line, one_of
from remix.settings.other_names import meant
from remix.settings.own_code import own_traceback, summary
from remix.settings.words import group_choices

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HEADER = re.compile(r"(?:Expected header format: KEY VALUE, got|Too many components in) '(@.*)'")


def one_line(error: BaseException) -> str | None:
    """What to tell the user, or None if the error is not of the user's making."""
    if isinstance(error, SettingError | GameError | Diverged | CheckFailed):
        return str(error)
    if isinstance(error, MemoryError):
        return f"the memory does not suffice: {error or 'no more can be had'}"
    if full_disk(error):
        return "the disk is full, or a quota is; with more room, a run goes on with resume=auto"
    return _hydra(error) or _launcher(error) or _file(error) or _lightning(error)


def full_disk(error: BaseException | None) -> bool:
    """Whether an error, or one that it was raised from, says that the disk is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if "database or disk is full" in str(error):  # SQLite's words
            return True
        error = error.__cause__ or error.__context__
    return False


def details(error: BaseException) -> str:
    """The traceback of the user's own code if the error arose there, else an empty text."""
    link: BaseException | None = error
    while link is not None:
        if found := getattr(link, "details", ""):
            return f"{found.rstrip()}\n"
        link = link.__cause__
    return "" if one_line(error) else own_traceback(error)


def unexpected(error: BaseException) -> str:
    """One line about an error that nobody expected, and how to see its traceback."""
    kept = "; ".join(getattr(error, "__notes__", ())) or "-v shows the traceback"
    return f"unexpected {summary(error)}; {kept}"


def _launcher(error: BaseException) -> str | None:
    """What to say of a launcher whose plugin or whose cluster is missing."""
    text = str(error)
    missing = re.search(r"Unknown plugin class : 'hydra_plugins\.hydra_(\w+)_launcher", text)
    if isinstance(error, RuntimeError) and missing:
        extra = {"joblib": "joblib", "submitit": "slurm"}.get(missing[1])
        package = f"hydra-{missing[1]}-launcher" if extra is None else f"'remix-marl[{extra}]'"
        return f"hydra/launcher: is not installed; pip install {package}"
    if isinstance(error, RuntimeError) and "srun" in text:
        return "hydra/launcher=submitit_slurm: there is no srun here; start it on a node of the Slurm cluster"
    return None


def _file(error: BaseException) -> str | None:
    """What to say of a file that cannot be read or written, or is no YAML."""
    from yaml import MarkedYAMLError

    if isinstance(error, RecursionError) and _reading(error):
        return "a configuration cannot be read: it is nested too deeply, or holds itself"
    if isinstance(error, UnicodeDecodeError):
        return f"a file that should be text in UTF-8 is not: {error}"
    if isinstance(error, ValueError) and (header := _HEADER.fullmatch(str(error))):
        return f"# {header[1]}: heads a configuration, and must have one word after its name"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MarkedYAMLError) and (mark := error.problem_mark) is not None:
        return f"{mark.name}, line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return None


def _reading(error: BaseException) -> bool:
    """Whether an error arose while YAML was read or made a configuration."""
    frames = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    return any(name.partition(".")[0] in ("yaml", "omegaconf") for name in frames)


def _lightning(error: BaseException) -> str | None:
    """What to say of arguments or callbacks that Lightning refuses."""
    from lightning_fabric.utilities.exceptions import MisconfigurationException

    return " ".join(str(error).split()) if isinstance(error, MisconfigurationException) else None


def _hydra(error: BaseException) -> str | None:
    from hydra.errors import HydraException, MissingConfigException, OverrideParseException
    from omegaconf.errors import (
        ConfigAttributeError,
        ConfigKeyError,
        InterpolationResolutionError,
        MissingMandatoryValue,
        OmegaConfBaseException,
    )

    inner: BaseException | None = error
    while isinstance(inner, InterpolationResolutionError):
        inner = inner.__context__
    if inner is not error and isinstance(inner, OSError):  # of the resolver that makes the folder of a run
        return _file(inner)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _no_such_choice(str(error.missing_cfg_file), error.options or ())
    if isinstance(error, OverrideParseException):
        quotes = "cannot be read: special signs need quotes, as in \"SETTING='VALUE'\""
        return f"{error.override}: {quotes if '=' in str(error.override) else 'must be SETTING=VALUE'}"
    cause = error.__cause__ if isinstance(error, HydraException) else error
    if isinstance(cause, MissingMandatoryValue):
        return f"{cause.full_key}=???: must be given"
    if isinstance(cause, ConfigKeyError | ConfigAttributeError) and cause.parent_node is not None:
        name = str(cause.full_key or cause.key)
        if cause is error:  # nobody asked for it but the code
            return f"{name}=???: must be given"
        if name in RENAMED:
            return f"{name}: is {RENAMED[name]} now"
        parent = cause.parent_node
        choices = _public(parent) if hasattr(parent, "keys") else []
        if name.startswith("env.") and name.count(".") == 1 and not choices:
            # Commands that change the environment of a run have env={}.
            return f"{name}: nothing is set there yet; write +{name}=VALUE"
        perhaps, listed = meant(_written(error) or name, parent), one_of(choices, name.rpartition(".")[2])
        return f"{name}: unknown setting{perhaps}; {listed}{elsewhere(name)}"
    if isinstance(error, HydraException | OmegaConfBaseException):
        return _text(error, cause)
    return None


def _written(error: BaseException) -> str | None:
    """The whole name of a setting that Hydra cannot set, of which it knows no part or the first ones."""
    written = re.match(r"Could not override '([^']+)'", str(error))
    return written and written[1]


def _no_such_choice(missing: str, options: Sequence[str]) -> str:
    group, _, choice = missing.rpartition("/")
    if not group:
        return f"--config-name={choice}: there is no configuration of that name"
    return f"{group}={choice}: {one_of(_public(options) or group_choices(group), choice)}"


def _text(error: BaseException, cause: BaseException | None) -> str:
    """Hydra's and OmegaConf's own words, with the setting in front."""
    text = " ".join(str(error).split())
    if several := re.match(r"Ambiguous value for argument '([^=]*)=(.*?)'", text):
        key, values = several.groups()
        return f"{key}={values}: several values need -m, a list needs brackets: {key}=[{values}]"
    if absent := re.match(r"Could not override '([^']+)'\. No match in the defaults list", text):
        return f"{absent[1]}: cannot be chosen with this command; --help shows what can"
    if (merged := re.match(r"Error merging override (.*)", text)) and "Cannot merge DictConfig" in str(cause):
        key = merged[1].partition("=")[0].lstrip("+")
        return f"{merged[1]}: must be settings; single ones are set by {key}.NAME=VALUE"
    if merged and cause is not None:
        return f"{merged[1]}: {first_line(cause)}"
    if deleted := re.search(r"Key '(\w+)' is not in struct", text):
        return f"{deleted[1]}=???: must be given"
    key = getattr(error, "full_key", None)
    if not text and cause is not None:  # of a configuration's file, which nobody names
        return f"a configuration cannot be read: {first_line(cause)}"
    return f"{key}: {first_line(error)}" if key else text


def _public(options: Iterable[object]) -> list[str]:
    return [str(option) for option in options if not str(option).startswith("_")]
