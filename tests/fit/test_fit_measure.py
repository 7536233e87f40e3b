"""A fit in canals whose numbers are known on paper."""

import dataclasses

import numpy as np
import pytest

from sizing.canal import Canal
from sizing.findings import Level
from sizing.fit import FitSettings, fit_context, fit_implant, measure_fit
from sizing.reaming import ToolAxis

ALONG_Z = ToolAxis([0.0, 0.0, 0.0], [0.0, 0.0, 1.0])
EXACT = FitSettings(contact_tolerance_mm=0.0)
# Chords of 256 rays lie up to r (pi/n)^2 / 2 = 0.0006 mm inside a circle of 8 mm, areas up to 1e-4.
CHORD_MM = 7e-4


def test_stem_wider_than_the_canal_touches_everywhere(make_tube, make_stem) -> None:
    # Canal 14, outer 26, stem 16, line to line: bore 16, wall 5, all of the flank in bone.
    fit = fit_implant(fit_context(make_tube(7.0, 13.0), settings=EXACT), make_stem(16.0), ALONG_Z)
    assert fit.contact_share == pytest.approx(1.0)
    assert fit.contact_length_mm == pytest.approx(140.0)
    assert fit.toggle_length_mm == pytest.approx(140.0)
    assert fit.wall_min_mm == pytest.approx(5.0, abs=CHORD_MM)
    assert fit.reamed_wall_min_mm == pytest.approx(5.0, abs=CHORD_MM)
    assert fit.native_wall_min_mm == pytest.approx(6.0, abs=CHORD_MM)
    assert fit.gap_mm3 == pytest.approx(0.0, abs=1e-6)
    assert fit.graft_mm3 == pytest.approx(np.pi * (64 - 49) * 140, rel=4e-4)
    assert fit.removed_share == pytest.approx((64 - 49) / (169 - 49), rel=5e-4)
    assert fit.canal_fill_volume == pytest.approx(1.0)
    assert fit.diametral_interference_mm == 0.0
    assert fit.far_end_margin_mm == pytest.approx(60.0)
    assert fit.protrusion_mm == 0.0
    assert fit.seat_angle_deg == pytest.approx(0.0, abs=1e-6)
    assert fit.serves


def test_stem_thinner_than_the_canal_is_loose(make_tube, make_stem) -> None:
    fit = fit_implant(fit_context(make_tube(7.0, 13.0), settings=EXACT), make_stem(12.0), ALONG_Z)
    assert fit.contact_share == 0.0
    assert fit.toggle_length_mm == 0.0
    assert np.isnan(fit.reamed_wall_min_mm)  # nothing was cut: not a wall of 0, and not the native wall
    assert fit.wall_min_mm == pytest.approx(6.0, abs=CHORD_MM)
    assert fit.gap_mm3 == pytest.approx(np.pi * (49 - 36) * 140, rel=4e-4)
    assert fit.canal_fill_volume == pytest.approx(36 / 49, rel=4e-4)
    assert fit.graft_mm3 == pytest.approx(0.0, abs=1e-6)
    assert any("too loose" in r for r in fit.rejected)


def test_under_reaming_shows_as_nominal_interference(make_tube, make_stem) -> None:
    fit = fit_implant(fit_context(make_tube(7.0, 13.0), settings=EXACT), make_stem(16.0, under_ream_mm=0.5), ALONG_Z)
    assert fit.reaming_plan.passes[-1].reamer.diameter_mm == 15.5
    assert fit.diametral_interference_mm == pytest.approx(0.5)
    assert fit.zones[2].diametral_interference_mm == pytest.approx(0.5, abs=1e-6)
    assert fit.reamed_wall_min_mm == pytest.approx(13.0 - 7.75, abs=CHORD_MM)


def test_an_off_centre_axis_takes_it_from_one_wall(make_tube, make_stem) -> None:
    off = ToolAxis([1.5, 0.0, 0.0], [0.0, 0.0, 1.0])
    fit = fit_implant(fit_context(make_tube(7.0, 13.0), settings=EXACT), make_stem(16.0), off)
    assert fit.wall_min_mm == pytest.approx(13.0 - 1.5 - 8.0, abs=CHORD_MM)
    assert np.degrees(fit.wall_min_theta_rad) == pytest.approx(0.0, abs=1.0)
    assert fit.wall_min_direction == "0 degrees from u"


def test_breach_and_thin_wall_exclude(make_tube, make_stem) -> None:
    canal = make_tube(7.0, 9.0)
    context = fit_context(canal)
    through = fit_implant(context, make_stem(19.0), ALONG_Z)
    assert through.reamed_wall_min_mm < 0 and any("breaches" in r for r in through.rejected)
    thin = fit_implant(context, make_stem(15.0), ALONG_Z)
    assert any("leaves 1.5 mm of wall" in r for r in thin.rejected)


