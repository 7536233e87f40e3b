"""Cortex that loses HU towards the canal: the edge stays where the wall ends, its doubt grows, and it is said."""

import numpy as np
import pytest

from sizing.canal import measure_canal, measure_sections

CANAL_MM, WALL_MM = 6.0, 4.0


def porous(share, power):
    """Take HU from the wall: none at the periosteum, ``share`` of it at the endosteum."""

    def edit(hu, u, v, s):
        r = np.hypot(u, v)
        inward = np.clip((CANAL_MM + WALL_MM - r) / WALL_MM, 0.0, 1.0)
        return np.where((r > CANAL_MM) & (r < CANAL_MM + WALL_MM), hu * (1 - share * inward**power), hu)

    return edit


@pytest.fixture(scope="module")
def measured(tube):
    def measure(share, power=2.0):
        made = tube(semi_axes=(CANAL_MM, CANAL_MM), wall=WALL_MM, edit=porous(share, power))
        return measure_canal(made.volume, made.bone)

    cache = {}
    return lambda *key: cache.setdefault(key, measure(*key))


def faded(canal):
    return [f for f in canal.findings if f.code == "CF-C110"]


def test_the_edge_of_a_porous_wall_is_where_the_wall_ends(measured):
    def diameter_mm(share):
        return np.nanmedian(measure_sections(measured(share)).area_diameter_mm)

    # the tube is drawn in voxels of 0.25 mm: a solid wall takes that error out of the comparison
    assert diameter_mm(0.0) == pytest.approx(2 * CANAL_MM, abs=0.1)
    for share in (0.2, 0.5):  # a wall of one HU put it 0.25 and 0.95 mm too far out
        assert diameter_mm(share) == pytest.approx(diameter_mm(0.0), abs=0.05), share


@pytest.mark.parametrize("power", [1.0, 2.0, 4.0])
def test_the_doubt_contains_the_unknown_shape_of_the_fade(measured, power):
    canal = measured(0.4, power)
    error = np.abs(canal.endosteal_radius_mm - CANAL_MM)
    known = np.isfinite(error)
    assert np.mean(error[known] < 1.96 * canal.endosteal_se_mm[known]) > 0.9


def test_porous_cortex_is_said_and_solid_cortex_is_not(measured):
    assert not faded(measured(0.0))
    (finding,) = faded(measured(0.5))
    assert finding.level.name == "WARNING"
    assert "uncertain by about 0." in finding.message
    assert measured(0.5).edges.fade_share == pytest.approx(0.5, abs=0.05)
    assert measured(0.0).edges.fade_share < 0.03


def test_fade_on_one_side_names_the_side(tube):
    def one_side(hu, u, v, s):
        return np.where(u > 0, porous(0.5, 2.0)(hu, u, v, s), hu)

    made = tube(semi_axes=(CANAL_MM, CANAL_MM), wall=WALL_MM, edit=one_side)
    (finding,) = faded(measure_canal(made.volume, made.bone))
    assert "anterior" in finding.direction
    assert finding.depth_mm is not None
