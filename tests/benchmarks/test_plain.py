"""The compiled update against the plain one: the same numbers (the times are for ``make bench``)."""

from functools import partial

import torch

from remix.algorithms.value_factorization import ValueFactorization
from remix.networks.central import CentralQ
from remix.weighting.regret_minimizing import RegretMinimizing
from tests.benchmarks.plain import plain_loss
from tests.samples import make_batch, make_spec

SPEC = make_spec(obs_dtype="bool", state_dtype="bool", obs_size=11, state_size=20)


def test_the_plain_update_computes_the_same():
    """So the comparison is one of like with like."""
    module = ValueFactorization(
        SPEC, weighting=RegretMinimizing(warmup_steps=0), central=partial(CentralQ, embed_dim=16)
    )
    batch = make_batch(SPEC, [9, 4, 7, 1, 9, 9], terminated=[True, False] * 3)
    trained = [p for p in module.parameters() if p.requires_grad]
    ours, theirs = module.loss(batch, env_steps=0)[0], plain_loss(module, batch)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    for one, other in zip(
        torch.autograd.grad(ours, trained), torch.autograd.grad(theirs, trained), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
