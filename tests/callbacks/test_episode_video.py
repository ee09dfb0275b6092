"""Films of greedy episodes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from remix.callbacks.checkpointing import LastCheckpoint
from remix.callbacks.episode_video import EpisodeVideo
from remix.envs.games import BranchChain
from remix.settings.errors import SettingError
from tests.callbacks.runs import Run


def film_length(path: Path) -> int:
    with Image.open(path) as film:
        return int(getattr(film, "n_frames", 1))


def test_training_ends_with_a_film(tmp_path: Path) -> None:
    Run(tmp_path, [EpisodeVideo(), LastCheckpoint(tmp_path)]).fit()
    assert film_length(tmp_path / "episode.gif") >= 2


def test_films_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[Path] = []
    monkeypatch.setattr("remix.learning.films.save_film", lambda frames, path, fps: recorded.append(path))
    Run(tmp_path, [EpisodeVideo(every_n_epochs=2), LastCheckpoint(tmp_path)], max_epochs=3).fit()
    assert recorded == [tmp_path / "episode.gif"] * 2  # after the second epoch and at the end


class Invisible(BranchChain):
    def render(self, index: int = 0) -> NDArray[np.uint8]:
        raise SettingError("options.render_mode", None, "must be rgb_array to draw pictures")


def test_environment_without_pictures_is_one_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Run(tmp_path, [EpisodeVideo(), LastCheckpoint(tmp_path)], environment=Invisible).fit()
    [warning] = [line for line in capsys.readouterr().err.splitlines() if "film" in line]
    assert "render_mode" in warning
    assert not (tmp_path / "episode.gif").exists()


@pytest.mark.parametrize("wrong", [{"every_n_epochs": 0}, {"fps": 0}, {"fps": 51}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=next(iter(wrong))):
        EpisodeVideo(**wrong)
