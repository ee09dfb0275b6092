"""The commands, and how each of them ends."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from remix.cli.configured import run_configured
from remix.cli.lingering import tell_of_threads
from remix.settings.import_path import find_own_modules
from remix.settings.redaction import shield
from remix.settings.signals import Stopped, stoppable

if TYPE_CHECKING:
    from omegaconf import DictConfig

HELP = """\
ReMIX: experiments in cooperative multi-agent reinforcement learning.

  remix train [SETTING=VALUE ...]         train, evaluate, track (-m sweeps over values: seed=1,2,3)
  remix list                              runs and studies below runs: state, age, return
  remix evaluate [RUN]                    greedy episodes of a trained policy
  remix watch [RUN]                       one greedy episode as a GIF
  remix record [RUN]                      whole episodes in files that NumPy reads
  remix export [RUN]                      its policy as ONNX and torch.export, to play without ReMIX
  remix report [STUDY_OR_RUN]             curves, tables and verdicts of a study; curve and numbers of a run
  remix search [SETTING=VALUE ...]        hyper-parameter search
  remix check [SETTING=VALUE ...]         whether an environment or algorithm of your own keeps its contract
  remix warmup [SETTING=VALUE ...]        compile what runs of a configuration call, before them
  remix sync [RUN ...]                    bring to MLflow what it lacks, as its server was away
  remix ui [STUDY_OR_RUN]                 curves and scores in MLflow, in the browser
  remix new NAME                          a project of your own: environment, weighting, study, tests
  remix completion bash|zsh|fish          tab completion: eval "$(remix completion bash)"

  remix train --help                      all groups and settings of a command
  remix --version                         the release
  remix train --cfg job                   the configuration that a command line means

RUN is a run directory, a checkpoint file or an MLflow run id; without, it is the latest run below runs.
What is yours is found in the folder you are in: lamp.py for env._target_=lamp.Lamp, conf/env/lamp.yaml for
env=lamp.
-v shows the whole traceback of an error. Start with: remix train experiment=quickstart
"""


def main() -> None:
    """Entry point of the ``remix`` command; signals end it with 128 + their number."""
    try:
        with stoppable():
            _main()
    finally:
        tell_of_threads()


def _main() -> None:
    arguments = sys.argv[1:]
    shield()
    warnings.formatwarning = _one_line
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return
    if arguments[0] == "--version":
        from remix.runs.sources import release

        print(f"remix {release()}")
        return
    command, rest = arguments[0], arguments[1:]
    try:
        find_own_modules()
    except FileNotFoundError:
        fail("the folder that you are in is not there any more; go to another one")
    if command not in COMMANDS:
        from remix.settings.errors import one_of

        fail(f"unknown command '{command}': {one_of(COMMANDS, command)}")
    verbose = any(flag in rest for flag in ("-v", "--verbose")) or os.environ.get("HYDRA_FULL_ERROR") == "1"
    rest = [argument for argument in rest if argument not in ("-v", "--verbose")]
    try:
        COMMANDS[command](rest)
    except Stopped as stop:
        print(f"remix: {stop}", file=sys.stderr)
        raise
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if verbose:
            raise
        fail_with(error)


def _one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning in one line, without the place in the code."""
    return f"warning: {' '.join(str(message).split())}\n"


def fail_with(error: Exception) -> NoReturn:
    """What the user has to know of an exception, and the end; status 1 if it was not of the user's making."""
    from remix.settings.user_errors import details, full_disk, one_line, unexpected

    print(details(error), end="", file=sys.stderr)
    message = one_line(error)
    if message is None:
        fail(unexpected(error), status=1)
    fail(message, status=1 if full_disk(error) else 2)


def fail(message: str, status: int = 2) -> NoReturn:
    """Print one line on the standard error and exit."""
    print(f"remix: {message}", file=sys.stderr)
    sys.exit(status)


def _train(arguments: list[str]) -> None:
    def train(config: DictConfig) -> object:
        if config.study is None and config.seeds is not None:
            from remix.runs.seeds import train_seeds

            train_seeds(config)
            return None
        if config.study is None:
            from remix.runs.config import check_early

            check_early(config)
            from remix.runs.experiment import train_alone

            return train_alone(config)
        from remix.studies.job import run

        return run(config)

    run_configured("train", arguments, train)


def _evaluate(arguments: list[str]) -> None:
    def evaluate(config: DictConfig) -> object:
        from remix.runs import evaluation

        return evaluation.evaluate(config)

    from remix.settings.words import with_checkpoint

    run_configured("evaluate", with_checkpoint(arguments), evaluate)


def _watch(arguments: list[str]) -> None:
    def watch(config: DictConfig) -> object:
        from remix.runs import evaluation

        return evaluation.watch(config)

    from remix.settings.words import with_checkpoint

    run_configured("watch", with_checkpoint(arguments), watch)


def _record(arguments: list[str]) -> None:
    def record(config: DictConfig) -> object:
        from remix.runs import recording

        return recording.record(config)

    from remix.settings.words import with_checkpoint

    run_configured("record", with_checkpoint(arguments), record)


def _export(arguments: list[str]) -> None:
    def export(config: DictConfig) -> object:
        from remix.exports import command

        return command.export(config)

    from remix.settings.words import with_checkpoint

    run_configured("export", with_checkpoint(arguments), export)


def _search(arguments: list[str]) -> None:
    from remix.studies.search import search

    run_configured("search", arguments, search)


def _check(arguments: list[str]) -> None:
    def check(config: DictConfig) -> object:
        from remix.checking.command import check_configured

        check_configured(config)
        return None

    run_configured("check", arguments, check)


def _warmup(arguments: list[str]) -> None:
    def warm_up(config: DictConfig) -> object:
        from remix.runs import compilation

        compilation.warm_up(config)
        return None

    run_configured("warmup", arguments, warm_up)


def _report(arguments: list[str]) -> None:
    from remix.report import report

    report(arguments)


def _list(arguments: list[str]) -> None:
    from remix.report.listing import list_runs

    list_runs(arguments)


def _ui(arguments: list[str]) -> None:
    from remix import tracking

    tracking.ui(arguments)


def _sync(arguments: list[str]) -> None:
    from remix.studies.sync import sync

    sync(arguments)


def _new(arguments: list[str]) -> None:
    from remix.cli.new import new

    new(arguments)


def _completion(arguments: list[str]) -> None:
    from remix.cli.completion import main as complete

    complete(arguments)


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "train": _train,
    "list": _list,
    "evaluate": _evaluate,
    "watch": _watch,
    "record": _record,
    "export": _export,
    "report": _report,
    "search": _search,
    "check": _check,
    "warmup": _warmup,
    "sync": _sync,
    "ui": _ui,
    "new": _new,
    "completion": _completion,
}
