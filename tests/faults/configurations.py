"""Malformed settings, drawn from the configurations of ``conf``: each is one line, and nothing is left."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

from hydra.utils import get_object
from omegaconf import OmegaConf

import remix
from remix.settings.words import group_choices
from tests.faults.cases import Case, left_nothing, refused
from tests.faults.commands import TINY, call

COUNT = 200
GROUPS = ("env", "algorithm", "workers", "replay", "trainer", "callbacks", "logger", "variant")
BASES = (
    ("env=predator_prey", "algorithm=remix"),
    ("env=smac", "algorithm=qplex"),
    ("env=smacv2", "algorithm=remix"),
    ("env=matrix_game", "algorithm=vdac_vmix", "workers=process"),
    ("env=two_step", "algorithm=fop", "logger=csv"),
    ("env=penalty", "algorithm=dop"),
    ("env=branch_chain", "algorithm=qtran"),
    ("env=climbing", "algorithm=cw_qmix", "workers=process"),
)
OPEN = ("tags", "options", "study")
"""Mappings that may hold anything."""

VALID = re.compile(r"\bmust\b|unknown setting|cannot be read|need |not found|too large|has no ")
"""How a line says what would be valid."""


@dataclass(frozen=True)
class Leaf:
    """A setting with its default, whether null is as good, and whether it is counted in whole numbers."""

    key: str
    value: Any
    nullable: bool
    whole: bool


def cases(seed: int) -> list[Case]:
    random = Random(seed)
    return [_case(random) for _ in range(COUNT)]


def _case(random: Random) -> Case:
    base = random.choice(BASES)
    leaf = random.choice(_leaves(base))
    words = random.choice(list(_malformed(leaf, random)))
    return Case(" ".join((*base, words)), partial(_check, base, words))


def _check(base: tuple[str, ...], words: str, home: Path) -> None:
    others = ("env=", "algorithm=", "logger=", "callbacks=", "++callbacks.")
    kept = [word for word in TINY if not word.startswith(others)]
    outcome = call(home, "train", *kept, *base, words)
    key = re.split(r"=|@", words.lstrip("+~"))[0].strip()
    refused(outcome, re.split(r"[./]", key)[-1])
    assert VALID.search(outcome.err), f"does not say what is valid: {outcome.end}"
    left_nothing(home)


def _malformed(leaf: Leaf, random: Random) -> Iterator[str]:
    """Words that cannot work, by what is wrong with them."""
    key, value = leaf.key, leaf.value
    if isinstance(value, int | float):
        yield from (f"{key}={wrong}" for wrong in ("abc", "[1]", "{a: 1}", "nan", "'1'", "", "1e999", "0x1"))
    if isinstance(value, int | float) and not leaf.nullable:
        yield f"{key}=null"
    if leaf.whole:
        yield from (f"{key}={wrong}" for wrong in ("-7", "1.5", "true", str(2**70)))
    if isinstance(value, list):
        yield from (f"{key}={wrong}" for wrong in ("5x", "{a: 1}", "[[[nan]]]", "[]", "[abc]"))
    yield from (f"{key}={wrong}" for wrong in ("'a", "{a", "[1,", "a,b", "${nowhere}", "]", 'a"b'))
    yield from (f"{key}x=1", f"{key}.deeper=1", f"+{key}x=1")
    group = random.choice(GROUPS)
    yield from (f"{group}={wrong}" for wrong in ("nonsense", "null", "5", "[a, b]", "../env", "."))
    if nodes := [name for name in ("algorithm.policy", "algorithm.optimizer") if key.startswith(f"{name}.")]:
        yield from (f"{nodes[0]}={wrong}" for wrong in ("5", "null", "[1]"))
        yield from (f"{nodes[0]}._target_={wrong}" for wrong in ("os.nothing", "5", "torch.optim.Adamm", ""))


@cache
def _leaves(base: tuple[str, ...]) -> list[Leaf]:
    """The settings of a composed configuration that can be malformed."""
    tree = OmegaConf.to_container(remix.compose("run_dir=x", *base), resolve=False)
    assert group_choices("env"), "conf is not where it was"
    return [leaf for leaf in _walk(tree, "", None) if isinstance(leaf.value, int | float | list)]


def _walk(node: Any, key: str, parameters: Any) -> Iterator[Leaf]:
    if isinstance(node, dict):
        if isinstance(target := node.get("_target_"), str):
            parameters = inspect.signature(get_object(target)).parameters
        for name, value in node.items():
            if not str(name).startswith("_") and name not in OPEN:
                known = parameters if "_target_" in node else None
                yield from _walk(value, f"{key}.{name}".lstrip("."), known)
        return
    name = key.rpartition(".")[2]
    annotation = str(parameters[name].annotation) if parameters and name in parameters else ""
    nullable = any(word in annotation for word in ("None", "Optional", "Any"))
    yield Leaf(key, node, nullable, type(node) is int and "float" not in annotation)
