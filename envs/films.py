"""Films of episodes: GIF, or MP4 with the extra ``video``. Libraries are imported only to save a film."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from remix.settings import checks
from remix.settings.errors import GameError, SettingError, brief

if TYPE_CHECKING:
    from PIL.Image import Image

_COLOURS = 64  # colours of a GIF
_LONGEST_SIDE = 4096  # pixels


def as_picture(frame: Any) -> NDArray[np.uint8]:
    """A drawing of a game as uint8 RGB ``[height, width, 3]``.

    Grey becomes RGB, an alpha channel is dropped, and numbers from 0 to 1 become 0 to 255.

    :raises ValueError: ``frame`` is no picture. The message says why, as a phrase.
    """
    array = np.asarray(frame)
    if array.dtype.kind not in "biuf" or array.ndim not in (2, 3):
        raise ValueError(f"must give a picture [height, width, 3], not {brief(frame)}")
    if array.ndim == 2:
        array = array[..., None]
    height, width, channels = array.shape
    if not (0 < height <= _LONGEST_SIDE and 0 < width <= _LONGEST_SIDE and channels in (1, 3, 4)):
        limit = f"of at most {_LONGEST_SIDE} pixels a side"
        raise ValueError(f"must give a picture [height, width, 3] {limit}, not {array.shape}")
    array = np.broadcast_to(array[..., :3], (height, width, 3))
    if array.dtype != np.uint8:
        if not (array.min() >= 0 and array.max() <= 255):
            raise ValueError("must give a picture of numbers between 0 and 255")
        if array.dtype.kind in "bf" and array.max() <= 1:
            array = array * 255.0
        array = np.rint(array)
    return np.ascontiguousarray(array, np.uint8)


def save_film(frames: Sequence[NDArray[np.uint8]], path: str | Path, fps: float = 8) -> Path:
    """Write a film. The ending of the path says in which format.

    Frames that are smaller than the largest get a black margin on the right and below.

    :param frames: pictures ``[height, width, ...]`` in a form that :func:`as_picture` accepts.
    :param fps: frames per second, see :func:`frames_per_second`.
    :raises SettingError: the format cannot be written (:func:`film_writer`), or ``fps`` is invalid.
    :raises GameError: a frame is no picture.
    """
    path = Path(path)
    write, fps = film_writer(path), frames_per_second(fps)
    if not frames:
        raise ValueError("a film needs at least one frame")
    try:
        pictures = [as_picture(frame) for frame in frames]
    except ValueError as error:
        raise GameError(f"a film: every frame {error}") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    write(_of_one_size(pictures), path, fps)
    return path


def frames_per_second(fps: Any) -> float:
    """Check the setting ``fps``, frames per second. GIF players can show at most 50."""
    return checks.number("fps", fps, 0.1, 50)


def film_writer(path: Path) -> Callable[[Sequence[NDArray[np.uint8]], Path, float], None]:
    """The function that writes pictures ``[height, width, 3]`` to a path, at a number of frames per second.

    It can be asked for before an episode is played.

    :raises SettingError: the path ends neither in .gif nor in .mp4, or the package for MP4 is missing.
    """
    writers = {".gif": _write_gif, ".mp4": _write_mp4}
    if path.suffix not in writers:
        raise SettingError("output", path, "must end in " + " or ".join(writers))
    if path.suffix == ".mp4":
        try:
            import imageio_ffmpeg  # noqa: F401
        except ImportError as error:
            raise SettingError(
                "output", path, 'needs the packages of pip install "remix-marl[video]"'
            ) from error
    return writers[path.suffix]


def _of_one_size(pictures: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    return [
        np.pad(picture, ((0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0)))
        for picture in pictures
    ]


def _write_gif(frames: Sequence[NDArray[np.uint8]], path: Path, fps: float) -> None:
    """Write an endless film. A frame of a GIF takes whole hundredths of a second, at least two."""
    from PIL import Image

    images = [Image.fromarray(frame) for frame in frames]
    # All frames share one palette, so that the unchanged part of a frame is not stored again.
    palette = _common_palette(images)
    reduced = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    reduced[0].save(path, save_all=True, append_images=reduced[1:], duration=round(100 / fps) * 10, loop=0)


def _common_palette(images: list[Image]) -> Image:
    from PIL import Image

    sample = [*images[:: max(1, len(images) // 8)], images[-1]]
    sheet = Image.new("RGB", (sample[0].width, sample[0].height * len(sample)))
    for i, image in enumerate(sample):
        sheet.paste(image, (0, i * image.height))
    return sheet.quantize(_COLOURS)


def _write_mp4(frames: Sequence[NDArray[np.uint8]], path: Path, fps: float) -> None:
    """Write H.264 in colours (yuv420p) that every player shows. They need even sides."""
    from imageio_ffmpeg import write_frames

    height, width = frames[0].shape[:2]
    margins = ((0, height % 2), (0, width % 2), (0, 0))
    writer = write_frames(str(path), (width + width % 2, height + height % 2), fps=fps, macro_block_size=2)
    writer.send(None)
    for frame in frames:
        writer.send(np.ascontiguousarray(np.pad(frame, margins, mode="edge")))
    writer.close()
