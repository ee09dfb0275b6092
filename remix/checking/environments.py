"""The contract of an environment (:class:`remix.envs.spec.Environment`), one function a clause."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from threading import enumerate as running_threads
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytorch_lightning.utilities.seed import isolate_rng

from remix.checking.game import CHOICES, OWN_STREAM, Game
from remix.checking.generators import seed_everybody, states
from remix.checking.outcome import Flaw, NotChecked, Report, expect, run_checks
from remix.checking.play import Play, compare, outcomes, play, play_anew
from remix.envs.gate import Gate
from remix.envs.spec import Environment
from remix.learning.workers.base import WorkerError
from remix.learning.workers.child import apart
from remix.settings.errors import GameCode, named

_ODD_SEED = 907_031  # a seed that no game would choose for the global generators
_PATIENCE = 600.0  # seconds for another process to import, to make its game and to play
_LAST_BREATH = 1.0  # seconds that a thread of a game has to end in
_PICTURES = 10  # steps that are drawn
_MOST_ACTIONS = 64  # tried at the start of an episode


def check_environment(name: str, thing: Any, seed: int = 0, steps: int = 100) -> Report:
    """Every clause that can be checked from outside.

    :param name: of the thing, for messages.
    :param thing: an environment, or what makes one without arguments; only of the latter can be known what
        several environments have to do with each other.
    :param seed: of the first episode.
    :param steps: joint steps after which plays end that need no whole episode.
    :raises CheckFailed: a clause is broken.
    """
    __tracebackhide__ = True
    return run_checks(name, Game(name, thing, seed, steps), CHECKS)


def it_can_be_made_and_has_a_spec(game: Game) -> None:
    """An ``Environment`` whose spec makes sense, the same before and after a reset."""
    with game.behind_gate() as made:
        before = made.spec
    with game.bare() as environment:
        environment.reset(np.array(game.seeds[:1], np.int64))
        expect(environment.spec == before, f"spec is {environment.spec} after a reset, was {before}")


def what_it_returns_fits_its_spec(game: Game) -> None:
    """Shapes, types, finite numbers, flags, and an action for everybody, for one episode and for three."""
    with game.behind_gate() as made:
        play(made, game.seeds[:1], CHOICES[:1], game.steps)
        play(made, game.seeds, CHOICES, game.steps)


def statistics_are_those_of_its_spec(game: Game) -> None:
    """``info`` holds ``spec.metrics`` and nothing else, as float32."""
    with game.bare() as environment:
        step = _first_step(environment, game.seeds)
        found = {name: values.dtype.name for name, values in step.info.items()}
        wanted = dict.fromkeys(environment.spec.metrics, "float32")
        expect(found == wanted, f"step 1: info holds {found}, must hold {wanted} of spec.metrics")


def the_state_is_the_observations_where_it_says_so(game: Game) -> None:
    """``spec.state_from_obs``: nobody keeps the state then."""
    if not game.spec.state_from_obs:
        raise NotChecked("spec.state_from_obs is false")
    for episode in game.episodes:
        for t, moment in enumerate(episode):
            equal = np.array_equal(moment["state"], moment["obs"].reshape(-1))
            expect(equal, f"step {t}: state is not the observations end to end, as spec.state_from_obs says")


def episodes_end_by_the_limit(game: Game) -> None:
    """Terminated or truncated after ``spec.episode_limit`` steps at the latest."""
    with game.bare() as environment:
        limit = environment.spec.episode_limit
        playing = Play(environment, game.seeds[:2], CHOICES[:2])
        for _ in range(limit):
            playing.advance()
        expect(
            not playing.running.any(),
            f"step {limit}: an episode goes on, must be terminated or truncated at the episode limit",
        )


def finished_episodes_stay_as_they_are(game: Game) -> None:
    """A step after the end changes nothing, and gives reward 0 and no flag."""
    with game.bare() as environment:
        playing = Play(environment, game.seeds, CHOICES)
        while playing.running.any() and playing.t < environment.spec.episode_limit:
            playing.advance()
        kept = [part.copy() for part in playing.observation]
        step = environment.step(playing.actions())
        place = f"step {playing.t + 1}, after the end of all episodes"
        for name, before, after in zip(step.observation._fields, kept, step.observation, strict=True):
            expect(np.array_equal(before, after), f"{place}: {name} changes, must stay as it is")
        for name in outcomes(environment.spec):
            expect(not getattr(step, name).any(), f"{place}: {name} is set, must be 0")


def the_same_seed_gives_the_same_episode(game: Game) -> None:
    """Played again, whatever the global random generators hold."""
    with isolate_rng(include_cuda=False):
        seed_everybody(1)
        with game.behind_gate() as made:
            game.plays(made)
            seed_everybody(2)
            game.compare(game.plays(made), "when it is played again")
    with game.behind_gate() as another:
        game.compare(game.plays(another), "in another environment of the same class")


def an_episode_does_not_depend_on_its_neighbours(game: Game) -> None:
    """Alone, or among others in another order."""
    with game.behind_gate() as made:
        turned = play(made, game.seeds[::-1], CHOICES[::-1], game.steps)
        game.compare(turned[::-1], "in another place of the batch")
        alone = play(made, game.seeds[1:2], CHOICES[1:2], game.steps)
        compare(made.spec, alone, game.episodes[1:2], "when it is played alone", OWN_STREAM)


def a_reset_in_the_middle_forgets_everything(game: Game) -> None:
    """Nothing of an unfinished episode reaches the next."""
    with game.behind_gate() as made:
        unfinished = Play(made, [seed + 100 for seed in game.seeds[:2]], CHOICES[:2])
        unfinished.advance()
        game.compare(game.plays(made), "after an episode that was broken off", "reset must begin anew")


def global_random_generators_are_left_alone(game: Game) -> None:
    """Those of ``random``, NumPy and PyTorch belong to everybody."""
    with isolate_rng(include_cuda=False):
        seed_everybody(_ODD_SEED)
        before = states()
        with game.behind_gate() as made:
            game.plays(made)
        changed = [name for name, state in states().items() if state != before[name]]
    expect(not changed, f"changes the global generator of {', '.join(changed)}; {OWN_STREAM}")


def every_allowed_action_is_accepted(game: Game) -> None:
    """Each allowed action at the start of an episode, and random ones after that."""
    with game.behind_gate() as made:
        mask = made.reset(np.array(game.seeds[:1], np.int64)).avail_actions[0].copy()
        allowed = np.argwhere(mask)[:: -(-int(mask.sum()) // _MOST_ACTIONS)]
        made.reset(np.full(len(allowed), game.seeds[0], np.int64))
        actions = np.tile(mask.argmax(-1), (len(allowed), 1))
        actions[np.arange(len(allowed)), allowed[:, 0]] = allowed[:, 1]
        made.step(actions)


def wrong_actions_are_refused(game: Game) -> None:
    """Another shape, and numbers of no action, are a ``ValueError`` that says so."""
    n_actions = game.spec.n_actions
    faults: dict[str, Callable[[NDArray[np.int64]], NDArray[np.int64]]] = {
        "of too few episodes": lambda actions: actions[:1],
        "of too few agents": lambda actions: actions[:, :-1],
        f"of the number {n_actions}": lambda actions: np.full_like(actions, n_actions),
        "of the number -1": lambda actions: np.full_like(actions, -1),
    }
    for fault, spoil in faults.items():
        with game.bare() as environment:
            observation = environment.reset(np.array(game.seeds, np.int64))
            try:
                environment.step(spoil(observation.avail_actions.argmax(-1)))
            except ValueError as error:
                named_so = "action" in str(error)
                expect(named_so, f"actions {fault} raise {named(error)!r}, which must name the actions")
            else:
                raise Flaw(f"takes actions {fault}, must raise a ValueError")


def two_of_them_do_not_disturb_each_other(game: Game) -> None:
    """Nothing is kept in the class or the module."""
    one, other = game.make(), game.make()
    try:
        ours, theirs = Play(Gate(one), game.seeds, CHOICES), Play(Gate(other), game.seeds[::-1], CHOICES)
        while ours.running.any() and ours.t < game.steps:
            ours.advance()
            if theirs.running.any():
                theirs.advance()
    finally:
        one.close()
        other.close()
    rule = "an environment must keep its episodes to itself"
    game.compare(ours.episodes, "when another environment of the class plays too", rule)


def it_can_be_closed_twice(game: Game) -> None:
    """``close`` may be called twice: by whoever is done with it, and by whoever cleans up."""
    environment = game.make()
    for time in ("", " a second time"):
        with GameCode(environment.spec.name, f"close{time}"):
            environment.close()


def its_threads_end_with_it(game: Game) -> None:
    """After ``close`` no thread of it runs on, for which a process would wait at its end."""
    before = set(running_threads())
    environment = game.make()
    environment.reset(np.array(game.seeds, np.int64))
    environment.close()
    for thread in set(running_threads()) - before:
        if not thread.daemon:
            thread.join(_LAST_BREATH)
            advice = "end it there, or make it a daemon; no process ends while it runs"
            expect(not thread.is_alive(), f"its thread {thread.name} runs on after close; {advice}")


def pictures_are_rgb_and_change_nothing(game: Game) -> None:
    """``render`` gives uint8 ``[height, width, 3]``, always of one size, or raises NotImplementedError."""
    with game.bare() as environment:
        environment.reset(np.array(game.seeds, np.int64))
        try:
            environment.render()
        except NotImplementedError:
            raise NotChecked("it cannot be drawn") from None
        except Exception:
            with GameCode(environment.spec.name, "render"):
                raise
        made = Gate(environment)
        playing = Play(made, game.seeds, CHOICES)
        first = made.render()
        advice = "must show the episode, or raise NotImplementedError"
        expect(first.std() > 0, f"render gives a picture of one colour, {advice}")
        while playing.running.any() and playing.t < min(game.steps, _PICTURES):
            playing.advance()
            sizes = [made.render(e).shape for e in range(len(game.seeds))]
            same = all(size == first.shape for size in sizes)
            expect(same, f"step {playing.t}: render gives pictures {sizes}, at first {first.shape}")
    game.compare(playing.episodes, "when it is drawn", "render must change nothing")


def another_process_plays_the_same(game: Game) -> None:
    """The factory can be pickled, and neither hashes nor clocks decide anything."""
    task = partial(play_anew, game.make, game.seeds, CHOICES, game.steps)
    try:
        pickle.dumps(task)
    except Exception as error:
        advice = "must be a class or a function of a module, or a functools.partial of one"
        raise Flaw(f"cannot be sent to a worker process ({named(error)}); {advice}") from error
    try:
        episodes = apart(task, _PATIENCE)
    except WorkerError as error:
        advice = 'a script must call check below if __name__ == "__main__":'
        raise Flaw(f"cannot be played in another process ({error}); {advice}") from error
    game.compare(episodes, "in another process")


CHECKS = (
    it_can_be_made_and_has_a_spec,
    what_it_returns_fits_its_spec,
    statistics_are_those_of_its_spec,
    the_state_is_the_observations_where_it_says_so,
    episodes_end_by_the_limit,
    finished_episodes_stay_as_they_are,
    the_same_seed_gives_the_same_episode,
    an_episode_does_not_depend_on_its_neighbours,
    a_reset_in_the_middle_forgets_everything,
    global_random_generators_are_left_alone,
    every_allowed_action_is_accepted,
    wrong_actions_are_refused,
    two_of_them_do_not_disturb_each_other,
    it_can_be_closed_twice,
    its_threads_end_with_it,
    pictures_are_rgb_and_change_nothing,
    another_process_plays_the_same,
)


def _first_step(environment: Environment, seeds: tuple[int, ...]) -> Any:
    observation = environment.reset(np.array(seeds, np.int64))
    return environment.step(observation.avail_actions.argmax(-1))
