"""Annotations, and values compared with them."""

from __future__ import annotations

import typing
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pytorch_lightning.loggers import WandbLogger

from remix.envs.spec import EnvSpec
from remix.networks.mixers.base import Mixer
from remix.settings.signatures import (
    fits,
    hints_of,
    items,
    kinds,
    parameters_of,
    readable,
    supplied,
    wants_factory,
)

if TYPE_CHECKING:
    from nowhere import Thing


class Partly:
    def __init__(self, thing: Thing, number: int = 3) -> None: ...


class Further(Partly):
    def __init__(self, word: str, **inherited) -> None: ...


def test_inherited_arguments_are_those_of_the_class_above():
    """With or without an annotation of their own."""
    assert list(parameters_of(Further)) == ["thing", "number", "word"]
    assert hints_of(Further) == {"number": int, "word": str, "return": type(None)}


def test_annotations_that_cannot_be_resolved_hide_no_others():
    assert hints_of(Partly) == {"number": int, "return": type(None)}
    assert "project" in hints_of(WandbLogger)
    assert hints_of(OrderedDict) == hints_of(len) == hints_of(lambda x: x) == {}


@pytest.mark.parametrize(
    ("hint", "fitting", "others"),
    [
        (int, [0, -3, 4e3], [True, 1.5, 1e30, "1", None, [1], {"a": 1}]),
        (float, [1, 2.5], [True, "1", None, float("nan"), float("inf"), [1.0]]),
        (bool, [True], [1, 0, "true", None]),
        (str, ["", "a"], [1, None, ["a"]]),
        (int | None, [1, None], ["a", 1.5]),
        (Literal["a", 1], ["a", 1], ["b", True]),
        (Sequence[int], [[], [1]], ["abc", 3, None, {"a": 1}]),
        (tuple[int, int], [[1, 2]], [[1], [1, 2, 3], 4]),
        (tuple[int, ...], [[1], [1, 2, 3]], [4]),
        (Mapping[str, int], [{"a": 1}], [[1], 3, "a"]),
        (Path, ["a"], [3, None]),
        (Mixer, [{"a": 1}], ["qmix", 3, None, [1]]),
        (Any, [1, None, "a", []], []),
        (object, [1, None], []),
    ],
)
def test_values_fit_or_not(hint: Any, fitting: list[Any], others: list[Any]):
    assert [value for value in fitting if not fits(value, hint)] == []
    assert [value for value in others if fits(value, hint)] == []


def test_what_containers_hold():
    assert items([1, 2], tuple[int, str]) == [int, str]
    assert items([1, 2], tuple[int, ...]) == items([1, 2], Sequence[int]) == [int, int]
    assert items({"a": 1}, dict[str, float] | None) == [float]
    assert items([1], list) == items([1], int | str) == [Any]


def test_kinds_of_objects():
    factory = Callable[[EnvSpec], Mixer]
    assert kinds(factory, partial=True) == [Mixer]
    assert kinds(Mixer | None, partial=False) == [Mixer]
    assert kinds(typing.Callable, partial=True) == []
    assert kinds(Any, partial=False) == kinds(Any, partial=True) == kinds(Mixer | Any, partial=False) == []


def test_functions_that_make_objects():
    factory = Callable[[EnvSpec, int], Mixer]
    assert [supplied(hint) for hint in (factory, factory | None, typing.Callable, Mixer, Any)] == [
        2,
        2,
        0,
        0,
        0,
    ]
    assert [wants_factory(hint) for hint in (factory, factory | None, typing.Callable)] == [True] * 3
    assert not any(wants_factory(hint) for hint in (Mixer, Mixer | None, factory | Mixer, Any, int))


def test_annotations_in_words():
    assert readable(int | None) == "a whole number or null"
    assert readable(float | Mixer) == "a finite number"
    assert readable(Callable[[EnvSpec], Mixer]) == "a Mixer, named by its _target_"
    assert readable(Literal["a", "b"]) == "one of a, b"
    assert readable(tuple[int, int]) == "a list of 2"
