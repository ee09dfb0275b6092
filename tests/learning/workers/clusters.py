"""Ray clusters of several machines, all of them here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def small_cluster(num_cpus: int) -> Iterator[Any]:
    """A cluster to which machines can be added, and from which they can be taken.

    :param num_cpus: of its first machine.
    """
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_worker_niceness", "0")
    options = {"include_dashboard": False, "object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": num_cpus, **options})
    try:
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()
