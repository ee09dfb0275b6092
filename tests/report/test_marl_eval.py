"""The JSON form of marl-eval."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from remix.report.episodes import EpisodeScores
from remix.report.marl_eval import marl_eval, write_marl_eval
from remix.report.results import Run, StudyResults
from tests.report.samples import make_run, make_study


def with_episodes(run: Run) -> Run:
    """Two episodes a point below and above every evaluation, and two of the absolute metric."""
    points = zip(run.env_steps.tolist(), run.scores.tolist(), strict=True)
    evaluations = {int(step): np.array([score - 1.0, score + 1.0]) for step, score in points}
    return replace(run, episodes=EpisodeScores(evaluations, best=np.array([3.0, 5.0])))


def test_environment_task_algorithm_seed() -> None:
    data = marl_eval(make_study())
    assert list(data) == ["duel"]
    assert {
        task: {name: list(runs) for name, runs in found.items()} for task, found in data["duel"].items()
    } == {
        "p = 0": {
            "remix": ["seed_1", "seed_2", "seed_3"],
            "qmix": ["seed_1", "seed_2", "seed_3"],
            "without_mixing_gradient": ["seed_1", "seed_2"],
        },
        "p = -2": {"remix": ["seed_1", "seed_2", "seed_3"], "qmix": ["seed_1", "seed_2"]},
    }
    assert data["duel"]["p = 0"]["remix"]["seed_2"] == {
        "step_0": {"step_count": 0, "return": [0.0]},
        "step_1": {"step_count": 100, "return": [11.0]},
        "step_2": {"step_count": 200, "return": [11.0]},
        "absolute_metrics": {"return": [11.0]},
    }


def test_scores_of_episodes_at_their_own_steps_and_the_absolute_metric() -> None:
    runs = [
        with_episodes(make_run("p", "a", seed, [0.0, mean, 2.0], env_steps=[0, 100 + seed, 200 + seed]))
        for seed, mean in ((1, 5.0), (2, 8.0))
    ]
    first, second = marl_eval(StudyResults("s", "s", "return", tuple(runs)))["s"]["p"]["a"].values()
    assert first == {
        "step_0": {"step_count": 0, "return": [-1.0, 1.0]},
        "step_1": {"step_count": 101, "return": [4.0, 6.0]},
        "step_2": {"step_count": 201, "return": [1.0, 3.0]},
        "absolute_metrics": {"return": [3.0, 5.0]},
    }
    assert list(second)[-1] == "absolute_metrics"  # where marl-eval looks
    assert second["step_1"] == {"step_count": 102, "return": [7.0, 9.0]}


def test_best_evaluations_where_some_run_has_no_fresh_episodes() -> None:
    runs = (with_episodes(make_run("p", "a", 1, [0.0, 5.0, 2.0])), make_run("p", "a", 2, [0.0, 8.0, 4.0]))
    found = marl_eval(StudyResults("s", "s", "return", runs))["s"]["p"]["a"]
    assert [run["absolute_metrics"]["return"] for run in found.values()] == [[5.0], [8.0]]
    assert [run["step_1"]["return"] for run in found.values()] == [[4.0, 6.0], [8.0]]


def test_all_runs_have_as_many_evaluations() -> None:
    runs = (
        make_run("P", "A", 1, [0.0, 30.0, 2.0], env_steps=[0, 100, 200]),
        make_run("P", "A", 2, [0.0, 2.0, 8.0, 4.0], env_steps=[0, 50, 150, 250]),
        make_run("Q", "A", 1, [0.0, 2.0, 4.0], env_steps=[0, 200, 400]),
    )
    tasks = marl_eval(StudyResults("Study", "s", "return", runs))["study"]
    found = {
        name: [(step["step_count"], *step["return"]) for step in list(run.values())[:-1]]
        for name, run in tasks["p"]["a"].items()
    }
    assert found == {
        "seed_1": [(0, 0.0), (100, 30.0), (200, 2.0)],
        "seed_2": [(0, 0.0), (50, 2.0), (150, 8.0)],  # those nearest to 0, 100 and 200 steps
    }
    assert [step["step_count"] for step in list(tasks["q"]["a"]["seed_1"].values())[:-1]] == [0, 200, 400]


def test_one_run_with_few_evaluations_does_not_take_them_from_the_others() -> None:
    curve = np.linspace(0.0, 10.0, 11).tolist()
    runs = [make_run("p", variant, seed, curve) for variant in ("remix", "qmix") for seed in (1, 2)]
    single = make_run("p", "qmix", 3, [7.0], env_steps=[1000])
    sparse = make_run("p", "vdn", 1, [0.0, 10.0], env_steps=[0, 1000])
    other = make_run("q", "remix", 1, [7.0], env_steps=[500])
    data = marl_eval(StudyResults("s", "s", "return", (*runs, single, sparse, other)))["s"]
    assert {name: list(found) for name, found in data["p"].items()} == {
        "remix": ["seed_1", "seed_2"],
        "qmix": ["seed_1", "seed_2"],
        "vdn": ["seed_1"],
    }
    entries = [run for task in data.values() for runs in task.values() for run in runs.values()]
    assert {len(entry) for entry in entries} == {11 + 1}
    assert [data["p"]["qmix"]["seed_2"][f"step_{k}"]["return"] for k in range(11)] == [[x] for x in curve]


def test_runs_that_go_on_for_longer_are_compared_at_the_steps_of_all() -> None:
    """Twice the steps in as many evaluations: the tenth of one must not meet the tenth of the other."""
    scores = np.linspace(0.0, 10.0, 11).tolist()
    runs = [make_run("p", "a", seed, scores) for seed in (1, 2)]
    runs += [make_run("p", "b", seed, scores, env_steps=range(0, 2001, 200)) for seed in (1, 2)]
    found = marl_eval(StudyResults("s", "s", "return", tuple(runs)))["s"]["p"]
    assert found["a"]["seed_1"]["step_10"] == {"step_count": 1000, "return": [10.0]}
    assert found["b"]["seed_1"]["step_10"] == {"step_count": 1000, "return": [5.0]}
    assert len(found["b"]["seed_1"]) == 11 + 1


@pytest.mark.parametrize(
    ("label", "metric"), [("test return", "return"), ("test win rate", "win_rate"), ("Score", "score")]
)
def test_the_metric_is_called_what_the_scores_are(label: str, metric: str) -> None:
    runs = (make_run("p", "a", 1, [0.0, 0.5]),)
    run = marl_eval(StudyResults("s", "s", label, runs))["s"]["p"]["a"]["seed_1"]
    assert run["step_1"] == {"step_count": 100, metric: [0.5]}
    assert run["absolute_metrics"] == {metric: [0.5]}


def test_names_that_differ_in_case_only_stay_apart() -> None:
    runs = [make_run(p, v, 1, [i]) for i, (p, v) in enumerate(product(("P", "p"), ("QMIX", "qmix", "Qmix")))]
    data = marl_eval(StudyResults("s", "s", "return", tuple(runs)))["s"]
    scores = {
        (task, name): found["seed_1"]["step_0"]["return"]
        for task, algorithms in data.items()
        for name, found in algorithms.items()
    }
    names = [(p, v) for p in ("p", "p (2)") for v in ("qmix", "qmix (2)", "qmix (3)")]
    assert scores == {name: [i] for i, name in enumerate(names)}


def test_file(tmp_path: Path) -> None:
    write_marl_eval(make_study(), tmp_path / "marl_eval.json")
    assert json.loads((tmp_path / "marl_eval.json").read_text()) == marl_eval(make_study())
