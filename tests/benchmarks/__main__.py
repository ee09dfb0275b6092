"""``python -m tests.benchmarks [NAME ...]``: run the benchmarks (all, or those named) and print one table."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable

import torch

from tests.benchmarks import (
    algorithms,
    battle_training,
    environments,
    gate,
    guards,
    processes,
    skirmish,
    training,
    workers,
)

BENCHMARKS: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "environment": environments.stepping,
    "skirmish": skirmish.battles,
    "rollout": training.rollouts,
    "battles": skirmish.rollouts,
    "gate": gate.gate,
    "workers": workers.workers,
    "update": training.updates,
    "algorithms": algorithms.per_algorithm,
    "plain": training.against_plain,
    "battle_training": battle_training.battle_training,
    "guards": guards.hold,
    "replay": training.replay,
    "training": training.end_to_end,
    "memory": processes.memory,
    "startup": processes.start_up,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--threads", type=int, default=None, help="threads (default: one per core)")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - BENCHMARKS.keys():
        parser.error(f"unknown benchmark {', '.join(sorted(unknown))}; valid: {', '.join(BENCHMARKS)}")
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    print(
        "Predator-Prey, paper setting (8 agents, 8 prey, 10x10, 200 steps); "
        f"{torch.get_num_threads()} threads of {os.cpu_count()} cores, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
        + (f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "")
    )
    for name in arguments.names or BENCHMARKS:
        print(f"... {name}", file=sys.stderr)
        for label, figure in BENCHMARKS[name]():
            print(f"  {label:<66} {figure:>20}", flush=True)


if __name__ == "__main__":
    main()
