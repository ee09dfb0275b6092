"""The life of a worker process, which tells the other side what it is at."""

from __future__ import annotations

import pickle
from contextlib import suppress
from enum import Enum
from multiprocessing.connection import Connection

import torch
from numba.core.event import Event, Listener, register

from remix.envs.gate import Gate, behind_gate
from remix.learning.episodes import Episode
from remix.learning.workers.child import portable
from remix.learning.workers.rollout import rollout
from remix.settings.errors import SettingError, named


class Phase(Enum):
    """What a worker is at until it answers."""

    STARTING = "it imports, makes its game or compiles"
    READY = "it waits for a task"
    PLAYING = "it plays"


class Herald(Listener):
    """Tells the parent of every phase.

    Numba reports to it when it compiles, so that the time of compiling is not taken for a game that hangs.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection, self._phase, self._compiling = connection, Phase.STARTING, 0

    def tell(self, phase: Phase) -> None:
        """Tell the parent that a phase begins."""
        self._phase = phase
        self._connection.send(phase)

    def on_start(self, event: Event) -> None:
        self._compiling += 1
        if self._compiling == 1:
            self._connection.send(Phase.STARTING)

    def on_end(self, event: Event) -> None:
        self._compiling -= 1
        if self._compiling == 0:
            self._connection.send(self._phase)


def play(connection: Connection, player: bytes) -> None:
    """Play what is asked for until the other side closes.

    Sends a :class:`Phase` whenever it changes and, for every task, the episodes or an exception.

    :param player: the pickled factory of the environment and policy.
    """
    torch.set_num_threads(1)
    game: Gate | None = None
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            environment, policy = pickle.loads(player)
        except Exception as error:
            connection.send(portable(unreachable(error)))
            return
        herald = Herald(connection)
        herald.tell(Phase.READY)
        register("numba:compile", herald)
        while True:
            policy_state, seeds, exploration = pickle.loads(connection.recv_bytes())
            answer: list[Episode] | Exception
            try:
                herald.tell(Phase.STARTING)
                game = game or behind_gate(environment)
                herald.tell(Phase.PLAYING)
                policy.load_state_dict(policy_state)
                answer = rollout(game, policy, seeds, exploration)
            except Exception as error:
                answer = portable(error)
            connection.send(answer)
    if game is not None:
        game.close()


def unreachable(error: Exception) -> SettingError:
    """The error of an environment whose class or settings cannot be sent to another process."""
    return SettingError(
        "_target_",
        "ProcessWorkers",
        f"cannot have the environment in another process ({named(error)}): choose workers=inline, or define "
        "its class at the top of a module that can be imported",
    )
