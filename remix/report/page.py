"""What the page of a report says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isinf, isnan

from remix.report.machines import commits, cost
from remix.report.markup import Block, Bullets, Picture, Section, Table
from remix.report.onset import onsets
from remix.report.results import FINISHED, Run, StudyResults
from remix.report.statistics import CONFIDENCE, RESAMPLES, Estimate, comparable
from remix.report.style import label, number, number_format, steps
from remix.report.tables import Score, improvements, knows_best, over_all_panels
from remix.report.text import shortened
from remix.report.verdicts import EFFECT, LEAST_SEEDS, Comparison, compare

_CAPTIONS = {
    "learning_curves": "Learning curves: interquartile mean over seeds, with its interval.",
    "sample_efficiency": "Sample efficiency: interquartile mean of the normalised scores of all panels.",
    "final_scores": "Final scores: interquartile mean and interval; the ticks are the seeds.",
    "onset": "Share of runs that have begun to learn (Kaplan-Meier); a tick is a run that never did.",
    "performance_profiles": "Score distributions: the share of runs above each score, with its interval.",
    "probability_of_improvement": (
        "Probability that a run of {reference} ends higher than one of the other; 0.5 is no difference."
    ),
    "weight_heatmaps": (
        "Projection weights over training, all seeds together: natural logarithm of the share of each weight."
    ),
}


_ABSOLUTE = (
    "Absolute: the policy of the best evaluation on fresh episodes that had no part in its choice, ten times "
    "as many as an evaluation has unless the run says otherwise; last policy: the policy at the end of "
    "training on the same episodes."
)


_GAP = (
    "Optimality gap: the share of the best possible score that final scores lack, on average; 0 is perfect, "
    "and scores below 0 lack more than all of it."
)


def sections(results: StudyResults, scores: Sequence[Score], figures: Sequence[str]) -> list[Section]:
    """The page from above.

    :param scores: of all curves with finished runs.
    :param figures: names of the figures there are, without folder and ending.
    """
    every = [_what_was_run(results), _final_scores(results, scores), _comparison(results, scores)]
    if results.onset is not None:
        every.append(_onset(results, results.onset))
    reference = label(results.reference, results.variants)
    if (costs := cost(results)) is not None:
        every.append(costs)
    captions = {name: _CAPTIONS[name].format(reference=reference) for name in figures}
    if results.smooth > 1 and "learning_curves" in captions:
        captions["learning_curves"] += f" Means of {results.smooth} evaluations; thin: single ones."
    pictures = [Picture(f"figures/{name}", caption) for name, caption in captions.items()]
    every.append(Section("Figures", pictures))
    if results.left_out:
        every.append(_left_out(results))
    every.append(_method())
    return every


def _what_was_run(results: StudyResults) -> Section:
    runs = [run for run in results.runs if run.counts]
    lengths = _range([run.env_steps[-1] for run in runs], steps)
    evaluations = _range([len(run.scores) for run in runs], lambda n: f"{n:.0f}")
    rows = [
        [label(variant, results.variants), *(_seeds(results, panel, variant) for panel in results.panels)]
        for variant in results.variants
    ]
    return Section(
        "What was run",
        [
            f"Study {shortened(results.name)}: {results.status_phrase}. Finished runs have {lengths} "
            f"environment steps and {evaluations} evaluations. Finished seeds:",
            Table(["variant", *(label(panel, results.panels) for panel in results.panels)], rows),
            *_short_runs(results),
        ],
    )


def _short_runs(results: StudyResults) -> list[Block]:
    """Which finished runs cannot be compared with others along their way, if there are such."""
    groups = {
        "Left out of their learning curve, because they span less of it than most of its runs": [
            results.of(panel, variant) for panel in results.panels for variant in results.variants
        ],
        "Left out of marl_eval.json, because they span less than most runs of their panel": [
            results.of_panel(panel) for panel in results.panels
        ],
    }
    blocks: list[Block] = []
    for what, every in groups.items():
        kept = {run for runs in every for run in comparable(runs)}
        short = [_span(results, run) for runs in every for run in runs if run not in kept]
        if short:
            blocks += [f"{what} (their scores count all the same):", Bullets(short)]
    return blocks


def _span(results: StudyResults, run: Run) -> str:
    where = f"{label(run.panel, results.panels)}, {label(run.variant, results.variants)}, seed {run.seed}"
    n = len(run.scores)
    when = f"{steps(run.env_steps[0])} to {steps(run.env_steps[-1])}" if n > 1 else steps(run.env_steps[0])
    return f"{where}: {n} evaluation{'s' * (n > 1)}, at {when} steps"


def _seeds(results: StudyResults, panel: str, variant: str) -> str:
    planned = sum((run.panel, run.variant) == (panel, variant) for run in results.runs)
    done = len(results.of(panel, variant))
    return "–" if not planned else str(done) if done == planned else f"{done} of {planned}"


def _range(values: Sequence[float], text: Callable[[float], str]) -> str:
    low, high = text(min(values)), text(max(values))
    return low if low == high else f"{low} to {high}"


def _final_scores(results: StudyResults, scores: Sequence[Score]) -> Section:
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
            label(score.variant, results.variants),
            text(score.final.value),
            _interval(score.final, text),
            *(_absolute(score, text) if fresh else []),
            *([_with_interval(score.gap, number)] if gap else []),
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
    return [text(score.absolute.value), _interval(score.absolute, text), text(score.last.value)]


def _comparison(results: StudyResults, scores: Sequence[Score]) -> Section:
    """Verdicts per panel, then what can be said over all of them."""
    blocks: list[str | Table | Bullets] = [Bullets(verdicts(results, scores))]
    if results.chosen not in (None, results.reference):
        blocks.insert(0, f"There are no runs of {shortened(str(results.chosen))}, the study's own reference.")
    overall = over_all_panels(results)
    probabilities = improvements(results)
    names = {variant: label(variant, results.variants) for variant in results.variants}
    reference = names[results.reference]
    scale = (
        "a score of 0 as 0 and the best possible one as 1"
        if knows_best(results)
        else "the lowest final score of a panel as 0 and its highest as 1"
    )
    if len(results.panels) > 1 and len(overall) > 1:
        rows = [[names[variant], number(e.value), _interval(e), str(e.n)] for variant, e in overall.items()]
        blocks.append(f"Over all panels, with {scale} (interquartile mean of all runs):")
        blocks.append(Table(["variant", "normalised score", "95 % interval", "runs"], rows))
    if probabilities:
        rows = [[names[variant], number(e.value), _interval(e)] for variant, e in probabilities.items()]
        blocks.append(f"Probability that {reference} has the higher final score than:")
        blocks.append(Table(["variant", "probability", "95 % interval"], rows))
    return Section(f"{reference} against the others", blocks)


def _onset(results: StudyResults, threshold: float) -> Section:
    found, mixed = onsets(results, threshold), len(commits(results)) > 1
    rows = [
        [
            label(onset.panel, results.panels),
            label(onset.variant, results.variants),
            f"{onset.begun} of {onset.n}",
            f"[{onset.low:.0%}, {onset.high:.0%}]",
            "never" if isinf(onset.median) else steps(onset.median),
            "–" if isnan(onset.p_value) else f"{onset.p_value:.2g}{' *' * (onset.differs and not mixed)}",
        ]
        for onset in found
    ]
    header = ["panel", "variant", "begun", "95 % interval", "half begun after", "log-rank p"]
    reference = label(results.reference, results.variants)
    return Section(
        "Onset",
        [
            f"A run has begun with its first evaluation above {number(threshold)}.",
            Table(header, rows, text_columns=2),
            "Runs that never began count as censored at their last evaluation. The interval of the share is "
            f"exact. The log-rank test compares with {reference}, from {LEAST_SEEDS} seeds a side on; a star "
            "marks a difference after the correction for several comparisons (Holm).",
        ],
    )


def verdicts(results: StudyResults, scores: Sequence[Score]) -> list[str]:
    """A sentence for each panel and each variant that the reference is compared with there."""
    if len(several := commits(results)) > 1:
        listed = ", ".join(shortened(commit) for commit in several)
        return [
            f"No verdicts: these are runs of {len(several)} commits of the code ({listed}), which may differ "
            "in more than their variant."
        ]
    found = {(score.panel, score.variant): score.final for score in scores}
    names = {variant: label(variant, results.variants) for variant in results.variants}
    text = _format(scores)
    sentences = []
    for comparison in compare(results):
        ours, theirs = (
            f"{names[variant]} {_with_interval(found[comparison.panel, variant], text)}"
            for variant in (results.reference, comparison.variant)
        )
        higher = comparison.higher
        outcome = "no difference shown" if higher is None else f"{names[higher]} is higher"
        sentences.append(
            f"{label(comparison.panel, results.panels)}: {ours} against {theirs}: {outcome} "
            f"({_reason(comparison, text)})."
        )
    return sentences or ["There is nothing to compare: no panel has finished runs of two variants."]


def _reason(comparison: Comparison, text: Callable[[float], str]) -> str:
    n, m = comparison.seeds
    seeds = f"{n} {'seed' if n == 1 else 'seeds'} each" if n == m else f"{n} and {m} seeds"
    if min(n, m) < LEAST_SEEDS:
        return f"{seeds}; a verdict needs at least {LEAST_SEEDS} on both sides"
    if isnan(comparison.p_value):
        return f"not all scores are finite numbers, {seeds}"
    numbers = (
        f"difference {_with_interval(comparison.difference, text)}, higher in "
        f"{comparison.probability.value:.0%} of pairs, p = {comparison.p_value:.2g}, {seeds}"
    )
    if comparison.higher is not None:
        return numbers
    return f"{numbers}; power {comparison.power:.2f}"


def _format(scores: Sequence[Score]) -> Callable[[float], str]:
    return number_format(value for score in scores for value in (score.final.value, score.best))


def _with_interval(estimate: Estimate, text: Callable[[float], str]) -> str:
    return f"{text(estimate.value)} {_interval(estimate, text)}".rstrip("– ")


def _interval(estimate: Estimate, text: Callable[[float], str] = number) -> str:
    return "–" if isnan(estimate.low) else f"[{text(estimate.low)}, {text(estimate.high)}]"


def _left_out(results: StudyResults) -> Section:
    text = number_format(run.scores[-1] for run in results.runs if len(run.scores))
    rows = [
        [
            label(run.panel, results.panels),
            label(run.variant, results.variants),
            "finished, no scores" if run.status == FINISHED else run.status.lower(),
            str(run.seed),
            steps(run.env_steps[-1]) if len(run.env_steps) else "–",
            text(run.scores[-1]) if len(run.scores) else "–",
        ]
        for run in results.left_out
    ]
    header = ["panel", "variant", "status", "seed", "steps so far", f"last {shortened(results.score_label)}"]
    return Section(
        "Runs that are left out",
        ["Only finished runs enter the numbers and figures above.", Table(header, rows, text_columns=3)],
    )


def _method() -> Section:
    return Section(
        "How to read the intervals",
        [
            "The interquartile mean is the mean of the middle half of the runs; below four runs it is the "
            f"mean. Its {CONFIDENCE:.0%} interval is a percentile bootstrap with {RESAMPLES:,} resamples: "
            "runs are drawn anew within their panel, each with its whole curve.",
            "With few seeds such intervals are rough: of three seeds they reach from the lowest to the "
            "highest, and on average they are too narrow.",
            f"A difference is called one only if both sides have at least {LEAST_SEEDS} seeds, a rank test "
            "(Mann and Whitney) finds one side higher, and the interval of the difference of interquartile "
            "means does not hold 0. Test and interval are made stricter with the number of comparisons on "
            "this page (Holm), so that of twenty pages over equal methods one calls some difference one.",
            "That no difference is shown does not mean that there is none. The power says how likely so many "
            "seeds would have shown one at this level, if a run of the better method were the higher one in "
            f"{EFFECT:.0%} of all pairs.",
        ],
    )
