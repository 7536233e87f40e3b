"""What must hold for every canal and plan, whatever the numbers."""

import dataclasses

import numpy as np
import pytest
from analytic_shapes import ellipse, levels, one_pass, stack, straight_tool
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing.canal import Canal
from sizing.errors import ReamingError
from sizing.findings import Level
from sizing.reaming import Reamer, ReamerPass, ReamingPlan, ToolAxis, evaluate, ream, reaming_plan
from sizing.reaming.plan import default_reamer_set

Z = levels(40.0, 2.0)
CANAL = stack(7 - 0.02 * Z, 5.5 + 0.01 * Z, 13.0, 12.0, Z)


AXES = st.builds(straight_tool, st.floats(-1.5, 1.5), st.floats(-1.5, 1.5), st.floats(0, 4), st.floats(0, 360))
TOOLS = st.builds(Reamer, st.sampled_from([10.0, 11.0, 12.5, 14.0, 15.5]))
PASSES = st.builds(ReamerPass, TOOLS, AXES, st.floats(8.0, 60.0))
# A flat end that leans is a straight edge in the sections it crosses. Where that passes close by the origin its
# radius grows faster than a cell's quadrature follows: 0.005 mm² there, over some 0.003 mm.
LEANING_END_MM3 = 1e-4
VOLUMES = ("removed_cortical_mm3", "removed_medullary_mm3", "removed_outside_mm3")


def total(reamed, name):
    return sum(getattr(p, name) for p in reamed.passes)


@settings(max_examples=25, deadline=None)
@given(made=PASSES, size=st.sampled_from([10.0, 11.5, 13.0, 15.0]))
def test_a_sequence_takes_what_its_last_tool_takes(made, size):
    sizes = [d for d in np.arange(8.0, size + 0.1, 0.5)]
    plan = ReamingPlan(tuple(ReamerPass(Reamer(d), made.axis, made.depth_mm) for d in sizes))
    alone = ream(CANAL, one_pass(Reamer(size), made.axis, made.depth_mm))
    many = ream(CANAL, plan)
    for name in VOLUMES:
        assert total(many, name) == pytest.approx(total(alone, name), rel=1e-12, abs=1e-9)
        assert all(getattr(p, name) >= -LEANING_END_MM3 for p in many.passes)


@settings(max_examples=15, deadline=None)
@given(first=PASSES, second=PASSES)
def test_a_tool_inside_the_hole_takes_nothing_and_equal_passes_commute(first, second):
    smaller = dataclasses.replace(first, reamer=Reamer(0.8 * first.reamer.diameter_mm))
    again = ream(CANAL, ReamingPlan((first, second, smaller, first)))
    for made in again.passes[2:]:
        assert all(getattr(made, name) == 0.0 for name in VOLUMES)
        assert not made.contact.any()
    one, other = (ream(CANAL, ReamingPlan(order)) for order in ((first, second), (second, first)))
    for name in VOLUMES:
        assert total(one, name) == pytest.approx(total(other, name), rel=1e-9, abs=LEANING_END_MM3)


