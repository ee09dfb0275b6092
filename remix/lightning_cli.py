"""The Lightning CLI on the same module and data module: ``python -m remix.lightning_cli fit --config FILE``.

FILE is either a Lightning CLI configuration (keys ``model``, ``data``, ``trainer``) or the composed
configuration of a run (its ``config.yaml``, or what ``remix train --cfg job --resolve`` prints), which is
translated: ``_target_`` nodes become ``class_path`` nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envs import checks
from envs.errors import SettingError
from envs.spec import EnvSpec
from remix.cli import fail

DATA_KEYS = ("steps_per_epoch", "max_env_steps", "validation_episodes", "test_episodes", "seed")
TRAINER_DEFAULTS = {
    "accelerator": "cpu",
    "max_epochs": -1,
    "gradient_clip_val": 10.0,
    "num_sanity_val_steps": 0,
    "enable_progress_bar": False,
}


def main(arguments: list[str] | None = None) -> None:
    """Run the Lightning CLI; a user's mistake ends in one line and exit status 2."""
    try:
        import jsonargparse
    except ImportError:
        fail('the Lightning CLI needs jsonargparse: pip install "remix-marl[lightning-cli]"')
    from pytorch_lightning.cli import LightningArgumentParser, LightningCLI

    from callbacks.progress import EnvStepProgress
    from remix.algorithms.base import MultiAgentModule
    from remix.building import quiet
    from remix.datamodule import ReplayDataModule

    class ReplayCLI(LightningCLI):
        def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
            parser.link_arguments("data.spec", "model.init_args.spec", apply_on="instantiate")

        def _set_seed(self) -> None:
            if not isinstance(given := self._get(self.config, "seed_everything"), bool):
                checks.seed("seed_everything", given)
            super()._set_seed()

    # The spec comes from the environment, whole; its fields are no settings of the model.
    jsonargparse.set_parsing_settings(subclasses_enabled=[EnvSpec])
    jsonargparse.set_loader("composed", _load, exceptions=(ValueError,))
    quiet()
    try:
        ReplayCLI(
            MultiAgentModule,
            ReplayDataModule,
            subclass_mode_model=True,
            seed_everything_default=1,
            auto_configure_optimizers=False,
            save_config_callback=None,
            trainer_defaults=TRAINER_DEFAULTS | {"callbacks": [EnvStepProgress()]},
            parser_kwargs={"parser_mode": "composed"},
            args=arguments,
        )
    except SettingError as error:
        fail(str(error))


def translate(composed: Mapping[str, Any]) -> dict[str, Any]:
    """A composed configuration in the Lightning CLI's layout."""
    data = {
        "environment": _class_path(composed["env"]),
        "workers": _class_path(composed["workers"]),
        **composed["replay"],
        **{key: composed[key] for key in DATA_KEYS},
    }
    trainer = {key: value for key, value in composed["trainer"].items() if not key.startswith("_")}
    trainer["default_root_dir"] = None
    return {
        "seed_everything": composed["seed"],
        "model": _class_path(composed["algorithm"]),
        "data": data,
        "trainer": trainer,
    }


def _load(text: str) -> Any:
    """YAML, translated if it is a composed configuration."""
    import yaml

    content = yaml.safe_load(text)
    if isinstance(content, dict) and {"env", "algorithm", "replay", "trainer"} <= content.keys():
        return translate(content)
    return content


def _class_path(node: Any) -> Any:
    """``_target_`` nodes as ``class_path`` and ``init_args``, at any depth."""
    if isinstance(node, list):
        return [_class_path(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    arguments = {key: _class_path(value) for key, value in node.items() if not key.startswith("_")}
    if "_target_" not in node:
        return arguments
    return {"class_path": node["_target_"], **({"init_args": arguments} if arguments else {})}


if __name__ == "__main__":
    main()
