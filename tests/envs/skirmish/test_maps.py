"""The 23 maps of SMAC."""

from itertools import groupby

import numpy as np
import pytest

from remix.envs.battles import RewardOptions, ViewOptions
from remix.envs.skirmish import encoding
from remix.envs.skirmish.maps import load_map, map_names
from remix.envs.skirmish.units import load_units

# What SMAC says of its maps: agents, enemies, limit, races, unit type bits, type of map, and units in
# the order of their ids.
ARMIES = """
3m|3|3|60|T/T|0|marines|3 marine|3 marine
8m|8|8|120|T/T|0|marines|8 marine|8 marine
25m|25|25|150|T/T|0|marines|25 marine|25 marine
5m_vs_6m|5|6|70|T/T|0|marines|5 marine|6 marine
8m_vs_9m|8|9|120|T/T|0|marines|8 marine|9 marine
10m_vs_11m|10|11|150|T/T|0|marines|10 marine|11 marine
27m_vs_30m|27|30|180|T/T|0|marines|27 marine|30 marine
MMM|10|10|150|T/T|3|MMM|2 marauder, 7 marine, 1 medivac|7 marine, 2 marauder, 1 medivac
MMM2|10|12|180|T/T|3|MMM|2 marauder, 7 marine, 1 medivac|8 marine, 3 marauder, 1 medivac
2s3z|5|5|120|P/P|2|stalkers_and_zealots|2 stalker, 3 zealot|2 stalker, 3 zealot
3s5z|8|8|150|P/P|2|stalkers_and_zealots|3 stalker, 5 zealot|3 stalker, 5 zealot
3s5z_vs_3s6z|8|9|170|P/P|2|stalkers_and_zealots|3 stalker, 5 zealot|3 stalker, 6 zealot
3s_vs_3z|3|3|150|P/P|0|stalkers|3 stalker|3 zealot
3s_vs_4z|3|4|200|P/P|0|stalkers|3 stalker|4 zealot
3s_vs_5z|3|5|250|P/P|0|stalkers|3 stalker|5 zealot
1c3s5z|9|9|180|P/P|3|colossi_stalkers_zealots|1 colossus, 3 stalker, 5 zealot|1 colossus, 3 stalker, 5 zealot
2m_vs_1z|2|1|150|T/P|0|marines|2 marine|1 zealot
corridor|6|24|400|P/Z|0|zealots|6 zealot|24 zergling
6h_vs_8z|6|8|150|Z/P|0|hydralisks|6 hydralisk|8 zealot
2s_vs_1sc|2|1|300|P/Z|0|stalkers|2 stalker|1 spine_crawler
so_many_baneling|7|32|100|P/Z|0|zealots|7 zealot|32 baneling
bane_vs_bane|24|24|200|Z/Z|2|bane|4 baneling, 20 zergling|20 zergling, 4 baneling
2c_vs_64zg|2|64|400|P/Z|0|colossus|2 colossus|64 zergling
"""
# Lengths that SMAC's own functions give for them: actions; observation, then its rows and widths of
# enemies and allies and its own features; the observation with last actions, and with all options;
# the state, without last actions, and made of observations; and the highest reward.
SIZES = """
    3m: 9 30 3 5 2 5 1 48 66 48 21 90 365
    8m: 14 80 8 5 7 5 1 178 196 168 56 640 640
    25m: 31 250 25 5 24 5 1 994 1012 950 175 6250 1575
    5m_vs_6m: 12 55 6 5 4 5 1 103 121 98 38 275 530
    8m_vs_9m: 15 85 9 5 7 5 1 190 208 179 59 680 695
    10m_vs_11m: 17 105 11 5 9 5 1 258 276 243 73 1050 805
    27m_vs_30m: 36 285 30 5 26 5 1 1221 1239 1170 198 7695 1850
    MMM: 16 160 10 8 9 8 4 304 322 290 130 1600 1015
    MMM2: 18 176 12 8 9 8 4 338 356 322 142 1760 1205
    2s3z: 11 80 5 8 4 8 4 124 142 120 65 400 1020
    3s5z: 14 128 8 8 7 8 4 226 244 216 104 1024 1510
    3s5z_vs_3s6z: 15 136 9 8 7 8 4 241 259 230 110 1088 1670
    3s_vs_3z: 9 36 3 6 2 6 2 54 72 54 27 108 680
    3s_vs_4z: 10 42 4 6 2 6 2 62 80 61 31 126 840
    3s_vs_5z: 11 48 5 6 2 6 2 70 88 68 35 144 1000
    1c3s5z: 15 162 9 9 8 9 5 282 300 270 135 1458 1870
    2m_vs_1z: 7 16 1 6 1 5 1 23 41 26 12 32 360
    corridor: 30 156 24 5 5 6 2 306 324 282 102 936 1280
    6h_vs_8z: 14 78 8 6 5 5 1 148 166 140 56 468 1480
    2s_vs_1sc: 7 17 1 5 1 6 2 24 42 27 13 34 510
    so_many_baneling: 38 202 32 5 6 6 2 430 448 397 131 1414 1480
    bane_vs_bane: 30 336 24 7 23 7 3 1026 1044 984 264 8064 1260
    2c_vs_64zg: 70 332 64 5 1 6 2 402 420 342 202 664 3080
"""
ARMY_ROWS = [row.split("|") for row in ARMIES.strip().splitlines()]
SIZE_ROWS = [row.replace(":", "").split() for row in SIZES.strip().splitlines()]


