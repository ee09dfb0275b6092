"""An exported policy that decides otherwise is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from remix.envs.predator_prey import PredatorPrey
from remix.exports.comparing import Comparison
from remix.exports.writing import OUTPUTS, Agent, Arrays
from remix.learning.policy import Policy, StochasticPolicy
from remix.learning.workers.rollout import rollout
from remix.learning.workers.seeds import exploration_noise

GAME = PredatorPrey(n_agents=3, world_shape=(5, 5), n_stags=2, episode_limit=9)
SEEDS = np.arange(4)


def compared(kind: type[Policy], exploration: float | None, **changes: Any) -> Comparison:
    """A policy beside itself in plain PyTorch, with some of the outputs changed by functions."""
    torch.manual_seed(1)
    policy = kind(GAME.spec)
    agent = Agent(policy, exploration)

    def decide(inputs: Arrays) -> Arrays:
        with torch.no_grad():
            outputs = agent(*map(torch.from_numpy, inputs.values()))
        answer = {name: output.numpy() for name, output in zip(OUTPUTS, outputs, strict=True)}
        return answer | {name: change(answer) for name, change in changes.items()}

    comparison = Comparison()
    comparison.add(
        decide, rollout(GAME, policy, SEEDS, exploration), SEEDS, policy.agent.hidden_size, exploration
    )
    return comparison


@pytest.mark.parametrize("kind", [Policy, StochasticPolicy])
@pytest.mark.parametrize("exploration", [None, 0.0, 0.4])
def test_what_decides_the_same_is_right(kind: type[Policy], exploration: float | None) -> None:
    assert compared(kind, exploration) == Comparison(steps=36, decisions=108, ties=0, wrong=0)


def test_other_actions_probabilities_and_memories_are_wrong() -> None:
    def others(outputs: Arrays) -> Any:
        return (outputs["action"] + 1) % GAME.spec.n_actions

    assert compared(Policy, None, action=others).wrong == 108
    assert (
        compared(StochasticPolicy, 0.4, probability=lambda outputs: outputs["probability"] / 2).wrong == 108
    )
    assert compared(StochasticPolicy, 0.0, next_hidden=lambda outputs: 1 - outputs["next_hidden"]).wrong > 50


class Coin(StochasticPolicy):
    """Takes its first available action below a border, and its last above."""

    border = np.float32(0.5)

    @staticmethod
    def make_choice(outputs: Any, avail_actions: Any, noise: Any, exploration: Any, *written: Any) -> int:
        actions, probability = written
        actions[:], probability[:] = Coin.of(avail_actions, noise, Coin.border), 0.5
        return 0

    @staticmethod
    def of(avail_actions: Any, noise: Any, border: np.float32) -> Any:
        a = np.arange(avail_actions.shape[-1])
        last = np.where(avail_actions, a, -1).max(-1)
        return np.where(noise[:, 0] < border, avail_actions.argmax(-1), last)


@pytest.mark.parametrize(("shift", "counts"), [(0.0, (0, 0)), (5e-5, (1, 0)), (3e-4, (0, 1))])
def test_a_draw_on_the_border_between_actions_is_a_tie(shift: float, counts: tuple[int, int]) -> None:
    """A sum of probabilities that rounding moves past the random number: once in many thousand draws."""
    policy = Coin(GAME.spec)
    drawn = exploration_noise(SEEDS, 4, GAME.spec.n_agents)[2, 1, 0]
    Coin.border = np.nextafter(drawn, np.float32(1))  # just above one of the numbers
    episodes = rollout(GAME, policy, SEEDS, 0.4)

    def decide(inputs: Arrays) -> Arrays:
        actions = Coin.of(inputs["avail_actions"], inputs["noise"], Coin.border - np.float32(shift))
        values = np.tile(np.arange(GAME.spec.n_actions), (len(actions), 1))
        return {
            "action": actions,
            "probability": np.full(len(actions), 0.5),
            "values": values,
            "next_hidden": inputs["hidden"],
        }

    comparison = Comparison()
    comparison.add(decide, episodes, SEEDS, policy.agent.hidden_size, 0.4)
    assert (comparison.ties, comparison.wrong) == counts


def test_another_action_of_the_same_worth_is_a_tie() -> None:
    equal = compared(
        Policy,
        None,
        action=lambda outputs: (outputs["action"] + 1) % GAME.spec.n_actions,
        values=lambda outputs: np.zeros_like(outputs["values"]),
    )
    assert (equal.ties, equal.wrong) == (108, 0)
