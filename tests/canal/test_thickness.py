"""Cortical thickness against walls known in closed form, and section properties against another program."""

import numpy as np
import pytest

from sizing.canal import Canal, cortical_thickness, measure_sections
from sizing.canal.contours import parallel_axis

THETA = np.arange(128) * 2 * np.pi / 128
LEVELS = np.arange(0, 40.0)


def tube_of(inner, outer, depth=LEVELS):
    shape = (len(depth), len(THETA))
    return Canal(parallel_axis(depth), THETA, np.broadcast_to(inner, shape), np.broadcast_to(outer, shape))


def ellipse_radius(a, b, rot=0.0):
    return a * b / np.hypot(b * np.cos(THETA - rot), a * np.sin(THETA - rot))


def test_a_flaring_wall_is_measured_across_and_not_along_the_section():
    slope = 0.2
    wall = cortical_thickness(tube_of(6.0, 10 + slope * LEVELS[:, None]))
    expected = (4 + slope * LEVELS) / np.hypot(1, slope)
    # facets of 0.35 mm: chords lie less than 1 um inside the curve; levels need neighbours on the near side
    np.testing.assert_allclose(wall[:34], np.repeat(expected[:34, None], 128, 1), atol=2e-3)


@pytest.mark.parametrize("levels", [1, 5])
def test_an_oval_wall_is_the_least_distance_to_the_outline(levels):
    a, b, r = 14.0, 11.0, 6.0
    wall = cortical_thickness(tube_of(r, ellipse_radius(a, b), np.arange(float(levels))))
    t = np.linspace(0, 2 * np.pi, 100_001)
    outline = np.stack([a * np.cos(t), b * np.sin(t)], -1)
    for j in range(0, 128, 16):
        p = r * np.array([np.cos(THETA[j]), np.sin(THETA[j])])
        least = np.linalg.norm(outline - p, axis=1).min()
        np.testing.assert_allclose(wall[:, j], least, atol=3e-3)


def test_unknown_rays_stay_unknown():
    inner, outer = np.full((40, 128), 6.0), np.full((40, 128), 10.0)
    outer[10:20, 30:50] = np.nan
    wall = cortical_thickness(Canal(parallel_axis(LEVELS), THETA, inner, outer))
    assert np.isnan(wall[15, 40])
    assert np.isfinite(wall[15, 60])
    np.testing.assert_allclose(wall[np.isfinite(outer)], 4.0, atol=0.12)  # at the rim of the hole the way is longer


def test_sections_agree_with_sectionproperties():
    geometry = pytest.importorskip("sectionproperties.pre", reason="sectionproperties is a test dependency")
    from sectionproperties.analysis import Section
    from shapely import Polygon

    inner, outer = ellipse_radius(7, 5.5, 0.4), ellipse_radius(13, 11.5, -0.3) + 0.4 * np.cos(3 * THETA)
    canal = Canal.from_sections([0.0], [inner], [outer], n_angles=512)
    table = measure_sections(canal)
    ring = Polygon(canal.contour_xy_mm("periosteal")[0], [canal.contour_xy_mm("endosteal")[0]])
    section = Section(geometry.Geometry(ring).create_mesh(0.5))
    section.calculate_geometric_properties()
    ixx, iyy, ixy = section.get_ic()
    # polygons of 512 chords against smooth curves: (2 pi / 512)^2 / 6 = 2.5e-5 of the area, twice that of the moments
    assert table.cortical_area_mm2[0] == pytest.approx(section.get_area(), rel=1e-4)
    assert table.moment_uu_mm4[0] == pytest.approx(ixx, rel=2e-4)
    assert table.moment_vv_mm4[0] == pytest.approx(iyy, rel=2e-4)
    assert table.moment_uv_mm4[0] == pytest.approx(ixy, rel=1e-3)
    i1, i2 = section.get_ip()
    assert table.moment_max_mm4[0] == pytest.approx(i1, rel=2e-4)
    assert table.moment_min_mm4[0] == pytest.approx(i2, rel=2e-4)
    z = section.get_zp()  # z11 plus, minus, z22 plus, minus
    assert table.modulus_max_mm3[0] == pytest.approx(min(z[0], z[1]), rel=1e-3)
    assert table.modulus_min_mm3[0] == pytest.approx(min(z[2], z[3]), rel=1e-3)
