"""Workers, replay and Lightning's loops together: what happens when, counted in environment steps."""

import time
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from remix.algorithms.value_factorization import ValueFactorization
from remix.checking.recording import Recorder
from remix.envs.games import BranchChain, MatrixGame
from remix.learning.datamodule import ReplayDataModule
from remix.learning.policy import Policy
from remix.learning.schedules import Schedule
from remix.learning.workers.inline import InlineWorkers
from remix.learning.workers.process import ProcessWorkers
from remix.networks.central import CentralQ
from remix.settings.errors import SettingError
from remix.weighting.regret_minimizing import RegretMinimizing
from tests.training import fit, make_trainer

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*training_step. returned .None."),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec"),
    pytest.mark.filterwarnings("ignore:.*dataloader is not resumable"),
]

# Three decisions an episode, so 12 environment steps a round.
GAME = partial(MatrixGame, [[1, 2], [3, 4]], stages=3)


def make_data(environment=GAME, **changes):
    settings: dict[str, Any] = {
        "capacity": 100,
        "batch_size": 8,
        "episodes_per_round": 4,
        "steps_per_epoch": 30,
        "max_env_steps": 100,
        "validation_episodes": 3,
        "test_episodes": 5,
    }
    return ReplayDataModule(environment, **(settings | changes))


def make_module(data, **changes):
    torch.manual_seed(data.seed)
    settings: dict[str, Any] = {"policy": partial(Policy, hidden_size=8), "epsilon": Schedule(1.0, 0.05, 80)}
    return ValueFactorization(data.spec, **(settings | changes))


def run(data=None, module_settings=None, **options):
    data = data or make_data()
    return fit(make_module(data, **(module_settings or {})), data, **options)


class TestTiming:
    def test_epochs_end_with_the_round_that_reaches_their_steps(self):
        """Steps 30, 60, 90 and the budget of 100, each at the end of its round of 12."""
        assert [step for step, _ in run().history("test/return")] == [36, 60, 96, 108]

    def test_every_round_is_counted(self):
        recorder = run()
        steps = [12 * r for r in range(1, 10)]
        assert recorder.history("train/episodes") == [(step, step / 3) for step in steps]
        assert recorder.history("train/length") == [(step, 3.0) for step in steps]

    def test_learning_starts_with_a_full_batch(self):
        """The first round has 4 episodes of the 8 that a batch needs."""
        recorder = run()
        assert [value for _, value in recorder.history("train/updates")] == list(range(9))
        assert recorder.history("train/loss")[0][0] == 24

    def test_several_updates_in_a_round(self):
        recorder = run(make_data(updates_per_round=3))
        assert recorder.history("train/updates")[-1] == (108, 24.0)
        assert len(recorder.history("train/return")) == 9, "the episodes of a round count once"

    def test_exploration_is_that_of_the_steps_before_the_round(self):
        recorder = run(module_settings={"epsilon": Schedule(1.0, 0.2, 80)})
        epsilons = [value for _, value in recorder.history("train/epsilon")]
        assert epsilons == pytest.approx([1.0 - 0.8 * min(1.0, 12 * r / 80) for r in range(9)])

    def test_no_empty_epoch_follows_the_last(self):
        class Epochs(pl.Callback):
            started = 0

            def on_train_epoch_start(self, *args):
                self.started += 1

        epochs = Epochs()
        run(callbacks=[epochs])
        assert epochs.started == 4

    def test_an_epoch_as_long_as_a_round(self):
        recorder = run(make_data(steps_per_epoch=1, max_env_steps=36))
        assert [step for step, _ in recorder.history("test/return")] == [12, 24, 36]

    def test_targets_are_copied_by_episodes(self):
        data = make_data()
        module = make_module(data, target_update_episodes=20)
        fit(module, data)
        assert module.targets.copied_at == 20, "of 36 episodes, in rounds of 4"

    @pytest.mark.parametrize(("interval", "steps"), [(2, [24, 36, 60, 84, 96, 108]), (0, [36, 60, 96, 108])])
    def test_metrics_are_logged_at_intervals_and_at_the_end_of_an_epoch(self, interval, steps):
        recorder = run(log_every_n_steps=interval)
        assert [step for step, _ in recorder.history("train/return")] == steps


