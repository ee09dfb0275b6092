"""What all algorithms share: exploration, target copies, settings."""

from typing import Any

import pytest
import torch

from remix.algorithms.fop import FOP
from remix.algorithms.value_factorization import ValueFactorization
from remix.learning.schedules import Schedule
from remix.settings.errors import SettingError
from tests.samples import make_spec

SPEC = make_spec()


def test_exploration_falls_linearly_and_then_stays():
    module = ValueFactorization(SPEC, epsilon=Schedule(0.9, 0.1, 1000))
    epsilons = [module.exploration(steps) for steps in (0, 250, 500, 1000, 5000)]
    assert epsilons == pytest.approx([0.9, 0.7, 0.5, 0.1, 0.1])


def copied(module):
    return torch.equal(module.target_agent.head.bias, module.policy.agent.head.bias)


def test_targets_are_copied_every_so_many_episodes():
    """Counted from the last copy, so rounds that do not divide the interval only delay it."""
    module = ValueFactorization(SPEC, target_update_episodes=20)
    copies = []
    for episodes in range(0, 100, 8):
        module.policy.agent.head.bias.data += 1.0
        module.targets.follow(episodes)
        if copied(module):
            copies.append(episodes)
    assert copies == [24, 48, 72, 96]


def test_counters_are_part_of_a_checkpoint():
    module = ValueFactorization(SPEC, target_update_episodes=20)
    module.targets.follow(24)
    restored = ValueFactorization(SPEC, target_update_episodes=20)
    checkpoint: dict[str, Any] = {}
    module.on_save_checkpoint(checkpoint)
    restored.on_load_checkpoint(checkpoint)
    restored.policy.agent.head.bias.data += 1.0
    restored.targets.follow(40)
    assert not copied(restored)
    restored.targets.follow(44)
    assert copied(restored)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("gamma", 1.01),
        ("gamma", -0.1),
        ("target_update_episodes", 0),
    ],
)
def test_settings_that_cannot_work(setting, value):
    with pytest.raises(SettingError, match=f"{setting}={value}"):
        ValueFactorization(SPEC, **{setting: value})


@pytest.mark.parametrize(("epsilon", "message"), [((1.5, 0, 1), "start=1.5"), ((1, -0.5, 1), "end=-0.5")])
def test_exploration_is_a_probability(epsilon, message):
    with pytest.raises(SettingError, match=rf"epsilon\.{message}: must be a number between 0 and 1"):
        ValueFactorization(SPEC, epsilon=Schedule(*epsilon))


class Steep(Schedule):
    """Leaves the limits at its fifth step alone, as a schedule of a user's own may."""

    def __call__(self, env_steps: int) -> float:
        return 2.0 if env_steps == 5 else 1.0


@pytest.mark.parametrize("algorithm", [ValueFactorization, FOP])
def test_a_schedule_of_ones_own_that_gives_no_probability_is_refused(algorithm):
    module = algorithm(SPEC, epsilon=Steep(1.0, 0.5, 10))
    assert module.exploration(4) == 1.0
    with pytest.raises(SettingError, match=r"epsilon\(5\)=2.0: must be a number between 0 and 1"):
        module.exploration(5)
