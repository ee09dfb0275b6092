"""Spaces of agents: which can be played, what is read of them, what becomes of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("pettingzoo", reason="the extra 'pettingzoo' is not installed")

from gymnasium import spaces

from remix.envs.flattening import parts_of
from remix.envs.pettingzoo import PettingZoo
from remix.envs.slots import Slot, make_slot
from remix.settings.errors import InvalidOutput, SettingError
from tests.envs.twisted import LENGTH, Answer, Twisted

GAME = f"{Twisted.__module__}:Twisted"
THREE = spaces.Discrete(3)


def slot(views: spaces.Space[Any], actions: spaces.Space[Any] = THREE) -> Slot:
    return make_slot("game", "ann", actions, views)


def read(views: spaces.Space[Any], observation: Any, info: Any = None) -> tuple[list[float], list[int]]:
    """What is written of an observation: features and available actions."""
    place = slot(views)
    obs, avail = np.zeros(place.obs_size, place.obs_dtype), np.zeros(place.n_actions, np.bool_)
    place.write(observation, info, obs, avail, step=3)
    return obs.tolist(), avail.astype(int).tolist()


NESTED = spaces.Dict(
    {
        "map": spaces.Box(0, 255, (2, 2), np.uint8),
        "inside": spaces.Dict({"k": spaces.Discrete(3, start=-1), "flags": spaces.MultiBinary(2)}),
        "pair": spaces.Tuple((spaces.MultiDiscrete([2, 3]), spaces.Box(-1, 1, (1,), np.float64))),
    }
)


def test_nested_spaces_are_flattened_as_by_gymnasium() -> None:
    NESTED.seed(3)
    for _ in range(20):
        sample = NESTED.sample()
        assert read(NESTED, sample)[0] == pytest.approx(list(spaces.flatten(NESTED, sample)))


@pytest.mark.parametrize(
    ("space", "dtype"),
    [
        (spaces.Box(0, 255, (2, 2), np.uint8), "uint8"),
        (spaces.Box(0, 1, (2,), np.uint8), "bool"),
        (spaces.Box(0, 9, (2,), np.int64), "uint8"),
        (spaces.Box(-1, 1, (2,), np.int8), "float32"),
        (spaces.Box(0, 256, (2,), np.int32), "float32"),
        (spaces.Box(0, 1, (2,), np.float32), "float32"),
        (spaces.Dict({"a": spaces.Discrete(4), "b": spaces.Box(0, 255, (1,), np.uint8)}), "uint8"),
        (spaces.Dict({"a": spaces.MultiBinary(4), "b": spaces.MultiDiscrete([2, 2])}), "bool"),
        (NESTED, "float32"),
    ],
)
def test_the_smallest_type_that_holds_what_is_declared(space: spaces.Space[Any], dtype: str) -> None:
    assert slot(space).obs_dtype == dtype


BYTES, BITS, CHOICES = spaces.Box(0, 255, (2,), np.uint8), spaces.MultiBinary(2), spaces.MultiDiscrete([2, 3])


@pytest.mark.parametrize(
    ("space", "observation", "words"),
    [
        (BYTES, [0, 256], "must be whole numbers between 0 and 255, as its space declares, not 256"),
        (BYTES, np.array([-1, 3]), "between 0 and 255, as its space declares, not -1"),
        (BYTES, [0.5, 0.25], "must be whole numbers between 0 and 255, as its space declares, not 0.5"),
        (BYTES, [np.nan, 0], "as its space declares, not nan"),
        (BITS, [0, 7], "must be zeros and ones, as its space declares, not 7"),
        (BITS, [0, -1], "zeros and ones"),
        (BITS, [0.0, np.inf], "zeros and ones"),
        (CHOICES, [0, 3], "must lie in MultiDiscrete([2 3]), not be [0, 3]"),
        (CHOICES, [0.5, 0], "must lie in"),
        (CHOICES, [1], "must be 2 numbers, not 1"),
        (spaces.Discrete(3, start=2), 5, "must lie in Discrete(3, start=2), not be 5"),
        (spaces.Discrete(3), -1, "must lie in Discrete(3)"),
        (spaces.Discrete(3), None, "must be a number, not None"),
        (spaces.Dict({"a": BITS}), {"b": [0, 1]}, "must have the parts of its space and no other, but 'a'"),
        (spaces.Dict({"a": BITS}), [0, 1], "'a' does not fit"),
        (spaces.Tuple((BITS,)), ([0, 1], [0, 1]), "0 does not fit"),
        (spaces.Box(-9, 9, (2,)), {"observation": [0, 1]}, "must be numbers, not {'observation'"),
    ],
)
def test_what_lies_outside_of_its_space_is_refused(
    space: spaces.Space[Any], observation: Any, words: str
) -> None:
    with pytest.raises(InvalidOutput) as caught:
        read(space, observation)
    assert str(caught.value).startswith("pettingzoo/game, step 3, agent ann: observation must ")
    assert words in str(caught.value)


MASKED = spaces.Dict({"observation": BITS, "action_mask": spaces.MultiBinary(3)})


@pytest.mark.parametrize(
    ("space", "observation", "info", "available"),
    [
        (BITS, [0, 1], {}, [1, 1, 1]),
        (BITS, [0, 1], {"action_mask": np.array([1, 0, 1], np.int8)}, [1, 0, 1]),
        (MASKED, {"observation": [0, 1], "action_mask": [0, 1, 0]}, None, [0, 1, 0]),
        (MASKED, {"observation": [0, 1]}, {"action_mask": [0, 1, 0]}, [0, 1, 0]),
        (spaces.Dict({"o": BITS}), {"o": [0, 1], "action_mask": (False, True, True)}, {}, [0, 1, 1]),
        (BITS, [0, 1], {"valid_action": True, "legal_moves": 12}, [1, 1, 1]),
        (BITS, [0, 1], {"action_mask": [0, 1, 0], "legal_moves": [1]}, [0, 1, 0]),
    ],
)
def test_where_masks_are_found(
    space: spaces.Space[Any], observation: Any, info: Any, available: list[int]
) -> None:
    assert read(space, observation, info) == ([0, 1], available)


@pytest.mark.parametrize(
    ("space", "observation", "info", "words"),
    [
        (MASKED, {"observation": [0, 1]}, {}, "action_mask is missing, but its space declares one"),
        (BITS, [0, 1], {"available_actions": [1, 1, 0]}, "there is 'available_actions'"),
        (BITS, [0, 1], {"legal_actions": (0, 2)}, "there is 'legal_actions'"),
        (BITS, [0, 1], {"action_masks": np.ones(3)}, "there is 'action_masks'"),
        (
            spaces.Dict({"o": BITS, "valid_moves": BITS}),
            {"o": [0, 1], "valid_moves": [1, 1]},
            {},
            "'valid_moves'",
        ),
    ],
)
def test_a_mask_is_never_left_aside(
    space: spaces.Space[Any], observation: Any, info: Any, words: str
) -> None:
    with pytest.raises(InvalidOutput, match="step 3, agent ann: action_mask is missing") as caught:
        read(space, observation, info)
    assert words in str(caught.value)


def test_a_mask_deep_in_the_observation_is_no_feature() -> None:
    with pytest.raises(
        InvalidOutput, match="there is 'action_mask': a mask must be called action_mask and stand"
    ):
        read(spaces.Dict({"o": MASKED}), {"o": {"observation": [0, 1], "action_mask": [1, 1, 0]}})


@pytest.mark.parametrize(
    ("space", "n_actions", "sent"),
    [
        (spaces.Discrete(3, start=-2), 3, {0: -2, 2: 0}),
        (spaces.MultiDiscrete([3, 2]), 6, {0: [0, 0], 1: [0, 1], 5: [2, 1]}),
        (spaces.MultiDiscrete([3, 2], start=[5, 1]), 6, {0: [5, 1], 5: [7, 2]}),
        (spaces.MultiDiscrete(np.array([[2, 2], [1, 2]])), 8, {0: [[0, 0], [0, 0]], 7: [[1, 1], [0, 1]]}),
        (spaces.MultiBinary(3), 8, {0: [0, 0, 0], 1: [0, 0, 1], 7: [1, 1, 1]}),
    ],
)
def test_combined_actions_are_numbered(
    space: spaces.Space[Any], n_actions: int, sent: dict[int, Any]
) -> None:
    place = slot(BITS, space)
    assert place.n_actions == n_actions
    for number, expected in sent.items():
        action = place.action(number)
        assert np.array_equal(action, expected) and space.contains(action)
    assert len({str(place.action(k)) for k in range(n_actions)}) == n_actions


def test_a_game_of_combined_actions() -> None:
    def masked(answer: Answer, step: int) -> None:
        answer["infos"]["right"] = {"action_mask": [0, 0, 0, 1, 0, 0]}

    env = PettingZoo(GAME, {"actions": spaces.MultiDiscrete([3, 2]), "twist": masked})
    assert env.spec.n_actions == 6
    assert env.spec.action_names == ("0 0", "0 1", "1 0", "1 1", "2 0", "2 1")
    assert env.reset(np.array([0])).avail_actions[0].sum(-1).tolist() == [6, 1]
    for _ in range(LENGTH):
        env.step(np.array([[4, 3]]))
    assert {name: list(action) for name, action in env._games[0].received[0].items()} == {
        "left": [2, 0],
        "right": [1, 1],
    }


class Old(spaces.Discrete):
    """Looks like a space of the package that Gymnasium came from."""

    __module__ = "gym.spaces.discrete"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"actions": spaces.Box(-1, 1, (2,))}, "continuous action spaces are out of scope"),
        ({"actions": spaces.MultiBinary(14)}, "with 16,384 combinations; at most 10,000 can be told apart"),
        ({"actions": spaces.Tuple((THREE, THREE))}, "must have discrete actions, but left has Tuple"),
        ({"actions": spaces.Text(3)}, "must have discrete actions, but left has Text"),
        ({"actions": Old(3)}, "of the old package gym; it needs those of gymnasium"),
        ({"views": Old(3)}, "pip install shimmy"),
        ({"views": spaces.Sequence(THREE)}, "must have observations of fixed size, but left has Sequence"),
        ({"views": spaces.Text(3)}, "must have observations of fixed size, but left has Text"),
        ({"views": spaces.Graph(BYTES, None)}, "must have observations of fixed size"),
        ({"views": spaces.Dict({"a": spaces.Text(2), "b": BITS})}, "must have observations of fixed size"),
        ({"views": "three numbers"}, "must have observations of fixed size, but left has three numbers"),
    ],
)
def test_other_spaces_are_one_line(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError) as caught:
        PettingZoo(GAME, options)
    assert caught.value.setting == "id" and words in str(caught.value) and "\n" not in str(caught.value)


def test_parts_say_where_they_stand() -> None:
    assert [tuple(key for key, _ in part.path) for part in parts_of(NESTED)] == [
        ("inside", "flags"), ("inside", "k"), ("map",), ("pair", 0), ("pair", 1)
    ]  # fmt: skip
