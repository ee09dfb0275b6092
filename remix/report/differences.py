"""In which settings the variants of a study differ, and whether runs are mixed that cannot be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

from remix.report.csv_tables import read_table, write_table
from remix.report.markup import Table
from remix.report.results import Run, StudyResults
from remix.report.style import label, named, steps
from remix.report.text import shortened

SETTINGS_TABLE = "settings.csv"
"""Beside the curves, and read with them if it is there."""

_COLUMNS = ("panel", "variant", "setting", "value")

_OF_THE_RUN = {"seed", "panel", "variant", "run_dir", "trainer.default_root_dir"}

_MOST_SETTINGS = 40
"""Lines of the table on the page."""

_ABOUT_EQUAL = 1.1
"""Ratio of environment steps up to which runs were trained equally long: their last rounds exceed budgets."""


class Curve(NamedTuple):
    """The runs of a variant in a panel."""

    panel: str
    variant: str


def commits(results: StudyResults) -> list[str]:
    """Of the code of the finished runs, as far as they say; several commits are several codes."""
    return _facts(results, "git_commit")


def codes(results: StudyResults) -> tuple[str, list[str]]:
    """Of the finished runs: their ``commits``; where none is known, as when installed, ``releases``."""
    found = commits(results)
    return ("commits", found) if found else ("releases", _facts(results, "remix_version"))


def is_mixed(results: StudyResults, panel: str, variant: str) -> bool:
    """Whether the finished runs of a curve have several configurations, so that they are no sample of one."""
    return len({run.identity for run in results.of(panel, variant)} - {""}) > 1


def mixed_curves(results: StudyResults) -> list[Curve]:
    """Those that :func:`is_mixed` says it of."""
    every = (Curve(panel, variant) for panel in results.panels for variant in results.variants)
    return [curve for curve in every if is_mixed(results, *curve)]


def different_lengths(results: StudyResults) -> list[str]:
    """A sentence for every panel whose variants were trained for different numbers of environment steps."""
    sentences = []
    for panel in results.panels:
        runs = {variant: results.of(panel, variant) for variant in results.variants}
        lengths = {v: median(float(run.env_steps[-1]) for run in each) for v, each in runs.items() if each}
        if lengths and max(lengths.values()) > _ABOUT_EQUAL * min(lengths.values()):
            listed = ", ".join(f"{named(results, v)} {steps(length)}" for v, length in lengths.items())
            sentences.append(
                f"{label(panel, results.panels)}: not all variants were trained equally long; environment "
                f"steps are {listed}."
            )
    return sentences


def different_games(results: StudyResults) -> list[str]:
    """A sentence for every panel whose variants played under different settings of the environment."""
    sentences = []
    for panel in results.panels:
        settings = {variant: _settings_of(results, panel, variant) for variant in results.variants}
        known = {named(results, v): s for v, s in settings.items() if s}
        names = {name for s in known.values() for name in s if name == "env" or name.startswith("env.")}
        for name in sorted(names):
            values = {variant: s.get(name, "–") for variant, s in known.items()}
            if len(set(values.values())) > 1:
                listed = ", ".join(f"{variant} {shortened(value, 24)}" for variant, value in values.items())
                sentences.append(
                    f"{label(panel, results.panels)}: not all variants played the same game; "
                    f"{shortened(name)} is {listed}."
                )
    return sentences


def settings_table(results: StudyResults) -> Table | None:
    """A column for each variant, a line for each setting in which any two differ; None if none do."""
    first = {
        variant: next(filter(None, (_settings_of(results, panel, variant) for panel in results.panels)), {})
        for variant in results.variants
    }
    known = {variant: settings for variant, settings in first.items() if settings}
    names = _differing(known.values())
    rows = [
        [shortened(name), *(shortened(settings.get(name) or "–", 24) for settings in known.values())]
        for name in names[:_MOST_SETTINGS]
    ]
    header = ["setting", *(named(results, variant) for variant in known)]
    return Table(header, rows, 1) if rows else None


def write_settings(results: StudyResults, path: Path) -> None:
    """One line per curve and setting, of the settings in which curves differ."""
    curves = {
        (panel, variant): settings
        for panel in results.panels
        for variant in results.variants
        if (settings := _settings_of(results, panel, variant))
    }
    names = _differing(curves.values())
    lines = ([*c, name, s[name]] for c, s in curves.items() for name in names if s.get(name, "") != "")
    write_table(path, _COLUMNS, lines)


def with_settings(runs: Iterable[Run], path: Path) -> tuple[Run, ...]:
    """The runs with what :func:`write_settings` wrote of their curves.

    :raises SettingError: if the file is no such table, naming the line and the column.
    """
    curves: dict[tuple[str, str], dict[str, str]] = {}
    for row in read_table(path, _COLUMNS)[1]:
        settings = curves.setdefault((row.text("panel"), row.text("variant")), {})
        settings[row.text("setting")] = row.cells["value"]
    return tuple(replace(run, settings=curves.get((run.panel, run.variant), {})) for run in runs)


def _facts(results: StudyResults, fact: str) -> list[str]:
    """What finished runs say of it, each once."""
    found = {run.facts.get(fact, "") for run in results.runs if run.counts}
    return sorted(found - {"", "unknown"})


def _settings_of(results: StudyResults, panel: str, variant: str) -> Mapping[str, str]:
    """Of the first run of a curve that knows them."""
    return next((run.settings for run in results.of(panel, variant) if run.settings), {})


def _differing(settings: Iterable[Mapping[str, str]]) -> list[str]:
    every = list(settings)
    names = {name for one in every for name in one} - _OF_THE_RUN
    return sorted(name for name in names if len({one.get(name, "") for one in every}) > 1)