def words(units):
    return ", ".join(f"{len(list(group))} {name}" for name, group in groupby(units))


@pytest.mark.parametrize("row", ARMY_ROWS, ids=lambda row: row[0])
def test_armies_are_those_of_smac(row):
    battle_map = load_map(row[0])
    numbers = (battle_map.n_agents, battle_map.n_enemies, battle_map.episode_limit)
    races = f"{battle_map.ally_race}/{battle_map.enemy_race}"
    kind = [races, str(battle_map.unit_type_bits), battle_map.map_type]
    army = [words(battle_map.allies), words(battle_map.enemies)]
    assert [battle_map.name, *map(str, numbers), *kind, *army] == row


@pytest.mark.parametrize("row", SIZE_ROWS, ids=lambda row: row[0])
def test_sizes_are_those_of_smac(row):
    battle_map, numbers = load_map(row[0]), [int(number) for number in row[1:]]
    plain = encoding.sizes(battle_map, ViewOptions())
    blocks = [*plain.enemies, *plain.allies, plain.own]
    optional = ["obs_pathing_grid", "obs_terrain_height", "obs_timestep_number"]
    with_actions, with_all, without_actions, of_obs = (
        encoding.sizes(battle_map, ViewOptions(**options))
        for options in (
            {"obs_last_action": True},
            {"obs_last_action": True, **dict.fromkeys(optional, True)},
            {"state_last_action": False},
            {"obs_instead_of_state": True},
        )
    )
    assert plain.move == 4
    sizes = [plain.n_actions, plain.obs, *blocks, with_actions.obs, with_all.obs]
    sizes += [plain.state, without_actions.state, of_obs.state]
    most = encoding.max_reward(battle_map, load_units("liberty"), RewardOptions())
    assert [*sizes, most] == numbers
    later = encoding.sizes(battle_map, ViewOptions(state_timestep_number=True))
    assert later.state == plain.state + 1


def test_there_are_23_maps():
    assert sorted(map_names()) == sorted(row[0] for row in ARMY_ROWS) == sorted(row[0] for row in SIZE_ROWS)
    assert len(map_names()) == 23


@pytest.mark.parametrize(
    ("map_name", "allies", "enemies"),
    [
        ("3s5z_vs_3s6z", ["stalker", "zealot"], ["zealot", "stalker"]),
        ("1c3s5z", ["colossus", "stalker", "zealot"], ["colossus", "stalker", "zealot"]),
        ("MMM2", ["marauder", "marine", "medivac"], ["marauder", "marine", "medivac"]),
        ("bane_vs_bane", ["baneling", "zergling"], ["baneling", "zergling"]),
        ("3s_vs_5z", [], []),
    ],
)
def test_one_hot_types_have_the_order_of_smac(map_name, allies, enemies):
    battle_map = load_map(map_name)
    for onehot, types in ((battle_map.ally_onehot, allies), (battle_map.enemy_onehot, enemies)):
        assert onehot == {name: bit for bit, name in enumerate(types)}


@pytest.mark.parametrize("map_name", map_names())
def test_agents_are_numbered_by_type_and_place(map_name):
    battle_map = load_map(map_name)
    order = [battle_map.ally_onehot.get(unit, 0) for unit in battle_map.allies]
    keys = [(kind, *place) for kind, place in zip(order, battle_map.ally_positions.tolist(), strict=True)]
    assert keys == sorted(keys)


@pytest.mark.parametrize("map_name", map_names())
def test_nobody_starts_inside_another(map_name):
    battle_map, types = load_map(map_name), load_units("liberty")
    units = [types[name] for name in (*battle_map.allies, *battle_map.enemies)]
    places = np.concatenate([battle_map.ally_positions, battle_map.enemy_positions])
    distance = np.linalg.norm(places[:, None] - places, axis=-1)
    radius = np.array([unit.separation_radius for unit in units])
    planes = np.array([unit.plane for unit in units])
    pairs = np.triu(planes[:, None] == planes, k=1)
    assert (distance + 1e-3 >= radius[:, None] + radius)[pairs].all()


def test_terrains():
    others = {
        "3s_vs_3z": "open_field",
        "3s_vs_4z": "open_field",
        "3s_vs_5z": "open_field",
        "2m_vs_1z": "octagon",
        "bane_vs_bane": "octagon",
        "corridor": "corridor",
        "6h_vs_8z": "island_6h",
        "2s_vs_1sc": "small_island_1sc",
        "so_many_baneling": "diagonal_valley",
        "2c_vs_64zg": "plateau",
    }
    for map_name in map_names():
        assert load_map(map_name).terrain.name == others.get(map_name, "plain_band")


def test_orders():
    assert load_map("corridor").order.point == (4.47, 4.3298)
    segment = load_map("2m_vs_1z").order
    assert (segment.kind, segment.point, segment.second_point) == ("attack_move_segment", (13, 12), (19, 12))
    assert load_map("2s_vs_1sc").order.kind == "hold"
    assert load_map("2c_vs_64zg").order.kind == "attack_units"
