"""ReMIX: the closed-form weights of the regret minimisation (paper Theorem 1 and Algorithm 1)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from remix.networks.softmax import gather, log_policy
from remix.settings import checks
from remix.weighting.base import Weighting, WeightingInputs, Weights
from remix.weighting.mappings import CappedLinear, Mapping
from remix.weighting.optimistic import Optimistic

NEGATIVE_GRADIENT = ("minimum", "overestimated", "without_offset")

CENTRAL_NETWORKS = {"online": "central_value", "target": "target_central_value"}


def central_input(network: str) -> str:
    """The name of Q* at the taken actions, of the ``online`` or the ``target`` networks, among the inputs."""
    return CENTRAL_NETWORKS[checks.choice("central_network", network, CENTRAL_NETWORKS)]


class RegretMinimizing(Weighting):
    """Bellman error x exp(value under-estimation) x mixing gradient (x on-policiness), mapped to a range.

    Where Q_tot < y the raw weight is ``(y - Q_tot) exp(Q* - Q_tot) (sum_j (1 - pi_j) / f'_j - 1)``;
    all others get the minimum weight. Each factor can be replaced by 1. Everything is evaluated in
    logarithms, so no scale of values overflows.

    :param min_weight: see :class:`Weighting`; also where the mixing-gradient factor is not positive.
    :param mapping: from raw weights to scores in the range; stands in for the unknown normaliser Z*.
    :param bellman_error: use the factor ``y - Q_tot``.
    :param only_underestimated: the theorem's condition, minimum weight unless Q_tot < y. Switching it off
        together with ``bellman_error`` is the paper's "without Bellman error".
    :param value_underestimation: use the factor ``exp(Q* - Q_tot)``.
    :param mixing_gradient: use the factor ``sum_j (1 - pi_j) / f'_j - 1``.
    :param negative_gradient: what becomes of transitions whose mixing-gradient factor is negative, as it is
        for most once policies are nearly certain. ``minimum``: the minimum weight, the theorem's condition
        w >= 0. ``overestimated``: the product of Bellman error and gradient decides, so of these the
        over-estimated ones get weight, by the absolute values of both factors; the stationarity condition
        (Eq. 27) holds for them as it does for the theorem's. ``without_offset``: the factor is
        ``sum_j (1 - pi_j) / f'_j``, which is never negative.
    :param on_policiness: use the ratio of Boltzmann policy and behaviour probability of the joint action,
        which the paper derives and then drops.
    :param on_policiness_clip: the ratio is kept between its reciprocal and this.
    :param central_network: which Q* stands in the exponent, ``online`` or ``target``.
    :param temperature: of the Boltzmann policy pi, whose derivative then is ``pi (1 - pi) / temperature``;
        the theorem has 1.
    :param slope_floor: lower bound of the slopes f'.
    :param warmup_steps: environment steps with optimistic weights before these.
    """

    def __init__(
        self,
        min_weight: float = 0.1,
        max_weight: float = 1.0,
        mapping: Mapping | None = None,
        bellman_error: bool = True,
        only_underestimated: bool = True,
        value_underestimation: bool = True,
        mixing_gradient: bool = True,
        negative_gradient: str = "minimum",
        on_policiness: bool = False,
        on_policiness_clip: float = 10.0,
        central_network: str = "online",
        temperature: float = 1.0,
        slope_floor: float = 1e-4,
        warmup_steps: int = 30_000,
    ) -> None:
        super().__init__(min_weight, max_weight)
        self.mapping = checks.instance("mapping", CappedLinear() if mapping is None else mapping, Mapping)
        self.bellman_error, self.only_underestimated = bellman_error, only_underestimated
        self.value_underestimation, self.mixing_gradient = value_underestimation, mixing_gradient
        self.negative_gradient = checks.choice("negative_gradient", negative_gradient, NEGATIVE_GRADIENT)
        self.on_policiness = on_policiness
        self.on_policiness_clip = checks.number("on_policiness_clip", on_policiness_clip, minimum=1)
        self.central_input = central_input(central_network)
        self.temperature = checks.number("temperature", temperature, above=0)
        self.slope_floor = checks.number("slope_floor", slope_floor, above=0)
        self.warmup_steps = checks.whole("warmup_steps", warmup_steps, minimum=0)
        self.warmup: Optimistic = Optimistic(min_weight, max_weight)
        wanted = {
            self.central_input: value_underestimation,
            "slopes": mixing_gradient,
            "behaviour": on_policiness,
        }
        self.requires = frozenset(name for name, used in wanted.items() if used)

    @property
    def bounds(self) -> tuple[float, float]:
        """The ends of the range; its upper end grows with mappings whose scores exceed 1."""
        return self.min_weight, self.min_weight + (self.max_weight - self.min_weight) * self.mapping.highest

    @property
    def product_decides(self) -> bool:
        """Whether over-estimated transitions get weight for a negative gradient. A factor of 1 is none."""
        return self.mixing_gradient and self.negative_gradient == "overestimated"

    def __call__(self, inputs: WeightingInputs) -> Weights:
        log_factors = self.log_factors(inputs)
        underestimated = inputs.joint_value < self.reference(inputs)
        diagnostics = _summaries(log_factors, underestimated)
        if self.warmup is not None and inputs.env_steps < self.warmup_steps:
            return Weights(self.warmup(inputs).values, diagnostics)
        log_raw = torch.zeros_like(inputs.target)
        for log_factor in log_factors.values():
            log_raw = log_raw + log_factor
        if self.only_underestimated and not self.product_decides:
            log_raw = log_raw.masked_fill(~underestimated, -torch.inf)
        score = self.score(log_raw, inputs)
        saturated = (score >= score.max()).float().mean()
        diagnostics["weighting/saturated_share"] = torch.where(score.max() > 0.0, saturated, torch.nan)
        return Weights(self.between(score), diagnostics)

    def score(self, log_raw: Tensor, inputs: WeightingInputs) -> Tensor:
        """Where in the range the weights lie, ``[K]``; 0 everywhere if no raw weight is positive.

        :param log_raw: logarithms of the raw weights, ``[K]``.
        """
        return torch.where(torch.isfinite(log_raw).any(), self.mapping(log_raw), 0.0)

    def log_factors(self, inputs: WeightingInputs) -> dict[str, Tensor]:
        """Logarithm ``[K]`` of each factor in use, minus infinity where a factor is not positive."""
        factors: dict[str, Tensor] = {}
        if self.bellman_error:
            error = self.reference(inputs) - inputs.joint_value
            factors["bellman_error"] = _log_positive(error.abs() if self.product_decides else error)
        if self.value_underestimation:
            factors["value_underestimation"] = inputs.given(self.central_input) - inputs.joint_value
        if self.mixing_gradient or self.on_policiness:
            taken = boltzmann_log_policy(
                inputs.utilities, inputs.avail_actions, inputs.actions, self.temperature
            )
        if self.mixing_gradient:
            factors["mixing_gradient"] = self._log_gradient(taken, inputs)
        if self.on_policiness:
            log_ratio = (taken - inputs.given("behaviour").log()).sum(-1)
            bound = math.log(self.on_policiness_clip)
            factors["on_policiness"] = log_ratio.clamp(-bound, bound)
        return factors

    def reference(self, inputs: WeightingInputs) -> Tensor:
        """The value ``[K]`` that Q_tot is compared with: here the target."""
        return inputs.target

    def gradient(self, log_policy: Tensor, inputs: WeightingInputs) -> Tensor:
        """The mixing-gradient factor ``[K]`` with its sign.

        :param log_policy: log probability of each agent's taken action, ``[K, N]``.
        """
        offset = 0.0 if self.negative_gradient == "without_offset" else 1.0
        return self.propensity(log_policy, inputs) - offset

    def propensity(self, log_policy: Tensor, inputs: WeightingInputs) -> Tensor:
        """``sum_j (1 - pi_j) / f'_j``, ``[K]``: how readily the policies move with Q_tot."""
        return propensity(log_policy.exp(), inputs.given("slopes"), self.slope_floor, self.temperature)

    def _log_gradient(self, log_policy: Tensor, inputs: WeightingInputs) -> Tensor:
        """Logarithm ``[K]`` of the mixing-gradient factor, minus infinity where the weight is the minimum."""
        gradient = self.gradient(log_policy, inputs)
        if self.product_decides:
            underestimated = inputs.joint_value < self.reference(inputs)
            same_sign = (gradient > 0.0) == underestimated
            return _log_positive(gradient.abs()).masked_fill(~same_sign, -torch.inf)
        return _log_positive(gradient)


def boltzmann_log_policy(
    utilities: Tensor, avail_actions: Tensor, actions: Tensor, temperature: float = 1.0
) -> Tensor:
    """Log probability ``[K, N]`` of the taken actions under softmax policies over the available ones."""
    return gather(log_policy(utilities, avail_actions, temperature), actions)


def propensity(policy: Tensor, slopes: Tensor, slope_floor: float = 1e-4, temperature: float = 1.0) -> Tensor:
    """``sum_j (1 - pi_j) / f'_j``, ``[K]``: how much log pi of the joint action rises with Q_tot (Eq. 24).

    :param policy: probability of each agent's taken action, ``[K, N]``.
    :param slopes: f', dQ_tot/dQ_a ``[K, N]``.
    :param temperature: of the policy, by which its derivative is divided.
    """
    return ((1.0 - policy) / (temperature * slopes.clamp(min=slope_floor))).sum(-1)


def mixing_gradient(
    policy: Tensor, slopes: Tensor, slope_floor: float = 1e-4, temperature: float = 1.0
) -> Tensor:
    """``G = sum_j (1 - pi_j) / f'_j - 1`` of Theorem 1, ``[K]``; negative when policies are certain.

    The parameters are those of :func:`propensity`.
    """
    return propensity(policy, slopes, slope_floor, temperature) - 1.0


def _log_positive(values: Tensor) -> Tensor:
    """Logarithm, minus infinity for values that are not positive."""
    return values.clamp(min=0.0).log()


def _summaries(log_factors: dict[str, Tensor], underestimated: Tensor) -> dict[str, Tensor]:
    """Mean, median and maximum of every factor over the under-estimated transitions, NaN without any."""
    summaries = {}
    count = underestimated.sum()
    for name, log_factor in log_factors.items():
        counted = log_factor.masked_fill(~underestimated, -torch.inf)
        # In logarithms, since a sum may leave float32 where its terms do not.
        mean = torch.where(count > 0, counted.logsumexp(0) - count.log(), torch.nan)
        summaries[f"weighting/{name}_mean"] = _shown(mean)
        summaries[f"weighting/{name}_median"] = _shown(
            log_factor.masked_fill(~underestimated, torch.nan).nanmedian()
        )
        summaries[f"weighting/{name}_max"] = _shown(torch.where(count > 0, counted.max(), torch.nan))
    return summaries


def _shown(log_factor: Tensor) -> Tensor:
    """A factor from its logarithm, cut before it leaves float32: no store takes an infinite metric."""
    return log_factor.clamp(max=80.0).exp()
