"""What a study found: scores, verdicts, and when runs begin to learn, as sections of its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isinf, isnan

from remix.report.differences import codes, different_games, different_lengths, mixed_curves
from remix.report.markup import Bullets, Section, Table
from remix.report.onset import onsets
from remix.report.results import StudyResults
from remix.report.style import interval, label, named, number, number_format, steps, with_interval
from remix.report.tables import Score, improvements, knows_best, over_all_panels
from remix.report.text import shortened
from remix.report.verdicts import LEAST_SEEDS, Comparison, compare, nothing_compared

_ABSOLUTE = (
    "Absolute: the policy of the best evaluation on fresh episodes that had no part in its choice, ten times "
    "as many as an evaluation has unless the run says otherwise; last policy: the policy at the end of "
    "training on the same episodes."
)


_GAP = (
    "Optimality gap: the share of the best possible score that final scores lack, on average; 0 is perfect, "
    "and scores below 0 lack more than all of it."
)


def final_scores(results: StudyResults, scores: Sequence[Score]) -> Section:
    """A line per curve."""
    header = ["panel", "variant", f"final {shortened(results.score_label)}", "95 % interval"]
    fresh = any(not isnan(score.absolute.value) for score in scores)
    if fresh:
        header += ["absolute", "95 % interval", "last policy"]
    gap = any(not isnan(score.gap.value) for score in scores)
    if gap:
        header += ["optimality gap"]
    header += ["best evaluation", "mean over training", "steps to 90 %", "seeds"]
    text = _format(scores)
    rows = [
        [
            label(score.panel, results.panels),
            named(results, score.variant),
            text(score.final.value),
            interval(score.final, text),
            *(_absolute(score, text) if fresh else []),
            *([with_interval(score.gap, number)] if gap else []),
            text(score.best),
            text(score.area),
            "never" if isinf(score.steps_to_90) else steps(score.steps_to_90),
            str(score.n),
        ]
        for score in scores
    ]
    return Section(
        "Final scores",
        [
            Table(header, rows, text_columns=2),
            "Interquartile means over seeds. Final: the evaluations in the last tenth of a run; best "
            "evaluation: the highest, which noise makes too high; mean over training: the area under its "
            "curve divided by its steps; steps to 90 %: the median of the first evaluations that reach 90 % "
            "of their run's best.",
            *([_ABSOLUTE] if fresh else []),
            *([_GAP] if gap else []),
        ],
    )


def _absolute(score: Score, text: Callable[[float], str]) -> list[str]:
    return [text(score.absolute.value), interval(score.absolute, text), text(score.last.value)]


def against_the_others(results: StudyResults, scores: Sequence[Score]) -> Section:
    """Verdicts per panel, then what can be said over all of them."""
    blocks: list[str | Table | Bullets] = [Bullets(verdicts(results, scores))]
    if results.chosen not in (None, results.reference):
        blocks.insert(0, f"There are no runs of {shortened(str(results.chosen))}, the study's own reference.")
    overall = over_all_panels(results)
    probabilities = improvements(results)
    names = {variant: named(results, variant) for variant in results.variants}
    reference = names[results.reference]
    scale = (
        "a score of 0 as 0 and the best possible one as 1"
        if knows_best(results)
        else "the lowest final score of a panel as 0 and its highest as 1"
    )
    if len(results.panels) > 1 and len(overall) > 1:
        rows = [[names[variant], number(e.value), interval(e), str(e.n)] for variant, e in overall.items()]
        blocks.append(f"Over all panels, with {scale} (interquartile mean of all runs):")
        blocks.append(Table(["variant", "normalised score", "95 % interval", "runs"], rows))
    if probabilities:
        rows = [[names[variant], number(e.value), interval(e)] for variant, e in probabilities.items()]
        blocks.append(f"Probability that {reference} has the higher final score than:")
        blocks.append(Table(["variant", "probability", "95 % interval"], rows))
    return Section(f"{reference} against the others", blocks)


def beginnings(results: StudyResults, threshold: float) -> Section:
    """Which runs have begun to learn, and when.

    :param threshold: score above which a run has begun.
    """
    found, mixed = onsets(results, threshold), len(codes(results)[1]) > 1
    rows = [
        [
            label(onset.panel, results.panels),
            named(results, onset.variant),
            f"{onset.begun} of {onset.n}",
            f"[{onset.low:.0%}, {onset.high:.0%}]",
            "never" if isinf(onset.median) else steps(onset.median),
            "–" if isnan(onset.p_value) else f"{onset.p_value:.2g}{' *' * (onset.differs and not mixed)}",
        ]
        for onset in found
    ]
    header = ["panel", "variant", "begun", "95 % interval", "half begun after", "log-rank p"]
    reference = named(results, results.reference)
    return Section(
        "Onset",
        [
            f"A run has begun with its first evaluation above {threshold:.12g}.",
            Table(header, rows, text_columns=2),
            "Runs that never began count as censored at their last evaluation, those that diverged at the "
            "last one of their panel, as they could begin no more. "
            f"The interval of the share is exact. The log-rank test compares with {reference}, from "
            f"{LEAST_SEEDS} seeds a side on; a star marks a difference after the correction for several "
            "comparisons (Holm), in which those of final scores do not count. Where curves cross, the test "
            "sees less, and a star says that the times differ, not who is earlier.",
        ],
    )


def verdicts(results: StudyResults, scores: Sequence[Score]) -> list[str]:
    """A sentence for each panel and each variant that the reference is compared with there."""
    kind, several = codes(results)
    if len(several) > 1:
        listed = ", ".join(map(shortened, several))
        return [
            f"No verdicts: these are runs of {len(several)} {kind} of the code ({listed}), which may differ "
            "in more than their variant."
        ]
    found = {(score.panel, score.variant): score.final for score in scores}
    names = {variant: named(results, variant) for variant in results.variants}
    text = _format(scores)
    sentences = []
    for comparison in compare(results):
        ours, theirs = (
            f"{names[variant]} {with_interval(found[comparison.panel, variant], text)}"
            for variant in (results.reference, comparison.variant)
        )
        higher = comparison.higher
        outcome = "no difference shown" if higher is None else f"{names[higher]} is higher"
        sentences.append(
            f"{label(comparison.panel, results.panels)}: {ours} against {theirs}: {outcome} "
            f"({_reason(comparison, text)})."
        )
    sentences += [
        f"No verdict on {names[variant]} in {label(panel, results.panels)}: its runs have several "
        "configurations, which differ in more than the seed."
        for panel, variant in mixed_curves(results)
    ]
    sentences = sentences or [nothing_compared(results)]
    return sentences + different_games(results) + different_lengths(results)


def _reason(comparison: Comparison, text: Callable[[float], str]) -> str:
    n, m = comparison.seeds
    seeds = f"{n} {'seed' if n == 1 else 'seeds'} each" if n == m else f"{n} and {m} seeds"
    if min(n, m) < LEAST_SEEDS:
        return f"{seeds}; a verdict needs at least {LEAST_SEEDS} on both sides"
    if isnan(comparison.p_value):
        return f"not all scores are finite numbers, {seeds}"
    numbers = (
        f"difference {with_interval(comparison.difference, text)}, higher in "
        f"{comparison.probability.value:.0%} of pairs, p = {comparison.p_value:.2g}, {seeds}"
    )
    if comparison.higher is not None:
        return numbers
    return f"{numbers}; power {comparison.power:.2f}"


def _format(scores: Sequence[Score]) -> Callable[[float], str]:
    return number_format(value for score in scores for value in (score.final.value, score.best))