class Spy(InlineWorkers):
    """Notes the weights, seeds and exploration of every collection."""

    def __init__(self, environment, policy):
        super().__init__(environment, policy)
        self.calls, self.closed = [], False

    def collect(self, policy_state, seeds, exploration):
        weights = {name: tensor.clone() for name, tensor in policy_state.items()}
        self.calls.append((weights, seeds.tolist(), exploration))
        return super().collect(policy_state, seeds, exploration)

    def close(self):
        self.closed = True


class Weights(pl.Callback):
    """Notes the policy's weights before training and after every batch."""

    def __init__(self):
        self.states = []

    def note(self, module):
        self.states.append({name: tensor.clone() for name, tensor in module.policy.state_dict().items()})

    def on_train_start(self, trainer, pl_module):
        self.note(pl_module)

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.note(pl_module)


def spied():
    """A data module and the list that its pool will be in."""
    pools = []

    def workers(environment, policy):
        pools.append(Spy(environment, policy))
        return pools[-1]

    return make_data(workers=workers), pools


class TestCollection:
    def test_every_round_is_played_by_the_newest_policy(self):
        data, pools = spied()
        weights = Weights()
        fit(make_module(data), data, callbacks=[weights])
        training = [call for call in pools[0].calls if len(call[1]) == 4]
        assert len(training) == 9
        for (played, _, _), expected in zip(training, weights.states, strict=False):
            assert all(torch.equal(played[name], expected[name]) for name in expected)
        assert not torch.equal(training[1][0]["agent.head.bias"], training[-1][0]["agent.head.bias"])

    def test_validation_is_greedy_and_plays_the_newest_policy(self):
        data, pools = spied()
        module = make_module(data)
        fit(module, data)
        played, _, exploration = pools[0].calls[-1]
        assert exploration is None
        assert all(torch.equal(played[name], tensor) for name, tensor in module.policy.state_dict().items())

    def test_no_episode_is_played_twice(self):
        data, pools = spied()
        fit(make_module(data), data)
        seeds = [seed for _, seeds, _ in pools[0].calls for seed in seeds]
        assert len(seeds) == len(set(seeds)) == 9 * 4 + 4 * 3

    def test_the_pool_is_closed_at_the_end(self):
        data, pools = spied()
        fit(make_module(data), data)
        assert [pool.closed for pool in pools] == [True]

    def test_the_pool_is_closed_after_an_error(self):
        class Broken(pl.Callback):
            def on_train_batch_end(self, *args):
                raise RuntimeError("broken")

        data, pools = spied()
        with pytest.raises(RuntimeError, match="broken"):
            fit(make_module(data), data, callbacks=[Broken()])
        assert [pool.closed for pool in pools] == [True]

    @pytest.mark.parametrize("on_policiness", [True, False])
    def test_behaviour_is_stored_if_the_algorithm_needs_it(self, on_policiness):
        weighting = RegretMinimizing(on_policiness=on_policiness, warmup_steps=0)
        data = make_data()
        run(data, {"weighting": weighting, "central": partial(CentralQ, embed_dim=8)})
        assert (data.replay.sample(4, data.generator).behaviour is not None) == on_policiness


class Late(Spy):
    """Begins when the update is surely over."""

    def collect(self, policy_state, seeds, exploration):
        time.sleep(0.05)
        return super().collect(policy_state, seeds, exploration)


@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize(
    ("collected", "words"), [(lambda played: played[1:], "1$"), (iter, "list_iterator$")]
)
def test_workers_that_play_other_episodes_are_refused(overlap, collected, words):
    class Partial(InlineWorkers):
        def collect(self, policy_state, seeds, exploration):
            played = super().collect(policy_state, seeds, exploration)
            return played if exploration is None else collected(played)

    data = make_data(workers=partial(Partial, overlap=overlap), episodes_per_round=2)
    message = "^workers=Partial: must collect a list of 2 episodes, one for each seed, has collected "
    with pytest.raises(SettingError, match=message + words):
        fit(make_module(data), data)


