"""Healers on maps of one's own: what is offered is obeyed, whatever the map says of its armies."""

import numpy as np
import pytest
import yaml

from remix.envs.skirmish.environment import Skirmish
from remix.envs.skirmish.kernels.common import HEAL
from remix.envs.skirmish.starcraft2_env import StarCraft2Env

ATTACK = 6
PATIENTS = (
    "marine",
    "stalker",
    "marauder",
    "zergling",
    "zealot",
)  # the stalker is a machine


@pytest.fixture
def clinic(tmp_path):
    """The path of a map of a medivac, some patients of all kinds around it, and a few enemies far away."""
    places = [[10 + 1.5 * k, 14] for k in range(len(PATIENTS))]
    allies = [
        {"unit": unit, "count": 1, "positions": [place]} for unit, place in zip(PATIENTS, places, strict=True)
    ]
    allies.append({"unit": "medivac", "count": 2, "positions": [[13, 15], [13, 17]]})
    far = [[24 + 0.8 * k, 17] for k in range(6)]

    def write(map_type="patients", n_enemies=6):
        content = {
            "episode_limit": 40,
            "map_type": map_type,
            "terrain": "plain_band",
            "ally_types": [*PATIENTS, "medivac"],
            "order": {"kind": "hold"},
            "allies": allies,
            "enemies": [{"unit": "marine", "count": n_enemies, "positions": far[:n_enemies]}],
        }
        path = tmp_path / "clinic.yaml"
        path.write_text(yaml.safe_dump(content))
        return str(path)

    return write


@pytest.mark.parametrize("map_type", ["patients", "MMM"])
@pytest.mark.parametrize("profile", ["liberty", "smaclite"])
def test_what_is_offered_to_a_healer_is_obeyed(clinic, map_type, profile):
    env = Skirmish(clinic(map_type), profile)
    offered = env.reset(np.arange(1)).avail_actions[0, 5, ATTACK:].copy()
    names = np.array([*PATIENTS, "medivac"])
    assert set(names[offered]) == {*PATIENTS} - {"stalker"}
    for k in np.flatnonzero(offered):
        env.reset(np.arange(1))
        env.units.health[0, k] -= 15
        before = env.units.health[0, k]
        env.step(np.array([[1, 1, 1, 1, 1, ATTACK + k, 1]]))
        assert (env.units.order[0, 5], env.units.target[0, 5]) == (HEAL, k)
        assert env.units.health[0, k] > before + 2


def test_scripted_healers_take_no_action_that_does_not_exist(clinic):
    """With fewer enemies than agents there are agents that nobody can be told to heal."""
    env = StarCraft2Env(clinic(n_enemies=1), heuristic_ai=True)
    env.reset()
    env._env.units.health[0, 1:5] -= 15
    actions = [0] * env.n_agents
    env.step(actions)
    assert max(actions) < env.n_actions
