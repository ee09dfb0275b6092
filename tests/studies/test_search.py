"""Searches: their proposals, failures and interruptions, processes that share one, and mistakes."""

from __future__ import annotations

import math
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import optuna
import pytest
from omegaconf import DictConfig
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from remix.records.directory import RunDirectory
from remix.runs import experiment
from remix.runs.config import register_resolvers
from remix.runs.identity import identity
from remix.runs.run_settings import RunSettings
from remix.studies.search.composition import composed, settled, spelled, train_words
from remix.studies.search.trials import LOCKS, Trials, _Pen
from tests.command_line import CommandLine, Outcome
from tests.programs import HALTING

GAME = (
    "search=none",
    "search.name=game",
    "env=matrix_game",
    "algorithm=qmix",
    "algorithm.policy.hidden_size=8",
    "replay.batch_size=4",
    "replay.episodes_per_round=4",
    "max_env_steps=40",
    "steps_per_epoch=20",
    "validation_episodes=2",
    "test_episodes=2",
    "threads=1",
)
LEARNING_RATE = "algorithm.optimizer.lr: {type: float, low: 0.00001, high: 1.0, log: true}"
OPTIMUM = 1e-3
MINE = """
# @package _global_
defaults:
  - override /algorithm: mappo
search:
  name: mine
  trials: 1
  space:
    algorithm.clip: {type: float, low: 0.1, high: 0.3}
""".lstrip()


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[DictConfig], Any]], list[DictConfig]]:
    """Puts a function of the configuration in the place of training; the list is of its calls."""

    def replace(function: Callable[[DictConfig], Any]) -> list[DictConfig]:
        calls: list[DictConfig] = []

        def recorded(settings: RunSettings) -> Any:
            calls.append(settings.composed)
            return function(settings.composed)

        monkeypatch.setattr(experiment, "train", recorded)
        return calls

    return replace


def peak(config: DictConfig) -> float:
    """Best at the optimum, and a little better with some seeds than with others."""
    return -abs(math.log10(config.algorithm.optimizer.lr / OPTIMUM)) + 0.001 * config.seed


def space(*definitions: str) -> str:
    return "+search.space={" + ", ".join(definitions) + "}"


def search(remix: CommandLine, *more: str, dimensions: tuple[str, ...] = (LEARNING_RATE,)) -> Outcome:
    return remix("search", *GAME, "logger=none", space(*dimensions), *more)


def journal(home: Path, name: str = "game") -> list[FrozenTrial]:
    storage = JournalStorage(JournalFileBackend(str(home / "runs/searches" / name / "journal.log")))
    return optuna.load_study(study_name=name, storage=storage).trials


def test_a_search_comes_near_the_optimum_and_says_how_to_get_there(remix: CommandLine, train):
    calls = train(peak)
    outcome = search(remix, "search.trials=12", "search.seeds=[1,2]")
    assert outcome.code == 0, outcome.err
    trials = journal(remix.home)
    values = [trial.value or math.nan for trial in trials]
    best = values.index(max(values))
    assert len(values) == 12
    assert values[best] > -0.3
    assert min(values) < -1.0
    assert [call.seed for call in calls] == [1, 2] * 12
    assert values[best] == pytest.approx(peak(calls[2 * best]) + 0.0005)
    for number, value in enumerate(values, start=1):
        assert re.search(rf"^trial {number} of 12: .* -> {value:.2f} ", outcome.out, flags=re.MULTILINE)
    assert "12 finished, 0 failed" in outcome.out
    assert f"best: mean final return {values[best]:.2f}, trial {best + 1}" in outcome.out
    rate = trials[best].params["algorithm.optimizer.lr"]
    assert re.search(
        rf"^  remix train -m .* algorithm.optimizer.lr={rate!r} seed=1,2$", outcome.out, re.MULTILINE
    )


