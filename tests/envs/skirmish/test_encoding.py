"""Views, rewards and ends of battles, against SMAC's own and by hand.

``tests/data/skirmish_views.json.gz`` was recorded from the Python layer of SMAC 1.0.0 on invented
units. It is a list of sequences, each with the ``map``, the constructor's ``options``, ``max_reward``
and ``frames``. The first frame follows a reset, each other one a step. A frame has ``units``, a row
[type, x, y, health, shield, energy, cooldown in loops] or null (dead) for each unit, agents first by
id and then enemies by id; SMAC's ``avail`` (a string of 0 and 1 per agent), ``obs`` and ``state``,
rounded to six decimals; and after steps ``actions``, ``reward``, ``terminated`` and ``info``. Of the
two sequences with a timeout, 60 steps with the same units, it has only the last two steps, without
their units and views.
"""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from remix.envs.battles import RewardOptions, ViewOptions
from remix.envs.skirmish import encoding
from remix.envs.skirmish.encoding import sizes
from remix.envs.skirmish.kernels.observing import observe
from remix.envs.skirmish.kernels.scoring import RUNNING, TIMEOUT, WON
from remix.envs.skirmish.kernels.views import NO_ACTION, Bodies, Views
from remix.envs.skirmish.maps import load_map
from remix.settings.errors import SettingError
from tests.envs.skirmish.layer import UNITS, Layer, bodies_of, killed, options_of

DATA = Path(__file__).parents[2] / "data"
SEQUENCES = json.loads(gzip.decompress((DATA / "skirmish_views.json.gz").read_bytes()))
TOLERANCE = 1e-5


# --- SMAC's own views and rewards -------------------------------------------------------------------------


def check_views(layer, frame, views):
    avail = np.array([[sign == "1" for sign in row] for row in frame["avail"]])
    obs = np.array(frame["obs"], np.float32)
    if layer.encoding.timestep:  # SMAC appends the time although it has kept a place for it
        obs = np.delete(obs, -2, axis=1)
    np.testing.assert_array_equal(views.avail_actions[0], avail)
    np.testing.assert_allclose(views.obs[0], obs, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(views.state[0], np.array(frame["state"]), rtol=0, atol=TOLERANCE)


def check_scores(frame, scores):
    info = frame["info"]
    assert scores.reward[0] == pytest.approx(frame["reward"], abs=TOLERANCE)
    assert (scores.outcome[0] != RUNNING) == frame["terminated"]
    assert (scores.outcome[0] == WON) == info["battle_won"]
    assert (scores.outcome[0] == TIMEOUT) == info.get("episode_limit", scores.outcome[0] == TIMEOUT)
    assert (scores.dead_allies[0], scores.dead_enemies[0]) == (info["dead_allies"], info["dead_enemies"])


def bodies_in(layer, frame):
    for row, name in zip(frame["units"], (*layer.map.allies, *layer.map.enemies), strict=True):
        assert row is None or row[0] == name
    return bodies_of([row and row[1:] for row in frame["units"]])


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence["name"])
def test_views_and_rewards_are_those_of_smac(sequence):
    layer, (first, *steps) = Layer(sequence["map"], **sequence["options"]), sequence["frames"]
    before = bodies_in(layer, first)
    check_views(layer, first, layer.show(before))
    for k, frame in enumerate(steps, start=1):
        if frame["units"] is None:  # the last of identical steps until the time is over
            k += layer.map.episode_limit - len(steps)
            check_scores(frame, layer.judge(before, before, k))
            continue
        after = bodies_in(layer, frame)
        check_scores(frame, layer.judge(before, after, k))
        check_views(layer, frame, layer.show(after, np.array([frame["actions"]]), k))
        before = after


def test_all_recorded_frames_are_compared():
    frames = [frame for sequence in SEQUENCES for frame in sequence["frames"]]
    assert sum(frame["units"] is not None for frame in frames) == 102
    assert sum(frame["units"] is None for frame in frames) == 4


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence["name"])
def test_max_reward_is_that_of_smac(sequence):
    layer, options = Layer(sequence["map"]), options_of(RewardOptions, sequence["options"])
    assert encoding.max_reward(layer.map, UNITS, options) == sequence["max_reward"]


# --- Views ------------------------------------------------------------------------------------------------


