"""Replay recorded Predator-Prey transitions: ``python -m tests.golden.predator_prey FILE.npz``.

A recording is an ``.npz`` file that holds, for each of its ``settings``, the situations before and
after T transitions of the original environment, the actions and all random decisions. Every
transition becomes an episode of its own, placed in the recorded situation, and is played with the
recorded decisions. ``tests/data`` holds whole episodes of every recorded setting.

Exit status: 0 all equal, 1 mismatches, 2 unreadable or malformed file.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.predator_prey import PredatorPrey
from remix.envs.predator_prey_kernels import Draws
from remix.envs.spec import Observation

Arrays = dict[str, NDArray[Any]]

# Shape of each recorded array in T transitions, E episodes, N agents, P prey, and the widths of the views.
_SHAPES = {
    "episode": "T",
    "t": "T",
    "agents_pos": "TN2",
    "agents_alive": "TN",
    "prey_pos": "TP2",
    "prey_alive": "TP",
    "obs": "TNO",
    "state": "TS",
    "avail_actions": "TNA",
    "actions": "TN",
    "agent_order": "TN",
    "prey_order": "TP",
    "prey_n_possible": "TP",
    "prey_choice": "TP",
    "reward": "T",
    "terminated": "T",
    "truncated": "T",
    "natural_end": "T",
    "next_agents_pos": "TN2",
    "next_agents_alive": "TN",
    "next_prey_pos": "TP2",
    "next_prey_alive": "TP",
    "final_obs": "ENO",
    "final_state": "ES",
    "final_avail_actions": "ENA",
}
_CONFIG = {
    "n_agents": "n_agents",
    "n_stags": "n_stags",
    "n_hares": "n_hares",
    "punishment": "miscapture_punishment",
    "reward_stag": "reward_stag",
    "reward_hare": "reward_hare",
    "reward_time": "reward_time",
    "reward_collision": "reward_collision",
    "agents_needed_stag": "agents_needed_stag",
    "agents_needed_hare": "agents_needed_hare",
    "p_stags_rest": "p_stag_rest",
    "p_hares_rest": "p_hare_rest",
    "episode_limit": "episode_limit",
    "toroidal": "toroidal",
    "capture_terminal": "capture_ends_episode",
    "capture_freezes": "capture_freezes_agents",
    "remove_frozen": "frozen_agents_removed",
}


class MalformedRecording(ValueError):
    """The file is not a recording that can be replayed."""


def read(path: str | Path) -> Iterator[tuple[str, PredatorPrey, Arrays]]:
    """Name, environment and arrays of each setting in the file.

    :raises MalformedRecording: with one line that says what is wrong.
    """
    if not Path(path).is_file():
        raise MalformedRecording("no such file")
    if not zipfile.is_zipfile(path):
        raise MalformedRecording("not an .npz file")
    try:
        with np.load(path, allow_pickle=False) as file:
            for name in [str(name) for name in np.atleast_1d(file["settings"])]:
                env = _environment(json.loads(str(file[f"{name}/config_json"])))
                arrays = {key: file[f"{name}/{key}"] for key in _SHAPES}
                _check(name, env, arrays)
                yield name, env, arrays
    except KeyError as error:
        raise MalformedRecording(str(error.args[0])) from error
    except (OSError, ValueError, TypeError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise MalformedRecording(str(error).splitlines()[0]) from error


def replay(env: PredatorPrey, recorded: Arrays) -> dict[str, NDArray[np.bool_]]:
    """Play all T transitions; for each compared quantity, which transitions ``[T]`` differ."""
    before = env.place(
        recorded["agents_pos"],
        recorded["prey_pos"],
        seeds=np.arange(len(recorded["t"])),
        active=recorded["agents_alive"],
        alive=recorded["prey_alive"],
        steps=recorded["t"],
    )
    views = _differences("", before, recorded)
    step = env.play(recorded["actions"], _draws(recorded))
    views |= _differences("next ", step.observation, _views_after(recorded))
    natural_end, truncated = recorded["natural_end"], recorded["truncated"]
    world, shape = env.world, env.shape
    return views | {
        "reward": step.reward != recorded["reward"],
        "truncated": step.truncated != truncated,
        "terminated": step.terminated != (natural_end & ~truncated),
        "end": ~world.running != recorded["terminated"],
        "natural end": ~(world.alive.any(axis=1) & world.active.any(axis=1)) != natural_end,
        "agents": _moved_otherwise(
            world.agents, world.active, recorded["next_agents_pos"], recorded["next_agents_alive"], shape
        ),
        "prey": _moved_otherwise(
            world.prey, world.alive, recorded["next_prey_pos"], recorded["next_prey_alive"], shape
        ),
    }


def main(arguments: list[str]) -> int:
    """Replay the file named by the only argument, print a line per setting, return the exit status."""
    if len(arguments) != 1:
        print("usage: python -m tests.golden.predator_prey FILE.npz", file=sys.stderr)
        return 2
    n_transitions = n_mismatches = 0
    try:
        for name, env, recorded in read(arguments[0]):
            different = replay(env, recorded)
            wrong = np.any(list(different.values()), axis=0)
            n_transitions, n_mismatches = n_transitions + wrong.size, n_mismatches + int(wrong.sum())
            where = ", ".join(f"{key} {mask.sum()}" for key, mask in different.items() if mask.any())
            print(f"{name:<16} {wrong.size:>7} transitions {wrong.sum():>7} mismatches {where}".rstrip())
    except (TypeError, ValueError) as error:
        print(f"error: {arguments[0]}: {error}", file=sys.stderr)
        return 2
    print(f"{'total':<16} {n_transitions:>7} transitions {n_mismatches:>7} mismatches")
    return int(n_mismatches > 0)


def _environment(config: dict[str, Any]) -> PredatorPrey:
    """The environment of a recorded configuration, with the original's way to wrap around."""
    return PredatorPrey(
        world_shape=(config["grid_height"], config["grid_width"]),
        obs_radius=(config["obs_radius_rows"], config["obs_radius_cols"]),
        reference_wrap=config["toroidal"],
        **{setting: config[key] for setting, key in _CONFIG.items()},
    )