def test_the_command_of_the_best_trial_trains_its_configuration(remix: CommandLine, train):
    identities: list[str] = []

    def noted(config: DictConfig) -> float:
        identities.append(f"{identity(config)}-seed{config.seed}")
        return 1.0

    calls = train(noted)
    outcome = remix("search", "search.trials=1", "max_env_steps=70_000", "logger=csv")
    assert outcome.code == 0, outcome.err
    (line,) = re.findall(r"^  (remix train .*)$", outcome.out, flags=re.MULTILINE)
    assert "experiment=quickstart" in line
    assert remix(*shlex.split(line)[1:]).code == 0
    trial, alone = identities
    assert trial == alone
    assert calls[0].run_dir == f"runs/searches/quickstart-search/{trial}"


def test_presets_become_settings_of_the_command(remix: CommandLine):
    register_resolvers()
    words = ["algorithm/weighting/mapping=rank", "env.world_shape=[6,6]", "~callbacks.weight_heatmap"]
    words += ["+algorithm.optimizer.weight_decay=0.1", "search.trials=3", "search=quickstart"]
    found = train_words(words)
    assert found[:5] == ["experiment=quickstart", *words[:4]]
    assert "max_env_steps=50000" in found
    ours, train = (
        settled(composed(name, given), {"run_dir": "."})
        for name, given in (("search", words), ("train", found))
    )
    assert identity(ours) == identity(train)
    assert "weight_heatmap" not in train.callbacks


def test_a_search_of_ones_own_chooses_the_parts_whose_settings_it_searches(remix: CommandLine, train):
    calls = train(lambda config: 1.0)
    file = remix.home / "conf/search/mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(MINE)
    outcome = remix("search", "search=mine", "env=matrix_game", "logger=none")
    assert outcome.code == 0, outcome.err
    clip = calls[0].algorithm.clip
    assert f"remix train algorithm=mappo env=matrix_game logger=none algorithm.clip={clip!r} " in outcome.out


@pytest.mark.parametrize(
    "value",
    [
        "rank",
        "32-true",
        "1",
        "null",
        "a,b",
        "it's",
        "x]",
        "",
        " a",
        "${seed}",
        "~/data",
        0.1,
        1e-05,
        3,
        True,
        None,
        [5, 5],
        ["a,b", None],
        {"a": [1, "b"]},
    ],
)
def test_values_survive_the_command_line(value: Any):
    from hydra.core.override_parser.overrides_parser import OverridesParser

    read = OverridesParser.create().parse_override(f"key={spelled(value)}").value()
    assert read == value and type(read) is type(value)


def test_a_failing_trial_does_not_end_the_search(remix: CommandLine, train):
    def sometimes(config: DictConfig) -> Any:
        choice = config.algorithm.td_lambda
        if choice == 0.1:
            raise RuntimeError("singular\nmatrix")
        return {0.2: math.nan, 0.3: None}.get(choice, choice)

    train(sometimes)
    dimension = "algorithm.td_lambda: {type: choice, choices: [0.1, 0.2, 0.3, 0.4]}"
    outcome = search(remix, "search.trials=10", dimensions=(dimension,))
    assert outcome.code == 0, outcome.err
    reasons = {trial.user_attrs["reason"] for trial in journal(remix.home) if trial.state is TrialState.FAIL}
    assert "RuntimeError: singular" in reasons
    assert "ArithmeticError: the final return is nan" in reasons
    assert any(reason.startswith("TypeError: float() argument") for reason in reasons)
    assert "failed: RuntimeError: singular\n" in outcome.out
    states = Counter(trial.state for trial in journal(remix.home))
    assert states[TrialState.COMPLETE] + states[TrialState.FAIL] == 10
    assert f"{states[TrialState.COMPLETE]} finished, {states[TrialState.FAIL]} failed\n" in outcome.out
    outputs = [file.read_text() for file in remix.home.glob("runs/searches/game/*/output.txt")]
    assert any("Traceback" in text and "singular\nmatrix" in text for text in outputs)


def test_without_a_finished_trial_there_is_one_line(remix: CommandLine, train):
    train(lambda config: math.inf)
    outcome = search(remix, "search.trials=2")
    reason = "no trial finished; the last failed: ArithmeticError: the final return is inf"
    assert (outcome.code, outcome.err) == (2, f"remix: search.name=game: {reason}\n")


