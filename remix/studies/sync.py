"""The command ``remix sync``: bring runs, studies and searches to stores that lack some of them.

What somebody deleted in a store stays deleted, unless its folder is named.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix.records.claims import TakenError
from remix.records.directory import RunDirectory, all_runs
from remix.settings.errors import SettingError, first_line, named
from remix.settings.files import RUNS
from remix.settings.redaction import MASK, redacted
from remix.settings.user_errors import one_line
from remix.studies.search.needs import optuna_for
from remix.tracking.delivery import Delivery, Target
from remix.tracking.moved import knows
from remix.tracking.note import NOTE, Note
from remix.tracking.plan_file import PLAN_FILE, SEARCH_FILE
from remix.tracking.runs import configuration
from remix.tracking.store import DATABASE, AwayError, connect, database_file, is_away, store_uri
from remix.tracking.studies import has_run

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from remix.studies.tracked_parent import TrackedParent

_LOGGER = "remix.tracking.loggers.MLflowLogger"


def sync(arguments: Sequence[str]) -> None:
    """Deliver what is missing and print what was delivered. Exit with status 1 if something could not be.

    :raises SettingError: if a folder that is named holds no run for a store.
    """
    parser = argparse.ArgumentParser(
        prog="remix sync",
        description="Bring to MLflow what it does not have of your runs, because it was away or they were "
        "killed.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "runs",
        nargs="*",
        help="folders of runs, or of studies and searches with all of their runs (default: all below "
        f"{RUNS} but those that were deleted in MLflow)",
    )
    parser.add_argument("--tracking-uri", help="another store than the one that each run was meant for")
    options = parser.parse_args(arguments)
    named = [Path(name) for name in options.runs]
    for directory in named:
        if not RunDirectory(directory).record and Note.read(directory) is None:
            expected = "must be the folder of a run, or of a study or search in MLflow"
            raise SettingError("run", directory, expected)
    known = [] if named else sorted(run.path for run, _ in all_runs())
    found = [path for path in known if Note.read(path) is not None]
    found += [run for directory in named for run in _runs_in(directory)]
    studies = {folder for path in found for folder in path.parents}.union(named).difference(found)
    deleted, unknown = _deleted(sorted(studies) + found, options.tracking_uri)
    again = deleted.intersection(named)
    again |= {folder for path in again for folder in path.parents if folder in deleted}
    again |= {path for path in found if path not in deleted and again.intersection(path.parents)}  # tied anew
    gone = deleted - again
    left, above = ([path for path in paths if path not in gone] for paths in (found, sorted(studies)))
    problems = dict(_problems(left, above, options.tracking_uri, again))
    if gone:
        there = ", ".join(map(str, sorted(gone)))
        print(f"deleted in MLflow: {there}; 'remix sync FOLDER' makes a run anew of its folder")
    for line in dict.fromkeys(problems.values()):
        print(f"warning: {line}", file=sys.stderr)
    if problems:
        print(f"not delivered: {', '.join(map(str, problems))}", file=sys.stderr)
        sys.exit(1)
    for line in unknown:
        print(f"warning: {line}; whether runs were deleted there is not known", file=sys.stderr)
    print(f"everything {'else ' if gone else ''}is delivered")
    if others := len(set(known) - set(found)):
        print(f"{others} run(s) below {RUNS} were trained without logger=mlflow and stay in their folders")


def deliver_left(directories: Iterable[Path]) -> None:
    """Deliver what killed jobs left. What cannot be delivered now is left for the next time."""
    for directory in directories:
        if Note.read(directory) is not None:
            try:
                _deliver_run(directory, None)
            except Exception:
                return


def _runs_in(directory: Path) -> list[Path]:
    """The run of a folder, or all those of a study or search that a store was to have."""
    if RunDirectory(directory).record:
        return [directory]
    noted = (note.parent for note in sorted(directory.rglob(NOTE)))
    return [path for path in noted if RunDirectory(path).record]


def _deleted(directories: Iterable[Path], tracking_uri: str | None) -> tuple[set[Path], list[str]]:
    """The folders whose runs a store had and has no more, and why that is not known of others."""
    clients: dict[str, MlflowClient] = {}
    gone: set[Path] = set()
    unknown: dict[str, str] = {}
    for directory in directories:
        note = Note.read(directory)
        if note is None or note.run_id is None or note.store in unknown:
            continue
        try:
            uri = _address(note, tracking_uri, directory)
            if redacted(uri) != note.store or RunDirectory(directory).holder is not None:
                continue
            if uri not in clients:
                clients[uri] = connect(uri)
            if not has_run(clients[uri], note.run_id):
                gone.add(directory)
        except Exception as error:
            unknown[note.store] = _reason(error)
    return gone, list(unknown.values())


def _problems(
    directories: Sequence[Path], studies: Sequence[Path], tracking_uri: str | None, again: Collection[Path]
) -> Iterator[tuple[Path, str]]:
    """The folders of runs and studies that could not be delivered, and why.

    :param studies: folders above those of runs, some of them of a study or search.
    :param again: folders whose runs are to be made anew, or tied to a run that is.
    """
    away: dict[str, str] = {}
    for directory in directories:
        note = Note.read(directory)
        store = "" if note is None else note.store
        try:
            if store in away:
                yield directory, away[store]
            elif run_id := _deliver_run(directory, tracking_uri, again=directory in again):
                print(f"delivered {directory} (run {run_id})", flush=True)
        except Exception as error:
            if isinstance(error, AwayError) and store:
                away[store] = first_line(error)
            yield directory, _reason(error)
    for folder in studies:
        if (note := Note.read(folder)) is None:
            continue
        try:
            if folder in again:
                Note(note.store).write(folder)  # all of it is to come again
            if (parent := _parent(folder, _address(note, tracking_uri, folder))) is None:
                continue
            if not parent.is_complete(status := parent.status()):
                parent.deliver(status)
                print(f"delivered {parent.kind} {parent.name}", flush=True)
        except Exception as error:
            yield folder, _reason(error)


def _reason(error: Exception) -> str:
    """Why something could not be delivered, which is no reason to keep the rest back."""
    return one_line(error) or (first_line(error) if is_away(error) else named(error))


def _parent(folder: Path, uri: str) -> TrackedParent | None:
    """The study or search that a folder is of, if any."""
    if (folder / PLAN_FILE).is_file():
        from remix.studies.tracked import TrackedStudy

        return TrackedStudy(folder, uri)
    if (folder / SEARCH_FILE).is_file():
        with optuna_for(folder.name):
            from remix.studies.search.tracked import TrackedSearch

        return TrackedSearch(folder, uri)
    return None


def _deliver_run(directory: Path, tracking_uri: str | None, again: bool = False) -> str | None:
    """Deliver a run; returns its id, None if nothing is missing or a process that trains it delivers it.

    :param again: the store lacks something, though the note in its folder says otherwise.
    """
    if (run := RunDirectory(directory)).holder is not None:
        return None
    try:
        with run.claim():
            record = run.record
            if record.status == "running":  # the process that trained it was killed
                record = replace(record, status="interrupted")
                run.write(record)
            delivery = Delivery(directory, _target(directory, tracking_uri))
            if delivery.is_complete(record) and not again:
                return None
            delivery.contact()
            delivery.bring(record)
            run.write(replace(record, mlflow_run_id=delivery.run_id))
            return delivery.run_id
    except TakenError:
        return None


def _target(directory: Path, tracking_uri: str | None) -> Target:
    """The store, the experiment and the run there that the run's own configuration names."""
    loggers: dict[str, Any] = configuration(directory).get("logger") or {}
    node = next((node for node in loggers.values() if node and node.get("_target_") == _LOGGER), None)
    if node is None:
        raise SettingError("run", directory, "was trained without logger=mlflow and stays in its folder")
    note = Note.read(directory)
    uri = (
        store_uri(tracking_uri or node.get("tracking_uri"))
        if note is None
        else _address(note, tracking_uri, directory)
    )
    name = node.get("run_name")
    return Target(
        uri,
        str(node["experiment_name"]),
        None if name is None else str(name),
        node.get("tags") or {},
        node.get("study"),
        node.get("run_id"),
    )


def _address(note: Note, tracking_uri: str | None, folder: Path) -> str:
    """The address of the store, with its password: notes do not hold passwords.

    Where the database in the folder of all runs is gone, that folder was moved, or is of another machine.

    :param folder: that the note is in.
    """
    database = database_file(note.store)
    if (
        database is not None
        and database.parts[-2:] == DATABASE.parts
        and (not database.is_file() or _was_copied(folder, note, database))
    ):
        return store_uri(tracking_uri)
    if tracking_uri is not None or MASK not in note.store:
        return store_uri(tracking_uri or note.store)
    uri = store_uri()
    if redacted(uri) != note.store:
        raise SettingError(
            "tracking_uri", note.store, "needs its password: give the address in MLFLOW_TRACKING_URI"
        )
    return uri


def _was_copied(folder: Path, note: Note, database: Path) -> bool:
    """Whether a folder is of a copy of all runs, whose own database has what the note tells of."""
    if not folder.absolute().is_relative_to(RUNS.absolute()):
        return False
    return DATABASE.is_file() and not DATABASE.samefile(database) and knows(DATABASE, note.run_id)
