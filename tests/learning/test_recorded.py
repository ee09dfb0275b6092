"""Recorded episodes: a folder that is there as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from remix.envs.games import BranchChain
from remix.learning.policy import Policy
from remix.learning.recorded import EpisodeFiles
from remix.learning.workers.rollout import rollout
from remix.settings.errors import SettingError


def test_a_folder_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    game, seeds = BranchChain(), np.arange(3)
    episodes = rollout(game, Policy(game.spec), seeds, exploration=0.5)
    (tmp_path / ".mine.tmp").mkdir()
    (tmp_path / ".mine.tmp/episodes-00007.npz").write_text("of a process that was killed")
    with pytest.raises(IndexError), EpisodeFiles(tmp_path / "mine", game.spec, {}) as files:
        files.add(seeds, [*episodes, episodes[7]])
    assert not list(tmp_path.iterdir())
    with EpisodeFiles(tmp_path / "mine", game.spec, {}) as files:
        files.add(seeds, episodes)
        assert not (tmp_path / "mine").exists()
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["episodes-00000.npz", "episodes.json"]
    with pytest.raises(SettingError, match="mine: is there already"):
        EpisodeFiles(tmp_path / "mine", game.spec, {})
