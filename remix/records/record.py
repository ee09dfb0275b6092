"""What a run says of itself, in ``run.json`` of its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RunRecord:
    """The record of a run. One that is empty, and so false, stands for no run.

    :param scheme: of the identity; those of different schemes tell nothing about each other.
    :param identity: what the run computes, but for the seed.
    :param started: time, as ISO has it; runs are sorted by it.
    :param status: None before training begins, then ``running``, and last ``finished`` for a run that used
        its budget, ``stopped`` if a setting or a callback ended it, ``interrupted`` after a signal, or
        ``failed``.
    :param final_return: mean return of the last policy's test episodes.
    :param best_return: the highest return that an episode of its environment can have, if known.
    :param stopped_by: the setting or callback that ended it.
    :param error: in one line, of a run that failed.
    :param mlflow_run_id: of the run in MLflow, if it is there.
    :param copied_from: folder of the run that this one was taken over from.
    :param origin: where the code is from.
    :param machine: on which it was trained last, as :func:`remix.records.machine.machine` has it, with
        ``threads`` of the CPU and the ``device`` of the networks.
    :param seconds: that its training took, set-up and last episodes included, in all processes together. Of
        a process that was killed only whole epochs count.
    :param needs: the folder of every module of the user's own, by its name.
    :param others: what other versions of ReMIX wrote.
    """

    scheme: int | None = None
    identity: str | None = None
    seed: int | None = None
    started: str | None = None
    status: str | None = None
    final_return: float | None = None
    best_return: float | None = None
    stopped_by: str | None = None
    error: str | None = None
    mlflow_run_id: str | None = None
    copied_from: str | None = None
    origin: Mapping[str, str] | None = None
    machine: Mapping[str, str] | None = None
    seconds: float | None = None
    needs: Mapping[str, str] | None = None
    others: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> RunRecord:
        """From what is in the file; a value of another type than its own is one of another version."""
        own: dict[str, Any] = {k: v for k, v in content.items() if isinstance(v, _TYPES.get(k, ()))}
        others = {key: value for key, value in content.items() if key not in own and value is not None}
        return cls(**own, others=others)

    def content(self) -> dict[str, Any]:
        """What is to be in the file."""
        own = {name: value for name in _TYPES if (value := getattr(self, name)) is not None}
        return {**self.others, **own}

    def __bool__(self) -> bool:
        return bool(self.content())


_TYPES: dict[str, tuple[type, ...]] = {
    "scheme": (int,),
    "identity": (str,),
    "seed": (int,),
    "started": (str,),
    "status": (str,),
    "final_return": (int, float),
    "best_return": (int, float),
    "stopped_by": (str,),
    "error": (str,),
    "mlflow_run_id": (str,),
    "copied_from": (str,),
    "origin": (dict,),
    "machine": (dict,),
    "seconds": (int, float),
    "needs": (dict,),
}
