"""The files that containers are made of fit together. No container is built."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
DEV_CONTAINER = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8"))
STAGES = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)


def test_stages_begin_with_each_other_and_the_first_with_python() -> None:
    names = [name for _, name in STAGES]
    assert STAGES[0][0].startswith("python:")
    assert all(start in names[:place] for place, (start, _) in enumerate(STAGES) if place)


def test_what_is_copied_and_made_is_there() -> None:
    copied = re.findall(r"^COPY (?:--\S+ )*(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert copied and all((ROOT / name).exists() for names in copied for name in names.split())
    commands = re.sub(r"^#.*", "", DOCKERFILE, flags=re.MULTILINE) + DEV_CONTAINER["postCreateCommand"]
    made = re.findall(r'\bmake(?: |", ")([.\w/-]+)', commands)
    rules = re.findall(r"^([.\w/-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"test", "train"} < set(made) <= set(rules)


def test_the_dev_container_is_a_stage_of_the_dockerfile() -> None:
    build = DEV_CONTAINER["build"]
    folder = ROOT / ".devcontainer"
    assert (folder / build["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert (folder / build["context"]).resolve() == ROOT
    assert build["target"] in [name for _, name in STAGES]
    assert re.search(rf"useradd .* {DEV_CONTAINER['remoteUser']}\b", DOCKERFILE)
