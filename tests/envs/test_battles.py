"""Every setting of the battles, with values that cannot be meant: one line that names it."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest

from remix.envs.battles import Battles
from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.starcraft2_env import StarCraft2Env
from remix.settings.errors import SettingError

LARGE = (2**63, 10**400)  # as a seed may be
WRONG: tuple[Any, ...] = (
    "abc", "", "a\nb", [1], {"a": 1}, math.nan, math.inf, -math.inf, 1e39, -1e39, -(10**400), object(),
)  # fmt: skip
IGNORED = {  # by SMAC's class, which takes what configurations of the game have
    "difficulty", "game_version", "replay_dir", "replay_prefix", "window_size_x", "window_size_y", "debug",
}  # fmt: skip
SETTINGS = [
    (cls, name)
    for cls in (Battles, Skirmish, StarCraft2Env)
    for name in inspect.signature(cls).parameters
    if not (cls is StarCraft2Env and name in IGNORED)
]


@pytest.mark.parametrize(("cls", "name"), SETTINGS, ids=lambda value: getattr(value, "__name__", value))
def test_what_cannot_be_meant_is_refused(cls: Any, name: str):
    for value in WRONG if name == "seed" else WRONG + LARGE:
        with pytest.raises(SettingError) as caught:
            cls(**{"map_name": "3m", name: value})
        assert caught.value.setting == name and str(caught.value).startswith(f"{name}=")
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["difficulty", "game_version", "replay_dir"])
def test_settings_of_the_game_are_not_those_of_the_engine(name: str):
    settings: dict[str, Any] = {name: 4.1}
    with pytest.raises(SettingError, match=f"^{name}=4.1: must be null with backend=skirmish"):
        Battles("3m", **settings)
