"""Maps that random play wins teach nothing."""

import pytest

from remix.envs.skirmish.maps import map_names
from tests.envs.skirmish.random_play import play_randomly

# One explosion kills every zergling around, and those who come to the agents stand close together.
WON_BY_CHANCE = {"bane_vs_bane": (0.75, 1.0), "so_many_baneling": (0.02, 0.35)}


@pytest.mark.parametrize("name", map_names())
def test_random_play_wins_only_where_banelings_decide(name):
    outcome, (least, most) = play_randomly(name), WON_BY_CHANCE.get(name, (0.0, 0.04))
    assert least <= outcome.won <= most
    assert outcome.length < outcome.limit
