"""What games return by mistake: accepted where it does no harm, else refused in one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("pettingzoo", reason="the extra 'pettingzoo' is not installed")

from remix.envs.pettingzoo import PettingZoo
from remix.settings.errors import InvalidOutput
from tests.envs.twisted import LENGTH, Answer, Twist, Twisted

GAME = f"{Twisted.__module__}:Twisted"


def play(twist: Twist, reward: str = "sum") -> tuple[list[float], bool, bool]:
    """Rewards of an episode in which everybody takes the first available action, and how it ended."""
    env = PettingZoo(GAME, {"twist": twist}, reward)
    observation, rewards = env.reset(np.array([1])), []
    while True:
        step = env.step(observation.avail_actions.argmax(-1))
        observation = step.observation
        rewards.append(float(step.reward[0]))
        if step.terminated[0] or step.truncated[0]:
            return rewards, bool(step.terminated[0]), bool(step.truncated[0])


def put(field: str, value: Any, agent: str = "right", at: int = 2) -> Twist:
    """One agent's entry in one field from step ``at`` on."""

    def twist(answer: Answer, step: int) -> None:
        if step >= at and field in answer:
            answer[field][agent] = value

    return twist


def drop(field: str, at: int = 2) -> Twist:
    """One agent's entry is missing from step ``at`` on."""

    def twist(answer: Answer, step: int) -> None:
        if step >= at and field in answer:
            answer[field].pop("right", None)

    return twist


def whole(field: str, value: Any) -> Twist:
    """All of one field."""

    def twist(answer: Answer, step: int) -> None:
        if field in answer:
            answer[field] = value

    return twist


def mask(*values: Any, key: str = "action_mask") -> Twist:
    return put("infos", {key: list(values)}, at=0)


def leaves(answer: Answer, step: int) -> None:
    """The right one is gone from the list after step 2, without a flag."""
    if step >= 2:
        answer["game"].agents = [agent for agent in answer["game"].agents if agent != "right"]


def stranger(answer: Answer, step: int) -> None:
    answer["game"].agents = [*answer["game"].agents, "ghost"]


def nobody(answer: Answer, step: int) -> None:
    answer["game"].agents = []


def cut_blindly(answer: Answer, step: int) -> None:
    """Truncated at the end, without a last view."""
    if step == LENGTH:
        answer["terminations"], answer["truncations"] = answer["truncations"], answer["terminations"]
        answer["observations"] = {}


