"""Neither side, no direction and no number is better than another one.

What holds exactly, loop by loop and without the random delays of weapons: on ground that fills a
rectangle, mirroring a battle (x to 32 - x, y to 32 - y, or both, the side on which units pass each
other with it) and then playing a loop is the same as playing the loop and then mirroring. Swapping
the two teams changes nothing either, if both follow the enemies' orders. It does not hold where two
targets are equally near, which the lower number decides, nor on other ground, where the way around a
corner may go through different cells; there, and with the delays, battles are compared by their odds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remix.envs.skirmish.kernels.common import ATTACK_MOVE, NOBODY
from remix.envs.skirmish.maps import Order, load_map
from remix.envs.skirmish.units import load_units
from tests.envs.skirmish.battles import EAST, NORTH, SOUTH, WEST, Battle, arena, terrain_of

CENTRES = {"3s_vs_3z": (7.0, 25.0), "3m": (9.0, 23.0)}  # between which y units start
UNITS = (
    "marine",
    "marauder",
    "medivac",
    "stalker",
    "zealot",
    "colossus",
    "zergling",
    "baneling",
    "hydralisk",
)
INDICES = ("target", "attacker", "hit_target")
COPIED = [  # what is the same in the mirror; only the random stream is left out
    *("health", "shield", "energy", "cooldown", "windup", "shield_delay", "order", "attacked", "hit_time"),
    *("way", "speed", "pushed", "blocked", "waiting", "busy", "damage_taken", "loops"),
]


class Mirror:
    """How a battle turns into another one: which axes are flipped, and whether the teams are swapped."""

    def __init__(self, flip_x: bool, flip_y: bool, swap: bool, n_agents: int, n_enemies: int) -> None:
        self.flip_x, self.flip_y = flip_x, flip_y
        n = n_agents + n_enemies
        self.numbers = np.r_[n_agents:n, 0:n_agents] if swap else np.arange(n)  # of the original's units
        self.renamed = np.r_[np.argsort(self.numbers), NOBODY]  # of the mirrored ones; the last entry for -1

    def image(self, units) -> dict[str, np.ndarray]:
        """The arrays of ``Units`` in the mirror."""
        signs = {"x": -1 if self.flip_x else 1, "y": -1 if self.flip_y else 1}
        arrays = {name: getattr(units, name).copy() for name in COPIED}
        arrays["side"] = units.side * signs["x"] * signs["y"]
        for axis, sign in signs.items():
            for name in (axis, f"order_{axis}"):
                arrays[name] = getattr(units, name) if sign == 1 else 32 - getattr(units, name)
            arrays[f"heading_{axis}"] = sign * getattr(units, f"heading_{axis}")
        for name in INDICES:
            arrays[name] = self.renamed[getattr(units, name)]
        return {name: array if name == "loops" else array[:, self.numbers] for name, array in arrays.items()}

    def actions(self, actions: np.ndarray) -> np.ndarray:
        """The agents' actions in the mirror."""
        table = np.arange(max(actions.max(), WEST) + 1)
        if self.flip_x:
            table[[EAST, WEST]] = WEST, EAST
        if self.flip_y:
            table[[NORTH, SOUTH]] = SOUTH, NORTH
        return table[actions]


def draw_army(rng: np.random.Generator, names: list[str], left: bool, low: float, high: float):
    """Units in one half of the field."""
    xs = rng.uniform(4, 15, len(names)) + (0 if left else 13)
    return [(name, x, y) for name, x, y in zip(names, xs, rng.uniform(low, high, len(names)), strict=True)]


def quiet(battle: Battle) -> Battle:
    """Without random delays."""
    zeros = np.zeros(battle.n_units)
    battle.rules = battle.rules._replace(delay_low=zeros, delay_high=zeros)
    return battle


def let_agents_attack(battle: Battle, x: float, y: float) -> None:
    """Agents do as the enemies do: they attack-move to (x, y), and keep to it while they do nothing."""
    n, units = battle.n_agents, battle.units
    units.order[:, :n], units.order_x[:, :n], units.order_y[:, :n] = ATTACK_MOVE, x, y


def shake(battle: Battle, rng: np.random.Generator) -> None:
    """Move units by next to nothing, so that nothing stays equally near, but not into walls."""
    cells = np.argwhere(battle.rules.ground.open)
    margin = battle.rules.separation / 2 + 1e-5
    for k, places in enumerate((battle.units.x, battle.units.y)):
        low, high = cells[:, k].min() + margin, cells[:, k].max() + 1 - margin
        places[:] = np.clip(places + rng.uniform(-1e-5, 1e-5, places.shape), low, high)


