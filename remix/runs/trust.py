"""What a file from elsewhere may name: a checkpoint's configuration, or one for the Lightning CLI.

Such a file decides which classes are called with which arguments. It may name classes of this product,
PyTorch's optimizers, a few of Lightning's, games, modules of the folder that one stands in, and packages
that the user consents to; each of the kind that belongs in its place, as the annotations of constructors
tell. What a user types himself is free. Nothing is imported before it is known to be trusted.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePath
from pkgutil import iter_modules
from typing import Any, NoReturn, get_args

from pytorch_lightning import Callback, Trainer
from pytorch_lightning.loggers import Logger

from remix.settings import named_objects
from remix.settings.errors import SettingError
from remix.settings.files import RUNS
from remix.settings.named_objects import below
from remix.settings.signatures import hints_of

OPTIMIZERS = "torch.optim"
GAMES = ("magent2", "mpe2", "pettingzoo")
"""Packages of which nothing but games is called."""

LIGHTNING = (
    "pytorch_lightning.Trainer",
    "pytorch_lightning.callbacks.EarlyStopping",
    "pytorch_lightning.callbacks.LearningRateMonitor",
    "pytorch_lightning.callbacks.ModelCheckpoint",
    "pytorch_lightning.callbacks.ModelSummary",
    "pytorch_lightning.callbacks.RichProgressBar",
    "pytorch_lightning.callbacks.TQDMProgressBar",
    "pytorch_lightning.callbacks.Timer",
    "pytorch_lightning.loggers.CSVLogger",
    "pytorch_lightning.loggers.MLFlowLogger",
    "pytorch_lightning.loggers.TensorBoardLogger",
)
"""Those that run nothing by name and write only where they are told to."""

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_NO_PACKAGES = (
    "site-packages",
    "dist-packages",
)  # installed packages, even if they lie below the working directory
_WRITERS = (Callback, Logger, Trainer)
_PLACES = ("dir", "dirpath", "directory", "folder", "output")  # ends of the names of settings that are paths


@dataclass(frozen=True)
class Trust:
    """Decides what files from elsewhere may name.

    :param files: files in which the names stand.
    :param packages: packages that the user consents to, with all that is in them.
    :param typed: values that the user typed; they are free, wherever they stand.
    :param consent: how to consent to a package, for messages.
    """

    files: tuple[Path, ...]
    packages: tuple[str, ...] = ()
    typed: frozenset[str] = frozenset()
    consent: str = "trust=[{}]"

    def check(self, key: str, node: object, kinds: tuple[type, ...]) -> None:
        """Check everything that a part of the file names, before any of it is called.

        :param key: of the part.
        :param node: plain containers, in which ``_target_`` names what is called.
        :param kinds: of which one has to be made here; none for plain values.
        :raises SettingError: naming the key and what stands there.
        """
        if isinstance(node, (list, tuple)):
            for place, item in enumerate(node):
                self.check(f"{key}[{place}]", item, kinds)
        elif isinstance(node, Mapping) and "_target_" in node:
            self._check_call(key, node, kinds)
        elif isinstance(node, Mapping):
            for name, value in node.items():
                self.check(f"{key}.{name}", value, kinds)
        elif isinstance(node, str) and kinds and "." in node and _DOTTED.fullmatch(node):
            self._trusted(key, node)  # some readers of configurations import what a text names

    def check_settings(self, key: str, settings: Mapping[str, Any], target: Callable[..., Any]) -> None:
        """Check the arguments of a call that is allowed itself."""
        hints, made = hints_of(target), named_objects.makes(target)
        writes = made is not None and issubclass(made, _WRITERS)
        for setting, value in settings.items():
            place, hint = f"{key}.{setting}", hints.get(setting)
            self.check(place, value, named_objects.kinds(hint))
            if writes or Path in get_args(hint) or setting.endswith(_PLACES):
                self._check_places(place, value)
        for setting in getattr(target, "reaches", ()):
            self._check_reach(f"{key}.{setting}", settings.get(setting), target, setting)
        if (imports := getattr(target, "imports", None)) is not None:
            for setting, (module, function) in imports(settings).items():
                self._check_game(f"{key}.{setting}", settings[setting], module, function)

    def allows(self, name: str) -> bool:
        """Whether a dotted name is of something trusted; imports nothing."""
        package = name.partition(".")[0]
        if self._consented(name):
            return True
        if package == "pytorch_lightning":
            return any(name in (known, _defined(known)) for known in LIGHTNING)
        return package == "remix" or (below(name, OPTIMIZERS) and name != OPTIMIZERS) or self._own(package)

    def names(self) -> list[str]:
        """All names that :meth:`allows` knows, for readers of configurations that want a list."""
        own = self._own_modules()
        typed = [name for text in self.typed for name in _names_of(text)]
        return ["remix", OPTIMIZERS, *LIGHTNING, *map(_defined, LIGHTNING), *self.packages, *own, *typed]

    def advice(self, name: str) -> str:
        """What to say of a name that is not trusted."""
        where = ", ".join(map(str, self.files))
        return f"is not trusted in a file ({where}); {self._consent(name)}"

    def _consent(self, name: str) -> str:
        return f"if you trust it: {self.consent.format(shortened(name.partition('.')[0]))}"

    def _own_modules(self) -> set[str]:
        """Top-level modules of the folder that one stands in."""
        folders = [folder for entry in sys.path if (folder := _absolute(entry)).is_relative_to(Path.cwd())]
        names = {module.name for module in iter_modules(map(str, folders))}
        names |= {
            path.name for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_dir()
        }
        return {name for name in names if name.isidentifier() and self._own(name)}

    def _own(self, package: str) -> bool:
        """Whether a top-level module is the user's own: below the working directory, and not the file's."""
        place = named_objects.location(package)
        if place is None or not place.is_relative_to(here := Path.cwd().resolve()):
            return False
        if package in (*sys.stdlib_module_names, RUNS.name) or set(_NO_PACKAGES) & set(place.parts):
            return False
        if any((folder / "pyvenv.cfg").is_file() for folder in place.parents if folder.is_relative_to(here)):
            return False
        # A folder that came with the file, and lies below this one, is as strange as the file.
        return not any(file.resolve().is_relative_to(place) for file in self.files)

    def _consented(self, name: str) -> bool:
        return name in self.typed or any(below(name, package) for package in self.packages)

    def _check_call(self, key: str, node: Mapping[str, Any], kinds: tuple[type, ...]) -> None:
        name = node["_target_"]
        target = self._trusted(f"{key}._target_", name)
        made = named_objects.makes(target)
        if made is None or not kinds:
            if not self._consented(name):
                self._refuse(
                    f"{key}._target_", name, f"is not known to make what belongs here; {self._consent(name)}"
                )
        elif name not in self.typed and not issubclass(made, kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            self._refuse(f"{key}._target_", name, f"is no {wanted}, which belongs here")
        self.check_settings(key, self._settings(key, node, target), target)

    def _settings(self, key: str, node: Mapping[str, Any], target: Callable[..., Any]) -> dict[str, Any]:
        """The arguments of a call by name, positional ones too."""
        settings = {str(name): value for name, value in node.items() if not str(name).startswith("_")}
        positional, names = node.get("_args_", ()), named_objects.parameters(target)
        if not isinstance(positional, (list, tuple)) or len(positional) > len(names):
            self._refuse(f"{key}._args_", positional, "must be a list of arguments")
        return dict(zip(names, positional, strict=False)) | settings

    def _check_places(self, key: str, value: object) -> None:
        for text in texts(value):
            path = PurePath(text)
            leaves = path.is_absolute() or ".." in path.parts or text.startswith("~") or "://" in text
            if leaves and text not in self.typed:
                self._refuse(key, text, "a file may only name places below the working directory")

    def _check_reach(self, key: str, value: object, target: Callable[..., Any], setting: str) -> None:
        """Check that a setting which says where code runs, or which, is the default or typed by the user."""
        if value != inspect.signature(target).parameters[setting].default:
            for text in texts(value):
                if text not in self.typed:
                    self._refuse(key, text, "a file may not choose that; give it yourself")

    def _check_game(self, key: str, value: object, module: str, function: str) -> None:
        """Check that what a setting makes its class import and call makes a game."""
        if str(value) in self.typed or any(below(module, package) for package in self.packages):
            return
        if not _DOTTED.fullmatch(module):
            self._refuse(key, value, "must be module or module:function")
        if not below(module, *GAMES) and not self.allows(module):
            raise SettingError(shortened(key), shortened(value), self.advice(module))
        try:
            from pettingzoo import ParallelEnv

            factory = getattr(import_module(module), function, None)
        except Exception:  # the class meets it again, and knows what to say
            return
        if factory is None or function == "parallel_env":
            return
        made, home = named_objects.makes(factory), named_objects.home(factory)
        if made is not None:
            known = issubclass(made, ParallelEnv) and (below(home, *GAMES) or self.allows(home))
        else:
            # A function of the user's own need not say what it makes, if it names a class of games.
            own = self._own(module.partition(".")[0]) and self._own(home.partition(".")[0])
            known = own and named_objects.mentions(factory, ParallelEnv)
        if not known:
            self._refuse(key, value, f"is not known to make a game; {self._consent(module)}")

    def _trusted(self, key: str, name: object) -> Callable[..., Any]:
        """What a name stands for; both the name and where that is defined have to be trusted."""
        if not isinstance(name, str) or not _DOTTED.fullmatch(name):
            self._refuse(key, name, "must be the full name of a class")
        if not self.allows(name):
            raise SettingError(shortened(key), shortened(name), self.advice(name))
        target = named_objects.imported(key, name)
        if not callable(target):
            raise SettingError(key, name, "is no class")
        if not self.allows(home := named_objects.home(target)) and not self._consented(name):
            raise SettingError(shortened(key), shortened(name), f"is {home}, which {self.advice(home)}")
        return target

    def _refuse(self, key: str, value: object, problem: str) -> NoReturn:
        where = ", ".join(map(str, self.files))
        raise SettingError(shortened(key), shortened(value), f"{problem} ({where})")


def texts(node: object) -> Iterator[str]:
    """All texts among plain containers."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, (Mapping, list, tuple)):
        for value in node.values() if isinstance(node, Mapping) else node:
            yield from texts(value)


def shortened(value: object) -> str:
    """A value of a file in one short line."""
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def _absolute(entry: str) -> Path:
    """A place on the path of imports; the empty one is the working directory."""
    return Path(entry or ".").absolute()


def _names_of(text: str) -> list[str]:
    """A text that a user typed as names: what it says, and where that is defined."""
    if not _DOTTED.fullmatch(text) or "." not in text or Path(text).exists():
        return []
    try:
        return [text, named_objects.home(named_objects.imported("", text))]
    except SettingError:
        return [text]


def _defined(known: str) -> str:
    module, _, name = known.rpartition(".")
    return named_objects.home(getattr(import_module(module), name))
