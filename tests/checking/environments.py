"""A sound environment, and what can be wrong with one; other processes import it from here."""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import replace
from threading import Thread, main_thread
from typing import Any, ClassVar

import numpy as np

from remix.envs.spec import Environment, EnvSpec, Observation, Step

LIMIT = 6


class Sound(Environment):
    """Two agents see a signal each; they may press (action 2) where it is high, and win if both do."""

    def __init__(self, **spec: Any) -> None:
        sizes: dict[str, Any] = {"n_agents": 2, "n_actions": 3, "obs_size": 2, "state_size": 4}
        self.spec = EnvSpec("signals", episode_limit=LIMIT, metrics=("hits",), **(sizes | spec))
        self.running = np.zeros(0, np.bool_)

    def reset(self, seeds):
        self.random = self.streams(seeds)
        self.running = np.ones(len(seeds), np.bool_)
        self.t = np.zeros(len(seeds), np.float32)
        self.hits = np.zeros(len(seeds), np.float32)
        self.signals = np.zeros((len(seeds), 2), np.float32)
        self.draw()
        return self.observation()

    def streams(self, seeds):
        return [np.random.default_rng(seed) for seed in seeds]

    def draw(self):
        for e in np.flatnonzero(self.running):
            self.signals[e] = self.random[e].random(2)

    def observation(self):
        t = np.repeat(self.t[:, None], 2, axis=1)
        obs = np.stack((self.signals, t), axis=-1)
        avail_actions = np.ones((*self.signals.shape, 3), np.bool_)
        avail_actions[..., 2] = self.signals > 0.5
        return Observation(obs, obs.reshape(len(obs), 4), avail_actions)

    def step(self, actions):
        self.refuse_wrong(actions)
        self.t += self.running
        terminated = (actions == 2).all(-1) & self.running
        truncated = (self.t == LIMIT) & self.running & ~terminated
        self.hits += terminated
        self.running = self.running & ~(terminated | truncated)
        self.draw()
        reward = terminated.astype(np.float32)
        return Step(self.observation(), reward, terminated, truncated, {"hits": self.hits.copy()})

    def refuse_wrong(self, actions):
        if actions.shape != self.signals.shape:
            raise ValueError(f"actions have shape {actions.shape}, expected {self.signals.shape}")
        if ((actions < 0) | (actions > 2)).any():
            raise ValueError("actions must lie between 0 and 2")

    def render(self, index=0):
        picture = np.zeros((4, 8, 3), np.uint8)
        picture[:, :4], picture[:, 4:] = 50 + 200 * self.signals[index, :, None, None]
        return picture

    def close(self):
        self.running = np.zeros(0, np.bool_)


def sound() -> Sound:
    """What an annotated function makes."""
    return Sound()


class WithoutSpec(Sound):
    def __init__(self):
        super().__init__()
        self.spec = None  # type: ignore[assignment]


class BreaksDown(Sound):
    def __init__(self):
        raise RuntimeError("no simulator\nand more of it")


class ChangesItsSpec(Sound):
    def reset(self, seeds):
        self.spec = replace(self.spec, episode_limit=LIMIT + 1)
        return super().reset(seeds)


class RewardsNothing(Sound):
    def step(self, actions):
        return super().step(actions)._replace(reward=np.full(len(actions), np.nan, np.float32))


class RewardsAll(Sound):
    """Each agent is paid what it saw, while the episode lasts."""

    def __init__(self):
        super().__init__(individual_rewards=True)

    def step(self, actions):
        seen = self.signals * self.running[:, None]
        return super().step(actions)._replace(individual_rewards=seen)


class RewardsDeadAgents(RewardsAll):
    def step(self, actions):
        seen = self.signals.copy()
        return super().step(actions)._replace(individual_rewards=seen)


class RewardsByForeignDice(RewardsAll):
    def step(self, actions):
        outcome = super().step(actions)
        outcome.individual_rewards[:, 1] *= np.random.default_rng().random()
        return outcome


class LeavesNoAction(Sound):
    def observation(self):
        observation = super().observation()
        observation.avail_actions[:, 1] &= self.t[:, None] < 2
        return observation


class SeesDoubles(Sound):
    def observation(self):
        observation = super().observation()
        return observation._replace(obs=observation.obs.astype(np.float64))


class CountsInDoubles(Sound):
    def step(self, actions):
        return super().step(actions)._replace(info={"hits": self.hits.astype(np.float64)})


class HasAnotherState(Sound):
    def __init__(self):
        super().__init__(state_from_obs=True)

    def observation(self):
        observation = super().observation()
        return observation._replace(state=observation.state[:, ::-1].copy())


class NeverEnds(Sound):
    def step(self, actions):
        nothing = np.zeros(len(actions), np.bool_)
        return super().step(actions)._replace(terminated=nothing, truncated=nothing)


class GoesOn(Sound):
    def draw(self):
        for e, stream in enumerate(self.random):
            self.signals[e] = stream.random(2)


class RewardsTheDead(Sound):
    def step(self, actions):
        return super().step(actions)._replace(reward=np.ones(len(actions), np.float32))


class ThrowsForeignDice(Sound):
    def draw(self):
        self.signals[self.running] = np.random.random((self.running.sum(), 2))  # noqa: NPY002


class SharesAStream(Sound):
    def streams(self, seeds):
        return [np.random.default_rng(seeds[0])] * len(seeds)


class RemembersWhatWasBrokenOff(Sound):
    def reset(self, seeds):
        unfinished = self.running.any()
        observation = super().reset(seeds)
        observation.obs[..., 1] += unfinished
        return observation


class SeedsEverybody(Sound):
    def reset(self, seeds):
        np.random.seed(0)  # noqa: NPY002
        return super().reset(seeds)


class RefusesAnAction(Sound):
    def refuse_wrong(self, actions):
        super().refuse_wrong(actions)
        if (actions == [0, 1]).all(-1)[self.t == 0].any():
            raise RuntimeError("the second agent cannot do that")


class TakesEverything(Sound):
    def refuse_wrong(self, actions):
        """Nothing."""


class RefusesInOtherWords(Sound):
    def refuse_wrong(self, actions):
        if actions.shape != self.signals.shape or ((actions < 0) | (actions > 2)).any():
            raise ValueError("no")


class MovesWhenDrawn(Sound):
    def render(self, index=0):
        self.draw()
        return super().render(index)


class DrawsInBlack(Sound):
    def render(self, index=0):
        return np.zeros((4, 8, 3), np.uint8)


class CannotBeDrawn(Sound):
    def render(self, index=0):
        raise NotImplementedError


class KeepsThingsInTheClass(Sound):
    everybodys: ClassVar[list[np.random.Generator]] = []

    def streams(self, seeds):
        self.everybodys[:] = super().streams(seeds)
        return self.everybodys


class ClosesOnce(Sound):
    closed = False

    def close(self):
        if self.closed:
            raise OSError("not open")
        self.closed = True


class LeavesAThread(Sound):
    def __init__(self):
        super().__init__()
        Thread(target=main_thread().join, name="clock").start()


class GoesByHashes(Sound):
    def streams(self, seeds):
        return [np.random.default_rng(abs(hash(f"episode {seed}"))) for seed in seeds]


class CannotBeSent(Sound):
    def __init__(self, how=None):
        super().__init__()


class DiesElsewhere(Sound):
    def reset(self, seeds):
        if multiprocessing.parent_process() is not None:
            os._exit(1)
        return super().reset(seeds)
