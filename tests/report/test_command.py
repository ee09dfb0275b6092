"""``remix report`` as a user calls it."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from remix.report import report
from remix.report.files import write_curves
from remix.report.results import StudyResults
from remix.settings.errors import SettingError
from tests.report.samples import flat, make_study
from tests.report.stores import FakeStore


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


pytestmark = pytest.mark.usefixtures("blank_figures")


def test_importing_is_cheap() -> None:
    code = (
        "import sys, remix.report\n"
        "print({'torch', 'mlflow', 'matplotlib', 'scipy', 'numpy', 'pytorch_lightning'} & sys.modules.keys())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_report_of_a_study(
    store: FakeStore, run_ids: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    report(["duel"])
    output = capsys.readouterr().out
    assert "7 finished, 1 running, 1 killed, 1 failed, 2 missing of 12 planned runs" in output
    paths = re.findall(r"^(?:report|figures|tables) +(runs\S+)$", output, re.MULTILINE)
    assert paths == [
        "runs/reports/duel/report.html",
        "runs/reports/duel/report.md",
        "runs/reports/duel/figures",
        "runs/reports/duel/scores.csv",
    ]
    assert all(Path(path).exists() for path in paths)
    assert "added to the study's run in MLflow" in output
    assert "report/report.html" in store.artifacts(run_ids["duel"], "report")


def test_reference_of_a_report(store: FakeStore) -> None:
    report(["duel", "--reference", "qmix", "--no-upload"])
    assert "## QMIX against the others" in Path("runs/reports/duel/report.md").read_text()
    with pytest.raises(SettingError, match="reference=qmixx: must be"):
        report(["duel", "--reference", "qmixx"])


def test_smoothed_curves_say_so(store: FakeStore) -> None:
    report(["duel", "--smooth", "3", "--no-upload"])
    page = Path("runs/reports/duel/report.md").read_text()
    assert "with its interval. Means of 3 evaluations; thin: single ones." in page
    with pytest.raises(SettingError, match="smooth=0: must be"):
        report(["duel", "--smooth", "0"])


def test_output_and_no_upload(
    store: FakeStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*arguments: object) -> None:
        raise AssertionError("uploaded")

    monkeypatch.setattr(type(store.client), "log_artifact", forbidden)
    report(["duel", "--output", "here", "--no-upload"])
    assert Path("here/report.html").is_file()
    assert not Path("runs").exists()
    assert "added" not in capsys.readouterr().out


def test_report_from_a_file_needs_no_store(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    Path("duel").mkdir()
    write_curves(make_study(), Path("duel/curves.csv"))
    report(["duel/curves.csv"])
    assert "QMIX" in Path("runs/reports/duel.csv/report.md").read_text()
    assert "added" not in capsys.readouterr().out


def test_the_report_of_a_file_leaves_that_of_the_study_alone(store: FakeStore) -> None:
    report(["duel", "--no-upload"])
    before = {path: path.read_bytes() for path in Path("runs/reports/duel").rglob("*") if path.is_file()}
    curves = "runs/reports/duel/curves.csv"
    report([curves])
    report([curves])  # of the same file: replaced
    with pytest.raises(SettingError, match=r"^output=runs/reports/duel: holds the report of the study duel;"):
        report([curves, "--output", "runs/reports/duel"])
    assert {path: path.read_bytes() for path in before} == before
    assert sorted(path.name for path in Path("runs/reports").iterdir()) == ["duel", "duel.csv"]


def test_reports_of_files_of_one_name_do_not_replace_each_other() -> None:
    for place in ("a", "b"):
        Path(place, "duel").mkdir(parents=True)
        write_curves(make_study(), Path(place, "duel/curves.csv"))
    report(["a/duel/curves.csv"])
    with pytest.raises(
        SettingError, match=r"holds the report of the file .*/a/duel/curves.csv; --output must"
    ):
        report(["b/duel/curves.csv"])
    report(["b/duel/curves.csv", "--output", "runs/reports/other"])


def test_files_of_the_user_are_not_replaced() -> None:
    write_curves(make_study(), Path("curves.csv"))
    before = Path("curves.csv").read_bytes()
    with pytest.raises(SettingError, match=r"^output=\.: holds another curves.csv; --output must be another"):
        report(["curves.csv", "--output", "."])
    assert Path("curves.csv").read_bytes() == before
    assert list(map(str, Path().iterdir())) == ["curves.csv"]


def test_without_a_name_the_latest_study_is_taken(
    store: FakeStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remix.report.listing.latest", lambda: "duel")
    report(["--no-upload"])
    assert capsys.readouterr().out.startswith("reading duel ...\n7 finished, ")


def test_where_nothing_was_trained_the_studies_of_the_store_are_named(store: FakeStore) -> None:
    with pytest.raises(SettingError) as refused:
        report([])
    assert str(refused.value) == (
        "study=: there are no runs below runs; must be one of begun, duel, planless; "
        f"these are the studies in {store.uri}"
    )


def test_store_without_studies(mlflow_uri: str) -> None:
    with pytest.raises(SettingError, match="there are no runs below runs; there are no studies in sqlite"):
        report(["--tracking-uri", mlflow_uri])


def test_another_metric(store: FakeStore, run_ids: dict[str, str]) -> None:
    for name in ("remix 1", "remix 2", "remix 3"):
        for step, rate in ((0, 0.0), (100, 0.5)):
            store.client.log_metric(run_ids[name], "test/win_rate", rate, step=step)
    report(["duel", "--metric", "test/win_rate", "--no-upload"])
    page = Path("runs/reports/duel/report.md").read_text()
    assert "final test win rate" in page and "3 finished, " not in page
    with pytest.raises(
        SettingError, match=r"^metric=test/winrate: must be one of test/win_rate, test/return$"
    ):
        report(["duel", "--metric", "test/winrate"])


def test_names_and_order() -> None:
    Path("duel").mkdir()
    write_curves(make_study(), Path("duel/curves.csv"))
    names = ["--name", "qmix=The old one", "--name", "without_mixing_gradient=Less"]
    report(["duel/curves.csv", "--order", "without_mixing_gradient,qmix", *names])
    page = Path("runs/reports/duel.csv/report.md").read_text()
    rows = re.findall(r"^\| (Less|The old one|ReMIX) \| \d", page, re.MULTILINE)
    assert rows[:3] == ["Less", "The old one", "ReMIX"]
    assert "## ReMIX against the others" in page and "QMIX" not in page.replace("ReMIX", "")
    # What is kept has the variants' own names, so that the report can be made again.
    assert ",qmix," in Path("runs/reports/duel.csv/curves.csv").read_text()


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--smooth", "two", "smooth=two: must be a whole number of at least 1"),
        ("--onset", "high", "onset=high: must be a finite number"),
        ("--onset", "nan", "onset=nan: must be a finite number"),
        ("--order", "qmix,vdn", "order=vdn: must be one of qmix, remix, without_mixing_gradient"),
        ("--name", "qmix", "name=qmix: must be VARIANT=NAME"),
        ("--name", "qmx=Q", "name=qmx: must be one of qmix, remix, without_mixing_gradient"),
        ("--name", "qmix=", "name=: must be a name, with at least one letter or digit"),
        ("--name", "qmix=ReMIX", "name=qmix=ReMIX: must not be what another variant is called"),
        (
            "--metric",
            "test/win_rate",
            "metric=test/win_rate: must be test return, the only one in curves.csv",
        ),
    ],
)
def test_a_wrong_option_is_refused_with_what_would_be_right(option: str, value: str, complaint: str) -> None:
    write_curves(make_study(), Path("curves.csv"))
    with pytest.raises(SettingError) as refused:
        report(["curves.csv", option, value, "--output", "new"])
    assert str(refused.value) == complaint and not Path("new").exists()


def test_a_variant_may_have_an_equals_sign_and_a_comma_in_its_name() -> None:
    runs = [run for variant in ("a = 1", "a = 1, b = 2") for run in flat("p", variant, [1.0, 2.0])]
    write_curves(StudyResults("s", "s", "score", tuple(runs)), Path("some.csv"))
    report(["some.csv", "--name", "a = 1, b = 2=Both", "--order", "a = 1, b = 2"])
    page = Path("runs/reports/some.csv/report.md").read_text()
    assert re.findall(r"^\| (Both|a = 1) \| \d", page, re.MULTILINE)[:2] == ["Both", "a = 1"]


def test_mistake_is_one_line(store: FakeStore) -> None:
    with pytest.raises(SettingError, match="study=duell: must be one of duel, "):
        report(["duell"])


@pytest.mark.parametrize("study", ["", "..", "a\nb"])
def test_what_is_no_name_is_refused(study: str) -> None:
    with pytest.raises(SettingError, match=r"^study="):
        report([study])


@pytest.mark.parametrize("output", ["", "taken"])
def test_an_output_that_cannot_be_one_is_refused(output: str) -> None:
    Path("taken").touch()
    Path("duel").mkdir()
    write_curves(make_study(), Path("duel/curves.csv"))
    with pytest.raises(SettingError, match=f"^output={output}: "):
        report(["duel/curves.csv", "--output", output])


def test_a_report_stays_in_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    study = replace(make_study(), name="../../outside")
    monkeypatch.setattr("remix.report.load.load_study", lambda *_: study)
    report(["../../outside", "--no-upload"])
    [folder] = Path("runs/reports").iterdir()
    assert (folder / "report.html").is_file()
    assert [path.name for path in Path().iterdir()] == ["runs"]
