"""Scenarios as settings and as files, for the environment that they are made for."""

from copy import deepcopy

import numpy as np
import pytest
import yaml

from remix.envs.battles import Battles
from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.fields import DATA
from remix.envs.skirmish.maps import load_map
from remix.envs.smacv2 import DrawnBattles
from remix.settings.errors import SettingError

FIXED = {
    "episode_limit": 80,
    "terrain": "octagon",
    "allies": [{"unit": "stalker", "count": 3, "around": [16, 16]}],
    "enemies": [
        {"unit": "zergling", "count": 4, "around": [8, 16]},
        {"unit": "zergling", "count": 4, "around": [24, 16]},
    ],
}
DRAWN = {
    "episode_limit": 80,
    "terrain": "open_field",
    "types": ["marine", "zergling"],
    "capability_config": {
        "n_units": 4,
        "n_enemies": 6,
        "team_gen": {
            "dist_type": "weighted_teams",
            "unit_types": ["marine", "zergling"],
            "weights": [0.5, 0.5],
        },
        "start_positions": {"dist_type": "reflect_position", "map_x": 32, "map_y": 32},
    },
}
ENVIRONMENTS = {"fixed": (Battles, FIXED), "drawn": (DrawnBattles, DRAWN)}


def refusal(make):
    with pytest.raises(SettingError) as failure:
        make()
    assert "\n" not in str(failure.value)
    return str(failure.value)


def changed(content, *path, value):
    content = deepcopy(content)
    *parents, last = path
    part = content
    for key in parents:
        part = part[key]
    part[last] = value
    return content


@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_a_scenario_in_the_settings_is_that_of_a_file(kind, tmp_path):
    environment, content = ENVIRONMENTS[kind]
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(content))
    given, read = environment("own", scenario=content), environment(str(tmp_path / "own.yaml"))
    assert (given.spec.name, read.spec.name) == ("skirmish/own", "skirmish/own.yaml")
    seeds = np.arange(3)
    for one, other in zip(given.reset(seeds), read.reset(seeds), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_a_published_file_under_a_name_of_ones_own_plays_the_same(kind):
    environment, folder, name = {
        "fixed": (Battles, "maps", "2s3z"),
        "drawn": (DrawnBattles, "scenarios", "zerg_5_vs_5"),
    }[kind]
    content = yaml.safe_load((DATA / folder / f"{name}.yaml").read_text())
    own, published = environment("mine", scenario=content), environment(name)
    seeds = np.array([7])
    for one, other in zip(own.reset(seeds), published.reset(seeds), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["3m", "zerg_5_vs_5"])
@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_nothing_passes_for_a_published_scenario(kind, name):
    environment, content = ENVIRONMENTS[kind]
    said = refusal(lambda: environment(name, scenario=content))
    assert said == f"scenario={{...}}: needs a map_name of its own, as {name} is a published one"


def test_the_other_environment_is_named():
    drawn, fixed = "draws its teams for every episode", "has the same teams in every episode"
    assert (
        refusal(lambda: Battles("zerg_5_vs_5")) == f"map_name=zerg_5_vs_5: {drawn}, which is for env=smacv2"
    )
    assert refusal(lambda: DrawnBattles("3m")) == f"map_name=3m: {fixed}, which is for env=smac"
    said = refusal(lambda: Battles("own", scenario=DRAWN))
    assert said == f"scenario=own: {drawn}, which is for env=smacv2"
    assert refusal(lambda: DrawnBattles("own", scenario=FIXED)).endswith("env=smac")


def test_only_the_engine_plays_it():
    said = refusal(lambda: Battles("own", backend="starcraft2", scenario=FIXED))
    assert said.startswith("scenario={...}: must be null with backend=starcraft2")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["allies", 0, "around"], [40, 1], "allies[0].around=40: must be a number between 0 and 32"),
        (
            ["allies", 0, "positions"],
            [[1, 2]],
            "allies[0].positions=...: must be left out, as the group stands around a point",
        ),
        (
            ["allies"],
            [{"unit": "marine", "count": count, "around": [16, 16]} for count in (200, 57)],
            "allies=257: must be 256 units at most",
        ),
        (["terrain"], ["." * 32] * 31, "terrain=31 rows: must have 32 rows, not 31"),
        (["terrain"], [5] * 32, "terrain=5: must be a text; one that begins with # stands in quotes"),
        (["enemies", 1, "unit"], "zerling", "enemies[1].unit=zerling: must be one of zergling, "),
        (["rewards"], {}, "rewards={}: unknown field, must be one of "),
    ],
)
def test_mistakes_name_the_field(path, value, message):
    said = refusal(lambda: Battles("own", scenario=changed(FIXED, *path, value=value)))
    assert said.startswith("scenario=own: ") and message in said


def test_too_many_for_the_ground_names_how_many_there_is_room_for():
    crowd = changed(FIXED, "allies", 0, value={"unit": "colossus", "count": 256, "around": [16, 16]})
    said = refusal(lambda: Battles("own", scenario=crowd))
    most = int(said.split("room for ")[1].split()[0])
    assert said == f"scenario=own: allies[0].count=256: octagon has room for {most} of colossus at most"
    crowd["allies"][0]["count"] = most
    crowd["enemies"] = [{"unit": "marine", "count": 1, "positions": [[16, 16]]}]
    assert load_map("own", content=crowd).n_agents == most


def test_a_scenario_has_its_terrain_in_itself():
    rows = ["#" * 32, *["#" + "." * 30 + "#"] * 30, "#" * 32]
    env = Skirmish("own", scenario=changed(FIXED, "terrain", value=rows))
    assert env.map.terrain.open.sum() == 900 and env.map.terrain.open[1, 1]
