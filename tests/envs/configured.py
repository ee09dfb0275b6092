"""The environments as ``conf/env`` describes them."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from remix import conf

_FOLDER = Path(conf.__file__).parent / "env"

NAMES = sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def node(name: str) -> DictConfig:
    """What an environment is built from, without what its file suggests for it."""
    content = OmegaConf.load(_FOLDER / f"{name}.yaml")
    assert isinstance(content, DictConfig)
    return content.get("env", content)
