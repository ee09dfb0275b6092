"""An environment under check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

from remix.checking.outcome import NotChecked
from remix.checking.play import Moment, compare, play
from remix.envs.gate import Gate
from remix.envs.spec import Environment, EnvSpec
from remix.settings.errors import GameCode

CHOICES = (10, 11, 12)
"""Seeds of what the agents do in the three episodes."""

OWN_STREAM = "everything random in an episode must come from its own seed"


class Game:
    """An environment to be checked, made anew for every check if that can be done.

    :param name: for messages.
    :param thing: an environment, or what makes one without arguments.
    :param seed: of the first of three episodes.
    :param steps: after which plays end that need no whole episode.
    """

    def __init__(self, name: str, thing: Any, seed: int, steps: int) -> None:
        self.name, self.thing, self.steps = name, thing, steps
        self.seeds = (seed, seed + 1, seed + 2)

    @property
    def make(self) -> Callable[[], Environment]:
        """The factory of the environment."""
        if isinstance(self.thing, Environment):
            raise NotChecked("needs the class, or a function that makes one")
        made: Callable[[], Environment] = self.thing
        return made

    @contextmanager
    def bare(self) -> Iterator[Environment]:
        """The environment itself."""
        if isinstance(self.thing, Environment):
            yield self.thing
            return
        with GameCode(self.name, "its constructor"):
            environment = self.make()
        try:
            yield environment
        finally:
            with suppress(Exception):  # another check looks at that
                environment.close()

    @contextmanager
    def behind_gate(self) -> Iterator[Gate]:
        """The same, looked at in every step."""
        with self.bare() as environment:
            yield Gate(environment)

    def plays(self, game: Environment) -> list[list[Moment]]:
        """The three episodes."""
        return play(game, self.seeds, CHOICES, self.steps)

    @cached_property
    def spec(self) -> EnvSpec:
        with self.behind_gate() as game:
            return game.spec

    @cached_property
    def episodes(self) -> list[list[Moment]]:
        """What is expected of the three episodes however they are played."""
        with self.behind_gate() as game:
            return self.plays(game)

    def compare(self, episodes: list[list[Moment]], when: str, rule: str = OWN_STREAM) -> None:
        """:raises InvalidOutput: they are not those expected."""
        compare(self.spec, episodes, self.episodes, when, rule)
