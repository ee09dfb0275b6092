"""What a configuration takes of the memory, and how much there is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import remix
from remix.envs.battles import Battles
from remix.envs.predator_prey import PredatorPrey
from remix.envs.spec import EnvSpec
from remix.learning.episodes import pack
from remix.learning.policy import Policy
from remix.learning.workers.rollout import rollout
from remix.runs.memory import Needs, Room, check_memory, check_together
from remix.settings.errors import SettingError

GIB = 2**30
LAPTOP = Room(8 * GIB, 6 * GIB)
PICTURES = EnvSpec("pictures", 4, 5, 84 * 84 * 3, 84 * 84 * 12, 100)


@pytest.mark.parametrize("spec", [PredatorPrey().spec, *(Battles(m).spec for m in ("MMM2", "27m_vs_30m"))])
@pytest.mark.parametrize("overrides", [(), ("algorithm=dop",), ("env=smac", "workers=process")])
def test_published_settings_fit_on_eight_gib(spec: EnvSpec, overrides: tuple[str, ...]):
    needs = Needs.of(spec, remix.compose(*overrides))
    assert needs.warning(LAPTOP) is None


def test_a_replay_of_bits_takes_what_was_foretold():
    environment = PredatorPrey()
    (episode,) = rollout(environment, Policy(environment.spec), np.array([1]), 1.0)
    size = sum(array.nbytes for array in pack(episode, behaviour=True).values())
    full = Needs.of(environment.spec, remix.compose("replay.capacity=10", "replay.batch_size=8"))
    assert size * 10 == pytest.approx(full.replay, rel=0.02)
    assert full.packed == full.replay


def test_individual_rewards_are_counted():
    needs, more = (
        Needs.of(EnvSpec("game", 4, 5, 6, 7, 100, individual_rewards=paid), remix.compose())
        for paid in (False, True)
    )
    assert more.episodes > needs.episodes and more.replay > needs.replay


def test_a_small_budget_never_fills_the_replay():
    spec = PredatorPrey().spec
    small, whole = (Needs.of(spec, remix.compose(f"max_env_steps={steps}")) for steps in (20_000, 10_000_000))
    assert small.replay < whole.replay / 20


def test_what_is_large_is_said():
    needs = Needs.of(PICTURES, remix.compose("replay.batch_size=16"))
    sentence, warning = needs.sentence(LAPTOP), needs.warning(LAPTOP)
    assert sentence is not None and "test_episodes=100 up to" in sentence
    assert warning is not None and "test_episodes" in warning
    assert Needs.of(PredatorPrey().spec, remix.compose()).sentence(LAPTOP) is None


def test_pictures_that_fill_the_replay_are_warned_of():
    pixels = EnvSpec("pixels", 2, 5, 84 * 84, 84 * 84, 100, obs_dtype="uint8", state_dtype="uint8")
    few = remix.compose("test_episodes=8", "validation_episodes=8", "replay.batch_size=16")
    warning = Needs.of(pixels, few).warning(LAPTOP)
    assert warning is not None and "replay.capacity" in warning


def test_what_cannot_fit_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Room, "here", lambda: LAPTOP)
    with pytest.raises(SettingError) as caught:
        check_memory(PICTURES, remix.compose("validation_episodes=200"))
    assert caught.value.setting == "validation_episodes"
    assert "8.0 GiB" in caught.value.expected
    few = remix.compose("validation_episodes=20", "test_episodes=10")
    check_memory(PICTURES, few)
    with pytest.raises(SettingError, match="validation_episodes=20: "):
        check_memory(PICTURES, few, n_runs=10)
    in_turn = remix.compose("validation_episodes=200", "workers=process")
    check_memory(PICTURES, in_turn)
    with pytest.raises(SettingError, match="episodes=1000000: "):
        check_together(PredatorPrey().spec, {}, "episodes", 1_000_000)


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("0::/job", {"job/memory.max": 3, "job/memory.current": 1, "memory.max": "max"}),
        ("0::/job", {"memory.max": 3, "memory.current": 1}),
        ("4:cpu,memory:/job", {"memory/job/memory.limit_in_bytes": 3, "memory/job/memory.usage_in_bytes": 1}),
        ("4:memory:/elsewhere", {"memory/memory.limit_in_bytes": 3, "memory/memory.usage_in_bytes": 1}),
    ],
)
def test_control_groups_limit_the_memory(tmp_path: Path, line: str, files: dict[str, int | str]):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(f"9:name=systemd:/\n{line}\n")
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable: 1000000000 kB\n")
    for name, size in files.items():
        file = tmp_path / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{size if isinstance(size, str) else size * 2**20}\n")
    assert Room.here(tmp_path) == Room(3 * 2**20, 2 * 2**20)


def test_without_limits_there_is_what_the_machine_has(tmp_path: Path):
    room = Room.here(tmp_path)
    assert room is not None and room.total == room.available > 0


def test_systems_that_do_not_say_are_not_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(os, "sysconf")
    assert Room.here() is None
    check_memory(PICTURES, remix.compose("validation_episodes=1000000"))
