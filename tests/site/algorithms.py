"""What stands at the end of an algorithm's page: its files, settings and metrics, made of these."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from omegaconf import OmegaConf

import remix
from remix.settings import docstrings
from remix.settings.configurations import CONF, HIDDEN, Configuration, meanings
from tests.site import metrics, parts
from tests.site.tables import code, table

PARTS = ("mixer", "central", "weighting", "critic", "recogniser", "policy")
"""Settings of an algorithm that are classes of their own."""
GLOBAL = ("replay", "trainer.gradient_clip_val")
"""Settings beside its own that an algorithm may choose."""


def end_of_page(name: str) -> str:
    """Of ``algorithm=NAME``."""
    composed = _composed(name)
    classes = _classes(composed["algorithm"])
    sections = [
        f"## Files\n\n{_files(name, classes)}",
        f"## Settings\n\n{_settings(name, composed)}",
        *_of_its_authors(name, composed),
        f"## Metrics\n\n{_metrics(classes)}",
    ]
    return "\n\n".join(sections)


def _composed(name: str) -> dict[str, Any]:
    content = OmegaConf.to_container(remix.compose(f"algorithm={name}"), resolve=False)
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def _classes(algorithm: dict[str, Any]) -> dict[str, docstrings.Class]:
    """The classes of its parts, by what they are called."""
    nodes = {"algorithm": algorithm, **{part: algorithm.get(part) for part in PARTS}}
    return {part: docstrings.find(node["_target_"]) for part, node in nodes.items() if node}


def _files(algorithm: str, classes: dict[str, docstrings.Class]) -> str:
    rows = [(name, parts.link(part), code(part.file)) for name, part in classes.items()]
    return table(
        ("part", "class", "file"), [*rows, ("configuration", "", code(f"conf/algorithm/{algorithm}.yaml"))]
    )


def _settings(name: str, composed: dict[str, Any]) -> str:
    known = meanings("train") | meanings("replay/default") | meanings("trainer/default")
    known |= meanings(f"algorithm/{name}")
    return table(
        ("setting", "value", "meaning"),
        [
            (code(setting), code(value), known.get(setting, ""))
            for setting, value in _chosen(composed).items()
        ],
    )


def _of_its_authors(name: str, composed: dict[str, Any]) -> Iterator[str]:
    """What else ``algorithm=NAME_official`` and the like choose."""
    own = _chosen(composed)
    for path in sorted(CONF.glob(f"algorithm/{name}_*.yaml")):
        other = _chosen(_composed(path.stem))
        differing = sorted(key for key in own | other if own.get(key) != other.get(key))
        rows = [(code(key), code(own.get(key, "")), code(other.get(key, ""))) for key in differing]
        description = Configuration(f"algorithm/{path.stem}").description
        yield f"### `algorithm={path.stem}`\n\n{description}\n\n{table(('setting', name, path.stem), rows)}"


def _chosen(composed: dict[str, Any]) -> dict[str, str]:
    flat = dict(_flat("", composed))
    return {
        name: value
        for name, value in flat.items()
        if name.startswith(("algorithm.", GLOBAL[0])) or name == GLOBAL[1]
        if not (name.endswith("_target_") and value.startswith("remix."))
    }


def _flat(prefix: str, node: dict[Any, Any]) -> Iterator[tuple[str, str]]:
    for key, value in node.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, dict):
            yield from _flat(name, value)
        elif key not in HIDDEN:
            yield name, value if isinstance(value, str) else json.dumps(value)


def _metrics(classes: dict[str, docstrings.Class]) -> str:
    files = {docstrings.ROOT / above.file for part in classes.values() for above in part.lineage()}
    known = metrics.explained()
    names = sorted(name for name in metrics.logged(files) if name in known)
    return table(("metric", "meaning"), [(code(name), known[name]) for name in names])
