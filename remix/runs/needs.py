"""The modules of the user's own that a file of a run names, and the project that they are in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from remix.runs import sources
from remix.runs.trust import shortened
from remix.settings.errors import SettingError
from remix.settings.named_objects import below


def check_needs(
    setting: str,
    path: Path,
    needs: Mapping[str, str],
    named: Any,
    consent: Callable[[Iterable[str]], str] = lambda packages: f"trust=[{','.join(packages)}]",
) -> None:
    """See that what a file names is found from here, so far as it is known which project it is of.

    :param setting: that names the file, for errors.
    :param needs: the folder of every module of the user's own, by its name.
    :param named: what of the file is to be built, plain containers.
    :param consent: how to consent to packages, for errors.
    :raises SettingError: naming the module and its project.
    """
    names = list(sources.names_in(named))
    wanted = [module for module in needs if any(below(name, module) for name in names)]
    packages = dict.fromkeys(shortened(module.partition(".")[0]) for module in wanted)
    for module in wanted:
        if sources.is_there(module):
            continue
        folder = needs[module]
        advice = (
            f"in {shortened(folder)}: go there, or set PYTHONPATH to it and {consent(packages)}"
            if os.path.isdir(str(folder))
            else f"that was in {shortened(folder)}: go to where it is now"
        )
        expected = f"needs the module {shortened(module)} of the project {advice}"
        raise SettingError(setting, path, expected)
