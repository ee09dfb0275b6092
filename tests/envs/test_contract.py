"""Every environment of the configuration keeps the contract of environments."""

import pytest

from remix.checking.kinds import check
from tests.envs.configured import NAMES, node

# Environments that need packages or programs which are not part of every installation.
_OPTIONAL = ("remix.envs.pettingzoo.", "remix.envs.starcraft.")

ONLY_IF_DECLARED = "the_state_is_the_observations_where_it_says_so"


def _environments():
    for name in NAMES:
        config = node(name)
        if not config._target_.startswith(_OPTIONAL):
            yield pytest.param(config, id=name)


@pytest.mark.parametrize("config", list(_environments()))
def test_it_keeps_the_contract(config):
    assert set(check(config).not_checked) <= {ONLY_IF_DECLARED}


def test_a_game_of_pettingzoo():
    pytest.importorskip("mpe2")
    game = {"_target_": "remix.envs.pettingzoo.PettingZoo", "id": "mpe2.simple_spread_v3"}
    assert set(check(game | {"options": {"render_mode": "rgb_array"}}).not_checked) <= {ONLY_IF_DECLARED}
