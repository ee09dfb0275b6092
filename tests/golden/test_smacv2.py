"""Frames of SMACv2 are reproduced, and a recording that cannot be replayed is refused in one line."""

import copy
import gzip
import json
from pathlib import Path

import pytest

from tests.golden import smacv2 as golden

RECORDING = Path(__file__).parents[1] / "data" / "smacv2_frames.json.gz"
EPISODES = golden.read(RECORDING)


@pytest.mark.parametrize("episode", EPISODES, ids=lambda episode: f"{episode['config']}, {episode['label']}")
def test_every_frame_is_that_of_smacv2(episode):
    assert list(golden.replay(episode)) == [set()] * len(episode["frames"])


def test_all_ends_and_options_are_recorded():
    frames = [frame for episode in EPISODES for frame in episode["frames"]]
    assert len(EPISODES) == 37 and len(frames) == 217
    assert sum(frame.get("terminated", False) for frame in frames) >= 10
    assert any(pass_["draws"] for frame in frames for pass_ in frame["passes"])
    assert any("attack_draws" in frame for frame in frames)


def change(path, value):
    """Changes a recorded number."""

    def apply(episode):
        *parents, last = path
        for key in parents:
            episode = episode[key]
        episode[last] = value

    return apply


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        (change(("frames", 1, "reward"), 17.0), "reward"),
        (change(("frames", 1, "state", 0), 0.5), "state"),
        (change(("frames", 1, "passes", 0, "obs", 0, 0), 0.5), "obs"),
        (change(("frames", 1, "passes", 0, "tags_after", 0), 4), "memory after"),
        (change(("frames", 1, "avail", 0), "01111111111"), "avail"),
        (change(("frames", 1, "orders"), []), "orders"),
        (change(("frames", 1, "info", "dead_allies"), 3), "info"),
        (change(("max_reward",), 1030.0), "max_reward"),
    ],
)
def test_a_difference_is_found_and_named(changed, name, tmp_path, capsys):
    episode = copy.deepcopy(EPISODES[0])
    changed(episode)
    path = tmp_path / "changed.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"episodes": [episode]}).encode()))
    assert golden.main([str(path)]) == 1
    assert name in capsys.readouterr().out.splitlines()[0]


WRONG = [{}, 3, EPISODES[0] | {"frames": 3}, EPISODES[0] | {"config": "terran_5_vs_5"}]


@pytest.mark.parametrize(
    "content",
    [None, b"no gzip", *map(gzip.compress, (b"no json", b"[]", b'{"episodes": []}'))]
    + [gzip.compress(json.dumps({"episodes": [episode]}).encode()) for episode in WRONG],
    ids=range(9),
)
def test_files_that_are_no_recordings_are_refused_in_one_line(content, tmp_path, capsys):
    path = tmp_path / "wrong.json.gz"
    if content is not None:
        path.write_bytes(content)
    assert golden.main([str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: {path}: ") and captured.err.count("\n") == 1
