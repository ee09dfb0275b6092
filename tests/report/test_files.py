"""Results survive a way through CSV files."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from remix.report import csv_tables
from remix.report.files import read_curves, read_heat_maps, read_weights, write_curves, write_heat_maps
from remix.report.results import HeatMap, StudyResults
from remix.report.weight_map import write_weights
from remix.settings.errors import SettingError
from tests.report.samples import make_run, make_study


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
    counts, edges = np.array([[5, 0, 7], [0, 0, 0]]), np.linspace(0.1, 1.0, 4)
    heat = HeatMap("", "", 1, counts, np.array([0.0, 20.0, 40.0]), edges, warmup_steps=30)
    write_weights(heat, tmp_path / "weights.csv")
    heat = read_weights(tmp_path / "weights.csv", "p = 0", "remix")
    assert heat.counts.tolist() == counts.tolist()
    assert heat.warmup_steps == 30
    assert heat.env_steps.tolist() == [0.0, 20.0, 40.0]
    assert heat.weights == pytest.approx([0.1, 0.4, 0.7, 1.0])


def test_a_heat_map_of_before_it_told_of_a_warm_up_has_none(tmp_path: Path) -> None:
    path = tmp_path / "weights.csv"
    path.write_text("env_steps_from,env_steps_to,weight_from,weight_to,count\n0,10,0,1,3\n")
    assert read_weights(path, "p = 0", "remix").warmup_steps == 0


HEADER = "panel,variant,algorithm,seed,status,env_steps,score\n"
LINE = "a,b,c,1,FINISHED,1,2\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "cannot be read"),
        ("", "line 1: has no column"),
        ("panel,variant\na,b\n", "no column algorithm, env_steps, seed, status"),
        ("panel,variant,algorithm,seed,status,env_steps\na,b,c,1,FINISHED,1\n", "needs one column besides"),
        ("panel,variant,algorithm,seed,status,env_steps,x,y\na,b,c,1,FINISHED,1,2,3\n", "one column besides"),
        (HEADER.replace("score", "seed") + LINE, "line 1: has the column 'seed' twice"),
        (HEADER + "a,b,c,one,FINISHED,1,2\n", "line 2, column seed: 'one' must be a whole number"),
        (HEADER + f"a,b,c,{'9' * 5000},FINISHED,1,2\n", "column seed: '9+...' must be a whole number"),
        (HEADER + "a,b,c,1,FINISHED,-1,2\n", "line 2, column env_steps: '-1' must be a number from 0"),
        (HEADER + "a,b,c,1,FINISHED,inf,2\n", "column env_steps: 'inf' must be a number"),
        (HEADER + LINE + "a,b,c,1,FINISHED,2,n/a\n", "line 3, column score: 'n/a' must be a number"),
        (HEADER + "a,b,c,1,FINISHED,1,nan\n", "has no finished run"),
        (HEADER + "a,b,c,1,FINISHED,1,1_0\n", "column score: '1_0' must be a number"),
        (HEADER + "a,b,c,1,FINISHED,,2\n", "column env_steps: '' must be a number"),
        (HEADER + LINE + "a,b,c,1,FAILED,2,2\n", "line 3, column status: 'FAILED' must be 'FINISHED'"),
        (HEADER + "a,b,c,1,done,1,2\n", "column status: 'done' must be one of"),
        (HEADER + ",b,c,1,FINISHED,1,2\n", "column panel: '' must not be empty"),
        (HEADER + "a,b,c,1\n", "line 2: has 4 cells; must have 7"),
        (HEADER + '"a,b,c,1,FINISHED,1,2\n', "line 2: unexpected end of data"),
        (HEADER + "x" * 200_000 + LINE, "line 2: field larger than field limit"),
        (HEADER + "a\0" + LINE, "line 2: has a NUL character"),
        ((HEADER + LINE).encode("utf-16"), "byte 0 is not UTF-8 text"),
        (HEADER + "a,b,c,1,RUNNING,1,2\n", "has no finished run"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str | bytes | None, complaint: str) -> None:
    path = tmp_path / "curves.csv"
    if text is not None:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SettingError, match=rf"study=.*curves.csv: .*{complaint}") as error:
        read_curves(path)
    assert "\n" not in str(error.value)


def test_what_is_no_file_or_far_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match="is not a file"):
        read_curves(tmp_path)
    with pytest.raises(SettingError, match="is not a file"):
        read_curves(Path("/dev/zero"))
    monkeypatch.setattr(csv_tables, "LARGEST_FILE", 10)
    (tmp_path / "mine.csv").write_text(HEADER + LINE)
    with pytest.raises(SettingError, match="has 73 bytes; at most 10 are read"):
        read_curves(tmp_path / "mine.csv")


def test_a_byte_order_mark_and_empty_lines_are_no_matter(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\n{LINE}\n".encode())
    assert len(read_curves(tmp_path / "mine.csv").runs) == 1


def test_lines_may_be_in_any_order_and_of_equal_steps_the_last_counts(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(
        HEADER + "".join(f"a,b,c,{seed},FINISHED,{step}\n" for seed, step in
        [(1, "30,4"), (2, "0,1"), (1, "10,9"), (1, "0,0"), (2, "10,2"), (1, "20,5"), (1, "10,1")])
    )  # fmt: skip
    first, second = read_curves(tmp_path / "mine.csv").runs
    assert (first.env_steps.tolist(), first.scores.tolist()) == ([0, 10, 20, 30], [0, 1, 5, 4])
    assert (first.best, first.steps_to_90, first.area) == (5.0, 20.0, 80 / 30)
    assert (second.env_steps.tolist(), second.scores.tolist()) == ([0, 10], [1, 2])


@pytest.mark.parametrize("score", ["nan", "inf", "-Infinity", "1e308"])
def test_a_run_whose_score_is_no_finite_number_has_diverged(tmp_path: Path, score: str) -> None:
    lines = f"{LINE}a,b,c,2,FINISHED,1,2\na,b,c,2,FINISHED,2,{score}\na,b,c,2,FINISHED,3,9\n"
    (tmp_path / "mine.csv").write_text(HEADER + lines)
    study = read_curves(tmp_path / "mine.csv")
    assert study.status_counts == {"FINISHED": 1, "DIVERGED": 1}
    [left_out] = study.left_out
    assert left_out.scores.tolist() == [2.0]


WEIGHTS = "panel,variant,n_runs,env_steps_from,env_steps_to,weight_from,weight_to,count\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (WEIGHTS + "a,b,1,0,10,nan,1,5\n", "line 2, column weight_from: 'nan' must be a number"),
        (WEIGHTS + "a,b,1,0,10,0.1,1,-5\n", "line 2, column count: '-5' must be a whole number"),
        (WEIGHTS + "a,b,0,0,10,0.1,1,5\n", "column n_runs: '0' must be a whole number from 1"),
        (WEIGHTS + "a,b,1,0,0,0.1,1,5\n", "0 periods of 1 bins"),
        (WEIGHTS + "a,b,1,0,10,0,1,5\na,b,1,10,20,0,2,5\n", "line 3, column count: .* 2 periods of 2 bins"),
        (WEIGHTS + "a,b,1,10,20,0,1,5\na,b,1,0,10,0,1,5\n", "line 2, column env_steps_from: .* out of order"),
    ],
)
def test_other_heat_maps_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "weights.csv").write_text(text)
    with pytest.raises(SettingError, match=rf"weights.csv: .*{complaint}"):
        read_heat_maps(tmp_path / "weights.csv")


def test_heat_maps_of_unknown_curves_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "curves.csv").write_text(HEADER + LINE)
    (tmp_path / "weight_heatmaps.csv").write_text(WEIGHTS + "a,other,1,0,10,0,1,5\n")
    assert read_curves(tmp_path / "curves.csv").heat_maps == ()


def test_names_survive_and_are_no_formulas(tmp_path: Path) -> None:
    """What a spreadsheet would take for a formula is text there; read back it is what it was."""
    names = (
        "=cmd|' /C calc'!A0",
        "+1+2",
        "-2+3",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        " =1",
        "|x",
        "%x",
        "\uff1dx",
        "'=x",
    )
    others = ("''=x", "'", "'x", "-2", "-0.5", "'-5", 'a"b', "a,b", "a\nb", "ü")
    runs = tuple(make_run(f"p {name}", name, 1, [0.0, -1.5]) for name in (*names, *others))
    study = StudyResults("x", "x", "=score", tuple(replace(run, algorithm=run.variant) for run in runs))
    write_curves(study, tmp_path / "x.csv")
    again = read_curves(tmp_path / "x.csv")
    assert [(run.panel, run.variant, run.algorithm) for run in again.runs] == [
        (run.panel, run.variant, run.algorithm) for run in study.runs
    ]
    assert again.score_label == "=score"
    with (tmp_path / "x.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    cells = [lines[0][-1], *(line[1] for line in lines[1 : 2 * len(names)])]
    assert all(cell.startswith("'") for cell in cells)
    assert {line[1] for line in lines} >= {"-2", "-0.5", "a,b"}  # numbers stay numbers
    assert {line[-1] for line in lines[1:]} == {"0.0", "-1.5"}