def test_an_interrupted_search_goes_on(remix: CommandLine, train):
    def interrupted(config: DictConfig) -> float:
        if len(calls) == 2:
            raise KeyboardInterrupt
        return peak(config)

    calls = train(interrupted)
    outcome = search(remix, "search.trials=3")
    assert outcome.code == 130
    assert "the same command goes on" in outcome.out
    finished, running = journal(remix.home)
    assert running.state is TrialState.RUNNING
    again = train(peak)
    outcome = search(remix, "search.trials=3")
    assert "3 trial(s), of which 1 finished and 0 failed" in outcome.out
    assert again[0].run_dir == calls[1].run_dir
    assert [trial.params for trial in journal(remix.home)][:2] == [finished.params, running.params]

    # Nothing is left to do, until there are to be more.
    calls = train(peak)
    assert search(remix, "search.trials=3").code == 0
    assert not calls
    assert search(remix, "search.trials=4").code == 0
    assert len(calls) == 1
    assert len(journal(remix.home)) == 4


def test_a_line_of_the_journal_that_was_cut_short_costs_no_other(tmp_path: Path):
    for part in (b'{"op_code":4,"wor', b'{"op'):
        trials = Trials(tmp_path, "game", budget=10, seed=1)
        trial = trials.claim()
        assert trial is not None
        trials.finish(trial, 1.0)
        with (tmp_path / "journal.log").open("ab") as file:
            file.write(part)
    assert Trials(tmp_path, "game", budget=10, seed=1).counts() == {"finished": 2}


def test_a_process_killed_while_it_wrote_the_journal_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    journal = Path("runs/searches/game/journal.log")
    journal.parent.mkdir(parents=True)
    journal.touch()
    _Pen(journal).acquire()  # and never released
    other = _Pen(journal)
    other.grace_period = 1  # second
    waiting = Thread(target=other.acquire, daemon=True)
    waiting.start()
    waiting.join(10)
    assert not waiting.is_alive()


def test_proposals_do_not_depend_on_interruptions(tmp_path: Path):
    """Of an interrupted trial, some or all values may be known already."""

    def run(folder: Path, interrupted: dict[int, int]) -> list[FrozenTrial]:
        """:param interrupted: trials that are given up once, after so many values."""
        (folder / LOCKS).mkdir(parents=True)
        trials = Trials(folder, "s", budget=16, seed=3)
        while (trial := trials.claim()) is not None:
            known = interrupted.pop(trial.number, 3)
            x = trial.suggest_float("x", -1.0, 1.0) if known > 0 else 0.0
            y = trial.suggest_categorical("y", ["a", "b"]) if known > 1 else ""
            if known < 3:
                trials.release_all()
                trials = Trials(folder, "s", budget=16, seed=3)
            elif x > 0.5:
                trials.fail(trial, "too large")
            else:
                trials.finish(trial, x + (y == "b"))
        return trials.all()

    whole = run(tmp_path / "whole", {})
    parts = run(tmp_path / "interrupted", {1: 1, 2: 2, 12: 1, 14: 2, 15: 0})
    assert [(t.number, t.params, t.value, t.state) for t in parts] == [
        (t.number, t.params, t.value, t.state) for t in whole
    ]
    assert len(whole) == 16


def test_settings_of_some_groups_only_are_searched_where_they_exist(remix: CommandLine, train):
    calls = train(lambda config: config.algorithm.weighting.mapping.get("kappa", 0.5))
    dimensions = (
        "algorithm/weighting/mapping: {type: choice, choices: [rank, capped_linear]}",
        "algorithm.weighting.mapping.kappa: {type: float, low: 1.0, high: 2.0}",
        "algorithm.central.embed_dim: {type: int, low: 4, high: 16, log: true}",
    )
    outcome = search(remix, "algorithm=remix", "search.trials=8", dimensions=dimensions)
    assert outcome.code == 0, outcome.err
    for trial, call in zip(journal(remix.home), calls, strict=True):
        mapping = call.algorithm.weighting.mapping
        assert ("kappa" in mapping) == ("algorithm.weighting.mapping.kappa" in trial.params)
        assert ("kappa" in mapping) == (trial.params["algorithm/weighting/mapping"] == "capped_linear")
        assert call.algorithm.central.embed_dim == trial.params["algorithm.central.embed_dim"]


