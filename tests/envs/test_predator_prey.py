"""Rules, options and statistics of Predator-Prey."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remix.envs.predator_prey import PredatorPrey
from remix.settings.errors import SettingError
from tests.golden import predator_prey as golden

DATA = Path(__file__).parents[1] / "data"
RIGHT, DOWN, LEFT, UP, STAY, CATCH = range(6)
MOVES = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])


def scene(picture, n_episodes=1, **options):
    """Environment placed in a drawn situation, in ``n_episodes`` copies with different seeds.

    Digits are agents in index order, ``S`` stags and ``H`` hares in reading order, dots are free.
    """
    rows = [line.strip() for line in picture.strip().splitlines()]
    found: dict[str, list] = {kind: [] for kind in "ASH"}
    for r, row in enumerate(rows):
        for c, sign in enumerate(row.replace(" ", "")):
            if sign != ".":
                found["A" if sign.isdigit() else sign].append((sign, r, c))
    cells = {kind: [place[1:] for place in sorted(places)] for kind, places in found.items()}
    options.setdefault("agents_needed_stag", min(2, len(cells["A"])))
    env = PredatorPrey(
        n_agents=len(cells["A"]),
        n_stags=len(cells["S"]),
        n_hares=len(cells["H"]),
        world_shape=(len(rows), len(rows[0].replace(" ", ""))),
        **options,
    )
    agents, prey = np.array(cells["A"]), np.array(cells["S"] + cells["H"])
    tile = (n_episodes, 1, 1)
    return env, env.place(np.tile(agents, tile), np.tile(prey, tile), seeds=np.arange(n_episodes))


def play(env, *actions):
    """The same joint action in all episodes."""
    return env.step(np.tile(actions, (len(env.world.running), 1)))


def grid(env, observation, e=0):
    return observation.state[e].reshape(*env.shape, 3)


def agent_positions(env):
    return np.stack(np.divmod(env.world.agents, env.shape[1]), axis=-1)


def test_features_are_called_what_they_show():
    env, observation = scene("""
        . S . .
        . 0 . H
        . . . 1
    """)
    seen = [{env.spec.obs_names[k] for k in np.flatnonzero(observation.obs[0, agent])} for agent in range(2)]
    assert seen == [
        {"stag -1,+0", "agent +0,+0", "hare +0,+2", "agent +1,+2"},
        {"stag -2,-2", "agent -1,-2", "hare -1,+0", "agent +0,+0"},
    ]
    there = {env.spec.state_names[k] for k in np.flatnonzero(observation.state[0])}
    assert there == {"stag 0,1", "agent 1,1", "hare 1,3", "agent 2,3"}


def random_actions(avail_actions, rng):
    return (avail_actions * rng.random(avail_actions.shape)).argmax(axis=-1)


# --- Catching ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picture", "n_prey"),
    [
        (". . . . . / . . . . . / . 0 S . . / . . . . . / . . . . 1", 1),
        (". . . . . / . . . . . / . S 0 S . / . . . . . / . . . . 1", 2),
        (". . . . . / . . S . . / . S 0 S . / . . . . . / . . . . 1", 3),
    ],
)
def test_a_lone_catch_is_punished_once_for_each_prey(picture, n_prey):
    env, observation = scene(picture.replace("/", "\n"), punishment=-1.5)
    before = observation.state.copy()
    step = play(env, CATCH, STAY)
    assert step.reward == -1.5 * n_prey
    assert step.info["failed_catches"] == n_prey and step.info["captures"] == 0
    assert env.world.active.all()
    assert (grid(env, step.observation)[..., 1].sum()) == n_prey
    assert (step.observation.state != before).any(), "the prey moves on in the same step"


def test_two_catchers_capture_a_stag_and_leave_the_game():
    env, _ = scene(
        """. . . . .
           . 0 S 1 .
           . . . . .
           2 . . S .""",
        punishment=-2.0,
    )
    step = play(env, CATCH, CATCH, STAY)
    assert step.reward == 10 and step.info["captures"] == 1 and step.info["failed_catches"] == 0
    view = grid(env, step.observation)
    assert view[..., 0].sum() == 1 and view[3, 0, 0] and view[..., 1].sum() == 1
    assert not step.observation.obs[0, :2].any() and step.observation.obs[0, 2].any()
    only_stay = np.arange(6) == STAY
    assert (step.observation.avail_actions[0, :2] == only_stay).all()
    assert step.observation.avail_actions[0, 2].sum() > 1
    assert not step.terminated and not step.truncated


def test_a_third_catcher_is_wasted():
    env, _ = scene(
        """. 2 . . 3
           0 S 1 . .
           . . . . S""",
        punishment=-2.0,
    )
    step = play(env, CATCH, CATCH, CATCH, STAY)
    assert step.reward == 10
    assert env.world.active.tolist() == [[False, False, False, True]]


def test_two_catchers_beside_two_prey_capture_one_of_them_at_random():
    env, _ = scene(
        """. 0 S . .
           . S 1 . .
           . . . . 2""",
        n_episodes=400,
        punishment=-2.0,
    )
    step = play(env, CATCH, CATCH, STAY)
    assert (step.reward == 10).all(), "the other prey is neither caught nor punished"
    assert (env.world.alive.sum(axis=1) == 1).all()
    assert 140 < env.world.alive[:, 0].sum() < 260


def test_lone_catchers_of_different_prey_are_punished_for_each():
    env, _ = scene(
        """0 S . . .
           . . . . .
           . . . S 1""",
        punishment=-0.5,
    )
    assert play(env, CATCH, CATCH).reward == -1


def test_catching_beside_nothing_has_no_effect():
    env, _ = scene(". . 0 . .\n. . . . .\nS . . . 1", punishment=-2.0)
    step = play(env, CATCH, STAY)
    assert step.reward == 0 and step.info["failed_catches"] == 0


def test_a_hare_needs_one_catcher():
    env, _ = scene(". 0 H .\n. . . .\n1 . . S", punishment=-2.0, reward_hare=1.5)
    step = play(env, CATCH, STAY)
    assert step.reward == 1.5 and env.world.active.tolist() == [[False, True]]
    assert not grid(env, step.observation)[..., 2].any()


def test_numbers_of_agents_needed_are_settings():
    env, _ = scene(". 0 . .\n1 S 2 .\n. . . H", punishment=-2.0, agents_needed_stag=3, agents_needed_hare=2)
    step = play(env, CATCH, CATCH, STAY)
    assert step.reward == -2 and step.info["failed_catches"] == 1
    env, _ = scene(". 0 . .\n1 S 2 .\n. . . H", agents_needed_stag=3, agents_needed_hare=2)
    assert play(env, CATCH, CATCH, CATCH).reward == 10
    env, _ = scene(". . . .\n1 S . .\n. . 0 H", punishment=-3.0, agents_needed_stag=1, agents_needed_hare=2)
    assert play(env, CATCH, CATCH).reward == 10 - 3


# --- Moving -----------------------------------------------------------------------------------------------


def test_an_enclosed_prey_does_not_move():
    env, _ = scene("S 0 .\n1 . .\n. . .", n_episodes=20)
    before = env.world.prey.copy()
    play(env, STAY, STAY)
    np.testing.assert_array_equal(env.world.prey, before)


def test_prey_moves_to_each_free_neighbour_equally_often():
    env, _ = scene("0 . .\n. S .\n. . 1", n_episodes=2000)
    play(env, STAY, STAY)
    cells, counts = np.unique(env.world.prey, return_counts=True)
    assert cells.tolist() == [1, 3, 5, 7]
    assert (abs(counts - 500) < 100).all()


def test_masks_at_edges_and_beside_others():
    _, observation = scene("0 1 S\n. . .\n. 2 .")
    avail = observation.avail_actions[0].astype(int).tolist()
    assert avail[0] == [1, 1, 0, 0, 1, 0], "corner: right is available although occupied"
    assert avail[1] == [1, 1, 1, 0, 1, 1], "edge, beside a stag"
    assert avail[2] == [1, 0, 1, 1, 1, 0]


def test_moves_into_occupied_cells_fail():
    env, _ = scene("0 1 S\n. . .\n. . .")
    play(env, RIGHT, STAY)
    assert agent_positions(env)[0].tolist() == [[0, 0], [0, 1]]
    env, _ = scene("0 1 S\n. . .\n. . .")
    play(env, STAY, RIGHT)
    assert agent_positions(env)[0].tolist() == [[0, 0], [0, 1]]


def test_moves_off_the_grid_do_nothing():
    env, _ = scene("0 . .\n. . .\n. . S")
    play(env, LEFT)
    assert agent_positions(env)[0].tolist() == [[0, 0]]


def test_the_order_of_agents_is_random():
    env, _ = scene("0 1 . .\n. . . .\n. . . S", n_episodes=1000)
    play(env, RIGHT, RIGHT)
    followed = (agent_positions(env)[:, 0] == (0, 1)).all(axis=1)
    assert (agent_positions(env)[:, 1] == (0, 2)).all()
    assert 400 < followed.sum() < 600


def test_agents_never_swap_and_never_share_a_cell():
    env, _ = scene("0 1 . 2 .\n. . . . S", n_episodes=200)
    play(env, RIGHT, LEFT, LEFT)
    assert (agent_positions(env)[:, :2] == [(0, 0), (0, 1)]).all()
    env, _ = scene("0 . 1\n. . .\n. . S", n_episodes=200)
    play(env, RIGHT, LEFT)
    entered = (agent_positions(env) == (0, 1)).all(axis=-1)
    assert (entered.sum(axis=1) == 1).all()
    assert 60 < entered[:, 0].sum() < 140


# --- The end ----------------------------------------------------------------------------------------------

FOUR_PAIRS = """0 S 1 . 2 S 3
                . . . . . . .
                . . S . S . .
                . . . . . . .
                4 S 5 . 6 S 7"""


def test_an_episode_ends_when_all_agents_are_gone():
    env, _ = scene(FOUR_PAIRS, punishment=-2.0)
    assert play(env, CATCH, CATCH, *[STAY] * 6).reward == 10
    step = env.step(np.array([[STAY, STAY, *[CATCH] * 6]]))
    while not step.terminated[0]:  # prey that is not caught at once walks away
        actions = np.where(step.observation.avail_actions[..., CATCH], CATCH, STAY)
        step = env.step(actions)
        assert not step.truncated[0]
    assert step.info["captures"] == 4 and not step.truncated[0]
    assert env.world.returns[0] == 40 - 2 * step.info["failed_catches"][0]
    assert env.world.alive.sum() == 2


def test_a_passive_team_is_cut_at_the_limit():
    env, _ = scene("0 . .\n. . .\n. S 1", episode_limit=3)
    flags = [(step.terminated[0], step.truncated[0]) for step in (play(env, STAY, STAY) for _ in range(3))]
    assert flags == [(False, False), (False, False), (False, True)]


def test_a_natural_end_on_the_last_step_is_a_cut():
    env, _ = scene("0 S 1", episode_limit=1)
    step = play(env, CATCH, CATCH)
    assert step.reward == 10 and step.truncated[0] and not step.terminated[0]
    env, _ = scene("0 S 1", episode_limit=2)
    step = play(env, CATCH, CATCH)
    assert step.terminated[0] and not step.truncated[0]


def test_finished_episodes_stay_beside_running_ones():
    env = PredatorPrey(n_agents=2, n_stags=1, world_shape=(1, 5), punishment=-1.0)
    agents = np.array([[(0, 0), (0, 2)], [(0, 0), (0, 3)]])
    env.place(agents, np.array([[(0, 1)], [(0, 1)]]), seeds=np.array([1, 2]))
    step = env.step(np.full((2, 2), CATCH))
    assert step.terminated.tolist() == [True, False] and step.reward.tolist() == [10, -1]
    finished = [part[0].copy() for part in step.observation]
    step = env.step(np.array([[-7, 99], [STAY, STAY]]))  # what a finished episode is told does not matter
    assert step.reward[0] == 0 and not step.terminated[0] and not step.truncated[0]
    assert step.info["captures"].tolist() == [1, 0]
    assert env.world.steps.tolist() == [1, 2]
    for before, after in zip(finished, step.observation, strict=True):
        np.testing.assert_array_equal(before, after[0])


# --- Options ----------------------------------------------------------------------------------------------


def test_rewards_for_time_and_collisions():
    env, _ = scene("0 1 .\n. . .\n2 . S", reward_time=-0.25, reward_collision=-1.0)
    # Agent 0 is blocked by agent 1, which stays (blocked by itself); agent 2 moves freely.
    assert play(env, RIGHT, STAY, UP).reward == -0.25 - 2
    env, _ = scene("0 . .\n. . .\n. . S", reward_collision=-1.0)
    assert play(env, LEFT).reward == -1, "so is a move off the grid"


@pytest.mark.parametrize(("stags", "hares"), [(1.0, 0.0), (0.0, 1.0), (0.3, 0.7)])
def test_prey_rests_with_its_probability(stags, hares):
    env, _ = scene("S . . .\n. . . .\n0 . . H", n_episodes=1000, p_stags_rest=stags, p_hares_rest=hares)
    before = env.world.prey.copy()
    play(env, STAY)
    rested = (env.world.prey == before).mean(axis=0)
    np.testing.assert_allclose(rested, [stags, hares], atol=0 if stags in (0, 1) else 0.06)


def test_the_first_capture_can_end_the_episode():
    env, _ = scene("0 S 1\n. . .\n2 . S", capture_terminal=True)
    step = play(env, CATCH, CATCH, STAY)
    assert step.terminated[0] and step.reward == 10


def test_captures_need_not_freeze():
    env, _ = scene(". 0 S\n. S 1\n. . .", n_episodes=20, capture_freezes=False)
    step = play(env, CATCH, CATCH)
    assert (step.reward == 20).all(), "the same two agents capture both"
    assert env.world.active.all() and step.terminated.all()


def test_frozen_agents_can_stay_as_obstacles():
    env, _ = scene(
        """. 0 . . .
           . S . . .
           . 1 2 . .
           . . . . S""",
        remove_frozen=False,
    )
    step = play(env, CATCH, CATCH, STAY)
    view, obs = grid(env, step.observation), step.observation.obs[0].reshape(3, 5, 5, 3)
    assert view[0, 1, 0] and view[2, 1, 0], "they are in the state"
    assert obs[2, ..., 0].sum() == 1 and obs[2, 2, 2, 0], "agent 2 sees only itself"
    assert obs[1, 2, 3, 0] and obs[1, ..., 0].sum() == 1, "agent 1 still sees agent 2, but not itself"
    assert (step.observation.avail_actions[0, :2] == (np.arange(6) == STAY)).all()
    play(env, STAY, STAY, LEFT)
    assert agent_positions(env)[0, 2].tolist() == [2, 2], "they stand in the way"


TORUS = """S . . . 0
           . . . . .
           . . . . .
           . . . . .
           1 . . . ."""


def test_on_a_torus_everything_wraps_around():
    env, observation = scene(TORUS, toroidal=True, punishment=-2.0)
    assert (observation.avail_actions[0] == [1, 1, 1, 1, 1, 1]).all()
    obs = observation.obs[0].reshape(2, 5, 5, 3)
    assert obs[0, 2, 3, 1], "agent 0 sees the stag to its right"
    assert obs[1, 3, 2, 1] and obs[1, 3, 1, 0], "agent 1 sees the stag below it, and agent 0 beside that"
    assert play(env, CATCH, CATCH).reward == 10
    env, _ = scene("S . 0\n. . .\n1 . .", toroidal=True, p_stags_rest=1.0)
    play(env, UP, STAY)
    assert agent_positions(env)[0, 0].tolist() == [2, 2]
    play(env, RIGHT, STAY)
    assert agent_positions(env)[0, 0].tolist() == [2, 2], "across the edge agent 1 is in the way"
    play(env, DOWN, DOWN)
    assert agent_positions(env)[0].tolist() == [[0, 2], [2, 0]], "and there the stag"


def test_on_the_reference_torus_only_moves_wrap_around():
    env, observation = scene(TORUS, toroidal=True, reference_wrap=True, punishment=-2.0)
    assert observation.avail_actions[0, :, CATCH].all()
    obs = observation.obs[0].reshape(2, 5, 5, 3)
    assert not obs[..., 1].any() and (obs[..., 0].sum(axis=(1, 2)) == 1).all(), "sight ends at the edge"
    step = play(env, CATCH, CATCH)
    assert step.reward == 0 and env.world.alive.all(), "catches across the edge count for nothing"


def test_windows_may_be_rectangular():
    env, observation = scene("0 . . S\n. . . .\n1 . . .", obs_radius=[0, 3])
    assert env.spec.obs_size == 7 * 3
    assert observation.obs[0, 0].reshape(7, 3)[6].tolist() == [False, True, False]
    assert observation.obs[0, 1].sum() == 1
    assert PredatorPrey(obs_radius=1).spec.obs_size == 27


def test_metrics_count_over_the_episode():
    env, _ = scene("S 0 .\n1 . .\n. . .", punishment=-1.0)
    for n in (1, 2, 3):
        step = play(env, CATCH, STAY)
        assert step.info["failed_catches"] == n
    assert play(env, CATCH, CATCH).info["captures"] == 1


# --- Randomness -------------------------------------------------------------------------------------------


def test_neighbouring_seeds_start_differently_and_every_cell_is_used():
    env = PredatorPrey(n_agents=2, n_stags=1, world_shape=(3, 4))
    env.reset(np.arange(3000))
    for cells in (env.world.agents[:, 0], env.world.agents[:, 1], env.world.prey[:, 0]):
        counts = np.bincount(cells, minlength=12)
        assert (abs(counts - 250) < 75).all()
    assert (env.world.agents[:, 0] != env.world.agents[:, 1]).all()


def test_a_full_grid_can_be_played():
    env = PredatorPrey(n_agents=2, n_stags=2, world_shape=(2, 2))
    observation = env.reset(np.arange(5))
    assert (observation.state.reshape(5, 4, 3).sum(axis=(1, 2)) == 4).all()
    env.step(np.full((5, 2), RIGHT))


OPTIONS = st.fixed_dictionaries(
    {
        "n_agents": st.integers(2, 5),
        "n_stags": st.integers(1, 4),
        "n_hares": st.integers(0, 2),
        "world_shape": st.tuples(st.integers(3, 6), st.integers(4, 6)),
        "obs_radius": st.tuples(st.integers(0, 3), st.integers(0, 3)),
        "punishment": st.sampled_from([0.0, -2.0]),
        "p_stags_rest": st.sampled_from([0.0, 0.5]),
        "toroidal": st.booleans(),
        "capture_freezes": st.booleans(),
        "remove_frozen": st.booleans(),
        "episode_limit": st.just(30),
    }
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(options=OPTIONS, seed=st.integers(-(2**63), 2**63 - 1))
def test_nothing_gets_lost(options, seed):
    env = PredatorPrey(**options)
    observation, rng = env.reset(np.array([seed, 0])), np.random.default_rng(abs(seed))
    for _ in range(env.spec.episode_limit):
        reward_expected = -10 * env.world.captures * (options["n_hares"] == 0)
        failed = env.world.failed_catches.copy()
        step = env.step(random_actions(observation.avail_actions, rng))
        observation, world = step.observation, env.world
        view = observation.state.reshape(2, *env.shape, 3)
        assert view.sum(axis=-1).max() <= 1, "two in one cell"
        on_grid = world.active.sum(axis=1) if options["remove_frozen"] else options["n_agents"]
        assert (view[..., 0].sum(axis=(1, 2)) == on_grid).all()
        stags = world.alive[:, : options["n_stags"]]
        assert (view[..., 1].sum(axis=(1, 2)) == stags.sum(axis=1)).all()
        assert (view[..., 1:].sum(axis=(1, 2, 3)) == world.alive.sum(axis=1)).all()
        assert (world.captures == (~world.alive).sum(axis=1)).all()
        if options["n_hares"] == 0:
            reward_expected += 10 * world.captures + options["punishment"] * (world.failed_catches - failed)
            np.testing.assert_allclose(step.reward, reward_expected)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32), toroidal=st.booleans())
def test_observations_are_windows_of_the_state(seed, toroidal):
    env = PredatorPrey(
        n_agents=5, n_stags=3, n_hares=2, world_shape=(6, 7), obs_radius=(2, 1), toroidal=toroidal
    )
    observation, rng = env.reset(np.array([seed])), np.random.default_rng(seed)
    for _ in range(40):
        padding = ((2, 2), (1, 1), (0, 0))
        world = np.pad(grid(env, observation), padding, mode="wrap" if toroidal else "constant")
        for i, (row, column) in enumerate(agent_positions(env)[0]):
            window = world[row : row + 5, column : column + 3].ravel() * env.world.active[0, i]
            np.testing.assert_array_equal(observation.obs[0, i], window)
        observation = env.step(random_actions(observation.avail_actions, rng)).observation


# --- Against recordings of the original environment -------------------------------------------------------


def test_recorded_transitions_are_reproduced():
    names = []
    for name, env, recorded in golden.read(DATA / "predator_prey_transitions.npz"):
        names.append(name)
        different = {key: int(mask.sum()) for key, mask in golden.replay(env, recorded).items() if mask.any()}
        assert not different, f"{name}: {different}"
    assert len(names) == 8 and "toroidal_8x8" in names


def test_the_replay_notices_differences(tmp_path, capsys):
    with np.load(DATA / "predator_prey_transitions.npz") as file:
        arrays = {key: file[key] for key in file.files if key.startswith("small_5x5/")}
    arrays["settings"] = np.array(["small_5x5"])
    arrays["small_5x5/reward"][3] += 1
    arrays["small_5x5/next_prey_pos"][5, 0] = 0
    np.savez(tmp_path / "wrong.npz", **arrays)
    assert golden.main([str(tmp_path / "wrong.npz")]) == 1
    assert "2 mismatches reward 1, prey 1" in capsys.readouterr().out


def test_files_that_are_no_recordings_are_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "text.npz").write_text("not an archive")
    np.savez(tmp_path / "empty.npz", settings=np.array(["a"]))
    with np.load(DATA / "predator_prey_transitions.npz") as file:
        arrays = {key: file[key] for key in file.files if key.startswith("small_5x5/")}
    arrays["small_5x5/agent_order"][7] = 100
    np.savez(tmp_path / "order.npz", settings=np.array(["small_5x5"]), **arrays)
    for name, message in {
        "missing.npz": "no such file",
        "text.npz": "not an .npz file",
        "empty.npz": "a/config_json",
        "order.npz": "small_5x5/agent_order",
    }.items():
        assert golden.main([str(tmp_path / name)]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1


def scripted_actions(env):
    """Catch beside prey, else one step towards the nearest prey: the policy of the recorded statistics."""
    agents = agent_positions(env)[:, :, None]
    prey = np.stack(np.divmod(env.world.prey, env.shape[1]), axis=-1)[:, None]
    distance = np.where(env.world.alive[:, None], abs(agents - prey).sum(axis=-1), 10**6)
    nearest = distance.argmin(axis=-1)
    target = np.take_along_axis(prey[:, 0], nearest[..., None], axis=1)
    rows, columns = np.moveaxis(target - agents[:, :, 0], -1, 0)
    move = np.select([rows > 0, rows < 0, columns > 0], [DOWN, UP, RIGHT], LEFT)
    actions = np.where(distance.min(axis=-1) == 1, CATCH, move)
    return np.where(env.world.active, actions, STAY)


@pytest.mark.parametrize("policy", ["scripted", "random"])
@pytest.mark.parametrize("punishment", [-0.5, -2])
def test_returns_have_the_recorded_distribution(policy, punishment):
    expected = json.loads((DATA / "predator_prey_statistics.json").read_text())
    expected = expected["results"][policy][f"{punishment:g}"]
    n, rng = 400, np.random.default_rng(0)
    env = PredatorPrey(punishment=punishment)
    observation = env.reset(np.arange(n))
    for _ in range(env.spec.episode_limit):
        actions = (
            scripted_actions(env) if policy == "scripted" else random_actions(observation.avail_actions, rng)
        )
        observation = env.step(actions).observation
    world = env.world
    measured: dict[str, np.ndarray] = {
        "return": world.returns,
        "length": world.steps,
        "captures": world.captures,
        "failed_catches": world.failed_catches,
    }
    for name, values in measured.items():
        tolerance = 4 * np.sqrt(values.var(ddof=1) / n + expected[name]["standard_error"] ** 2)
        assert abs(values.mean() - expected[name]["mean"]) <= tolerance, name


# --- Bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("n_agents", 0),
        ("n_agents", 93),
        ("n_agents", 0.0),
        ("n_agents", 2.5),
        ("n_agents", True),
        ("n_stags", -1),
        ("n_stags", 0),
        ("n_hares", -1),
        ("world_shape", [10]),
        ("world_shape", 10),
        ("world_shape", [0, 10]),
        ("obs_radius", [2, 2, 2]),
        ("obs_radius", -1),
        ("obs_radius", 1000),
        ("world_shape", [100_000, 100_000]),
        ("punishment", 0.5),
        ("punishment", float("nan")),
        ("punishment", "high"),
        ("reward_stag", float("inf")),
        ("reward_hare", None),
        ("reward_time", "0"),
        ("reward_collision", [0]),
        ("agents_needed_stag", 0),
        ("agents_needed_stag", 9),
        ("agents_needed_hare", 0),
        ("p_stags_rest", 1.1),
        ("p_hares_rest", -0.1),
        ("episode_limit", 0),
        ("toroidal", "yes"),
        ("reference_wrap", True),
        ("capture_terminal", 1),
        ("capture_freezes", None),
        ("remove_frozen", "no"),
    ],
)
def test_settings_that_cannot_work_are_named(setting, value):
    with pytest.raises(SettingError) as error:
        PredatorPrey(**{setting: value})
    assert error.value.setting == setting
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("world", "most"),
    [
        ({"world_shape": (10, 10)}, 4),
        ({"world_shape": (1, 10)}, 2),
        ({"world_shape": (2, 10)}, 3),
        ({"world_shape": (2, 10), "toroidal": True}, 3),
        ({"world_shape": (2, 10), "toroidal": True, "reference_wrap": True}, 3),
        ({"world_shape": (1, 10), "toroidal": True}, 2),
        ({"world_shape": (3, 3), "toroidal": True}, 4),
    ],
)
def test_prey_that_has_no_room_for_its_catchers_is_refused(world, most):
    PredatorPrey(n_agents=5, n_stags=1, agents_needed_stag=most, **world)
    for setting, prey in (("agents_needed_stag", {"n_stags": 1}), ("agents_needed_hare", {"n_hares": 1})):
        with pytest.raises(SettingError, match=f"at most {most}, the cells beside a prey") as error:
            PredatorPrey(n_agents=5, **{"n_stags": 0, **prey, setting: most + 1}, **world)
        assert error.value.setting == setting


def test_wrong_calls_are_refused():
    env = PredatorPrey(n_agents=1, n_stags=1, agents_needed_stag=1, world_shape=(2, 2))
    with pytest.raises(ValueError, match="shape"):
        env.step(np.array([[STAY]]))
    env.reset(np.array([1]))
    with pytest.raises(TypeError):
        env.step(np.array([[0.5]]))
    with pytest.raises(ValueError, match="seeds"):
        env.reset(np.zeros((2, 2), np.int64))
    for agents in ([[(0, 0)]], [[(2, 0)]]):
        with pytest.raises(ValueError):  # noqa: PT011 - two sources, one meaning
            env.place(np.array(agents), np.array([[(0, 0)]]), seeds=np.array([0]))


@pytest.mark.parametrize(
    ("settings", "best"),
    [
        ({}, 40.0),  # eight agents, of which two are gone after every catch
        ({"n_agents": 5, "n_stags": 5}, 20.0),
        ({"n_stags": 3}, 30.0),
        ({"capture_freezes": False}, 80.0),
        ({"agents_needed_stag": 3, "reward_stag": 5.0}, 10.0),
        ({"n_stags": 0, "n_hares": 3}, 3.0),
        ({"n_hares": 1}, None),
        ({"reward_time": -0.1}, None),
        ({"reward_collision": -0.1}, None),
        ({"capture_terminal": True}, None),
    ],
)
def test_the_best_return_is_known_where_only_catches_pay(settings, best):
    assert PredatorPrey(**settings).spec.best_return == best
