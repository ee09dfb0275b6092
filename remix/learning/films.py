"""Films of greedy episodes."""

from __future__ import annotations

from contextlib import closing
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np

from remix.envs.endings import end_card, ending
from remix.envs.films import film_writer, frames_per_second, save_film
from remix.envs.gate import Gate, behind_gate
from remix.envs.spec import Environment
from remix.learning.episodes import Episode
from remix.learning.policy import Policy
from remix.learning.workers.base import EnvironmentFactory
from remix.learning.workers.child import apart
from remix.learning.workers.rollout import rollout

PATIENCE = 600.0  # seconds for a film of a game that may hang
END_SECONDS = 1.0  # for which the card with the result is shown


def film(
    environment: EnvironmentFactory, policy: Policy, seed: int, path: str | Path, fps: float = 8
) -> Episode:
    """:func:`record_episode` in an environment of its own; a game that may hang is played apart.

    :raises SettingError: the path's ending, or the package for it is missing; an impossible ``fps``.
    :raises GameError: the game broke down, cannot be drawn or took too long.
    """
    film_writer(Path(path))
    frames_per_second(fps)
    with closing(behind_gate(environment)) as game:
        if not game.spec.may_hang:
            return record_episode(game, policy, seed, path, fps)
    return apart(partial(_film_here, environment, deepcopy(policy).cpu(), seed, path, fps), PATIENCE)


def record_episode(
    environment: Environment, policy: Policy, seed: int, path: str | Path, fps: float = 8
) -> Episode:
    """Play one greedy episode and save it as a film, from its start to a second of how it ended.

    The environment is left open. The policy is not changed and may be on any device.

    :param seed: of the episode.
    :param path: of the film; it ends in .gif or .mp4.
    :param fps: pictures per second.
    """
    seeds = np.array([seed], dtype=np.int64)
    game = Gate.around(environment)
    game.reset(seeds)
    frames = [game.render().copy()]
    [episode] = rollout(
        game,
        deepcopy(policy).cpu().eval(),
        seeds,
        exploration=None,
        on_step=lambda: frames.append(game.render().copy()),
    )
    card = ending(game.spec, episode.length, episode.score, episode.metrics, episode.terminated)
    frames += [end_card(frames[-1], card)] * max(1, round(fps * END_SECONDS))
    save_film(frames, path, fps)
    return episode


def _film_here(
    environment: EnvironmentFactory, policy: Policy, seed: int, path: str | Path, fps: float
) -> Episode:
    with closing(behind_gate(environment)) as game:
        return record_episode(game, policy, seed, path, fps)