def test_what_a_search_was_begun_with_refers_to_nothing(remix: CommandLine, train, monkeypatch):
    train(peak)
    monkeypatch.setenv("A_SECRET", "hunter2")
    assert search(remix, "search.trials=1").code == 0
    file = remix.home / "runs/searches/game/search.yaml"
    file.write_text(file.read_text().replace("max_env_steps: 40", "max_env_steps: ${oc.env:A_SECRET}"))
    refused = search(remix, "search.trials=1")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "refers to other values" in refused.err
    assert "hunter2" not in refused.err


def test_the_name_of_a_search_is_taken(remix: CommandLine, train):
    train(peak)
    assert search(remix, "search.trials=1").code == 0
    wider = LEARNING_RATE.replace("1.0", "2.0")
    for more, dimension, difference in (
        (("max_env_steps=60",), LEARNING_RATE, "max_env_steps=40 (now 60)"),
        (("search.seeds=[1,2]",), LEARNING_RATE, "search.seeds=[1] (now [1, 2])"),
        ((), wider, "search.space.algorithm.optimizer.lr.high=1.0 (now 2.0)"),
    ):
        outcome = search(remix, "search.trials=1", *more, dimensions=(dimension,))
        expected = f"was begun with {difference}; choose another search.name, or delete runs/searches/game"
        assert (outcome.code, outcome.err) == (2, f"remix: search.name=game: {expected}\n")
    # Neither the place of figures nor the number of threads makes another search of it.
    assert search(remix, "search.trials=1", "threads=2", "logger=csv").code == 0


MISTAKES = [
    (
        LEARNING_RATE.replace("lr", "lrr"),
        "search.space=algorithm.optimizer.lrr: unknown setting; algorithm.op",
    ),
    (
        "alg.lr: {type: float, low: 0, high: 1}",
        "search.space=alg.lr: unknown setting; must be one of agent_inputs, algorithm, ",
    ),
    (
        "algorithm.policy: {type: int, low: 0, high: 1}",
        "search.space=algorithm.policy: unknown setting; algorithm",
    ),
    ("algorithm.td_lambda: {type: choice, choices: [x]}", "algorithm.td_lambda=x: must be a finite number"),
    ("seed: {type: float, low: 1, high: 0.5}", "search.space.seed.low=1.0: must be at most high=0.5"),
    ("seed: {type: int, low: 1}", "search.space.seed.high=None: must be given"),
    ("seed: {type: int, low: 1, high: 2.5}", "search.space.seed.high=2.5: must be a whole number"),
    ("seed: {type: float, low: 0, high: ten}", "search.space.seed.high=ten: must be a number"),
    (
        "seed: {type: float, low: 0, high: 1, log: true}",
        "search.space.seed.low=0.0: must be a number above 0 with log",
    ),
    ("seed: {type: float, low: 1, high: 2, log: 1}", "search.space.seed.log=1: must be true or false"),
    ("seed: {type: flaot, low: 0, high: 1}", "search.space.seed.type=flaot: must be one of float, "),
    (
        "seed: {type: int, lo: 0, high: 1}",
        "search.space.seed.lo=0: unknown setting; type int must be one of low, ",
    ),
    ("seed: {type: choice}", "search.space.seed.choices=None: must be given, as a list"),
    ("seed: {type: choice, choices: [[1]]}", "search.space.seed.choices=[1]: must be numbers, text, "),
    ("seed: 3", "search.space.seed=3: must be {type: float or int, "),
    ("algorithm/mixer: {type: choice, choices: [vdn, qmx]}", "algorithm/mixer=qmx: must be one of qmix, "),
    (
        "algorithm/mixer: {type: int, low: 0, high: 1}",
        "search.space.algorithm/mixer.type=int: must be choice",
    ),
    ("max_env_steps: {type: int, low: 1, high: 9}", "max_env_steps=40: is searched; leave it out, "),
    ("seed: {type: int, low: 1, high: 9}", "search.space=seed: is set by the search for every run"),
    ("algorithm.gamma: null", "search.space={'algorithm.gamma': None}: must have at least one setting"),
]


