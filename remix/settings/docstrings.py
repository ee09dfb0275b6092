"""What classes say of themselves, read without importing them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache

from remix.settings.import_path import OURS

ROOT = OURS.parent.resolve()
"""The folder that the package is in."""


@dataclass(frozen=True)
class Class:
    """A class of ReMIX.

    :param name: with its module, ``remix.networks.mixers.qmix.QMixer``.
    :param file: below the folder that the package is in.
    :param bases: classes of ReMIX that it is derived from, by full names.
    """

    name: str
    file: str
    docstring: str
    bases: tuple[str, ...]

    @property
    def summary(self) -> str:
        return self.docstring.partition("\n")[0].strip()

    @property
    def parameters(self) -> dict[str, str]:
        """What is said of each argument of the constructor, its own or inherited."""
        found = re.findall(r"^:param (\w+):\s*(.+?)(?=^\S|^$|\Z)", self.docstring, flags=re.M | re.S)
        own = {name: " ".join(text.split()).removesuffix(".") for name, text in found}
        inherited = [find(base).parameters for base in reversed(self.bases)]
        return {name: text for parameters in (*inherited, own) for name, text in parameters.items()}

    def lineage(self) -> list[Class]:
        """The class and all that it is derived from, below ``remix``."""
        return [self, *(above for base in self.bases for above in find(base).lineage())]


@cache
def find(name: str) -> Class:
    """The class, or the function that makes one, of a dotted name below ``remix``."""
    module, _, short = name.rpartition(".")
    path = ROOT / f"{module.replace('.', '/')}.py"
    tree = ast.parse(path.read_text("utf-8"))
    homes = _homes(module, tree)
    defined = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    if short not in defined:
        return find(homes[short])
    node = defined[short]
    bases = [homes.get(base.id, "") for base in getattr(node, "bases", ()) if isinstance(base, ast.Name)]
    ours = tuple(base for base in bases if base.startswith("remix."))
    return Class(name, str(path.resolve().relative_to(ROOT)), ast.get_docstring(node) or "", ours)


def _homes(module: str, tree: ast.Module) -> dict[str, str]:
    """Full names of what a module defines and imports, by the names that it has there."""
    homes: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            homes |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    own = {node.name: f"{module}.{node.name}" for node in tree.body if isinstance(node, ast.ClassDef)}
    return homes | own
