"""Payoffs, situations and ends of the table games."""

from itertools import product

import hydra.utils
import numpy as np
import pytest

from remix.envs.games import BranchChain, GeneralSumGame, MatrixGame, PenaltyGame, TwoStepGame
from remix.settings.errors import SettingError
from tests.envs.configured import node


def configured(name, **changes):
    return hydra.utils.instantiate(node(name), **changes)


def returns(env):
    """Return of every sequence of joint actions of a game with two agents, as one batch of episodes."""
    joint = list(product(range(env.spec.n_actions), repeat=2))
    plans = np.array(list(product(joint, repeat=env.spec.episode_limit)))
    env.reset(np.zeros(len(plans), np.int64))
    total, ended = np.zeros(len(plans)), np.zeros(len(plans), bool)
    for t in range(env.spec.episode_limit):
        step = env.step(plans[:, t])
        total += step.reward
        ended |= step.terminated
        assert not step.truncated.any()
    assert ended.all()
    return total


@pytest.mark.parametrize(
    ("name", "best", "second", "uniform"),
    [
        ("matrix_game", 8, 0, -40 / 9),
        ("climbing", 11, 7, -31 / 9),
        ("penalty", 10, 2, (22 - 200) / 9),
        ("two_step", 8, 7, 4.75),
        ("repeated_matrix_game", 32, 24, -4 * 40 / 9),
        ("branch_chain", 7, 4, None),
    ],
)
def test_configured_games_have_their_published_values(name, best, second, uniform):
    values = returns(configured(name))
    levels = np.unique(values)
    assert levels[-2:].tolist() == [second, best]
    if uniform is not None:
        np.testing.assert_allclose(values.mean(), uniform)


def test_rows_belong_to_agent_0():
    env = configured("climbing")
    env.reset(np.zeros(2, np.int64))
    assert env.step(np.array([[1, 2], [2, 1]])).reward.tolist() == [6, 0]


def test_the_penalty_is_a_setting():
    env = configured("penalty", penalty=-25)
    assert returns(env).reshape(3, 3).tolist() == [[10, 0, -25], [0, 2, 0], [-25, 0, 10]]


def test_two_step_depends_on_the_first_action_of_agent_0_alone():
    env = TwoStepGame()
    observation = env.reset(np.zeros(4, np.int64))
    assert (observation.state == [1, 0, 0]).all() and (observation.obs == [1, 0, 0]).all()
    step = env.step(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]))
    assert not step.reward.any() and not step.terminated.any()
    assert step.observation.state.argmax(axis=-1).tolist() == [1, 1, 2, 2]
    step = env.step(np.array([[0, 1], [1, 1], [0, 1], [1, 1]]))
    assert step.reward.tolist() == [7, 7, 1, 8] and step.terminated.all()


def test_repeated_games_show_the_stage():
    env = MatrixGame([[1, 2], [3, 4]], stages=3)
    seen = [env.reset(np.zeros(1, np.int64)).state[0].tolist()]
    for _ in range(3):
        step = env.step(np.array([[1, 0]]))
        assert step.reward == 3
        seen.append(step.observation.state[0].tolist())
    assert seen == [*np.eye(3).tolist(), [0, 0, 0]]
    assert step.terminated.all()


def test_features_are_the_situations():
    spec = MatrixGame([[1, 0], [0, 1]], stages=2).spec
    assert spec.obs_names == spec.state_names == ("stage 0", "stage 1")


def test_branch_chain_ends_early_on_a_mismatch():
    env = BranchChain(stages=3)
    env.reset(np.zeros(3, np.int64))
    step = env.step(np.array([[0, 1], [0, 0], [1, 1]]))
    assert step.terminated.tolist() == [True, False, False] and step.reward.tolist() == [0, 1, 0]
    step = env.step(np.array([[0, 0], [1, 1], [1, 1]]))
    assert step.terminated.tolist() == [False, True, False] and step.reward.tolist() == [0, 0, 0]
    step = env.step(np.array([[0, 0], [0, 0], [1, 1]]))
    assert step.terminated.tolist() == [False, False, True] and step.reward.tolist() == [0, 0, 6]


