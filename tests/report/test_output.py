"""The files of a report and their upload."""

import json
from pathlib import Path

import pytest

from remix.report.files import read_curves
from remix.report.load import load_study
from remix.report.output import upload_report, write_report
from tests.report.samples import make_study
from tests.report.stores import FakeStore

FILES = [
    "report.html",
    "report.md",
    "scores.csv",
    "curves.csv",
    "marl_eval.json",
    "weight_heatmaps.csv",
]
FIGURES = {
    f"{name}.{form}"
    for name in (
        "learning_curves",
        "final_scores",
        "performance_profiles",
        "probability_of_improvement",
        "weight_heatmaps",
    )
    for form in ("png", "svg")
}


def test_everything_is_written(tmp_path: Path) -> None:
    paths = write_report(make_study(), tmp_path / "new/report")
    assert [path.relative_to(tmp_path / "new/report").as_posix() for path in paths[:6]] == FILES
    assert {path.name for path in paths[6:]} == FIGURES
    assert all(path.stat().st_size > 100 for path in paths)
    page, markdown = paths[0].read_text(), paths[1].read_text()
    assert "ReMIX 11.0 [10.0, 12.0] against QMIX" in page and "ReMIX is higher" in markdown
    assert page.count("data:image/svg+xml") == markdown.count("](figures/") == 5
    assert json.loads((tmp_path / "new/report/marl_eval.json").read_text())["duel"]


def test_report_can_be_made_again_from_its_curves(tmp_path: Path) -> None:
    first = write_report(make_study(), tmp_path / "duel")
    before = {path.name: path.read_bytes() for path in first}
    second = write_report(read_curves(tmp_path / "duel/curves.csv"), tmp_path / "again")
    after = {path.name: path.read_bytes() for path in second}
    assert before.keys() == after.keys()
    # The title of the study is all that the curves do not tell.
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"report.html", "report.md"}
    assert after["report.md"].decode() == before["report.md"].decode().replace("# A duel", "# duel", 1)


def test_upload_goes_below_report(store: FakeStore, run_ids: dict[str, str], tmp_path: Path) -> None:
    results = load_study("duel")
    paths = write_report(results, tmp_path)
    assert upload_report(results, tmp_path, paths)
    assert store.artifacts(run_ids["duel"], "report") == {f"report/{name}" for name in [*FILES, "figures"]}
    figures = {Path(name).name for name in store.artifacts(run_ids["duel"], "report/figures")}
    assert figures == FIGURES


def test_upload_that_fails_is_a_warning(
    store: FakeStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = load_study("duel")

    def full(*arguments: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(type(store.client), "log_artifact", full)
    assert not upload_report(results, tmp_path, [tmp_path / "report.html"])
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"warning: {store.uri} did not take the report: no space left"
