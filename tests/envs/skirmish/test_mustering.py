"""Drawn teams and places, against SMACv2's own draws and exact probabilities; and where units then stand.

``tests/data/smacv2_distributions.json`` sums up 2,000 teams and 2,000 starts of SMACv2's distributions for
each of its scenarios: histograms of the types among the agents and among the enemies that exceed them
(``more``), mean and deviation of the most that can be earned, how many starts were surrounded, quantiles of
the agents' places in the others, how many groups were occupied, quantiles of their distance to the middle.
"""

from __future__ import annotations

import json
from itertools import combinations_with_replacement, product
from math import comb
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from remix.envs.skirmish.drawn_encoding import mean_strength
from remix.envs.skirmish.kernels.mustering import draw_places, draw_teams, muster
from remix.envs.skirmish.kernels.placing import Placed, place
from remix.envs.skirmish.mustered import allocate_drawn, make_floor, make_muster
from remix.envs.skirmish.rosters import Roster
from remix.envs.skirmish.scenarios import load_scenario, scenario_names
from tests.envs.skirmish.drawn_layer import UNITS, scenario_of

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "smacv2_distributions.json").read_text())
RECORDED_DRAWS, DRAWS = 2000, 3000
LEAST = 1e-4  # probability with which a right draw may be as far off


def plan_of(scenario):
    return make_muster(scenario, UNITS, Roster(scenario, UNITS).types)


def streams(n, seed=1):
    return np.random.default_rng(seed).integers(2**63, size=n).astype(np.uint64)


def teams(scenario, n=DRAWS):
    """Types ``[n, U]`` of drawn teams, as indices of the scenario's."""
    plan, random = plan_of(scenario), streams(n)
    kind = np.zeros((n, scenario.n_agents + scenario.n_enemies), np.int64)
    for e in range(n):
        draw_teams(plan, random, e, kind[e])
    return kind


def places(scenario, n=DRAWS):
    """Points ``[n, U, 2]`` to which units are sent."""
    plan, random = plan_of(scenario), streams(n, 2)
    x, y = np.zeros((2, n, scenario.n_agents + scenario.n_enemies))
    for e in range(n):
        draw_places(plan, random, e, x[e], y[e])
    return np.stack([x, y], -1)


def as_likely(observed, expected):
    """Probability of counts at least as far off, rare cells taken together."""
    observed, expected = np.asarray(observed, float), np.asarray(expected, float)
    order = np.argsort(expected)[::-1]
    observed, expected = observed[order], expected[order]
    enough = max(int((expected >= 5).sum()), 1)
    pooled = [np.r_[a[:enough], a[enough:].sum()] for a in (observed, expected)]
    if pooled[1][-1] < 5:
        pooled = [np.r_[a[: enough - 1], a[enough - 1 :].sum()] for a in (observed, expected)]
    return stats.chisquare(pooled[0], pooled[1] * pooled[0].sum() / pooled[1].sum()).pvalue


def same_histogram(counts, recorded, most):
    """Probability of two samples of counts from 0 to ``most`` that differ as much."""
    table = np.zeros((2, most + 1))
    table[0] = np.bincount(counts, minlength=most + 1)
    for value, number in recorded.items():
        table[1, int(value)] = number
    table = table[:, table.sum(0) >= 10]
    return 1.0 if table.shape[1] < 2 else stats.chi2_contingency(table).pvalue


@pytest.mark.parametrize("name", scenario_names())
def test_teams_are_drawn_as_in_smacv2(name):
    scenario, recorded = load_scenario(name), RECORDED[name]
    kind, n = teams(scenario), scenario.n_agents
    assert (kind[:, :n] == kind[:, n : 2 * n]).all()
    for index, unit in enumerate(scenario.types):
        weight = scenario.teams.weights[scenario.teams.unit_types.index(unit)]
        counts = (kind[:, :n] == index).sum(1)
        expected = DRAWS * stats.binom(n, weight).pmf(np.arange(n + 1))
        assert as_likely(np.bincount(counts, minlength=n + 1), expected) > LEAST
        assert same_histogram(counts, recorded["agents"][unit], n) > LEAST
        more = (kind[:, 2 * n :] == index).sum(1)
        if recorded["more"]:
            assert same_histogram(more, recorded["more"][unit], kind.shape[1] - 2 * n) > LEAST


