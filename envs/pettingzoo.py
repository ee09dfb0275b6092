"""PettingZoo games as batched environments: one ``ParallelEnv`` per episode of the batch.

PettingZoo and Gymnasium are an optional extra, so nothing here imports them before a game is made.
The other direction is :mod:`envs.parallel`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from envs.checks import integer
from envs.errors import SettingError, one_of
from envs.seeds import fold
from envs.spec import Environment, EnvSpec, Observation, Step

if TYPE_CHECKING:
    from pettingzoo import ParallelEnv


class PettingZoo(Environment):
    """Any PettingZoo ``ParallelEnv`` with discrete actions, as a cooperative environment.

    Every agent of ``possible_agents`` keeps its place for the whole episode. Observations are
    flattened as Gymnasium does it (a Discrete one becomes one-hot) and padded with zeros to the
    longest; action masks are taken from ``observation["action_mask"]`` or ``info["action_mask"]``;
    actions that an agent does not have are unavailable. An agent that has left the game sees zeros,
    can only choose action 0, and that action is not sent. An agent whose mask is all zeros has
    nothing to decide and is left action 0 too, Gymnasium's choice for such a mask. A masked action
    is passed on: what it does is the game's own affair.

    The episode ends with its last agent. It is truncated if an agent was cut in the last step
    (PettingZoo's truncation, or ``episode_limit``) and terminated otherwise.

    The state is the game's ``state()`` where it has one, else the agents' observations end to end.

    :param id: module with a function ``parallel_env``, e.g. ``mpe2.simple_spread_v3``, or
        ``package.module:factory``.
    :param options: keyword arguments of that function.
    :param reward: how the agents' rewards become the team's: their ``sum``, or their ``mean`` over
        all N agents, those that have left counting as 0.
    :param episode_limit: steps after which an episode is cut; by default the game's ``max_cycles``.
    :raises SettingError: the game cannot be imported or made, has no discrete actions or fixed list
        of agents, or does not tell its length.
    """

    def __init__(
        self,
        id: str,
        options: Mapping[str, Any] | None = None,
        reward: str = "mean",
        episode_limit: int | None = None,
    ) -> None:
        if reward not in ("mean", "sum"):
            raise SettingError("reward", reward, one_of(("mean", "sum"), reward))
        self._id = id
        self._options = dict(options or {})
        self._factory = find_factory(id)
        self._games: list[Any] = [self._make()]

        from envs.slots import make_slot

        game = self._games[0]
        self._slots = [make_slot(id, game, agent) for agent in game.possible_agents]
        self._n_actions = np.array([slot.n_actions for slot in self._slots])
        self._reward_scale = 1 / len(self._slots) if reward == "mean" else 1.0
        obs_size = max(slot.obs_size for slot in self._slots)
        obs_dtype = "bool" if all(slot.binary for slot in self._slots) else "float32"
        state_size = own_state_size(game)
        self._has_state = state_size is not None
        self.spec = EnvSpec(
            name=f"pettingzoo/{id}",
            n_agents=len(self._slots),
            n_actions=int(self._n_actions.max()),
            obs_size=obs_size,
            state_size=state_size if state_size is not None else len(self._slots) * obs_size,
            episode_limit=self._limit(game, episode_limit),
            obs_dtype=obs_dtype,
            state_dtype="float32" if self._has_state else obs_dtype,
        )
        self._allocate(0)

    @staticmethod
    def imports(settings: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
        """Module and function that each of these settings makes this class import and call."""
        if "id" not in settings:
            return {}
        path, _, function = str(settings["id"]).partition(":")
        return {"id": (path, function or "parallel_env")}

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start ``len(seeds)`` episodes, each of its own game; missing games are made first.

        How far a seed determines an episode is up to the game. Seeds above 32 bits are folded, as
        many games take no longer ones.
        """
        while len(self._games) < len(seeds):
            self._games.append(self._make())
        self._allocate(len(seeds))
        for episode, seed in enumerate(seeds):
            game = self._games[episode]
            observations, infos = game.reset(seed=fold(int(seed)))
            self._observe(episode, set(game.agents), observations, infos)
        return self._observation

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Apply ``actions [E, N]`` to the episodes that still run."""
        chosen = np.asarray(actions)[self._running]
        if not ((chosen >= 0) & (chosen < self._n_actions)).all():
            raise ValueError(f"actions must lie between 0 and {(self._n_actions - 1).tolist()}")
        reward = np.zeros(len(self._running), np.float32)
        terminated = np.zeros(len(self._running), np.bool_)
        truncated = np.zeros(len(self._running), np.bool_)
        for episode in map(int, np.flatnonzero(self._running)):
            reward[episode], terminated[episode], truncated[episode] = self._step(episode, actions[episode])
        self._running &= ~(terminated | truncated)
        return Step(self._observation, reward, terminated, truncated, {})

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """Picture of episode ``index``; needs a game made with ``options.render_mode=rgb_array``."""
        mode = self._options.get("render_mode")
        if mode != "rgb_array":
            raise SettingError("options.render_mode", mode, "must be rgb_array to draw pictures")
        return np.asarray(self._games[index].render(), dtype=np.uint8)

    def close(self) -> None:
        """Close all games."""
        for game in self._games:
            game.close()
        self._games.clear()

    def _step(self, episode: int, actions: NDArray[np.integer]) -> tuple[float, bool, bool]:
        """One joint step of one running episode: team reward, terminated, truncated."""
        game, gone = self._games[episode], self._gone[episode]
        live = set(game.agents) - gone
        chosen = {
            slot.agent: slot.first_action + int(action)
            for slot, action in zip(self._slots, actions, strict=True)
            if slot.agent in live
        }
        observations, rewards, terminations, truncations, infos = game.step(chosen)
        self._steps[episode] += 1

        ended = {a for a in live if terminations.get(a) or truncations.get(a)}
        cut = {a for a in ended if not terminations.get(a)}
        # Some games leave the dead in their list of agents. Nobody comes back in PettingZoo.
        gone |= ended
        live = set(game.agents) - gone
        # Agents cut together with the episode keep their last view: the learner bootstraps from it.
        self._observe(episode, live or cut, observations, infos)

        reward = self._reward_scale * sum(rewards.get(slot.agent, 0.0) for slot in self._slots)
        over_limit = bool(self._steps[episode] >= self.spec.episode_limit)
        return reward, not live and not cut, over_limit if live else bool(cut)

    def _observe(
        self, episode: int, seeing: set[Any], observations: Mapping[Any, Any], infos: Mapping[Any, Any]
    ) -> None:
        """Write what the agents in ``seeing`` see into the batch; the others see nothing."""
        obs, state, avail_actions = (array[episode] for array in self._observation)
        obs[:] = 0
        avail_actions[:] = False
        for n, slot in enumerate(self._slots):
            if slot.agent in seeing:
                slot.write(observations[slot.agent], infos.get(slot.agent, {}), obs[n], avail_actions[n])
            else:
                avail_actions[n, 0] = True
        state[:] = np.ravel(self._games[episode].state() if self._has_state else obs)

    def _allocate(self, n_episodes: int) -> None:
        spec = self.spec
        self._observation = Observation(
            obs=np.zeros((n_episodes, spec.n_agents, spec.obs_size), spec.obs_dtype),
            state=np.zeros((n_episodes, spec.state_size), spec.state_dtype),
            avail_actions=np.zeros((n_episodes, spec.n_agents, spec.n_actions), np.bool_),
        )
        self._gone: list[set[Any]] = [set() for _ in range(n_episodes)]
        self._steps = np.zeros(n_episodes, np.int64)
        self._running = np.ones(n_episodes, np.bool_)

    def _make(self) -> ParallelEnv[Any, Any, Any]:
        from pettingzoo import ParallelEnv

        try:
            game = self._factory(**self._options)
        except (TypeError, ValueError) as error:
            raise SettingError("options", self._options, f"not accepted by {self._id}: {error}") from error
        if not isinstance(game, ParallelEnv) or not getattr(game, "possible_agents", None):
            raise SettingError("id", self._id, "must make a pettingzoo.ParallelEnv with possible_agents")
        return game

    def _limit(self, game: ParallelEnv[Any, Any, Any], wanted: int | None) -> int:
        """Steps per episode: as wanted, but not more than the game allows."""
        own = self._options.get("max_cycles", getattr(game.unwrapped, "max_cycles", None))
        if wanted is None and own is None:
            raise SettingError("episode_limit", None, f"must be given: {self._id} tells no max_cycles")
        limit = integer("episode_limit", own if wanted is None else wanted, minimum=1)
        if own is not None and limit > own:
            raise SettingError("episode_limit", limit, f"must be at most options.max_cycles={own}")
        return limit


def own_state_size(game: ParallelEnv[Any, Any, Any]) -> int | None:
    """Length of the game's own global state, None if it has none. Resets the game."""
    game.reset(seed=0)
    try:
        return int(np.size(game.state()))
    except NotImplementedError:
        return None


def find_factory(id: str) -> Callable[..., Any]:
    """The function that makes a game, from ``module`` (its ``parallel_env``) or ``module:function``.

    :raises SettingError: it cannot be imported; the message says what to install or what to choose.
    """
    path, _, function = id.partition(":")
    try:
        import_module("pettingzoo")
        module = import_module(path)
    except (ImportError, ValueError) as error:
        raise SettingError("id", id, import_advice(error)) from error
    factory: Callable[..., Any] | None = getattr(module, function or "parallel_env", None)
    if not callable(factory):
        raise SettingError("id", id, f"{path} has no function {function or 'parallel_env'}")
    return factory


def import_advice(error: ImportError | ValueError) -> str:
    """What to do about a failed import."""
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    if not missing:
        return f"cannot be imported: {str(error).splitlines()[0]}"
    if missing in ("pettingzoo", "gymnasium"):
        return f'needs the package {missing}: pip install "remix-marl[pettingzoo]"'
    parent, _, name = missing.rpartition(".")
    if not parent:
        return f"needs the package {missing}: pip install {missing}"
    siblings = [module.name for module in iter_modules(getattr(import_module(parent), "__path__", ()))]
    return f"{parent} has no module {name}; it {one_of(siblings, name)}"
