"""The trials of a search in a journal that several processes may share. Needs Optuna."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import FrozenTrial, Trial, TrialState

from remix.records.claims import TakenError, claim, holder, turn

JOURNAL_FILE = "journal.log"
LOCKS = "locks"
"""In a search's folder: folders that mean something only while a process holds them."""


class _Pen(JournalFileSymlinkLock):
    """Optuna's lock for whoever writes the journal. It removes a line that a kill or a full disk cut short.

    Whatever came behind such a line would be lost with it, and so would the search.

    :param journal: its file.
    """

    def __init__(self, journal: Path) -> None:
        # The lock is a link to the journal. One that leads nowhere, as a relative path would, is never taken
        # from a process that was killed while it wrote: who comes next would wait for ever.
        super().__init__(str(journal.absolute()))
        self._journal = journal

    def acquire(self) -> bool:
        taken = super().acquire()
        content = self._journal.read_bytes()
        if not content.endswith(b"\n"):
            os.truncate(self._journal, content.rfind(b"\n") + 1)
        return taken


class Trials:
    """Hands out trials, each to one process, and takes what came of them.

    Who works on a trial holds its folder below ``locks``, at most until the process ends. A trial that the
    journal calls running while nobody holds its folder was interrupted; it is handed out again as it was.

    Proposals depend on the trials before them and on the seed, not on how often the search was interrupted.

    :param folder: of the search.
    :param name: of the Optuna study in the journal.
    :param budget: trials to hand out in all.
    :param seed: of the proposals.
    """

    def __init__(self, folder: Path, name: str, budget: int, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._locks = folder / LOCKS
        self._budget, self._seed = budget, seed
        self._held: dict[int, ExitStack] = {}
        with turn(self._locks / "claiming"):
            journal = folder / JOURNAL_FILE
            storage = JournalStorage(JournalFileBackend(str(journal), _Pen(journal)))
            self._study = optuna.create_study(
                study_name=name, storage=storage, direction="maximize", load_if_exists=True
            )

    def claim(self) -> Trial | None:
        """The next trial, new or interrupted; None if no more are to be handed out."""
        with turn(self._locks / "claiming"):
            trials = self.all()
            for trial in trials:
                if trial.state is TrialState.RUNNING and self._hold(trial.number):
                    if self.all()[trial.number].state is not TrialState.RUNNING:
                        # Its process has recorded the end and released it since we looked.
                        self._held.pop(trial.number).close()
                        continue
                    self._study.sampler = self._sampler(trial.number)
                    return Trial(self._study, trial._trial_id)
            if len(trials) >= self._budget:
                return None
            self._study.sampler = self._sampler(len(trials))
            asked = self._study.ask()
            self._hold(asked.number)
            return asked

    def finish(self, trial: Trial, value: float) -> FrozenTrial:
        """Record what a claimed trial is worth.

        :returns: the best trial so far.
        """
        told = self._study.tell(trial, value)
        self._release(trial)
        return self.best() or told

    def fail(self, trial: Trial, reason: str) -> None:
        """Record that a claimed trial came to nothing."""
        trial.set_user_attr("reason", reason)
        self._study.tell(trial, state=TrialState.FAIL)
        self._release(trial)

    def release_all(self) -> None:
        """Release the trials that this process holds, so that another one can take them."""
        for held in self._held.values():
            held.close()
        self._held.clear()

    def counts(self) -> Counter[str]:
        """Trials that are ``finished``, ``failed`` and ``running``."""
        names = {TrialState.COMPLETE: "finished", TrialState.FAIL: "failed"}
        return Counter(names.get(trial.state, "running") for trial in self.all())

    def best(self) -> FrozenTrial | None:
        """The trial with the highest value, the first of equal ones."""
        finished = sorted(self.finished(), key=lambda trial: trial.number)
        return max(finished, key=lambda trial: trial.value or 0.0, default=None)

    def finished(self) -> list[FrozenTrial]:
        """The finished trials in the order in which they ended."""
        complete = [trial for trial in self.all() if trial.state is TrialState.COMPLETE]
        return sorted(complete, key=lambda trial: (trial.datetime_complete, trial.number))

    def somebody_works(self) -> bool:
        """Whether some process holds a trial."""
        running = [trial.number for trial in self.all() if trial.state is TrialState.RUNNING]
        return any(holder(self._folder_of(number)) is not None for number in running)

    def last_reason(self) -> str:
        """Why the last failed trial failed."""
        failed = [trial for trial in self.all() if trial.state is TrialState.FAIL]
        return str(failed[-1].user_attrs.get("reason", "unknown")) if failed else "none did"

    def all(self) -> list[FrozenTrial]:
        """All trials in the order of their numbers."""
        return self._study.get_trials(deepcopy=False)

    def _hold(self, number: int) -> bool:
        held = ExitStack()
        try:
            held.enter_context(claim(self._folder_of(number)))
        except TakenError:
            return False
        self._held[number] = held
        return True

    def _folder_of(self, number: int) -> Path:
        """The folder that whoever works on a trial holds."""
        return self._locks / f"trial-{number + 1}"

    def _release(self, trial: Trial) -> None:
        self._held.pop(trial.number).close()

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        """A sampler for one trial. If it lived longer, every process would draw the same random numbers."""
        seed = int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            # Settings are proposed jointly. Those that exist for some choices only are proposed apart.
            # Processes avoid proposals near the running trials of others.
            return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)
