"""Statistics of episodes, running means, and the histogram of weights."""

from math import isnan

import numpy as np
import pytest
import torch

from remix.learning.metrics import EpisodeStatistics, Means, WeightHistogram
from tests.samples import make_episode, make_spec

SPEC = make_spec()


def episode(total, length, captures=0.0):
    reward = np.zeros(length, np.float32)
    reward[-1] = total
    return make_episode(SPEC, length, reward=reward, metrics={"captures": captures})


class TestEpisodeStatistics:
    def test_means_over_all_episodes(self):
        statistics = EpisodeStatistics(["captures"])
        statistics.update([episode(2.0, 2, 3.0), episode(5.0, 4, 0.0)])
        statistics.update([episode(-1.0, 3, 6.0)])
        assert statistics.compute() == pytest.approx(
            {"return": 2.0, "return_std": 6.0**0.5, "length": 3.0, "captures": 3.0}
        )

    def test_returns_of_the_agents_beside_that_of_the_team(self):
        spec = make_spec(n_agents=2, individual_rewards=True)
        statistics = EpisodeStatistics([], n_paid=2)
        own = [np.array(rewards, np.float32) for rewards in ([[1, -2], [3, -4]], [[6, 0]])]
        statistics.update([make_episode(spec, len(o), reward=o.mean(1), individual_rewards=o) for o in own])
        assert statistics.compute() == pytest.approx(
            {"return": 1.0, "return_std": 2.0, "length": 1.5, "return_agent_0": 5.0, "return_agent_1": -3.0}
        )

    def test_equal_returns_have_no_spread(self):
        statistics = EpisodeStatistics([])
        statistics.update([episode(0.1, 2)] * 7)
        assert statistics.compute()["return_std"] == pytest.approx(0.0, abs=1e-6)

    def test_reset_forgets(self):
        statistics = EpisodeStatistics(["captures"])
        statistics.update([episode(100.0, 2, 1.0)])
        statistics.reset()
        statistics.update([episode(1.0, 5, 2.0)])
        assert statistics.compute() == {"return": 1.0, "return_std": 0.0, "length": 5.0, "captures": 2.0}

    @pytest.mark.filterwarnings("ignore:The ``compute`` method")
    def test_no_episodes_no_numbers(self):
        assert EpisodeStatistics(["captures"]).compute() == {}

    def test_it_is_not_part_of_a_checkpoint(self):
        assert not EpisodeStatistics(["captures"]).state_dict()


class TestMeans:
    def test_mean_of_each_name_over_the_times_it_came(self):
        means = Means()
        means.update({"loss": torch.tensor(1.0), "weights": torch.tensor(5.0)})
        means.update({"loss": torch.tensor(3.0)})
        assert means.take() == {"loss": 2.0, "weights": 5.0}

    def test_taking_starts_anew(self):
        means = Means()
        means.update({"loss": torch.tensor(1.0)})
        means.take()
        assert means.take() == {}
        means.update({"loss": torch.tensor(7.0)})
        assert means.take() == {"loss": 7.0}

    def test_given_tensors_stay_as_they_are(self):
        means, loss = Means(), torch.tensor(1.0)
        means.update({"loss": loss})
        means.update({"loss": loss})
        assert loss == 1.0

    def test_nan_of_a_number_that_may_be_lacking_does_not_count(self):
        means = Means(may_lack="now and then/")
        for a in (torch.nan, 3.0):
            means.update({"now and then/a": torch.tensor(a), "now and then/b": torch.tensor(torch.nan)})
        assert means.take() == {"now and then/a": 3.0}

    @pytest.mark.parametrize("name", ["loss", "now and then/a"])
    def test_infinity_is_shown(self, name):
        means = Means(may_lack="now and then/")
        means.update({name: torch.tensor(torch.inf)})
        assert means.take() == {name: torch.inf}

    def test_nan_of_any_other_number_is_shown(self):
        means = Means(may_lack="now and then/")
        for loss in (torch.nan, 3.0):
            means.update({"loss": torch.tensor(loss)})
        assert isnan(means.take()["loss"])

    def test_types_may_differ(self):
        means = Means()
        means.update({"a": torch.tensor(1, dtype=torch.int64), "b": torch.tensor(0.5, dtype=torch.float64)})
        assert means.take() == {"a": 1.0, "b": 0.5}


class TestWeightHistogram:
    def test_counts(self):
        histogram = WeightHistogram(0.0, 1.0, bins=4)
        histogram.update(torch.tensor([0.0, 0.2, 0.3, 0.5, 0.99]))
        histogram.update(torch.tensor([0.1]))
        assert histogram.compute().tolist() == [3, 1, 1, 1]

    def test_both_ends_belong_to_the_range(self):
        histogram = WeightHistogram(0.1, 1.0, bins=50)
        histogram.update(torch.tensor([0.1] * 3 + [1.0] * 2))
        counts = histogram.compute()
        assert counts.tolist() == [3] + [0] * 48 + [2]

    def test_a_range_of_one_value(self):
        histogram = WeightHistogram(1.0, 1.0, bins=5)
        histogram.update(torch.ones(4))
        assert histogram.compute().tolist() == [4, 0, 0, 0, 0]

    def test_reset_forgets(self):
        histogram = WeightHistogram(0.0, 1.0, bins=2)
        histogram.update(torch.rand(10))
        histogram.reset()
        histogram.update(torch.tensor([0.7]))
        assert histogram.compute().tolist() == [0, 1]
