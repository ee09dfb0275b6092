"""The command ``remix search``: trial after trial, a line for each, the best one at the end."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from remix.records.claims import turn
from remix.settings.errors import SettingError
from remix.settings.program import program
from remix.settings.redaction import redact
from remix.studies.search.needs import optuna_for

if TYPE_CHECKING:
    from remix.studies.search.plan import Plan
    from remix.studies.search.tracked import TrackedSearch
    from remix.studies.search.trials import Trials

_LONGEST_REASON = 300  # characters


def search(config: DictConfig) -> float | None:
    """Search as configured, going on with a search of the same name.

    :param config: composed by Hydra from ``conf/search.yaml``, as the task of a command.
    :returns: the best mean final return so far; None if other processes have yet to finish the first trial.
    :raises SettingError: if the search cannot work, if its name is that of another, or if no trial finished.
    """
    from hydra.core.hydra_config import HydraConfig

    from remix.studies.search.plan import make_plan

    plan = make_plan(config.search, list(HydraConfig.get().overrides.task))
    with optuna_for(plan.name):
        from remix.studies.search.tracked import TrackedSearch
        from remix.studies.search.trials import LOCKS, Trials
    from remix.studies.search.folder import begin

    with turn(plan.folder / LOCKS / "beginning"):
        begin(plan, config.search)
        tracked = TrackedSearch.open(plan)
    trials = Trials(plan.folder, plan.name, plan.trials, plan.sampler_seed)
    counts = trials.counts()
    before = f", of which {counts['finished']} finished and {counts['failed']} failed" if counts else ""
    print(f"search {plan.name}: {plan.trials} trial(s){before}; everything is in {plan.folder}", flush=True)
    try:
        _run(plan, trials, tracked)
    except (KeyboardInterrupt, SystemExit):
        if tracked is not None:
            tracked.close("KILLED")
        print("\ninterrupted; the same command goes on with the search")
        raise
    finally:
        trials.release_all()
    return _farewell(plan, trials, tracked)


def _run(plan: Plan, trials: Trials, tracked: TrackedSearch | None) -> None:
    from remix.studies.search.evaluation import evaluate, propose
    from remix.studies.search.space import shown

    while (trial := trials.claim()) is not None:
        number = trial.number + 1
        print(f"trial {number} of {plan.trials}: ", end="", flush=True)
        try:
            values = propose(plan, trial)
            print(f"{shown(values)} -> ", end="", flush=True)
            value = evaluate(plan, number, values)
        except Exception as error:
            reason = _reason(error)
            trials.fail(trial, reason)
            print(f"failed: {reason}", flush=True)
            continue
        best = trials.finish(trial, value)
        assert best.value is not None
        print(f"{value:.2f} (best {best.value:.2f}, trial {best.number + 1})", flush=True)
        if tracked is not None:
            tracked.update()


def _farewell(plan: Plan, trials: Trials, tracked: TrackedSearch | None) -> float | None:
    """The best trial, how to repeat it, and where the others are."""
    counts, best = trials.counts(), trials.best()
    running = f", {counts['running']} running in other processes" if counts["running"] else ""
    print(f"\nsearch {plan.name}: {counts['finished']} finished, {counts['failed']} failed{running}")
    if best is None:
        if running:
            return None
        if tracked is not None:
            tracked.close("FAILED")
        raise SettingError(
            "search.name", plan.name, f"no trial finished; the last failed: {trials.last_reason()}"
        )
    command = _train_command(plan, best.params)
    assert best.value is not None
    print(f"best: mean final return {best.value:.2f}, trial {best.number + 1}\n  {command}")
    if tracked is not None:
        tracked.describe(f"Best: {best.value:.2f} in trial {best.number + 1}\n\n    {command}")
        tracked.update() if running else tracked.close("FINISHED")
        print(f"what next:\n  {program()} ui {shlex.quote(plan.name)}")
    return best.value


def _train_command(plan: Plan, values: dict[str, Any]) -> str:
    """The command that trains with the values of a trial, for every seed of the search."""
    from remix.studies.search.composition import train_words, words_of

    words = [word for word in train_words([*plan.words, *words_of(values)]) if not word.startswith("seed=")]
    words.append("seed=" + ",".join(map(str, plan.seeds)))
    return shlex.join(["remix", "train", *(["-m"] if len(plan.seeds) > 1 else []), *words])


def _reason(error: Exception) -> str:
    """What went wrong with a trial, in one line."""
    from remix.settings.user_errors import one_line

    known = one_line(error)
    lines = str(error).strip().splitlines()
    text = known if known is not None else f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
    return redact(text)[:_LONGEST_REASON]
