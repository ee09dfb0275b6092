"""Settings by names that they do not have: those of PyMARL, and the last part of a whole name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import Node, OmegaConf

from remix.settings.words import group_choices

PYMARL = {
    "batch_size_run": "replay.episodes_per_round",
    "buffer_size": "replay.capacity",
    "central_loss": "algorithm.central_loss_factor",
    "central_mixing_embed_dim": "algorithm.central.embed_dim",
    "checkpoint_path": "init_from",
    "env_args": "env",
    "epsilon_anneal_time": "algorithm.epsilon.steps",
    "epsilon_finish": "algorithm.epsilon.end",
    "epsilon_start": "algorithm.epsilon.start",
    "grad_norm_clip": "trainer.gradient_clip_val",
    "local_results_path": "run_dir",
    "mixing_embed_dim": "algorithm.mixer.embed_dim",
    "obs_agent_id": "agent_inputs.agent_id",
    "obs_last_action": "agent_inputs.last_action",
    "optim_alpha": "algorithm.optimizer.alpha",
    "qmix_loss": "algorithm.loss_factor",
    "rnn_hidden_dim": "algorithm.policy.hidden_size",
    "runner": "workers",
    "t_max": "max_env_steps",
    "target_update_interval": "algorithm.target_update_episodes",
    "test_interval": "steps_per_epoch",
    "test_nepisode": "validation_episodes",
    "use_cuda": "trainer.accelerator=gpu",
    "use_tensorboard": "logger=tensorboard",
    "w": "weight_range.min",
}
"""Settings of PyMARL and of weighted QMIX's code, and what they are called here."""

_MOST = 3


def meant(name: str, node: Node) -> str:
    """Settings that may be meant, as in `` (perhaps replay.capacity)``; empty if there is no telling.

    :param name: as written, which is no setting.
    :param node: any one of the configuration.
    """
    first, dot, rest = name.partition(".")
    found = [f"{PYMARL[first]}{dot}{rest}"] if first in PYMARL else _ending_in(name, node._get_root())
    return f" (perhaps {', '.join(found)})" if 0 < len(found) <= _MOST else ""


def _ending_in(name: str, root: Any) -> list[str]:
    """Settings and groups whose names end as this one, or at least in its last part."""
    tree = OmegaConf.to_container(root, resolve=False)
    assert isinstance(tree, dict)
    names = [path for path in _paths(tree) if not path.startswith("hydra.")]
    for end in (name, name.rpartition(".")[2]):
        if found := [path for path in names if path.endswith(f".{end}") and path != name]:
            groups = {path: path.replace(".", "/") for path in found}
            return [groups[path] if group_choices(groups[path]) else path for path in found]
    return []


def _paths(tree: Mapping[Any, Any], prefix: str = "") -> Iterator[str]:
    for key, value in tree.items():
        if not str(key).startswith("_"):
            yield f"{prefix}{key}"
            if isinstance(value, dict):
                yield from _paths(value, f"{prefix}{key}.")
