"""Terrains, heights, and ways on the ground."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remix.envs.skirmish.fields import DATA, Fields
from remix.envs.skirmish.kernels.paths import is_open, shortest_paths, straight, waypoint
from remix.envs.skirmish.terrain import SIZE, load_terrain, terrain_names
from remix.settings.errors import SettingError


def terrain(name, folder=DATA):
    return load_terrain(Fields("map_name", "test", "", {"terrain": name}), folder)


def follow(table, start, goal, most=200):
    """Cells of the way from one cell to another."""
    way = [start]
    while way[-1] != goal:
        way.append(int(table[way[-1], goal]))
        assert len(way) < most and way[-1] >= 0
    return way


def number(x, y):
    return x * SIZE + y


def test_all_terrains_are_closed_along_their_edges():
    assert len(terrain_names()) == 8
    for name in terrain_names():
        free = terrain(name).open
        assert free.shape == (32, 32) and free.any()
        assert free.sum() == free[2:30, 2:30].sum()


def test_north_is_up():
    free = terrain("plain_band").open
    assert free[2:30, 7:25].all() and free.sum() == 28 * 18
    free = terrain("corridor").open
    assert free[20, 20] and not free[20, 5] and free[5, 5]
    assert np.flatnonzero(free[:, 13] & free[:, 12]).tolist() == [10, 11, 12, 13, 14, 15], "the choke"


def test_heights_are_those_of_the_game():
    height = 255 * terrain("plain_band").height
    assert (height[:, 7:25] == 191).all() and (height[:, :7] == 135).all(), (
        "edges are as high as the ground inside"
    )
    height = 255 * terrain("plateau").height
    assert height[3:9, 15].round().tolist() == [191, 195, 199, 203, 207, 207]
    assert height[23:29, 15].round().tolist() == [207, 207, 203, 199, 195, 191]
    assert height[15, [5, 16]].round().tolist() == [191, 207]


def test_only_colossi_cross_cliffs():
    plateau = terrain("plateau")
    cliff = plateau.crossable & ~plateau.open
    assert cliff[4:28, 12].all() and cliff.sum() == 24 + 2 * 4
    for name in set(terrain_names()) - {"plateau"}:
        assert (terrain(name).crossable == terrain(name).open).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("....", "must have 32 rows, not 1"),
        ("\n".join(["." * 32] * 31 + ["." * 30]), "row 32 must have 32 cells, not 30"),
        ("\n".join(["." * 32] * 3 + ["?" + "." * 31] + ["." * 32] * 28), "row 4 has an unknown cell '?'"),
        ("\n".join(["#" * 32] * 32), "has no open cell"),
    ],
)
def test_mistakes_in_a_terrain_are_named(tmp_path, text, message):
    (tmp_path / "mine.txt").write_text(text)
    with pytest.raises(SettingError) as failure:
        terrain("mine.txt", tmp_path)
    assert str(failure.value).startswith(f"map_name=test: terrain=mine.txt: {message}")


# --- Ways -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", terrain_names())
def test_every_open_cell_is_reached_from_every_other_one(name):
    free, table = terrain(name).open, terrain(name).next_cell
    inside = free.ravel()
    assert (table[np.ix_(inside, inside)] >= 0).all()
    assert (table[~inside] == -1).all() and (table[:, ~inside] == -1).all()
    assert (np.diag(table)[inside] == np.flatnonzero(inside)).all()


def lengths_by_hand(free, goal):
    """Lengths of the shortest ways to a cell, by Dijkstra's algorithm in its plainest form."""
    length = np.full(free.shape, np.inf)
    length[goal] = 0
    todo = set(map(tuple, np.argwhere(free).tolist()))
    while todo:
        here = min(todo, key=lambda cell: length[cell])
        todo.remove(here)
        if not np.isfinite(length[here]):
            break
        for cell in list(todo):
            dx, dy = cell[0] - here[0], cell[1] - here[1]
            if max(abs(dx), abs(dy)) == 1 and free[here[0] + dx, here[1]] and free[here[0], here[1] + dy]:
                length[cell] = min(length[cell], length[here] + np.hypot(dx, dy))
    return length


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=6, max_size=6), st.randoms())
def test_ways_are_the_shortest(rows, random):
    free = np.array(rows)
    if not free.any():
        return
    table, goal = shortest_paths(free), tuple(random.choice(np.argwhere(free).tolist()))
    lengths = lengths_by_hand(free, goal)
    for cell in map(tuple, np.argwhere(free).tolist()):
        following = table[cell[0] * 7 + cell[1], goal[0] * 7 + goal[1]]
        if not np.isfinite(lengths[cell]):
            assert following == -1
        elif cell != goal:
            after = divmod(int(following), 7)
            step = np.hypot(after[0] - cell[0], after[1] - cell[1])
            assert lengths[cell] == pytest.approx(lengths[after] + step)