def test_battles_of_a_batch_do_not_depend_on_each_other():
    layer = Layer("MMM2", obs_last_action=True)
    start = layer.start()
    wounded = killed(start._replace(x=start.x + 0.5, cooldown=start.cooldown + 3), 1, 14)
    both = Bodies(*(np.concatenate(pair) for pair in zip(start, wounded, strict=True)))
    actions = np.array([[1] * 10, [2, 0] + [3] * 8])
    together = layer.show(both, actions, 4)
    for e, single in enumerate((start, wounded)):
        alone = layer.show(single, actions[e : e + 1], 4)
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_array_equal(one[e], other[0])


def test_only_the_given_range_of_battles_is_shown():
    layer = Layer("3m")
    start = layer.start()
    both = Bodies(*(np.concatenate([column, column]) for column in start))
    views = Views(
        np.ones((2, 3, 9), bool), np.full((2, 3, 30), 7, np.float32), np.full((2, 48), 7, np.float32)
    )
    observe(layer.encoding, both, np.full((2, 3), NO_ACTION), np.zeros(2, np.int64), views, 1, 2)
    assert (views.state[0] == 7).all() and (views.obs[0] == 7).all()
    assert (views.state[1] != 7).all() and (views.obs[1] != 7).all()


def test_sight_is_strict_and_aim_is_not():
    layer = Layer("2m_vs_1z")
    at = {9.0: 0, 8.99: 1, 6.0: 1}
    for distance, seen in at.items():
        views = layer.show(bodies_of([[10, 10, 45, 0, 0, 0], None, [10 + distance, 10, 100, 50, 0, 0]]))
        enemy = views.obs[0, 0, 4:10]
        assert bool(enemy.any()) == seen
        assert views.avail_actions[0, 0, 6] == (distance <= 6) == enemy[0]
    assert not layer.show(bodies_of([[10, 10, 45, 0, 0, 0], None, [16.01, 10, 100, 50, 0, 0]])).avail_actions[
        0, 0, 6
    ]


def test_the_dead_do_nothing_and_see_nothing_but_the_time():
    layer = Layer("3m", obs_timestep_number=True)
    views = layer.show(killed(layer.start(), 1), np.array([[1, 1, 1]]), steps=15)
    assert views.avail_actions[0, 1].tolist() == [True] + [False] * 8
    assert not views.obs[0, 1, :-1].any()
    assert (views.obs[0, :, -1] == 0.25).all()


def test_healers_may_heal_others_but_no_healers_whether_hurt_or_not():
    layer = Layer("MMM")
    views = layer.show(killed(layer.start(), 4))
    targets = views.avail_actions[0, 9, 6:]
    assert targets.tolist() == [k not in (4, 9) for k in range(10)]


def test_moves_are_offered_into_open_cells_only():
    layer = Layer("3m")
    corner = bodies_of(
        [[2.5, 7.5, 45, 0, 0, 0], [29.1, 24.9, 45, 0, 0, 0], [0.5, 0.5, 45, 0, 0, 0], *[None] * 3]
    )
    moves = layer.show(corner).avail_actions[0, :, 2:6]  # north, south, east, west
    assert moves.tolist() == [[True, False, True, False], [False, True, False, True], [False] * 4]


def test_colossi_are_not_offered_the_cliff():
    layer = Layer("2c_vs_64zg")
    rows = [[16, 13.5, 200, 150, 0, 0], [16, 11.5, 200, 150, 0, 0], *[None] * 64]
    moves = layer.show(bodies_of(rows)).avail_actions[0, :, 2:6]
    assert moves.tolist() == [[True, False, True, True], [False, True, True, True]]


# --- Options and names ------------------------------------------------------------------------------------


def test_names_fit_the_sizes():
    battle_map, options = load_map("2s3z"), ViewOptions()
    lengths = sizes(battle_map, options)
    assert encoding.ally_features(battle_map)[1:5] == ["energy/cooldown", "rel_x", "rel_y", "shield"]
    assert encoding.enemy_features(battle_map)[-1] == "type_1"
    assert len(encoding.ally_features(battle_map)) == lengths.state_ally
    assert len(encoding.enemy_features(battle_map)) == lengths.state_enemy
    assert len(encoding.action_names(battle_map)) == lengths.n_actions


@pytest.mark.parametrize("name", ViewOptions.__dataclass_fields__)
def test_view_options_must_be_true_or_false(name):
    with pytest.raises(SettingError, match=rf"^{name}=1: must be true or false$"):
        options_of(ViewOptions, {name: 1})
