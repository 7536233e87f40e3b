"""Standard errors of section numbers, where they are known on paper; and the isthmus with its doubt."""

from dataclasses import replace

import numpy as np
import pytest

from sizing.canal import Canal, describe_shape, isthmus_findings, measure_sections
from sizing.canal.model import EdgeModel

ANGLES = np.linspace(0, 2 * np.pi, 128, endpoint=False)


def made_canal(inner_mm, se_mm, common_mm, wall_mm=4.0):
    """A straight canal of round levels, its surfaces with one standard error everywhere."""
    depth = np.arange(len(inner_mm), dtype=float)
    rings = [[np.stack([r * np.cos(ANGLES), r * np.sin(ANGLES)], -1) for r in radii]
             for radii in (inner_mm, inner_mm + wall_mm)]  # fmt: skip
    canal = Canal.from_sections(depth, *rings, n_angles=128)
    shape = canal.endosteal_radius_mm.shape
    se, common = np.full(shape, se_mm), np.full(shape, common_mm)
    return replace(
        canal, endosteal_se_mm=se, periosteal_se_mm=se, endosteal_common_se_mm=common, periosteal_common_se_mm=common,
        edges=EdgeModel("blur-model", independent_mm=2.0),
    )  # fmt: skip


def test_an_error_that_all_rays_share_moves_every_diameter_by_twice_as_much():
    table = measure_sections(made_canal(np.full(3, 6.0), 0.01, 0.01))
    for name in ("inscribed", "minor", "major", "area", "ap", "ml"):
        np.testing.assert_allclose(getattr(table, f"{name}_diameter_se_mm"), 0.02, rtol=1e-3)
    np.testing.assert_allclose(table.canal_area_se_mm2, 2 * np.pi * 6 * 0.01, rtol=1e-6)


def test_noise_of_independent_pieces_averages_out():
    table = measure_sections(made_canal(np.full(3, 6.0), 0.03, 0.0))
    pieces = 2 * np.pi * 6 / 2.0
    np.testing.assert_allclose(table.area_diameter_se_mm, 2 * 0.03 / np.sqrt(pieces), rtol=1e-6)
    # the minor axis weighs the rays by 2 cos^2 - 1/2: mean square 1/4 + 1/2 of the even weight
    np.testing.assert_allclose(table.minor_diameter_se_mm, 2 * 0.03 / np.sqrt(pieces) * np.sqrt(3.0), rtol=1e-3)


def test_an_error_that_a_region_shares_averages_out_over_regions():
    canal = made_canal(np.full(3, 6.0), 0.02, 0.0)
    regional = np.full(canal.endosteal_radius_mm.shape, 0.02)
    edges = replace(canal.edges, regional_rad=0.5)
    table = measure_sections(
        replace(canal, endosteal_regional_se_mm=regional, periosteal_regional_se_mm=regional, edges=edges)
    )
    # mean of exp(-(angle / 2 / 0.5)^2) over a full turn: 0.5 / sqrt(pi), its tails beyond half a turn are 1e-5
    np.testing.assert_allclose(table.area_diameter_se_mm, 2 * 0.02 * np.sqrt(0.5 / np.sqrt(np.pi)), rtol=1e-3)
    # two opposite places hold a circle, each in a region of its own
    np.testing.assert_allclose(table.inscribed_diameter_se_mm, 2 * 0.02 / np.sqrt(2), rtol=1e-6)


def test_an_error_of_cortex_hu_moves_both_surfaces_apart():
    canal = made_canal(np.full(3, 6.0), 0.05, 0.05)
    # 10 % more HU: endosteum 0.1 mm out, wall 0.2 mm thinner; half of that is the standard error
    edges = replace(
        canal.edges, cortex_hu=1400.0, cortex_hu_se=70.0, endosteal_mm_per_10_percent_cortex=0.1,
        wall_mm_per_10_percent_cortex=-0.2,
    )  # fmt: skip
    table = measure_sections(replace(canal, edges=edges))
    np.testing.assert_allclose(table.wall_min_se_mm, 0.1, rtol=1e-6)
    np.testing.assert_allclose(table.cortical_area_se_mm2, 2 * np.pi * (6 + 10) * 0.05, rtol=1e-6)


def test_a_level_that_cannot_be_told_to_2_mm_is_said():
    assert isthmus_findings(None, None) == ()
    assert isthmus_findings(84.0, 1.0) == ()
    (finding,) = isthmus_findings(84.0, 1.5)
    assert finding.code == "CF-C111"
    assert "3 mm lower or higher" in finding.message


@pytest.mark.parametrize("widening", [(4e-3, 4e-3), (1e-3, 6e-3)])
def test_the_isthmus_lies_where_both_sides_begin_to_widen(widening):
    depth = np.arange(100.0)
    away = depth - 43.3
    true = 10.0 + np.where(away < 0, widening[0], widening[1]) * away**2
    noise = np.convolve(np.random.default_rng(5).normal(0, 0.03, 108), np.ones(9) / 3, "valid")
    canal = made_canal((true + noise) / 2, 0.02, 0.0)
    shape = describe_shape(canal, measure_sections(canal))
    assert abs(shape.isthmus_depth_mm - 43.3) < 3 * shape.isthmus_depth_se_mm
    assert shape.isthmus_depth_se_mm < 2
    assert shape.isthmus_from_mm < 43.3 < shape.isthmus_to_mm
    # 0.1 mm wider, or what the noise hides, begins at the square root of that over the widening
    assert shape.isthmus_to_mm - 43.3 < 2 * np.sqrt(0.3 / widening[1])
