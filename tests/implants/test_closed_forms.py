"""Drawn stems against their closed forms: volume, moduli and insertion clearance for shapes nobody has seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing.implants.cavity import Cavity
from sizing.implants.insertion import check_insertion
from sizing.implants.shape import StemShape, section_properties
from sizing.reaming.model import ToolAxis

radius = st.floats(4.0, 15.0)
length = st.floats(40.0, 200.0)
# the limits
RELATIVE = 1e-6
CLEARANCE_MM = 0.005


@given(radius, radius, radius, radius, length, st.one_of(st.none(), st.floats(400.0, 2000.0)))
@settings(max_examples=40, deadline=None)
def test_volume_of_an_elliptic_frustum_straight_or_bowed(a0, b0, a1, b1, long, bow) -> None:
    """Semi-axes linear in s: integral of pi a b; a bow about centred sections changes nothing (Pappus)."""
    shape = StemShape([0, long], [[a0, b0], [a1, b1]], [2, 2], [0, 0], [[0, 0]] * 2, bow_radius_mm=bow)
    expected = np.pi * long * (a0 * b0 + a1 * b1 + 0.5 * (a0 * b1 + a1 * b0)) / 3
    assert shape.volume_mm3 == pytest.approx(expected, rel=RELATIVE)


@given(radius, radius, st.floats(0, 180), st.floats(0.05, 0.95))
@settings(max_examples=40, deadline=None)
def test_moduli_of_an_ellipse_at_any_turn(a, b, turn_deg, share) -> None:
    p = section_properties(StemShape([0, 100], [[a, b]] * 2, [2, 2], [turn_deg] * 2, [[0, 0]] * 2), [100 * share])
    c, s = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    i_xx = np.pi / 4 * a * b * ((b * c) ** 2 + (a * s) ** 2)
    assert p.i_xx_mm4[0] == pytest.approx(i_xx, rel=RELATIVE)
    i_yy = np.pi / 4 * a * b * ((b * s) ** 2 + (a * c) ** 2)
    assert p.i_yy_mm4[0] == pytest.approx(i_yy, rel=RELATIVE)
    assert p.modulus_x_mm3[0] == pytest.approx(i_xx / np.hypot(b * c, a * s), rel=RELATIVE)
    assert p.modulus_y_mm3[0] == pytest.approx(i_yy / np.hypot(a * c, b * s), rel=RELATIVE)


@given(radius, radius, st.floats(0.05, 0.95), st.one_of(st.none(), st.floats(400.0, 2000.0)))
@settings(max_examples=20, deadline=None)
def test_moduli_of_a_cone_are_those_of_its_circle(r0, r1, share, bow) -> None:
    p = section_properties(StemShape.round([0, 100], [r0, r1], bow), [100 * share])
    r = r0 + share * (r1 - r0)
    for modulus in (p.modulus_x_mm3[0], p.modulus_y_mm3[0]):
        assert modulus == pytest.approx(np.pi / 4 * r**3, rel=RELATIVE)


@given(radius, radius, st.floats(0, 180), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5), st.floats(400.0, 2000.0))
@settings(max_examples=30, deadline=None)
def test_volume_of_a_bowed_stem_off_its_axis_obeys_pappus(a, b, turn_deg, dx, dy, bow) -> None:
    """The centroid runs on a circle that is shorter by dx / R."""
    shape = StemShape([0, 120], [[a, b]] * 2, [2, 2], [turn_deg] * 2, [[dx, dy]] * 2, bow_radius_mm=bow)
    assert shape.volume_mm3 == pytest.approx(np.pi * a * b * 120 * (1 - dx / bow), rel=RELATIVE)
    p = section_properties(shape, [60.0])
    assert p.area_mm2[0] == pytest.approx(np.pi * a * b, rel=RELATIVE)
    assert p.centroid_mm[0] == pytest.approx([dx, dy], abs=1e-6)


@given(radius, radius, st.floats(0, 90), st.floats(-0.8, 0.8), st.one_of(st.none(), st.floats(400.0, 2000.0)))
@settings(max_examples=30, deadline=None)
def test_clearance_of_an_ellipse_in_a_larger_ellipse(a, b, turn_deg, room, bow) -> None:
    """Both semi-axes larger by the same, at any turn, straight or bowed."""
    a, b = max(a, b) + 1.0, min(a, b)
    station, phi = np.arange(0.0, 81.0), np.arange(256) * (2 * np.pi / 256)
    hole = StemShape([0, 80], [[a + room, b + room]] * 2, [2, 2], [turn_deg] * 2, [[0, 0]] * 2).radius_mm(station, phi)
    axis = ToolAxis((0, 0, 0), (0, 0, 1)) if bow is None else ToolAxis((0, 0, 0), (0, 0, 1), bow, (1, 0, 0))
    stem = StemShape([0, 80], [[a, b]] * 2, [2, 2], [turn_deg] * 2, [[0, 0]] * 2, bow_radius_mm=bow)
    # an independent second computation of the least gap: parametric, on a fine grid of the stem's own angles
    t = np.linspace(0, 2 * np.pi, 20001)
    ray = np.arctan2(b * np.sin(t), a * np.cos(t))
    outer = 1 / np.hypot(np.cos(ray) / (a + room), np.sin(ray) / (b + room))
    expected = float((outer - np.hypot(a * np.cos(t), b * np.sin(t))).min())
    result = check_insertion(stem, Cavity(axis, (1, 0, 0), station, phi, hole, hole + 5, hole), np.zeros(81))
    assert result.least_clearance_mm == pytest.approx(expected, abs=CLEARANCE_MM)


@given(radius, st.floats(-1.0, 1.0), st.floats(-0.05, 0.05), st.floats(0.0, 0.05),
       st.one_of(st.none(), st.floats(400.0, 2000.0)))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_clearance_of_a_cone_in_a_cone(wide, room, stem_slope, hole_slope, bow) -> None:
    """Stem r - m s in a hole R - n s that narrows: the part at s passes R - n s last; the least is at an end."""
    station, phi = np.arange(0.0, 101.0), np.arange(64) * (2 * np.pi / 64)
    axis = ToolAxis((0, 0, 0), (0, 0, 1)) if bow is None else ToolAxis((0, 0, 0), (0, 0, 1), bow, (1, 0, 0))
    hole = np.broadcast_to((wide + 6 + room - hole_slope * station)[:, None], (101, 64))
    cavity = Cavity(axis, (1, 0, 0), station, phi, hole, hole + 5, hole)
    stem = StemShape.round([0, 100], [wide + 6, wide + 6 - 100 * stem_slope], bow)
    result = check_insertion(stem, cavity, np.zeros(101))
    expected = room + min(0.0, 100 * (stem_slope - hole_slope))
    assert result.least_clearance_mm == pytest.approx(expected, abs=CLEARANCE_MM)
    assert result.goes_in == (expected >= -1e-3) or abs(expected + 1e-3) < 1e-9
