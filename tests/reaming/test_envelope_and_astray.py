"""How long a stem can be, what happens when the hand is off, and the size with its doubt."""

import dataclasses

import numpy as np
import pytest
from analytic_shapes import bowed_canal, levels, stack, straight_tool
from scipy.stats import norm

from sizing.anatomy import Side
from sizing.errors import ReamingError
from sizing.reaming import AstraySettings, Clearance, astray, envelope, evaluate, widest_cylinder
from sizing.reaming.astray import sampling_error
from sizing.reaming.surface_noise import smooth_fields


def test_a_cone_ends_where_its_wall_does():
    # Outer radius 14.01 - 0.05 z, coaxial: a stem of radius r keeps 2 mm to z = (12.01 - r) / 0.05.
    z = levels(160.0, 1.0)
    found = envelope(stack(5.0, 5.0, 14.01 - 0.05 * z, 14.01 - 0.05 * z, z), 2.0, [8.0, 12.0, 16.0, 20.0, 26.0])
    # The periosteum slopes by 1 in 20, so that lengths step with the levels: within one of them.
    assert found.lengths_mm() == pytest.approx([160.0, 120.0, 80.0, 40.0, 0.0], abs=1.0)
    assert [r.reaches_end for r in found.rows] == [True, False, False, False, False]
    assert found.rows[-1].axis is None


def test_a_stem_of_the_bones_own_bow_goes_all_the_way():
    canal = bowed_canal(
        {"bow_radius": 600.0, "canal": {"a_in_bow_plane": 6, "b": 6}, "periosteum": {"a_in_bow_plane": 10, "b": 10}},
        160.0, 0.0, None,
    )  # fmt: skip
    found = envelope(canal, 2.0, [15.0], [600.0])
    straight, bowed = found.rows
    # straight: sagitta L²/8R may eat 2 * (10 - 7.5 - 2) = 1 mm, the ends half each: L = sqrt(8 * 600 * 1) = 69
    assert straight.length_mm == pytest.approx(np.sqrt(8 * 600 * 1.0), abs=4.0)
    assert bowed.reaches_end
    assert widest_cylinder(canal, 0, 160, Clearance.WALL, 600.0)[1] == pytest.approx(20.0, abs=0.005)


def test_the_envelope_keeps_the_wall_it_promises():
    z = levels(120.0, 2.0)
    canal = stack(6.0, 5.5, 12 - 0.02 * z, 11.5 - 0.02 * z, z)
    for row in envelope(canal, 3.0, [12.0, 14.0, 15.0]).rows:
        left = evaluate(canal, row.axis, [row.diameter_mm], row.length_mm).tool_wall_mm[0]
        assert left >= 3.0 - 1e-3


def test_the_widest_cylinder_is_not_beaten_by_brute_force():
    canal = bowed_canal({"bow_radius": 500.0, "canal": {"a_in_bow_plane": 6.5, "b": 5.5}}, 100.0, 0.0, None)
    axis, best = widest_cylinder(canal, 0.0, 200.0)
    points = canal.contour_lps("endosteal").reshape(-1, 3)
    random = np.random.default_rng(3)
    for spread in (1.0, 0.1, 0.01):
        for _ in range(150):
            entry = axis.entry_lps + spread * np.append(random.normal(size=2), 0)
            direction = axis.direction_lps + 0.02 * spread * random.normal(size=3)
            direction /= np.linalg.norm(direction)
            away = points - entry
            distance = np.sqrt(np.sum(away**2, axis=1) - (away @ direction) ** 2)
            assert 2 * distance.min() <= best + 1e-4


@pytest.fixture(scope="module")
def tube():
    canal = stack(6.0, 6.0, 11.0, 11.0, levels(100.0, 4.0))
    return dataclasses.replace(canal, side=Side.LEFT)


def test_an_offset_hand_thins_the_wall_by_its_offset(tube):
    # Only the entry is off, by a Rayleigh-distributed distance: P(wall < w) = exp(-(11 - r - w)² / 2 sigma²).
    hand = AstraySettings(offset_mm=1.0, tilt_deg=0, depth_mm=0, oversize_mm=0, surface=False, n_poses=4000)
    found = astray(tube, straight_tool(0, 0), [12.0, 14.0, 16.0], 80.0, 14.0, hand)
    expected = np.exp(-((11 - np.array([6.0, 7.0, 8.0]) - 2.0) ** 2) / 2)
    assert np.all(np.abs(found.too_thin_probability - expected) < 4 * found.too_thin_se)
    breach = np.exp(-((11 - np.array([6.0, 7.0, 8.0])) ** 2) / 2)
    assert np.all(np.abs(found.breach_probability - breach) < 4 * found.breach_se)


