"""Replays from files and episodes of one's own making are looked at before compiled code reads them."""

import numpy as np
import pytest
import torch

from remix.learning.replay import EpisodeReplay
from tests.samples import make_episode, make_spec

BITS = make_spec(obs_size=11, obs_dtype="bool", state_dtype="bool")
NUMBERS = make_spec()


def few_numbers(spec, length):
    """Features of which so many are 0 or 1 that they are stored in three parts."""
    if spec.obs_dtype == "bool":
        return {}
    shapes = {"obs": (spec.n_agents, spec.obs_size), "state": (spec.state_size,)}
    rng = np.random.default_rng(length)
    return {
        name: rng.integers(3, size=(length + 1, *shape)).astype(np.float32) for name, shape in shapes.items()
    }


def stored(spec, behaviour=False):
    """A replay's state with three episodes, in tensors of its own."""
    replay = EpisodeReplay(spec, 10, behaviour)
    lengths = (3, 1, 4)
    replay.add([make_episode(spec, n, n, terminated=True, **few_numbers(spec, n)) for n in lengths])
    state = replay.state_dict()
    return {kind: {name: part.clone() for name, part in parts.items()} for kind, parts in state.items()}


def restore(state, spec, behaviour=False):
    replay = EpisodeReplay(spec, 10, behaviour)
    replay.load_state_dict(state)
    return replay.sample(len(replay), torch.Generator())


def wide(state):
    state["fields"]["obs"] = torch.zeros(11, 3, 4000, dtype=torch.uint8)


def narrow(state):
    state["fields"]["state"] = state["fields"]["state"][:, :0]


def padding(name):
    def spoil(state):
        state["fields"][name].view(-1)[-1] |= 1

    return spoil


def value(name, number):
    def spoil(state):
        state["fields"][name].view(-1)[2] = number

    return spoil


def type_of(name, kind):
    def spoil(state):
        state["fields"][name] = state["fields"][name].to(kind)

    return spoil


def shift(name):
    """Rows of one episode that the sizes give to another."""

    def spoil(state):
        state["sizes"][name] += torch.tensor([1, -1, 0])

    return spoil


def nothing_available(state):
    state["fields"]["avail_actions"][4] = 0


def not_available(state):
    available, actions = state["fields"]["avail_actions"], state["fields"]["actions"]
    available[0, 0] = 0b11110000 & ~(128 >> int(actions[0, 0]))


def lacks(name):
    def spoil(state):
        del state["fields"][name], state["sizes"][name]

    return spoil


def no_sizes(state):
    state["sizes"]["reward"] = torch.tensor([3.0, 1.0, 4.0])


def one_episode_less(state):
    state["sizes"]["reward"] = torch.tensor([4, 4])


def overlap(state):
    fields = state["fields"]
    fields["state_ones"] = fields["state_others"].clone()


def one_value_less(state):
    state["fields"]["obs_values"] = state["fields"]["obs_values"][:-1]
    state["sizes"]["obs_values"][-1] -= 1


DAMAGE = [
    (BITS, wide, r"obs is uint8 \[4, 3, 4000\], not uint8 \[4, 3, 2\]"),
    (BITS, narrow, r"state is uint8 \[4, 0\], not uint8 \[4, 1\]"),
    (BITS, padding("obs"), "obs has ones beyond its 11 columns"),
    (BITS, padding("state"), "state has ones beyond its 7 columns"),
    (BITS, padding("avail_actions"), "avail_actions has ones beyond its 4 columns"),
    (BITS, value("actions", 4), "actions lie outside of 0 to 3"),
    (BITS, value("actions", 255), "actions lie outside of 0 to 3"),
    (BITS, not_available, "actions were not all available"),
    (BITS, nothing_available, "avail_actions leaves an agent without any action"),
    (BITS, type_of("actions", torch.int64), "actions is int64"),
    (BITS, type_of("terminated", torch.int64), "terminated is int64"),
    (BITS, value("terminated", False), None),
    (BITS, lambda state: state["fields"]["terminated"].fill_(True), "terminated is set before the last"),
    (BITS, value("reward", torch.nan), "reward holds numbers that are not finite"),
    (BITS, value("reward", -torch.inf), "reward holds numbers that are not finite"),
    (BITS, shift("obs"), "obs is uint8"),
    (BITS, shift("reward"), "avail_actions is uint8"),
    (BITS, lacks("state"), r"another version or environment \(state\)"),
    (BITS, no_sizes, "reward is no tensor with sizes of episodes"),
    (BITS, one_episode_less, "different numbers of episodes"),
    (BITS, lambda state: state["sizes"]["obs"].add_(1), "obs has 11 rows, not the 14"),
    (BITS, lambda state: state["sizes"]["obs"].mul_(-1), "obs is no tensor with sizes"),
    (NUMBERS, padding("obs_ones"), "obs_ones has ones beyond its 15 columns"),
    (NUMBERS, overlap, "state_ones and state_others overlap"),
    (NUMBERS, one_value_less, r"obs_values is float32 \[\d+\], not float32 \[\d+\]"),
    (NUMBERS, value("state_values", torch.nan), "state_values holds numbers that are not finite"),
    (NUMBERS, type_of("obs_values", torch.float64), "obs_values is float64"),
]


