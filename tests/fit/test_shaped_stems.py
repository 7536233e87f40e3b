"""A stem given as a section table is measured like the same stem given as a diameter; ovals against closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from sizing.canal import Canal
from sizing.errors import CatalogueError
from sizing.fit import FitSettings, fit_context, fit_implant, nearest_insertable
from sizing.fit.measure import measure_fits
from sizing.implants import Fixation, ImplantTemplate, Preparation, Provenance
from sizing.implants.shape import StemShape
from sizing.reaming.model import ToolAxis

SOURCE = Provenance("test", "generic", "2026-11-25")
LEVELS = np.arange(0, 141.0, 2.0)


def oval_canal(a: float, b: float, outer: float = 14.0) -> Canal:
    t = np.arange(720) * (2 * np.pi / 720)
    inner = np.stack([a * np.cos(t), b * np.sin(t)], 1)
    ring = outer * np.stack([np.cos(t), np.sin(t)], 1)
    return Canal.from_sections(LEVELS, [inner] * len(LEVELS), [ring] * len(LEVELS))


def stem(radius: float, shape: StemShape | None = None, preparation=Preparation.LINE_TO_LINE) -> ImplantTemplate:
    return ImplantTemplate(
        "test", "stem", Fixation.PRESS_FIT, 2 * radius, 100.0, [[0, radius], [100, radius]], preparation, SOURCE,
        collar_diameter_mm=2 * radius + 4, shape=shape,
    )  # fmt: skip


def fits(canal: Canal, *implants: ImplantTemplate):
    return measure_fits(fit_context(canal), ToolAxis((0, 0, 0), (0, 0, 1)), list(implants))


def test_a_round_table_is_measured_like_a_round_stem() -> None:
    plain = stem(7.0)
    tabled = replace(plain, shape=StemShape.round([0, 100], [7, 7]))
    one, two = fits(oval_canal(8, 6.2), plain, tabled)
    # Contact here has four ends, each told to half of 1/512 turn; areas differ by chords between 256 rays.
    assert two.contact_share == pytest.approx(one.contact_share, abs=4e-3)
    assert two.canal_fill_volume == pytest.approx(one.canal_fill_volume, rel=1e-3)
    assert two.gap_mm3 == pytest.approx(one.gap_mm3, rel=5e-3)
    assert two.graft_mm3 == pytest.approx(one.graft_mm3, rel=5e-3)
    assert two.wall_min_mm == pytest.approx(one.wall_min_mm, abs=5e-3)


def test_a_broached_oval_stem_touches_all_round_and_leaves_its_wall() -> None:
    """Stem 8.4 x 7 in a canal 8 x 6.2 reamed to 13 mm: contact everywhere, wall 14 - 8.4."""
    table = StemShape([0, 100], [[8.4, 7.0]] * 2, [2, 2], [0, 0], [[0, 0]] * 2)
    implant = replace(stem(8.4, table, Preparation.BROACH), diametral_under_ream_mm=16.8 - 13.0)
    (fit,) = fits(oval_canal(8, 6.2), implant)
    assert fit.contact_share == pytest.approx(1.0)
    assert fit.wall_min_mm == pytest.approx(14 - 8.4, abs=5e-3)
    assert fit.canal_fill_volume == pytest.approx(1.0, rel=1e-3)
    assert fit.gap_mm3 == pytest.approx(0.0, abs=1e-6)
    assert fit.graft_mm3 == pytest.approx(np.pi * (8.4 * 7 - 8 * 6.2) * 100, rel=2e-3)


@pytest.mark.parametrize(("gap", "touches"), [(0.2, 0.0), (0.05, 1.0), (-0.1, 1.0)])
def test_a_broach_that_leaves_room_leaves_no_contact_and_takes_more_wall(gap: float, touches: float) -> None:
    """The same stem in a hole that is larger by the gap all round; 0.1 mm still counts as contact."""
    table = StemShape([0, 100], [[8.4, 7.0]] * 2, [2, 2], [0, 0], [[0, 0]] * 2)
    implant = replace(
        stem(8.4, table, Preparation.BROACH), diametral_under_ream_mm=16.8 - 13.0, broach_gap_mm=[[0, gap], [100, gap]]
    )
    (fit,) = fits(oval_canal(8, 6.2), implant)
    assert fit.contact_share == pytest.approx(touches)
    assert fit.wall_min_mm == pytest.approx(14 - 8.4 - gap, abs=5e-3)
    # half of (r + gap)^2 - r^2 over the turn
    mean_radius = table.radius_mm([50.0], np.arange(720) * (2 * np.pi / 720)).mean()
    ring = 2 * np.pi * mean_radius * gap + np.pi * gap**2
    assert fit.gap_mm3 == pytest.approx(100 * ring if gap > 0 else 0.0, rel=2e-3)
    assert fit.diametral_interference_mm == pytest.approx(-2 * gap)


def test_a_gap_without_a_broach_is_refused() -> None:
    with pytest.raises(CatalogueError, match="CF-I002"):
        replace(stem(8.0), broach_gap_mm=[[0, 0.1], [100, 0.1]])


def test_an_oval_stem_that_rests_in_the_canal_has_the_gap_of_the_difference() -> None:
    table = StemShape([0, 100], [[7.5, 5.7]] * 2, [2, 2], [0, 0], [[0, 0]] * 2)
    implant = replace(stem(7.5, table), diametral_under_ream_mm=15 - 8.0)
    (fit,) = fits(oval_canal(8, 6.2), implant)
    assert fit.contact_share == 0.0
    assert fit.gap_mm3 == pytest.approx(np.pi * (8 * 6.2 - 7.5 * 5.7) * 100, rel=2e-3)
    assert fit.canal_fill_volume == pytest.approx(7.5 * 5.7 / (8 * 6.2), rel=1e-3)


@pytest.mark.parametrize(("missing_deg", "told"), [(60.0, True), (100.0, False)])
def test_a_hole_in_the_cortex_does_not_hide_gap_and_graft_as_long_as_it_is_narrow(
    missing_deg: float, told: bool
) -> None:
    """Round canal of 8 mm, reamed to 8.5, stem of 7: both volumes are the whole ring's, told from a part of it."""
    seen = oval_canal(8.0, 8.0)
    gone = np.array(seen.endosteal_radius_mm)
    gone[:, np.degrees(seen.theta_rad) < missing_deg] = np.nan
    implant = replace(stem(7.0, StemShape.round([0, 100], [7, 7])), diametral_under_ream_mm=0.0)
    implant = replace(implant, diameter_mm=17.0, profile_mm=[[0, 7], [100, 7]])  # the last reamer is 17 mm
    (fit,) = fits(replace(seen, endosteal_radius_mm=gone), implant)
    if told:
        assert fit.gap_mm3 == pytest.approx(np.pi * (8.5**2 - 7**2) * 100, rel=5e-3)
        assert fit.graft_mm3 == pytest.approx(np.pi * (8.5**2 - 8**2) * 100, rel=2e-2)
    else:
        assert np.isnan(fit.gap_mm3) and np.isnan(fit.graft_mm3)


