"""Episodes of random allowed actions, and where two of them differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.gate import behind_gate
from remix.envs.spec import Environment, EnvSpec, Observation
from remix.settings.errors import InvalidOutput, brief

Moment = dict[str, NDArray[Any]]
"""Everything that an environment returned for one episode in one step, by field."""


class Play:
    """E episodes that advance step by step; every episode has random choices of its own.

    :param seeds: of the episodes, ``[E]``.
    :param choices: seeds of what the agents do in them, ``[E]``.
    :ivar episodes: what has been seen of each, ``reset`` first, its last step last.
    """

    def __init__(self, game: Environment, seeds: Sequence[int], choices: Sequence[int]) -> None:
        self.game, self.t = game, 0
        self._generators = [np.random.default_rng(seed) for seed in choices]
        self.running = np.ones(len(seeds), np.bool_)
        self.observation = game.reset(np.array(seeds, np.int64))
        self.episodes: list[list[Moment]] = [[_seen(self.observation, e)] for e in range(len(seeds))]

    def advance(self) -> None:
        """One joint step of all episodes."""
        step = self.game.step(self.actions())
        self.observation = step.observation
        self.t += 1
        for e in map(int, np.flatnonzero(self.running)):
            outcome = {name: getattr(step, name)[e].copy() for name in outcomes(self.game.spec)}
            totals = {f"info[{name!r}]": step.info[name][e].copy() for name in self.game.spec.metrics}
            self.episodes[e].append(_seen(step.observation, e) | outcome | totals)
        self.running &= ~(step.terminated | step.truncated)

    def actions(self) -> NDArray[np.int64]:
        """Allowed ones ``[E, N]``, each as likely as the others."""
        drawn = np.stack([g.random(self.observation.avail_actions.shape[1:]) for g in self._generators])
        chosen: NDArray[np.int64] = (self.observation.avail_actions * (1.0 - drawn)).argmax(axis=-1)
        return chosen


def outcomes(spec: EnvSpec) -> tuple[str, ...]:
    """The fields of a step that say how it came out."""
    names = ("reward", "terminated", "truncated")
    return (*names, "individual_rewards") if spec.individual_rewards else names


def play(game: Environment, seeds: Sequence[int], choices: Sequence[int], steps: int) -> list[list[Moment]]:
    """The episodes until they have ended, of more than ``steps`` steps the beginning."""
    playing = Play(game, seeds, choices)
    while playing.running.any() and playing.t < steps:
        playing.advance()
    return playing.episodes


def play_anew(
    make: Callable[[], Environment], seeds: Sequence[int], choices: Sequence[int], steps: int
) -> list[list[Moment]]:
    """The same in an environment of its own; another process need import nothing else."""
    game = behind_gate(make)
    try:
        return play(game, seeds, choices, steps)
    finally:
        game.close()


def compare(
    spec: EnvSpec, episodes: Sequence[list[Moment]], expected: Sequence[list[Moment]], when: str, rule: str
) -> None:
    """Two plays of the same episodes must be equal.

    :param when: what was special about the first, for the message.
    :param rule: what would be right.
    :raises InvalidOutput: naming the first step, agent and field that differ.
    """
    for episode, other in zip(episodes, expected, strict=True):
        for t, (moment, before) in enumerate(zip(episode, other, strict=False)):
            for field, value in moment.items():
                _compare(spec, field, value, before[field], t, f"{when}; {rule}")


def _compare(
    spec: EnvSpec, field: str, value: NDArray[Any], before: NDArray[Any], t: int, problem: str
) -> None:
    differs = np.argwhere(np.atleast_1d(value != before))
    if len(differs):
        place = tuple(differs[0])
        agent = place[0] if value.ndim == 2 or field == "individual_rewards" else None
        name = spec.agent_names[agent] if agent is not None and spec.agent_names else agent
        now, then = (brief(np.atleast_1d(array)[place].item()) for array in (value, before))
        raise InvalidOutput(spec.name, field, f"is {now}, not {then}, {problem}", name, t)


def _seen(observation: Observation, e: int) -> Moment:
    return {name: part[e].copy() for name, part in observation._asdict().items()}
