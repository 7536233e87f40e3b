"""Sections nobody wrote down: random ovals, lobes and offsets against polygons, and tilted tools against quadrature."""

import numpy as np
import pytest
from analytic_shapes import contour, levels, one_pass, section, stack, straight_tool

from sizing.reaming import Reamer, ream

shapely = pytest.importorskip("shapely", reason="shapely is the second computation")
FINE = 20_000  # corners of a polygon: its area is short by (2 pi / n)² / 6, 2e-8


def drawn(seed):
    random = np.random.default_rng(seed)
    cx, cy = random.uniform(-0.8, 0.8, 2)
    shapes = [
        {"type": "ellipse", "a": random.uniform(6, 8), "b": random.uniform(4.5, 6)},
        {"type": "trefoil", "r0": random.uniform(6, 7.5), "e": random.uniform(0.02, 0.08)},
    ]
    inner = {**shapes[seed % 2], "rot_deg": random.uniform(0, 180), "cx": cx, "cy": cy}
    outer = {"type": "ellipse", "a": random.uniform(12, 14), "b": random.uniform(11, 12)}
    return inner, outer, random.uniform(-1.5, 1.5, 2), random.uniform(5.5, 9.0)


@pytest.mark.parametrize("seed", range(8))
def test_a_round_tool_in_any_section(seed):
    inner, outer, at, radius = drawn(seed)
    made = ream(
        section({"endosteal": inner, "periosteal": outer}), one_pass(Reamer(2 * radius), straight_tool(*at), 1.0)
    )
    canal, bone = (shapely.Polygon(contour(s, FINE)) for s in (inner, outer))
    tool = shapely.Polygon(contour({"type": "circle", "r": radius, "cx": at[0], "cy": at[1]}, FINE))
    found = made.passes[0]
    assert found.removed_cortical_mm2[0] == pytest.approx((tool & bone).area - (tool & canal).area, rel=1e-6, abs=1e-5)
    assert found.removed_medullary_mm2[0] == pytest.approx((tool & canal).area, rel=1e-6)
    assert found.removed_outside_mm2[0] == pytest.approx((tool - bone).area, rel=1e-6, abs=1e-5)
    wall = (tool | canal).exterior.distance(bone.exterior) if bone.contains(tool) else 0.0
    assert found.wall_min_mm == pytest.approx(wall, abs=0.005)
    share = (
        1 - (tool.exterior & canal).length / tool.exterior.length - (tool.exterior - bone).length / tool.exterior.length
    )
    assert found.contact_share[0] == pytest.approx(share, abs=0.002)


@pytest.mark.parametrize(
    ("tilt", "azimuth", "x", "y", "radius"), [(1.3, 77, 0.4, 0.9, 6.3), (2.6, 215, -1.1, 0.3, 7.1)]
)
def test_a_tilted_tool_in_a_narrowing_canal(tilt, azimuth, x, y, radius):
    # A round canal of radius 7 - 0.015 z in a wide bone, cut by an ellipse per section: polar quadrature in each.
    z = levels(80.0)
    canal = stack(7 - 0.015 * z, 7 - 0.015 * z, 30.0, 30.0, z)
    axis = straight_tool(x, y, tilt, azimuth)
    found = ream(canal, one_pass(Reamer(2 * radius), axis, 100.0)).passes[0]
    node, weight = np.polynomial.legendre.leggauss(60)
    theta = (np.arange(4000) + 0.5) * 2 * np.pi / 4000
    volume = 0.0
    for h, w in zip(40 + 40 * node, 40 * weight, strict=True):
        centre = axis.entry_lps[:2] + h * axis.direction_lps[:2] / axis.direction_lps[2]
        d, e = axis.direction_lps[:2], np.stack([np.cos(theta), np.sin(theta)])
        ed, ec, cd = d @ e, centre @ e, centre @ d
        a, b, c = 1 - ed**2, -ec + ed * cd, centre @ centre - cd**2 - radius**2
        edge = (-b + np.sqrt(b**2 - a * c)) / a
        beyond = np.maximum(edge**2 - (7 - 0.015 * h) ** 2, 0.0)
        volume += w * 0.5 * beyond.mean() * 2 * np.pi
    assert found.removed_cortical_mm3 == pytest.approx(volume, rel=1e-4)
