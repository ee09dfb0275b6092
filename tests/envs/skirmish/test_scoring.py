"""Rewards and ends of battles, by hand; test_encoding.py compares them with SMAC's."""

import pytest

from remix.envs.battles import RewardOptions
from remix.envs.skirmish.encoding import make_scoring
from remix.envs.skirmish.kernels.scoring import DRAW, LOST, RUNNING, TIMEOUT, WON
from remix.envs.skirmish.maps import load_map
from remix.settings.errors import SettingError
from tests.envs.skirmish.layer import UNITS, Layer, killed, options_of


def test_a_perfect_victory_pays_the_scale_rate():
    layer = Layer("2s3z")
    scores = layer.judge(layer.start(), killed(layer.start(), 5, 6, 7, 8, 9))
    assert scores.reward[0] == pytest.approx(20) and scores.outcome[0] == WON


def test_a_regenerating_enemy_pays_too():
    layer = Layer("2s3z", reward_scale=False)
    hurt = layer.start()
    hurt.shield[0, 5] -= 8
    assert layer.judge(hurt, layer.start()).reward[0] == 8
    assert (
        Layer("2s3z", reward_scale=False, reward_only_positive=False).judge(hurt, layer.start()).reward[0]
        == -8
    )


def test_only_new_deaths_pay():
    layer = Layer("3m", reward_scale=False)
    once = killed(layer.start(), 3)
    assert layer.judge(layer.start(), once).reward[0] == 45 + 10
    again = layer.judge(once, once)
    assert again.reward[0] == 0 and again.dead_enemies[0] == 1


@pytest.mark.parametrize(
    ("map_name", "dead", "outcome"),
    [
        ("3m", (0, 1, 2), LOST),
        ("3m", (3, 4, 5), WON),
        ("3m", range(6), DRAW),
        ("3m", (0, 5), RUNNING),
        ("MMM", range(9), LOST),
        ("MMM", range(20), LOST),
        ("MMM", range(10, 19), WON),
        ("MMM", range(10, 20), WON),
        ("MMM", (*range(9), *range(10, 19)), LOST),
    ],
)
def test_ends(map_name, dead, outcome):
    layer = Layer(map_name)
    after = killed(layer.start(), *dead)
    limit = layer.map.episode_limit
    assert layer.judge(layer.start(), after, steps=limit - 1).outcome[0] == outcome
    late = TIMEOUT if outcome == RUNNING else outcome
    assert layer.judge(layer.start(), after, steps=limit).outcome[0] == late


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reward_scale_rate", 0),
        ("reward_win", "200"),
        ("reward_sparse", None),
        ("reward_defeat", float("nan")),
    ],
)
def test_reward_options_must_be_valid(name, value):
    with pytest.raises(SettingError, match=rf"^{name}={value}: must be"):
        options_of(RewardOptions, {name: value})


def test_the_scale_needs_something_to_earn():
    battle_map = load_map("3m")
    with pytest.raises(SettingError, match=r"^reward_scale=True: needs a victory to pay more than 0"):
        make_scoring(battle_map, UNITS, RewardOptions(reward_death_value=-45, reward_win=-200))
