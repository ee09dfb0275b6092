"""Maps in files of one's own, and what is wrong with maps that cannot work."""

import numpy as np
import pytest
import yaml

from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.fields import DATA
from remix.envs.skirmish.maps import load_map, map_names
from remix.settings.errors import SettingError


@pytest.fixture
def own_map(tmp_path):
    """Writes a changed copy of the map 2s3z, or of another one, and returns its path."""

    def write(change=lambda content: None, base="2s3z"):
        content = yaml.safe_load((DATA / "maps" / f"{base}.yaml").read_text())
        change(content)
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


def test_a_map_may_be_a_file(own_map):
    path = own_map(lambda content: content.update(episode_limit=7))
    for name in (path, str(path)):
        battle_map = load_map(name)
        assert (battle_map.name, battle_map.episode_limit) == ("mine.yaml", 7)
        assert battle_map.allies == load_map("2s3z").allies


def test_a_changed_file_is_read_anew(own_map):
    path = own_map()
    assert load_map(path).episode_limit == 120
    path.write_text(path.read_text().replace("episode_limit: 120", "episode_limit: 9"))
    assert load_map(path).episode_limit == 9


def test_a_terrain_may_lie_beside_the_map(own_map, tmp_path):
    rows = (DATA / "terrain" / "plain_band.txt").read_text()
    (tmp_path / "field.txt").write_text(rows.replace("##...", "###.."))
    terrain = load_map(own_map(lambda content: content.update(terrain="field.txt"))).terrain
    assert terrain.name == "field" and not terrain.open[2].any() and terrain.open[3, 7]


@pytest.mark.parametrize("name", ["2s3y", "mine.yaml", "", None, 3, ["3m"]])
def test_unknown_maps_are_named_with_the_nearest_ones(name):
    with pytest.raises(SettingError) as failure:
        load_map(name)
    message = str(failure.value)
    assert message.startswith(f"map_name={name}: must be one of") and message.endswith("path of a .yaml file")
    assert "\n" not in message and all(valid in message for valid in map_names())
    if name == "2s3y":
        assert "must be one of 2s3z, " in message


def change(*path, value):
    """A function that sets or, with None, removes one entry of a map."""

    def apply(content):
        *parents, last = path
        for key in parents:
            content = content[key]
        if value is None:
            del content[last]
        else:
            content[last] = value

    return apply


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["episode_limit"], None, "episode_limit is missing"),
        (["episode_limit"], 0, "episode_limit=0: must be a whole number between 1 and 10000"),
        (["episode_limit"], "long", "episode_limit=long: must be a whole number between 1 and 10000"),
        (["epsode_limit"], 5, "epsode_limit=5: unknown field, must be one of episode_limit, "),
        (["map_type"], 3, "map_type=3: the name must consist of letters"),
        (["terrain"], "plane_band", "terrain=plane_band: must be one of plain_band, "),
        (["terrain"], ["plain_band"], "terrain=1 rows: must have 32 rows, not 1"),
        (["order"], "attack", "order=attack: must be fields with names"),
        (["order", "kind"], "attack", "order.kind=attack: must be one of attack_"),
        (["order", "point"], None, "order.point is missing"),
        (["order", "point"], [9], "order.point=[9]: must be a list of 2 numbers"),
        (["order", "point"], [9, 99], "order.point=99: must be a number between 0 and 32"),
        (["allies"], None, "allies is missing"),
        (["allies"], [], "allies=[]: must be a list of at least one entry"),
        (["allies", 0], 5, "allies[0]=5: must be fields with names"),
        (["allies", 0, "unit"], "stalkers", "allies[0].unit=stalkers: must be one of stalker, "),
        (["allies", 1, "count"], 2, "allies[1].count=2: must be the number of positions, 3"),
        (["allies", 1, "count"], -3, "allies[1].count=-3: must be a whole number between 1 and 256"),
        (["enemies", 1, "positions"], 5, "enemies[1].positions=5: must be a list"),
        (
            ["enemies", 0, "positions", 1],
            [1, 2, 3],
            "enemies[0].positions=[1, 2, 3]: must be a list of 2 numbers",
        ),
        (
            ["enemies", 0, "positions", 1],
            [1, -2],
            "enemies[0].positions=-2: must be a number between 0 and 32",
        ),
        (
            ["enemies", 0, "positions", 1],
            [1, 2],
            "enemies[0].positions=[1.0, 2.0]: lies in a cell closed to a stalker",
        ),
        (["enemies", 0, "place"], 1, "enemies[0].place=1: unknown field"),
        (
            ["ally_types"],
            ["stalker"],
            "ally_types=['stalker']: must have every type of the team, also zealot",
        ),
        (["ally_types"], None, "ally_types=[]: must have every type of the team, also stalker"),
        (["ally_types"], ["stalker", "marine"], "ally_types=marine: must be one of "),
        (["ally_types"], ["stalker", "zealot", "zealot"], "must not repeat itself"),
    ],
)
def test_mistakes_in_a_map_are_named(own_map, path, value, message):
    file = own_map(change(*path, value=value))
    with pytest.raises(SettingError) as failure:
        load_map(file)
    assert str(failure.value).startswith(f"map_name={file}: ") and message in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("listed", [[], ["zealot"]])
