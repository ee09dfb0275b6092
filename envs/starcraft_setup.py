"""Checks of the installation of StarCraft II and SMAC. They neither import nor start any of it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from remix.settings.errors import SettingError, first_line, one_of


class Package(NamedTuple):
    """A package that plays the game.

    :param name: what is imported, of which ``module`` has the class ``environment``.
    :param title: what it is called in messages, ``owner`` the same at length.
    :param install: command that installs it.
    :param maps: where the archive with its maps is.
    """

    name: str
    module: str
    environment: str
    title: str
    owner: str
    install: str
    maps: str


SMAC = Package(
    name="smac",
    module="smac.env",
    environment="StarCraft2Env",
    title="SMAC",
    owner="the StarCraft Multi-Agent Challenge",
    install='pip install "remix-marl[smac]"',
    maps="https://github.com/oxwhirl/smac/releases/download/v0.1-beta1/SMAC_Maps.zip",
)
SMACV2 = Package(
    name="smacv2",
    module="smacv2.env.starcraft2.wrapper",
    environment="StarCraftCapabilityEnvWrapper",
    title="SMACv2",
    owner="SMACv2",
    install="pip install git+https://github.com/oxwhirl/smacv2.git",
    maps="https://github.com/oxwhirl/smacv2/releases/download/maps/SMAC_Maps.zip",
)
_GAME = "https://github.com/Blizzard/s2client-proto#downloads"


def check_installation(package: Package, map_file: str, game_version: str | float | None) -> None:
    """Look for the package, the game, its version and the map.

    :raises SettingError: one of them is missing. The message says what to do about it.
    """
    if game_version is not None and not isinstance(game_version, str):
        raise SettingError(
            "game_version", game_version, "must have three parts, e.g. 4.10.0 (4.10 is a number, and is 4.1)"
        )
    _check_package(package)
    folder = _game_folder()
    if folder is not None:
        _check_game(package, folder, map_file)
    _check_version(folder, game_version)


def import_game(package: Package) -> Callable[..., Any]:
    """Import the package's class of games.

    The messages of the game need protobuf's implementation in Python. A process can choose it only before it
    imports protobuf, so the games are played in worker processes.

    :raises SettingError: the class cannot be imported.
    """
    os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")
    try:
        game: Callable[..., Any] = getattr(import_module(package.module), package.environment)
    except (ImportError, TypeError) as error:
        reason = first_line(error)
        if "Descriptors cannot" in reason:
            reason = (
                "cannot be played in a process that has loaded protobuf's fast implementation: "
                "set PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python before it starts"
            )
        else:
            reason = f"cannot be imported ({reason}): {package.install}"
        raise _missing(reason) from error
    return game


def replay_folder(replay_dir: str) -> str:
    """The folder of replays as an absolute path; it is made if it is missing.

    The game would look for a relative path in its own folder.

    :raises SettingError: nothing can be written in this folder.
    """
    if not isinstance(replay_dir, (str, Path)) or not str(replay_dir):
        raise SettingError("replay_dir", replay_dir, "must be the path of a folder")
    try:
        folder = Path(replay_dir).expanduser().absolute()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError, ValueError) as error:  # also an unknown home, or a zero byte in the path
        reason = getattr(error, "strerror", None) or first_line(error)
        raise SettingError("replay_dir", replay_dir, f"cannot be made ({reason})") from error
    if not os.access(folder, os.W_OK):
        raise SettingError("replay_dir", replay_dir, "must be a folder in which files can be written")
    return str(folder)


def _missing(expected: str) -> SettingError:
    return SettingError("backend", "starcraft2", expected)


def _check_package(package: Package) -> None:
    """Check that the package is installed, and not another one with its name."""
    found = find_spec(package.name)
    folders = [Path(folder) for folder in (found and found.submodule_search_locations) or ()]
    if any((folder / "env/starcraft2/starcraft2.py").is_file() for folder in folders):
        return
    if any((folder / "facade").is_dir() and (folder / "runhistory").is_dir() for folder in folders):
        raise _missing(
            "the package smac that is installed is SMAC3, for hyper-parameters; the StarCraft Multi-Agent "
            f"Challenge has the same name and cannot stand beside it: pip uninstall smac && {package.install}"
        )
    if folders:
        where = folders[0]
        raise _missing(f"the package {package.name} in {where} is not {package.owner}: {package.install}")
    raise _missing(f"needs the package of {package.owner}: {package.install}")


def _game_folder() -> Path | None:
    """The folder in which PySC2 looks for the game, None if it searches several."""
    path = os.environ.get("SC2PATH", "~/StarCraftII" if sys.platform.startswith("linux") else None)
    return Path(path).expanduser() if path is not None else None


def _check_game(package: Package, folder: Path, map_file: str) -> None:
    if not _builds(folder):
        raise _missing(
            f"needs StarCraft II, which is not in {folder}: install it from {_GAME}, "
            "or set SC2PATH to the folder where it is"
        )
    maps = folder / "Maps/SMAC_Maps"
    if not maps.is_dir():
        raise _missing(
            f"needs {package.title}'s maps, which are not in {maps}: unpack {package.maps} in {maps.parent}"
        )
    if not (maps / f"{map_file}.SC2Map").is_file():
        where = f"{map_file}.SC2Map is missing in {maps}: unpack {package.maps} in {maps.parent}"
        raise SettingError("map_name", map_file, where)


def _builds(folder: Path) -> set[int]:
    """The numbers of the installed builds of the game."""
    names = (path.name for path in folder.glob("Versions/Base*"))
    return {int(name.removeprefix("Base")) for name in names if name.removeprefix("Base").isdigit()}


def _check_version(folder: Path | None, game_version: str | None) -> None:
    """Check that PySC2 knows the version and that its build is installed, as far as both can be known."""
    known = _known_versions()
    if game_version is None or not known:
        return
    if folder is not None:
        builds = _builds(folder)
        known = {version: build for version, build in known.items() if build in builds}
    whole = f"{game_version}.0" if game_version.count(".") == 1 else game_version
    if whole not in known and whole != "latest":
        raise SettingError("game_version", game_version, one_of((*known, "latest"), whole))


def _known_versions() -> dict[str, int]:
    """The build of each version, read from the text of PySC2's list. To import it would load protobuf."""
    found = find_spec("pysc2")
    for folder in (found and found.submodule_search_locations) or ():
        if (listed := Path(folder) / "run_configs/lib.py").is_file():
            pairs = re.findall(r'Version\("([\d.]+)", (\d+),', listed.read_text("utf-8"))
            return {version: int(build) for version, build in pairs}
    return {}