def test_a_stem_with_a_bulb_is_refused_with_the_level_and_the_nearest_that_goes_in() -> None:
    """A bulb of 8 mm beyond a neck of 7 mm in a round canal of 7.2: 8 - 7.2 = 0.8 into the bone on the way."""
    bulb = StemShape.round([0, 60, 70, 80, 100], [7, 7, 8, 7, 7])
    implant = replace(stem(8.0, bulb, Preparation.UNDER_REAM), diametral_under_ream_mm=2.0)
    (fit,) = fits(oval_canal(7.2, 7.2), implant)
    (reason,) = [r for r in fit.rejected if "does not go in" in r]
    # the limit of 0.5 is passed by 0.3; the bulb is wider than 7.7 between 67 and 73 mm, levels are 2 mm apart
    assert "0.8 mm into the bone" in reason and "its part at 70 mm" in reason
    assert "0.3 mm slimmer on that side, from 68 to 72 mm" in reason


def test_the_nearest_shape_goes_in_and_is_the_stem_elsewhere() -> None:
    canal = oval_canal(7.2, 7.2)
    bulb = StemShape.round([0, 60, 70, 80, 100], [7, 7, 8, 7, 7])
    implant = replace(stem(8.0, bulb, Preparation.UNDER_REAM), diametral_under_ream_mm=2.0)
    (jammed,) = fits(canal, implant)
    reamers = fit_context(canal).tray.reamers
    shape = nearest_insertable(canal, reamers, jammed)
    assert shape is not None
    (passes,) = fits(canal, replace(implant, shape=shape))
    assert not [r for r in passes.rejected if "does not go in" in r]
    assert nearest_insertable(canal, reamers, passes) is None
    station, phi = shape.station_mm, np.arange(90) * (2 * np.pi / 90)
    expected = np.minimum(bulb.radius_mm(station, phi), 7.2 + 0.5)
    # 0.02 mm are kept in hand, and nothing is shaved where the stem passes; chords of the canal leave 1e-3
    assert np.abs(shape.radius_mm(station, phi) - expected).max() < 0.022
    assert np.abs((shape.radius_mm(station, phi) - expected)[station < 65]).max() < 1e-6


def test_a_slim_stem_and_a_press_fit_go_in() -> None:
    for radius in (7.0, 7.6):
        table = replace(stem(radius, StemShape.round([0, 100], [radius, radius])), diametral_under_ream_mm=0.0)
        (fit,) = fits(oval_canal(7.2, 7.2), table)
        assert not [r for r in fit.rejected if "does not go in" in r]


def test_bone_that_is_not_cut_has_one_wall_whatever_stem_passes_it(make_ellipse, make_stem) -> None:
    """A thin oval place that neither stem touches: the canal's own wall, not one measured from each stem's axis."""
    n, z = 256, np.arange(0.0, 201.0)
    inner = [make_ellipse(10.8, 9.0, n) if 90 <= d <= 100 else make_ellipse(8.0, 7.0, n) for d in z]
    canal = Canal.from_sections(z, inner, [make_ellipse(12, 11, n)] * len(z), n_angles=n)
    context = fit_context(canal, settings=FitSettings(contact_tolerance_mm=0.0))
    stem = make_stem(12.0)
    shape = StemShape([0, stem.length_mm], [[5.0, 4.0]] * 2, [2, 2], [20, 20], [[0, 0]] * 2)
    walls = [
        fit_implant(context, implant, ToolAxis([shift, 0.0, 0.0], [np.sin(lean), 0.0, np.cos(lean)])).wall_min_mm
        for implant in (stem, replace(stem, shape=shape))
        for shift, lean in ((0.0, 0.0), (-0.8, 0.01))
    ]
    assert walls == pytest.approx([walls[0]] * 4, abs=1e-9)
    assert 1.0 < walls[0] < 1.3  # 1.2 mm along the long axis
