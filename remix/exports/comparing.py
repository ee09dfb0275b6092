"""Whether an exported policy decides as the policy does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remix.exports.writing import Arrays, Decide
from remix.learning.episodes import Episode
from remix.learning.workers.seeds import exploration_noise

_ROUNDING = 1e-4
"""Other libraries add the same numbers in another order. Values that differ by less, in units of the largest
one or of 1, are one value; so are a random number and the sum of probabilities that it is compared with."""


@dataclass
class Comparison:
    """Decisions of an exported policy beside those of the episodes of its original.

    :param decisions: of single agents.
    :param ties: of these the ones where two actions were worth the same but for rounding, or a draw fell on
        the border between them, and the other one was chosen.
    :param wrong: the others with another action, or with another probability.
    """

    steps: int = 0
    decisions: int = 0
    ties: int = 0
    wrong: int = 0

    def add(
        self,
        decide: Decide,
        episodes: Sequence[Episode],
        seeds: NDArray[np.int64],
        hidden_size: int,
        exploration: float | None,
    ) -> None:
        """Let it decide at every time step of some episodes, of as many at once as still go on.

        What it sees and did before is as in the episodes; what it remembers is its own.
        """
        n_agents = episodes[0].actions.shape[1]
        hidden = np.zeros((len(episodes), n_agents, hidden_size), np.float32)
        last = np.full((len(episodes), n_agents), -1)
        for t in range(max(episode.length for episode in episodes)):
            running = [e for e, episode in enumerate(episodes) if episode.length > t]
            inputs = {
                "obs": np.concatenate([episodes[e].obs[t] for e in running]).astype(np.float32),
                "last_action": last[running].reshape(-1),
                "avail_actions": np.concatenate([episodes[e].avail_actions[t] for e in running]),
                "hidden": hidden[running].reshape(-1, hidden_size),
                "agent": np.tile(np.arange(n_agents), len(running)),
            }
            if exploration is not None:
                inputs["noise"] = exploration_noise(seeds[running], t, n_agents).reshape(-1, 2)
            outputs, chosen = decide(inputs), np.concatenate([episodes[e].actions[t] for e in running])
            hidden[running] = outputs["next_hidden"].reshape(len(running), n_agents, hidden_size)
            last[running] = chosen.reshape(len(running), n_agents)
            behaviour = np.concatenate([episodes[e].behaviour[t] for e in running])
            self.steps += len(running)
            self._compare(outputs, chosen, behaviour, _at_borders(decide, inputs, outputs, chosen))

    def _compare(
        self,
        outputs: Arrays,
        actions: NDArray[np.int64],
        behaviour: NDArray[np.float32],
        at_borders: NDArray[np.bool_],
    ) -> None:
        """:param actions: those of the original ``[R]``, chosen with the probabilities ``behaviour [R]``.
        :param at_borders: see :func:`_at_borders`.
        """
        values, rows = outputs["values"], np.arange(len(actions))
        differing = outputs["action"] != actions
        gap = np.abs(values[rows, outputs["action"]] - values[rows, actions])
        equal = gap <= _ROUNDING * np.maximum(1.0, np.abs(values).max(-1))
        ties = differing & (equal | at_borders)
        improbable = ~np.isclose(outputs["probability"], behaviour, rtol=1e-3, atol=_ROUNDING)
        self.decisions += len(actions)
        self.ties += int(ties.sum())
        self.wrong += int(((differing | improbable) & ~ties).sum())


def _at_borders(
    decide: Decide, inputs: Arrays, outputs: Arrays, actions: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which agents ``[R]`` draw one of ``actions [R]`` from random numbers that are hardly other ones."""
    at_borders = np.zeros(len(actions), np.bool_)
    if "noise" in inputs and (outputs["action"] != actions).any():
        for nudge in np.array([-_ROUNDING, _ROUNDING], np.float32):
            noise = np.clip(inputs["noise"] + nudge, 0, np.nextafter(np.float32(1), np.float32(0)))
            at_borders |= decide({**inputs, "noise": noise})["action"] == actions
    return at_borders
