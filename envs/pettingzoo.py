"""PettingZoo games as batched environments: one ``ParallelEnv`` per episode of the batch.

PettingZoo and Gymnasium are an optional extra, so they are imported only when a game is made.
The other direction is :mod:`remix.envs.parallel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix.envs.factories import Factory
from remix.envs.factories import episode_limit as longest
from remix.envs.films import as_picture
from remix.envs.seeds import fold
from remix.envs.spec import Environment, EnvSpec, Observation, Step
from remix.settings.errors import GameCode, InvalidOutput, SettingError, one_of


class PettingZoo(Environment):
    """Any PettingZoo ``ParallelEnv`` with discrete actions, as a cooperative environment.

    Every agent of ``possible_agents`` keeps its place for the whole episode.

    Observations are flattened as Gymnasium does it (a Discrete one becomes one-hot), and padded with zeros
    to the longest. Whole numbers with a declared range within 0 to 255, e.g. pixels, stay bytes; all others
    become float32. The state is the game's ``state()`` if it has one, otherwise the observations of all
    agents one after the other.

    MultiDiscrete and MultiBinary actions are numbered (see :class:`remix.envs.slots.Slot`). An action mask
    has one number 0 or 1 per action. It is taken from ``observation["action_mask"]`` or
    ``info["action_mask"]``. Actions that an agent does not have are unavailable. A masked action is passed
    on; the game decides what it does.

    An agent that has not joined yet or has left sees zeros, can only choose action 0 and earns nothing.
    The action is sent only if the game still lists the agent. A mask of zeros means that it is another
    agent's turn, as in PettingZoo's classic games; it leaves action 0, too. A game that goes on must leave
    at least one agent a choice.

    The episode ends with its last agent. It is truncated if an agent was cut in the last step (by
    PettingZoo's truncation, or by ``episode_limit``), and terminated otherwise. Agents that are cut must
    still get an observation, because the learner bootstraps from it. A flag for ``__all__`` counts for
    every agent.

    :param id: a module with a function ``parallel_env``, e.g. ``mpe2.simple_spread_v3``, or
        ``package.module:factory``.
    :param options: keyword arguments of that function. A function that does not accept ``render_mode`` does
        not receive it.
    :param reward: how the rewards of the agents become that of the team: their ``sum``, or their ``mean``
        over all N agents, where an agent that has left counts as 0.
    :param episode_limit: steps after which an episode is cut; by default the game's ``max_cycles``.
    :ivar slots: the places of the N agents.
    :raises SettingError: the game cannot be found or made, has no discrete actions or no fixed list of
        agents, or does not tell its length.
    :raises GameError: the game raised an exception while it was imported, made or first reset.
    """

    def __init__(
        self,
        id: str,
        options: Mapping[str, Any] | None = None,
        reward: str = "mean",
        episode_limit: int | None = None,
    ) -> None:
        if reward not in ("mean", "sum"):
            raise SettingError("reward", reward, one_of(("mean", "sum"), str(reward)))
        self._factory = Factory(id, options)
        self._games: list[Any] = [self._factory.make()]

        from remix.envs.outcomes import Outcomes
        from remix.envs.slots import make_slot, shared_names

        game, self._name = self._games[0], f"pettingzoo/{id}"
        with GameCode(self._name, "its spaces"):
            spaces = {a: (game.action_space(a), game.observation_space(a)) for a in game.possible_agents}
        self.slots = [make_slot(id, agent, *pair) for agent, pair in spaces.items()]
        self._outcomes = Outcomes(self._name, spaces)
        self._reward_scale = 1 / len(self.slots) if reward == "mean" else 1.0
        self._n_actions = np.array([slot.n_actions for slot in self.slots])
        obs_size = max(slot.obs_size for slot in self.slots)
        obs_dtype = str(np.result_type(*(slot.obs_dtype for slot in self.slots)))
        state = self._outcomes.own_state(game)
        self.spec = EnvSpec(
            name=self._name,
            n_agents=len(self.slots),
            n_actions=int(self._n_actions.max()),
            obs_size=obs_size,
            state_size=len(self.slots) * obs_size if state is None else state.size,
            episode_limit=longest(id, game, self._factory.options, episode_limit),
            obs_dtype=obs_dtype,
            state_dtype=obs_dtype if state is None else str(state.dtype),
            state_from_obs=state is None,
            action_names=shared_names(self.slots),
            agent_names=tuple(str(agent) for agent in spaces),
            individual_rewards=True,
        )
        self._allocate(0)

    @staticmethod
    def imports(settings: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
        """The module and the function that this class imports and calls, by the setting that names them."""
        if "id" not in settings:
            return {}
        path, _, function = str(settings["id"]).partition(":")
        return {"id": (path, function or "parallel_env")}

    def reset(self, seeds: NDArray[np.int64]) -> Observation:
        """Start an episode in its own game for each of ``seeds [E]``. Missing games are made first.

        How far a seed determines an episode depends on the game. Seeds of more than 32 bits are folded,
        because many games accept no longer ones.
        """
        while len(self._games) < len(seeds):
            game = self._factory.make()
            if any(game is other for other in self._games):
                raise SettingError("id", self._factory.id, "must make a new game whenever it is called")
            self._games.append(game)
        self._allocate(len(seeds))
        for episode, seed in enumerate(seeds):
            game = self._games[episode]
            observations, infos = self._outcomes.of_reset(game.reset(seed=fold(int(seed))))
            listed = self._listed[episode] = self._outcomes.listed(game, 0)
            if not listed:
                raise InvalidOutput(
                    self._name, "agents", "must list somebody at the start of an episode", step=0
                )
            self._observe(episode, listed, observations, infos, playing=True)
        return self._observation

    def step(self, actions: NDArray[np.integer]) -> Step:
        """Play ``actions [E, N]`` in all running episodes."""
        if actions.shape != (expected := (len(self._running), self.spec.n_agents)):
            raise ValueError(f"actions have shape {actions.shape}, expected {expected} (episodes, agents)")
        chosen = actions[self._running]
        if not ((chosen >= 0) & (chosen < self._n_actions)).all():
            raise ValueError(f"actions must lie between 0 and {(self._n_actions - 1).tolist()}")
        reward = np.zeros(len(self._running), np.float32)
        individual = np.zeros(actions.shape, np.float32)
        terminated = np.zeros(len(self._running), np.bool_)
        truncated = np.zeros(len(self._running), np.bool_)
        for episode in map(int, np.flatnonzero(self._running)):
            reward[episode], terminated[episode], truncated[episode] = self._step(
                episode, actions[episode], individual[episode]
            )
        self._running &= ~(terminated | truncated)
        return Step(self._observation, reward, terminated, truncated, {}, individual)

    def render(self, index: int = 0) -> NDArray[np.uint8]:
        """RGB picture ``[height, width, 3]`` of episode ``index``. A ``render_mode`` must be rgb_array."""
        mode = self._factory.options.get("render_mode")
        if self._factory.takes_render_mode and mode != "rgb_array":
            raise SettingError("options.render_mode", mode, "must be rgb_array to draw pictures")
        try:
            return as_picture(self._games[index].render())
        except ValueError as error:
            raise InvalidOutput(self._name, "render", str(error), step=int(self._steps[index])) from error

    def close(self) -> None:
        """Close all games. If one fails, the others are still closed."""
        with ExitStack() as stack:
            while self._games:
                stack.callback(getattr(self._games.pop(), "close", int))

    def _step(
        self, episode: int, actions: NDArray[np.integer], individual: NDArray[np.float32]
    ) -> tuple[float, bool, bool]:
        """Play the joint ``actions [N]`` in one running episode.

        :param individual: zeros ``[N]``, receives the rewards of the agents.
        :returns: the team reward, terminated, truncated.
        """
        game, gone, told = self._games[episode], self._gone[episode], self._listed[episode]
        # Some games keep dead agents in their list, and need actions of theirs, too.
        chosen = {
            slot.agent: slot.action(int(action))
            for slot, action in zip(self.slots, actions, strict=True)
            if slot.agent in told
        }
        self._steps[episode] += 1
        step = int(self._steps[episode])
        outcome = self._outcomes.of_step(game.step(chosen), step)
        listed = self._listed[episode] = self._outcomes.listed(game, step)

        reward: Any = 0
        cut, ended = set(), set()
        for n, agent in enumerate(slot.agent for slot in self.slots):
            if agent not in (told | listed) - gone:
                continue
            acted = agent in told
            if acted or agent in outcome.rewards:
                own = self._outcomes.reward(outcome, agent, step)
                individual[n] = own
                reward += own
            terminated, truncated = self._outcomes.ended(outcome, agent, step, acted)
            ended |= {agent} if terminated or truncated else set()
            cut |= {agent} if truncated and not terminated else set()
            if not (agent in listed or agent in ended):
                problem = "no longer has it, but it was neither terminated nor truncated"
                raise InvalidOutput(self._name, "agents", problem, agent, step)
        gone |= ended  # in PettingZoo no agent comes back
        live = listed - gone
        over_limit = step >= self.spec.episode_limit
        # Agents that are cut together with the episode keep their last observation, as learners bootstrap.
        seeing = live or cut
        self._observe(episode, seeing, outcome.observations, outcome.infos, bool(live) and not over_limit)
        return self._reward_scale * reward, not live and not cut, over_limit if live else bool(cut)

    def _observe(
        self,
        episode: int,
        seeing: set[Any],
        observations: Mapping[Any, Any],
        infos: Mapping[Any, Any],
        playing: bool,
    ) -> None:
        """Write the observations of the agents in ``seeing`` into the batch, and zeros for the others.

        :param playing: whether the episode goes on, so that some agent must have a choice.
        """
        step = int(self._steps[episode])
        obs, state, avail_actions = (array[episode] for array in self._observation)
        obs[:] = 0
        avail_actions[:] = False
        for n, slot in enumerate(self.slots):
            if slot.agent in seeing:
                if slot.agent not in observations:
                    problem = "is missing, though it plays on or was cut, when the learner bootstraps from it"
                    raise InvalidOutput(self._name, "observation", problem, slot.agent, step)
                info = infos.get(slot.agent)
                slot.write(observations[slot.agent], info, obs[n], avail_actions[n], step)
        idle = ~avail_actions.any(axis=-1)
        if playing and idle.all():
            raise InvalidOutput(self._name, "action_mask", "leaves no agent any action", step=step)
        avail_actions[idle, 0] = True
        if not self.spec.state_from_obs:
            own = self._games[episode].state()
            state[:] = self._outcomes.state(own, self.spec.state_size, self.spec.state_dtype, step)

    def _allocate(self, n_episodes: int) -> None:
        spec = self.spec
        obs = np.zeros((n_episodes, spec.n_agents, spec.obs_size), spec.obs_dtype)
        state_shape = (n_episodes, spec.state_size)
        self._observation = Observation(
            obs=obs,
            state=obs.reshape(state_shape)
            if spec.state_from_obs
            else np.zeros(state_shape, spec.state_dtype),
            avail_actions=np.zeros((n_episodes, spec.n_agents, spec.n_actions), np.bool_),
        )
        self._gone: list[set[Any]] = [set() for _ in range(n_episodes)]
        self._listed: list[set[Any]] = [set() for _ in range(n_episodes)]
        self._steps = np.zeros(n_episodes, np.int64)
        self._running = np.ones(n_episodes, np.bool_)
