"""Private parts of libraries that are used: where, and that the installed versions have them.

A failure here after an update of a library means that the named file has to follow it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest

import remix
from remix import callbacks, envs

IMPORTED = {
    "hydra._internal.config_loader_impl.ConfigLoaderImpl": "remix/runs/composing.py",
    "hydra._internal.core_plugins.basic_sweeper.BasicSweeper": "remix/studies/plan.py",
    "hydra._internal.utils.create_config_search_path": "remix/runs/composing.py",
    "hydra._internal.utils.get_args_parser": "remix/settings/words.py",
}

USED = {
    "hydra.plugins.completion_plugin.DefaultCompletionPlugin._query": "remix/cli/completion.py",
    "numba.core.caching.CacheImpl._locator_classes": "remix/kernels/compiling.py",
    "numba.core.caching.InTreeCacheLocator.ensure_cache_path": "remix/kernels/compiling.py",
    "omegaconf.Node._get_root": "remix/settings/other_names.py",
    "pytorch_lightning.cli.LightningCLI._get": "remix/cli/lightning.py",
    "pytorch_lightning.cli.LightningCLI._parse_ckpt_path": "remix/cli/lightning.py",
    "pytorch_lightning.cli.LightningCLI._run_subcommand": "remix/cli/lightning.py",
    "pytorch_lightning.cli.LightningCLI._set_seed": "remix/cli/lightning.py",
}


@pytest.mark.parametrize(("name", "file"), sorted({**IMPORTED, **USED}.items()))
def test_it_is_there(name: str, file: str):
    assert last_part(file) in {path.name for path in sources()}
    assert found(name), f"{name} is gone: {file} uses it"


def test_the_loaded_checkpoint_is_kept_where_it_is_looked_for():
    from pytorch_lightning import Trainer

    trainer = Trainer(logger=False, enable_checkpointing=False, enable_progress_bar=False)
    assert hasattr(trainer._checkpoint_connector, "_loaded_checkpoint"), "remix/runs/checkpoints.py uses it"


def test_no_other_private_module_is_imported():
    assert {name for path in sources() for name in private_imports(path)} <= IMPORTED.keys()


def sources() -> list[Path]:
    return [path for package in (remix, callbacks, envs) for path in Path(package.__path__[0]).rglob("*.py")]


def private_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if any(part.startswith("_") and part != "__future__" for part in name.split(".")):
                yield name


def last_part(file: str) -> str:
    return file.rpartition("/")[2]


def found(name: str) -> bool:
    """Whether the module is there; the attribute must be in it."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            thing = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        return attrgetter(".".join(parts[length:]))(thing) is not None
    return False
