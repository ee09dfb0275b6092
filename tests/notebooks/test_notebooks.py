"""The notebooks run from end to end, and what they show is so."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = ["theory", "tour", "reproduction"]
ABSOLUTE_PATH = re.compile(r"(?<![\w.~])/(home|root|work|tmp|Users|private|mnt)/")


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small budgets, one core, and nothing outside the test's own folder."""
    for name, value in {"REMIX_NOTEBOOK_SMALL": "1", "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("TMPDIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def read(name: str) -> NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def run(name: str, folder: Path, expression: str = "None") -> tuple[NotebookNode, Any]:
    """The executed notebook, and the value of an expression in it afterwards."""
    notebook = read(name)
    notebook.cells.append(nbformat.v4.new_code_cell(f"import json\nprint(json.dumps({expression}))"))
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    value = json.loads(notebook.cells.pop().outputs[0].text)
    return notebook, value


def outputs(notebook: NotebookNode, kind: str) -> list[str]:
    """What the cells put out of one MIME type; of plain text also what they printed."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and kind == "text/plain":
                found.append(output.text)
            elif kind in output.get("data", {}):
                found.append(output.data[kind])
    return found


def test_theory(tmp_path: Path):
    values = (
        "{'regret': regret.to_dict(), 'changed': comparison.to_dict(), 'hard': hard.to_dict(), "
        "'clamped': clamped.unique().tolist()}"
    )
    notebook, found = run("theory", tmp_path, values)
    share = found["regret"]["share at 8"]
    assert share["uniform (QMIX)"] == share["OW, min 0.8"] == share["ReMIX, min 0.8"] == 0.0
    assert share["OW, min 0.1"] >= 0.9 and share["ReMIX, min 0.1"] >= 0.9
    assert found["regret"]["regret: greedy"]["uniform (QMIX)"] >= 8.0
    assert found["regret"]["softmax of Q_tot"]["OW, min 0.1"] < 0.5
    # Where the mixing gradient is negative the weight is the minimum; without its -1, 0.5 works as well.
    assert found["clamped"] == [pytest.approx(0.1)]
    share = found["changed"]["share at 8"]
    assert share["without the -1, min 0.5"] >= 0.9 > share["ReMIX, min 0.5"]
    # Both logarithms find the optimum where another action is nearly as good; the paper's weights do not.
    share = found["hard"]["share at 8"]
    assert share["both logarithms, min 0.1"] > share["ReMIX, min 0.1"]
    assert len(outputs(notebook, "image/png")) == 9


@pytest.mark.slow
def test_tour(tmp_path: Path):
    notebook, found = run("tour", tmp_path, "{'final': run.scores['return'], 'returns': list(returns)}")
    assert found == {"final": pytest.approx(0.0, abs=20.0), "returns": [-0.5, -2]}
    (folder,) = tmp_path.glob("remix-tour-*")
    with (folder / "report/scores.csv").open() as file:
        seeds = {row["variant"]: int(row["seeds"]) for row in csv.DictReader(file)}
    assert seeds == {"remix": 2, "qmix": 2}
    assert len(outputs(notebook, "image/gif")) == 1
    assert len(outputs(notebook, "image/png")) == 4  # curves, weights and two figures of the report
    assert "greedy return" in "".join(outputs(notebook, "text/plain")[-3:])  # a stream may come in parts


def test_reproduction_of_stored_results(tmp_path: Path):
    (tmp_path / "results").mkdir()
    with (tmp_path / "results/sensitivity.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["panel", "variant", "algorithm", "seed", "status", "env_steps", "test return"])
        for variant, height in (("minimum 0.1", 30), ("minimum 0.8", 5)):
            for seed in (1, 2, 3, 4, 5):
                rows = [(steps, seed + height * steps / 4000) for steps in (1000, 2000, 3000, 4000)]
                writer.writerows(["p = -1.5", variant, "remix", seed, "FINISHED", *row] for row in rows)
    notebook, studies = run("reproduction", tmp_path, "list(studies)")
    assert studies == ["sensitivity"]
    assert len(outputs(notebook, "image/png")) == 2
    page = "\n".join(outputs(notebook, "text/markdown"))
    assert "minimum 0.1 is higher (difference 25.0 [" in page
    assert any("no results of this study" in text for text in outputs(notebook, "text/plain"))


def test_reproduction_says_if_there_are_no_results(tmp_path: Path):
    notebook, studies = run("reproduction", tmp_path, "list(studies)")
    assert studies == []
    assert "There are no stored results" in outputs(notebook, "text/plain")[0]
    assert outputs(notebook, "image/png") == []


@pytest.mark.parametrize("name", NAMES)
def test_stored_notebooks_are_small_and_of_no_machine(name: str):
    path = NOTEBOOKS / f"{name}.ipynb"
    notebook = read(name)
    nbformat.validate(notebook)
    assert path.stat().st_size < 1_000_000
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            assert len(json.dumps(output)) < 200_000
            for kind in [kind for kind in output.get("data", {}) if kind.startswith("image/")]:
                del output.data[kind]  # in base64 anything may stand
    assert not ABSOLUTE_PATH.search(json.dumps(notebook))


def test_the_tour_is_stored_with_what_it_shows():
    notebook = read("tour")
    assert (NOTEBOOKS / "tour.ipynb").stat().st_size < 600_000
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))  # run once, from top to bottom
    assert len(outputs(notebook, "image/png")) == 4 and len(outputs(notebook, "image/gif")) == 1
    assert "greedy return" in "".join(outputs(notebook, "text/plain")[-3:])  # a stream may come in parts


def test_all_notebooks_are_tested():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == sorted(NAMES)