class TestOverlap:
    @staticmethod
    def spied(**changes):
        """A data module whose workers overlap, and its calls."""
        calls: list[Any] = []

        def workers(environment, policy):
            pool = Late(environment, policy)
            pool.overlap, pool.calls = True, calls
            return pool

        return make_data(workers=workers, **changes), calls

    def test_rounds_are_played_by_the_policy_before_the_last_updates(self):
        """Rounds 1 to 9, of which 1, 4, 6 and 9 are the first of their epochs and get the newest policy."""
        data, calls = self.spied()
        weights = Weights()
        fit(make_module(data), data, callbacks=[weights])
        training = [call[0] for call in calls if len(call[1]) == 4]
        assert len(training) == 9
        for index, played in enumerate(training):
            newest = index in (0, 3, 5, 8)
            expected = weights.states[index if newest else index - 1]
            assert all(torch.equal(played[name], expected[name]) for name in expected), index

    def test_the_same_episodes_with_the_same_exploration(self):
        data, calls = self.spied()
        fit(make_module(data), data)
        plain, pools = spied()
        fit(make_module(plain), plain)
        for call, expected in zip(calls, pools[0].calls, strict=True):
            assert call[1:] == expected[1:]

    def test_nothing_depends_on_timing(self):
        inline = partial(InlineWorkers, overlap=True)
        first = rows(workers=inline)
        assert rows(workers=inline) == first
        assert rows(workers=partial(ProcessWorkers, n_workers=2, episodes_at_once=1, overlap=True)) == first

    def test_an_error_in_the_background_ends_the_run(self):
        class Failing(InlineWorkers):
            played = 0

            def collect(self, *args):
                self.played += 1
                if self.played == 2:
                    raise RuntimeError("the game crashed")
                return super().collect(*args)

        data = make_data(workers=partial(Failing, overlap=True))
        with pytest.raises(RuntimeError, match="the game crashed"):
            fit(make_module(data), data)
        assert data.collector.pool is None

    @pytest.mark.parametrize("overlap", [True, False])
    def test_a_run_stopped_within_an_epoch_goes_on_as_if_it_had_not(self, tmp_path, overlap):
        class Stop(pl.Callback):
            def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
                trainer.should_stop = batch.episodes == 16

            def on_train_end(self, trainer, pl_module):
                trainer.save_checkpoint(tmp_path / "middle.ckpt")

        workers = partial(InlineWorkers, overlap=overlap)
        settings: dict[str, Any] = {"workers": workers, "steps_per_epoch": 1000, "max_env_steps": 150}
        whole = rows(**settings)
        data = make_data(BranchChain, **settings)
        fit(make_module(data, **REMIX), data, callbacks=[Stop()])
        resumed, recorder = make_data(BranchChain, **settings), Recorder()
        resumed.replay.load_state_dict(data.replay.state_dict())
        trainer = make_trainer(logger=recorder)
        path = tmp_path / "middle.ckpt"
        trainer.fit(make_module(resumed, **REMIX), resumed, ckpt_path=path, weights_only=True)
        first = recorder.rows[0][0]
        assert len(recorder.rows) > 3
        assert recorder.rows == [row for row in whole if row[0] >= first]

    def test_a_round_that_was_not_finished_is_played_again_by_the_policy_that_began_it(self, tmp_path):
        class Stop(pl.Callback):
            def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
                trainer.should_stop = batch.episodes == 16

            def on_train_end(self, trainer, pl_module):
                trainer.save_checkpoint(tmp_path / "middle.ckpt")

        data, calls = self.spied(steps_per_epoch=1000, max_env_steps=1000)
        fit(make_module(data), data, callbacks=[Stop()])
        begun = next(call for call in reversed(calls) if call[2])
        resumed, again = self.spied(steps_per_epoch=1000, max_env_steps=61)
        resumed.replay.load_state_dict(data.replay.state_dict())
        trainer = make_trainer()
        trainer.fit(make_module(resumed), resumed, ckpt_path=tmp_path / "middle.ckpt", weights_only=True)
        played = next(call for call in again if call[2])
        assert played[1:] == begun[1:]
        assert all(torch.equal(played[0][name], tensor) for name, tensor in begun[0].items())
        newest = torch.load(tmp_path / "middle.ckpt", weights_only=True)["state_dict"]
        assert not torch.equal(newest["policy.agent.head.bias"], played[0]["agent.head.bias"])


