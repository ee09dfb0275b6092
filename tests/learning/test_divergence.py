"""Runs whose numbers leave what can be computed with end in one line, before anything of them is kept."""

import json
import pickle
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from remix.algorithms.dop import DOP
from remix.algorithms.fop import FOP
from remix.algorithms.independent import IndependentQLearning
from remix.callbacks.checkpointing import LastCheckpoint
from remix.checking.recording import Recorder
from remix.envs.games import MatrixGame
from remix.envs.spec import EnvSpec
from remix.learning.datamodule import ReplayDataModule
from remix.learning.divergence import DivergenceGuard
from remix.learning.policy import Policy, StochasticPolicy
from remix.settings.errors import Diverged
from tests.algorithms.devices import Waits
from tests.command_line import SMALL, CommandLine
from tests.training import make_trainer

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*training_step. returned .None."),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec"),
    pytest.mark.filterwarnings("ignore:.*dataloader is not resumable"),
]

GAME = partial(MatrixGame, [[1, 2], [3, 4]], stages=3)
NAN, ONE = torch.tensor(torch.nan), torch.tensor(1.0)


@pytest.fixture
def elsewhere(monkeypatch):
    """As if all numbers were on a device that one has to wait for."""
    monkeypatch.setattr("remix.learning.divergence.at_once", lambda value: False)


class Broken(IndependentQLearning):
    """Something is wrong with one of its updates."""

    def __init__(self, spec: EnvSpec, what: str = "loss", at: int = 3) -> None:
        super().__init__(spec, policy=partial(Policy, hidden_size=8))
        self.what, self.at = what, at
        self.before: dict[str, Tensor] = {}

    def loss(self, batch, env_steps):
        loss, metrics = super().loss(batch, env_steps)
        if self.updates + 1 == self.at:
            self.before = {name: weight.clone() for name, weight in self.state_dict().items()}
            loss = loss * torch.nan if self.what == "loss" else loss + self._steep()
        return loss, metrics

    def _steep(self) -> Tensor:
        """0, of which the gradient is not finite."""
        return (0.0 * self.policy.agent.head.bias).sum().sqrt()


def make_data() -> ReplayDataModule:
    return ReplayDataModule(
        GAME, capacity=100, batch_size=8, episodes_per_round=4, steps_per_epoch=60, max_env_steps=200
    )


def diverge(module, data, **options: Any) -> tuple[Diverged, Recorder]:
    recorder = Recorder()
    with pytest.raises(Diverged) as raised:
        make_trainer(logger=recorder, **options).fit(module, data)
    return raised.value, recorder


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_the_run_ends_before_the_weights_are_touched(what):
    data = make_data()
    module = Broken(data.spec, what=what)
    error, _ = diverge(module, data)
    assert str(error).startswith(
        f"update 3 (after 48 environment steps): the {what} is not finite; try a smaller"
    )
    assert module.before.keys() == module.state_dict().keys()
    assert all(torch.equal(weight, module.before[name]) for name, weight in module.state_dict().items())


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_on_another_device_it_ends_before_the_next_validation_and_checkpoint(what, tmp_path, elsewhere):
    data = make_data()
    module = Broken(data.spec, what=what)
    error, recorder = diverge(
        module, data, log_every_n_steps=0, callbacks=[LastCheckpoint(tmp_path)], enable_checkpointing=True
    )
    assert f"update 3 (after 48 environment steps): the {what}" in str(error)
    assert not recorder.history("test/return")
    assert not list(tmp_path.iterdir())


def test_on_another_device_a_run_that_is_stopped_leaves_no_checkpoint(tmp_path, elsewhere):
    data = make_data()
    module = Broken(data.spec, at=1)
    options = {"callbacks": [LastCheckpoint(tmp_path)], "enable_checkpointing": True}
    error, recorder = diverge(module, data, log_every_n_steps=0, max_steps=2, **options)
    assert "update 1 " in str(error)
    assert not recorder.rows and not list(tmp_path.iterdir())


@pytest.mark.parametrize("algorithm", [DOP, FOP])
def test_steps_that_are_made_by_hand_are_looked_at(algorithm):
    def huge(parameters):
        return torch.optim.SGD(parameters, lr=1e30)

    data = make_data()
    policy = partial(StochasticPolicy, hidden_size=8)
    error, _ = diverge(
        algorithm(data.spec, policy=policy, critic_optimizer=huge), data, gradient_clip_val=None
    )
    assert "critic's loss" in str(error) or "policy's loss" in str(error)


@pytest.mark.parametrize("broken", ["policy", "critic"])
def test_a_gradient_of_a_step_by_hand(broken):
    data = make_data()
    module = DOP(data.spec, policy=partial(StochasticPolicy, hidden_size=8))
    learn = module.minimise

    def minimise(loss: Tensor, number: int) -> Tensor:
        if number == (broken == "critic"):
            parameters = module.policy.agent.head if number == 0 else module.critic.network.linear[0]
            loss = loss + (0.0 * parameters.bias).sum().sqrt()
        return learn(loss, number)

    module.minimise = minimise  # type: ignore[method-assign]
    error, _ = diverge(module, data, gradient_clip_val=None)
    assert str(error).startswith(f"update 1 (after 24 environment steps): the {broken}'s gradient")


class TestGuard:
    def test_it_never_waits(self, elsewhere):
        guard = DivergenceGuard()
        with Waits() as waits:
            for update in range(1, 5):
                guard.look("loss", ONE if update < 3 else NAN, update, 10 * update)
                guard.look("gradient", ONE if update < 2 else NAN, update, 10 * update)
        assert not waits.seen
        with pytest.raises(Diverged, match=r"update 2 \(after 20 environment steps\): the gradient"):
            guard.check()

    def test_of_two_at_once_the_first_is_named(self, elsewhere):
        guard = DivergenceGuard()
        guard.look("loss", NAN, 1, 10)
        guard.look("gradient", NAN, 1, 10)
        with pytest.raises(Diverged, match="the loss"):
            guard.check()

    def test_what_was_good_is_forgotten(self, elsewhere):
        guard = DivergenceGuard()
        for update in range(1, 4):
            guard.look("loss", ONE, update, 10 * update)
            guard.check()
        guard.check()

    def test_infinity_is_not_finite_either(self):
        with pytest.raises(Diverged):
            DivergenceGuard().look("loss", -torch.inf * ONE, 1, 10)

    def test_the_error_crosses_processes(self):
        error = Diverged("loss", 1_200, 34_000)
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("algorithm", "optimizer"),
    [("qmix", "optimizer"), ("remix", "optimizer"), ("vdac_sum", "optimizer"), ("dop", "critic_optimizer")],
)
def test_a_command_fails_in_one_line(algorithm, optimizer, monkeypatch, capsys, tmp_path):
    remix = CommandLine(monkeypatch, capsys, tmp_path)
    settings = (f"algorithm={algorithm}", f"algorithm.{optimizer}.lr=1e20", "logger=csv", "callbacks=none")
    outcome = remix("train", *SMALL, *settings)
    assert outcome.code == 2
    (line,) = (line for line in outcome.err.splitlines() if not line.startswith("warning: "))
    assert line.startswith("remix: update ") and "is not finite; try a smaller learning rate" in line
    (record,) = tmp_path.glob("runs/**/run.json")
    assert json.loads(record.read_text())["status"] == "failed"
