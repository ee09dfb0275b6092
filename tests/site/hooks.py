"""What MkDocs calls while it builds the site (``hooks`` in ``mkdocs.yml``)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from tests.site import algorithms, formulas, notebooks, outside, parts, roles, settings

MADE = re.compile(r"^<!-- made: (\w+) -->$", re.MULTILINE)
"""A line in a page of ``docs/`` in whose place something is put that is made of the code."""

MAKERS: dict[str, Callable[[str], str]] = {
    "settings": lambda _: settings.page(),
    "parts": lambda _: parts.page(),
    "algorithm": algorithms.end_of_page,
}
"""From the name in such a line, and that of the page, to Markdown."""


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Adds the pages that stand outside of ``docs/``."""
    for path in outside.files():
        files.append(File.generated(config, path, abs_src_path=str(outside.ROOT / path)))
    for path in notebooks.paths():
        body, pictures = notebooks.page(path, config.repo_url or "")
        files.append(File.generated(config, str(PurePath(path).with_suffix(".md")), content=body))
        for name, content in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Puts in what is made of the code, and turns links to where their pages are on the site."""
    name = PurePath(page.file.src_uri).stem
    made = MADE.sub(lambda found: MAKERS[found[1]](name), markdown)
    return outside.as_on_the_site(made, page.file.src_uri)


def on_page_content(html: str, **_: Any) -> str:
    return roles.shown(formulas.as_mathml(html))
