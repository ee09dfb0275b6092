"""Targets over packed episodes of different lengths: TD(lambda) and tree backup."""

import numpy as np
import pytest
import torch

from remix.learning import returns
from remix.learning.returns import td_lambda, tree_backup

REWARD, NEXT_VALUE = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([5.0, 4.0, 7.0])


def one_episode(terminated, lambda_):
    ends = torch.tensor([False, False, terminated])
    return td_lambda(REWARD, ends, NEXT_VALUE, [1, 1, 1], gamma=0.9, lambda_=lambda_)


@pytest.mark.parametrize(
    ("terminated", "expected"),
    [(True, [5.5324, 5.06, 3.0]), (False, [7.36948, 8.462, 9.3])],
    ids=["terminated", "truncated"],
)
def test_worked_example(terminated, expected):
    torch.testing.assert_close(one_episode(terminated, 0.6), torch.tensor(expected))


@pytest.mark.parametrize(("terminated", "last"), [(True, 3.0), (False, 3.0 + 0.9 * 7.0)])
def test_lambda_0_looks_one_step_ahead(terminated, last):
    torch.testing.assert_close(
        one_episode(terminated, 0.0), torch.tensor([1.0 + 0.9 * 5.0, 2.0 + 0.9 * 4.0, last])
    )


@pytest.mark.parametrize("terminated", [True, False])
def test_lambda_1_is_the_discounted_return(terminated):
    """With the bootstrap value behind it if the episode was cut."""
    third = 3.0 + (0.0 if terminated else 0.9 * 7.0)
    second = 2.0 + 0.9 * third
    torch.testing.assert_close(
        one_episode(terminated, 1.0), torch.tensor([1.0 + 0.9 * second, second, third])
    )


@pytest.mark.parametrize("lambda_", [0.0, 0.6, 1.0])
def test_each_episode_of_a_batch_has_the_targets_it_has_alone(lambda_):
    rng = np.random.default_rng(0)
    lengths, terminated = [6, 4, 4, 1], [False, True, False, True]
    alone, columns = [], []
    for length, end in zip(lengths, terminated, strict=True):
        reward, value = torch.from_numpy(rng.normal(size=(2, length)))
        ends = torch.zeros(length, dtype=torch.bool)
        ends[-1] = end
        columns.append((reward, ends, value))
        alone.append(td_lambda(reward, ends, value, [1] * length, 0.9, lambda_))
    order = [(t, i) for t in range(6) for i in range(4) if lengths[i] > t]
    reward, ends, value = (torch.stack([columns[i][k][t] for t, i in order]) for k in range(3))
    targets = td_lambda(reward, ends, value, [4, 3, 3, 3, 1, 1], 0.9, lambda_)
    torch.testing.assert_close(targets, torch.stack([alone[i][t] for t, i in order]))


def test_no_gradient_flows_through_targets():
    value = NEXT_VALUE.clone().requires_grad_()
    targets = td_lambda(REWARD, torch.zeros(3, dtype=torch.bool), value, [1, 1, 1], 0.9, 0.6)
    assert not targets.requires_grad
    assert torch.equal(value, NEXT_VALUE), "the values themselves stay as they are"


class TestTreeBackup:
    """``Q_t + sum_l (gamma lambda)^l [pi_{t+1} ... pi_{t+l}] delta_{t+l}``."""

    VALUE = torch.tensor([10.0, 20.0, 30.0])
    DELTA = torch.tensor([1.0, 2.0, 4.0])
    PROBABILITY = torch.tensor([0.5, 0.25, 0.2])

    @pytest.mark.parametrize("truncated", [False, True])
    @pytest.mark.parametrize(
        ("depth", "expected"),
        [
            (1, [11.0, 22.0, 34.0]),
            (2, [11.225, 22.36, 34.0]),
            (3, [11.2655, 22.36, 34.0]),
            (9, [11.2655, 22.36, 34.0]),
        ],
    )
    def test_worked_example(self, depth, expected, truncated):
        """Of one episode; the value after its end counts if it was cut."""
        next_value = torch.tensor([3.0, -2.0, 5.0])
        ends = torch.tensor([False, False, not truncated])
        future = 0.9 * next_value * torch.tensor([1.0, 1.0, float(truncated)])
        reward = self.DELTA + self.VALUE - future
        targets = tree_backup(
            reward, ends, self.VALUE, next_value, self.PROBABILITY, [1, 1, 1], 0.9, 0.5, depth
        )
        torch.testing.assert_close(targets, torch.tensor(expected))

    @pytest.mark.parametrize("depth", [1, 2, 5, 50])
    @pytest.mark.parametrize("seed", range(3))
    def test_a_batch_of_episodes_is_that_of_a_double_loop(self, depth, seed):
        rng = np.random.default_rng(seed)
        lengths = sorted(rng.integers(1, 9, size=7).tolist(), reverse=True)
        gamma, lambda_, columns, expected = 0.9, 0.8, [], []
        for length in lengths:
            reward, value, next_value = rng.normal(size=(3, length))
            probability = rng.random(length)
            terminated = np.zeros(length, bool)
            terminated[-1] = rng.random() < 0.5
            columns.append((reward, terminated, value, next_value, probability))
            episode = []
            for t in range(length):
                total, trace = value[t], 1.0
                for k in range(t, min(length, t + depth)):
                    trace *= gamma * lambda_ * probability[k] if k > t else 1.0
                    future = 0.0 if terminated[k] else gamma * next_value[k]
                    total += trace * (reward[k] + future - value[k])
                episode.append(total)
            expected.append(episode)
        order = [(t, i) for t in range(max(lengths)) for i in range(7) if lengths[i] > t]
        sizes = [sum(length > t for length in lengths) for t in range(max(lengths))]
        reward, ends, value, next_value, probability = (
            torch.tensor(np.array([columns[i][k][t] for t, i in order])) for k in range(5)
        )
        targets = tree_backup(reward, ends, value, next_value, probability, sizes, gamma, lambda_, depth)
        torch.testing.assert_close(targets, torch.tensor([expected[i][t] for t, i in order]).double())

    def test_no_gradient_flows_through_targets(self):
        value = self.VALUE.clone().requires_grad_()
        ends = torch.zeros(3, dtype=torch.bool)
        targets = tree_backup(REWARD, ends, value, value, self.PROBABILITY, [2, 1], 0.9, 0.5, 2)
        assert not targets.requires_grad
        assert torch.equal(value, self.VALUE), "the values themselves stay as they are"


@pytest.mark.parametrize("columns", [(), (3,)])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("lambda_", [0.0, 0.3, 0.6, 1.0])
def test_the_compiled_pass_adds_up_as_pytorch_does_on_a_device(lambda_, kind, columns, monkeypatch):
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(1, 60, (37,), generator=generator)
    sizes = [int((lengths > t).sum()) for t in range(int(lengths.max()))]
    reward, value = torch.randn(2, sum(sizes), *columns, generator=generator, dtype=kind)
    ends = torch.rand(sum(sizes), *columns, generator=generator) < 0.05

    compiled = td_lambda(reward, ends, value, sizes, 0.9, lambda_)

    monkeypatch.setattr(returns, "compiles", lambda tensor: False)
    assert torch.equal(compiled, td_lambda(reward, ends, value, sizes, 0.9, lambda_))


def test_arguments_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="4 transitions, but arguments of shapes"):
        td_lambda(REWARD, torch.zeros(3, dtype=torch.bool), NEXT_VALUE, [2, 2], 0.9, 0.6)
