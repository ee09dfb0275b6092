"""Digests of the files, the user's code among them, and versions of packages that decide about a run.

Own code that this process has imported stays what it was then, whatever becomes of its files: a study goes on
with it while its user works on.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import resolve_name
from pathlib import Path
from sysconfig import get_path
from typing import Any

from remix.settings.import_path import OURS
from remix.settings.named_objects import found_at, location

_INSTALLED = tuple(Path(get_path(kind)).resolve() for kind in ("purelib", "platlib", "stdlib"))


_LIBRARIES = ("torch", "pytorch_lightning")  # a newer release leaves the identity of runs


@dataclass(frozen=True)
class _Code:
    """What a file of own code says, and the dotted names that it imports."""

    digest: str
    imports: tuple[str, ...]


_imported: dict[Path, tuple[object, _Code]] = {}
"""Own code as it was when this process imported it, with the spec of its module, which a reload renews."""


def file_digest(path: Path) -> str:
    """A digest of the content of a file."""
    known = path.stat()
    return _digest(path.absolute(), known.st_mtime_ns, known.st_size)


def release() -> str:
    """The release of ReMIX."""
    try:
        return version("remix-marl")
    except PackageNotFoundError:
        return "unknown"


def of_modules(names: Iterable[str]) -> dict[str, str]:
    """What stands behind dotted names: a digest of own code, the version of an installed package.

    Own code lies neither in ReMIX nor among installed packages. It is the modules that a name leads through,
    and what these import from the same folder. Nothing is imported here.
    """
    found: dict[str, str] = {}
    for name in names:
        package = name.partition(".")[0]
        if (root := _own_folder(package)) is not None:
            for file, code in _followed(name, root).items():
                found[file.relative_to(root).as_posix()] = code.digest
        elif package not in ("remix", *_LIBRARIES) and location(package) is not None:
            found |= _versions(package)
    return found


def changed(settings: Any) -> Path | None:
    """A file of own code that settings lead to and that is no more what this process has imported.

    To be asked when what they name is built: from then on the code is known as it is.

    :param settings: plain containers.
    """
    for name in names_in(settings):
        if (root := _own_folder(name.partition(".")[0])) is not None:
            for file, code in _followed(name, root).items():
                if code.digest != file_digest(file):
                    return file
    return None


def own_modules(settings: Any) -> dict[str, str]:
    """The modules of own code that settings name, each with the folder that it is imported from.

    :param settings: plain containers.
    """
    found: dict[str, str] = {}
    for name in names_in(settings):
        root = _own_folder(name.partition(".")[0])
        if root is not None and "." in name and (files := list(_files(name, root))):
            parts = files[-1].relative_to(root).with_suffix("").parts
            found[".".join(part for part in parts if part != "__init__")] = str(root)
    return found


def is_there(module: str) -> bool:
    """Whether a module could be imported here. It is not imported."""
    place = found_at(module.partition(".")[0])
    return place is not None and any(_files_of(module, place.parent))


def names_in(value: Any) -> Iterator[str]:
    """All that may be the name of a class or of a module with a game: ``a``, ``a.B`` and ``a.b:c``.

    :param value: plain containers.
    """
    if isinstance(value, Mapping):
        for item in value.values():
            yield from names_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from names_in(item)
    elif isinstance(value, str):
        name = value.replace(":", ".", 1)
        if all(part.isidentifier() for part in name.split(".")):
            yield name


def _followed(name: str, root: Path) -> dict[Path, _Code]:
    """The files of a dotted name below a folder, and of all that they import from there."""
    found: dict[Path, _Code] = {}
    rest = [name]
    while rest:
        for file in _files(rest.pop(), root):
            if file not in found:
                found[file] = _code(file, root)
                rest += found[file].imports
    return found


def _code(file: Path, root: Path) -> _Code:
    """What this process has imported of a file; what the file says, if it was not imported or is anew."""
    name = ".".join(part for part in file.relative_to(root).with_suffix("").parts if part != "__init__")
    spec = getattr(sys.modules.get(name), "__spec__", None)
    known, code = _imported.get(file, (None, None))
    if spec is not None and known is spec and code is not None:
        return code
    code = _Code(file_digest(file), tuple(_imports(file, root)))
    if spec is not None and Path(spec.origin or "").absolute() == file:
        _imported[file] = spec, code
    return code


def _files(name: str, root: Path) -> Iterator[Path]:
    """The files of all modules on the way of a dotted name, the innermost last."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        yield from _files_of(".".join(parts[:length]), root)


def _files_of(module: str, root: Path) -> Iterator[Path]:
    """The file of a module, if it has one."""
    place = root.joinpath(*module.split("."))
    for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
        if file.is_file():
            yield file


def _own_folder(package: str) -> Path | None:
    """The folder that a top-level module of own code lies in; None if it is no own code, or not there."""
    if (place := found_at(package)) is None or package in _LIBRARIES:
        return None
    real = place.resolve()
    ours = real == OURS.resolve() or any(real.is_relative_to(folder) for folder in _INSTALLED)
    return None if ours else place.parent


def _imports(file: Path, root: Path) -> Iterator[str]:
    """The dotted names that a file imports; relative ones are resolved from its place below the folder."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # the import will say so
        return
    package = ".".join(file.relative_to(root).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            try:
                source = resolve_name(name, package) if node.level else name
            except ImportError:
                continue
            yield from (f"{source}.{alias.name}" for alias in node.names)


@cache
def _versions(package: str) -> dict[str, str]:
    found = {}
    for distribution in _distributions().get(package, ()):
        try:
            found[distribution] = version(distribution)
        except PackageNotFoundError:
            continue
    return found


@cache
def _distributions() -> dict[str, Any]:
    return dict(packages_distributions())


@cache
def _digest(path: Path, modified: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