def test_zerglings_reach_the_colossi_around_the_ramps():
    table = terrain("plateau").next_cell
    way = [divmod(cell, SIZE) for cell in follow(table, number(14, 9), number(16, 16))]
    assert any(x in (4, 5, 6) and 13 <= y <= 18 for x, y in way)
    assert all(terrain("plateau").open[cell] for cell in way)


def test_zerglings_go_through_the_choke():
    way = follow(terrain("corridor").next_cell, number(27, 28), number(4, 4))
    assert any(divmod(cell, SIZE) == (x, 13) for cell in way for x in range(10, 16))


def test_straight_lines():
    ground = terrain("corridor").ground
    assert straight(ground, 19.0, 19.0, 27.9, 28.2, 0.375)
    assert not straight(ground, 27.0, 20.0, 4.47, 4.33, 0.375), "through the wall"
    assert straight(ground, 12.5, 15.0, 12.5, 11.0, 0.375), "through the choke"
    assert not straight(ground, 10.2, 13.9, 10.2, 11.0, 0.375), "too near to the edge of the choke"
    assert straight(ground, 10.2, 13.9, 10.2, 11.0, 0.1)
    assert not straight(ground, 5.0, 20.0, 20.0, 20.0, 0.1), "from a closed cell"
    assert not straight(ground, -1.0, 20.0, -1.0, 20.0, 0.1)
    assert straight(ground, 20.0, 20.0, 20.0, 20.0, 0.1)


@settings(max_examples=200, deadline=None)
@given(st.tuples(*[st.floats(3, 29)] * 4), st.sampled_from([0.1, 0.375, 0.625]))
def test_points_far_from_walls_may_be_passed_over(ends, radius):
    """The quick test gives what testing every point gives."""
    ground, (x, y, goal_x, goal_y) = terrain("diagonal_valley").ground, ends
    start, goal = np.array([x, y]), np.array([goal_x, goal_y])
    length = np.linalg.norm(goal - start)
    ahead = (goal - start) / max(length, 1e-9)
    aside = np.array([-ahead[1], ahead[0]]) * radius
    points = [start + ahead * t for t in (*np.arange(0, length, 0.25), length)]
    free = all(is_open(ground, *(point + side * aside)) for point in points for side in (0, 1, -1))
    if length > 1e-9:
        assert straight(ground, x, y, goal_x, goal_y, radius) == free


def test_units_head_for_the_goal_or_for_a_cell_on_the_way():
    ground = terrain("corridor").ground
    assert waypoint(ground, 19.0, 19.0, 25.0, 25.0, 0.375) == (25, 25)
    x, y = waypoint(ground, 27.0, 20.0, 4.47, 4.33, 0.375)
    assert (x % 1, y % 1) == (0.5, 0.5) and 1 <= np.hypot(x - 27.5, y - 20.5) <= 4 * np.sqrt(2)
    assert waypoint(ground, 19.0, 19.0, 0.5, 0.5, 0.375) == (0.5, 0.5), "no way into the wall"
    assert waypoint(terrain("plain_band").ground, 2.1, 7.1, 29.9, 7.1, 0.375) == (29.9, 7.1)


def test_waypoints_lead_to_the_goal():
    ground, goal = terrain("plateau").ground, (16.0, 16.0)
    x, y, travelled = 14.0, 9.0, 0.0  # 6.9 away from the goal, but 25 by way of the ramp
    while np.hypot(goal[0] - x, goal[1] - y) > 0.2:
        px, py = waypoint(ground, x, y, *goal, 0.375)
        length = np.hypot(px - x, py - y)
        x, y, travelled = x + 0.18 * (px - x) / length, y + 0.18 * (py - y) / length, travelled + 0.18
        assert is_open(ground, x, y) and travelled < 40
