"""``python -m tests.faults [part=NAME] [case=N] [seed=N] [jobs=N]``: try the faults, count what holds.

All parts and cases, or those chosen. ``seed`` draws other moments, bytes and settings; ``jobs`` cases are
tried side by side (as many as there are cores). The exit status is 1 if a case falls short.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from tqdm import tqdm

from tests.faults.attempts import attempt, cases, silence

PARTS = ("configurations", "games", "files", "signals", "kills", "tracking")


def main() -> None:
    chosen = _options(sys.argv[1:])
    seed = int(chosen.get("seed", 1))
    parts = PARTS if "part" not in chosen else (chosen["part"],)
    failures = []
    print(f"seed={seed}")
    for part in parts:
        with ProcessPoolExecutor(
            int(chosen.get("jobs", os.cpu_count() or 1)), get_context("spawn"), initializer=silence
        ) as pool:
            failures += _try(part, chosen.get("case"), seed, pool)
    if failures:
        print("\nfell short; each line repeats one alone:")
        print("\n".join(failures))
        sys.exit(1)


def _try(part: str, case: str | None, seed: int, pool: ProcessPoolExecutor) -> list[str]:
    """All cases of a part, or one; returns a line for each that fell short."""
    of_part, begun = cases(part, seed), time.monotonic()
    numbers = range(len(of_part)) if case is None else [int(case)]
    running: dict[Future[str], int] = {pool.submit(attempt, part, n, seed): n for n in numbers}
    short: dict[int, str] = {}
    for future in tqdm(as_completed(running), part, len(running), leave=False, disable=None):
        number = running[future]
        reason = str(error) if (error := future.exception()) is not None else future.result()
        if reason:
            short[number] = reason
        if reason or case is not None:
            tqdm.write(f"  {number:>3} {of_part[number].name}: {reason or 'holds'}")
    held, seconds = len(running) - len(short), time.monotonic() - begun
    print(f"{part:<15} {held:>3} of {len(running):<3}  {seconds:4.0f} s", flush=True)
    again = "" if seed == 1 else f" seed={seed}"
    return [
        f"  python -m tests.faults part={part} case={number}{again}  # {of_part[number].name}: {reason}"
        for number, reason in sorted(short.items())
    ]


def _options(words: list[str]) -> dict[str, str]:
    """:raises SystemExit: one of them is not known."""
    options = dict(word.partition("=")[::2] for word in words)
    if unknown := [word for word in words if word.partition("=")[0] not in ("part", "case", "seed", "jobs")]:
        sys.exit(f"{unknown[0]}: {__doc__}")
    if options.get("part", PARTS[0]) not in PARTS:
        sys.exit(f"part={options['part']}: must be one of {', '.join(PARTS)}")
    if "case" in options and "part" not in options:
        sys.exit("case=N needs part=NAME")
    return options


if __name__ == "__main__":
    main()
