"""The lamp keeps the contract of environments, and its own rules."""

import numpy as np
from envs.lamp import Lamp

from remix import check


def test_it_keeps_the_contract_of_environments() -> None:
    check(Lamp)


def test_it_shines_if_exactly_as_many_press_as_it_asks_for() -> None:
    lamp = Lamp(n_agents=3)
    asked = lamp.reset(np.array([5])).state[0].argmax()
    press = np.arange(3) < asked
    assert lamp.step(press[None].astype(int)).reward.tolist() == [1.0]
    asked = lamp.reset(np.array([5])).state[0].argmax()
    assert lamp.step(1 - press[None].astype(int)).reward.tolist() == [0.0]
