"""What a browser is given to draw."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from remix.report import drawn
from remix.report.curve_figures import learning_curves
from remix.report.interactive import curves
from remix.report.results import StudyResults
from remix.report.style import styles
from tests.report.samples import flat, make_run, make_study


def content(results: StudyResults) -> Any:
    return json.loads(curves(results))


def test_methods_look_as_in_the_figures() -> None:
    results = replace(make_study(), names={"qmix": "The old one"})
    found = content(results)
    assert [method["name"] for method in found["methods"]] == [
        "ReMIX",
        "The old one",
        "without mixing gradient",
    ]
    looks = styles(results.variants)
    assert [method["color"] for method in found["methods"]] == [looks[v].color for v in results.variants]
    _, lengths = looks["qmix"].dashes
    assert found["methods"][0]["dash"] == []
    assert found["methods"][1]["dash"] == [2.0 * length for length in lengths]


def test_curves_are_those_of_the_figure() -> None:
    results = make_study()
    first, second = content(results)["panels"]
    [line] = [line for line in learning_curves(results).axes[0].lines if line.get_color() == "#D55E00"]
    [curve] = [curve for curve in first["curves"] if curve["method"] == 0]
    assert curve["steps"] == np.asarray(line.get_xdata()).tolist()
    assert curve["mean"] == np.asarray(line.get_ydata()).tolist()
    assert (curve["low"], curve["high"]) == ([0, 10, 10], [0, 12, 12])
    assert curve["seeds"] == {"1": [0, 10, 10], "2": [0, 11, 11], "3": [0, 12, 12]}
    assert [first["title"], second["title"]] == ["p = 0", "p = -2"]
    assert [curve["method"] for curve in second["curves"]] == [0, 1]


def test_smoothed_curves() -> None:
    runs = tuple(make_run("p", "remix", seed, [0.0, 4.0, 8.0, 4.0]) for seed in (1, 2))
    [panel] = content(StudyResults("s", "s", "score", runs, smooth=2))["panels"]
    assert panel["curves"][0]["mean"] == panel["curves"][0]["seeds"]["2"] == [0, 2, 6, 6]
    assert panel["title"] == "", "the only one"


def test_one_seed_has_no_interval() -> None:
    [panel] = content(StudyResults("s", "s", "score", tuple(flat("p", "remix", [1.0]))))["panels"]
    assert "low" not in panel["curves"][0] and panel["curves"][0]["mean"] == [0, 1, 1]


@pytest.mark.parametrize(
    ("env_steps", "shown"),
    [
        ([0.1, 0.2, 0.30000000000000004], [0.1, 0.2, 0.3]),  # counted in millions
        ([0.0, 1 / 3, 1.5], [0, 0.75, 1.5]),  # on the common grid
        ([0.25], [0.25]),
        ([0.0, 100_000.4, 200_000.9], [0, 100_000, 200_001]),
    ],
)
def test_steps_are_told_as_finely_as_a_curve_needs(env_steps: list[float], shown: list[float]) -> None:
    run = make_run("p", "remix", 1, range(len(env_steps)), env_steps=env_steps)
    [panel] = content(StudyResults("s", "s", "score", (run,)))["panels"]
    assert panel["curves"][0]["steps"] == shown


def test_deep_dips_are_cut_as_in_the_figure() -> None:
    dip = [0.0, 5.0, -1000.0, 5.0, 10.0, 20.0, 30.0, 40.0, 40.0, 40.0]
    runs = [make_run("p", "remix", seed, [score + seed for score in dip]) for seed in (1, 2, 3)]
    [panel] = content(StudyResults("s", "s", "score", tuple(runs)))["panels"]
    assert -60 < panel["lowest"] < -30 and panel["note"] == "cut; dips reach -999.0"
    assert content(make_study())["panels"][0]["lowest"] is None


def test_a_large_study_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large is here what has more numbers than a tenth of the most: thinned out, but for both ends."""
    assert drawn.MOST_NUMBERS <= 60_000
    monkeypatch.setattr(drawn, "MOST_NUMBERS", 6_000)
    steps = [100.5 * place for place in range(600)]
    scores = [place / 7 for place in range(600)]
    runs = [make_run("p", f"m{m}", seed, scores, env_steps=steps) for m in range(3) for seed in range(8)]
    results = StudyResults("s", "s", "score", tuple(runs))
    text = curves(results)
    assert len(text) < 60_000
    [panel] = json.loads(text)["panels"]
    curve = panel["curves"][0]
    assert (curve["steps"][0], curve["steps"][-1]) == (0, round(steps[-1]))
    assert 100 < len(curve["steps"]) == len(curve["seeds"]["7"]) <= drawn.MOST_NUMBERS // (3 * 12) + 1


@pytest.mark.parametrize("smooth", [1, 3])
def test_intervals_of_a_large_study_are_those_of_its_chart(
    monkeypatch: pytest.MonkeyPatch, smooth: int
) -> None:
    """Bootstraps of points that nobody sees take minutes; those that are left have the same ends."""
    scores = np.random.default_rng(0).normal(size=(4, 150))
    runs = tuple(make_run("p", "remix", seed, line.tolist()) for seed, line in enumerate(scores))
    whole = drawn.drawn_curves(StudyResults("s", "s", "score", runs, smooth=smooth))["p", "remix"].band
    monkeypatch.setattr(drawn, "MOST_NUMBERS", 30 * 8)
    results = StudyResults("s", "s", "score", runs, smooth=smooth)
    band = drawn.drawn_curves(results)["p", "remix"].band
    known = np.flatnonzero(~np.isnan(band.low))
    assert known.tolist() == [*range(0, 150, 5), 149]
    assert not np.isnan(whole.low).any() and band.value.tolist() == whole.value.tolist()
    assert band.low[known].tolist() == whole.low[known].tolist()
    [panel] = content(results)["panels"]
    assert len(panel["curves"][0]["low"]) == len(known)
    [filled] = learning_curves(results).axes[0].collections
    corners = np.asarray(filled.get_paths()[0].vertices)
    assert set(corners[:, 0]) == set(band.at[known])


def test_names_from_elsewhere_are_printable() -> None:
    runs = tuple(flat("p", "\x1b[31m</script>", [1.0, 2.0]))
    assert "\x1b" not in content(StudyResults("s", "s", "score", runs))["methods"][0]["name"]