@pytest.mark.parametrize(("dimension", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_a_mistake_in_the_space_is_one_line(remix: CommandLine, dimension: str, message: str):
    _is_one_line(search(remix, dimensions=(dimension,)), message)
    assert not (remix.home / "runs").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("search.trials=0", "search.trials=0: must be a whole number of at least 1"),
        ("search.seeds=[1,1]", "search.seeds=[1, 1]: must be a list of different seeds"),
        ("search.seeds=[one]", "search.seeds=one: must be a whole number between 0 and"),
        ("search.sampler_seed=-1", "search.sampler_seed=-1: must be a whole number between 0 and"),
        ("search.trails=3", "search.trails: unknown setting; must be one of trials, "),
        ("+search.trails=3", "search.trails=3: unknown setting; search must be one of trials, "),
        ("algorithm.gamma=2", "algorithm.gamma=2: must be a number between 0 and 1"),
        ("resume=never", "resume=never: is set by the search for every run"),
    ],
)
def test_a_mistake_in_the_settings_is_one_line(remix: CommandLine, setting: str, message: str):
    outcome = search(remix, "search.trials=1", setting)
    _is_one_line(outcome, message)


def test_a_study_is_no_search(remix: CommandLine):
    # A study asks Hydra for several runs, which would only repeat the message.
    outcome = search(remix, "study=sensitivity", "hydra.mode=RUN")
    _is_one_line(outcome, "study=sensitivity: is for remix train -m")


def test_a_search_without_a_name_is_one_line(remix: CommandLine):
    _is_one_line(remix("search", "search=none"), "search.name=???: must be given")


def _is_one_line(outcome: Outcome, message: str) -> None:
    assert outcome.code == 2
    assert outcome.err.startswith(f"remix: {message}")
    assert outcome.err.count("\n") == 1


def test_without_optuna_there_is_one_line(remix: CommandLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "remix.studies.search.trials", raising=False)
    _is_one_line(
        search(remix), "search.name=game: needs the package Optuna: pip install 'remix-marl[search]'"
    )


def test_help_and_configuration(remix: CommandLine):
    helped = remix("search", "--help").out
    assert "search: none, quickstart" in helped
    assert "remix search experiment=quickstart" in helped
    shown = remix("search", "--cfg", "job").out
    assert "algorithm.optimizer.lr:" in shown
    assert "max_env_steps: 50000" in shown
    assert not (remix.home / "runs").exists()


