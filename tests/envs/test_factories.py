"""From the name of a game to the game: what cannot be found, imported or made is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pettingzoo", reason="the extra 'pettingzoo' is not installed")

from remix.envs.pettingzoo import PettingZoo
from remix.settings.errors import GameError, SettingError
from tests.envs.twisted import Twisted

HERE = __name__
GAME = f"{Twisted.__module__}:Twisted"

OWN_FILE = '''
from tests.envs.twisted import Twisted

class Lamp(Twisted):
    """A game of the user's own."""

def late():
    import package_for_later

def needy(size, speed=1): ...
'''
BROKEN = "def light():\n    return lampp\n\nlight()\n"
MODULES = {
    "my_lamps": OWN_FILE,
    "my_broken": BROKEN,
    "my_exit": "import sys; sys.exit(3)",
    "my_syntax": "def (",
}
MODULES |= {"my_missing": "import package_for_later", "my_advice": "raise ImportError('moved to the box')"}


@pytest.fixture
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own modules, in the folder where he stands."""
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("id", "setting", "words"),
    [
        (
            "my_lmaps:Lamp",
            "id",
            "there is no module my_lmaps in {here}, nor is one installed; nearest: my_lamps",
        ),
        ("my_lamps", "id", "my_lamps has no function parallel_env; it must be one of Lamp, late, needy"),
        ("my_lamps:Lmap", "id", "my_lamps has no function Lmap; nearest: Lamp"),
        (
            "my_lamps.Lamp",
            "id",
            "my_lamps is a module and no package; what stands in it is written my_lamps:Lamp",
        ),
        ("my_lamps.py", "id", "must be written as in Python: package.module or module:function"),
        ("./my_lamps", "id", "must be written as in Python"),
        ("", "id", "must be written as in Python"),
        (None, "id", "must be written as in Python"),
        ("my_lamps:needy", "options.size", "must be given: my_lamps:needy needs it"),
        ("my_lamps:late", "id", "needs the package package_for_later: pip install package_for_later"),
        ("my_missing", "id", "needs the package package_for_later: pip install package_for_later"),
        ("my_advice", "id", "cannot be imported: moved to the box"),
        ("os:getcwd", "id", "must make a pettingzoo.ParallelEnv; a str has no reset()"),
        ("pettingzoo.classic.rps_v2:env", "id", "makes an AEC game, whose agents move in turn; wrap it with"),
    ],
)
def test_what_is_not_there_is_one_line(own_files: Path, id: Any, setting: str, words: str) -> None:
    with pytest.raises(SettingError) as caught:
        PettingZoo(id)
    assert caught.value.setting == setting
    assert words.format(here=own_files) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("my_broken", "importing my_broken raised NameError: name 'lampp' is not defined"),
        ("my_exit", "importing my_exit raised SystemExit: 3"),
        ("my_syntax", "importing my_syntax raised SyntaxError"),
    ],
)
def test_a_module_that_breaks_shows_its_own_lines(own_files: Path, id: str, words: str) -> None:
    with pytest.raises(GameError, match=f"{id}: ") as caught:
        PettingZoo(id)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert f"{id}.py" in caught.value.details
    assert "factories.py" not in caught.value.details and "importlib/" not in caught.value.details


def faulty(**options: Any) -> Any:
    """Takes any option, but has a fault of its own."""
    size: Any = options["render_mode"]
    return Twisted(**options, views=size + 1)


def handing_on(**options: Any) -> Any:
    return Twisted(**options)


class Mute(Twisted):
    """Takes no ``render_mode``."""

    def __init__(self) -> None:
        super().__init__()


def mute(**options: Any) -> Any:
    return Mute(**options)


@pytest.mark.parametrize("factory", ["Mute", "mute"])
def test_our_own_render_mode_is_left_out_where_it_is_not_taken(factory: str) -> None:
    env = PettingZoo(f"{HERE}:{factory}", {"render_mode": "rgb_array"})
    env.reset(np.array([0, 1]))
    assert env.render().shape == (6, 8, 3)
    with pytest.raises(SettingError, match=r"options\.render_mode=human: not accepted"):
        PettingZoo(f"{HERE}:{factory}", {"render_mode": "human"})


@pytest.mark.parametrize("factory", ["handing_on", "Mute"])
def test_an_option_that_is_not_taken_is_named(factory: str) -> None:
    with pytest.raises(SettingError) as caught:
        PettingZoo(f"{HERE}:{factory}", {"render_mode": "rgb_array", "speed": 3})
    assert str(caught.value) == f"options.speed=3: not accepted by {HERE}:{factory}"


def test_a_fault_in_the_constructor_is_the_games_own() -> None:
    with pytest.raises(GameError, match="raised TypeError: can only concatenate") as caught:
        PettingZoo(f"{HERE}:faulty", {"render_mode": "rgb_array"})
    assert "views=size + 1" in caught.value.details


@pytest.mark.parametrize("options", [[1], "speed", {1: 2}])
def test_options_are_arguments_by_name(options: Any) -> None:
    with pytest.raises(SettingError, match="must be a map of arguments by name"):
        PettingZoo(GAME, options)


class Seedless(Twisted):
    def reset(self) -> Any:  # type: ignore[override]
        return super().reset()


class Listless(Twisted):
    def __init__(self, agents: Any) -> None:
        super().__init__()
        self.possible_agents = agents


@pytest.mark.parametrize("agents", [None, [], "left", {"left", "right"}, ["left", "left"]])
def test_agents_are_a_list_of_different_ones(agents: Any) -> None:
    with pytest.raises(SettingError, match="possible_agents"):
        PettingZoo(f"{HERE}:Listless", {"agents": agents})


def test_a_reset_without_a_seed_is_refused() -> None:
    with pytest.raises(SettingError, match=r"must have a reset\(seed=None, options=None\): without a seed"):
        PettingZoo(f"{HERE}:Seedless")


ONLY_ONE = Twisted()


def the_only_one() -> Twisted:
    return ONLY_ONE


def test_every_episode_has_a_game_of_its_own() -> None:
    env = PettingZoo(f"{HERE}:the_only_one")
    env.reset(np.array([1]))
    with pytest.raises(SettingError, match="must make a new game whenever it is called"):
        env.reset(np.array([1, 2]))


class Duck:
    """Has what a game has, but is no ParallelEnv."""

    def __init__(self) -> None:
        self.game = Twisted()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.game, name)


def test_what_behaves_like_a_game_is_one() -> None:
    env = PettingZoo(f"{HERE}:Duck")
    env.reset(np.array([0]))
    assert env.step(np.array([[0, 0]])).reward.tolist() == [1.0]
    env.close()


def lasting(cycles: Any) -> Twisted:
    game = Twisted()
    game.max_cycles = cycles
    return game


def limited(max_cycles: Any) -> Twisted:
    return lasting(max_cycles)


@pytest.mark.parametrize(
    ("own", "wanted", "limit"),
    [(5.0, None, 5), (5.0, 3, 3), (np.float64(7), None, 7), (np.inf, 9, 9), ("many", 2, 2), (-1, 2, 2)],
)
def test_the_length_that_a_game_tells(own: Any, wanted: int | None, limit: int) -> None:
    env = PettingZoo(f"{HERE}:lasting", {"cycles": own}, episode_limit=wanted)
    assert env.spec.episode_limit == limit


@pytest.mark.parametrize("cycles", [2.5, "many", 0, np.inf])
def test_a_length_that_cannot_be_is_named(cycles: Any) -> None:
    with pytest.raises(SettingError, match=r"options\.max_cycles=.*: must be a whole number of at least 1"):
        PettingZoo(f"{HERE}:limited", {"max_cycles": cycles})


CLOSED: list[int] = []


class Sticky(Twisted):
    def close(self) -> None:
        CLOSED.append(id(self))
        if len(CLOSED) == 2:
            raise RuntimeError("the door is stuck")


def test_all_games_are_closed_even_if_one_fails() -> None:
    env = PettingZoo(f"{HERE}:Sticky")
    env.reset(np.arange(3))
    with pytest.raises(RuntimeError, match="stuck"):
        env.close()
    assert len(set(CLOSED)) == 3
    env.close()


def test_a_classic_game_whose_state_is_a_dict() -> None:
    pytest.importorskip("pettingzoo.classic.rps_v2", reason="pygame is not installed")
    env = PettingZoo("pettingzoo.classic.rps_v2", {"render_mode": "rgb_array"})
    assert env.spec.state_from_obs
    env.reset(np.array([0]))
    env.close()