def write(battle: Battle, arrays: dict[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        getattr(battle.units, name)[:] = array


@settings(max_examples=60, deadline=None)
@given(
    ours=st.lists(st.sampled_from(UNITS), min_size=1, max_size=7),
    theirs=st.lists(st.sampled_from(UNITS), min_size=1, max_size=7),
    field=st.sampled_from(sorted(CENTRES)),
    seed=st.integers(0, 2**32 - 1),
    flips=st.tuples(st.booleans(), st.booleans()),
    swap=st.booleans(),
    profile=st.sampled_from(["liberty", "smaclite"]),
)
def test_the_loop_of_a_mirrored_battle_is_the_mirrored_loop(ours, theirs, field, seed, flips, swap, profile):
    """All units and what they do, in 120 loops of any battle; with swapped teams everybody attacks."""
    known = load_units(profile)
    ours, theirs = ([name for name in army if name in known] or ["marine"] for army in (ours, theirs))
    rng, mirror = np.random.default_rng(seed), Mirror(flips[0], flips[1], swap, len(ours), len(theirs))
    armies = [draw_army(rng, names, left, *CENTRES[field]) for names, left in ((ours, True), (theirs, False))]
    order = Order("attack_move", (9.0, 16.0))
    teams = armies[::-1] if swap else armies
    one, other = (
        quiet(
            Battle(
                arena(pair[0], pair[1], order, terrain_of(field)),
                loops_per_step=1,
                profile=profile,
                as_smaclite=profile == "smaclite",
            )
        )
        for pair in (armies, teams)
    )
    if swap:
        let_agents_attack(one, 23.0, 16.0)
    for loop in range(120):
        shake(one, rng)
        write(other, mirror.image(one.units))
        if loop % 8 == 0:
            actions = one.random_actions(rng)
        given_now = actions if not swap and loop % 8 == 0 else np.zeros_like(actions)
        one.play(given_now)
        other.play(np.zeros((1, other.n_agents), np.int64) if swap else mirror.actions(given_now))
        for name, array in mirror.image(one.units).items():
            np.testing.assert_allclose(
                getattr(other.units, name), array, rtol=0, atol=1e-9, err_msg=f"{name}, loop {loop}"
            )


# --- Odds -------------------------------------------------------------------------------------------------

Side = tuple[tuple[str, ...], np.ndarray]  # units and places


def sides_of(name: str) -> tuple[Side, Side]:
    battle_map = load_map(name)
    return (battle_map.allies, battle_map.ally_positions), (battle_map.enemies, battle_map.enemy_positions)


def across(side: Side) -> Side:
    """The side on the other half of its map, turned, not reflected: all pass others on the left at first."""
    return side[0], 32 - side[1]


def assault(name: str, agents: Side, enemies: Side, n_battles: int = 400) -> np.ndarray:
    """How much of the health of agents and enemies is left when both have attacked, ``[E, 2]``."""
    battle_map = replace(
        load_map(name),
        allies=agents[0],
        ally_positions=agents[1],
        enemies=enemies[0],
        enemy_positions=enemies[1],
    )
    battle, point = Battle(battle_map, range(n_battles)), battle_map.order.point
    assert point is not None
    let_agents_attack(battle, 32 - point[0], 32 - point[1])
    for _ in range(100):
        battle.play(0)
    n, health = battle.n_agents, battle.units.health
    whole = battle.rules.max_health
    return np.stack([health[:, :n].sum(1) / whole[:n].sum(), health[:, n:].sum(1) / whole[n:].sum()], 1)


@pytest.mark.parametrize("name", ["3m", "8m", "2s3z", "3s5z", "1c3s5z", "MMM", "bane_vs_bane"])
def test_equal_armies_win_equally_often(name):
    """Neither of two mirrored armies that attack gains by its numbers or by moving first."""
    enemies = sides_of(name)[1]
    left = assault(name, across(enemies), enemies)
    ours, theirs = (left > 0).T
    decided = (ours != theirs).mean()
    error = np.sqrt(decided / len(left))
    assert decided > 0.1
    assert (ours & ~theirs).mean() == pytest.approx((theirs & ~ours).mean(), abs=4 * error)


@pytest.mark.parametrize("name", ["5m_vs_6m", "3s_vs_3z", "3s_vs_4z", "MMM2", "3s5z_vs_3s6z"])
def test_armies_fare_alike_on_either_side(name):
    """Agents and enemies change places and numbers, and as much of each army is left as before."""
    agents, enemies = sides_of(name)
    left = assault(name, agents, enemies)
    swapped = assault(name, across(enemies), across(agents))[:, ::-1]
    error = np.sqrt((left.var(0) + swapped.var(0)) / len(left))
    assert (np.abs(left.mean(0) - swapped.mean(0)) <= 4 * error + 1e-3).all()
