"""POW-QMIX: the recogniser's own steps, the weights, the 3x3 game."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from remix.algorithms.pow import POW, RECOGNISER, VALUES
from remix.algorithms.value_factorization import Forward, ValueFactorization
from remix.envs.games import MatrixGame
from remix.learning.episodes import Batch
from remix.learning.policy import Policy
from remix.learning.rounds import Round
from remix.networks.central import CentralQ
from remix.networks.mixers.qmix import QMixer
from remix.networks.mixers.qplex import QPLEXMixer
from remix.networks.mixers.vdn import VDNMixer
from remix.networks.recogniser import Recogniser
from remix.settings.errors import SettingError
from remix.weighting.optimistic import Optimistic
from remix.weighting.recognised import Recognised
from tests.algorithms.devices import Waits, leave_the_cpu
from tests.algorithms.test_games import PAYOFF, every_episode, greedy_return
from tests.samples import make_batch, make_spec

BITS = make_spec(obs_dtype="bool", state_dtype="bool", obs_size=11, state_size=20)
SMALL: dict[str, Any] = {
    "policy": partial(Policy, hidden_size=16),
    "central": partial(CentralQ, hidden_size=16, embed_dim=16),
    "recogniser": partial(Recogniser, embed_dim=8, hidden_size=16),
    "weighting": Recognised(0.0, 1.0, tolerance=0.1, warmup_steps=0),
    "loss_factor": 0.5,
}


class Offline(POW):
    """Makes its steps without Lightning, and notes them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **(SMALL | options))
        self.own_optimizers = self.configure_optimizers()
        self.steps: list[int] = []
        self.losses: list[float] = []

    def minimise(self, loss: Tensor, number: int) -> Tensor:
        self.steps.append(number)
        self.losses.append(loss.item())
        optimizer = self.own_optimizers[number]
        optimizer.zero_grad()
        loss.backward()
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        norm = nn.utils.clip_grad_norm_(parameters, self.gradient_clip)
        optimizer.step()
        return norm


def a_round(batch: Batch) -> Round:
    return Round(batch, None, [], 0, 0, 0.0, ends_epoch=False, ends_run=False)


@pytest.fixture
def batch():
    return make_batch(BITS, [9, 4, 7, 1, 9, 9], terminated=[True, False] * 3)


def test_the_recogniser_steps_first_and_twice_as_often_at_the_beginning(batch):
    module = Offline(BITS, recogniser_steps=3)
    module.learn(a_round(batch))
    assert module.steps == [RECOGNISER] * 6 + [VALUES]
    assert module.losses[5] < module.losses[0]
    module.updates = 1
    module.learn(a_round(batch))
    assert module.steps[7:] == [RECOGNISER] * 3 + [VALUES]


def test_each_optimizer_has_its_own_networks():
    module = Offline(BITS)
    values, recogniser = (
        {id(p) for group in optimizer.param_groups for p in group["params"]}
        for optimizer in module.own_optimizers
    )
    assert recogniser == {id(p) for p in module.recogniser.parameters()}
    assert values | recogniser == {id(p) for p in module.parameters() if p.requires_grad}
    assert not values & recogniser


def test_its_loss_is_the_mean_squared_error_of_the_common_target(batch):
    module = Offline(BITS)
    step = Forward(module, batch)
    target = module.target(step)
    best = step.utilities.masked_fill(~step.avail_actions, -torch.inf).amax(-1)[batch.here]
    regret = (best - step.chosen).detach()
    assert (regret >= 0).all()
    value, gap = module.recogniser(regret, step.state[batch.here], batch.actions)
    assert torch.equal(module.further_inputs(step)["recognised_gap"], gap)
    module.teach(step, target)
    assert module.losses[0] == pytest.approx(0.5 * (value - target).square().mean().item())


def test_the_values_of_what_is_not_recognised_do_not_count(batch):
    module = Offline(BITS)
    step = Forward(module, batch)
    target, gap = module.target(step), module.further_inputs(step)["recognised_gap"]
    loss, metrics = module.loss(batch, env_steps=0)
    error = module.mixer(step.chosen, step.state[batch.here]) - target
    central_value = step.central_value(step.state[batch.here])
    assert central_value is not None
    central = central_value - target
    expected = 0.5 * (error.square() * (gap < 0.1)).mean() + 0.5 * central.square().mean()
    torch.testing.assert_close(loss, expected)
    assert 0.0 < metrics["weighting/recognised_share"] < 1.0


def test_with_equal_weights_it_is_plain_factorisation(batch):
    module = Offline(BITS, weighting=Recognised(1.0, 1.0))
    other = ValueFactorization(BITS, **{n: SMALL[n] for n in ("policy", "central", "loss_factor")})
    state = {n: value for n, value in module.state_dict().items() if not n.startswith("recogniser")}
    other.load_state_dict(state)
    assert module.loss(batch, 0)[0].item() == other.loss(batch, 0)[0].item()


@pytest.mark.parametrize("mixer", [VDNMixer, QMixer, QPLEXMixer])
def test_no_update_waits_for_the_device(batch, mixer, monkeypatch):
    leave_the_cpu(monkeypatch)
    module = Offline(BITS, mixer=mixer, recogniser_steps=2)
    monkeypatch.setattr(module, "minimise", lambda loss, number: loss.detach())
    with Waits() as waits:
        module.learn(a_round(batch))
    assert not waits.seen


def test_the_optimum_of_the_game_is_found():
    """From uniform play, without the unweighted phase, after which it would rarely be."""
    game, returns = MatrixGame(PAYOFF), []
    batch = every_episode(game)
    for seed in range(2):
        torch.manual_seed(seed)
        module = Offline(
            game.spec,
            mixer=partial(QMixer, hypernet_dim=16),
            policy=partial(Policy, last_action=False, hidden_size=16),
            optimizer=partial(torch.optim.Adam, lr=0.02),
            recogniser_optimizer=partial(torch.optim.Adam, lr=0.01),
            td_lambda=0.0,
            recogniser_steps=5,
        )
        for update in range(100):
            module.learn(a_round(batch))
            module.updates = update + 1
        returns.append(greedy_return(module, game))
    assert returns == [8.0, 8.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weighting": Optimistic()}, "weighting=Optimistic: must be Recognised"),
        ({"recogniser_steps": 0}, "recogniser_steps=0"),
        ({"gradient_clip": 0.0}, "gradient_clip=0"),
        ({"recogniser": partial(Recogniser, embed_dim=0)}, "recogniser.embed_dim=0"),
    ],
)
def test_settings_that_cannot_work(settings, message):
    with pytest.raises(SettingError, match=message):
        Offline(BITS, **settings)


def test_nobody_else_recognises():
    with pytest.raises(
        SettingError, match="weighting=Recognised: needs recognised_gap, which this algorithm"
    ):
        ValueFactorization(BITS, weighting=Recognised())
