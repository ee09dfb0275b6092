"""Pages and pictures of the site that stand outside of ``docs/``."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("RESULTS.md", "CHANGELOG.md", "CONTRIBUTING.md", "envs/skirmish/README.md")


def files() -> list[str]:
    """Paths below the root of these pages, and of the pictures there that they or pages of ``docs/`` show."""
    shown = [picture for page in PAGES for picture in _pictures(ROOT / page)]
    above = [picture for page in sorted(ROOT.glob("docs/*.md")) for picture in _pictures(page)]
    pictures = [*shown, *(picture.removeprefix("../") for picture in above if picture.startswith("../"))]
    return [*PAGES, *dict.fromkeys(pictures)]


def _pictures(page: Path) -> list[str]:
    return re.findall(r"!\[.*?\]\((\S+?)\)", page.read_text("utf-8"))


def as_on_the_site(markdown: str, page: str) -> str:
    """A page whose links lead to the pages of the site.

    There ``docs/`` and the root of the repository are one folder, and notebooks are pages.

    :param page: its path below that folder.
    """
    up = "../" * page.count("/")
    inside = re.sub(rf"\]\({up}(\.\./|docs/)", f"]({up}", markdown)
    return re.sub(r"\]\((\S+)\.ipynb\)", r"](\1.md)", inside)
