"""SMACv2's scenarios as published, and what is wrong with files that cannot work."""

import numpy as np
import pytest
import yaml

from remix.envs.battles import ViewOptions
from remix.envs.skirmish.drawn import DrawnSkirmish
from remix.envs.skirmish.drawn_encoding import drawn_action_names, drawn_sizes
from remix.envs.skirmish.fields import DATA
from remix.envs.skirmish.scenarios import load_scenario, scenario_names
from remix.envs.smacv2 import DrawnBattles, DrawnViewOptions
from remix.settings.errors import SettingError
from tests.envs.skirmish.drawn_layer import UNITS

# Actions, observation, state; with last actions; with all options; with cones (actions, observation, state).
SIZES = {
    "protoss_5_vs_5": (11, 92, 130, 136, 154, 23, 94, 200),
    "protoss_10_vs_10": (16, 182, 310, 326, 344, 28, 184, 450),
    "protoss_10_vs_11": (17, 191, 327, 344, 362, 29, 193, 467),
    "protoss_20_vs_20": (26, 362, 820, 856, 874, 38, 364, 1100),
    "protoss_20_vs_23": (29, 389, 901, 940, 958, 41, 391, 1181),
    "terran_5_vs_5": (11, 82, 120, 126, 144, 23, 84, 190),
    "terran_10_vs_10": (16, 162, 290, 306, 324, 28, 164, 430),
    "terran_10_vs_11": (17, 170, 306, 323, 341, 29, 172, 446),
    "terran_20_vs_20": (26, 322, 780, 816, 834, 38, 324, 1060),
    "terran_20_vs_23": (29, 346, 858, 897, 915, 41, 348, 1138),
    "zerg_5_vs_5": (11, 82, 120, 126, 144, 23, 84, 190),
    "zerg_10_vs_10": (16, 162, 290, 306, 324, 28, 164, 430),
    "zerg_10_vs_11": (17, 170, 306, 323, 341, 29, 172, 446),
    "zerg_20_vs_20": (26, 322, 780, 816, 834, 38, 324, 1060),
    "zerg_20_vs_23": (29, 346, 858, 897, 915, 41, 348, 1138),
}


def lengths(name, **options):
    layout = drawn_sizes(load_scenario(name), UNITS, DrawnViewOptions(**options))
    return layout.n_actions, layout.obs, layout.state


@pytest.mark.parametrize("name", scenario_names())
def test_sizes_are_the_published_ones(name):
    n_actions, obs, state, last, everything, *cones = SIZES[name]
    assert lengths(name) == (n_actions, obs, state)
    assert lengths(name, obs_last_action=True)[1] == last
    optional = ("obs_last_action", "obs_pathing_grid", "obs_terrain_height", "obs_timestep_number")
    assert lengths(name, **dict.fromkeys(optional, True))[1] == everything
    assert lengths(name, conic_fov=True) == tuple(cones)
    assert lengths(name, obs_own_pos=False)[1] == obs - 2
    assert lengths(name, state_timestep_number=True)[2] == state + 1


def test_all_published_scenarios_are_there():
    assert set(scenario_names()) == set(SIZES)
    for name in SIZES:
        scenario = load_scenario(name)
        race, agents, _, enemies = name.split("_")
        assert (scenario.n_agents, scenario.n_enemies) == (int(agents), int(enemies))
        assert scenario.map_type == f"{race}_gen" and scenario.episode_limit == 200
        assert (scenario.starts.kind, scenario.starts.p) == ("surrounded_and_reflect", 0.5)
        assert scenario.order.kind == "hunt" and scenario.terrain.name == "open_field"


def test_actions_have_names():
    options = DrawnViewOptions(conic_fov=True, num_fov_actions=4)
    names = drawn_action_names(load_scenario("terran_5_vs_5"), UNITS, options)
    assert names[6:12] == ("look 0", "look 90", "look 180", "look 270", "attack 0", "attack 1")


# --- Files of one's own -----------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path):
    """Writes a changed copy of a scenario, and returns its path."""

    def write(change=lambda content: None, base="terran_5_vs_5"):
        content = yaml.safe_load((DATA / "scenarios" / f"{base}.yaml").read_text())
        change(content)
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(content))
        return str(path)

    return write


def change(*path, value):
    """Sets a field, or removes it if ``value`` is ``...``."""

    def apply(content):
        *parents, last = path
        for key in parents:
            content = content[key]
        if value is ...:
            del content[last]
        else:
            content[last] = value

    return apply


