"""Films of episodes: GIF, or MP4 with the extra ``video``. Libraries are imported only when one is saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from envs.errors import SettingError

if TYPE_CHECKING:
    from PIL.Image import Image

_COLOURS = 48  # of a GIF


def save_film(frames: Sequence[NDArray[np.uint8]], path: str | Path, fps: float = 8) -> Path:
    """Write RGB ``frames [height, width, 3]`` of one size; the path's ending says in which format.

    :param fps: frames per second, at most 50.
    :raises SettingError: see :func:`film_writer`, and for an impossible ``fps``.
    """
    path = Path(path)
    write = film_writer(path)
    if not 0 < fps <= 50:
        raise SettingError("fps", fps, "must be above 0 and at most 50 frames per second")
    if not frames:
        raise ValueError("a film needs at least one frame")
    path.parent.mkdir(parents=True, exist_ok=True)
    write(frames, path, fps)
    return path


def film_writer(path: Path) -> Callable[[Sequence[NDArray[np.uint8]], Path, float], None]:
    """What writes films to such a path; to be asked before an episode is played for it.

    :raises SettingError: another ending than .gif or .mp4, or the package for it is missing.
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


def _write_gif(frames: Sequence[NDArray[np.uint8]], path: Path, fps: float) -> None:
    """An endless film; GIF players know hundredths of a second, at least two per frame."""
    from PIL import Image

    images = [Image.fromarray(frame) for frame in frames]
    # One palette for all frames: the unchanged part of a frame is then not stored again.
    palette = _common_palette(images)
    reduced = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    reduced[0].save(path, save_all=True, append_images=reduced[1:], duration=round(100 / fps) * 10, loop=0)


def _common_palette(images: list[Image]) -> Image:
    from PIL import Image

    sample = images[:: max(1, len(images) // 8)]
    sheet = Image.new("RGB", (sample[0].width, sample[0].height * len(sample)))
    for i, image in enumerate(sample):
        sheet.paste(image, (0, i * image.height))
    return sheet.quantize(_COLOURS)


def _write_mp4(frames: Sequence[NDArray[np.uint8]], path: Path, fps: float) -> None:
    """H.264, in the colours that every player shows; these need even sides."""
    from imageio_ffmpeg import write_frames

    height, width = frames[0].shape[:2]
    margins = ((0, height % 2), (0, width % 2), (0, 0))
    writer = write_frames(str(path), (width + width % 2, height + height % 2), fps=fps, macro_block_size=2)
    writer.send(None)
    for frame in frames:
        writer.send(np.ascontiguousarray(np.pad(frame, margins, mode="edge")))
    writer.close()
