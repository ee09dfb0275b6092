"""What builds the optimizer of parameters, and the choices of algorithms that are not told another."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import nn
from torch.optim import Adam, Optimizer, RAdam, RMSprop

OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]


def adam(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Adam with the learning rate of the paper's Table 2."""
    return Adam(parameters, lr=1e-3)


def slow_adam(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Adam with half of that, for the methods that regress on one-step targets."""
    return Adam(parameters, lr=5e-4)


def steady_adam(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Slow Adam whose smallest steps are damped, as the authors of MAPPO have it."""
    return Adam(parameters, lr=5e-4, eps=1e-5)


def radam(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Rectified Adam as the authors of PQN have it."""
    return RAdam(parameters, lr=2.5e-4)


def rmsprop(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """RMSprop as PyTorch has it, with a learning rate of 0.001."""
    return RMSprop(parameters, lr=1e-3)


def slow_rmsprop(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """RMSprop with half of that."""
    return RMSprop(parameters, lr=5e-4)


def pymarl_rmsprop(parameters: Iterable[nn.Parameter]) -> Optimizer:
    """RMSprop as in PyMARL, on which the authors of many methods built."""
    return RMSprop(parameters, lr=5e-4, alpha=0.99, eps=1e-5)
