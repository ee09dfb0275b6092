"""The configuration of a run in the layout of the Lightning CLI, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DATA_KEYS = ("steps_per_epoch", "max_env_steps", "validation_episodes", "test_episodes", "seed")


def read(text: str) -> Any:
    """YAML, translated if it is a composed configuration.

    :raises ValueError: in one line, if it is broken or absurdly large.
    """
    import yaml

    from remix.runs.content import too_large
    from remix.settings.earlier_releases import in_todays_names

    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("is no YAML: " + " ".join(str(error).split())) from error
    if too_large(content):
        raise ValueError("the configuration is too large")
    content = in_todays_names(content)
    if not isinstance(content, dict) or not {"env", "algorithm", "replay", "trainer"} <= content.keys():
        return content
    try:
        return translate(content)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"is no whole configuration of a run: {error}") from error


def translate(composed: Mapping[str, Any]) -> dict[str, Any]:
    """A composed configuration in the Lightning CLI's layout."""
    data = {
        "environment": _class_path(composed["env"]),
        "workers": _class_path(composed["workers"]),
        **composed["replay"],
        **{key: composed[key] for key in DATA_KEYS},
    }
    trainer = {key: value for key, value in composed["trainer"].items() if not key.startswith("_")}
    trainer["default_root_dir"] = None
    return {
        "seed_everything": composed["seed"],
        "model": _class_path(composed["algorithm"]),
        "data": data,
        "trainer": trainer,
    }


def call_of(node: Any) -> Any:
    """``class_path`` nodes as ``_target_`` nodes, at any depth, with all the arguments that they may have."""
    if isinstance(node, list):
        return [call_of(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    if "class_path" not in node:
        return {key: call_of(value) for key, value in node.items()}
    arguments = {**(node.get("dict_kwargs") or {}), **(node.get("init_args") or {})}
    return {"_target_": node["class_path"], **call_of(arguments)}


def _class_path(node: Any) -> Any:
    """``_target_`` nodes as ``class_path`` and ``init_args``, at any depth."""
    if isinstance(node, list):
        return [_class_path(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    arguments = {key: _class_path(value) for key, value in node.items() if not key.startswith("_")}
    if "_target_" not in node:
        return arguments
    return {"class_path": node["_target_"], **({"init_args": arguments} if arguments else {})}
