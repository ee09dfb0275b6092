"""What a process before this one has left of a run: whether and where the run goes on."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig
from yaml import YAMLError

from remix.records.directory import RunDirectory, all_runs, latest_run
from remix.records.record import RunRecord
from remix.runs.identity import SCHEME, identity
from remix.runs.run_settings import RunSettings
from remix.settings.errors import SettingError
from remix.settings.files import RUNS
from remix.tracking.runs import configuration, flatten

_EARLIER = (
    "holds a run that an earlier version of ReMIX recorded, which cannot be compared; choose another folder, "
    "and ckpt_path= to begin there from its last.ckpt"
)

_NAMED = 3
_COMPARED = ("seed", "max_env_steps", "steps_per_epoch", "env", "algorithm", "replay")


def previous_run(run: RunSettings) -> RunRecord:
    """The record of the run that goes on in this one's directory, empty if one begins there.

    :raises SettingError: if something else is in that directory, or a run that is not to go on.
    """
    directory, config = run.directory, run.config
    previous = directory.record
    if not previous:
        if directory.path.exists() and not directory.path.is_dir():
            raise SettingError("run_dir", directory, "is no folder; choose another name")
        if not directory.is_free:
            raise SettingError("run_dir", directory, "holds other files and no run; choose another folder")
        return previous
    if previous.scheme != SCHEME:
        raise SettingError("run_dir", directory, _EARLIER)
    if (previous.identity, previous.seed) != (run.identity, config.seed):
        other = "holds a run of another configuration, code of yours or seed"
        raise SettingError("run_dir", directory, other + _differing(run))
    if config.resume != "auto":
        status = previous.status or "unknown"
        raise SettingError("run_dir", directory, f"holds this run already ({status}); go on with resume=auto")
    return previous


def _differing(run: RunSettings) -> str:
    """The first settings of which the run in the directory has other values, as "; its seed is 2"."""
    try:
        stored = configuration(run.directory.path)
    except (OSError, ValueError, YAMLError):
        return ""
    theirs, ours = ({key: whole[key] for key in _COMPARED if key in whole} for whole in (stored, run.kept))
    there, here = flatten(theirs), flatten(ours)
    differing = [f"its {name} is {there[name]}" for name in there if there[name] != here.get(name)]
    return "".join(f"; {text}" for text in differing[:_NAMED])


def find_previous(config: DictConfig) -> None:
    """Let a run go on wherever below ``runs`` it was begun: ``run_dir`` becomes that place."""
    if (directory := RunDirectory(Path(config.run_dir))).record:
        return
    if (found := latest_run(identity(config), config.seed)) is None:
        earlier = "; one of an earlier version goes on with ckpt_path=" if _has_earlier(config.seed) else ""
        print(f"nothing to resume: no run of this configuration and seed is below {RUNS}{earlier}")
        return
    directory.discard()
    config.run_dir = str(found.path.absolute())


def _has_earlier(seed: int) -> bool:
    """Whether runs with this seed are below ``runs`` that cannot be compared."""
    return any(record.scheme != SCHEME and record.seed == seed for _, record in all_runs())
