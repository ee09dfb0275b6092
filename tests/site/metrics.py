"""The names of all metrics, read from the code, and what the page on them says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/metrics.md"
NAME = re.compile(r"(train|test|final|absolute_best|absolute_last|summary|time|weighting)/[\w<>]+")
ROW = re.compile(r"^\| `([\w<>/]+)` \| (.*) \|$", re.MULTILINE)


def logged(files: Iterable[Path]) -> set[str]:
    """Names of metrics in files of code; ``<name>`` stands where a name is put together."""
    trees = (ast.parse(file.read_text("utf-8")) for file in files)
    texts = (_text(node) for tree in trees for node in ast.walk(tree))
    return {text for text in texts if text and NAME.fullmatch(text)}


@cache
def explained() -> dict[str, str]:
    """What each metric means, by the page on them."""
    return dict(ROW.findall(PAGE.read_text("utf-8")))


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_piece(value) for value in node.values)
    return None


def _piece(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.FormattedValue)
    return f"<{node.value.id}>" if isinstance(node.value, ast.Name) else "<>"
