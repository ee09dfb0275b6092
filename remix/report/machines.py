"""What a study cost: time, machines, versions of the code, and the settings in which its variants differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from statistics import median

from remix.report.differences import settings_table
from remix.report.markup import Block, Bullets, Section, Table
from remix.report.results import Run, StudyResults
from remix.report.style import named
from remix.report.text import natural, shortened

FACTS = (
    "processor",
    "cores",
    "threads",
    "device",
    "system",
    "git_commit",
    "remix_version",
    "python_version",
    "torch_version",
    "lightning_version",
    "numpy_version",
    "numba_version",
)
"""What runs say of their machine and code, as far as they were asked (:mod:`remix.records`)."""


def cost(results: StudyResults) -> Section | None:
    """The section about all finished runs; None if none of them says anything."""
    runs = [run for run in results.runs if run.counts]
    if not any(run.facts for run in runs):
        return None
    blocks: list[Block] = [_times(results), Bullets(_places(runs))]
    if (table := settings_table(results)) is not None:
        blocks += ["Settings in which the variants differ:", table]
    return Section("Cost, machines and settings", blocks)


def facts_of(known: Mapping[str, object]) -> dict[str, str]:
    """Of all that a run says of itself."""
    return {fact: str(known[fact]) for fact in FACTS if fact in known}


def _times(results: StudyResults) -> Table:
    rows = []
    for variant in results.variants:
        runs = [run for panel in results.panels for run in results.of(panel, variant)]
        known = [run for run in runs if not isnan(run.seconds)]
        if known:
            total = sum(run.seconds for run in known)
            speed = median(run.env_steps[-1] / max(run.seconds, 1e-9) for run in known)
            minutes = median(run.seconds for run in known) / 60
            cells = [f"{len(known)}", f"{total / 3600:.2f}", f"{minutes:.1f}", f"{speed:,.0f}"]
            rows.append([named(results, variant), *cells])
    return Table(["variant", "runs", "hours", "minutes a run", "steps/s"], rows)


def _places(runs: Sequence[Run]) -> list[str]:
    """A sentence for every fact, with the number of runs where they differ."""
    sentences = []
    for fact in FACTS:
        values = [run.facts[fact] for run in runs if run.facts.get(fact)]
        each = [
            shortened(v) + (f" ({values.count(v)} runs)" if len(set(values)) > 1 else "")
            for v in sorted(set(values), key=natural)
        ]
        if each:
            sentences.append(f"{fact.replace('_', ' ')}: {', '.join(each)}")
    return sentences
