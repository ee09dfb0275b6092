"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_text_is_in_utf_8_whatever_the_locale_has(tmp_path: Path) -> None:
    """Others read it as such, OmegaConf for one."""
    code = "from remix.settings.files import *; replace_text(Path('x'), 'gr\\xf6\\xdfe')"
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", code], env=os.environ | locale, cwd=tmp_path, check=True)
    assert (tmp_path / "x").read_text(encoding="utf-8") == "größe"
