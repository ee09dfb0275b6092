"""Which policy is looked at, and that its numbers are those of the run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.command_line import SMALL, TINY, CommandLine

RUN = Path("runs/mine")


def mean_return(out: str) -> str:
    [value] = re.findall(r"^  return +(\S+)$", out, flags=re.MULTILINE)
    return value


def test_the_last_policy_has_the_final_return_of_its_run(remix: CommandLine):
    words = (*SMALL, "env.world_shape=[3,3]", "env.punishment=-1", "algorithm=vdn", "seed=5", "logger=none")
    assert remix("train", *words, f"run_dir={RUN}").code == 0
    final = json.loads((RUN / "run.json").read_text())["final_return"]
    last = remix("evaluate", f"{RUN}/checkpoints/last.ckpt", "episodes=4").out
    assert mean_return(last) == f"{final:.3f}"
    assert last.startswith("4 greedy episodes of the last policy, after 4")
    assert f"(the run's final return, {final:.2f}, is that of the last policy)" in last
    assert mean_return(remix("evaluate", f"{RUN}/checkpoints/last.ckpt", "episodes=4", "seed=1").out) != (
        f"{final:.3f}"
    )
    best = remix("evaluate", str(RUN), "episodes=4").out
    assert best.startswith("4 greedy episodes of the best policy, after ")
    assert remix("evaluate", "episodes=4").out == best  # of the latest run
    assert str(RUN / "checkpoints/episode-seed1.gif") in remix("watch").out


def test_a_policy_for_another_environment_says_what_differs(remix: CommandLine):
    assert remix("train", *TINY, f"run_dir={RUN}").code == 0
    outcome = remix("evaluate", str(RUN), "+env.payoff=[[1,0,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,2]]")
    assert outcome.code == 2
    assert "does not fit the environment: size mismatch for policy.agent." in outcome.err


def test_without_a_run_there_is_no_latest_one(remix: CommandLine):
    outcome = remix("evaluate")
    expected = "remix: checkpoint=latest: there is no run with a checkpoint below runs\n"
    assert (outcome.code, outcome.err) == (2, expected)


def test_variables_of_lightning_change_nothing(remix: CommandLine, monkeypatch: pytest.MonkeyPatch):
    assert remix("train", *TINY, f"run_dir={RUN}").code == 0
    before = remix("evaluate", "episodes=8").out
    monkeypatch.setenv("PL_TRAINER_LIMIT_TEST_BATCHES", "0")
    assert remix("evaluate", "episodes=8").out == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("evaluate x accelerator=tpu", "accelerator=tpu: must be one of gpu, cpu, auto, cuda, mps"),
        ("evaluate x accelerator=null", "accelerator=None: must be one of "),
        ("evaluate x tracking_uri=5", "tracking_uri=5: must be the address of an MLflow store"),
        ("watch x output=5", "output=5: must be the name of a file"),
        ("watch x output=''", "output=: must be the name of a file"),
        ("record x output=[a]", "output=['a']: must be the name of a folder"),
        (f"evaluate {'x' * 300}", f"checkpoint={'x' * 300}: must be a checkpoint file"),
    ],
)
def test_mistakes(remix: CommandLine, words: str, message: str):
    outcome = remix(*words.split())
    assert outcome.code == 2
    assert outcome.err.startswith(f"remix: {message}")
