"""PettingZoo games by ``env.id``: import the function that makes them, and call it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from numbers import Integral
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType, TracebackType
from typing import Any

from remix.settings import checks
from remix.settings.errors import GameCode, SettingError, brief, first_line, one_of
from remix.settings.signatures import as_whole

_METHODS = ("reset", "step", "observation_space", "action_space")


class Factory:
    """Makes the games of one ``id``.

    :param id: a module with a function ``parallel_env``, or ``package.module:function``.
    :param options: keyword arguments of that function. The configuration passes ``render_mode`` to every
        game; a function that does not accept it does not receive it.
    :raises SettingError: the function cannot be imported, or does not accept these options.
    :raises GameError: the module raised an exception while it was imported.
    """

    takes_render_mode: bool
    """Whether the games receive a ``render_mode`` when they are made; if not, drawing is simply tried."""

    def __init__(self, id: str, options: Mapping[str, Any] | None) -> None:
        if not isinstance(options, Mapping | None) or not all(
            isinstance(name, str) for name in options or ()
        ):
            raise SettingError("options", options, "must be a map of arguments by name")
        self.id, self.options = id, dict(options or {})
        self._make, self.takes_render_mode = find_factory(id), True
        self._check_options()

    def make(self) -> Any:
        """Make a new game.

        :raises SettingError: the function does not accept an option, or makes no parallel PettingZoo game.
        :raises GameError: the function raised an exception.
        """
        while True:
            with GameCode(self.id, f"making it with options={brief(self.options)}"):
                try:
                    game = self._make(**self.options)
                    break
                except TypeError as error:
                    # A factory that passes all options on tells only now which are valid.
                    wrong = re.search(r"unexpected keyword argument '(\w+)'", str(error))
                    if wrong is None or wrong[1] not in self.options:
                        raise
                    self._refuse(wrong[1])
                except ModuleNotFoundError as error:
                    raise SettingError("id", self.id, missing_module("", str(error.name))) from error
        self._check(game)
        return game

    def _check_options(self) -> None:
        try:
            parameters = inspect.signature(self._make).parameters
        except (TypeError, ValueError):  # some built-in functions have no signature
            return
        kinds = {parameter.kind for parameter in parameters.values()}
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            for name in [name for name in self.options if name not in parameters]:
                self._refuse(name)
        for name, parameter in parameters.items():
            needed = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
            if needed and parameter.default is parameter.empty and name not in self.options:
                raise SettingError(f"options.{name}", None, f"must be given: {self.id} needs it")

    def _refuse(self, name: str) -> None:
        value = self.options.pop(name)
        if (name, value) != ("render_mode", "rgb_array"):
            raise SettingError(f"options.{name}", value, f"not accepted by {self.id}")
        self.takes_render_mode = False

    def _check(self, game: Any) -> None:
        if hasattr(game, "agent_iter"):
            wrap = "pettingzoo.utils.conversions.aec_to_parallel, or turn_based_aec_to_parallel"
            raise SettingError(
                "id", self.id, f"makes an AEC game, whose agents move in turn; wrap it with {wrap}"
            )
        missing = [name for name in _METHODS if not callable(getattr(game, name, None))]
        if missing:
            expected = f"must make a pettingzoo.ParallelEnv; a {type(game).__name__} has no {missing[0]}()"
            raise SettingError("id", self.id, expected)
        agents = getattr(game, "possible_agents", None)
        if not isinstance(agents, Sequence) or isinstance(agents, str) or not agents:
            raise SettingError("id", self.id, f"must have a list of possible_agents, not {brief(agents)}")
        if len(set(agents)) < len(agents):
            raise SettingError("id", self.id, f"possible_agents must differ from each other: {brief(agents)}")
        try:
            takes_seed = bool(inspect.signature(game.reset).bind(seed=0))
        except TypeError:
            takes_seed = False
        except ValueError:
            takes_seed = True
        if not takes_seed:
            expected = "must have a reset(seed=None, options=None): without a seed no episode can be repeated"
            raise SettingError("id", self.id, expected)


def find_factory(id: str) -> Callable[..., Any]:
    """The function that makes a game: ``parallel_env`` of ``module``, or that of ``module:function``.

    :raises SettingError: it cannot be found. The message says what to install, or the valid choices.
    :raises GameError: the module raised an exception while it was imported.
    """
    path, _, function = id.partition(":") if isinstance(id, str) else ("", "", "")
    if not all(name.isidentifier() for name in path.split(".")) or path.endswith(".py"):
        raise SettingError("id", id, "must be written as in Python: package.module or module:function")
    _import(id, "pettingzoo")
    module, function = _import(id, path), function or "parallel_env"
    factory: Callable[..., Any] | None = getattr(module, function, None)
    if not callable(factory):
        raise SettingError("id", id, f"{path} has no function {function}; {_choices(module, function)}")
    return factory


def _choices(module: ModuleType, wrong: str) -> str:
    public = {name: it for name, it in vars(module).items() if callable(it) and not name.startswith("_")}
    own = [name for name, it in public.items() if getattr(it, "__module__", None) == module.__name__]
    near = get_close_matches(wrong, own)
    return f"nearest: {', '.join(near)}" if near else f"it {one_of(own or public)}"


def _import(id: str, path: str) -> ModuleType:
    with GameCode(id, f"importing {path}"):
        try:
            return import_module(path)
        except ModuleNotFoundError as error:
            raise SettingError("id", id, missing_module(path, str(error.name))) from error
        except ImportError as error:
            raise SettingError("id", id, f"cannot be imported: {first_line(error)}") from error
        except BaseException as error:
            raise error.with_traceback(_inside(error.__traceback__)) from error.__cause__


def _inside(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback from the imported module on, without the frames of the import itself."""
    while trace and trace.tb_next:
        file = trace.tb_frame.f_code.co_filename
        if file != __file__ and "importlib" not in file:
            break
        trace = trace.tb_next
    return trace


