"""Battles of scripted policies are those of SMAClite, with its units, its rules and its avoidance.

Nothing but the actions of random play is random here. There, who acts first in a loop is random too; single
precision breaks ties; and walls are polygons, around whose corners units slide. Where many units jostle,
such trifles grow, and the fights that they decide are named below.
"""

from pathlib import Path

import pytest

import remix.envs.skirmish
from tests.envs.skirmish.reference import PAIRS, RECORDED, Result, fight, recorded, table

# Pairs that last more than a fifth longer or shorter, and why.
OTHER_LENGTH = {
    ("2s3z", "nearest"): "46 steps there too in 10 of 30 episodes, otherwise 64, on who shoots first",
    ("10m_vs_11m", "random"): "stragglers hide at the western edge; the medians are 32 and 28",
    ("3s_vs_5z", "random"): "two of 30 episodes there are cut at 250 steps; the medians are 33 and 35",
    ("MMM", "nearest"): "an even fight, won in 7 of 10 episodes there",
    ("MMM", "lowest_index"): "an even fight, won in 9 of 10 episodes there",
    (
        "bane_vs_bane",
        "stop",
    ): "the banelings stay stuck behind their zerglings; there one of them gets through",
    ("2c_vs_64zg", "stop"): "the zerglings pile up below the cliff for good; there some slide along it",
}
# Pairs whose returns differ by more than 2 of 20 points.
OTHER_RETURN = {
    ("27m_vs_30m", "nearest"): "57 marines in one crowd; both sides lose all but a few",
    ("bane_vs_bane", "nearest"): "one explosion in the right place decides it, won in 5 of 10 episodes there",
    ("bane_vs_bane", "random"): "the same, won in 3 of 10 episodes there",
}


@pytest.fixture(scope="module")
def results() -> dict[tuple[str, str], Result]:
    return {pair: fight(*pair) for pair in PAIRS}


def test_one_sided_battles_are_won_by_the_same_side(results):
    one_sided = [pair for pair in PAIRS if recorded(pair).won in (0, 1)]
    assert len(one_sided) == 44
    assert all(abs(results[pair].won - recorded(pair).won) <= 0.1 for pair in one_sided)


def test_battles_are_about_as_long(results):
    other = {pair for pair in PAIRS if abs(results[pair].length / recorded(pair).length - 1) > 0.2}
    assert other == OTHER_LENGTH.keys()


def test_battles_return_about_as_much(results):
    other = {pair for pair in PAIRS if abs(results[pair].reward - recorded(pair).reward) > 2}
    assert other == OTHER_RETURN.keys()


@pytest.mark.parametrize(
    "name", [name for name in RECORDED["maps"] if name not in ("bane_vs_bane", "2c_vs_64zg")]
)
def test_agents_that_stand_still_die_when_they_do_in_smaclite(results, name):
    """Only the enemies act, who jostle on their way and around the last agents."""
    ours, theirs = results[name, "stop"], recorded((name, "stop"))
    assert (ours.won, ours.reward) == (theirs.won, theirs.reward) == (0, 0)
    assert ours.length == pytest.approx(theirs.length, abs=2)


@pytest.mark.parametrize("policy", ["nearest", "lowest_index", "stop"])
@pytest.mark.parametrize("name", ["3s_vs_5z", "2s_vs_1sc"])
def test_battles_of_few_are_exactly_alike(results, name, policy):
    ours, theirs = results[name, policy], recorded((name, policy))
    assert ours.length == theirs.length and ours.reward == pytest.approx(theirs.reward, abs=0.01)


def test_focus_fire_by_number_does_little_damage_in_the_corridor(results):
    """Whoever runs after one zergling at the back hardly ever gets through to it."""
    assert results["corridor", "lowest_index"].reward < results["corridor", "nearest"].reward / 5


def test_the_page_of_the_engine_shows_the_table(results):
    page = Path(remix.envs.skirmish.__file__).with_name("README.md").read_text("utf-8")
    assert table(results) in page
