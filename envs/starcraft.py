"""The real StarCraft II, played through the package of the StarCraft Multi-Agent Challenge (SMAC).

An installation contains neither the package nor the game. What can be known about them without starting
them is checked when an environment is made (see :mod:`remix.envs.starcraft_setup`). The first reset imports
the package and launches the game.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from remix.envs.battles import LONGEST_MOVE, MOST_LOOPS, RewardOptions, ViewOptions, given_or_default
from remix.envs.seeds import fold
from remix.envs.skirmish.encoding import make_spec
from remix.envs.skirmish.maps import load_map, map_names
from remix.envs.spec import Environment, EnvSpec, Observation, Step
from remix.envs.starcraft_game import Game, picture_of
from remix.envs.starcraft_setup import SMAC, check_installation, import_game, replay_folder
from remix.settings import checks
from remix.settings.errors import GameError, SettingError, first_line, one_of

T = TypeVar("T")

DIFFICULTIES = (*"123456789", "A")

_SIZES = {  # names of sizes in SMAC's get_env_info, and in EnvSpec
    "n_agents": "n_agents",
    "n_actions": "n_actions",
    "obs_shape": "obs_size",
    "state_shape": "state_size",
    "episode_limit": "episode_limit",
}


class StarCraft(Environment):
    """SMAC's battles in StarCraft II. Each episode of the batch has its own game, which is a process.

    Observations, states, masks and rewards are those of SMAC. With ``obs_timestep_number`` SMAC reserves an
    entry that it never fills; it is left out, so that vectors have the size that SMAC says.

    A game receives one seed when it starts, and draws all its episodes from one random stream. So an episode
    is not determined by its seed, and no two runs are equal. Of the seeds of episodes a game uses only the
    first one, folded to 31 bits.

    If the game breaks down, SMAC starts it again and calls the episode terminated. Here it is a
    :class:`GameError` instead, because nothing of the episode can be used. The next reset starts a new game.

    :param map_name: one of SMAC's 23 maps.
    :param step_mul: game loops of one step; 16 loops are a second.
    :param move_amount: map units that a move action tries to go.
    :param continuing_episode: see :class:`remix.envs.battles.Battles`.
    :param views: what observations and state contain; None for SMAC's defaults.
    :param rewards: what a step pays; None for SMAC's defaults.
    :param difficulty: strength of the enemy, 1 to 9 or A.
    :param game_version: version of StarCraft II, if several are installed, e.g. ``4.6.2``; None for the
        latest.
    :param replay_dir: folder in which each game saves a replay of all its episodes when it is closed; None
        for no replays.
    :raises SettingError: a setting has an invalid value, or something is not installed.
    """

    package = SMAC
    """What the game is played through."""

    def __init__(
        self,
        map_name: str = "8m",
        step_mul: int = 8,
        move_amount: float = 2.0,
        continuing_episode: bool = False,
        views: ViewOptions | None = None,
        rewards: RewardOptions | None = None,
        difficulty: str | int = "7",
        game_version: str | float | None = None,
        replay_dir: str | None = None,
    ) -> None:
        views, rewards = given_or_default(views, rewards)
        checks.choice("map_name", map_name, map_names())
        on_grid = views.obs_pathing_grid or views.obs_terrain_height
        self._settings: dict[str, Any] = {
            "map_name": map_name,
            "game_version": game_version,
            **common_settings(step_mul, move_amount, on_grid, difficulty, continuing_episode),
            **asdict(views),
            **asdict(rewards),
        }
        self._map = load_map(map_name)
        self._prepare(make_spec("starcraft2", self._map, views), map_name, game_version, replay_dir)

    def _prepare(
        self, spec: EnvSpec, map_file: str, game_version: str | float | None, replay_dir: str | None
    ) -> None:
        """Check the installation, and get ready to play what ``spec`` describes."""
        check_installation(self.package, map_file, game_version)
        self._saves_replays = replay_dir is not None
        if replay_dir is not None:
            self._settings["replay_dir"] = replay_folder(replay_dir)
        self.spec = replace(spec, may_hang=True)
        self._games: dict[int, Game] = {}
        self._allocate(0)

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start a battle in its own game for each of ``seeds [E]``. Missing games are launched first.

        :raises GameError: a game broke down. Another reset starts it again.
        :raises SettingError: the package is installed but cannot be used.
        """
        self._allocate(len(seeds))
        for episode, seed in enumerate(map(int, seeds)):
            if episode in self._games and not self._games[episode].can_start:
                self._drop(episode)
            if episode not in self._games:
                self._games[episode] = self._make(episode, seed)
            self._guarded(episode, self._games[episode].start)
            self._running[episode] = True
            self._observe(episode)
        return self._observation

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]`` in all running battles; ``spec.action_names`` says what they mean.

        :raises ValueError: an action is not available.
        :raises GameError: a game broke down. Only a reset can follow.
        """
        actions = self._checked(actions)
        n = len(self._running)
        reward = np.zeros(n, np.float32)
        terminated, truncated = np.zeros((2, n), np.bool_)
        for episode in map(int, np.flatnonzero(self._running)):
            outcome = self._guarded(episode, partial(self._games[episode].step, actions[episode].tolist()))
            reward[episode] = outcome.reward
            terminated[episode] = outcome.ended and not outcome.cut
            truncated[episode] = outcome.cut
            for name, values in self._info.items():
                values[episode] = outcome.info[name]
            self._observe(episode)
        self._running &= ~(terminated | truncated)
        return Step(self._observation, reward, terminated, truncated, self._info)

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture ``[height, width, 3]`` of battle ``index``, drawn like those of the engine.

        SMAC's own pictures need parts of PySC2 that cannot be imported in Python 3.11 and later.
        """
        return picture_of(self._games[index], replace(self._map, name=self.spec.name))

    def close(self) -> None:
        """Save replays, if they are wanted, and end all games."""
        for episode in list(self._games):
            if self._saves_replays:
                self._save_replay(self._games[episode])
            self._drop(episode)

    def _save_replay(self, game: Game) -> None:
        """Save the replay of a game. A failure gives a warning only."""
        try:
            game.save_replay()
        except Exception as error:
            warnings.warn(f"{self.spec.name}: no replay: {first_line(error)}", RuntimeWarning, stacklevel=3)

    def _make(self, episode: int, seed: int) -> Game:
        """Make a game that is not launched yet."""
        # Each replay gets its own name: two of SMAC's names are equal if map and second are.
        prefix = f"{self._map.name}_{os.getpid()}_{episode}"
        make = import_game(self.package)
        try:
            # A copy, as SMACv2 writes into what it is given.
            game = make(seed=fold(seed) & 0x7FFFFFFF, replay_prefix=prefix, **deepcopy(self._settings))
        except (KeyError, TypeError) as error:
            raise SettingError(
                "backend",
                "starcraft2",
                f"the installed package of {self.package.title} is too old ({error!r})",
            ) from error
        shown = game.get_env_info()
        for theirs, ours in _SIZES.items():
            if shown[theirs] != getattr(self.spec, ours):
                expected = f"expected {ours}={getattr(self.spec, ours)}, but it has {shown[theirs]}"
                raise SettingError(
                    "backend",
                    "starcraft2",
                    f"the installed package of {self.package.title} is not the original: {expected}",
                )
        return Game(game)

    def _guarded(self, episode: int, play: Callable[[], T]) -> T:
        """Return what ``play`` returns. If it fails, end the episode's game and raise a GameError."""
        try:
            return play()
        except Exception as error:
            self._running[:] = False
            self._drop(episode)
            reason = f"{type(error).__name__}: {first_line(error)}"
            raise GameError(
                f"{self.spec.name}: the game of episode {episode} broke down: {reason}"
            ) from error

    def _drop(self, episode: int) -> None:
        """End the game of an episode. A failure gives a warning only, so that the other games end, too."""
        try:
            self._games.pop(episode).close()
        except Exception as error:
            warnings.warn(
                f"{self.spec.name}: a game did not close: {first_line(error)}", RuntimeWarning, stacklevel=3
            )

    def _checked(self, actions: NDArray[np.integer]) -> NDArray[np.integer]:
        """Check that ``actions [E, N]`` can be played, and return them."""
        actions, available = np.asarray(actions), self._observation.avail_actions
        if actions.shape != available.shape[:2]:
            expected = f"{available.shape[:2]} (battles, agents)"
            raise ValueError(f"actions have shape {actions.shape}, expected {expected}")
        known = (actions >= 0) & (actions < self.spec.n_actions)
        allowed = np.take_along_axis(available, np.where(known, actions, 0)[..., None], axis=-1)[..., 0]
        wrong = np.argwhere(self._running[:, None] & ~(known & allowed))
        if len(wrong):
            e, i = wrong[0]
            raise ValueError(f"actions: agent {i} cannot perform {actions[e, i]} in battle {e}")
        return actions

    def _observe(self, episode: int) -> None:
        """Write SMAC's observations, state and masks of an episode into the batch."""
        obs, state, avail_actions = (array[episode] for array in self._observation)
        game = self._games[episode]
        obs[:] = [self._without_gap(view) for view in game.get_obs()]
        state[:] = obs.ravel() if self._settings["obs_instead_of_state"] else game.get_state()
        avail_actions[:] = game.get_avail_actions()

    def _without_gap(self, view: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """An observation without the entry before the time, which SMAC reserves and never fills."""
        return view if len(view) == self.spec.obs_size else np.delete(view, -2)

    def _allocate(self, n_episodes: int) -> None:
        spec = self.spec
        self._observation = Observation(
            obs=np.zeros((n_episodes, spec.n_agents, spec.obs_size), np.float32),
            state=np.zeros((n_episodes, spec.state_size), np.float32),
            avail_actions=np.zeros((n_episodes, spec.n_agents, spec.n_actions), np.bool_),
        )
        self._info = {name: np.zeros(n_episodes, np.float32) for name in spec.metrics}
        self._running = np.zeros(n_episodes, np.bool_)


def common_settings(
    step_mul: int, move_amount: float, on_grid: bool, difficulty: str | int, continuing_episode: bool
) -> dict[str, Any]:
    """Check the settings that SMAC and SMACv2 have in common.

    :param on_grid: whether observations have samples of the ground around an agent.
    """
    if str(difficulty) not in DIFFICULTIES:
        raise SettingError("difficulty", difficulty, one_of(DIFFICULTIES))
    return {
        "step_mul": checks.whole("step_mul", step_mul, 1, MOST_LOOPS),
        "move_amount": _move_amount(move_amount, on_grid),
        "difficulty": str(difficulty),
        "continuing_episode": checks.flag("continuing_episode", continuing_episode),
    }


def _move_amount(value: float, on_grid: bool) -> float:
    """``move_amount`` in the type that SMAC needs: some views use it as an index, which must be an int."""
    amount = checks.number("move_amount", value, 0, LONGEST_MOVE)
    if not amount.is_integer() and on_grid:
        raise SettingError(
            "move_amount", value, "must be a whole number with obs_pathing_grid or obs_terrain_height"
        )
    return int(amount) if amount.is_integer() else amount
