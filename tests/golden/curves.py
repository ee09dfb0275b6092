"""``python -m tests.golden.curves [ALGORITHM ...] [--seeds N] [--write]``: algorithms learn as they did.

A short run of each of which scores are stored, or of those named, whose score has to lie in its band: as
far around the stored scores as these spread. ``--write`` stores the scores of the seeds 1 to N instead, at
least five, for when numbers change on purpose. Exit status: 0 all in their bands, 1 some are not.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

STORED = Path(__file__).with_name("curves.csv")
"""A line per algorithm and seed: ``algorithm,seed,score``."""

SETTINGS = (
    "experiment=quickstart",
    "env.punishment=0",
    "algorithm.epsilon.steps=8_000",
    "replay.batch_size=32",
    "replay.updates_per_round=4",
    "max_env_steps=24_000",
    "steps_per_epoch=4_000",
    "warmup_steps=2_000",
    "test_episodes=1",
    "threads=1",
    "logger=none",
    "callbacks=none",
)
MORE_UPDATES = (
    "replay.episodes_per_round=8",
    "replay.updates_per_round=8",
    "algorithm.optimizer.lr=0.001",
    "max_env_steps=48_000",
    "steps_per_epoch=8_000",
)
OWN_SETTINGS = {"pqn_qmix": MORE_UPDATES, "pqn_vdn": MORE_UPDATES}
"""Of algorithms that are made for more games at once than play here."""
FEWEST_SEEDS = 5
_NARROWEST = 1.0
"""Units of return that a band reaches at least beyond its scores; the best return is 20."""


def score(algorithm: str, seed: int) -> float:
    """Mean greedy return of the evaluations in the second half of a run."""
    import remix

    with TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        os.chdir(folder)
        settings = (*SETTINGS, *OWN_SETTINGS.get(algorithm, ()))
        run = remix.train(*settings, f"algorithm={algorithm}", f"seed={seed}", f"run_dir={folder}/run")
        curve = run.curves["test/return"].dropna()
        os.chdir("/")
    return float(curve[len(curve) // 2 :].mean())


def band(scores: list[float]) -> tuple[float, float]:
    """In which the score of another seed, machine or version may lie."""
    reach = max(max(scores) - min(scores), _NARROWEST)
    return min(scores) - reach, max(scores) + reach


def stored() -> dict[str, list[float]]:
    """The scores by algorithm."""
    found: dict[str, list[float]] = {}
    with STORED.open() as file:
        for row in csv.DictReader(file):
            found.setdefault(row["algorithm"], []).append(float(row["score"]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.golden.curves", description=__doc__)
    parser.add_argument("algorithms", nargs="*", metavar="ALGORITHM")
    parser.add_argument("--seeds", type=int, help=f"default: 1, with --write {FEWEST_SEEDS}")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs side by side")
    options = parser.parse_args()
    known = stored() if STORED.is_file() else {}
    names = options.algorithms or sorted(known)
    if not options.write and (unknown := set(names) - known.keys()):
        parser.error(f"no scores are stored of {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    seeds = range(1, 1 + (options.seeds or (FEWEST_SEEDS if options.write else 1)))
    if options.write and len(seeds) < FEWEST_SEEDS:
        parser.error(f"--seeds={len(seeds)}: must be at least {FEWEST_SEEDS} to store a band")
    outside = 0
    jobs = [(name, seed) for name in names for seed in seeds]
    with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
        for (name, seed), value in zip(jobs, pool.map(score, *zip(*jobs, strict=True)), strict=True):
            if options.write:
                known[name] = [*(known[name] if seed > 1 else []), value]
                _write(known)
                print(f"{name:<12} seed {seed}  {value:6.2f}", flush=True)
            else:
                low, high = band(known[name])
                outside += not low <= value <= high
                verdict = "" if low <= value <= high else "  OUTSIDE"
                print(f"{name:<12} seed {seed}  {value:6.2f}  [{low:.2f}, {high:.2f}]{verdict}", flush=True)
    sys.exit(1 if outside else 0)


def _write(scores: dict[str, list[float]]) -> None:
    with STORED.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["algorithm", "seed", "score"])
        for name in sorted(scores):
            writer.writerows([name, seed, f"{value:.4f}"] for seed, value in enumerate(scores[name], 1))


if __name__ == "__main__":
    main()