def test_trials_are_runs_below_one_run_in_mlflow(remix: CommandLine, mlflow_uri: str):
    from mlflow.tracking import MlflowClient

    settings = (*GAME, "callbacks=none", "search.trials=1")
    dimensions = space(
        "+algorithm.optimizer.weight_decay: {type: choice, choices: [0.0]}",
        "algorithm/mixer: {type: choice, choices: [vdn]}",
    )
    outcome = remix("search", *settings, dimensions)
    assert outcome.code == 0, outcome.err
    assert "remix ui game" in outcome.out
    assert remix("search", *settings, dimensions, "search.trials=2").code == 0

    client = MlflowClient(mlflow_uri)
    (found,) = [e for e in client.search_experiments() if e.name == "game"]
    (parent,) = client.search_runs([found.experiment_id], "tags.kind = 'search'")
    assert parent.info.status == "FINISHED"
    assert parent.data.params["search.space.algorithm/mixer"] == "{type:choice,choices:[vdn]}"
    assert parent.data.metrics["best_return"] == journal(remix.home)[0].value
    assert "remix train" in parent.data.tags["mlflow.note.content"]
    children = client.search_runs(
        [found.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["start_time"]
    )
    # The second trial has the values of the first and so the same run.
    (child,) = children
    assert child.info.status == "FINISHED"
    assert child.data.tags["trial"] == "1"
    assert child.data.tags["algorithm/mixer"] == "vdn"
    assert child.data.tags["algorithm.optimizer.weight_decay"] == "0.0"
    assert child.data.params["algorithm.optimizer.weight_decay"] == "0.0"


def together(processes: int) -> str:
    """Code in which so many processes wait for each other, in their common working directory."""
    return f"""
import os, time
from pathlib import Path
Path(f"ready-{{os.getpid()}}").touch()
while len(list(Path().glob("ready-*"))) < {processes}: time.sleep(0.01)
"""


def test_a_trial_that_ends_between_look_and_hold_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locks").mkdir()
    other, ours = (Trials(tmp_path, "s", budget=2, seed=1) for _ in range(2))
    theirs = other.claim()
    assert theirs is not None
    hold = Trials._hold

    def late(self: Trials, number: int) -> bool:
        if number == theirs.number:
            other.finish(theirs, 1.0)
        return hold(self, number)

    monkeypatch.setattr(Trials, "_hold", late)
    trial = ours.claim()
    assert trial is not None
    assert trial.number == 1
    ours.finish(trial, 2.0)
    assert ours.claim() is None
    assert ours.counts() == {"finished": 2}


def test_processes_share_the_trials_among_them(tmp_path: Path):
    (tmp_path / LOCKS).mkdir()
    code = f"""
import time
from pathlib import Path
from remix.studies.search.trials import Trials

{together(2)}
trials = Trials(Path({str(tmp_path)!r}), "s", budget=40, seed=1)
while (trial := trials.claim()) is not None:
    x = trial.suggest_float("x", 0.0, 1.0)
    time.sleep(0.02)
    print(trial.number, x)
    trials.finish(trial, x)
"""
    command = [sys.executable, "-c", code]
    processes = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate()[0].split("\n")[:-1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert all(outputs), "one process did everything"
    trials = Trials(tmp_path, "s", budget=40, seed=1).all()
    assert all(trial.state is TrialState.COMPLETE for trial in trials)
    assert sorted(line for output in outputs for line in output) == sorted(
        f"{trial.number} {trial.params['x']}" for trial in trials
    )
    assert len(trials) == 40


REMIX = "from remix.cli.command import main; main()"
QUICK = """
import time
from remix.runs import experiment

def quick(settings):
    config = settings.config
    time.sleep(0.2)
    with open("calls.txt", "a") as file:
        file.write(f"{config.algorithm.optimizer.lr}\\n")
    return config.algorithm.optimizer.lr

experiment.train = quick
"""


def start(home: Path, *arguments: str, code: str = REMIX) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    environment.pop("HYDRA_FULL_ERROR", None)
    command = [sys.executable, "-c", code, "search", *GAME, space(LEARNING_RATE), *arguments]
    return subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_two_commands_share_a_search(tmp_path: Path):
    code = QUICK + together(2) + REMIX
    processes = [start(tmp_path, "logger=none", "search.trials=8", code=code) for _ in range(2)]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    trials = journal(tmp_path)
    assert len(trials) == 8
    assert all(trial.state is TrialState.COMPLETE for trial in trials)
    trained = sorted(float(line) for line in (tmp_path / "calls.txt").read_text().split())
    assert trained == sorted(trial.params["algorithm.optimizer.lr"] for trial in trials)
    lines = [re.findall(r"^trial (\d+) of 8: .*->", output, flags=re.MULTILINE) for output in outputs]
    assert sorted(int(number) for of_process in lines for number in of_process) == list(range(1, 9))
    assert all(lines), "one process did everything"


@pytest.mark.slow
def test_a_killed_search_goes_on_with_the_interrupted_trial(remix: CommandLine, tmp_path: Path):
    settings = (
        "logger=csv",
        "search.trials=1",
        "max_env_steps=400",
        "steps_per_epoch=100",
        "callbacks.episode_video=null",
    )
    process = start(tmp_path, *settings, code=HALTING)
    deadline = time.monotonic() + 600
    while not any(tmp_path.glob("runs/**/last.ckpt")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (interrupted,) = journal(tmp_path)
    assert interrupted.state is TrialState.RUNNING
    (run,) = (file.parent for file in tmp_path.glob("runs/**/run.json"))
    before = RunDirectory(run).record
    assert before.status == "running"

    done = remix("search", *GAME, space(LEARNING_RATE), *settings)
    assert done.code == 0, done.err
    (trial,) = journal(tmp_path)
    assert (trial.state, trial.params) == (TrialState.COMPLETE, interrupted.params)
    after = RunDirectory(run).record
    assert (after.status, after.started) == ("finished", before.started)
    assert "resumed from" in (run / "output.txt").read_text()
    assert re.search(r"^trial 1 of 1: .* -> ", done.out, flags=re.MULTILINE)