class TestEvaluation:
    def test_test_and_validation_without_training(self):
        data = make_data()
        module, trainer = make_module(data), make_trainer()
        for run, prefix in ((trainer.test, "final"), (trainer.validate, "test")):
            run(module, data, verbose=False)
            metrics = trainer.callback_metrics
            assert metrics.keys() == {f"{prefix}/return", f"{prefix}/length", f"{prefix}/return_std"}
            assert metrics[f"{prefix}/length"] == 3.0

    def test_returns_are_those_of_the_greedy_policy(self):
        data = make_data()
        module = make_module(data)
        fit(module, data)
        nn.init.zeros_(module.policy.agent.head.weight)
        module.policy.agent.head.bias.data = torch.tensor([0.0, 1.0])
        trainer = make_trainer()
        trainer.test(module, data, verbose=False)
        assert trainer.callback_metrics["final/return"] == 12.0
        assert trainer.callback_metrics["final/return_std"] == 0.0

    def test_checkpoints_can_follow_the_return(self):
        """Lightning knows the metric, and every epoch validates before it ends."""
        stopping = pl.callbacks.EarlyStopping("test/return", mode="max", patience=1, min_delta=1e9)
        assert [step for step, _ in run(callbacks=[stopping]).history("test/return")] == [36, 60]


REMIX = {
    "weighting": RegretMinimizing(warmup_steps=50),
    "central": partial(CentralQ, hidden_size=8, embed_dim=8),
}


def rows(**changes):
    """All metrics of a run of ReMIX on a game with episodes of different lengths."""
    settings = {"environment": BranchChain, "steps_per_epoch": 40, "max_env_steps": 150} | changes
    data = make_data(**settings)
    return fit(make_module(data, **REMIX), data).rows


class TestReproducibility:
    def test_the_seed_decides_everything(self):
        first = rows(seed=3)
        assert any("weighting/mean" in metrics for _, metrics in first)
        assert rows(seed=3) == first
        assert rows(seed=4) != first

    def test_the_seed_of_the_data_alone_makes_a_difference(self):
        def lengths(seed):
            data = make_data(BranchChain, seed=seed)
            torch.manual_seed(0)
            return fit(ValueFactorization(data.spec), data).history("train/length")

        assert lengths(1) != lengths(2)

    def test_processes_change_nothing(self):
        workers = partial(ProcessWorkers, n_workers=2, episodes_at_once=1)
        assert rows(workers=workers) == rows(workers=InlineWorkers)

    def test_a_run_goes_on_from_a_checkpoint_as_if_it_had_never_stopped(self, tmp_path):
        whole = rows()
        data = make_data(BranchChain, steps_per_epoch=40, max_env_steps=80)
        first, second = Recorder(), Recorder()
        trainer = make_trainer(logger=first)
        trainer.fit(make_module(data, **REMIX), data)
        trainer.save_checkpoint(tmp_path / "half.ckpt")
        resumed = make_data(BranchChain, steps_per_epoch=40, max_env_steps=150)
        resumed.replay.load_state_dict(data.replay.state_dict())
        again = make_trainer(logger=second)
        again.fit(make_module(resumed, **REMIX), resumed, ckpt_path=tmp_path / "half.ckpt")
        assert first.rows + second.rows == whole

    @pytest.mark.parametrize(("kept", "per_round"), [(False, 3), (True, 1)])
    def test_a_stop_within_the_last_round_of_an_epoch_is_one_where_the_rest_cannot_be_made(
        self, kept, per_round, tmp_path
    ):
        """Because the replay was not kept, or a round has fewer updates by now: the epoch still ends."""

        class Epochs(pl.Callback):
            def __init__(self):
                self.steps = []

            def on_train_epoch_start(self, trainer, pl_module):
                self.steps.append(trainer.datamodule.env_steps)
                assert len(self.steps) < 10, "epochs without end"

        data = make_data(updates_per_round=3)
        trainer = make_trainer(max_steps=5)  # the second of three in the round of steps 24 to 36
        trainer.fit(make_module(data), data)
        trainer.save_checkpoint(tmp_path / "half.ckpt")
        resumed, recorder, epochs = make_data(updates_per_round=per_round), Recorder(), Epochs()
        if kept:
            resumed.replay.load_state_dict(data.replay.state_dict())
        again = make_trainer(logger=recorder, callbacks=[epochs])
        again.fit(make_module(resumed), resumed, ckpt_path=tmp_path / "half.ckpt")
        assert epochs.steps == [36, 36, 60, 96]
        assert [step for step, _ in recorder.history("test/return")] == [36, 60, 96, 108]

    def test_a_finished_run_plays_nothing_more(self, tmp_path):
        data = make_data()
        trainer = make_trainer()
        trainer.fit(make_module(data), data)
        trainer.save_checkpoint(tmp_path / "end.ckpt")
        data, pools = spied()
        again = make_trainer()
        again.fit(make_module(data), data, ckpt_path=tmp_path / "end.ckpt")
        assert not [call for call in pools[0].calls if call[2] > 0.0]
        assert data.episodes == 36 and data.env_steps == 108


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("batch_size", 0, r"replay\.batch_size=0: must be a whole number of at least 1"),
        ("episodes_per_round", 0, r"replay\.episodes_per_round"),
        ("updates_per_round", 0, r"replay\.updates_per_round"),
        ("steps_per_epoch", 0, "steps_per_epoch"),
        ("max_env_steps", 0, "max_env_steps"),
        ("validation_episodes", 0, "validation_episodes"),
        ("test_episodes", 0, "test_episodes"),
    ],
)
def test_settings_that_cannot_work(setting, value, message):
    with pytest.raises(SettingError, match=message):
        make_data(**{setting: value})


