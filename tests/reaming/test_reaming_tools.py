"""Tools as they are: tips, broaches, facing, flexible shafts, gauges, and the graft account."""

import numpy as np
import pytest
from analytic_shapes import bowed_canal, levels, one_pass, stack, straight_tool

from sizing.errors import ReamingError
from sizing.reaming import (
    Gauge,
    GraftSettings,
    Reamer,
    ReamerPass,
    ReamingPlan,
    TipForm,
    ToolKind,
    flexible_path,
    graft_account,
    ream,
    try_gauge,
)
from sizing.reaming.tools import tip_length_mm, tool_radius_mm


@pytest.fixture(scope="module")
def tube():
    return stack(6.0, 6.0, 11.0, 11.0, levels(100.0, 2.0))


def test_radius_along_every_tip():
    flat, cone = Reamer(12.0), Reamer(12.0, tip=TipForm.CHAMFER, chamfer_half_angle_deg=45.0)
    ball, nosed = Reamer(12.0, tip=TipForm.BULLET), Reamer(12.0, tip=TipForm.CHAMFER, tip_flat_diameter_mm=8.0)
    stations = np.array([-50.0, -6.0, -3.0, -2.0, -1.0, 0.0, 0.1])
    assert tool_radius_mm(flat, stations) == pytest.approx([6, 6, 6, 6, 6, 6, 0])
    assert tool_radius_mm(cone, stations) == pytest.approx([6, 6, 3, 2, 1, 0, 0])
    assert tool_radius_mm(ball, stations) == pytest.approx([6, 6, *np.sqrt(36 - (6 - np.array([3, 2, 1])) ** 2), 0, 0])
    assert tool_radius_mm(nosed, stations) == pytest.approx([6, 6, 6, 6, 5, 4, 0])
    assert [tip_length_mm(r) for r in (flat, cone, ball, nosed)] == pytest.approx([0, 6, 6, 2])


def test_a_broach_leaves_the_widest_that_passed():
    waisted = Reamer(16.0, ToolKind.BROACH, profile_mm=((0, 7.0), (20, 5.0), (40, 6.0), (50, 2.0)))
    assert tool_radius_mm(waisted, np.array([-60.0, -50.0, -30.0, -10.0, 0.0])) == pytest.approx([7, 7, 6, 6, 2])


def test_facing_planes_the_end_and_leaves_no_wall_there(tube):
    face = ReamerPass(Reamer(60.0, ToolKind.FACING), straight_tool(0, 0), 3.0)
    drill = ReamerPass(Reamer(13.0), straight_tool(0, 0), 80.0)
    reamed = ream(tube, ReamingPlan((face, drill)))
    planed, drilled = reamed.passes
    assert planed.removed_cortical_mm3 == pytest.approx(np.pi * (121 - 36) * 3, rel=1e-6)
    assert not planed.breach
    assert drilled.removed_cortical_mm3 == pytest.approx(np.pi * (42.25 - 36) * 77, rel=1e-6)
    assert drilled.wall_min_mm == pytest.approx(4.5, abs=1e-6)
    assert np.isnan(drilled.wall_min_by_level_mm[0])
    assert not any(f.code == "CF-R022" for f in reamed.findings)


def test_a_flexible_tool_follows_the_bow_it_can_bend_to():
    canal = bowed_canal({"bow_radius": 700.0, "canal": {"a_in_bow_plane": 6, "b": 6}}, 160.0, 0.0, None)
    walls = []
    for bend in (300.0, 1500.0):
        tool = Reamer(12.5, ToolKind.FLEXIBLE, min_bend_radius_mm=bend)
        path = flexible_path(canal, tool, 160.0)
        along = np.linalg.norm(path.curvature_at(np.linspace(5, 150, 100)), axis=1)
        assert np.max(along) <= 1.01 / min(bend, 700.0) or bend == 300.0
        made = ream(canal, one_pass(tool, path, 120.0)).passes[0]
        walls.append(made.wall_min_mm)
        if bend == 300.0:  # coaxial with the canal: a ring of 0.25 mm
            ring = np.pi * (6.25**2 - 36) * 120
            assert made.removed_cortical_mm3 == pytest.approx(ring, rel=1e-3)
    assert walls[0] == pytest.approx(14 - 6.25, abs=0.01)  # the outer radius is the inner one plus 8
    assert walls[1] < walls[0] - 0.5


def test_gauges_feel_the_hole(tube):
    hole = ream(tube, one_pass(Reamer(13.0), straight_tool(0.2, 0.1), 80.0))
    fits = try_gauge(hole, Gauge(13.0, 13.5, 80.0))
    assert (fits.go_passes, fits.no_go_stopped, fits.no_go_stopped_at_mm) == (True, True, 0.0)
    too_long = try_gauge(hole, Gauge(13.0, 13.5, 90.0))
    assert not too_long.go_passes
    assert too_long.go_stopped_at_mm == pytest.approx(82.0, abs=2.0)  # to the level
    assert too_long.bone_in_way_of_go_mm3 == pytest.approx(np.pi * (42.25 - 36) * 10, rel=1e-3)
    with pytest.raises(ReamingError, match="CF-R017"):
        Gauge(13.0, 13.0, 80.0)


def test_the_account_adds_up(tube):
    axis = straight_tool(0, 0)
    passes = [ReamerPass(Reamer(60.0, ToolKind.FACING), axis, 2.0)]
    passes += [ReamerPass(Reamer(d), axis, 82.0) for d in (12.5, 13.0)]
    reamed = ream(tube, ReamingPlan(tuple(passes)))
    solid = np.pi * (42.25 - 36) * 80 / 1000
    account = graft_account(reamed, gap_mm3=500.0, defect_mm3=200.0)
    assert account.solid_cortical_ml == pytest.approx(solid, rel=1e-6)
    assert account.cortical_by_pass_ml[0] == 0.0  # what the saw and the rasp take is not collected
    assert account.balance_ml == pytest.approx(solid - 0.7, rel=1e-6)
    bulked = graft_account(reamed, 500.0, settings=GraftSettings(bulking_factor=3.0, collected_share=0.5))
    assert bulked.harvest_ml == pytest.approx(1.5 * solid, rel=1e-6)
    assert np.isnan(graft_account(reamed, float("nan")).balance_ml)
    with pytest.raises(ReamingError, match="CF-R016"):
        GraftSettings(bulking_factor=0.0)
