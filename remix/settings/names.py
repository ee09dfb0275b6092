"""Names of runs, studies and the like: which ones are valid, and the folder names made of them."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from omegaconf import DictConfig, OmegaConf

from remix.settings.errors import SettingError
from remix.settings.redaction import redact_forms

LONGEST = 250
"""Characters of a name; MLflow's databases keep 256."""

_OF_RUN = ("env_name", "algorithm_name", "experiment_name", "run_name")
_LONGEST_FOLDER = 240  # bytes, of the 255 that file systems take
_UNSAFE = frozenset("<>:\"\\|?*'`$;&!")
"""Characters that Windows forbids or that shells act upon, besides those that cannot be seen."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Devices of Windows."""


def folder_name(text: object, longest: int = 120) -> str:
    """``text`` as the name of one folder, on every system and in every shell.

    Ordinary names stay as they are, but for blanks and slashes: names that differ in these alone share a
    folder. What else had to be changed or cut ends in a digest of the whole.
    """
    given = str(text)
    wanted = given.replace("/", ".").replace(" = ", "=").replace(" ", "_")
    masked = redact_forms(given).replace("/", ".").replace(" = ", "=").replace(" ", "_")[:longest]
    safe = "".join(c if c.isprintable() and c not in _UNSAFE else "_" for c in masked)
    safe = safe.encode()[:_LONGEST_FOLDER].decode(errors="ignore")
    name = safe.lstrip("-.~").rstrip(".")
    reserved = _RESERVED.fullmatch(name)
    if name == wanted and name and not reserved:
        return name
    digest = hashlib.sha256(given.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{'_' if reserved else ''}{name or 'unnamed'}-{digest}"


def check_name(setting: str, value: object) -> str:
    """``value`` as text.

    :raises SettingError: if it is no name: without a letter, digit or symbol, with characters that cannot be
        written or seen, or too long.
    """
    name = "" if value is None else str(value)
    shown = name if name.isprintable() else ascii(name)
    if not isinstance(value, (str, int, float)) or not any(_means_something(c) for c in name):
        raise SettingError(setting, shown[:LONGEST], "must be a name, with at least one letter or digit")
    if (wrong := next((c for c in name if _is_invisible(c)), None)) is not None:
        raise SettingError(setting, shown[:LONGEST], f"must not hold the character {wrong!r}")
    if len(name) > LONGEST:
        raise SettingError(
            setting, f"{shown[:50]}...", f"must have at most {LONGEST} characters, not {len(name)}"
        )
    return name


def check_names(config: DictConfig) -> None:
    """Check the names of a run, and of its study if it belongs to one.

    :raises SettingError: naming the first one that is not valid.
    """
    of_study = () if config.get("study") is None else ("name", "title", "panel", "variant", "metric", "score")
    for setting in (*(f"study.{key}" for key in of_study), *_OF_RUN):
        check_name(setting, OmegaConf.select(config, setting))


def _means_something(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN" or unicodedata.category(character) == "So"


def _is_invisible(character: str) -> bool:
    """Control characters, ends of lines and halves of surrogate pairs."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