@pytest.mark.parametrize(("race", "rare"), [("terran", "medivac"), ("zerg", "baneling")])
def test_enemies_that_exceed_the_agents_are_never_all_exceptions(race, rare):
    single, three = (load_scenario(f"{race}_{size}") for size in ("10_vs_11", "20_vs_23"))
    index = single.types.index(rare)
    alone = teams(single)[:, 20]
    assert not (alone == index).any()
    usual = [k for k in range(3) if k != index]
    assert as_likely([(alone == k).sum() for k in usual], [DRAWS / 2, DRAWS / 2]) > LEAST
    drawn = (teams(three)[:, 40:] == index).sum(1)
    assert drawn.max() < 3
    assert drawn.mean() == pytest.approx((0.3 - 3 * 0.001) / 0.999, abs=0.03)


@pytest.mark.parametrize("name", scenario_names())
def test_strength_of_teams_is_that_of_smacv2(name):
    scenario, (mean, deviation) = load_scenario(name), RECORDED[name]["max_reward"]
    strength = np.array([UNITS[unit].health + UNITS[unit].shield for unit in scenario.types])
    most = 200 + 10 * scenario.n_enemies + strength[teams(scenario)[:, scenario.n_agents :]].sum(1)
    assert most.mean() == pytest.approx(mean, rel=0.01)
    assert most.std() == pytest.approx(deviation, rel=0.08)
    exact = 200 + scenario.n_enemies * (10 + mean_strength(scenario, UNITS))
    assert exact == pytest.approx(mean, rel=0.01)
    assert abs(most.mean() - exact) < 4 * most.std() / DRAWS**0.5


def all_teams(n, types, exceptions=()):
    teams_of = {"dist_type": "all_teams", "unit_types": types, "exception_unit_types": list(exceptions)}
    return scenario_of(f"terran_{n}_vs_{n}", {"team_gen": teams_of})


def test_all_multisets_are_as_likely():
    scenario = all_teams(4, ["marine", "medivac"])
    kind = teams(scenario)
    assert (kind[:, :4] == kind[:, 4:]).all()
    counts = np.bincount((kind[:, :4] == scenario.types.index("medivac")).sum(1), minlength=5)
    assert as_likely(counts, [DRAWS / 5] * 5) > LEAST
    first = (kind[:, 0] == 0).sum()  # shuffled: half of the first ones are marines
    assert stats.binomtest(int(first), DRAWS, 0.5).pvalue > LEAST


@pytest.mark.parametrize("kind", ["weighted_teams", "all_teams"])
@pytest.mark.parametrize("exceptions", [(), ("medivac",), ("medivac", "marauder")])
def test_mean_strength_is_exact(kind, exceptions):
    types, weights, n = ["marine", "marauder", "medivac"], [0.2, 0.3, 0.5], 3
    team_gen = {"dist_type": kind, "unit_types": types, "exception_unit_types": list(exceptions)}
    if kind == "weighted_teams":
        team_gen["weights"] = weights
        drawn = product(range(3), repeat=n)
        chances = {team: float(np.prod([weights[k] for k in team])) for team in drawn}
    else:
        chances = dict.fromkeys(combinations_with_replacement(range(3), n), 1.0)
    chances = {
        team: chance for team, chance in chances.items() if any(types[k] not in exceptions for k in team)
    }
    strength = [UNITS[name].health for name in types]
    mean = sum(chance * sum(strength[k] for k in team) / n for team, chance in chances.items())
    scenario = scenario_of(f"terran_{n}_vs_{n}", {"team_gen": team_gen})
    assert mean_strength(scenario, UNITS) == pytest.approx(mean / sum(chances.values()), rel=1e-12)


# --- Places -----------------------------------------------------------------------------------------------


def occupied(n, groups):
    """Probability that n enemies in up to four groups occupy that many."""
    ways = sum((-1) ** (groups - k) * comb(groups, k) * k**n for k in range(groups + 1))
    return sum(comb(g, groups) * ways / g**n for g in range(groups, 5)) / 4


