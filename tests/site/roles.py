"""What docstrings write for Sphinx, as a page shows it."""

from __future__ import annotations

import re


def shown(html: str) -> str:
    """Without the roles before names (``:class:``), and with one colon before indented lines."""
    return re.sub(r"::(?=</p>)", ":", re.sub(r":(?:class|meth|func|mod|attr):(?=<code)", "", html))