TEAMS, STARTS = ("capability_config", "team_gen"), ("capability_config", "start_positions")


def test_a_scenario_may_be_a_file_with_units_of_any_race(own):
    def mixed(content):
        content["types"] = ["marine", "zealot", "spine_crawler"]
        content["capability_config"] |= {"n_units": 3, "n_enemies": 7}
        content["capability_config"]["team_gen"] = {
            "dist_type": "weighted_teams",
            "unit_types": ["zealot", "marine"],
            "weights": [0.5, 0.5],
        }

    env = DrawnSkirmish(own(mixed))
    assert env.spec.name == "skirmish/mine.yaml" and env.spec.n_agents == 3
    env.reset(np.arange(20))
    units = {name for e in range(20) for name in env.map_of(e).enemies}
    assert units == {"zealot", "marine"}
    assert env.scenario.race == "P"  # shields are shown


def test_without_places_each_team_starts_at_a_point(own):
    env = DrawnSkirmish(own(change(*STARTS, value=...)))
    env.reset(np.arange(1))
    assert np.hypot(env.units.x[0, :5] - 8, env.units.y[0, :5] - 16).max() < 3
    assert np.hypot(env.units.x[0, 5:] - 24, env.units.y[0, 5:] - 16).max() < 3


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (change("capability_config", "n_units", value=0), "capability_config.n_units=0: must be"),
        (change("capability_config", "n_enemies", value=2.5), "capability_config.n_enemies=2.5: must be"),
        (change("capability_config", "n_units", value=257), "n_units=257: must be .* 256"),
        (change("capability_config", "armour", value={}), "capability_config.armour={}: unknown field"),
        (change(*TEAMS, value=...), "capability_config.team_gen is missing"),
        (change(*TEAMS, "dist_type", value="weighted_team"), "dist_type=weighted_team: .*weighted_teams"),
        (change(*TEAMS, "unit_types", value=["marine", "zealot"]), "unit_types=.*zealot"),
        (change(*TEAMS, "weights", value=[0.5, 0.5, 0.5]), r"must sum to 1, not 1.5, e.g. \[0.333, "),
        (change(*TEAMS, "weights", value=[0, 0, 0]), r"must sum to 1, not 0, e.g. \[1.0, 0"),
        (change(*TEAMS, "weights", value=[1, 0]), "must be a list of 3 numbers"),
        (change(*TEAMS, "weights", value=[1.5, -0.5, 0]), "weights="),
        (change(*TEAMS, "weights", value=[0, 0, 1]), "exception_unit_types=.*must leave a type"),
        (change(*TEAMS, "weights", value=[0, 1e-9, 1]), "exception_unit_types=.*of at least 1e-06"),
        (change(*TEAMS, "exception_unit_types", value=["ghost"]), "exception_unit_types="),
        (change(*STARTS, "p", value=1.5), "start_positions.p=1.5"),
        (change(*STARTS, "p", value=...), "start_positions.p is missing"),
        (change(*STARTS, "dist_type", value="circle"), "dist_type=circle: must be one of"),
        (change(*STARTS, "map_x", value=33), "map_x=33"),
        (change("types", value=["marine", "marauder", "firebat"]), "types=.*"),
        (change("types", value=[]), r"types=\[\]: must have at least one"),
        (change("order", value={"kind": "hunts"}), "order.kind=hunts: .*hunt"),
        (change("terrain", value="open_feild"), "terrain=open_feild: .*open_field"),
        (change("episode_limit", value=0), "episode_limit=0"),
        (change("capability_config", "attack", value={"dist_type": "normal"}), "attack.dist_type=normal"),
        (
            change(
                "capability_config",
                "health",
                value={"dist_type": "per_agent_uniform", "lower_bound": [0.5], "upper_bound": [0.2]},
            ),
            "lower_bound=.*must not exceed upper_bound, 0.2",
        ),
        (
            change(
                "capability_config", "attack", value={"dist_type": "per_agent_uniform", "lower_bound": [0]}
            ),
            "attack.upper_bound is missing",
        ),
        (
            change(
                "capability_config", "attack", value={"dist_type": "fixed", "test_mode": True, "items": []}
            ),
            "attack.test_mode=True: must be false",
        ),
        (
            change("capability_config", "attack", value={"dist_type": "fixed", "items": [[0.5, 0.5]]}),
            "must be a list of 5 numbers",
        ),
        (
            change("capability_config", "enemy_mask", value={"dist_type": "mask", "mask_probability": 2}),
            "enemy_mask.mask_probability=2",
        ),
        (
            change(
                "capability_config",
                "team_gen",
                value={"dist_type": "weighted_teams", "unit_types": ["medivac"], "weights": [1]},
            ),
            "at least one type must have a weapon",
        ),
    ],
)
def test_mistakes_are_one_line(own, changed, message):
    with pytest.raises(SettingError, match=message) as failure:
        load_scenario(own(changed))
    assert "\n" not in str(failure.value) and str(failure.value).startswith("map_name=")


