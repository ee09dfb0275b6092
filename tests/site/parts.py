"""The reference of all classes that configurations name."""

from __future__ import annotations

from remix.settings import docstrings
from remix.settings.configurations import CONF, Configuration

GROUPS = {
    "Algorithms": "remix.algorithms.",
    "Mixers": "remix.networks.mixers.",
    "Networks": "remix.networks.",
    "Policies": "remix.learning.policy.",
    "Mappings of weights": "remix.weighting.mappings.",
    "Weightings": "remix.weighting.",
    "Environments": "remix.envs.",
    "Workers": "remix.learning.workers.",
    "Callbacks": "remix.callbacks.",
}
"""The beginning of the names that stand under a heading, but for those under an earlier one."""


def page() -> str:
    names, sections = _named(), list[str]()
    for title, beginning in GROUPS.items():
        chosen = [name for name in names if name.startswith(beginning)]
        names = [name for name in names if name not in chosen]
        sections += [f"## {title}", *(f"::: {name}" for name in chosen)]
    return "\n\n".join(sections)


def link(part: docstrings.Class) -> str:
    """A link to a class on this page."""
    return f"[`{_short(part.name)}`][{part.name}]"


def _named() -> list[str]:
    """All classes below ``remix`` that a configuration names, in the order of their short names."""
    files = (Configuration(str(file.relative_to(CONF).with_suffix(""))) for file in CONF.rglob("*.yaml"))
    settings = (setting for file in files for setting in file.settings())
    return sorted(
        {s.value for s in settings if s.name.endswith("_target_") and s.value.startswith("remix.")},
        key=_short,
    )


def _short(name: str) -> str:
    return name.rpartition(".")[2]
