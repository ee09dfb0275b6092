"""Pictures."""

import subprocess
import sys

import numpy as np
import pytest

from remix.envs.games import MatrixGame
from remix.envs.predator_prey import PredatorPrey
from remix.envs.rendering import Piece, draw_grid, draw_table

CATCH, STAY = 5, 4


def test_every_piece_changes_its_cell_and_nothing_else():
    def draw(*pieces):
        return draw_grid((4, 5), pieces, "caption", ["agent"], ring="ring").astype(int)

    empty = draw()
    corner = np.argwhere((draw(Piece(0, 0, "agent")) != empty).any(axis=-1))
    for kind in ("agent", "frozen", "stag", "hare", "captured"):
        changed = np.argwhere((draw(Piece(2, 3, kind, "7", highlighted=True)) != empty).any(axis=-1))
        rows, columns = changed.min(axis=0) - corner.min(axis=0)
        assert changed.size
        assert np.ptp(changed, axis=0).max() <= 76 + 1
        assert abs(rows - 2 * 76) < 20 and abs(columns - 3 * 76) < 20


@pytest.mark.parametrize("shape", [(1, 1), (3, 9), (9, 3), (40, 40)])
def test_pictures_of_any_board_have_about_the_same_width(shape):
    picture = draw_grid(shape, [Piece(0, 0, "stag")], "", ["stag"], ring="")
    assert picture.dtype == np.uint8
    assert picture.shape[1] == 400 and picture.shape[0] <= 460


def test_pictures_follow_the_episode():
    env = PredatorPrey(n_agents=3, n_stags=2, world_shape=(3, 5), punishment=-2.0)
    agents, prey = np.array([[(0, 0), (0, 2), (2, 4)]]), np.array([[(0, 1), (2, 0)]])
    env.place(agents, prey, seeds=np.array([0]))
    pictures = [env.render()]
    for actions in ([CATCH, CATCH, STAY], [STAY, STAY, CATCH]):
        env.step(np.array([actions]))
        pictures.append(env.render())
    assert len({picture.tobytes() for picture in pictures}) == 3
    assert len({picture.shape for picture in pictures}) == 1
    assert (env.render() == pictures[-1]).all(), "drawing changes nothing"


def test_tables_frame_the_last_choice():
    values = np.array([[8.0, -12.0], [-12.0, 0.0]])
    plain, framed = draw_table(values, None, "x").astype(int), draw_table(values, (1, 0), "x").astype(int)
    changed = np.argwhere((plain != framed).any(axis=-1))
    assert changed[:, 0].min() > plain.shape[0] // 2, "the frame is in the lower row"
    assert changed[:, 1].max() < plain.shape[1] * 0.7, "and not in the right column"
    env = MatrixGame(values)
    env.reset(np.zeros(2, np.int64))
    before = env.render(1)
    env.step(np.array([[0, 0], [1, 0]]))
    assert (env.render(0) != env.render(1)).any() and (env.render(1) != before).any()


def test_environments_load_without_the_drawing_library():
    code = "import sys, remix.envs.predator_prey, remix.envs.games; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
