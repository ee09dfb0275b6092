"""What to believe of a study, in a few sentences and one small table: the first that its page says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isinf

from remix.report.differences import Curve, codes, different_games, different_lengths, mixed_curves
from remix.report.markup import Table
from remix.report.onset import Onset, onsets
from remix.report.results import DIVERGED, FINISHED, STOPPED, StudyResults
from remix.report.style import label, named, number_format, steps, with_interval
from remix.report.tables import Score
from remix.report.text import shortened
from remix.report.verdicts import EFFECT, LEAST_SEEDS, Comparison, compare, nothing_compared

_MOST_GROUPS = 3
"""Of variants with the same panels, and of panels, that a sentence names one by one."""

_MOST_PANELS = 4
"""That stand side by side in a table."""

_ENDED = {FINISHED: "without scores", DIVERGED: "diverged", STOPPED: "stopped early", "FAILED": "failed"}
"""What is said of runs that are over and do not count."""

Key = tuple[str, str]
"""Panel and variant."""


def answer(results: StudyResults) -> str:
    """The verdicts in plain sentences, those about onset first where the study asks for it.

    Where no difference is shown they say what would have been seen, and where there are too few seeds for a
    verdict they say that.
    """
    kind, several = codes(results)
    if len(several) > 1:
        sentences = [
            f"No verdicts: these are runs of {len(several)} {kind} of the code, which may differ in more "
            "than their variant."
        ]
    else:
        sentences = [*_of_onset(results), *_of_scores(results)]
    if different_games(results):
        sentences.append("Not all variants played the same game, as told below.")
    if different_lengths(results):
        sentences.append("Not all variants were trained equally long, as told below.")
    sentences += _of_progress(results)
    return " ".join(sentences)


def headline_table(results: StudyResults, scores: Sequence[Score]) -> Table:
    """A line for each variant: its final scores, and when its runs begin where the study asks for that.

    A few panels stand side by side; where there are more, each variant has a line in each.
    """
    found = {(score.panel, score.variant): score for score in scores}
    text = number_format(score.final.value for score in scores)
    final = f"final {shortened(results.score_label)}"
    begun = {key: _begun(onset) for key, onset in _onsets(results).items()}
    panels = len({score.panel for score in scores})
    if 1 < panels <= _MOST_PANELS:
        return _of_panels(results, found, begun, text)
    against = _words(results)
    header = [
        *(["panel"] if panels > 1 else []),
        "variant",
        *(["begun", "half after"] if begun else []),
        final,
        *([] if begun else ["seeds"]),
    ]
    header += [f"against {named(results, results.reference)}"] if against else []
    rows = []
    for key, score in found.items():
        numbers = [*begun.get(key, []), with_interval(score.final, text), *([] if begun else [str(score.n)])]
        verdict = [against.get(key, "–")] if against else []
        where = [label(score.panel, results.panels)] if panels > 1 else []
        rows.append([*where, named(results, score.variant), *numbers, *verdict])
    return Table(header, rows)


def _of_panels(
    results: StudyResults,
    found: Mapping[Key, Score],
    begun: Mapping[Key, list[str]],
    text: Callable[[float], str],
) -> Table:
    """Columns for each panel."""
    panels = [panel for panel in results.panels if any(panel == key[0] for key in found)]
    header, final = [f"final {shortened(results.score_label)}"], ": final" if begun else ""
    for panel in panels:
        name = label(panel, results.panels)
        header += [*([f"{name}: begun"] if begun else []), f"{name}{final}"]
    rows = []
    for variant in results.variants:
        rows.append([named(results, variant)])
        for key in ((panel, variant) for panel in panels):
            cell = with_interval(found[key].final, text) if key in found else "–"
            rows[-1] += [*([begun[key][0] if key in found else "–"] if begun else []), cell]
    return Table(header, rows)


def _begun(onset: Onset) -> list[str]:
    return [f"{onset.begun} of {onset.n}", "never" if isinf(onset.median) else steps(onset.median)]


def _words(results: StudyResults) -> dict[Key, str]:
    """The verdict on each curve, if there may be verdicts."""
    if len(codes(results)[1]) > 1:
        return {}
    return {(each.panel, each.variant): _word(each) for each in compare(results)}


def _word(comparison: Comparison) -> str:
    if not comparison.tested:
        return "too few seeds" if min(comparison.seeds) < LEAST_SEEDS else "not comparable"
    if comparison.higher is None:
        return "no difference shown"
    return "higher" if comparison.higher == comparison.variant else "lower"


def _of_scores(results: StudyResults) -> list[str]:
    every, mixed = compare(results), mixed_curves(results)
    if not every and not mixed:
        return [nothing_compared(results)]
    reference, score = named(results, results.reference), shortened(results.score_label)
    tested, few = [c for c in every if c.tested], [c for c in every if min(c.seeds) < LEAST_SEEDS]
    sentences = []
    for words, higher in (("higher", True), ("lower", False)):
        shown = [c for c in tested if c.higher is not None and (c.higher == results.reference) is higher]
        if shown:
            sentences.append(f"{reference} has a {words} final {score} than {_listed(results, shown)}.")
    if unclear := [c for c in tested if c.higher is None]:
        powers = _range([c.power for c in unclear], _share)
        sentences.append(
            f"No difference is shown between {reference} and {_listed(results, unclear)}: with "
            f"{_seeds(unclear)}, a method that is ahead in {EFFECT:.0%} of all pairs of runs would have been "
            f"seen as better {powers} of the time, a smaller lead less often."
        )
    if few:
        whom = f" of {reference} against {_listed(results, few)}" if tested else ""
        sentences.append(
            f"There are not enough seeds for a verdict{whom}: {_seeds(few)}, and at least {LEAST_SEEDS} are "
            "needed on both. The numbers say what these runs did, not which method is better."
        )
    if mixed:
        whom = _listed(results, mixed)
        sentences.append(f"There is no verdict on {whom}, whose runs have several configurations.")
    return sentences


def _onsets(results: StudyResults) -> dict[Key, Onset]:
    if results.onset is None:
        return {}
    return {(onset.panel, onset.variant): onset for onset in onsets(results, results.onset)}


def _of_onset(results: StudyResults) -> list[str]:
    tested = [onset for onset in _onsets(results).values() if onset.p_value == onset.p_value]
    if not tested:
        return []
    reference = named(results, results.reference)
    sentences = []
    plain = [onset for onset in tested if onset.differs and not onset.crosses]
    for words, later in (("earlier or more often", True), ("later or less often", False)):
        if shown := [onset for onset in plain if onset.later is later]:
            sentences.append(f"{reference} begins to learn {words} than {_listed(results, shown)}.")
    if crossing := [onset for onset in tested if onset.differs and onset.crosses]:
        sentences.append(
            f"{reference} begins to learn at other times than {_listed(results, crossing)}: their curves "
            "cross, so that neither is earlier throughout."
        )
    if unclear := [onset for onset in tested if not onset.differs]:
        listed = _listed(results, unclear)
        sentences.append(f"No difference in when runs begin is shown between {reference} and {listed}.")
    return sentences


def _of_progress(results: StudyResults) -> list[str]:
    """How many runs there are yet to come, and which are over and do not count."""
    done, planned = sum(run.counts for run in results.runs), len(results.runs)
    over = Counter((run.variant, _ENDED[run.status]) for run in results.left_out if run.status in _ENDED)
    sentences = []
    if done + over.total() < planned:
        sentences.append(f"So far {done} of {planned} planned runs have finished with scores.")
    if over:
        listed = [f"{n} of {named(results, variant)} ({how})" for (variant, how), n in over.items()]
        what = f": {_names(listed)}" if len(listed) <= _MOST_GROUPS else ", as told below"
        sentences.append(f"Runs that ended and do not count{what}.")
    return sentences


def _listed(results: StudyResults, shown: Sequence[Comparison | Onset | Curve]) -> str:
    """Variants, with the panels where there are several; variants of the same panels together."""
    places: dict[str, list[str]] = {}
    for one in shown:
        places.setdefault(one.variant, []).append(one.panel)
    groups: dict[tuple[str, ...], list[str]] = {}
    for variant, panels in places.items():
        groups.setdefault(tuple(panels), []).append(named(results, variant))
    if len(groups) > _MOST_GROUPS:
        return f"others in {len(shown)} of the comparisons below"
    return "; ".join(_names(names) + _where(results, panels) for panels, names in groups.items())


def _where(results: StudyResults, panels: Sequence[str]) -> str:
    """As in " in p = 0 and p = -2"; nothing where there is one panel only."""
    if len(results.panels) == 1:
        return ""
    if len(panels) == len(results.panels):
        return " in all panels"
    if len(panels) > _MOST_GROUPS:
        return f" in {len(panels)} of {len(results.panels)} panels"
    return f" in {_names([label(panel, results.panels) for panel in panels])}"


def _names(names: Sequence[str]) -> str:
    """As in "A, B and C"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _seeds(shown: Iterable[Comparison]) -> str:
    """As in "3 seeds a side"."""
    low, high = (f(n for c in shown for n in c.seeds) for f in (min, max))
    count = f"{low}" if low == high else f"{low} to {high}"
    return f"{count} {'seed' if high == 1 else 'seeds'} a side"


def _share(power: float) -> str:
    """Nothing is seen for certain, whatever a simulation of some thousand reports says."""
    return "over 99%" if power > 0.99 else f"{power:.0%}"


def _range(values: Sequence[float], text: Callable[[float], str]) -> str:
    low, high = text(min(values)), text(max(values))
    return low if low == high else f"{low} to {high}"
