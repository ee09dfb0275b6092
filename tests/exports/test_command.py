"""Exported policies decide as the agents do, where ReMIX is not installed too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import remix
from remix.learning import archive
from tests.checkpoints import checkpoint_of, composed
from tests.command_line import SMALL, CommandLine

GAME = ("env.n_agents=2", "env.n_stags=2", "env.world_shape=[4,4]", "env.episode_limit=12")

STRANGER = """\
import importlib.util, sys
sys.path += {paths!r}  # without the files there that add further paths
assert importlib.util.find_spec("remix") is None
import numpy as np
from agents import Agents

file = np.load("episodes/episodes-00000.npz")
agents = Agents("policy")
agents.reset(len(file["seed"]))
for t in range(file["length"].max()):
    points, steps = file["point_start"] + t, file["step_start"] + t
    actions = agents.act(file["obs"][points], file["avail_actions"][points])
    assert np.array_equal(actions, file["actions"][steps]), t
    actions[:] = -7  # they are the caller's
assert not {{"remix", "torch"}} & set(sys.modules)
print(agents.manifest["environment"]["name"], t + 1)
"""


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> CommandLine:
    return CommandLine(monkeypatch, capsys, tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        ("algorithm=qmix", "agent_inputs.agent_id=true"),
        ("algorithm=vdac_sum", "agent_inputs.agent_id=true", "exploration=0.2"),
        ("algorithm=mappo", "algorithm.policy.shared=false", "exploration=0"),
        ("algorithm=pqn_vdn", "agent_inputs.last_action=false"),
    ],
    ids=" ".join,
)
def test_files_decide_as_the_policy(command: CommandLine, words: tuple[str, ...]) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    settings = [word for word in words if not word.startswith("exploration=")]
    archive.write(checkpoint_of(composed("env=predator_prey", *GAME, *settings)), Path("x.ckpt"))
    drawn = [word for word in words if word.startswith("exploration=")]
    done = command("export", "x.ckpt", "output=out/policy", *drawn)
    assert (done.code, done.err) == (0, "")
    manifest = json.loads(Path("out/policy/manifest.json").read_text())
    assert manifest["checked"]["decisions"] == 2 * manifest["checked"]["steps"] >= 2000
    assert ("noise" in manifest["inputs"]) == bool(drawn)
    assert manifest["actions"][-1] == "catch"
    assert manifest["checked"]["mean_return"] == pytest.approx(
        remix.evaluate("x.ckpt", f"episodes={manifest['checked']['episodes']}", *drawn)["return"]
    )


def test_a_stranger_plays_what_the_policy_played(command: CommandLine) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    run = remix.train("algorithm=qmix", *SMALL, "logger=none", "run_dir=run")
    assert remix.record(run, "episodes=9", "output=episodes") == Path("episodes")
    assert command("export", "run").code == 0
    Path("run/policy").rename("policy")
    Path("policy/agents.py").rename("agents.py")
    paths = [str(Path(str(package.__file__)).parents[1]) for package in (np, onnxruntime)]
    Path("stranger.py").write_text(STRANGER.format(paths=[str(command.home), *paths]))
    played = subprocess.run(
        [sys.executable, "-I", "-S", "stranger.py"], capture_output=True, text=True, timeout=300
    )
    assert played.stdout == "predator_prey 12\n", played.stderr


OWN = """\
import torch
from remix.learning.policy import Policy
from remix.networks.agent import RecurrentAgent

def last(outputs, avail_actions, noise, exploration, actions, probability):
    actions[:], probability[:] = outputs.shape[1] - 1, 1.0
    return 0

class Stubborn(Policy):
    make_choice = staticmethod(last)

class Unclear(RecurrentAgent):
    def step(self, inputs, hidden):
        return super().step(inputs * 2 if inputs.sum() > 1 else inputs, hidden)
"""


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("algorithm.policy._target_=own_policy.Stubborn", "policy.onnx cannot hold: it decides otherwise"),
        (
            "+algorithm.policy.agent={_target_:own_policy.Unclear,_partial_:true}",
            "PyTorch cannot trace: GuardOnDataDependentSymNode: ",
        ),
    ],
)
def test_a_policy_that_cannot_leave_is_named(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch, setting: str, reason: str
) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    Path("own_policy.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(command.home))
    archive.write(checkpoint_of(composed("env=penalty", "algorithm=iql", setting)), Path("x.ckpt"))
    refused = command("export", "x.ckpt", "exploration=0.5")
    assert refused.code == 2
    assert refused.err.startswith(f"remix: checkpoint=x.ckpt: is of a policy that {reason}")
    assert refused.err.count("\n") == 1
    assert not Path("policy").exists()


def test_a_run_that_has_not_ended_is_not_exported_by_its_name(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remix.exports.command.PACKAGES", ())
    Path("run/checkpoints").mkdir(parents=True)
    Path("run/checkpoints/best.ckpt").touch()
    Path("run/run.json").write_text(json.dumps({"status": "running", "identity": "a", "seed": 1}))
    Path("runs").mkdir()
    Path("run").rename("runs/run")
    for words in (["runs/run"], []):
        refused = command("export", *words)
        assert refused.code == 2
        assert refused.err == (
            "remix: checkpoint=runs/run: is a run that is interrupted, not finished; "
            "export runs/run/checkpoints/best.ckpt to have it as it is\n"
        )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nix", "checkpoint=nix: must be a checkpoint file, a run directory or an MLflow run id"),
        (".", "checkpoint=.: is a directory without checkpoints/best.ckpt or last.ckpt"),
        ("bad.ckpt", "checkpoint=bad.ckpt: is not a readable checkpoint of a ReMIX run"),
        ("bad.ckpt output=3", "output=3: must be the name of a folder"),
        ("x.ckpt output=bad.ckpt", "output=bad.ckpt: is there already; choose another folder"),
        ("x.ckpt exploration=2", "exploration=2: must be a number between 0 and 1"),
    ],
)
def test_mistakes(command: CommandLine, monkeypatch: pytest.MonkeyPatch, words: str, message: str) -> None:
    monkeypatch.setattr("remix.exports.command.PACKAGES", ())
    Path("bad.ckpt").write_text("text")
    archive.write(checkpoint_of(composed("env=matrix_game", "algorithm=iql")), Path("x.ckpt"))
    refused = command("export", *words.split())
    assert refused.code == 2
    assert refused.err.startswith(f"remix: {message}")
    assert refused.err.count("\n") == 1
    assert len(list(command.home.iterdir())) == 2


def test_packages_that_lack_are_named(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remix.exports.command.PACKAGES", ("numpy", "no_such_package"))
    refused = command("export", "run")
    assert refused.code == 2
    assert refused.err == (
        'remix: checkpoint=run: needs the packages of pip install "remix-marl[export]": no_such_package\n'
    )