@pytest.mark.parametrize(("spec", "spoil", "message"), DAMAGE)
def test_damaged_replays_are_refused(spec, spoil, message):
    state = stored(spec)
    restore(state, spec)
    spoil(state)
    if message is None:
        restore(state, spec)
    else:
        with pytest.raises(ValueError, match=message):
            restore(state, spec)


@pytest.mark.parametrize("probability", [0.0, 1.5, -0.1, torch.nan])
def test_probabilities_of_actions_are_looked_at(probability):
    state = stored(BITS, behaviour=True)
    restore(state, BITS, behaviour=True)
    state["fields"]["behaviour"][1, 1] = probability
    with pytest.raises(ValueError, match="behaviour holds numbers that are no probabilities"):
        restore(state, BITS, behaviour=True)


@pytest.mark.parametrize("kept", [True, False])
def test_probabilities_are_there_if_and_only_if_they_are_wanted(kept):
    with pytest.raises(ValueError, match=r"\(behaviour\)"):
        restore(stored(BITS, behaviour=kept), BITS, behaviour=not kept)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (value("individual_rewards", torch.nan), "individual_rewards holds numbers that are not finite"),
        (type_of("individual_rewards", torch.float64), "individual_rewards is float64"),
        (lacks("individual_rewards"), r"another version or environment \(individual_rewards\)"),
    ],
)
def test_individual_rewards_are_looked_at(spoil, message):
    spec = make_spec(individual_rewards=True)
    replay, restored = (EpisodeReplay(spec, 5, individual_rewards=True) for _ in range(2))
    replay.add([make_episode(spec, n, n) for n in (3, 1)])
    state = replay.state_dict()
    restored.load_state_dict(state)
    spoil(state)
    with pytest.raises(ValueError, match=message):
        restored.load_state_dict(state)


@pytest.mark.parametrize(
    "changes", [{"obs_size": 20}, {"n_agents": 2}, {"n_actions": 9}, {"state_size": 9}], ids=str
)
def test_replays_of_other_environments_are_refused(changes):
    other = make_spec(**({"obs_size": 11, "obs_dtype": "bool", "state_dtype": "bool"} | changes))
    with pytest.raises(ValueError, match=r"^(obs|state|avail_actions) is uint8"):
        restore(stored(BITS), other)


def test_many_actions_take_more_bytes():
    spec = make_spec(n_actions=300)
    restore(stored(spec), spec)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"obs": np.zeros((4, 3, 11), np.uint8)}, "obs is uint8"),
        ({"obs": np.zeros((4, 3, 12), bool)}, "obs is bool"),
        ({"state": np.zeros((3, 7), bool)}, "state is bool"),
        ({"avail_actions": np.ones((4, 3, 5), bool)}, "avail_actions is bool"),
        ({"avail_actions": np.ones((4, 3, 4), np.int64)}, "avail_actions is int64"),
        ({"actions": np.zeros((3, 2), np.int64)}, "actions is int64"),
        ({"reward": np.zeros(0, np.float32)}, "no transition"),
    ],
)
def test_episodes_that_do_not_fit_the_environment_are_not_stored(changes, field):
    replay = EpisodeReplay(BITS, 10)
    with pytest.raises(ValueError, match=field):
        replay.add([make_episode(BITS, 3, **changes)])
    assert len(replay) == 0