REFUSED = {
    "reward None": (put("rewards", None), "step 2, agent right: reward must be a number, not None"),
    "reward text": (put("rewards", "1.0"), "step 2, agent right: reward must be a number, not '1.0'"),
    "reward NaN": (put("rewards", np.nan), "step 2, agent right: reward must be finite in single precision"),
    "reward too large": (put("rewards", 1e39), "reward must be finite in single precision, not 1e+39"),
    "two rewards": (put("rewards", np.ones(2)), "reward must be 1 number, not 2"),
    "reward missing": (drop("rewards"), "step 2, agent right: reward is missing"),
    "reward of a stranger": (put("rewards", 1.0, "ghost"), "step 2: rewards has 'ghost', which is not"),
    "one reward for all": (whole("rewards", 1.0), "step 1: rewards must be a dict with an entry for every"),
    "flag None": (put("terminations", None), "agent right: terminations must be true or false, not None"),
    "flag NaN": (put("truncations", np.nan), "truncations must be true or false, not nan"),
    "flag text": (put("terminations", "no"), "terminations must be true or false, not 'no'"),
    "flags of strangers": (put("truncations", True, "ghost"), "truncations has 'ghost'"),
    "flag missing": (drop("terminations"), "agent right: terminations must hold a flag for it"),
    "one flag for all": (whole("truncations", False), "truncations must be a dict"),
    "leaves without a flag": (leaves, "step 2, agent right: agents no longer has it, but it was neither"),
    "observation missing": (drop("observations"), "step 2, agent right: observation is missing"),
    "no observations": (whole("observations", None), "step 0: observations must be a dict"),
    "no last view": (cut_blindly, "step 4, agent left: observation is missing"),
    "observation None": (put("observations", None), "observation must be numbers, not None"),
    "observation of text": (put("observations", ["a"] * 3), "observation must be numbers, not ['a', 'a'"),
    "ragged observation": (put("observations", [[1], [1, 2]]), "observation must be numbers, not [[1],"),
    "one number for three": (put("observations", [7.0]), "agent right: observation must be 3 numbers, not 1"),
    "two numbers": (put("observations", [7.0, 1.0]), "observation must be 3 numbers, not 2"),
    "four numbers": (put("observations", np.ones(4)), "observation must be 3 numbers, not 4"),
    "infinite observation": (put("observations", [0, np.inf, 0]), "observation must be finite in single"),
    "infinite in half precision": (put("observations", np.array([np.inf] * 3, "e")), "must be finite"),
    "observation too large": (put("observations", [0, 1e39, 0]), "observation must be finite in single"),
    "unknown agent": (stranger, "step 0: agents has 'ghost', which is not one of possible_agents"),
    "nobody at the start": (nobody, "step 0: agents must list somebody at the start of an episode"),
    "agents None": (lambda a, s: setattr(a["game"], "agents", None), "agents must be a list of agents"),
    "logits": (mask(0.0, -np.inf, 0.0), "agent right: action_mask must be 3 zeros and ones, one per action"),
    "short mask": (mask(0, 1), "action_mask must be 3 zeros and ones"),
    "long mask": (mask(0, 1, 1, 1), "action_mask must be 3 zeros and ones"),
    "probabilities": (mask(0.5, 0.5, 0.0), "action_mask must be 3 zeros and ones"),
    "mask of NaN": (mask(1, np.nan, 1), "action_mask must be 3 zeros and ones"),
    "indices": (mask(0, 2, 3), "action_mask must be 3 zeros and ones"),
    "mask of another name": (mask(1, 0, 1, key="avail_actions"), "action_mask is missing, but there is 'av"),
    "legal moves": (mask(0, 2, key="legal_moves"), "there is 'legal_moves': a mask must be called"),
    "a mask for everybody": (whole("infos", {"action_mask": [1, 1, 0]}), "infos has 'action_mask' outside"),
    "a stranger's mask": (put("infos", {"action_mask": [1]}, "rigth", 0), "infos has 'action_mask' outside"),
    "infos are a list": (whole("infos", [{}, {}]), "step 0: infos must be a dict"),
    "old reset": (lambda a, s: a["observations"] if s == 0 else None, "reset must return (observations, inf"),
    "old step": (lambda a, s: ({},) * 4 if s else None, "step must return (observations, rewards, "),
    "step without return": (lambda a, s: False if s else None, "step must return"),
}  # fmt: skip


@pytest.mark.parametrize(("twist", "words"), REFUSED.values(), ids=list(REFUSED))
def test_nonsense_is_one_line_with_the_place(twist: Twist, words: str) -> None:
    with pytest.raises(InvalidOutput) as caught:
        play(twist)
    line = str(caught.value)
    assert line.startswith(f"pettingzoo/{GAME}, step ") and "\n" not in line
    assert words in line


ACCEPTED = {
    "arrays of one number": put("rewards", np.array([[1.0]])),
    "whole numbers": put("rewards", 1),
    "truth values": put("rewards", True),
    "flags of NumPy": put("truncations", np.array([False])),
    "flags as numbers": put("truncations", 0),
    "no infos": whole("infos", None),
    "empty infos": whole("infos", {}),
    "info None": put("infos", None),
    "info of the whole game": put("infos", 3.5, "common"),
    "observations of more than the agents": put("observations", "map", "common"),
    "lists of numbers": put("observations", [1, 2.5, False]),
    "another shape of the same size": put("observations", np.ones((1, 3))),
    "a mask of truth values": mask(True, False, True),
    "a mask of floats": mask(1.0, 0.0, 1.0),
    "no mask": put("infos", {"action_mask": None}),
    "lists instead of tuples": lambda answer, step: [v for k, v in answer.items() if k != "game"],
}


@pytest.mark.parametrize("twist", ACCEPTED.values(), ids=list(ACCEPTED))
def test_harmless_forms_are_accepted(twist: Twist) -> None:
    assert play(twist) == ([2.0] * LENGTH, True, False)


