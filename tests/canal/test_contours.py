"""Canals from contours: areas known in closed form, and contours that are refused."""

import numpy as np
import pytest

from sizing.canal import Canal
from sizing.errors import CanalError
from sizing.geometry import Plane


def ellipse(a, b, *, cx=0.0, cy=0.0, rot_deg=0.0, k=720):
    t = np.arange(k) * 2 * np.pi / k
    xy = np.stack([a * np.cos(t), b * np.sin(t)], axis=-1)
    c, s = np.cos(np.radians(rot_deg)), np.sin(np.radians(rot_deg))
    return xy @ np.array([[c, s], [-s, c]]) + (cx, cy)


def polar_area(radius):
    # Exact for a trigonometric polynomial, spectrally close for any smooth closed curve.
    return np.pi * np.mean(radius**2, axis=-1)


@pytest.mark.parametrize(
    ("inner", "area"),
    [
        (ellipse(7, 5.5), np.pi * 7 * 5.5),
        (ellipse(6.5, 5.5, cx=1.2, cy=-0.5, rot_deg=15), np.pi * 6.5 * 5.5),
        (ellipse(7, 5.5)[::-1], np.pi * 7 * 5.5),  # clockwise
    ],
)
def test_area_of_a_smooth_contour_is_exact(inner, area):
    canal = Canal.from_sections([0, 1], [inner] * 2, [ellipse(13, 12)] * 2, n_angles=1024)
    # quintic interpolation of 720 points: error about (2 pi / 720)^6 = 4e-13 of the area
    assert polar_area(canal.endosteal_radius_mm) == pytest.approx(area, rel=1e-11)
    assert canal.edges.method == "given"


def test_points_come_back_where_they_were():
    inner, outer = ellipse(7, 5.5, rot_deg=20), ellipse(13, 12)
    canal = Canal.from_sections([3.0], [inner], [outer], n_angles=512)
    back = canal.contour_xy_mm()[0]
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    x, y = back @ [c, s], back @ [-s, c]
    np.testing.assert_allclose((x / 7) ** 2 + (y / 5.5) ** 2, 1, atol=1e-10)
    np.testing.assert_allclose(canal.contour_lps("periosteal")[0][:, 2], 3.0)


def test_contours_off_the_origin_move_the_axis():
    canal = Canal.from_sections([0], [ellipse(6, 5, cx=40, cy=7)], [ellipse(11, 10, cx=40, cy=7)])
    np.testing.assert_allclose(canal.axis.points_lps[0], [40, 7, 0], atol=1e-6)
    np.testing.assert_allclose(canal.endosteal_radius_mm[0, 0], 6, atol=1e-6)


def test_radii_are_taken_as_they_are():
    radii = 6 + np.cos(3 * np.arange(64) * 2 * np.pi / 64)
    canal = Canal.from_sections([0], [radii], [np.full(64, 11.0)], n_angles=64)
    np.testing.assert_allclose(canal.endosteal_radius_mm[0], radii, atol=1e-12)


@pytest.mark.parametrize(
    ("inner", "outer", "code"),
    [
        (ellipse(13, 12), ellipse(7, 5.5), "CF-C006"),
        (ellipse(7, 5.5, k=5), ellipse(13, 12), "CF-C005"),
        (np.full((30, 2), np.nan), ellipse(13, 12), "CF-C005"),
        (ellipse(7, 5.5)[np.r_[0:100, 60:720]], ellipse(13, 12), "CF-C005"),  # runs back
    ],
)
def test_unusable_contours_are_refused(inner, outer, code):
    with pytest.raises(CanalError) as error:
        Canal.from_sections([0], [inner], [outer])
    assert error.value.code == code


def test_levels_must_grow_and_match():
    with pytest.raises(CanalError, match="CF-C001"):
        Canal.from_sections([1, 0], [ellipse(7, 5)] * 2, [ellipse(13, 12)] * 2)
    with pytest.raises(CanalError, match="CF-C002"):
        Canal.from_sections([0, 1], [ellipse(7, 5)], [ellipse(13, 12)] * 2)


def test_angles_are_as_many_as_the_shape_needs():
    t = np.arange(4096) * 2 * np.pi / 4096
    c, s = np.cos(t), np.sin(t)
    lemon = (np.abs(c / 8) ** 1.7 + np.abs(s / 6.5) ** 1.7) ** (-1 / 1.7)  # curvature without bound on the axes
    round_ones = Canal.from_sections([0], [ellipse(7, 5.5)], [ellipse(13, 12)])
    pointed = Canal.from_sections([0], [lemon], [np.full(64, 14.0)])
    assert len(round_ones.theta_rad) <= 512
    assert len(pointed.theta_rad) == 8192


def test_the_resection_plane_can_be_given():
    plane = Plane((0, 0, 2), (0, 0, 1))
    canal = Canal.from_sections([0, 5], [ellipse(7, 5)] * 2, [ellipse(13, 12)] * 2, resection=plane)
    assert canal.resection is plane
