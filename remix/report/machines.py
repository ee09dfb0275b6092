"""What a study cost: time, machines, versions of the code, and the settings in which its variants differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from statistics import median

from remix.report.markup import Block, Bullets, Section, Table
from remix.report.results import Run, StudyResults
from remix.report.style import label
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

_OF_THE_RUN = {"seed", "panel", "variant", "run_dir", "trainer.default_root_dir"}

_MOST_SETTINGS = 40
"""Lines of the table of settings."""


def cost(results: StudyResults) -> Section | None:
    """The section about all finished runs; None if none of them says anything."""
    runs = [run for run in results.runs if run.counts]
    if not any(run.facts for run in runs):
        return None
    blocks: list[Block] = [_times(results), Bullets(_places(runs))]
    if len(rows := _differing(results)) > 0:
        blocks += ["Settings in which the variants differ:", _settings(results, rows)]
    return Section("Cost, machines and settings", blocks)


def facts_of(known: Mapping[str, object]) -> dict[str, str]:
    """Of all that a run says of itself."""
    return {fact: str(known[fact]) for fact in FACTS if fact in known}


def commits(results: StudyResults) -> list[str]:
    """Of the code of the finished runs, as far as they say; several commits are several codes."""
    found = {run.facts.get("git_commit", "") for run in results.runs if run.counts}
    return sorted(found - {"", "unknown"})


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
            rows.append([label(variant, results.variants), *cells])
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


def _differing(results: StudyResults) -> dict[str, Mapping[str, str]]:
    """By setting, its value in each variant's first run, where these are not all the same."""
    first = {
        variant: run.settings
        for variant in results.variants
        for run in [r for panel in results.panels for r in results.of(panel, variant)][:1]
        if run.settings
    }
    names = sorted({name for settings in first.values() for name in settings} - _OF_THE_RUN)
    table = {name: {variant: s.get(name, "") for variant, s in first.items()} for name in names}
    return {name: values for name, values in table.items() if len(set(values.values())) > 1}


def _settings(results: StudyResults, rows: Mapping[str, Mapping[str, str]]) -> Table:
    variants = [variant for variant in results.variants if any(variant in values for values in rows.values())]
    cells = [
        [shortened(name), *(shortened(values.get(variant, ""), 24) or "–" for variant in variants)]
        for name, values in list(rows.items())[:_MOST_SETTINGS]
    ]
    return Table(["setting", *(label(variant, results.variants) for variant in variants)], cells, 1)