def test_opposite_rewards_are_none_to_the_team():
    env = configured("zero_sum_game")
    joint = np.array(list(product(range(2), repeat=2)))
    env.reset(np.zeros(4, np.int64))
    step = env.step(joint)
    assert step.individual_rewards.dtype == np.float32
    assert step.individual_rewards.tolist() == [[0, 0], [-1, 1], [2, -2], [1, -1]]
    assert not step.reward.any()
    after = env.step(joint)
    assert not after.individual_rewards.any(), "nothing is paid after the end"


def test_each_of_three_agents_has_a_table_and_the_team_their_mean():
    tables = np.arange(36.0).reshape(3, 2, 3, 2)
    env = GeneralSumGame(tables, stages=2)
    assert env.spec.individual_rewards and env.spec.n_actions == 3
    env.reset(np.zeros(1, np.int64))
    for _ in range(2):
        step = env.step(np.array([[1, 2, 0]]))
        np.testing.assert_array_equal(step.individual_rewards, [tables[:, 1, 2, 0]])
        assert step.reward.tolist() == [tables[:, 1, 2, 0].mean()]
    assert step.terminated.all()


def test_payoffs_may_be_rectangular():
    env = MatrixGame([[0, 1, 2], [3, 4, 5]])
    observation = env.reset(np.zeros(1, np.int64))
    assert observation.avail_actions[0].tolist() == [[True, True, False], [True, True, True]]
    assert env.step(np.array([[1, 2]])).reward == 5
    env.reset(np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="actions"):
        env.step(np.array([[2, 0]]))


def test_payoffs_may_have_more_agents():
    payoff = np.arange(8).reshape(2, 2, 2)
    env = MatrixGame(payoff)
    env.reset(np.zeros(1, np.int64))
    assert env.spec.n_agents == 3
    assert env.step(np.array([[1, 0, 1]])).reward == 5
    assert env.render().shape[-1] == 3


@pytest.mark.parametrize(
    ("setting", "make"),
    [
        ("payoff", lambda: MatrixGame([[1, 2], [3]])),
        ("payoff", lambda: MatrixGame([1, 2, 3])),
        ("payoff", lambda: MatrixGame([["a", "b"], ["c", "d"]])),
        ("payoff", lambda: MatrixGame([[1, float("nan")]])),
        ("payoff", lambda: MatrixGame([[]])),
        ("payoffs", lambda: GeneralSumGame([[1, 2], [3, 4]])),
        ("payoffs", lambda: GeneralSumGame([[[1, 2], [3, 4]]])),
        ("payoffs", lambda: GeneralSumGame([[[1, 2], [3, 4]], [[1, 2], [3]]])),
        ("stages", lambda: GeneralSumGame([[[1]], [[2]]], stages=0)),
        ("stages", lambda: MatrixGame([[1, 2]], stages=0)),
        ("stages", lambda: BranchChain(stages=1)),
        ("stages", lambda: MatrixGame([[1, 2]], stages=10_001)),
        ("stages", lambda: BranchChain(stages=10_001)),
        ("payoff", lambda: MatrixGame([[1, 1e39]])),
        ("payoffs", lambda: GeneralSumGame([[[1, 2]], [[3, -1e39]]])),
        ("penalty", lambda: PenaltyGame(penalty=-1e39)),
        ("penalty", lambda: PenaltyGame(penalty=1)),
        ("payoff_a", lambda: TwoStepGame(payoff_a=[[1, 2, 3], [4, 5, 6]])),
        ("payoff_b", lambda: TwoStepGame(payoff_b=None)),
    ],
)
def test_settings_that_cannot_work_are_named(setting, make):
    with pytest.raises(SettingError) as error:
        make()
    assert error.value.setting == setting
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("game", "best"),
    [
        (MatrixGame([[8, -12], [-12, 0]]), 8),
        (MatrixGame([[-8, -12], [-12, -9]], stages=3), -24),
        (PenaltyGame(penalty=-50), 10),
        (TwoStepGame(), 8),
        (BranchChain(stages=4), 7),
    ],
)
def test_the_best_return_is_known(game, best):
    assert game.spec.best_return == best
