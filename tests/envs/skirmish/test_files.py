"""Files from anybody: what is no map or profile is refused in a line, soon, and leads nowhere else."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.fields import DATA
from remix.envs.skirmish.maps import load_map
from remix.envs.skirmish.units import load_units
from remix.settings.errors import SettingError

MAP = (DATA / "maps/2s3z.yaml").read_text("utf-8")
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 11))


def refusal(name: Any) -> str:
    """The one line in answer to a map's name."""
    with pytest.raises(SettingError) as caught:
        load_map(name)
    assert caught.value.setting == "map_name" and len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BOMB + MAP.replace("episode_limit: 120", "episode_limit: *a10"), "aliases (*name) are not read"),
        ("a: " + "[" * 5000, "more than 10 lists and mappings inside each other"),
        ("\n".join(" " * k + "a:" for k in range(300)), "more than 10 lists and mappings inside each other"),
        ("#" * 70_000 + "\n" + MAP, "has more than 65,536 bytes"),
        (MAP.replace("120", "9" * 6000), "a value has more than 200 characters"),
        (MAP.replace("120", "0x" + "f" * 150), "must be a whole number between 1 and 10000"),
        (MAP.replace("120", "0b_"), "cannot be read as YAML (invalid literal"),
        (MAP.replace("120", "!!bool perhaps"), "line 3, column 16: tags (!name) are not read"),
        (MAP.replace("120", "!!python/object/apply:os.getcwd []"), "tags (!name) are not read"),
        (MAP.replace("120", "2026-01-01"), "episode_limit=2026-01-01: must be a whole number"),
        (MAP + "episode_limit: 5\n", "the key 'episode_limit' stands there twice"),
        (MAP + "<<: {episode_limit: 5}\n", "<<={'episode_limit': 5}: unknown field"),
        (MAP + "[1, 2]: 5\n", "a key that is not a name"),
        (MAP + "---\n" + MAP, "expected a single document"),
        (b"\x89PNG\r\n\x1a\n", "is no text in UTF-8"),
        (MAP.replace("map_type: stalkers_and_zealots", "map_type: '$\\frac{$'"), "the name must consist of"),
    ],
    ids=lambda value: "" if len(value) > 60 else value,
)
def test_content_that_is_no_map(tmp_path: Path, content: str | bytes, words: str):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert words in refusal(path)


def test_what_is_not_a_file(tmp_path: Path):
    paths = {name: tmp_path / f"{name}.yaml" for name in ("folder", "loop", "device", "pipe", "gone")}
    paths["folder"].mkdir()
    paths["loop"].symlink_to(paths["loop"])
    paths["device"].symlink_to("/dev/zero")
    paths["gone"].symlink_to(tmp_path / "nowhere")
    os.mkfifo(paths["pipe"])
    for name in ("folder", "device", "pipe"):
        assert "(is not a regular file)" in refusal(paths[name])
    assert "(Too many levels of symbolic links)" in refusal(paths["loop"])
    assert "(No such file or directory)" in refusal(paths["gone"])
    for nothing in ("x" * 5000 + ".yaml", "~nobody_here/x.yaml", "a\0b.yaml", "a\nb.yaml", ".yaml"):
        assert "must be one of" in refusal(nothing)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(MAP)
    path.chmod(0)
    assert "(Permission denied)" in refusal(path)


@pytest.mark.parametrize("name", [".hidden", "$\\frac{$", "=cmd|x", "a\nb", "-rf", "a;b", ".."])
def test_names_of_files_can_be_shown_anywhere(tmp_path: Path, name: str):
    path = tmp_path / f"{name}.yaml"
    path.write_text(MAP)
    assert "the file's name must consist of letters" in refusal(path)


@pytest.mark.parametrize("name", ["field", "field 2", "größe", "3m"])
def test_own_maps_are_not_taken_for_others(tmp_path: Path, name: str):
    path = tmp_path / f"{name}.yaml"
    path.write_text(MAP)
    assert load_map(path).name == f"{name}.yaml"
    assert load_map("3m").name == "3m"