def test_the_side_that_is_hit_is_named(tube):
    # The plan itself leans towards +x (left, lateral on the left side): that is where it goes wrong.
    hand = AstraySettings(offset_mm=0.3, tilt_deg=0.2, depth_mm=0, oversize_mm=0, surface=False, n_poses=500)
    found = astray(tube, straight_tool(0.5, 0.0, 1.5, 0.0), [14.0, 16.0], 90.0, 14.0, hand)
    assert found.worst_direction == ("lateral", "lateral")
    assert found.worst_depth_mm[1] >= 80.0


def test_same_seed_same_numbers_and_never_certain(tube):
    hand = AstraySettings(n_poses=300)
    one, two = (astray(tube, straight_tool(0, 0), [8.0, 12.5, 13.0], 80.0, 13.0, hand) for _ in range(2))
    assert np.array_equal(one.wall_quantiles_mm, two.wall_quantiles_mm)
    assert one.breach_probability[0] == 0.0
    assert one.breach_se[0] > 0.0  # never seen in 300 is not never
    assert sampling_error(0.5, 10_000) == pytest.approx(0.005, rel=1e-3)


def test_a_size_between_two_is_a_coin_toss(tube):
    # A round canal of R = 6 + 0.25 z, z normal. The plan's 13.0 mm cuts 6.5² - 6² of the section; half-way to 12.5 mm
    # is the goal, and a radius r is the first to reach it while R² <= r² - goal.
    se = np.full(tube.endosteal_radius_mm.shape, 0.25)
    doubtful = dataclasses.replace(tube, endosteal_se_mm=se, periosteal_se_mm=se)
    sizes = np.arange(10.0, 17.0, 0.5)
    sure = AstraySettings(n_poses=1000, offset_mm=0.05, tilt_deg=0, depth_mm=0, oversize_mm=0.01, wall_limit_mm=0.5)
    firm = astray(tube, straight_tool(0, 0), sizes, 80.0, 13.0, sure).size
    assert (firm.likely_mm, firm.coin_toss) == (13.0, False)
    assert firm.probability[sizes == 13.0] > 0.99
    unsure = astray(
        doubtful, straight_tool(0, 0), sizes, 80.0, 13.0, dataclasses.replace(sure, shared_variance=1.0, coin_toss=0.2)
    ).size
    goal = 0.5 * (6.5**2 + 6.25**2) - 36.0
    below = [0.0, *(norm.cdf((np.sqrt((d / 2) ** 2 - goal) - 6.0) / 0.25) for d in sizes)]
    assert np.all(np.abs(unsure.probability - np.diff(below)) < 4 * unsure.se)  # 40 %, and 24 % for both neighbours
    assert unsure.coin_toss
    assert unsure.probability.sum() + unsure.none_probability == pytest.approx(1.0)
    assert unsure.words().startswith("13.0 mm: ")


def test_surface_errors_are_smooth_and_of_unit_size(tube):
    canal = stack(6.0, 6.0, 11.0, 11.0, levels(200.0, 2.0))
    field = smooth_fields(canal, 40, 10.0, np.random.default_rng(1))
    assert field.std() == pytest.approx(1.0, abs=0.05)
    for steps, covariance in ((2, np.exp(-0.16)), (5, np.exp(-1.0)), (10, np.exp(-4.0))):
        assert np.mean(field[:, steps:] * field[:, :-steps]) == pytest.approx(covariance, abs=0.06)


@pytest.mark.parametrize(
    "bad", [{"n_poses": 0}, {"offset_mm": -1.0}, {"tilt_deg": float("nan")}, {"shared_variance": 2.0}]
)
def test_errors_that_cannot_be_drawn_are_refused(bad):
    with pytest.raises(ReamingError, match="CF-R014"):
        AstraySettings(**bad)


def test_sizes_and_walls_that_cannot_be_meant_are_refused(tube):
    with pytest.raises(ReamingError, match="CF-R002"):
        envelope(tube, 2.0, [12.0, 11.0])
    with pytest.raises(ReamingError, match="CF-R015"):
        envelope(tube, -1.0, [12.0])
    with pytest.raises(ReamingError, match="CF-R004"):
        astray(tube, straight_tool(0, 0), [12.0, 13.0], 80.0, 12.7)
    with pytest.raises(ReamingError, match="CF-R005"):
        evaluate(tube, straight_tool(0, 0), [12.0], float("nan"))
