"""Replay recorded frames of SMACv2: ``python -m tests.golden.smacv2 FILE.json.gz``.

A recording holds episodes of SMACv2's own Python layer over an invented game: teams and places that were
drawn, and frames with all units, the memory of who has seen whom before and after each pass of observations,
the order of that pass and its random numbers, and what the layer made of it. Every frame is shown and judged
by the kernels of the battle engine with the recorded random numbers. ``tests/data`` holds some of the
recorded episodes.

Exit status: 0 all equal, 1 mismatches, 2 unreadable or malformed file.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.envs.skirmish.drawn_layer import DrawnLayer, Frame, Orders

TOLERANCE = 1e-5


class MalformedRecording(ValueError):
    """The file is not a recording that can be replayed."""


def read(path: str | Path) -> list[dict[str, Any]]:
    """The recorded episodes.

    :raises MalformedRecording: with one line that says what is wrong.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            episodes: list[dict[str, Any]] = json.load(file)["episodes"]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        reason = error.strerror if isinstance(error, FileNotFoundError) else str(error).splitlines()[0]
        raise MalformedRecording(f"no recording of SMACv2 ({reason})") from error
    if not isinstance(episodes, list) or not episodes or not all(isinstance(one, dict) for one in episodes):
        raise MalformedRecording("no recording of SMACv2 (no episodes)")
    return episodes


def replay(episode: dict[str, Any]) -> Iterator[set[str]]:
    """For each frame of an episode, the names of the quantities that differ.

    :raises MalformedRecording: the episode is not one of SMACv2.
    """
    try:
        layer = DrawnLayer(episode)
        before: Frame | None = None
        for number, recorded in enumerate(episode["frames"]):
            frame = Frame(recorded, layer)
            different = set() if number else _start(layer, episode, frame)
            if before is not None:
                different |= _step(layer, recorded, before, frame, number)
            different |= _views(layer, recorded, frame, number)
            yield different
            before = frame
    except (KeyError, IndexError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MalformedRecording(f"{episode.get('config')}: {reason}") from error


def main(arguments: list[str]) -> int:
    """Replay the file named by the only argument, print a line per episode, return the exit status."""
    if len(arguments) != 1:
        print("usage: python -m tests.golden.smacv2 FILE.json.gz", file=sys.stderr)
        return 2
    n_frames = n_wrong = 0
    try:
        for episode in read(arguments[0]):
            frames = list(replay(episode))
            wrong = sum(bool(different) for different in frames)
            where = Counter(name for different in frames for name in sorted(different))
            label = f"{episode['config']}, {episode['label']}"
            counts = ", ".join(f"{name} {count}" for name, count in where.items())
            print(f"{label:<66} {len(frames):>4} frames {wrong:>4} mismatches {counts}".rstrip())
            n_frames, n_wrong = n_frames + len(frames), n_wrong + wrong
    except MalformedRecording as error:
        print(f"error: {arguments[0]}: {error}", file=sys.stderr)
        return 2
    print(f"{'total':<66} {n_frames:>4} frames {n_wrong:>4} mismatches")
    return int(n_wrong > 0)


def _start(layer: DrawnLayer, episode: dict[str, Any], frame: Frame) -> set[str]:
    """Sizes, the most that can be earned, and the numbers of the agents."""
    sizes, ours = episode["sizes"], layer.sizes
    different = set()
    names = ("obs", "state", "n_actions", "own", "move", "enemy", "ally")
    lengths = (ours.obs, ours.state, ours.n_actions, ours.own, ours.move, [*ours.enemies], [*ours.allies])
    if lengths != tuple(sizes[name] for name in names):
        different.add("sizes")
    if episode["episode_of_this_environment"] == 0 and layer.max_reward(frame) != episode["max_reward"]:
        different.add("max_reward")
    if layer.renumbered(frame) != frame.tags[: layer.n_agents]:
        different.add("ids")
    return different


def _step(layer: DrawnLayer, recorded: dict[str, Any], before: Frame, frame: Frame, steps: int) -> set[str]:
    """Orders, rewards and ends of the step that led to a frame."""
    orders = layer.orders(before, frame.actions, recorded.get("attack_draws", []))
    outcome, info = layer.judge(before, frame, steps), recorded["info"]
    ended, cut, won, dead_allies, dead_enemies = outcome.end
    different = {
        "orders": not _same_orders(orders, recorded["orders"]),
        "reward": abs(outcome.reward - recorded["reward"]) > TOLERANCE,
        "terminated": ended != recorded["terminated"],
        "info": (won, dead_allies, dead_enemies)
        != (info["battle_won"], info["dead_allies"], info["dead_enemies"]),
        "limit": info.get("episode_limit", False) != (cut and layer.continuing),
    }
    layer.forget(frame)
    return {name for name, differs in different.items() if differs}


def _views(layer: DrawnLayer, recorded: dict[str, Any], frame: Frame, steps: int) -> set[str]:
    """What agents may do, see and remember, and the state."""
    different = set()
    for recorded_pass in recorded["passes"]:
        if layer.memory_as_text() != (recorded_pass["seen_before"], recorded_pass["tags_before"]):
            different.add("memory before")
        views = layer.show(frame, steps, recorded_pass["order"], recorded_pass["draws"])
        if layer.memory_as_text() != (recorded_pass["seen_after"], recorded_pass["tags_after"]):
            different.add("memory after")
        different |= _far("obs", views.obs[0], recorded_pass["obs"])
        different |= _far("state", views.state[0], recorded["state"])
        if _as_text(views.avail_actions[0]) != recorded["avail"]:
            different.add("avail")
        if "true_avail" in recorded and layer.true_avail(views) != recorded["true_avail"]:
            different.add("true_avail")
        if "fov" in recorded:
            different |= _far("fov", layer.directions(), recorded["fov"])
    return different


def _far(name: str, ours: NDArray[Any], recorded: Any) -> set[str]:
    theirs = np.array(recorded)
    same = ours.shape == theirs.shape and bool((np.abs(ours - theirs) <= TOLERANCE).all())
    return set() if same else {name}


def _as_text(flags: NDArray[np.bool_]) -> list[str]:
    return ["".join("01"[flag] for flag in row) for row in flags.astype(int)]


def _same_orders(ours: Orders, recorded: list[list[Any]]) -> bool:
    """Places are rounded in recordings."""
    if len(ours) != len(recorded):
        return False
    return all(
        one[:2] == tuple(other[:2])
        and len(one) == len(other)
        and np.allclose(np.array(one[2:], float), np.array(other[2:], float), rtol=0, atol=1e-3)
        for one, other in zip(ours, recorded, strict=True)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
