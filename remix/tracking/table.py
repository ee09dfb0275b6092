"""The metrics of a run as a table, for everything that reads CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from remix.settings.files import replace_text
from remix.tracking.journal import Journal

TABLE = "metrics.csv"
"""In a run's directory with ``logger=csv``, and where ``remix report RUN`` writes: a line per entry of the
journal."""


def write_table(directory: Path, output: Path) -> Path:
    """Write the journal of a run into ``<output>/metrics.csv``: whatever happens, a whole table is there."""
    rows = [{"step": entry.step, **entry.values} for entry in Journal(directory).entries()]
    names = {name: None for row in rows for name in row}
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    replace_text(output / TABLE, text.getvalue())
    return output / TABLE