def _check(name: str, env: PredatorPrey, arrays: Arrays) -> None:
    """Refuse arrays whose shape or content cannot be replayed."""
    spec = env.spec
    sizes = {"N": spec.n_agents, "O": spec.obs_size, "S": spec.state_size, "A": spec.n_actions, "2": 2}
    sizes |= {"T": len(arrays["t"]), "P": env.world.prey.shape[1], "E": len(arrays["final_state"])}
    for key, letters in _SHAPES.items():
        shape = tuple(sizes[letter] for letter in letters)
        if arrays[key].shape != shape:
            raise MalformedRecording(f"{name}/{key} has shape {arrays[key].shape}, expected {shape}")
    for key in ("agent_order", "prey_order"):
        if (np.sort(arrays[key]) != np.arange(arrays[key].shape[1])).any():
            raise MalformedRecording(f"{name}/{key} holds something that is not a permutation")
    if (arrays["prey_choice"] >= np.maximum(arrays["prey_n_possible"], 1)).any():
        raise MalformedRecording(f"{name}/prey_choice is not below prey_n_possible")
    if not np.array_equal(np.unique(arrays["episode"]), np.arange(sizes["E"])) or sizes["E"] == 0:
        raise MalformedRecording(f"{name}/episode does not number episodes 0 to {sizes['E'] - 1}")


def _draws(recorded: Arrays) -> Draws:
    choice, n_free = recorded["prey_choice"], recorded["prey_n_possible"]
    moved = choice >= 0
    return Draws(
        agent_order=recorded["agent_order"].astype(np.int64),
        prey_order=recorded["prey_order"].astype(np.int64),
        rest=np.where(moved, 1.0, 0.0),
        direction=np.where(moved, (choice + 0.5) / np.maximum(n_free, 1), 0.0),
    )


def _views_after(recorded: Arrays) -> Arrays:
    """Views after each transition: those before the next one, after the last of an episode the final ones."""
    episode = recorded["episode"]
    last = np.diff(episode, append=-1) != 0
    after = {}
    for key in Observation._fields:
        after[key] = np.roll(recorded[key], -1, axis=0)
        after[key][last] = recorded[f"final_{key}"][episode[last]]
    return after


def _differences(prefix: str, seen: Observation, recorded: Arrays) -> dict[str, NDArray[np.bool_]]:
    return {
        prefix + key: (view != recorded[key]).reshape(len(view), -1).any(axis=1)
        for key, view in seen._asdict().items()
    }


def _moved_otherwise(
    cells: NDArray[np.int32],
    alive: NDArray[np.bool_],
    recorded_pos: NDArray[np.int8],
    recorded_alive: NDArray[np.bool_],
    shape: tuple[int, int],
) -> NDArray[np.bool_]:
    """Whether some flag, or the position of somebody alive, differs: ``[T]``."""
    positions = np.stack(np.divmod(cells, shape[1]), axis=-1)
    misplaced = (positions != recorded_pos).any(axis=-1) & recorded_alive
    return np.asarray((misplaced | (alive != recorded_alive)).any(axis=1))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
