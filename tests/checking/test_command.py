"""``remix check``: what of a configuration is checked, and what the user gets to see."""

from __future__ import annotations

from pathlib import Path

import pytest

from remix.checking import command
from tests.command_line import CommandLine


def subjects(output: str) -> list[str]:
    return [line.split(":")[0] for line in output.splitlines() if not line.startswith(" ")]


def test_the_environment_that_is_chosen(remix: CommandLine, tmp_path: Path):
    outcome = remix("check", "env=climbing")
    assert (outcome.code, outcome.err) == (0, "")
    assert subjects(outcome.out) == ["remix.envs.games.MatrixGame"]
    assert not list(tmp_path.iterdir())


def test_the_algorithm_that_is_chosen_with_its_parts(remix: CommandLine, tmp_path: Path):
    outcome = remix("check", "algorithm=ow_qmix", "algorithm/mixer=vdn")
    assert (outcome.code, outcome.err) == (0, "")
    assert subjects(outcome.out) == [
        "remix.networks.mixers.vdn.VDNMixer",
        "remix.weighting.optimistic.Optimistic",
        "remix.algorithms.value_factorization.ValueFactorization",
    ]
    assert not list(tmp_path.iterdir())


def test_the_seed_is_that_of_the_configuration(remix: CommandLine, monkeypatch: pytest.MonkeyPatch):
    seeds: list[int | None] = []

    def check(thing: object, seed: int | None = None) -> str:
        seeds.append(seed)
        return "checked"

    monkeypatch.setattr(command, "check", check)
    assert remix("check", "env=climbing", "seed=5").out == "checked\n"
    assert remix("check", "algorithm=qmix").code == 0
    assert seeds == [5, 1, 1, None]  # environment; mixer, weighting and algorithm, which knows its seed


def test_the_agent_network_that_is_chosen(remix: CommandLine):
    outcome = remix("check", "algorithm=pqn_vdn", "algorithm.policy.hidden_size=16")
    assert (outcome.code, outcome.err) == (0, "")
    assert subjects(outcome.out) == [
        "remix.networks.mixers.vdn.VDNMixer",
        "remix.networks.normalised_agent.NormalisedAgent",
        "remix.algorithms.pqn.PQN",
    ]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            [
                "algorithm=qmix",
                "+algorithm.policy.agent={_target_:tests.checking.agents.StepsOtherwise,_partial_:true}",
            ],
            "tests.checking.agents.StepsOtherwise: history 0, time 0: output 0 is ",
        ),
        (
            ["env=branch_chain", "~env.stages", "env._target_=tests.checking.environments.RewardsNothing"],
            "signals, step 1: reward is nan, must be a finite number [what_it_returns_fits_its_spec]",
        ),
        (["env.n_agents=300"], "env.n_agents=300: "),
        (["env=climbing", "seed=-1"], "seed=-1: "),
        (["env=climbing", "seed=abc"], "seed=abc: "),
        (["algorithm=qmox"], "algorithm=qmox: must be one of qmix, "),
    ],
)
def test_what_is_wrong_is_one_line(remix: CommandLine, words: list[str], line: str):
    outcome = remix("check", *words)
    assert outcome.code == 2 and outcome.out == ""
    [only] = outcome.err.splitlines()
    assert only.startswith(f"remix: {line}")
