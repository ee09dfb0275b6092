"""What docs/scenarios.md says is so."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from remix.envs.battles import Battles
from remix.envs.skirmish import units
from remix.envs.skirmish.maps import ORDERS
from remix.envs.skirmish.terrain import terrain_names
from remix.envs.skirmish.units import load_units
from remix.envs.smacv2 import DrawnBattles
from remix.settings.errors import SettingError

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/scenarios.md").read_text()
FIXED, DRAWN, UNITS = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))


def test_its_scenarios_are_played():
    for env in (
        Battles(FIXED["env"]["map_name"], scenario=FIXED["env"]["scenario"]),
        DrawnBattles("mix", scenario=DRAWN["scenario"]),
    ):
        assert env.reset(np.arange(2)).avail_actions.any(-1).all()


def test_the_template_has_the_same_scenario():
    template = ROOT / "remix/template/conf/env/ambush.yaml"
    assert yaml.safe_load(template.read_text()) == FIXED


def test_it_names_all_units_terrains_and_orders():
    for name in (*load_units("liberty"), *terrain_names()):
        assert f"`{name}`" in PAGE
    assert set(re.findall(r"kind: (\w+)", PAGE)) == set(ORDERS)


@pytest.mark.parametrize(
    ("change", "environment"),
    [
        (lambda scenario: scenario["enemies"][0].update(unit="zerling"), Battles),
        (
            lambda scenario: scenario.update(
                terrain="plateau", allies=[{"unit": "stalker", "count": 256, "around": [16, 16]}]
            ),
            Battles,
        ),
        (
            lambda scenario: scenario["capability_config"]["team_gen"].update(weights=[0.5, 0.6]),
            DrawnBattles,
        ),
    ],
)
def test_its_mistakes_are_told_so(change, environment):
    page = FIXED["env"] if environment is Battles else DRAWN
    scenario = yaml.safe_load(yaml.safe_dump(page["scenario"]))
    change(scenario)
    with pytest.raises(SettingError) as failure:
        environment("ambush" if environment is Battles else "mix", scenario=scenario)
    shown = [line.removesuffix(" ...") for line in PAGE.splitlines() if line.startswith("remix: env.")]
    assert any(f"remix: env.{failure.value}".startswith(line) for line in shown), failure.value


def test_its_units_are_played(tmp_path: Path):
    profile = tmp_path / "units.yaml"
    profile.write_text(yaml.safe_dump(UNITS))
    team = [{"unit": name, "count": 2, "around": [16, 16]} for name in UNITS]
    scenario = {"episode_limit": 9, "terrain": "octagon", "allies": team, "enemies": team}
    env = Battles("brawl", profile=str(profile), scenario=scenario)
    assert env.reset(np.arange(2)).avail_actions.any(-1).all()


@pytest.mark.parametrize(
    ("part", "limits"), [("unit", units._BODY), ("`weapon`", units._WEAPON), ("`heal`", units._HEAL)]
)
def test_its_limits_of_units_are_those_of_the_code(part: str, limits: dict[str, tuple[float, ...]]):
    table = PAGE.partition(f"| of a {part} |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`.*?`) \| (.*?) \|", table, re.MULTILINE)
    told = {name: valid.replace(",", "") for names, valid in rows for name in re.findall(r"`(\w+)`", names)}
    for name, (low, high, *_) in limits.items():
        assert told[name] == f"{low:g} to {high:.0f}", name
