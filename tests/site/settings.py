"""The reference of all settings, made of ``conf/``."""

from __future__ import annotations

from remix.settings.configurations import CONF, Configuration, choices, meanings
from tests.site.tables import code, table

TABLES = ("env", "workers", "replay", "trainer", "algorithm/central", "callbacks", "logger")
"""Groups whose choices are shown with their settings."""
LISTS = ("experiment", "study", "variant", "search")
"""Groups whose choices are named: what they set are settings of the others."""
PARTS = ("algorithm/mixer", "algorithm/weighting", "algorithm/weighting/mapping")
"""Groups of parts of algorithms, likewise with their settings."""
COMMANDS = ("evaluate", "watch", "record", "export", "search")


def page() -> str:
    sections = [_of_a_run(), _algorithms(), *map(_tables, (*TABLES, *PARTS)), *map(_list, LISTS), _commands()]
    return "\n\n".join(sections)


def _of_a_run() -> str:
    return f"## A run {{#run}}\n\n{_settings(Configuration('train'))}"


def _algorithms() -> str:
    files = choices("algorithm")
    rows = [(f"[`{file.choice}`]({_page(file.choice)})", file.description) for file in files]
    return f"## `algorithm=` {{#algorithm}}\n\n{table(('', ''), rows)}"


def _page(algorithm: str) -> str:
    base = algorithm.removesuffix("_official")
    name = "remix" if base.startswith("remix") else base
    return f"algorithms/{name}.md"


def _tables(group: str) -> str:
    name = group.rpartition("/")[0]
    heading = f"## `{group}=` {{#{group.replace('/', '-')}}}"
    shown = "\n\n".join(
        f"### `{group}={file.choice}` {{#{group.replace('/', '-')}-{file.choice}}}\n\n"
        f"{file.description}\n\n{_made_of(file)}{_settings(file)}"
        for file in choices(group)
    )
    return f"{heading}\n\n{_about(name)}{shown}"


def _about(name: str) -> str:
    return f"A part of `{name}=`.\n\n" if name else ""


def _made_of(file: Configuration) -> str:
    group = file.path.rpartition("/")[0]
    bases = [path.rpartition("/")[2] for path in file.defaults() if path.rpartition("/")[0] == group]
    return f"As {' and '.join(f'`{base}`' for base in bases)}, but for:\n\n" if bases else ""


def _settings(file: Configuration) -> str:
    known = meanings(file.path)
    rows = [
        (code(setting.name), code(setting.value), setting.meaning or known.get(setting.name, ""))
        for setting in file.settings()
        if not setting.name.endswith("_target_") and not setting.value.startswith("${hydra:")
    ]
    return table(("setting", "default", "meaning"), rows) if rows else "It has no settings."


def _list(group: str) -> str:
    rows = [(code(file.choice), file.description) for file in choices(group)]
    return f"## `{group}=` {{#{group}}}\n\n{table(('', ''), rows)}"


def _commands() -> str:
    files = [Configuration(name) for name in COMMANDS if (CONF / f"{name}.yaml").exists()]
    return "\n\n".join(
        f"## `remix {file.path}` {{#{file.path}-command}}\n\n{_settings(file)}" for file in files
    )
