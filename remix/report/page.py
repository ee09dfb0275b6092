"""What the page of a report says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from remix.report.answer import answer, headline_table
from remix.report.findings import against_the_others, beginnings, final_scores
from remix.report.interactive import curves
from remix.report.machines import cost
from remix.report.markup import Beside, Block, Bullets, Chart, Lead, Links, Picture, Section, Table
from remix.report.resampling import CONFIDENCE, RESAMPLES
from remix.report.results import DIVERGED, FINISHED, Run, StudyResults
from remix.report.statistics import comparable
from remix.report.style import label, named, number_format, steps
from remix.report.tables import Score
from remix.report.text import shortened
from remix.report.verdicts import EFFECT, LEAST_SEEDS

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
        "Projection weights over training, all seeds together: natural logarithm of the share that each "
        "weight has of its period. A dashed line is the end of a warm-up; grey: nothing was learned from."
    ),
}

_FIRST = ("onset", "learning_curves")
"""Figures at the head of the page."""


def sections(
    results: StudyResults, scores: Sequence[Score], figures: Sequence[str], made: Links | None = None
) -> list[Section]:
    """The page from above: what to believe, what that rests on, and then everything else.

    :param scores: of all curves with finished runs.
    :param figures: names of the figures there are, without folder and ending.
    :param made: how the report was made.
    """
    pictures = _pictures(results, figures)
    every = [_head(results, scores, pictures, made), against_the_others(results, scores)]
    if results.onset is not None:
        every.append(beginnings(results, results.onset))
    every.append(final_scores(results, scores))
    every.append(Section("Figures", [picture for name, picture in pictures.items() if name not in _FIRST]))
    every.append(_what_was_run(results))
    if results.left_out:
        every.append(_left_out(results))
    if (costs := cost(results)) is not None:
        every.append(costs)
    every.append(_method())
    return every


def _pictures(results: StudyResults, figures: Sequence[str]) -> dict[str, Picture]:
    reference = named(results, results.reference)
    captions = {name: _CAPTIONS[name].format(reference=reference) for name in figures}
    if results.smooth > 1 and "learning_curves" in captions:
        captions["learning_curves"] += f" Means of {results.smooth} evaluations; thin: single ones."
    return {name: Picture(f"figures/{name}", caption) for name, caption in captions.items()}


def _head(
    results: StudyResults, scores: Sequence[Score], pictures: Mapping[str, Picture], made: Links | None
) -> Section:
    """The answer: sentences, curves and the numbers beside them."""
    table = headline_table(results, scores)
    shown: list[Picture | Chart] = [pictures[name] for name in _FIRST if name in pictures]
    if "learning_curves" in pictures:
        shown[-1] = Chart(pictures["learning_curves"], curves(results))
    blocks: list[Block] = [Beside(shown[0], table), *shown[1:]] if shown else [table]
    return Section("", [Lead(answer(results)), *blocks, *([made] if made else [])])


def _what_was_run(results: StudyResults) -> Section:
    runs = [run for run in results.runs if run.counts]
    lengths = _range([run.env_steps[-1] for run in runs], steps)
    evaluations = _range([len(run.scores) for run in runs], lambda n: f"{n:.0f}")
    rows = [
        [named(results, variant), *(_seeds(results, panel, variant) for panel in results.panels)]
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
    overall = " and of the sample efficiency" if len(results.panels) > 1 else ""
    groups = {
        "Left out of their learning curve, because they span less of it than most of its runs": [
            results.of(panel, variant) for panel in results.panels for variant in results.variants
        ],
        f"Left out of marl_eval.json{overall}, because they span less than most runs of their panel": [
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
    where = f"{label(run.panel, results.panels)}, {named(results, run.variant)}, seed {run.seed}"
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


def _left_out(results: StudyResults) -> Section:
    text = number_format(run.scores[-1] for run in results.runs if len(run.scores))
    rows = [
        [
            label(run.panel, results.panels),
            named(results, run.variant),
            "finished, no scores" if run.status == FINISHED else run.status.lower(),
            str(run.seed),
            steps(run.env_steps[-1]) if len(run.env_steps) else "–",
            text(run.scores[-1]) if len(run.scores) else "–",
        ]
        for run in results.left_out
    ]
    diverged = results.onset is not None and any(run.status == DIVERGED for run in results.left_out)
    onset = "; diverged ones enter those of onset, as runs that never began" if diverged else ""
    header = ["panel", "variant", "status", "seed", "steps so far", f"last {shortened(results.score_label)}"]
    return Section(
        "Runs that are left out",
        [
            f"Only finished runs enter the numbers and figures above{onset}.",
            Table(header, rows, text_columns=3),
        ],
    )


def _method() -> Section:
    return Section(
        "How to read the intervals",
        [
            "The interquartile mean is the mean of the middle half of the runs; below four runs it is the "
            "mean. Over several panels, panels weigh alike. Its "
            f"{CONFIDENCE:.0%} interval is a percentile bootstrap with {RESAMPLES:,} resamples: "
            "runs are drawn anew within their panel, each with its whole curve.",
            "With few seeds such intervals are rough: of three seeds they reach from the lowest to the "
            "highest, and on average they are too narrow.",
            f"A difference is called one only if both sides have at least {LEAST_SEEDS} seeds, a rank test "
            "(Mann and Whitney) finds one side higher, and the interval of the difference of interquartile "
            "means lies on the same side of 0. Test and interval are made stricter with the number of "
            "comparisons of final scores on this page (Holm), so that of twenty pages over equal methods one "
            "calls some such difference one.",
            "That no difference is shown does not mean that there is none. The power says how likely so many "
            "seeds would have shown one at this level, if a run of the better method were the higher one in "
            f"{EFFECT:.0%} of all pairs.",
        ],
    )
