"""Q_tot fitted to a target with projection weights: VDN, QMIX, Qatten, QPLEX, OW-QMIX, CW-QMIX and ReMIX."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from remix.algorithms.base import PolicyFactory
from remix.algorithms.mixing import mixer_context
from remix.algorithms.optimizers import OptimizerFactory, adam
from remix.algorithms.single_loss import SingleLossModule
from remix.algorithms.target_networks import TargetNetworks, target_copy
from remix.envs.spec import EnvSpec
from remix.learning.episodes import Batch
from remix.learning.policy import Policy, greedy_actions
from remix.learning.returns import td_lambda
from remix.learning.schedules import Schedule
from remix.networks.central import CentralQ, build_central
from remix.networks.features import Rows
from remix.networks.mixers.base import Context, Mixer, build_mixer
from remix.networks.mixers.qmix import QMixer
from remix.networks.softmax import gather
from remix.settings import checks
from remix.settings.errors import SettingError
from remix.weighting.base import Weighting, WeightingInputs, effective_sample_size, usable
from remix.weighting.uniform import Uniform

NEEDS_CENTRAL = {"central_value", "target_central_value", "greedy_central_value"}
KNOWN = NEEDS_CENTRAL | {"slopes", "behaviour"}


class ValueFactorization(SingleLossModule):
    """Monotonic value factorisation with a weighted projection (paper Eq. 6).

    Without a central Q* the target bootstraps from the target copy of Q_tot; with one, from the
    target copy of Q* at the agents' greedy joint action, and Q* itself is regressed on the same target at
    the actions that were taken.

    :param mixer: builds the mixer from the spec.
    :param weighting: projection weights of the Q_tot loss.
    :param central: builds Q* from the spec and the width of the agents' input; None to do without.
    :param td_lambda: lambda of the TD(lambda) targets.
    :param loss_factor: of the weighted squared error of Q_tot.
    :param central_loss_factor: of the squared error of Q*.
    :param bootstrap: the joint action whose value targets are made of: ``greedy``, or the one ``taken`` next,
        as SARSA(lambda) has it; where none was taken any more, the greedy one.
    :param target_update_episodes: collected episodes between copies into the target networks.

    The other parameters are those of :class:`SingleLossModule`.
    """

    further: frozenset[str] = frozenset()
    """Names of inputs of weightings that only a subclass finds out."""

    def __init__(
        self,
        spec: EnvSpec,
        mixer: Callable[[EnvSpec], Mixer] = QMixer,
        weighting: Weighting | None = None,
        central: Callable[[EnvSpec, int], CentralQ] | None = None,
        policy: PolicyFactory = Policy,
        optimizer: OptimizerFactory = adam,
        gamma: float = 0.99,
        td_lambda: float = 0.6,
        epsilon: Schedule = Schedule(1.0, 0.05, 100_000),
        target_update_episodes: int = 200,
        loss_factor: float = 1.0,
        central_loss_factor: float = 0.5,
        bootstrap: str = "greedy",
    ) -> None:
        super().__init__(spec, policy, optimizer, gamma, epsilon)
        self.td_lambda = checks.number("td_lambda", td_lambda, 0.0, 1.0)
        self.loss_factor = checks.number("loss_factor", loss_factor, minimum=0.0)
        self.central_loss_factor = checks.number("central_loss_factor", central_loss_factor, minimum=0.0)
        self.bootstrap = checks.choice("bootstrap", bootstrap, ("greedy", "taken"))
        self.weighting = usable(weighting) if weighting is not None else Uniform()
        name = type(self.weighting).__name__
        if unknown := self.weighting.requires - KNOWN - self.further:
            raise SettingError(
                "weighting", name, f"needs {', '.join(sorted(unknown))}, which this algorithm has not"
            )
        self.needs_behaviour = "behaviour" in self.weighting.requires
        self.mixer = build_mixer(mixer, spec)
        if "slopes" in self.weighting.requires and not self.mixer.monotonic:
            needed = f"must be monotonic: {name} weights divide by its slopes"
            raise SettingError("mixer", type(self.mixer).__name__, needed)
        self.central: CentralQ | None = None
        if central is not None:
            self.central = build_central(central, spec, self.policy.inputs.size)
            self.target_central = target_copy(self.central)
            pairs: list[tuple[nn.Module, nn.Module]] = [(self.target_central, self.central)]
        else:
            if missing := NEEDS_CENTRAL & self.weighting.requires:
                raise SettingError(
                    "central",
                    None,
                    f"{name} weights need Q* ({', '.join(sorted(missing))})",
                )
            self.target_agent, self.target_mixer = target_copy(self.policy.agent), target_copy(self.mixer)
            pairs = [(self.target_agent, self.policy.agent), (self.target_mixer, self.mixer)]
        self.targets = TargetNetworks(
            pairs, checks.whole("target_update_episodes", target_update_episodes, minimum=1)
        )

    def further_inputs(self, step: Forward) -> dict[str, Tensor]:
        """What is in ``further``, ``[K]`` without gradient."""
        return {}

    def loss(self, batch: Batch, env_steps: int) -> tuple[Tensor, dict[str, Tensor]]:
        step = Forward(self, batch)
        return self.loss_of(step, self.target(step), env_steps)

    def target(self, step: Forward) -> Tensor:
        """The TD(lambda) targets ``[K]`` of a batch."""
        batch = step.batch
        return td_lambda(
            batch.reward,
            batch.terminated,
            step.next_value(),
            batch.transition_sizes,
            self.gamma,
            self.td_lambda,
        )

    def loss_of(self, step: Forward, target: Tensor, env_steps: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar :meth:`loss` of a batch whose network outputs and ``target [K]`` are known already."""
        batch = step.batch
        state = step.state[batch.here]
        if "slopes" in self.weighting.requires:
            joint_value, slopes = self.mixer.value_and_slopes(step.chosen, state, step.taken())
        else:
            joint_value, slopes = self.mixer(step.chosen, state, step.taken()), None
        joint_value = joint_value.float()
        central_value = step.central_value(state)
        with torch.no_grad():
            inputs = WeightingInputs(
                joint_value=joint_value.detach(),
                target=target,
                utilities=step.utilities.detach()[batch.here],
                avail_actions=step.avail_actions[batch.here],
                actions=batch.actions,
                env_steps=env_steps,
                central_value=None if central_value is None else central_value.detach(),
                slopes=slopes,
                behaviour=batch.behaviour,
                **self.further_inputs(step),
                **step.target_central_values(self.weighting.requires, state),
            )
            weights, diagnostics = self.weighting(inputs)
        error = joint_value - target
        loss = self.loss_factor * (weights * error.square()).mean()
        metrics = {
            "train/td_error_abs": error.detach().abs().mean(),
            "train/q_tot": joint_value.detach().mean(),
            "train/target": target.mean(),
            "weighting/mean": weights.mean(),
            "weighting/effective_sample_size": effective_sample_size(weights),
            "weighting/underestimated_share": inputs.underestimated.float().mean(),
            **diagnostics,
        }
        if slopes is not None:
            metrics["weighting/slope_mean"] = slopes.mean()
        if central_value is not None:
            central_error = central_value - target
            central_loss = central_error.square().mean()
            loss = loss + self.central_loss_factor * central_loss
            metrics["train/q_central"] = central_value.detach().mean()
            metrics["train/central_td_error_abs"] = central_error.detach().abs().mean()
        self.last_weights = weights
        return loss, metrics


