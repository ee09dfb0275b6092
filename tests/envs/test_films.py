"""Films of episodes."""

import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from envs.errors import SettingError
from envs.films import film_writer, save_film
from envs.predator_prey import PredatorPrey


def random_play(steps):
    """Pictures of a random episode of Predator-Prey."""
    env = PredatorPrey(punishment=-2.0)
    observation, rng, frames = env.reset(np.array([3])), np.random.default_rng(0), []
    for _ in range(steps):
        avail = observation.avail_actions
        observation = env.step((avail * rng.random(avail.shape)).argmax(axis=-1)).observation
        frames.append(env.render())
    return frames


def test_a_gif_is_small_and_complete(tmp_path):
    frames = random_play(200)
    path = save_film(frames, tmp_path / "films" / "episode.gif", fps=10)
    assert path.stat().st_size < 1_000_000
    with Image.open(path) as film:
        assert getattr(film, "n_frames", 1) == 200
        assert film.size == frames[0].shape[1::-1]
        assert film.info["duration"] == 100 and film.info["loop"] == 0
        film.seek(150)
        shown = np.asarray(film.convert("RGB"), int)
    assert abs(shown - frames[150]).mean() < 3


def test_films_need_frames_and_a_possible_speed(tmp_path):
    frame = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="frame"):
        save_film([], tmp_path / "empty.gif")
    for fps in (0, -1, 100):
        with pytest.raises(SettingError) as error:
            save_film([frame], tmp_path / "fast.gif", fps=fps)
        assert error.value.setting == "fps"


def test_an_mp4_shows_the_same(tmp_path):
    """Odd sides are made even, since the format knows no others."""
    frames = [frame[:-1, :-1] for frame in random_play(20)]
    height, width = (side + side % 2 for side in frames[0].shape[:2])
    path = save_film(frames, tmp_path / "films" / "episode.mp4", fps=10)
    shown = imageio_ffmpeg.read_frames(str(path))
    about = next(shown)
    assert about["size"] == (width, height) and about["fps"] == 10
    pictures = [np.frombuffer(picture, np.uint8).reshape(height, width, 3) for picture in shown]
    assert len(pictures) == 20
    seen = pictures[15][: frames[15].shape[0], : frames[15].shape[1]]
    assert abs(seen.astype(int) - frames[15]).mean() < 3


def test_other_formats_and_missing_packages_are_one_line(tmp_path, monkeypatch):
    with pytest.raises(SettingError, match=r"film\.avi: must end in \.gif or \.mp4$"):
        film_writer(Path("film.avi"))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(
        SettingError, match=r"film\.mp4: needs the packages of pip install \"remix-marl\[video\]\"$"
    ):
        film_writer(Path("film.mp4"))