@settings(max_examples=15, deadline=None)
@given(made=PASSES)
def test_the_parts_are_the_whole_tool(made):
    # A tool that leaves the measured bone at both ends takes its cross-section along the way, whatever it meets.
    through = dataclasses.replace(made, depth_mm=100.0)
    cut = ream(CANAL, ReamingPlan((through,))).passes[0]
    length = 40.0 / through.axis.direction_lps[2]
    whole = sum(getattr(cut, name) for name in VOLUMES)
    assert whole == pytest.approx(np.pi / 4 * made.reamer.diameter_mm**2 * length, rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(axis=AXES, size=st.sampled_from([11.0, 13.0, 15.0, 22.0]), depth=st.floats(10.0, 80.0))
def test_the_fast_answer_is_the_exact_one(axis, size, depth):
    exact, fast = ream(CANAL, one_pass(Reamer(size), axis, depth)).passes[0], evaluate(CANAL, axis, [size], depth)
    # The trapezoid rule over 2 mm levels: a part of the whole. And the flat end is taken as parallel to the sections:
    # a leaning one takes more on one side and less on the other, at most tan(lean) times half a disc's first moment.
    lean = np.tan(np.arccos(axis.direction_lps[2]))
    tolerance = 2e-3 * np.pi / 4 * size**2 * min(depth, 40.0) + lean * 2.0 / 3.0 * (size / 2) ** 3
    assert fast.removed_cortical_mm3[0] == pytest.approx(exact.removed_cortical_mm3, abs=tolerance)
    assert fast.removed_medullary_mm3[0] == pytest.approx(exact.removed_medullary_mm3, abs=tolerance)
    assert fast.removed_outside_mm3[0] == pytest.approx(exact.removed_outside_mm3, abs=tolerance)
    # Walls here are of levels, those of ream also of the tool's very end, up to a level and R lean farther on: the
    # wall changes by the lean (the bone has none of its own). And the tool's wall is measured at right angles to the
    # tool, in the section: 1 - cos(4 degrees) of it.
    assert fast.wall_min_mm[0] == pytest.approx(exact.wall_min_mm, abs=0.03 + lean * (2.0 + lean * size / 2))


def test_a_wall_is_thinnest_at_the_very_end_of_a_leaning_tool():
    # The end lies between two levels. On the side it leans to, its rim is R sin(lean) short of the axis's end.
    lean, radius, depth = np.radians(3.0), 7.0, 21.3
    for step in (1.0, 2.0, 5.0):
        canal = stack(6.0, 6.0, 12.0, 12.0, levels(40.0, step))
        made = ream(canal, one_pass(Reamer(2 * radius), straight_tool(0.0, 0.0, 3.0, 0.0), depth)).passes[0]
        out = depth * np.sin(lean) + radius * np.cos(lean)
        assert made.wall_min_mm == pytest.approx(12.0 - out, abs=0.005)
        assert made.wall_min_depth_mm == pytest.approx(depth * np.cos(lean) - radius * np.sin(lean), abs=0.1)


def test_more_tool_never_leaves_more_wall():
    axis = straight_tool(0.7, 0.3, 1.0, 70.0)
    reamed = ream(CANAL, reaming_plan(default_reamer_set(), axis, 16.0, 35.0))
    assert np.all(np.diff([p.wall_min_mm for p in reamed.passes]) <= 1e-9)
    share = np.array([p.contact_share for p in reamed.passes])
    assert np.all((share >= 0) & (share <= 1 + 1e-12))
    assert np.all(reamed.bore_radius_mm >= CANAL.endosteal_radius_mm)


def gappy():
    z = levels(40.0, 1.0)
    canal = stack(7.0, 5.5, 13.0, 12.0, z)
    inner, outer = canal.endosteal_radius_mm.copy(), canal.periosteal_radius_mm.copy()
    inner[10:13] = np.nan  # three levels that cannot be told
    outer[25, 40:60] = np.nan  # and a patch of one
    return dataclasses.replace(canal, endosteal_radius_mm=inner, periosteal_radius_mm=outer)


def test_what_is_not_measured_is_not_zero():
    whole = stack(7.0, 5.5, 13.0, 12.0, levels(40.0, 1.0))
    plan = one_pass(Reamer(13.0), straight_tool(0, 0), 60.0)
    part, full = ream(gappy(), plan), ream(whole, plan)
    made = part.passes[0]
    assert np.isnan(made.removed_cortical_mm2[[10, 11, 12, 25]]).all()
    assert np.isnan(made.contact_share[11])
    assert np.isnan(made.wall_min_by_level_mm[10:13]).all()
    assert made.measured_share[11] == 0.0
    assert 0.5 < made.measured_share[25] < 1.0
    assert made.removed_cortical_mm3 < full.passes[0].removed_cortical_mm3
    # between the last measured and the first unmeasured level nothing is known either: 4 of 40 mm, and a patch
    lost = 1 - made.removed_cortical_mm3 / full.passes[0].removed_cortical_mm3
    assert 0.09 < lost < 0.12
    finding = next(f for f in part.findings if f.code == "CF-R020")
    assert "not measured" in finding.message and finding.level is Level.WARNING
    assert not any(f.code == "CF-R020" for f in full.findings)
    fast = evaluate(gappy(), straight_tool(0, 0), [13.0], 60.0)
    assert np.isnan(fast.contact_share[11, 0])
    assert np.isnan(fast.clearance_mm[11])
    assert fast.removed_cortical_mm3[0] < full.passes[0].removed_cortical_mm3


def test_a_single_section_has_areas_and_no_volume():
    canal = Canal.from_sections([0.0], [ellipse(7, 5.5)], [ellipse(13, 12)], n_angles=256)
    made = ream(canal, one_pass(Reamer(12.5), straight_tool(0, 0), 1.0)).passes[0]
    assert made.removed_cortical_mm2[0] == pytest.approx(10.23043678302139, rel=1e-6)
    assert np.isnan(made.removed_cortical_mm3)


@pytest.mark.parametrize(
    ("axis", "depth", "code"),
    [
        (straight_tool(40.0, 0.0), 30.0, "CF-R012"),
        (ToolAxis(np.zeros(3), np.array([1.0, 0.0, 0.05])), 30.0, "CF-R008"),
        (ToolAxis(np.zeros(3), np.array([0.0, 0.0, -1.0])), 30.0, "CF-R008"),
        (ToolAxis(np.array([0.0, 0.0, -50.0]), np.array([0.0, 0.0, 1.0])), 30.0, "CF-R011"),
    ],
    ids=["beside the bone", "across the canal", "out of the bone", "too short to arrive"],
)
def test_an_axis_that_cannot_be_meant_is_refused(axis, depth, code):
    with pytest.raises(ReamingError, match=code):
        ream(CANAL, one_pass(Reamer(12.0), axis, depth))


def test_a_first_level_that_leaves_the_scan_does_not_put_the_tool_outside():
    canal = gappy()
    blank = np.full(canal.endosteal_radius_mm.shape[1], np.nan)
    inner, outer = canal.endosteal_radius_mm.copy(), canal.periosteal_radius_mm.copy()
    inner[0], outer[0] = blank, blank
    whole = dataclasses.replace(canal, endosteal_radius_mm=inner, periosteal_radius_mm=outer)
    assert ream(whole, one_pass(Reamer(13.0), straight_tool(0.5, 0.0), 20.0)).passes


def test_an_empty_plan_is_refused():
    with pytest.raises(ReamingError, match="CF-R010"):
        ream(CANAL, ReamingPlan(()))


def test_steps_that_heat_and_bones_that_end_are_said():
    axis = straight_tool(0, 0)
    plan = ReamingPlan(tuple(ReamerPass(Reamer(d), axis, 60.0) for d in (10.0, 12.0)))
    codes = [f.code for f in ream(CANAL, plan).findings]
    assert codes == ["CF-R021", "CF-R024"]
    breach = ream(CANAL, one_pass(Reamer(25.0), straight_tool(2.0, 0), 30.0))
    assert breach.passes[0].breach
    assert breach.passes[0].wall_min_mm == 0.0
    assert any(f.code == "CF-R022" and f.level == "critical" for f in breach.findings)
