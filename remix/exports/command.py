"""``remix export``: a policy in files that play without ReMIX."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from remix.exports import mlflow_model, writing
from remix.exports.comparing import Comparison
from remix.exports.mlflow_model import Registration
from remix.learning.workers.seeds import episode_seeds
from remix.records.directory import RunDirectory, latest_policy
from remix.records.new_folder import new_folder
from remix.runs.checkpoints import LATEST
from remix.runs.compilation import compilation_told
from remix.runs.playing import Player, playing
from remix.settings import checks
from remix.settings.errors import SettingError, named

FORMAT, VERSION = "remix-policy", 1
PACKAGES = ("onnx", "onnxruntime", "onnxscript")
TOGETHER = 32
STEPS = 1_000
"""At which the files decide as the policy does, before anybody gets them."""


@compilation_told()
def export(config: DictConfig) -> Path:
    """Write the agents' policy, find out whether the files decide the same, and describe them.

    :returns: the folder that they are in.
    """
    _check_packages(config)
    _check_ended(str(config.checkpoint))
    if config.output is not None:
        checks.text("output", config.output, "the name of a folder")
    with playing(config, TOGETHER) as player:
        place = player.checkpoint.parent
        run = RunDirectory(place.parent if place.name == "checkpoints" else place)
        output = Path(config.output or run.path / "policy")
        agent = writing.Agent(player.module.policy, player.exploration)
        registration = _registration(config, run)
        with new_folder(output) as folder, player.recruited():
            _write(agent, folder, player.checkpoint)
            checked = _checked(player, folder, config.seed)
            manifest = _manifest(player, agent, checked, run.record.final_return)
            (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
            shutil.copyfile(Path(__file__).with_name("agents.py"), folder / "agents.py")
            mlflow_model.save(agent, folder)
            registered = registration and registration.register(agent, folder)
    rounding = f", {checked['ties']} of them ties but for rounding" if checked["ties"] else ""
    print(
        f"{output}: the policy of {player.checkpoint} in policy.onnx, policy.pt2 and mlflow_model\n"
        f"it decides as here: {checked['decisions']:,} decisions in {checked['steps']:,} steps{rounding}; "
        f"mean return {checked['mean_return']:.3f}"
    )
    if registered:
        print(f"registered in MLflow as {registered}")
    return output


def _check_packages(config: DictConfig) -> None:
    if missing := [package for package in PACKAGES if find_spec(package) is None]:
        reason = f'needs the packages of pip install "remix-marl[export]": {", ".join(missing)}'
        raise SettingError("checkpoint", config.checkpoint, reason)


def _registration(config: DictConfig, run: RunDirectory) -> Registration | None:
    """Where the user wants the model registered; what was downloaded lies in a folder named by its run."""
    if config.register is None:
        return None
    downloaded = run.path.name if re.fullmatch(r"[0-9a-f]{32}", run.path.name) else None
    return Registration(config.register, run.record.mlflow_run_id or downloaded, config.tracking_uri)


def _check_ended(name: str) -> None:
    """A run whose best policy may still come is not exported by its name, or as the latest one."""
    path = Path(name)
    if name == LATEST and not path.exists() and (latest := latest_policy()) is not None:
        path = latest.parent.parent
    run = RunDirectory(path)
    if path.is_dir() and run.record and (state := run.state) not in ("finished", "stopped"):
        advice = f"; export {run.checkpoint} to have it as it is" if run.checkpoint else ""
        raise SettingError("checkpoint", path, f"is a run that is {state}, not finished{advice}")


def _write(agent: writing.Agent, folder: Path, checkpoint: Path) -> None:
    """:raises SettingError: a network of the user's own cannot be traced."""
    try:
        writing.write(agent, folder)
    except OSError:
        raise
    except Exception as error:
        reason = f"is of a policy that PyTorch cannot trace: {named(error)}"
        raise SettingError("checkpoint", checkpoint, reason) from error


def _checked(player: Player, folder: Path, seed: int) -> dict[str, Any]:
    """Play episodes of so many steps and compare all decisions of both files.

    :raises SettingError: they decide otherwise.
    """
    comparisons = {"policy.onnx": Comparison(), "policy.pt2": Comparison()}
    deciding = {"policy.onnx": writing.onnx(folder), "policy.pt2": writing.program(folder)}
    first = 0
    returns: list[float] = []
    while comparisons["policy.onnx"].steps < STEPS:
        episodes, seeds = player.episodes(first, TOGETHER), episode_seeds(seed, "test", first, TOGETHER)
        first, returns = first + TOGETHER, returns + [episode.score for episode in episodes]
        for name, comparison in comparisons.items():
            hidden_size = player.module.policy.agent.hidden_size
            comparison.add(deciding[name], episodes, seeds, hidden_size, player.exploration)
    for name, comparison in comparisons.items():
        if comparison.wrong:
            reason = (
                f"is of a policy that {name} cannot hold: it decides otherwise {comparison.wrong:,} of "
                f"{comparison.decisions:,} times"
            )
            raise SettingError("checkpoint", player.checkpoint, reason)
    whole = comparisons["policy.onnx"]
    return {
        "steps": whole.steps,
        "decisions": whole.decisions,
        "ties": max(comparison.ties for comparison in comparisons.values()),
        "episodes": len(returns),
        "mean_return": float(np.mean(returns)),
    }


def _manifest(
    player: Player, agent: writing.Agent, checked: dict[str, Any], final_return: float | None
) -> dict[str, Any]:
    """What the files are, for whoever runs them."""
    spec, axes = player.data.spec, {1: ["agents"], 2: ["agents", "numbers"]}
    inputs = {
        name: {"type": str(example.dtype).removeprefix("torch."), "axes": axes[example.ndim],
               "sizes": [None, *example.shape[1:]]}
        for name, example in agent.inputs().items()
    }  # fmt: skip
    return {
        "format": FORMAT,
        "version": VERSION,
        **player.about,
        "environment": asdict(spec),
        "agents": list(spec.agent_names) or [str(n) for n in range(spec.n_agents)],
        "actions": list(spec.action_names) or [str(a) for a in range(spec.n_actions)],
        "hidden_size": player.module.policy.agent.hidden_size,
        "exploration": player.exploration,
        "inputs": inputs,
        "outputs": writing.OUTPUTS,
        "checked": checked,
        "final_return": final_return,
    }
