"""Movement as in SMAClite: velocities under constraints, and what becomes of units that avoid each other."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remix.envs.skirmish.kernels.avoiding import nearest_velocity
from tests.envs.skirmish.battles import EAST, NORTH, SOUTH, STOP, Battle, arena, terrain_of

FASTEST = 3.0
ANGLES = st.floats(0, 6.28)
SPEEDS = np.linspace(0, FASTEST, 61)
DISC = np.array([(r * np.cos(t), r * np.sin(t)) for r in SPEEDS for t in np.linspace(0, 2 * np.pi, 181)])


def choose(constraints, n_firm, wanted):
    """The velocity of the kernel, for constraints (angle of the normal, bound)."""
    normals = np.array([(np.cos(angle), np.sin(angle)) for angle, _ in constraints]).reshape(-1, 2)
    bounds = np.array([bound for _, bound in constraints], np.float64)
    lines = np.ascontiguousarray(normals[:, 0]), np.ascontiguousarray(normals[:, 1]), bounds
    memory = np.zeros(len(bounds)), np.zeros(len(bounds)), np.zeros(len(bounds))
    x, y = nearest_velocity(lines, memory, n_firm, len(bounds), wanted[0], wanted[1], FASTEST)
    return np.array([x, y]), normals, bounds


@settings(max_examples=200, deadline=None)
@given(
    constraints=st.lists(st.tuples(ANGLES, st.floats(-2.5, 2.5)), max_size=6),
    heading=ANGLES,
    pace=st.floats(0.1, FASTEST),
)
def test_no_allowed_velocity_is_nearer_to_the_wanted_one(constraints, heading, pace):
    """Against a grid of velocities. Where none is allowed, none of the grid breaks the constraints less."""
    wanted = pace * np.cos(heading), pace * np.sin(heading)
    chosen, normals, bounds = choose(constraints, 0, wanted)
    assert np.linalg.norm(chosen) <= FASTEST + 1e-6
    broken = np.max(bounds - normals @ chosen, initial=0.0)
    least = np.max(bounds - DISC @ normals.T, axis=1, initial=0.0)
    if broken > 1e-4:
        assert least.min() >= broken - 1e-4
    else:
        allowed = DISC[least <= 0]
        nearest = np.linalg.norm(allowed - wanted, axis=1).min(initial=np.inf)
        assert np.linalg.norm(chosen - wanted) <= nearest + 1e-4


def test_firm_constraints_hold_when_others_have_to_be_broken():
    chosen, _, _ = choose([(np.pi, -1.0), (0.0, 2.0)], 1, (1.0, 0.5))  # not beyond x = 1, but beyond x = 2
    assert chosen[0] == pytest.approx(1.0)


def lite(*units, terrain="3s_vs_3z"):
    allies = [(name, x, y) for name, x, y in units]
    return Battle(
        arena(allies, [("spine_crawler", 28.0, 20.0)], terrain=terrain_of(terrain)),
        profile="smaclite",
        as_smaclite=True,
    )


def test_whoever_stands_is_not_moved():
    battle = lite(("marine", 10.0, 16.0), ("marine", 12.0, 16.0))
    for _ in range(4):
        battle.play([EAST, STOP])
        assert battle.places[0, 1].tolist() == [12.0, 16.0]
        assert np.linalg.norm(battle.places[0, 0] - battle.places[0, 1]) > 0.74


def test_who_walks_past_another_one_slides_along_it():
    battle = lite(("marine", 10.0, 16.0), ("marine", 12.0, 15.6))
    for _ in range(4):
        battle.play([EAST, STOP])
        assert np.linalg.norm(battle.places[0, 0] - battle.places[0, 1]) > 0.74
    assert battle.units.x[0, 0] > 12.5 and battle.units.y[0, 0] > 16.2


def test_units_slow_down_in_front_of_walls_and_keep_their_radius():
    battle = lite(("marine", 10.0, 10.0), terrain="3m")
    gaps = []
    for _ in range(6):
        battle.play(SOUTH)
        gaps.append(battle.units.y[0, 0] - 7 - 0.375)
    assert all(0 <= after < before for before, after in pairwise(gaps))
    assert gaps[-1] / gaps[-2] == pytest.approx(np.exp(-0.5), abs=0.02), "at most all of the gap in a second"
    battle.play(NORTH)
    assert battle.units.y[0, 0] - 7 - 0.375 == pytest.approx(gaps[-1] + 1.575)
