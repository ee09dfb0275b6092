"""The points of a journal in the batches that an MLflow store takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from posixpath import normpath
from typing import TYPE_CHECKING

from remix.tracking.journal import Journal

if TYPE_CHECKING:
    from mlflow.entities import Metric

POINTS_AT_ONCE = 1000
"""MLflow's limit of metrics in one request."""

LONGEST_KEY = 250
"""Characters of the name of a metric, parameter or tag."""

_NOT_IN_NAMES = re.compile(r"[^\w/. -]")


def stored_key(name: str) -> str:
    """The name as every MLflow store takes it.

    One that it would refuse, for its signs, its length or as it is no path, is changed and ends in a digest
    of the whole, so that different names stay different.
    """
    kept = normpath(_NOT_IN_NAMES.sub("", name)).lstrip("./")
    if kept == name and len(name) <= LONGEST_KEY:
        return name
    digest = sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{kept[: LONGEST_KEY - 9]}-{digest}"


def batches(journal: Journal, start: int, end: int) -> Iterator[tuple[list[Metric], int]]:
    """Points from one length of the journal to another, each batch with the length up to and with it.

    A batch has at most ``POINTS_AT_ONCE`` points, unless they were logged at once. The last one may be empty
    and then only tells the end.

    :param start: bytes of the journal before the first point.
    :param end: bytes of the journal up to and with the last point.
    """
    from mlflow.entities import Metric

    points: list[Metric] = []
    place = start
    for entry in journal.entries(start, end):
        if points and len(points) + len(entry.values) > POINTS_AT_ONCE:
            yield points, place
            points = []
        points += [
            Metric(stored_key(name), value, entry.time, entry.step) for name, value in entry.values.items()
        ]
        place = entry.end
    if points or start < end:
        yield points, end
