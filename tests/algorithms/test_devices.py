"""What runs on other devices than the CPU, run on the CPU: PyTorch's layers on dense rows.

One test needs a GPU, and is skipped without.
"""

import copy
from functools import partial
from typing import Any

import pytest
import torch

from remix.algorithms.independent import IndependentQLearning
from remix.algorithms.value_factorization import ValueFactorization
from remix.learning.policy import Policy
from remix.networks.central import CentralQ
from remix.networks.mixers.linear import LinearMixer
from remix.networks.mixers.qatten import QattenMixer
from remix.networks.mixers.qplex import QPLEXMixer
from remix.networks.mixers.vdn import VDNMixer
from remix.weighting.centrally_weighted import CentrallyWeighted
from remix.weighting.mappings import CappedLinear, LogMinMax, MedianSaturating, MinMax, Rank, SelfNormalised
from remix.weighting.optimistic import Optimistic
from remix.weighting.regret_minimizing import RegretMinimizing
from tests.algorithms.devices import Waits, leave_the_cpu
from tests.samples import make_batch, make_spec

SPEC = make_spec(obs_dtype="bool", state_dtype="bool", obs_size=11, state_size=20)
SMALL = partial(Policy, hidden_size=16)
CENTRAL = partial(CentralQ, hidden_size=16, embed_dim=16)
MAPPINGS = [CappedLinear(), MinMax(), LogMinMax(), MedianSaturating(), Rank(), SelfNormalised()]
BUILDERS: dict[str, Any] = (
    {
        "iql": lambda: IndependentQLearning(SPEC, policy=SMALL),
        "vdn": lambda: ValueFactorization(SPEC, mixer=VDNMixer, policy=SMALL),
        "qmix": lambda: ValueFactorization(SPEC, policy=SMALL),
        "ow_qmix": lambda: ValueFactorization(SPEC, weighting=Optimistic(), central=CENTRAL, policy=SMALL),
        "qplex": lambda: ValueFactorization(SPEC, mixer=QPLEXMixer, policy=SMALL),
        "qatten": lambda: ValueFactorization(SPEC, mixer=QattenMixer, policy=SMALL),
        "cw_qmix": lambda: ValueFactorization(
            SPEC, weighting=CentrallyWeighted(), central=CENTRAL, policy=SMALL
        ),
    }
    | {
        f"remix_{type(mapping).__name__}": lambda mapping=mapping: ValueFactorization(
            SPEC,
            weighting=RegretMinimizing(mapping=mapping, warmup_steps=0, on_policiness=True),
            central=CENTRAL,
            policy=SMALL,
        )
        for mapping in MAPPINGS
    }
    | {
        f"remix_{mixer.__name__}": lambda mixer=mixer: ValueFactorization(
            SPEC, mixer=mixer, weighting=RegretMinimizing(warmup_steps=0), central=CENTRAL, policy=SMALL
        )
        for mixer in (VDNMixer, QPLEXMixer, QattenMixer, LinearMixer)
    }
)


@pytest.fixture
def batch():
    return make_batch(SPEC, [9, 4, 7, 1, 9, 9], terminated=[True, False] * 3, behaviour=True)


@pytest.mark.parametrize("name", BUILDERS)
def test_loss_and_gradients_are_those_of_the_compiled_passes(name, batch, monkeypatch):
    module = BUILDERS[name]()
    trained = [p for p in module.parameters() if p.requires_grad]
    loss, metrics = module.loss(batch, env_steps=0)
    gradients = torch.autograd.grad(loss, trained)
    leave_the_cpu(monkeypatch)
    other_loss, other_metrics = module.loss(batch, env_steps=0)
    torch.testing.assert_close(other_loss, loss, rtol=1e-5, atol=1e-6)
    assert other_metrics.keys() == metrics.keys()
    for ours, theirs in zip(gradients, torch.autograd.grad(other_loss, trained), strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", BUILDERS)
def test_a_gpu_computes_the_loss_and_gradients_of_the_cpu(name, batch, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    module = BUILDERS[name]()
    elsewhere = copy.deepcopy(module).cuda()
    loss, other_loss = (m.loss(batch.to(m.device), env_steps=0)[0] for m in (module, elsewhere))
    torch.testing.assert_close(other_loss.cpu(), loss, rtol=1e-4, atol=1e-6)
    loss.backward()
    other_loss.backward()
    for ours, theirs in zip(module.parameters(), elsewhere.parameters(), strict=True):
        if ours.grad is not None:
            torch.testing.assert_close(theirs.grad.cpu(), ours.grad, rtol=1e-3, atol=1e-5)


def test_a_wait_would_be_noticed():
    with Waits() as waits:
        float(torch.ones(3).sum())
        torch.ones(3)[torch.tensor([True, False, True])]
    assert len(waits.seen) == 2


@pytest.mark.parametrize("name", BUILDERS)
def test_an_update_never_waits_for_the_device(name, batch, monkeypatch):
    leave_the_cpu(monkeypatch)
    module = BUILDERS[name]()
    optimizer = module.configure_optimizers()
    with Waits() as waits:
        loss, metrics = module.loss(batch, env_steps=0)
        module.training_means.update({"loss": loss.detach(), **metrics})
        loss.backward()
        module.on_before_optimizer_step(optimizer)
        torch.nn.utils.clip_grad_norm_(module.parameters(), 10.0, foreach=True)
    assert not waits.seen


def test_autocast_leaves_targets_and_weights_in_single_precision(batch, monkeypatch):
    leave_the_cpu(monkeypatch)
    module = BUILDERS["remix_CappedLinear"]()
    exact, _ = module.loss(batch, env_steps=0)
    with torch.autocast("cpu", torch.bfloat16):
        loss, metrics = module.loss(batch, env_steps=0)
    assert loss.dtype == torch.float32 and module.last_weights.dtype == torch.float32
    assert metrics["weighting/slope_mean"].dtype == metrics["train/target"].dtype == torch.float32
    torch.testing.assert_close(loss, exact, rtol=0.05, atol=0.01)