def test_native_thin_wall_is_a_finding_and_not_the_stems_fault(make_ellipse, make_stem) -> None:
    # A band with a native wall of 1.2 mm where the canal is wide: the tools never touch it.
    n, z = 256, np.arange(0.0, 201.0)
    inner = [10.8 if 90 <= d <= 100 else 7.0 for d in z]
    canal = Canal.from_sections(
        z, [make_ellipse(r, r, n) for r in inner], [make_ellipse(12, 12, n)] * len(z), n_angles=n
    )
    fit = fit_implant(fit_context(canal, settings=EXACT), make_stem(16.0), ALONG_Z)
    assert fit.native_wall_min_mm == pytest.approx(1.2, abs=2e-3)
    assert fit.wall_min_mm == pytest.approx(1.2, abs=2e-3)
    assert fit.reamed_wall_min_mm == pytest.approx(4.0, abs=CHORD_MM)
    assert 90 <= fit.wall_min_depth_mm <= 100
    assert fit.serves and "CF-F020" in {f.code for f in fit.findings}


def test_too_long_for_the_bone(make_tube, make_stem) -> None:
    context = fit_context(make_tube(7.0, 13.0, length_mm=120.0))
    long = fit_implant(context, make_stem(16.0, 140.0), ALONG_Z)
    # The last level stands for half a step beyond itself.
    assert long.protrusion_mm == pytest.approx(140.0 - 120.5)
    assert any("longer than the measured bone" in r for r in long.rejected)
    near = fit_implant(context, make_stem(16.0, 115.0), ALONG_Z)
    assert near.far_end_margin_mm == pytest.approx(5.0)
    assert any("beyond the tip" in r for r in near.rejected)


def test_unmeasured_wall_is_told_and_not_zero(make_tube, make_stem) -> None:
    whole = make_tube(7.0, 13.0)
    outer = whole.periosteal_radius_mm.copy()
    outer[40:60, :64] = np.nan
    canal = Canal(whole.axis, whole.theta_rad, whole.endosteal_radius_mm, outer)
    fit = fit_implant(fit_context(canal), make_stem(16.0), ALONG_Z)
    assert fit.unmeasured_share == pytest.approx(20 / 141 / 4)
    assert fit.wall_min_mm == pytest.approx(5.0, abs=CHORD_MM)
    assert "CF-F026" in {f.code for f in fit.findings}
    nothing = Canal(whole.axis, whole.theta_rad, whole.endosteal_radius_mm, np.full_like(outer, np.nan))
    blind = fit_implant(fit_context(nothing), make_stem(16.0), ToolAxis([0, 0, 0], [0, 0, 1.0]))
    assert np.isnan(blind.wall_min_mm) and not blind.serves
    assert any("not measured" in r for r in blind.rejected)


def test_collar_seat(make_tube, make_stem) -> None:
    # Collar 24 on a tube of outer 26, stem 16: all of the ring rests on cortex; collar 30: the part within 26.
    context = fit_context(make_tube(7.0, 13.0))
    assert fit_implant(context, make_stem(16.0, collar_diameter_mm=24.0), ALONG_Z).seat_share == pytest.approx(
        1.0, abs=1e-3
    )
    wide = fit_implant(context, make_stem(16.0, collar_diameter_mm=30.0), ALONG_Z)
    assert wide.seat_share == pytest.approx((169 - 64) / (225 - 64), abs=1e-3)
    assert np.isnan(fit_implant(context, make_stem(16.0), ALONG_Z).seat_share)
    tilted = fit_implant(
        context, make_stem(16.0), ToolAxis([0, 0, 0], [np.sin(np.deg2rad(4)), 0, np.cos(np.deg2rad(4))])
    )
    assert tilted.seat_angle_deg == pytest.approx(4.0)
    assert tilted.facing_loss_mm == pytest.approx(13.0 * np.tan(np.deg2rad(4)), rel=3e-3)
    assert {f.code: f.level for f in tilted.findings}["CF-F025"] is Level.WARNING


def test_off_square_to_a_cut_that_is_still_to_be_made_is_only_said(make_tube, make_stem) -> None:
    context = fit_context(make_tube(7.0, 13.0), cut_is_planned=True)
    leaning = ToolAxis([0, 0, 0], [np.sin(np.deg2rad(4)), 0, np.cos(np.deg2rad(4))])
    found = {f.code: f for f in fit_implant(context, make_stem(16.0), leaning).findings}
    assert found["CF-F025"].level is Level.INFO and "4.0 degrees" in found["CF-F025"].message