def test_a_team_of_one_type_against_one_of_two(own_map, listed):
    """Both show as many entries; the smaller team uses the first, whether it lists its type or not."""

    def only_zealots(content):
        del content["enemies"][0], content["enemy_types"]
        content.update({"enemy_types": listed} if listed else {})

    env = Skirmish(str(own_map(only_zealots)))
    assert (env.map.unit_type_bits, env.map.enemy_onehot) == (2, {"zealot": 0})
    state = env.reset(np.arange(1)).state[0]
    n_agents, n_enemies = env.map.n_agents, env.map.n_enemies
    agents, rest = np.split(state[: n_agents * 7 + n_enemies * 6], [n_agents * 7])
    assert agents.reshape(-1, 7)[:, 5:].tolist() == [[1, 0]] * 2 + [[0, 1]] * 3
    assert rest.reshape(-1, 6)[:, 4:].tolist() == [[1, 0]] * n_enemies


def test_somebody_must_be_able_to_fight(own_map):
    def only_the_medivac(content):
        del content["allies"][:2]
        content["ally_types"] = ["medivac"]
        content["enemies"], content["enemy_types"] = content["enemies"][:1], ["marine"]

    with pytest.raises(SettingError, match=r"allies=medivac: at least one agent must have a weapon"):
        load_map(own_map(only_the_medivac, base="MMM"))


def test_flyers_start_where_they_can_fly(own_map):
    def place(name, value):
        return own_map(change("allies", 2, name, value=value), base="MMM")

    with pytest.raises(SettingError, match=r"positions=\[1.5, 16.0\]: lies in a cell closed to a medivac"):
        load_map(place("positions", [[1.5, 16.0]]))

    def at_the_edge(content):
        del content["allies"][2]["positions"]
        content["allies"][2]["around"] = [0, 16]

    assert load_map(own_map(at_the_edge, base="MMM")).ally_positions[-1, 0] >= 2.75


def test_the_profile_must_have_the_units():
    assert load_map("2s3z", "smaclite").allies == load_map("2s3z").allies
    with pytest.raises(SettingError, match=r"^map_name=6h_vs_8z: allies\[0\].unit=hydralisk: must be one of"):
        load_map("6h_vs_8z", "smaclite")


@pytest.mark.parametrize("text", ["allies: [", "- 3", "", "\x00", "{1: 2}"])
def test_files_that_are_no_maps(tmp_path, text):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(SettingError) as failure:
        load_map(path)
    assert str(failure.value).startswith(f"map_name={path}: ") and "\n" not in str(failure.value)
