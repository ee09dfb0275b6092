"""What docs/smacv2.md says of the scenarios, and the scenario that it shows."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from remix.envs.skirmish.drawn import DrawnSkirmish
from remix.envs.skirmish.scenarios import load_scenario, scenario_names
from remix.envs.smacv2 import DrawnBattles
from remix.settings.signatures import parameters_of

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/smacv2.md").read_text()


@pytest.mark.parametrize("name", scenario_names())
def test_the_table_has_the_types_and_probabilities(name):
    teams = load_scenario(name).teams
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {name.partition('_')[0]} |"))
    _, _, types, rare, _ = (cell.strip() for cell in row.split("|"))
    weights = dict(zip(teams.unit_types, teams.weights, strict=True))
    assert {unit: float(weight) for unit, weight in re.findall(r"(\w+) ([\d.]+)", types)} == weights
    assert set(rare.split()) == teams.exceptions


def test_the_scenario_that_is_shown_can_be_played(tmp_path):
    path = tmp_path / "mine.yaml"
    (shown,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path.write_text(shown)
    env = DrawnSkirmish(str(path))
    observation = env.reset(np.arange(3))
    assert observation.obs.shape == (3, 6, env.spec.obs_size) and env.scenario.n_enemies == 8
    env.step(observation.avail_actions.argmax(-1))


def test_the_code_that_is_shown_runs():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert len(names["obs"]) == 5 and names["terminated"] is False


def test_settings_and_files_that_are_named_exist():
    known = parameters_of(DrawnBattles)
    named = set(re.findall(r"env\.(\w+)", PAGE))
    assert named and named <= set(known)
    for path in re.findall(r"`((?:tests|envs)/[\w/.]+)`", PAGE):
        assert (ROOT / path).exists()