@pytest.mark.parametrize("name", scenario_names())
def test_places_are_drawn_as_in_smacv2(name):
    scenario, recorded = load_scenario(name), RECORDED[name]
    n, points = scenario.n_agents, places(scenario)
    around = (points[:, :n] == 16).all((1, 2))
    assert stats.binomtest(int(around.sum()), DRAWS, 0.5).pvalue > LEAST
    assert stats.binomtest(recorded["surrounded"], RECORDED_DRAWS, around.mean()).pvalue > LEAST
    mirrored, surrounded = points[~around], points[around]
    np.testing.assert_allclose(mirrored[:, n : 2 * n, 0], 32 - mirrored[:, :n, 0], rtol=0, atol=1e-12)
    assert (mirrored[:, n : 2 * n, 1] == mirrored[:, :n, 1]).all()
    for axis, (low, high) in enumerate([(0, 15), (0, 32)]):
        values = mirrored[:, :n, axis].ravel()
        assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > LEAST
        for share, value in recorded["xy"[axis]].items():
            assert np.quantile(values, float(share)) == pytest.approx(value, abs=0.05 * (high - low))
    assert abs(np.corrcoef(mirrored[:, :n, 0].ravel(), mirrored[:, :n, 1].ravel())[0, 1]) < 0.04
    for axis, low in ((0, 16), (1, 0)):
        if scenario.n_enemies > n:
            more = mirrored[:, 2 * n :, axis].ravel()
            assert stats.kstest(more, stats.uniform(low, 32 - low).cdf).pvalue > LEAST
    check_groups(surrounded[:, n:], recorded)


def check_groups(points, recorded):
    offsets = points - 16
    np.testing.assert_allclose(np.abs(offsets[..., 0]), np.abs(offsets[..., 1]), rtol=0, atol=1e-9)
    groups, radii, corners = [], [], []
    for battle in offsets:
        changes = np.r_[True, (battle[1:] != battle[:-1]).any(1)]
        first = battle[changes]
        assert len(np.unique(np.sign(first), axis=0)) == len(first)  # each on a diagonal of its own
        groups.append(len(first))
        radii += list(np.hypot(*first.T))
        corners += [2 * (x > 0) + (y > 0) for x, y in first]
    n, total = points.shape[1], len(groups)
    expected = [total * occupied(n, g) for g in range(1, 5)]
    assert as_likely(np.bincount(groups, minlength=5)[1:], expected) > LEAST
    assert same_histogram(groups, recorded["groups"], 4) > LEAST
    assert as_likely(np.bincount(corners, minlength=4), [len(corners) / 4] * 4) > LEAST
    assert stats.kstest(radii, stats.uniform(8**0.5, 512**0.5 - 8**0.5).cdf).pvalue > LEAST
    for share, value in recorded["radius"].items():
        assert np.quantile(radii, float(share)) == pytest.approx(value, abs=1.2)


