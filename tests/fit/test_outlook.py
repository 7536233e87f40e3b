"""What lies round a plan, in a tube where it can be said on paper."""

import dataclasses

import numpy as np
import pytest

from sizing.fit import (
    FitSettings,
    astray_of,
    cutting_diameter_mm,
    envelope_of,
    fit_context,
    measure_fit,
    outlook_findings,
)
from sizing.fit.placement import place_axis
from sizing.implants import load_catalogue
from sizing.reaming import AstraySettings

STILL = AstraySettings(n_poses=400, offset_mm=0.0, tilt_deg=0.0, depth_mm=0.0, oversize_mm=0.0, coin_toss=0.25)


@pytest.fixture
def case(make_tube, make_stem):
    """Canal 15 mm, outside 24 mm; stems of 14 to 18 mm, 100 mm long."""
    context = fit_context(make_tube(7.5, 12.0, n=128))
    stems = [make_stem(d, 100.0) for d in np.arange(14.0, 18.1, 0.5)]
    axis = place_axis(context, stems[4])
    return context, stems, [measure_fit(context, s, axis) for s in stems]


def test_the_longest_stem_ends_with_the_bone_where_its_wall_is_kept_and_is_none_where_it_is_not(case) -> None:
    """A wall of 2 mm inside a radius of 12 mm leaves room for 20 mm and not for more."""
    context, _, _ = case
    stems = [case[1][0], *(dataclasses.replace(case[1][0], diameter_mm=d, part_number=f"{d}") for d in (19.5, 20.5))]
    found = envelope_of(context, stems)
    assert [round(r.length_mm) for r in found.rows] == [200, 200, 0]
    assert [r.reaches_end for r in found.rows] == [True, True, False]


def test_with_a_still_hand_the_planned_size_is_certain(case) -> None:
    context, _, fits = case
    drawn = astray_of(context, fits[4], fits, STILL)
    assert list(drawn.diameters_mm) == [cutting_diameter_mm(f) for f in fits]
    assert drawn.size.likely_mm == 16.0 and drawn.size.probability.max() == 1.0
    assert not outlook_findings(fits[4], drawn, drawn.size)


def test_the_wall_falls_under_the_limit_as_often_as_the_hand_is_off_by_more_than_is_left(make_tube, make_stem) -> None:
    """Wall 12 - 8 = 4, limit 3: too thin once the axis is off by 1 mm; P(|N2(0, 0.5)| > 1) = exp(-2) = 13.5 %."""
    context = fit_context(make_tube(7.5, 12.0, n=256), settings=FitSettings(wall_limit_mm=3.0))
    stem = make_stem(16.0, 100.0)
    fit = measure_fit(context, stem, place_axis(context, stem))
    settings = dataclasses.replace(STILL, offset_mm=0.5, n_poses=4000, surface=False)
    drawn = astray_of(context, fit, [fit], settings)
    assert drawn.too_thin_probability[0] == pytest.approx(np.exp(-2.0), abs=4 * drawn.too_thin_se[0])
    (finding,) = outlook_findings(fit, drawn, drawn.size)
    assert (finding.code == "CF-F005" and "13" in finding.message) or "14" in finding.message


def test_a_threads_crest_is_what_cuts_deepest(make_tube) -> None:
    context = fit_context(make_tube(7.5, 12.0, n=128))
    thread = next(i for i in load_catalogue().implants if i.family_id == "generic-threaded" and i.diameter_mm == 18.0)
    fit = measure_fit(context, thread, place_axis(context, thread))
    assert cutting_diameter_mm(fit) == 18.0 > fit.reaming_plan.passes[-2].reamer.diameter_mm
