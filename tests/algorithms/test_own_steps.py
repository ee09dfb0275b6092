"""Steps that algorithms make themselves."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import pytorch_lightning as pl
import torch

from remix.algorithms.fop import FOP
from remix.envs.games import MatrixGame
from remix.learning.datamodule import ReplayDataModule
from remix.learning.policy import StochasticPolicy
from tests.training import fit


@pytest.mark.filterwarnings("ignore:.*isinstance.treespec")
def test_gradients_that_lightning_scales_are_clipped_in_their_own_units():
    """As in half precision, where it multiplies losses by 65,536 before the way back."""

    def trained(**options: Any) -> tuple[FOP, float]:
        game = partial(MatrixGame, [[1, 2], [3, 4]], stages=3)
        data = ReplayDataModule(game, capacity=4, batch_size=4, episodes_per_round=4, max_env_steps=12)
        torch.manual_seed(1)
        policy, sgd = partial(StochasticPolicy, hidden_size=8), partial(torch.optim.SGD, lr=1.0)
        module = FOP(data.spec, policy=policy, optimizer=sgd, critic_optimizer=sgd, gradient_clip=0.01)
        recorder = fit(module, data, gradient_clip_val=None, **options)
        assert module.updates == 1
        ((_, norm),) = recorder.history("train/gradient_norm")
        return module, norm

    plain, norm = trained()
    scaler = torch.amp.GradScaler("cpu")
    scaled, same = trained(plugins=[pl.plugins.MixedPrecision("16-mixed", "cpu", scaler=scaler)])
    assert scaler.get_scale() == 65_536.0 and norm > 0.01
    assert same == pytest.approx(norm)
    for name, weight in plain.state_dict().items():
        torch.testing.assert_close(scaled.state_dict()[name], weight, msg=f"{name}: {{}}".format)
