"""Section numbers against closed forms; circles against a brute-force twin."""

import numpy as np
import pytest

from sizing import _sections
from sizing.canal import Canal, measure_sections

THETA = np.arange(256) * 2 * np.pi / 256


def ellipse_radius(a, b, rot=0.0):
    return a * b / np.hypot(b * np.cos(THETA - rot), a * np.sin(THETA - rot))


def canal_of(inner, outer):
    return Canal.from_sections([0.0], [inner], [outer], n_angles=256)


def test_every_number_of_an_ellipse():
    a, b, rot = 7.0, 5.5, 0.4
    t = measure_sections(canal_of(ellipse_radius(a, b, rot), ellipse_radius(13, 12, rot)))
    expected = {
        "inscribed_diameter_mm": 2 * b,
        "minor_diameter_mm": 2 * b,
        "major_diameter_mm": 2 * a,
        "circumscribed_diameter_mm": 2 * a,
        "major_direction_rad": rot,
        "area_diameter_mm": 2 * np.sqrt(a * b),
        "ap_diameter_mm": 2 * np.hypot(a * np.cos(rot), b * np.sin(rot)),
        "ml_diameter_mm": 2 * np.hypot(a * np.sin(rot), b * np.cos(rot)),
        "canal_area_mm2": np.pi * a * b,
        "periosteal_area_mm2": np.pi * 13 * 12,
        "moment_max_mm4": np.pi / 4 * (13**3 * 12 - a**3 * b),
        "moment_min_mm4": np.pi / 4 * (13 * 12**3 - a * b**3),
        "modulus_max_mm3": np.pi / 4 * (13**3 * 12 - a**3 * b) / 13,
        "modulus_min_mm3": np.pi / 4 * (13 * 12**3 - a * b**3) / 12,
    }
    for name, value in expected.items():
        # 1e-4: circles and extents are taken from 512 points, everything else is spectral
        assert getattr(t, name)[0] == pytest.approx(value, rel=1e-4), name
    assert t.eccentricity_mm[0] == pytest.approx(0, abs=1e-9)


def test_wall_is_normal_and_knows_where():
    inner = ellipse_radius(6, 6)
    # outer circle of 10 mm, centre shifted by 1 mm along u: thinnest wall at pi, 10 - 1 - 6
    outer = np.cos(THETA) + np.sqrt(100 - np.sin(THETA) ** 2)
    t = measure_sections(canal_of(inner, outer))
    assert t.wall_min_mm[0] == pytest.approx(3.0, abs=2e-3)
    assert t.wall_min_theta_rad[0] == pytest.approx(np.pi, abs=1e-9)
    assert t.wall_max_mm[0] == pytest.approx(5.0, abs=2e-3)
    assert t.eccentricity_mm[0] == pytest.approx(1.0, abs=1e-6)


def test_a_wide_gap_gives_no_diameter_and_a_small_one_does():
    inner, outer = np.full((2, 256), 6.0), np.full((2, 256), 10.0)
    inner[0, :40] = np.nan  # 56 degrees
    inner[1, :8] = np.nan  # 11 degrees
    frames = Canal.from_sections([0, 1], [np.full(64, 6.0)] * 2, [np.full(64, 10.0)] * 2).axis
    t = measure_sections(Canal(frames, THETA, inner, outer))
    assert np.isnan(t.inscribed_diameter_mm[0])
    assert np.isnan(t.cortical_area_mm2[0])
    assert t.inscribed_diameter_mm[1] == pytest.approx(12, abs=1e-3)
    assert t.wall_min_mm[0] == pytest.approx(4, abs=2e-3)


def test_a_contour_known_to_five_eighths_is_told_only_if_its_gaps_are_small():
    """As in the tibia sample: what matters is not how much is missing but whether a gap could hide the circle."""
    inner, outer = np.full((2, 256), 6.0), np.full((2, 256), 10.0)
    inner[0, np.arange(256) % 16 < 6] = np.nan  # 62 % known, gaps of 8 degrees all round
    inner[1, :96] = np.nan  # 62 % known, one gap of 135 degrees
    frames = Canal.from_sections([0, 1], [np.full(64, 6.0)] * 2, [np.full(64, 10.0)] * 2).axis
    t = measure_sections(Canal(frames, THETA, inner, outer))
    assert t.measured_share == pytest.approx([0.625, 0.625], abs=0.01)
    assert t.inscribed_diameter_mm[0] == pytest.approx(12, abs=1e-3)
    for name in ("inscribed", "circumscribed", "minor", "major", "area", "ap", "ml"):
        assert np.isnan(getattr(t, f"{name}_diameter_mm")[1]), name  # never a smaller circle inside what is known
    assert t.wall_min_mm == pytest.approx([4.0, 4.0], abs=2e-3)  # the known part still has its wall


@pytest.mark.kernel
def test_circles_agree_with_brute_force():
    rng = np.random.default_rng(3)
    wave = sum(rng.normal(0, 0.25 / k, (6, 1)) * np.cos(k * THETA + rng.uniform(0, 6, (6, 1))) for k in range(1, 6))
    radius = 6 + wave
    points = np.ascontiguousarray(radius[..., None] * np.stack([np.cos(THETA), np.sin(THETA)], -1))
    centre, inscribed = np.empty((6, 2)), np.empty(6)
    _sections.inscribed_circles(points, np.zeros((6, 2)), centre, inscribed)
    around, enclosing = np.empty((6, 2)), np.empty(6)
    _sections.enclosing_circles(points, around, enclosing)
    grid = np.stack(np.meshgrid(np.linspace(-1.5, 1.5, 121), np.linspace(-1.5, 1.5, 121)), -1).reshape(-1, 2)
    for i in range(6):
        distance = np.linalg.norm(points[i] - grid[:, None], axis=-1)
        best_in, best_out = distance.min(1).max(), distance.max(1).min()
        # the grid (25 um) can only be worse than the optimum, and by no more than half its diagonal
        assert best_in - 1e-9 <= inscribed[i] <= best_in + 0.018
        assert best_out - 0.018 <= enclosing[i] <= best_out + 1e-9
        assert np.linalg.norm(points[i] - centre[i], axis=1).min() == pytest.approx(inscribed[i], abs=1e-9)
        assert np.linalg.norm(points[i] - around[i], axis=1).max() == pytest.approx(enclosing[i], abs=1e-9)
