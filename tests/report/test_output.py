"""The files of a report and their upload."""

import json
import os
import re
import time
from dataclasses import replace
from pathlib import Path
from xml.dom.minidom import parse

import pytest

from remix.report import results as limits
from remix.report.files import read_curves
from remix.report.load import load_study
from remix.report.output import report_folder, upload_report, write_report
from remix.report.results import StudyResults
from remix.settings.errors import SettingError
from tests.report.samples import flat, make_heat_map, make_study
from tests.report.stores import FakeStore

FILES = [
    "report.html",
    "report.md",
    "scores.csv",
    "curves.csv",
    "runs.csv",
    "marl_eval.json",
    "weight_heatmaps.csv",
]
FIGURES = {
    f"{name}.{form}"
    for name in (
        "learning_curves",
        "sample_efficiency",
        "final_scores",
        "performance_profiles",
        "probability_of_improvement",
        "weight_heatmaps",
    )
    for form in ("png", "svg")
}


def test_everything_is_written(tmp_path: Path) -> None:
    paths = write_report(make_study(), tmp_path / "new/report")
    assert [path.relative_to(tmp_path / "new/report").as_posix() for path in paths[:7]] == FILES
    assert {path.name for path in paths[7:]} == FIGURES
    assert all(path.stat().st_size > 100 for path in paths)
    page, markdown = paths[0].read_text(), paths[1].read_text()
    assert "ReMIX 11.0 [10.0, 12.0] against QMIX" in page and "a verdict needs at least 5" in markdown
    assert page.count("data:image/svg+xml") == markdown.count("](figures/") == 6
    assert len(page) < 1_500_000 and 'href="figures/learning_curves.svg"' in page
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
    first_page, second_page = (_without_making(files["report.md"]) for files in (before, after))
    assert second_page == first_page.replace("# A duel", "# duel", 1)


def _without_making(page: bytes) -> str:
    """A page without the line that says when and out of what it was made."""
    kept, n = re.subn(r"^Made 2.*\n", "", page.decode(), flags=re.MULTILINE)
    assert n == 1
    return kept


def test_figures_for_papers_on_wish(tmp_path: Path) -> None:
    paths = write_report(make_study(), tmp_path, pdf=True)
    assert {path.name for path in paths if path.suffix == ".pdf"} == {
        name.replace("svg", "pdf") for name in FIGURES if name.endswith("svg")
    }
    assert 'href="figures/learning_curves.pdf"' in (tmp_path / "report.html").read_text()
    alone = replace(make_study(), runs=tuple(make_study().of("p = 0", "remix")), heat_maps=())
    write_report(alone, tmp_path)
    assert not list(tmp_path.glob("figures/*.pdf")), "those of the report before"


def test_an_earlier_report_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """What belongs to it and is no longer there goes, what the user put beside it stays."""
    study = make_study()
    write_report(study, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    alone = replace(study, runs=tuple(study.of("p = 0", "remix")), heat_maps=())
    paths = write_report(alone, tmp_path)
    found = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {*paths, tmp_path / "notes.txt", tmp_path / "source.txt"}
    assert len(paths) == 6 + 2 * 3


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize(
    "writer", ["remix.report.figures.save_figures", "remix.report.marl_eval.write_marl_eval"]
)
def test_a_report_that_is_interrupted_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    write_report(make_study(), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setattr(writer, interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_report(replace(make_study(), title="Another"), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("blank_figures")
def test_remains_of_killed_reports_are_removed_when_nobody_works_on_them(tmp_path: Path) -> None:
    for name, age in (("old", 7200), ("new", 60)):
        folder = tmp_path / f".report-{name}"
        (folder / "figures").mkdir(parents=True)
        os.utime(folder, (time.time() - age,) * 2)
    write_report(make_study(), tmp_path)
    assert [path.name for path in tmp_path.glob(".report-*")] == [".report-new"]


@pytest.mark.usefixtures("blank_figures")
def test_a_report_of_another_study_is_not_replaced(tmp_path: Path) -> None:
    write_report(make_study(), tmp_path)
    with pytest.raises(SettingError, match="holds the report of the study duel; --output must be another"):
        write_report(replace(make_study(), name="dual"), tmp_path)


def test_one_folder_for_a_study_and_another_for_a_file() -> None:
    study = replace(make_study(), name="my study")
    assert report_folder(study) == Path("runs/reports/my_study")
    assert report_folder(replace(study, file=Path("my study/curves.csv"))) == Path(
        "runs/reports/my_study.csv"
    )


def test_names_from_elsewhere_break_nothing(tmp_path: Path) -> None:
    """Formulas of Matplotlib, of spreadsheets and of Markdown, control characters, and what has no glyph."""
    names = [r"$\frac{$", "\x1b[31mred\0", "x" * 5000, "\u202eabc\u05d0", "\N{GRINNING FACE}", "a\nb", "__"]
    names += ["=cmd|' /C calc'!A0", "[x](javascript:1)", "<script>", "{reference} %s", "\\alpha", "|", "-2"]
    runs = [run for name in names for run in flat(r"p $_^{$", name, [1.0, 2.0])]
    maps = (make_heat_map(r"p $_^{$", names[0]), make_heat_map(r"p $_^{$", names[1]))
    study = StudyResults("../$x", r"[t](http://h) $\frac{$", "=score $_$", tuple(runs), maps)
    paths = write_report(study, tmp_path)
    for path in paths:
        if path.suffix == ".svg":
            parse(str(path))
    markdown = (tmp_path / "report.md").read_text()
    assert "](javascript" not in markdown
    assert "](http" not in markdown
    page = (tmp_path / "report.html").read_text()
    assert page.count("<script>") == 2, "ours"
    assert not {c for c in markdown if not c.isprintable()} - {"\n"}


@pytest.mark.parametrize(
    ("limit", "complaint"),
    [
        ("MOST_CURVES", "has 6 curves .panels times variants."),
        ("MOST_SEEDS", "has 3 runs of one curve"),
        ("MOST_EVALUATIONS", "has 3 evaluations of one run"),
    ],
)
def test_far_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, complaint: str
) -> None:
    monkeypatch.setattr(limits, limit, 1)
    with pytest.raises(SettingError, match=f"study=duel: {complaint}; a report takes at most 1"):
        write_report(make_study(), tmp_path / "new")
    assert not (tmp_path / "new").exists()


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