class OnPolicy(ValueFactorization):
    """Keeps the rewards of what it learns from."""

    learns_from_replay, learns_from_latest = False, True

    def learn(self, data):
        self.seen = [*getattr(self, "seen", []), (data.batch, data.latest)]
        return super().learn(data)


class BothKinds(OnPolicy):
    learns_from_replay = True


class TestLatestEpisodes:
    @staticmethod
    def seen(kind, **changes):
        data = make_data(**changes)
        torch.manual_seed(1)
        module = kind(data.spec, policy=partial(Policy, hidden_size=8))
        recorder = fit(module, data)
        return module.seen, recorder

    def test_on_policy_learning_begins_with_the_first_round(self):
        """And gets the episodes of the round, whatever batch_size says."""
        seen, recorder = self.seen(OnPolicy, batch_size=64)
        assert len(seen) == 9
        assert all(replayed is None and latest.n_episodes == 4 for replayed, latest in seen)
        assert recorder.history("train/updates")[-1][1] == 9.0

    def test_the_latest_are_the_round(self):
        seen, recorder = self.seen(OnPolicy)
        returns = [latest.reward.sum().item() / 4 for _, latest in seen]
        assert returns == pytest.approx([value for _, value in recorder.history("train/return")])

    def test_both_kinds_at_once(self):
        """Learning waits until there are enough of both."""
        seen, _ = self.seen(BothKinds, batch_size=6, latest_size=11)
        assert len(seen) == 7, "of 9 rounds"
        assert all((replayed.n_episodes, latest.n_episodes) == (6, 11) for replayed, latest in seen)

    def test_overlapping_workers_are_refused(self):
        """Their episodes would be those of an older policy."""
        with pytest.raises(SettingError, match=r"workers\.overlap=True: must be false: OnPolicy learns"):
            self.seen(OnPolicy, workers=partial(InlineWorkers, overlap=True))

    @pytest.mark.parametrize(
        ("kind", "sizes", "message"),
        [
            (OnPolicy, {"capacity": 3}, "latest_size=4: must be at most replay.capacity=3 episodes"),
            (OnPolicy, {"latest_size": 101}, "latest_size=101: must be at most replay.capacity=100 episodes"),
            (BothKinds, {"capacity": 7}, "batch_size=8: must be at most replay.capacity=7 episodes"),
            (ValueFactorization, {"capacity": 7}, "batch_size=8: must be at most replay.capacity=7 episodes"),
        ],
    )
    def test_more_than_the_replay_holds(self, kind, sizes, message):
        with pytest.raises(SettingError, match=f"^replay.{message}$"):
            self.seen(kind, **sizes)

    def test_sizes_that_an_algorithm_does_not_learn_from_do_not_matter(self):
        seen, _ = self.seen(OnPolicy, capacity=4, batch_size=64)
        assert len(seen) == 9
        recorder = run(make_data(capacity=8, latest_size=64))
        assert recorder.history("train/updates")[-1][1] == 8.0


class MayHang(MatrixGame):
    """A game that has to be played where it can be replaced."""

    def __init__(self):
        super().__init__([[1, 2], [3, 4]], stages=3)
        self.spec = replace(self.spec, may_hang=True)


def test_games_that_may_hang_need_workers_that_can_be_replaced():
    data = make_data(MayHang)
    with pytest.raises(SettingError, match=r"workers=InlineWorkers: cannot replace.*choose workers=process"):
        run(data)
    assert data.collector.pool is None
    run(make_data(MayHang, workers=partial(ProcessWorkers, n_workers=1), max_env_steps=30))
