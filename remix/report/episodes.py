"""The scores of single episodes, where a run kept them: what its evaluations are the means of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remix.report.csv_tables import LARGEST_NUMBER
from remix.tracking.journal import ABSOLUTE_BEST, ABSOLUTE_LAST, Journal


def _none() -> NDArray[np.float64]:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class EpisodeScores:
    """Of one run, as far as they are known. Episodes whose score is not finite or absurd are not.

    :ivar evaluations: by environment steps, the score of each episode of the evaluation there, ``[n]``.
    :ivar best: of the absolute metric: the score of each fresh episode of the best policy, ``[n]``; a report
        out of CSV files knows their mean alone, ``[1]``.
    :ivar last: likewise of the last policy.
    """

    evaluations: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    best: NDArray[np.float64] = field(default_factory=_none)
    last: NDArray[np.float64] = field(default_factory=_none)


def read_episodes(folder: Path, metric: str) -> EpisodeScores:
    """What the journal in a folder has.

    :param metric: with the name of its evaluations, as ``test/return``.
    """
    evaluation, _, name = metric.partition("/")
    found: dict[str, dict[int, NDArray[np.float64]]] = {evaluation: {}, ABSOLUTE_BEST: {}, ABSOLUTE_LAST: {}}
    for entry in Journal(folder).evaluations():
        if entry.name in found and _sound(scores := entry.episodes.get(name, ())):
            found[entry.name][entry.step] = np.array(scores, dtype=np.float64)
    best, last = (next(iter(found[key].values()), _none()) for key in (ABSOLUTE_BEST, ABSOLUTE_LAST))
    return EpisodeScores(found[evaluation], best, last)


def _sound(scores: Sequence[float]) -> bool:
    return len(scores) > 0 and all(abs(score) <= LARGEST_NUMBER for score in scores)
