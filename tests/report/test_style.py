"""Colours, names and numbers."""

from importlib.resources import files
from itertools import combinations

import pytest
from matplotlib.colors import to_rgb

from remix.report.results import MOST_CURVES
from remix.report.style import PALETTE, label, number, number_format, steps, styles

ALGORITHMS = (
    "iql", "vdn", "qmix", "ow_qmix", "cw_qmix", "remix", "qplex", "qatten", "qtran",
    "vdac_sum", "vdac_vmix", "dop", "fop", "mappo", "ippo",
    "pqn_vdn", "pqn_qmix", "qfix", "nonmonotonic", "pow_qmix",
)  # fmt: skip


def test_an_algorithm_looks_the_same_in_every_study() -> None:
    every = styles(ALGORITHMS)
    assert styles(["qmix", "remix"]) == {"qmix": every["qmix"], "remix": every["remix"]}
    assert styles(["without", "remix", "iql"])["remix"] == every["remix"]


def test_every_algorithm_says_how_it_looks() -> None:
    files_ = [file.name for file in (files("remix.conf") / "algorithm").iterdir() if file.name[0] != "_"]
    names = [name.removesuffix(".yaml") for name in files_ if name.endswith(".yaml")]
    methods = [n for n in names if not n.endswith("_official") and not n.startswith("remix_")]
    assert sorted(methods) == sorted(ALGORITHMS)
    for name in methods:
        assert styles(["of_mine", name])[name] == styles([name])[name], "whatever stands before it"
    assert len(set(styles(methods).values()) & set(PALETTE.values())) == len(methods) == len(PALETTE)
    named = [name for name in names if not name.endswith("_official")]
    assert all(label(name) != name.replace("_", " ") for name in named)
    assert label("remix_both") == "ReMIX with both logarithms"


def test_an_algorithm_that_says_nothing_gets_what_is_left() -> None:
    assert styles(["remix", "of_mine"])["of_mine"] == PALETTE["blue"]
    assert label("of_mine") == "of mine"


def test_variants_can_be_told_apart_with_and_without_colour() -> None:
    for variants in (ALGORITHMS, ["remix", *(f"minimum 0.{i}" for i in range(1, 9))]):
        for a, b in combinations(styles(variants).values(), 2):
            distance = sum((x - y) ** 2 for x, y in zip(to_rgb(a.color), to_rgb(b.color), strict=True)) ** 0.5
            assert distance > 0.15
            assert a.marker != b.marker and a.dashes != b.dashes


@pytest.mark.parametrize("algorithms", [0, 1, 11, 13])
def test_every_number_of_variants_has_a_style_each(algorithms: int) -> None:
    variants = [f"variant {i}" for i in range(MOST_CURVES)]
    chosen = list(styles([*ALGORITHMS[:algorithms], *variants]).values())
    assert len({style.marker + style.color + str(style.dashes) for style in chosen}) == len(chosen)
    # Whoever sees no difference between dashes still sees one for more than anybody compares.
    assert len({(style.color, style.marker) for style in chosen[:160]}) == 160


def test_other_variants_keep_their_style_when_more_are_added() -> None:
    few = styles(["full", "without a"])
    assert styles(["full", "without a", "without b"]) | few == styles(["full", "without a", "without b"])


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("remix", "ReMIX"),
        ("ow_qmix", "OW-QMIX"),
        ("qatten", "Qatten"),
        ("minimum 0.5", "minimum 0.5"),
        ("without_bellman_error", "without Bellman error"),
        ("cw_qmix 0.99", "CW-QMIX 0.99"),
        ("remixed", "remixed"),
        ("3s_vs_5z (skirmish)", "3s_vs_5z (skirmish)"),
    ],
)
def test_names_for_people(variant: str, expected: str) -> None:
    assert label(variant) == expected


def test_names_that_would_look_the_same_stay_as_they_are() -> None:
    variants = ["qmix", "QMIX", "a_b", "a b", "ow_qmix"]
    assert [label(variant, variants) for variant in variants] == ["qmix", "QMIX", "a_b", "a b", "OW-QMIX"]


def test_names_that_differ_in_what_cannot_be_seen_are_told_apart() -> None:
    """As a blank behind a name in somebody's spreadsheet, which makes two methods of one."""
    among = ["qmix", "qmix ", "qmix\N{ZERO WIDTH SPACE}", "vdn"]
    assert [label(name, among) for name in among] == [
        "'qmix'",
        "'qmix '",
        "QMIX\N{REPLACEMENT CHARACTER}",
        "VDN",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(35.123, "35.1"), (-3.456, "-3.46"), (1234.5, "1,234"), (-0.001, "0.00"), (float("nan"), "–")],
)
def test_numbers(value: float, expected: str) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([], ["0.00", "–"]),
        ([0.0, 0.0], ["0.00", "0.00", "–"]),
        ([0.001, -20.0], ["0.00", "-20.0", "–"]),
        ([1e-5, 0.0], ["1.00e-05", "0", "–"]),
        ([-2.346e9, 1.0], ["-2.35e+09", "1.00e+00", "–"]),
    ],
)
def test_numbers_of_every_size_say_something(scores: list[float], expected: list[str]) -> None:
    written = [number_format(scores)(value) for value in [*(scores or [0.0]), float("nan")]]
    assert written == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (950, "950"), (12_480, "12.5k"), (320_400, "320k"), (1_004_000, "1.00M"), (float("nan"), "–")],
)
def test_environment_steps(value: float, expected: str) -> None:
    assert steps(value) == expected
