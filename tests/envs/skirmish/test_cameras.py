"""The camera of battles."""

import numpy as np

from remix.envs.skirmish.cameras import SHAPE, Camera, Frame

GROUND = Frame(16.0, 16.0, 34.0, 34.0)


def holds(frame, x, y):
    inside = np.abs(x - frame.x) <= frame.width / 2
    return bool((inside & (np.abs(y - frame.y) <= frame.height / 2)).all())


def test_everybody_stays_in_the_frame_which_moves_smoothly():
    """Units walk as fast as any, and die, which never makes the camera jump."""
    rng, camera, former = np.random.default_rng(2), Camera(), None
    x, y = rng.uniform(1, 31, (2, 12))
    for step in range(120):
        alive = np.arange(12) < 12 - step // 12
        x, y = (np.clip(place + rng.uniform(-1.5, 1.5, 12), 1, 31) for place in (x, y))
        frame = camera.follow(0, step, x[alive], y[alive], GROUND)
        assert holds(frame, x[alive], y[alive])
        assert np.isclose(frame.height, SHAPE * frame.width)
        if former is not None:
            assert abs(frame.x - former.x) < 8 and abs(frame.width - former.width) < 10
        former = frame
    for step in range(120, 150):
        frame = camera.follow(0, step, x[:1], y[:1], GROUND)
    assert frame.width < 15, "it has come nearer to the one that is left"


def test_those_who_are_faster_than_the_camera_stay_in_the_frame():
    camera = Camera()
    camera.follow(0, 0, np.array([15.0, 17.0]), np.array([16.0, 16.0]), GROUND)
    x, y = np.array([3.0, 29.0]), np.array([14.0, 18.0])
    assert holds(camera.follow(0, 1, x, y, GROUND), x, y)


def test_it_stands_still_while_the_fight_fills_the_frame():
    camera, rng = Camera(), np.random.default_rng(3)
    x, y = np.array([8.0, 24.0, 16.0]), np.array([12.0, 18.0, 16.0])
    first = camera.follow(0, 0, x, y, GROUND)
    for step in range(1, 20):
        moved = x + rng.uniform(-0.3, 0.3, 3)
        assert camera.follow(0, step, moved, y, GROUND) == first


def test_the_same_step_has_the_same_frame_and_another_battle_its_own():
    camera = Camera()
    x, y = np.array([2.0, 30.0]), np.array([16.0, 16.0])
    wide = camera.follow(0, 0, x, y, GROUND)
    moving = camera.follow(0, 1, x[:1], y[:1], GROUND)
    assert moving == camera.follow(0, 1, x[:1], y[:1], GROUND) != wide
    assert moving.width > camera.follow(1, 1, x[:1], y[:1], GROUND).width
    assert camera.follow(1, 0, x, y, GROUND) == wide, "an episode starts anew"


def test_it_shows_no_more_beyond_the_edge_than_it_must():
    corner = Camera().follow(0, 0, np.array([1.0, 2.0]), np.array([1.0, 2.0]), GROUND)
    assert corner.west >= -1.0 and corner.north - corner.height >= -1.0
    assert Camera().follow(0, 0, np.empty(0), np.empty(0), GROUND).x == GROUND.x
