"""Networks whose outputs a test decides."""

import torch
from torch import nn


def constant(layers: nn.Module, values: list[float]) -> None:
    """Let a network give these outputs whatever its input."""
    last = layers[-1] if isinstance(layers, nn.Sequential) else layers
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor(values))


def logit(probability: float) -> float:
    """What the sigmoid turns into ``probability``."""
    return float(torch.tensor(probability).logit())