def test_multisets_need_teams_of_one_size(own):
    def uneven(content):
        content["capability_config"]["n_enemies"] = 6
        content["capability_config"]["team_gen"] = {"dist_type": "all_teams", "unit_types": ["marine"]}

    with pytest.raises(SettingError, match="n_enemies=6: must be n_units, 5, with all_teams"):
        load_scenario(own(uneven))


def test_teams_must_have_room(own, tmp_path):
    (tmp_path / "closet.txt").write_text("\n".join(["#" * 32] * 28 + ["#" * 26 + "..####"] * 4))

    with pytest.raises(SettingError, match=r"must be \d in sum at most, not 10: closet has room") as failure:
        DrawnSkirmish(own(change("terrain", value="closet.txt")))
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("kind", ["reflect_position", "surrounded", "together"])
def test_as_many_as_are_let_in_have_room(kind):
    def crowd(n_enemies):
        teams = {"dist_type": "weighted_teams", "unit_types": ["colossus"], "weights": [1.0]}
        config = {"n_units": 105, "n_enemies": n_enemies, "team_gen": teams}
        scenario = {"episode_limit": 9, "terrain": "open_field", "types": ["colossus"]}
        config["start_positions"] = {"dist_type": kind}
        return DrawnSkirmish("crowd", scenario=scenario | {"capability_config": config})

    with pytest.raises(SettingError, match=r"^scenario=crowd: .* 205 in sum at most, not 206: open_field"):
        crowd(101)
    env = crowd(100)
    env.reset(np.arange(3))
    for x, y in zip(env.units.x, env.units.y, strict=True):
        apart = np.hypot(x[:, None] - x, y[:, None] - y) + 9 * np.eye(len(x))
        assert apart.min() > 1.498 and min(x.min(), y.min()) >= 2.75 and max(x.max(), y.max()) <= 29.25


def test_open_ground_must_hang_together(own, tmp_path):
    (tmp_path / "rooms.txt").write_text("\n".join(["#" * 32] * 8 + ["." * 10 + "##" + "." * 20] * 24))
    with pytest.raises(SettingError, match=r"terrain=rooms: no way leads to cell \(12, 0\)"):
        load_scenario(own(change("terrain", value="rooms.txt")))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"map_name": "protos_5_vs_5"}, "map_name=protos_5_vs_5: must be one of protoss_5_vs_5, "),
        ({"map_name": "3m"}, "map_name=3m: has the same teams in every episode, which is for env=smac"),
        ({"reward_team": "first"}, "reward_team=first: must be one of average, own"),
        ({"enemy_erasure": "none"}, "enemy_erasure=none: must be one of all, row"),
        ({"prob_obs_enemy": 1.5}, "prob_obs_enemy=1.5"),
        ({"num_fov_actions": 0}, "num_fov_actions=0"),
        ({"min_attack_range": -1}, "min_attack_range=-1"),
        ({"conic_fov": 1}, "conic_fov=1"),
        ({"backend": "starcraft"}, "backend=starcraft: must be one of starcraft2, skirmish"),
        ({"difficulty": "7"}, "difficulty=7: must be null with backend=skirmish"),
        ({"profile": "smaclite"}, "marine|zealot|stalker"),
    ],
)
def test_mistakes_in_settings_are_one_line(settings, message):
    if settings == {"profile": "smaclite"}:
        settings = settings | {"map_name": "zerg_5_vs_5"}
        message = "map_name=zerg_5_vs_5: types="
    with pytest.raises(SettingError, match=message) as failure:
        DrawnBattles(**settings)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("options", [{"views": ViewOptions()}, {"views": 3}, {"rewards": {}}])
def test_options_of_another_kind_are_refused(options):
    with pytest.raises(SettingError, match=r"^(views|rewards)=.*: must be \w+Options of remix.envs"):
        DrawnSkirmish(**options)
