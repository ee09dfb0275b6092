"""Every environment of the configuration keeps the contract of environments."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from remix import conf
from remix.checking.kinds import check

# Environments that need packages or programs which are not part of every installation.
_OPTIONAL = ("remix.envs.pettingzoo.", "remix.envs.starcraft.")

ONLY_IF_DECLARED = "the_state_is_the_observations_where_it_says_so"


def _environments():
    for path in sorted((Path(conf.__file__).parent / "env").glob("*.yaml")):
        config = OmegaConf.load(path)
        if "_target_" in config and not config._target_.startswith(_OPTIONAL):
            yield pytest.param(config, id=path.stem)


@pytest.mark.parametrize("config", list(_environments()))
def test_it_keeps_the_contract(config):
    assert set(check(config).not_checked) <= {ONLY_IF_DECLARED}


def test_a_game_of_pettingzoo():
    pytest.importorskip("mpe2")
    game = {"_target_": "remix.envs.pettingzoo.PettingZoo", "id": "mpe2.simple_spread_v3"}
    assert set(check(game | {"options": {"render_mode": "rgb_array"}}).not_checked) <= {ONLY_IF_DECLARED}