def test_group_sizes_are_multinomial():
    scenario = scenario_of("zerg_5_vs_2", {"start_positions": {"dist_type": "surrounded"}})
    points = places(scenario)[:, 5:]
    together = (points[:, 0] == points[:, 1]).all(1).sum()
    # G groups are drawn with 1/4 each, and the second joins the first with 1/G.
    assert stats.binomtest(int(together), DRAWS, (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4).pvalue > LEAST


@pytest.mark.parametrize(("kind", "mirrored"), [("surrounded", False), ("reflect_position", True)])
def test_a_kind_of_start_may_be_chosen(kind, mirrored):
    points = places(scenario_of("zerg_4_vs_3", {"start_positions": {"dist_type": kind}}), 50)
    assert ((points[:, :4] == 16).all((1, 2)) != mirrored).all()
    if mirrored:
        np.testing.assert_allclose(points[:, 4:, 0], 32 - points[:, :3, 0], rtol=0, atol=1e-12)


def test_p_is_the_probability_of_mirrored_starts():
    start = {"dist_type": "surrounded_and_reflect", "p": 0.2}
    around = (places(scenario_of("zerg_4_vs_4", {"start_positions": start}))[:, :4] == 16).all((1, 2))
    assert stats.binomtest(int(around.sum()), DRAWS, 0.8).pvalue > LEAST


# --- Where units stand ------------------------------------------------------------------------------------


def mustered(scenario, n):
    drawn = allocate_drawn(scenario, n)
    muster(plan_of(scenario), drawn, Placed(np.zeros(len(scenario.types), np.int64)), np.arange(n))
    return drawn


@pytest.mark.parametrize("name", scenario_names())
def test_nobody_stands_outside_or_on_somebody_else(name):
    scenario = load_scenario(name)
    drawn = mustered(scenario, 60)
    separation = np.array([UNITS[unit].separation_radius for unit in scenario.types])[drawn.kind]
    plane = np.array([hash(UNITS[unit].plane) for unit in scenario.types])[drawn.kind]
    for axis in (drawn.x, drawn.y):
        assert (axis >= 2 + separation - 1e-4).all() and (axis <= 30 - separation + 1e-4).all()
    gaps = np.hypot(drawn.x[:, :, None] - drawn.x[:, None], drawn.y[:, :, None] - drawn.y[:, None])
    gaps += np.where(np.eye(gaps.shape[1], dtype=bool) | (plane[:, :, None] != plane[:, None]), 9, 0)
    assert (gaps >= separation[:, :, None] + separation[:, None] - 1e-3).all()


def test_agents_are_numbered_by_type_and_then_from_west_to_east():
    scenario = load_scenario("zerg_10_vs_10")
    drawn = mustered(scenario, 40)
    names = np.array(scenario.types)[drawn.kind[:, :10]]
    for e in range(40):
        rows = list(zip(names[e], drawn.x[e], drawn.y[e], strict=False))
        assert rows == sorted(rows)


def test_who_stands_alone_goes_to_the_nearest_place():
    scenario = load_scenario("protoss_5_vs_5")
    floor = make_floor(Roster(scenario, UNITS).types, 3)
    x, y = np.array([0.0, 16.0, 31.0]), np.array([31.5, 16.0, 3.0])
    assert place(floor, np.zeros(3, np.int64), x, y, Placed(np.zeros(3, np.int64))) == 3
    assert x.tolist() == [2.625, 16.0, 29.375] and y.tolist() == [29.375, 16.0, 3.0]


def test_a_crowd_at_one_point_makes_rings():
    scenario = load_scenario("terran_5_vs_5")
    floor = make_floor(Roster(scenario, UNITS).types, 3)
    x, y = np.full((2, 20), 16.0)
    kind = np.array([0, 1, 2] * 7)[:20]
    placed = Placed(np.zeros(3, np.int64))
    assert place(floor, kind, x, y, placed) == 20
    assert (x[0], y[0]) == (x[2], y[2]) == (16, 16)  # a medivac flies above
    assert (x[1], y[1]) == (17.0, 16.0)  # 0.375 + 0.5, on the first ring that is wide enough, from the east
    assert np.hypot(x - 16, y - 16).max() < 5


def test_equal_seeds_give_equal_teams_whatever_else_is_drawn():
    plain = scenario_of("terran_10_vs_11")
    more = {
        "enemy_mask": {"dist_type": "mask", "mask_probability": 0.5},
        "attack": {"dist_type": "per_agent_uniform", "lower_bound": [0.2], "upper_bound": [0.9]},
        "health": {"dist_type": "fixed", "items": [[0.1] * 9 + [0.5], [0.2] * 10]},
    }
    one, other = mustered(plain, 30), mustered(scenario_of("terran_10_vs_11", more), 30)
    for name in ("kind", "x", "y"):
        assert (getattr(one, name) == getattr(other, name)).all()
    assert not one.hidden.any() and (one.attack == 1).all() and (one.health == 0).all()
    assert other.hidden.mean() == pytest.approx(0.5, abs=0.03)
    assert 0.2 <= other.attack.min() < 0.25 and 0.85 < other.attack.max() < 0.9
    assert set(map(tuple, np.sort(other.health, 1))) == {(0.1,) * 9 + (0.5,), (0.2,) * 10}
    assert len(np.unique(other.health.argmax(1))) > 3  # shuffled


def test_a_mask_is_the_probability_of_seeing():
    scenario = scenario_of("zerg_5_vs_5", {"enemy_mask": {"dist_type": "mask", "mask_probability": 0.9}})
    assert mustered(scenario, 200).hidden.mean() == pytest.approx(0.1, abs=0.01)
