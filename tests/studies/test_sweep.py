"""Whole studies: what they leave, and what a repeated command does."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from omegaconf import OmegaConf

from remix.algorithms.value_factorization import ValueFactorization
from remix.records.directory import RunDirectory
from remix.tracking.journal import Journal
from tests.command_line import CommandLine
from tests.programs import HALTING
from tests.projects import write
from tests.studies.studies import STUDY, TINY, parent_and_children, records

pytestmark = pytest.mark.usefixtures("blank_figures")


def test_a_study_from_plan_to_report(remix: CommandLine, mlflow_uri: str) -> None:
    done = remix(*STUDY, "algorithm=qmix,vdn", "seed=1,2", "study.onset=-100")
    assert done.code == 0, done.err
    assert "study games: 4 jobs: 4 finished\n  report  runs/reports/games/report.html\n" in done.out
    assert "[3/4] matrix_game, vdn, seed 1" in done.out or "[3/4] matrix_game, qmix, seed 2" in done.out
    assert set(records(remix.home)) == {
        f"games/matrix_game/{algorithm}/seed{seed}" for algorithm in ("qmix", "vdn") for seed in (1, 2)
    }
    parent, children = parent_and_children(mlflow_uri, "games")
    assert parent.info.status == "FINISHED"
    assert {(c.data.tags["variant"], c.data.tags["seed"]) for c in children} == {
        (algorithm, seed) for algorithm in ("qmix", "vdn") for seed in "12"
    }
    for child in children:
        assert child.info.status == "FINISHED"
        assert child.info.run_name == f"{child.data.tags['variant']}, matrix_game, s{child.data.tags['seed']}"
        assert child.data.metrics["summary/onset"] == 0.0
        assert child.data.tags["panel"] == "matrix_game" and child.data.tags["study"] == "games"
        assert child.data.metrics["summary/best_return"] >= child.data.metrics["summary/final_return"]
        assert len(child.data.tags["identity"]) == 10
    client = MlflowClient(mlflow_uri)
    assert {a.path for a in client.list_artifacts(parent.info.run_id)} >= {
        "plan.json",
        "study.yaml",
        "report",
    }
    page = (remix.home / "runs/reports/games/report.md").read_text()
    assert "QMIX" in page and "VDN" in page
    configuration = client.download_artifacts(parent.info.run_id, "study.yaml", str(remix.home))
    assert OmegaConf.select(OmegaConf.load(configuration), "sweep.algorithm") == "qmix,vdn"


def commands(out: str) -> list[list[str]]:
    """What a study says to call next, without the program."""
    _, _, rest = out.partition("what next:\n")
    return [shlex.split(line.partition("        (")[0])[1:] for line in rest.splitlines()]


def test_commands_at_the_end_know_of_a_store_that_was_given(
    remix: CommandLine, migrated_database: Path, tmp_path: Path
) -> None:
    shutil.copy(migrated_database, tmp_path / "other.db")
    uri = f"sqlite:///{tmp_path}/other.db"
    report, ui = commands(remix(*STUDY, f"logger.mlflow.tracking_uri={uri}").out)
    assert ui == ["ui", "games", "--tracking-uri", uri]
    assert "1 finished of 1 planned runs" in remix(*report).out


def test_commands_at_the_end_leave_out_mlflow_where_no_run_is_in_it(remix: CommandLine) -> None:
    [report] = commands(remix(*STUDY, "logger=none").out)
    assert report == ["report", "games"] and remix(*report).code == 0


def test_names_may_be_numbers(remix: CommandLine, mlflow_uri: str) -> None:
    gamma = ("study.variant=${algorithm.gamma}", "algorithm.gamma=0.9,0.95")
    assert remix(*STUDY, "-m", "study.name=2024", *gamma).code == 0
    assert set(records(remix.home)) == {"2024/matrix_game/0.9/seed1", "2024/matrix_game/0.95/seed1"}
    _, runs = parent_and_children(mlflow_uri, "2024")
    assert {run.data.tags["variant"] for run in runs} == {"0.9", "0.95"}
    assert (remix.home / "runs/reports/2024/report.html").is_file()


def test_a_repeated_study_trains_what_is_missing(remix: CommandLine, mlflow_uri: str) -> None:
    remix(*STUDY, "seed=1")
    again = remix(*STUDY, "seed=1,2")
    assert "2 jobs, of which 1 finished" in again.out
    assert "1 finished, 1 skipped (finished before)" in again.out
    parent, children = parent_and_children(mlflow_uri, "games")
    assert sorted(child.data.tags["seed"] for child in children) == ["1", "2"]
    plan = MlflowClient(mlflow_uri).download_artifacts(parent.info.run_id, "plan.json", str(remix.home))
    assert [job["seed"] for job in json.loads(Path(plan).read_text())["jobs"]] == [1, 2]


def test_jobs_that_differ_in_the_seed_alone_are_trained_together(
    remix: CommandLine, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = ValueFactorization.training_step

    def fails_with_seed_2(self, *arguments):
        if self.trainer.datamodule.seed == 2:
            raise RuntimeError("the gradient exploded")
        return step(self, *arguments)

    monkeypatch.setattr(ValueFactorization, "training_step", fails_with_seed_2)
    sweep = (*STUDY, "algorithm=qmix,vdn", "study.together=true")
    first = remix(*sweep, "seed=1,2")
    assert first.code == 1
    assert "study games: 4 jobs: 2 finished, 2 failed" in first.out
    assert "[seed 1] [1/4] matrix_game, qmix, seed 1\n" in first.out
    assert "[2/4] matrix_game, qmix, seed 2 is trained with seed 1\n" in first.out
    monkeypatch.setattr(ValueFactorization, "training_step", step)
    second = remix(*sweep, "seed=3,2", "study.retry_failed=true")
    assert second.code == 0, second.err
    assert "4 jobs: 4 finished" in second.out
    _, children = parent_and_children(mlflow_uri, "games")
    assert {(c.data.tags["variant"], c.data.tags["seed"], c.info.status) for c in children} == {
        (algorithm, seed, "FINISHED") for algorithm in ("qmix", "vdn") for seed in "123"
    }
    assert remix(*STUDY, "study.name=alone", "seed=3", "study.reuse=false").code == 0
    folder = remix.home / "runs/studies"
    together, alone = (
        [
            (entry.step, {k: v for k, v in entry.values.items() if not k.startswith("time/")})
            for entry in entries
        ]
        for entries in (
            Journal(folder / f"{name}/matrix_game/qmix/seed3").entries() for name in ("games", "alone")
        )
    )
    assert together == alone


def test_a_failing_job_does_not_stop_the_others(remix: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    step = ValueFactorization.training_step

    def fails_at_gamma_half(self, *arguments):
        if self.gamma == 0.5:
            raise RuntimeError("the gradient exploded")
        return step(self, *arguments)

    monkeypatch.setattr(ValueFactorization, "training_step", fails_at_gamma_half)
    sweep = (*STUDY, "logger=none", "algorithm.gamma=0.5,0.9", "study.variant='gamma ${algorithm.gamma}'")
    first = remix(*sweep)
    assert first.code == 1
    assert "study games: 2 jobs: 1 finished, 1 failed" in first.out
    assert "failed: matrix_game, gamma 0.5, seed 1 (the gradient exploded)" in first.out
    [error] = (remix.home / "runs/studies/games").glob("**/error.txt")
    assert "fails_at_gamma_half" in error.read_text()
    again = remix(*sweep)
    assert again.code == 1
    assert "1 failed" in again.out and "study.retry_failed=true runs it again" in again.out
    monkeypatch.setattr(ValueFactorization, "training_step", step)
    mended = remix(*sweep, "study.retry_failed=true")
    assert mended.code == 0
    assert "1 finished, 1 skipped (finished before)" in mended.out


def test_a_finished_run_of_the_same_configuration_is_taken_over(remix: CommandLine, mlflow_uri: str) -> None:
    alone = remix("train", *(s for s in TINY if "study" not in s), "seed=2")
    assert alone.code == 0, alone.err
    study = remix(*STUDY, "seed=1,2")
    assert study.out.count("taken over from runs/matrix_game/qmix/") == 1
    _, children = parent_and_children(mlflow_uri, "games")
    copy = next(child for child in children if child.data.tags["seed"] == "2")
    client = MlflowClient(mlflow_uri)
    source = client.get_run(
        str(RunDirectory(remix.home / copy.data.tags["copied_from"]).record.mlflow_run_id)
    )
    assert source.info.experiment_id != copy.info.experiment_id
    new = copy.data.params.items() - source.data.params.items()
    assert {name for name, _ in new} == {"panel", "variant", "run_dir", "trainer.default_root_dir"}
    assert copy.data.metrics == source.data.metrics
    history = [
        [(p.step, p.value) for p in client.get_metric_history(run.info.run_id, "test/return")]
        for run in (source, copy)
    ]
    assert history[0] == history[1] and len(history[0]) > 1
    assert {a.path for a in client.list_artifacts(copy.info.run_id)} >= {"config.yaml", "checkpoints"}
    apart = remix(*STUDY, "study.name=apart", "study.reuse=false", "seed=2")
    assert "taken over" not in apart.out


@pytest.mark.slow
def test_an_interrupted_study_says_so_and_goes_on(remix: CommandLine, mlflow_uri: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HALTING, *STUDY, "max_env_steps=400"],
        cwd=remix.home, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    last = remix.home / "runs/studies/games/matrix_game/qmix/seed1/checkpoints/last.ckpt"
    _wait_for(last)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=600)
    assert process.returncode != 0
    assert "study games interrupted; the same command goes on with it" in out
    parent, [child] = parent_and_children(mlflow_uri, "games")
    assert parent.info.status == child.info.status == "KILLED"


@pytest.mark.slow
def test_a_killed_study_goes_on(remix: CommandLine, mlflow_uri: str) -> None:
    """Interrupted and missing jobs are trained to the end in the runs that were begun."""
    command = [*STUDY, "seed=1,2", "max_env_steps=96"]
    process = subprocess.Popen(
        [sys.executable, "-c", HALTING, *command], cwd=remix.home, stdout=subprocess.DEVNULL
    )
    last = remix.home / "runs/studies/games/matrix_game/qmix/seed1/checkpoints/last.ckpt"
    _wait_for(last)
    process.kill()
    process.wait()
    record = RunDirectory(last.parents[1]).record
    assert record.status == "running"
    done = remix(*command)
    assert done.code == 0
    assert "2 jobs, of which 1 interrupted" in done.out and "2 jobs: 2 finished" in done.out
    assert f"resumed from {last.relative_to(remix.home)}" in done.out
    assert RunDirectory(last.parents[1]).record.mlflow_run_id == str(record.mlflow_run_id)
    _, children = parent_and_children(mlflow_uri, "games")
    assert len(children) == 2
    history = MlflowClient(mlflow_uri).get_metric_history(str(record.mlflow_run_id), "test/return")
    steps = [point.step for point in history]
    assert len(steps) == len(set(steps)) == 13
    entries = list(Journal(last.parents[1]).entries())
    for name in {name for entry in entries for name in entry.values}:
        points = MlflowClient(mlflow_uri).get_metric_history(str(record.mlflow_run_id), name)
        expected = [(entry.step, entry.values[name]) for entry in entries if name in entry.values]
        assert [(point.step, point.value) for point in points] == expected


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + 600
    while not file.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("study=nope", "study=nope: must be one of ablation, ablation_predator_prey, custom, "),
        ("study=ablation variant=nope", "variant=nope: must be one of full, "),
        ("study=custom", "study.name=???: must be given"),
        ("study=custom study.name=x algorithm.gamma=0.9,0.8", "names two configurations of 'predator_prey'"),
        ("study=custom study.name=x seed=1,two", "seed=two: must be a whole number"),
        ("study=custom study.name=x env=predator_prey,nope", "env=nope: must be one of "),
        ("study=custom study.name=x study.retry_failed=maybe", "study.retry_failed=maybe: must be true or"),
        ("study=custom study.name=x study.reuse=7", "study.reuse=7: must be true or false"),
        ("study=ablation algorithm=vdn", "algorithm.weighting.bellman_error=False: unknown setting"),
    ],
)
def test_mistakes_are_answered_before_anything_runs(remix: CommandLine, arguments: str, message: str) -> None:
    answer = remix("train", *arguments.split())
    assert answer.code == 2
    assert message in answer.err
    assert answer.err.count("\n") == 1
    assert not records(remix.home)


@pytest.mark.parametrize("words", [("-m",), ()])
def test_a_study_that_is_no_mapping_is_one_line(remix: CommandLine, words: tuple[str, ...]) -> None:
    write(remix.home, {"conf/study/five.yaml": "# @package _global_\nstudy: 5\n"})
    answer = remix("train", *words, "study=five")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert answer.err.startswith("remix: study=5: must be settings, such as study.name and ")


def test_a_stopped_job_is_counted_and_goes_on(remix: CommandLine) -> None:
    tiny = (*STUDY, "logger=csv", "seed=1,2", "trainer.max_epochs=1")
    first = remix(*tiny)
    assert first.code == 0, first.err
    assert "study games: 2 jobs: 2 stopped" in first.out
    again = remix(*tiny)
    assert "study games: 2 jobs, of which 2 stopped" in again.out
    assert again.out.count("resumed from ") == 2
    whole = remix(*STUDY, "study.name=whole", "logger=csv", "seed=1")
    assert "taken over" not in whole.out and "1 finished" in whole.out


def test_a_name_stands_for_one_configuration(remix: CommandLine) -> None:
    assert remix(*STUDY, "logger=none").code == 0
    other = remix(*STUDY, "logger=none", "algorithm.gamma=0.5")
    assert other.code == 2
    assert "study.name=games: holds another configuration of 'matrix_game, qmix, seed 1'" in other.err


def test_single_runs_in_the_experiment_of_a_study_are_no_part_of_it(
    remix: CommandLine, mlflow_uri: str
) -> None:
    remix("train", *(s for s in TINY if "study" not in s), "experiment_name=games", "seed=9")
    assert remix(*STUDY, "seed=1").code == 0
    _, children = parent_and_children(mlflow_uri, "games")
    assert [child.data.tags["seed"] for child in children] == ["1"]
    assert "1 finished of 1 planned" in (remix.home / "runs/reports/games/report.md").read_text()
