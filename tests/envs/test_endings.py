"""The cards at the end of films."""

from dataclasses import replace

import numpy as np
import pytest

from remix.envs.endings import Ending, end_card, ending
from remix.envs.predator_prey import PredatorPrey

SPEC = replace(PredatorPrey().spec, episode_limit=60)


@pytest.mark.parametrize(
    ("length", "metrics", "terminated", "title"),
    [
        (30, {"battle_won": 1.0}, True, "Victory"),
        (60, {"battle_won": 1.0}, False, "Victory"),
        (30, {"battle_won": 0.0}, True, "Defeat"),
        (60, {"battle_won": 0.0}, False, "Time is up"),
        (60, {"battle_won": 0.0}, True, "Time is up"),  # SMAC's limit is an end like any other
        (60, {"captures": 3.0}, False, "Time is up"),
        (30, {}, False, "Time is up"),  # a limit of the game's own
        (30, {}, True, "The end"),
        (60, {}, True, "The end"),  # a game of as many stages, all of them played
    ],
)
def test_how_an_episode_ended(length, metrics, terminated, title):
    assert ending(SPEC, length, 1.0, metrics, terminated).title == title


def test_a_card_says_the_return_and_the_statistics():
    card = ending(SPEC, 42, -12.34567, {"battle_won": 0.0, "dead_allies": 5.0}, True)
    assert card.lines == ("return -12.35 in 42 steps", "dead allies 5")
    assert ending(SPEC, 42, 2000.0, {}, True).lines == ("return 2000 in 42 steps",)


@pytest.mark.parametrize("shape", [(450, 560, 3), (6, 8, 3), (1, 1, 3), (40, 900, 3), (33, 40)])
def test_a_card_fits_pictures_of_any_size(shape):
    picture = np.zeros(shape, np.uint8)
    card = end_card(picture, Ending("Victory", ("return 20 in 30 steps", "statistic 1   " * 20)))
    assert card.dtype == np.uint8 and card.shape == (*shape[:2], 3)
    if shape[0] > 400:
        rows, columns = np.nonzero(card.any(-1))
        assert rows.min() > 0 and rows.max() < shape[0] - 1 and 0 < columns.min() < columns.max() < 559
    assert not picture.any(), "the picture itself stays"