@pytest.mark.parametrize("field", ["terminations", "truncations"])
def test_a_flag_for_all_ends_the_episode(field: str) -> None:
    def twist(answer: Answer, step: int) -> None:
        if step:
            answer["terminations"] = answer["truncations"] = {"__all__": False}
            answer[field] = {"__all__": step == 3}

    rewards, terminated, truncated = play(twist)
    assert (len(rewards), terminated, truncated) == (3, field == "terminations", field == "truncations")


def test_those_that_join_later_are_paid_from_then_on() -> None:
    def twist(answer: Answer, step: int) -> None:
        game = answer["game"]
        if step == 0:
            game.agents = ["left"]
            del answer["observations"]["right"]
        if step == 2:
            game.agents = ["left", "right"]
            answer["observations"]["right"] = np.ones(3)

    env = PettingZoo(GAME, {"twist": twist}, reward="sum")
    first = env.reset(np.array([0]))
    assert not first.obs[0, 1].any() and first.avail_actions[0].sum(-1).tolist() == [3, 1]
    rewards = [float(env.step(np.array([[0, 0]])).reward[0]) for _ in range(LENGTH)]
    assert rewards == [1, 1, 2, 2]
    assert [list(actions) for actions in env._games[0].received] == [["left"]] * 2 + [["left", "right"]] * 2


def test_whose_turn_it_is_not_has_an_empty_mask() -> None:
    """As in PettingZoo's classic games; but somebody must have a choice while the game goes on."""

    def turns(answer: Answer, step: int) -> None:
        for n, agent in enumerate(answer["infos"]):
            answer["infos"][agent] = {"action_mask": [0, 1, 1] if n == step % 2 else [0, 0, 0]}

    env = PettingZoo(GAME, {"twist": turns})
    assert env.reset(np.array([0])).avail_actions[0].tolist() == [[False, True, True], [True, False, False]]
    after = env.step(np.array([[2, 0]])).observation.avail_actions[0]
    assert after.tolist() == [[True, False, False], [False, True, True]]
    assert env._games[0].received == [{"left": 2, "right": 0}]

    def stuck(answer: Answer, step: int) -> None:
        answer["infos"] = {agent: {"action_mask": [0, 0, 0]} for agent in answer["infos"]}

    with pytest.raises(InvalidOutput, match=r"step 0: action_mask leaves no agent any action$"):
        play(stuck)


class Stateful(Twisted):
    """A game with a state, which ``state_of`` gives from the time."""

    def __init__(self, state_of: Any) -> None:
        super().__init__()
        self.state_of = state_of

    def state(self) -> Any:
        return self.state_of(self.time)


def stateful(state_of: Any) -> PettingZoo:
    return PettingZoo(f"{__name__}:Stateful", {"state_of": state_of})


@pytest.mark.parametrize("value", [None, {"grid": np.zeros(4)}, "here", [], [[1], [1, 2]]])
def test_a_state_that_is_no_array_is_refused_at_once(value: Any) -> None:
    with pytest.raises(InvalidOutput, match="step 0: state must be") as caught:
        stateful(lambda time: value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1.0, 2.0], "must be 1 number, not 2"),
        (np.nan, "must be finite"),
        (None, "must be a number, not None"),
    ],
)
def test_a_state_stays_what_it_was_at_the_start(value: Any, words: str) -> None:
    env = stateful(lambda time: 0.5 if time < 2 else value)
    env.reset(np.array([0]))
    env.step(np.zeros((1, 2), np.int64))
    with pytest.raises(InvalidOutput, match=f"step 2: state {words}"):
        env.step(np.zeros((1, 2), np.int64))


@pytest.mark.parametrize(
    ("dtype", "kept"), [("uint8", "uint8"), ("int64", "float32"), ("float64", "float32")]
)
def test_the_type_of_a_state(dtype: str, kept: str) -> None:
    env = stateful(lambda time: np.array([7, time], dtype))
    assert (env.spec.state_size, env.spec.state_dtype, env.spec.state_from_obs) == (2, kept, False)
    env.reset(np.array([0]))
    state = env.step(np.zeros((1, 2), np.int64)).observation.state
    assert state.dtype == kept and state.tolist() == [[7, 1]]


class Bookkeeping(Twisted):
    """``state`` is a dict for the game's own use."""

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.state = {"round": 1}
        return super().reset(seed, options)


def test_an_attribute_called_state_is_none() -> None:
    spec = PettingZoo(f"{__name__}:Bookkeeping").spec
    assert spec.state_from_obs and spec.state_size == 6