def missing_module(path: str, missing: str) -> str:
    """What to do about the ``missing`` module. ``path`` is what was to be imported."""
    if missing in ("pettingzoo", "gymnasium"):
        return f'needs the package {missing}: pip install "remix-marl[pettingzoo]"'
    parent, _, name = missing.rpartition(".")
    if parent:
        siblings = [module.name for module in iter_modules(getattr(import_module(parent), "__path__", ()))]
        if not siblings:
            return f"{parent} is a module and no package; what stands in it is written {parent}:{name}"
        return f"{parent} has no module {name}; it {one_of(siblings, name)}"
    if path.split(".")[0] != missing:
        return f"needs the package {missing}: pip install {missing}"
    near = get_close_matches(missing, {module.name for module in iter_modules()})
    nearest = f"; nearest: {', '.join(near)}" if near else ""
    return f"there is no module {missing} in {Path.cwd()}, nor is one installed{nearest}"


def episode_limit(id: str, game: Any, options: Mapping[str, Any], wanted: int | None) -> int:
    """The steps of an episode: ``wanted``, or else the ``max_cycles`` of the options or of the game.

    :raises SettingError: both are missing, or ``wanted`` is more than ``max_cycles``.
    """
    setting = "options.max_cycles"
    own = as_whole(options.get("max_cycles", getattr(getattr(game, "unwrapped", game), "max_cycles", None)))
    if own is not None and "max_cycles" in options:
        own = checks.whole(setting, own, minimum=1)
    if not isinstance(own, Integral) or own < 1:  # None, or infinite
        own = None
    if wanted is None and own is None:
        raise SettingError("episode_limit", None, f"must be given: {id} tells no max_cycles")
    limit = checks.whole("episode_limit", own if wanted is None else wanted, minimum=1)
    if own is not None and limit > own:
        raise SettingError("episode_limit", limit, f"must be at most {setting}={own}")
    return limit
