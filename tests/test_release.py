"""A release says its number once more where people look for it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

TOP = Path(__file__).parents[1]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]


def test_version():
    cited = yaml.safe_load((TOP / "CITATION.cff").read_text())["version"]
    (newest, *_) = re.findall(r"^## (\S+) - ", (TOP / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert PROJECT["version"] == cited == newest


def test_dependencies_are_bounded():
    """A new major version of a library is taken up on purpose."""
    extras = (names for extra, names in PROJECT["optional-dependencies"].items() if extra not in TOOLS)
    for requirement in [*PROJECT["dependencies"], *(name for names in extras for name in names)]:
        assert "<" in requirement or " @ " in requirement, requirement


TOOLS = ("dev", "docs", "notebooks", "release")
"""Extras that nothing of ReMIX imports."""