@pytest.mark.parametrize(
    "terrain",
    ["../field.txt", "{folder}/field.txt", "below/field.txt", "loop.txt", "folder.txt", ".txt", "nul\0.txt"],
)
def test_a_terrain_lies_beside_its_map(tmp_path: Path, terrain: str):
    rows = (DATA / "terrain/plain_band.txt").read_text()
    maps = tmp_path / "maps"
    (maps / "below").mkdir(parents=True)
    (maps / "folder.txt").mkdir()
    (maps / "loop.txt").symlink_to("loop.txt")
    for folder in (tmp_path, maps, maps / "below"):
        (folder / "field.txt").write_text(rows)
    content = yaml.safe_load(MAP)
    content["terrain"] = terrain.format(folder=maps)
    (maps / "mine.yaml").write_text(yaml.safe_dump(content))
    assert "terrain=" in refusal(maps / "mine.yaml")
    content["terrain"] = "field.txt"
    (maps / "mine.yaml").write_text(yaml.safe_dump(content))
    assert load_map(maps / "mine.yaml").terrain.name == "field"


WRONG = (math.nan, -1e300, 1e300, "text")


def places(content: Any, *parents: str) -> list[tuple[str, ...]]:
    """Of all fields of a unit."""
    fields = content.items() if isinstance(content, dict) else ()
    return [place for key, value in fields for place in ((*parents, key), *places(value, *parents, key))]


@pytest.mark.parametrize("unit", ["medivac", "stalker", "colossus", "baneling"])
def test_every_field_of_a_unit_is_checked(tmp_path: Path, unit: str):
    known = yaml.safe_load((DATA / "units/liberty.yaml").read_text())[unit]
    path = tmp_path / "mine.yaml"
    for place in places(known):
        for value in WRONG:
            content = yaml.safe_load(yaml.safe_dump({unit: known}))
            *parents, last = (unit, *place)
            fields = content
            for key in parents:
                fields = fields[key]
            fields[last] = value
            path.write_text(yaml.safe_dump(content))
            with pytest.raises(SettingError, match=r"^profile=") as caught:
                load_units(str(path))
            assert last in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_a_heal_of_nothing_is_refused(tmp_path: Path):
    content = yaml.safe_load((DATA / "units/liberty.yaml").read_text())
    content["medivac"]["heal"]["per_second"] = 0
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(SettingError, match=r"medivac.heal.per_second=0: must be a number between 0.01 and "):
        load_units(str(path))


def test_a_unit_heals_or_attacks(tmp_path: Path):
    content = yaml.safe_load((DATA / "units/liberty.yaml").read_text())
    content["medivac"]["weapon"] = content.pop("marine")["weapon"]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(SettingError, match="must not stand beside weapon"):
        load_units(str(path))


def army(tmp_path: Path, n_allies: int, n_enemies: int, **changes: Any) -> Path:
    """A map of marines in two crowds."""
    teams = {}
    for side, n, first in (("allies", n_allies, 5.0), ("enemies", n_enemies, 18.0)):
        spots = [[round(first + 0.5 * (k % 16), 2), round(8 + 0.9 * (k // 16), 2)] for k in range(n)]
        teams[side] = [{"unit": "marine", "count": n, "positions": spots}]
    content = yaml.safe_load((DATA / "maps/3m.yaml").read_text()) | teams | changes
    path = tmp_path / "army.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_numbers_of_units(tmp_path: Path):
    env = Skirmish(str(army(tmp_path, 200, 200)))
    observation = env.reset(np.arange(1))
    assert observation.avail_actions.any(-1).all() and np.isfinite(observation.state).all()
    for _ in range(3):
        observation = env.step(np.where(env.units.health[:, :200] > 0, 1, 0)).observation
    assert np.isfinite(observation.obs).all()
    assert "enemies[0].count=0: must be a whole number between 1 and 256" in refusal(army(tmp_path, 3, 0))
    assert "count=257: must be a whole number between 1 and 256" in refusal(army(tmp_path, 257, 3))


def test_teams_that_can_never_meet(tmp_path: Path):
    rows = ["#" * 32] * 8 + ["#" + "." * 12 + "######" + "." * 12 + "#"] * 16 + ["#" * 32] * 8
    (tmp_path / "chasm.txt").write_text("\n".join(rows))
    path = army(tmp_path, 3, 3, terrain="chasm.txt", order={"kind": "attack_units"})
    content = yaml.safe_load(path.read_text())
    content["enemies"][0]["positions"] = [[20 + k, 12] for k in range(3)]
    path.write_text(yaml.safe_dump(content))
    assert "enemies=marine: no way leads from one team to the other" in refusal(path)
    content["enemies"][0]["unit"] = "medivac"
    path.write_text(yaml.safe_dump(content))
    assert "enemies=medivac: healers alone are no enemies" in refusal(path)
    content["enemies"].append({"unit": "marine", "count": 1, "positions": [[24, 12]]})
    content["enemy_types"] = ["marine", "medivac"]
    path.write_text(yaml.safe_dump(content))
    assert load_map(path).n_enemies == 4, "flyers come across"