class Forward:
    """The network passes over one batch, each made once.

    M time points, K transitions, see :class:`Batch`.
    """

    def __init__(self, module: ValueFactorization, batch: Batch) -> None:
        self.module, self.batch = module, batch
        self.state, self.avail_actions = batch.state_rows(), batch.availability()
        self.utilities = module.policy.unroll(batch)
        self.greedy = greedy_actions(self.utilities.detach(), self.avail_actions)
        self.chosen = gather(self.utilities[batch.here], batch.actions)
        if module.central is None:
            return
        inputs = batch.inputs(module.policy.inputs.rows)
        self.central_utilities = module.central.utilities(inputs, batch.agent_sizes)
        with torch.no_grad():
            self.target_central_utilities = module.target_central.utilities(inputs, batch.agent_sizes)

    @torch.no_grad()
    def next_value(self) -> Tensor:
        """Target value ``[K]`` of the greedy joint action after every transition (double Q-learning).

        Or of the one that was taken there, see ``bootstrap``.
        """
        after = slice(self.batch.n_episodes, None)
        actions, state = self._next_actions()[after], self.state[after]
        if self.module.central is not None:
            value: Tensor = self.module.target_central(self.target_central_utilities[after], actions, state)
            return value.float()
        utilities = self.module.policy.unroll(self.batch, self.module.target_agent)
        points = torch.arange(len(utilities), device=utilities.device)[after]
        context = self._context(utilities, actions, points)
        value = self.module.target_mixer(gather(utilities[after], actions), state, context)
        return value.float()

    def _next_actions(self) -> Tensor:
        """Joint actions ``[M, N]`` whose values targets are made of."""
        if self.module.bootstrap == "greedy":
            return self.greedy
        return self.greedy.index_copy(0, self.batch.here, self.batch.actions)

    def taken(self) -> Context:
        """What the mixer may want to know of the transitions."""
        return self._context(self.utilities, self.batch.actions, self.batch.here)

    def _context(self, utilities: Tensor, actions: Tensor, points: Tensor) -> Context:
        """Of the joint ``actions`` taken at some time points, as far as the mixer asks for it."""
        mixer = self.module.mixer
        return mixer_context(mixer, self.batch, utilities, self.avail_actions, actions, points)

    def central_value(self, state: Rows) -> Tensor | None:
        """Online Q* ``[K]`` at the actions that were taken."""
        if self.module.central is None:
            return None
        value: Tensor = self.module.central(
            self.central_utilities[self.batch.here], self.batch.actions, state
        )
        return value.float()

    def target_central_values(self, required: frozenset[str], state: Rows) -> dict[str, Tensor]:
        """Target Q* ``[K]`` at the taken and at the greedy actions, as far as a weighting asks for them."""
        actions = {
            "target_central_value": self.batch.actions,
            "greedy_central_value": self.greedy[self.batch.here],
        }
        return {
            name: self.module.target_central(self.target_central_utilities[self.batch.here], u, state).float()
            for name, u in actions.items()
            if name in required
        }
