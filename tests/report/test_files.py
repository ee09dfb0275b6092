"""Results survive a way through CSV files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from callbacks.weight_heatmap import write_csv
from envs.errors import SettingError
from remix.report.files import read_curves, read_weights, write_curves, write_heat_maps
from tests.report.samples import make_study


def test_runs_come_back_as_they_were(tmp_path: Path) -> None:
    study = make_study()
    (tmp_path / "duel").mkdir()
    write_curves(study, tmp_path / "duel/curves.csv")
    again = read_curves(tmp_path / "duel/curves.csv")
    assert again.name == "duel" and again.score_label == study.score_label
    assert len(again.runs) == len(study.runs)
    for run, copy in zip(study.runs, again.runs, strict=True):
        about = ("panel", "variant", "algorithm", "seed", "status")
        assert [getattr(copy, name) for name in about] == [getattr(run, name) for name in about]
        assert np.array_equal(copy.env_steps, run.env_steps)
        assert np.array_equal(copy.scores, run.scores)


def test_one_line_per_evaluation(tmp_path: Path) -> None:
    write_curves(make_study(), tmp_path / "mine.csv")
    lines = (tmp_path / "mine.csv").read_text().splitlines()
    assert lines[0] == "panel,variant,algorithm,seed,status,env_steps,test return"
    assert lines[2] == "p = 0,remix,remix,1,FINISHED,100,10.0"
    assert "p = -2,qmix,qmix,3,MISSING,," in lines
    assert read_curves(tmp_path / "mine.csv").name == "mine"


def test_scores_are_called_what_their_column_is(tmp_path: Path) -> None:
    won = replace(make_study(), score_label="test win rate")
    write_curves(won, tmp_path / "curves.csv")
    assert read_curves(tmp_path / "curves.csv").score_label == "test win rate"


def test_heat_maps_beside_the_curves_are_read(tmp_path: Path) -> None:
    study = make_study()
    write_curves(study, tmp_path / "curves.csv")
    assert read_curves(tmp_path / "curves.csv").heat_maps == ()
    write_heat_maps(study.heat_maps, tmp_path / "weight_heatmaps.csv")
    again = read_curves(tmp_path / "curves.csv").heat_maps
    assert [(heat.panel, heat.variant, heat.n_runs) for heat in again] == [
        ("p = 0", "remix", 3),
        ("p = -2", "remix", 2),
    ]
    for heat, copy in zip(study.heat_maps, again, strict=True):
        assert np.array_equal(copy.counts, heat.counts)
        assert np.array_equal(copy.env_steps, heat.env_steps)
        assert copy.weights == pytest.approx(heat.weights)


def test_heat_map_of_a_run_is_read_as_its_callback_writes_it(tmp_path: Path) -> None:
    counts = torch.tensor([[5, 0, 7], [0, 0, 0]])
    write_csv(tmp_path / "weights.csv", counts, torch.tensor([0, 20, 40]), torch.linspace(0.1, 1.0, 4))
    heat = read_weights(tmp_path / "weights.csv", "p = 0", "remix")
    assert heat.counts.tolist() == counts.tolist()
    assert heat.env_steps.tolist() == [0.0, 20.0, 40.0]
    assert heat.weights == pytest.approx([0.1, 0.4, 0.7, 1.0])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "cannot be read"),
        ("panel,variant\na,b\n", "no column algorithm, env_steps, seed, status"),
        ("panel,variant,algorithm,seed,status,env_steps\na,b,c,1,FINISHED,1\n", "needs one column besides"),
        ("panel,variant,algorithm,seed,status,env_steps,x,y\na,b,c,1,FINISHED,1,2,3\n", "one column besides"),
        (
            "panel,variant,algorithm,seed,status,env_steps,score\na,b,c,one,FINISHED,1,2\n",
            "line 2, column seed: 'one' must be a whole number",
        ),
        (
            "panel,variant,algorithm,seed,status,env_steps,score\na,b,c,1,RUNNING,1,2\n",
            "has no finished run",
        ),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str | None, complaint: str) -> None:
    path = tmp_path / "curves.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingError, match=rf"study=.*curves.csv: .*{complaint}"):
        read_curves(path)
