"""How much memory a configuration will take, and how much there is. Free of torch."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from remix.envs.spec import EnvSpec
from remix.settings.errors import SettingError

FIRST_LENGTH = 256
"""Steps for which a rollout makes room at once; beyond, as they are played."""

LARGE = 0.1
"""Share of the memory above which the user is told."""

_SPARSE = 1 / 16
"""Share of values neither 0 nor 1, which alone are stored whole, where there are few; battles have up to 1/4,
but seldom last until their limit. What will not fit even so is warned of."""


@dataclass(frozen=True)
class Room:
    """Memory of this process in bytes: what it may ever have, and what is free now."""

    total: int
    available: int

    @classmethod
    def here(cls, root: Path = Path("/")) -> Room | None:
        """The memory of the machine, or of a control group if that is less; None if nothing tells it."""
        try:
            total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            return None
        meminfo = _table(root / "proc/meminfo")
        available = meminfo["MemAvailable:"] * 1024 if "MemAvailable:" in meminfo else total
        for limit, free in _limits(root):
            total, available = min(total, limit), min(available, free)
        return cls(total, available)


@dataclass(frozen=True)
class Needs:
    """Bytes that a configuration takes.

    :param setting: of the largest collection of episodes.
    :param count: its episodes.
    :param episodes: what they take at most: played to the limit, recorded and copied.
    :param batch: the batch of an update.
    :param replay: the replay when it is full, at most ...
    :param packed: ... and with features that can be packed well.
    """

    setting: str
    count: int
    episodes: int
    batch: int
    replay: int
    packed: int

    @classmethod
    def of(cls, spec: EnvSpec, config: Mapping[str, Any]) -> Needs:
        """What a run needs, by a configuration with the settings of ``conf/train.yaml``."""
        replay, points = config["replay"], spec.episode_limit + 1
        collections = {
            "replay.episodes_per_round": replay["episodes_per_round"],
            "validation_episodes": config["validation_episodes"],
            "test_episodes": config["test_episodes"],
        }
        setting, count = max(collections.items(), key=lambda collection: collection[1])
        together = _together(config["workers"], count)
        budget = config["max_env_steps"] / spec.episode_limit + replay["episodes_per_round"]
        stored = math.ceil(min(replay["capacity"], budget)) * points
        return cls(
            setting,
            count,
            episodes=(together + count) * points * _played(spec),
            batch=replay["batch_size"] * points * _collated(spec),
            replay=stored * _stored(spec, 1.0),
            packed=stored * _stored(spec, _SPARSE),
        )

    def sentence(self, room: Room) -> str | None:
        """A sentence about what is large; None if nothing is."""
        parts = {
            f"{self.setting}={self.count} up to": self.episodes,
            "a batch up to": self.batch,
            "the full replay at most": self.replay,
        }
        large = [f"{name} {shown(size)}" for name, size in parts.items() if size > LARGE * room.total]
        return f"memory: {', '.join(large)}; {shown(room.available)} are free" if large else None

    def warning(self, room: Room) -> str | None:
        """A sentence about what will hardly fit into the free memory, and what to lower; None if all fits."""
        if self.episodes + self.batch > room.available:
            names = f"{self.setting} or replay.batch_size"
        elif self.packed + self.batch > room.available:
            names = "replay.capacity"
        else:
            return None
        return f"the memory may not suffice: lower {names}, or choose smaller observations"


def check_memory(spec: EnvSpec, config: Mapping[str, Any], n_runs: int = 1) -> None:
    """Refuse a run that plays more episodes together than fit into the memory.

    :param n_runs: like it that share the memory.
    :raises SettingError: naming the setting to lower.
    """
    needs = Needs.of(spec, config)
    check_together(spec, config["workers"], needs.setting, needs.count, n_runs)


def check_together(
    spec: EnvSpec, workers: Mapping[str, Any], setting: str, count: int, n_runs: int = 1
) -> None:
    """Refuse to play ``count`` episodes, as a setting says, that do not fit into the memory.

    :param n_runs: that each play so many in this process.
    :raises SettingError: naming the setting.
    """
    rows = min(spec.episode_limit, FIRST_LENGTH) + 1
    size, room = n_runs * _together(workers, count) * rows * _played(spec), Room.here()
    if room is not None and size > room.total:
        raise SettingError(
            setting,
            count,
            f"to play so many episodes together takes {shown(size)} of memory, and there are "
            f"{shown(room.total)}: choose fewer, smaller observations or a shorter env.episode_limit",
        )


def tell_memory(spec: EnvSpec, config: Mapping[str, Any], n_runs: int = 1) -> None:
    """Print what will be large, and warn of what will probably not fit.

    :param n_runs: like it that share the memory.
    """
    needs, room = Needs.of(spec, config), Room.here()
    if room is None:
        return
    room = Room(room.total // n_runs, room.available // n_runs)
    if sentence := needs.sentence(room):
        print(sentence, flush=True)
    if warning := needs.warning(room):
        print(f"warning: {warning}", file=sys.stderr, flush=True)


def shown(size: int) -> str:
    """Bytes in GiB, or in MiB where they are few."""
    return f"{size / 2**30:,.1f} GiB" if size >= 2**29 else f"{size / 2**20:,.0f} MiB"


def _together(workers: Mapping[str, Any], count: int) -> int:
    """How many of ``count`` episodes are played at the same time."""
    return min(count, workers.get("n_workers", 1) * workers.get("episodes_at_once", count))


def _played(spec: EnvSpec) -> int:
    """Bytes of a time step of an episode as it is played."""
    features = spec.n_agents * spec.obs_size * np.dtype(spec.obs_dtype).itemsize
    features += spec.state_size * np.dtype(spec.state_dtype).itemsize
    paid = 4 if spec.individual_rewards else 0
    # The mask, the action, its probability.
    return features + spec.n_agents * (spec.n_actions + 8 + 4 + paid) + 4


def _stored(spec: EnvSpec, dense: float) -> int:
    """Bytes of a time step in the replay; ``dense`` is the share of values that cannot be packed."""
    features = spec.n_agents * _packed(spec.obs_size, spec.obs_dtype, dense)
    features += _packed(spec.state_size, spec.state_dtype, dense)
    action = 1 if spec.n_actions <= 256 else 4
    paid = 4 if spec.individual_rewards else 0
    return features + spec.n_agents * (-(-spec.n_actions // 8) + action + 4 + paid) + 5


def _collated(spec: EnvSpec) -> int:
    """Bytes of a time step in a batch: numbers are floats there."""
    widths = {spec.obs_dtype: spec.n_agents * spec.obs_size}
    widths[spec.state_dtype] = widths.get(spec.state_dtype, 0) + spec.state_size
    return sum(width * (1 if dtype == "bool" else 4) for dtype, width in widths.items())


def _packed(width: int, dtype: str, dense: float) -> int:
    bits = -(-width // 8)
    if dtype == "bool":
        return bits
    # Pictures are hardly ever zero.
    share = 1.0 if dtype == "uint8" else dense
    return 2 * bits + math.ceil(width * np.dtype(dtype).itemsize * share)


def _limits(root: Path) -> Iterator[tuple[int, int]]:
    """Limit and free bytes of every control group with a limit that this process is in."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, limit, used, cache = "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            top, limit, used = "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cache = "total_inactive_file"
        else:
            continue
        group = root / top / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(root / top) and (most := _number(folder / limit)) is not None:
                free = most - (_number(folder / used) or 0) + _table(folder / "memory.stat").get(cache, 0)
                yield most, max(0, free)


def _number(file: Path) -> int | None:
    lines = _lines(file)
    return int(lines[0]) if lines and lines[0].isdecimal() else None


def _table(file: Path) -> dict[str, int]:
    """Names and whole numbers, a pair in each line."""
    pairs = (line.split()[:2] for line in _lines(file))
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []
