"""Films of episodes."""

import sys
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from remix.envs.films import as_picture, film_writer, save_film
from remix.envs.predator_prey import PredatorPrey
from remix.settings.errors import GameError, SettingError


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


def test_a_gif_has_the_colours_of_its_last_picture(tmp_path):
    """Of the card with the result, which looks like no other picture."""
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, (40, 40, 1), np.uint8).repeat(3, axis=2) for _ in range(17)]
    frames.append(np.full((40, 40, 3), (20, 200, 40), np.uint8))
    path = save_film(frames, tmp_path / "episode.gif")
    with Image.open(path) as film:
        film.seek(getattr(film, "n_frames", 1) - 1)
        shown = np.asarray(film.convert("RGB"), int)
    assert abs(shown - frames[-1]).max() < 20


def test_films_need_frames_and_a_possible_speed(tmp_path):
    frame = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="frame"):
        save_film([], tmp_path / "empty.gif")
    impossible: tuple[Any, ...] = (0, -1, 100, 0.001, float("nan"), "abc", None)
    for fps in impossible:
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


FRAMES = {
    "grey": np.full((5, 7), 200, np.uint8),
    "grey with an axis": np.full((5, 7, 1), 200, np.uint8),
    "transparent": np.full((5, 7, 4), 200, np.uint8),
    "between 0 and 1": np.full((5, 7, 3), 200 / 255),
    "floating bytes": np.full((5, 7, 3), 200.4, np.float32),
    "whole numbers": np.full((5, 7, 3), 200, np.int64),
    "lists": np.full((5, 7, 3), 200).tolist(),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=list(FRAMES))
def test_pictures_of_all_kinds(frame):
    picture = as_picture(frame)
    assert picture.dtype == np.uint8 and picture.shape == (5, 7, 3) and (picture == 200).all()


@pytest.mark.parametrize(
    "frame",
    [
        None,
        "picture",
        3,
        np.zeros((3, 5, 7)),
        np.zeros((2, 5, 7, 3)),
        np.zeros((0, 7, 3)),
        np.zeros((5000, 1, 3)),
        np.full((5, 7, 3), np.nan),
        np.full((5, 7, 3), 300),
        np.full((5, 7, 3), -1.0),
    ],
)
def test_what_is_no_picture(frame):
    with pytest.raises(ValueError, match="must give a picture"):
        as_picture(frame)
    with pytest.raises(GameError, match="every frame must give a picture"):
        save_film([np.zeros((5, 7, 3), np.uint8), frame], "never.gif")


@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_frames_that_change_get_a_margin(tmp_path, ending):
    """Also of one pixel, and with colours beside grey."""
    sizes = [(1, 1), (31, 46, 4), (33, 40, 3)]
    path = save_film(
        [np.full(size, 255, np.uint8) for size in sizes], tmp_path / f"episode.{ending}", fps=0.5
    )
    if ending == "gif":
        with Image.open(path) as film:
            assert getattr(film, "n_frames", 1) == 3 and film.size == (46, 33)
            film.seek(2)
            shown = np.asarray(film.convert("L"))
    else:
        film = imageio_ffmpeg.read_frames(str(path))
        assert next(film)["size"] == (46, 34)
        pictures = list(film)
        shown = np.frombuffer(pictures[-1], np.uint8).reshape(34, 46, 3)[..., 0]
    assert shown[:30, :38].min() > 245 and shown[:, 42:].max() < 10


def test_other_formats_and_missing_packages_are_one_line(tmp_path, monkeypatch):
    with pytest.raises(SettingError, match=r"film\.avi: must end in \.gif or \.mp4$"):
        film_writer(Path("film.avi"))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(
        SettingError, match=r"film\.mp4: needs the packages of pip install \"remix-marl\[video\]\"$"
    ):
        film_writer(Path("film.mp4"))
