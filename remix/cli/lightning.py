"""The Lightning CLI on the same module and data module: ``python -m remix.cli.lightning fit --config FILE``.

FILE is either a Lightning CLI configuration (keys ``model``, ``data``, ``trainer``) or the composed
configuration of a run (its ``config.yaml``, or what ``remix train --cfg job --resolve`` prints), which is
translated: ``_target_`` nodes become ``class_path`` nodes. What a file may name is in
:mod:`remix.runs.trust`; ``--trust PACKAGE`` consents to one more package, and what stands on the command line
itself is free.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix.cli.command import fail, fail_with
from remix.cli.translation import call_of, read
from remix.envs.spec import EnvSpec
from remix.records.directory import CONFIGURATION, RunDirectory
from remix.settings import checks
from remix.settings.errors import Diverged, GameError, SettingError, first_line
from remix.settings.import_path import find_own_modules
from remix.settings.redaction import shield
from remix.settings.signals import stoppable

if TYPE_CHECKING:
    from remix.runs.trust import Trust

TRAINER_DEFAULTS = {
    "accelerator": "cpu",
    "max_epochs": -1,
    "gradient_clip_val": 10.0,
    "num_sanity_val_steps": 0,
    "enable_progress_bar": False,
}

_LONGEST = 400  # characters of a message of jsonargparse, which may quote a whole file


def main(arguments: list[str] | None = None) -> None:
    """Run the Lightning CLI; a user's mistake ends in one line and exit status 2."""
    shield()
    find_own_modules()
    try:
        import jsonargparse
    except ImportError:
        fail('the Lightning CLI needs jsonargparse: pip install "remix-marl[lightning-cli]"')
    trust, rest = _trust(sys.argv[1:] if arguments is None else arguments)
    sys.argv = sys.argv[:1]  # Lightning warns if arguments also stand here
    try:
        with stoppable():
            _run(trust, rest)
    except jsonargparse.ArgumentError as error:
        denied = re.search(r"Importing '([\w.]+)' is not allowed", text := " ".join(str(error).split()))
        if denied is None:
            fail(text[:_LONGEST])
        fail(f"class_path={denied[1]}: {trust.advice(denied[1])}")
    except (SettingError, GameError, Diverged, UnicodeDecodeError) as error:
        fail_with(error)


def _run(trust: Trust, arguments: list[str]) -> None:
    """Parse, check what was parsed, build, and do what the subcommand says."""
    import jsonargparse
    from pytorch_lightning import Trainer
    from pytorch_lightning.cli import LightningArgumentParser, LightningCLI

    from remix.algorithms.base import MultiAgentModule
    from remix.callbacks.checkpointing import AtomicCheckpointIO
    from remix.callbacks.progress import EnvStepProgress
    from remix.learning import archive
    from remix.learning.datamodule import ReplayDataModule
    from remix.runs.building import quiet
    from remix.runs.checkpoints import restoring
    from remix.runs.content import Content
    from remix.runs.needs import check_needs
    from remix.runs.trainer import OneProcess

    class ReplayCLI(LightningCLI):
        def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
            parser.link_arguments("data.spec", "model.init_args.spec", apply_on="instantiate")

        def _set_seed(self) -> None:
            if not isinstance(given := self._get(self.config, "seed_everything"), bool):
                checks.seed("seed_everything", given)
            super()._set_seed()

        def before_instantiate_classes(self) -> None:
            parsed = self.config[self.subcommand].as_dict()
            trust.check("model", call_of(parsed["model"]), (MultiAgentModule,))
            trust.check_settings("data", call_of(parsed["data"]), ReplayDataModule)
            trust.check_settings("trainer", call_of(parsed["trainer"]), Trainer)

        def instantiate_classes(self) -> None:
            try:
                super().instantiate_classes()
            except (SettingError, GameError, jsonargparse.ArgumentError):
                raise
            except Exception as error:
                files = ", ".join(map(str, trust.files))
                raise SettingError("config", files, f"cannot be built: {first_line(error)}") from error
            environments = self.datamodule.environment
            environments.make = _sendable(environments.make)

        def instantiate_trainer(self, **options: Any) -> Trainer:
            given = self._get(self.config_init, "trainer")["plugins"] or []
            plugins = [*(given if isinstance(given, list) else [given]), AtomicCheckpointIO(), OneProcess()]
            return super().instantiate_trainer(**options, plugins=plugins)

        def _parse_ckpt_path(self) -> None:
            """Check the checkpoint. The classes that it names, which Lightning would build, are ignored."""
            path = self.config[self.config.subcommand].get("ckpt_path")
            if path and Path(path).is_file():
                content = Content(archive.read(path, "ckpt_path"), "ckpt_path", path)
                content.check_continuable() if self.config.subcommand == "fit" else content.check_version()

        def _run_subcommand(self, subcommand: str) -> None:
            with restoring(self.trainer, self.config[subcommand].get("ckpt_path")):
                super()._run_subcommand(subcommand)

    for file in (file for file in trust.files if file.name == CONFIGURATION):  # a run knows its project
        needs = RunDirectory(file.parent).record.needs or {}
        check_needs(
            "config", file, needs, list(needs), lambda packages: " ".join(map(trust.consent.format, packages))
        )
    # The model gets the spec of the environment as a whole. Its fields are no settings.
    jsonargparse.set_parsing_settings(
        subclasses_enabled=[EnvSpec],
        instantiate_subclass_spec_in_any=False,
        import_path_denylist=["*"],
        import_path_allowlist=trust.names(),
    )
    jsonargparse.set_loader("composed", read, exceptions=(ValueError,))
    options: dict[str, Any] = {"parser_mode": "composed", "exit_on_error": False}
    quiet()
    ReplayCLI(
        MultiAgentModule,
        ReplayDataModule,
        subclass_mode_model=True,
        seed_everything_default=1,
        auto_configure_optimizers=False,
        save_config_callback=None,
        trainer_defaults=TRAINER_DEFAULTS | {"callbacks": [EnvStepProgress()]},
        parser_kwargs=dict.fromkeys(LightningCLI.subcommands(), options) | options,
        args=arguments,
    )


def _sendable(factory: partial[Any]) -> partial[Any]:
    """The factory without jsonargparse's function around the class, which cannot be pickled."""
    *_, kind = factory.args
    return partial(kind, **factory.keywords)


def _trust(arguments: Sequence[str]) -> tuple[Trust, list[str]]:
    """What the configurations of a command line may name, and the command line without that."""
    from remix.runs.trust import Trust

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--trust", action="append", default=[])
    parser.add_argument("--config", "-c", action="append", default=[])
    options, others = parser.parse_known_args(arguments)
    rest = _without(arguments, "--trust")
    return Trust(
        tuple(map(Path, options.config)), tuple(options.trust), frozenset(_typed(others)), "--trust {}"
    ), rest


def _without(arguments: Sequence[str], option: str) -> list[str]:
    rest = iter(arguments)
    kept = []
    for argument in rest:
        if argument == option:
            next(rest, None)
        elif not argument.startswith(f"{option}="):
            kept.append(argument)
    return kept


def _typed(arguments: Sequence[str]) -> Iterator[str]:
    """The texts that stand as values on a command line, those within lists and mappings too."""
    import yaml

    from remix.runs.trust import texts

    for argument in arguments:
        value = argument.partition("=")[2] if argument.startswith("--") else argument
        try:
            yield from texts(yaml.safe_load(value))
        except yaml.YAMLError:
            continue


if __name__ == "__main__":
    main()