@pytest.mark.parametrize(("offset_mm", "inside_mm"), [(0.0, 13.0), (5.0, 8.0), (12.0, 1.0), (15.0, -2.0)])
def test_the_entry_lies_within_the_cut_face(make_tube, make_stem, offset_mm: float, inside_mm: float) -> None:
    """Outer radius 13: an axis 5 mm off the middle is 8 mm inside, one 15 mm off is 2 mm beside the bone."""
    canal = make_tube(7.0, 13.0)
    beside = ToolAxis([offset_mm, 0, 0], [0, 0, 1.0])
    fit = measure_fit(fit_context(canal), make_stem(16.0), beside)
    assert fit.entry_inside_mm == pytest.approx(inside_mm, abs=0.01)  # a chord of 256 lies 0.001 mm inside its arc
    assert any("beside the cut face" in r for r in fit.rejected) == (inside_mm < 0)
    strict = measure_fit(fit_context(canal, settings=FitSettings(entry_inside_mm=9.0)), make_stem(16.0), beside)
    assert any("of the cut face" in r or "beside the cut face" in r for r in strict.rejected) == (inside_mm < 9.0)


def test_a_cut_face_that_is_not_seen_has_no_edge(make_tube, make_stem) -> None:
    canal = make_tube(7.0, 13.0)
    outer = canal.periosteal_radius_mm.copy()
    outer[0, : outer.shape[1] // 3] = np.nan
    fit = fit_implant(fit_context(dataclasses.replace(canal, periosteal_radius_mm=outer)), make_stem(16.0), ALONG_Z)
    assert np.isnan(fit.entry_inside_mm)


@pytest.mark.parametrize("limit_deg", [2.0, 6.0])
def test_tilt_limit_is_a_rule_too(make_tube, make_stem, limit_deg: float) -> None:
    context = fit_context(make_tube(7.0, 13.0), settings=FitSettings(max_tilt_deg=limit_deg))
    leaning = ToolAxis([0, 0, 0], [np.sin(np.deg2rad(4)), 0, np.cos(np.deg2rad(4))])
    fit = fit_implant(context, make_stem(16.0), leaning)
    assert any("off the cut's normal" in r for r in fit.rejected) == (limit_deg < 4.0)


def test_a_bowed_stem_in_a_canal_of_its_own_bow(make_ellipse, make_stem) -> None:
    # Sections across a circular centre line: the bowed stem is coaxial, so wall and contact are those of a tube.
    from sizing.canal import CanalAxis

    radius, z, n = 900.0, np.arange(0.0, 201.0), 256
    angle = z / radius
    s = np.stack([np.sin(angle), np.zeros_like(z), np.cos(angle)], axis=-1)
    u = np.stack([np.cos(angle), np.zeros_like(z), -np.sin(angle)], axis=-1)
    points = radius * np.stack([1 - np.cos(angle), np.zeros_like(z), np.sin(angle)], axis=-1)
    axis = CanalAxis(z, points, s, u, np.cross(s, u))
    canal = Canal.from_sections(
        z, [make_ellipse(7, 7, n)] * len(z), [make_ellipse(13, 13, n)] * len(z), axis=axis, n_angles=n
    )
    bowed = make_stem(16.0, bow_radius_mm=radius)
    fit = fit_implant(fit_context(canal, settings=EXACT), bowed, ToolAxis([0, 0, 0], [0, 0, 1.0], radius, [1.0, 0, 0]))
    assert fit.contact_share == pytest.approx(1.0)
    assert fit.wall_min_mm == pytest.approx(5.0, abs=CHORD_MM)
    assert fit.graft_mm3 == pytest.approx(np.pi * (64 - 49) * 140, rel=4e-4)
    assert fit.tip_depth_mm == pytest.approx(140.0, abs=1e-6)


def test_walls_and_bone_agree_with_the_reaming_room(make_ellipse, make_stem) -> None:
    # An oval canal that flares: two computations that share no code must say the same.
    n, z = 256, np.arange(0.0, 201.0)
    grow = 1 + 0.00006 * (z - 110) ** 2
    canal = Canal.from_sections(
        z,
        [make_ellipse(7.2 * g, 6.2 * g, n) for g in grow],
        [make_ellipse(13 + g, 12 + g, n) for g in grow],
        n_angles=n,
    )
    fit = fit_implant(fit_context(canal), make_stem(15.0), ToolAxis([0.3, -0.2, 0], [0.01, 0.005, 1.0]))
    last = fit.reamed.passes[-1]
    assert fit.wall_min_mm == pytest.approx(last.wall_min_mm, abs=0.005)
    assert fit.graft_mm3 == pytest.approx(fit.reamed.harvested_cortical_mm3, rel=2e-3)
