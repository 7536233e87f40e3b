"""Every reaming kernel beside its slow twin; also run on the bounds-checked build."""

import dataclasses

import numpy as np
import pytest
from analytic_shapes import arc_tool, bowed_canal, straight_tool
from oracles import counted_areas, disc_sums, in_tool, least_wall

from sizing.canal import Canal, parallel_axis
from sizing.geometry import Plane
from sizing.reaming import (
    Reamer,
    ReamerPass,
    ReamingPlan,
    TipForm,
    ToolAxis,
    ToolKind,
    evaluate,
    evaluate_profiles,
    prepare,
)
from sizing.reaming.astray import AstraySettings, astray
from sizing.reaming.cut import cut_sections, hole_edges, kernel_for, least_walls
from sizing.reaming.evaluate import evaluate_poses, pose_of
from sizing.reaming.pierce import tools_in_sections
from sizing.reaming.sections import sections_at
from sizing.reaming.tools import tool_pieces

pytestmark = pytest.mark.kernel

N = 128
THETA = np.arange(N) * 2 * np.pi / N


@pytest.fixture(scope="module")
def canal() -> Canal:
    """Five levels of smooth, lobed, eccentric contours with a cancellous layer."""
    z = np.array([0.0, 4.0, 8.0, 12.0, 16.0])
    inner = [7 + 0.6 * np.cos(2 * THETA + 0.1 * k) + 0.2 * np.sin(3 * THETA) + 0.1 * k for k in range(5)]
    outer = [12 + 0.7 * np.cos(THETA) + 0.4 * np.cos(2 * THETA - 0.2 * k) for k in range(5)]
    marrow = [0.8 * r for r in inner]
    return Canal.from_sections(z, inner, outer, marrow_xy_mm=marrow, n_angles=N)


# Counting errs along the edge of a set; no tool is coaxial with the grid, so the errors cancel but for this much.
COUNTED_MM2 = 0.15

CONE = Reamer(15.0, tip=TipForm.CHAMFER, chamfer_half_angle_deg=40.0)
BROACH = Reamer(15.0, ToolKind.BROACH, profile_mm=((0, 8.0), (9, 6.5), (14, 3.0)))
PLANS = {
    "tilted": [(Reamer(14.0), straight_tool(0.8, -0.4, 4.0, 30.0), 30.0)],
    "two axes": [(Reamer(12.0), straight_tool(1.5, 0.0), 30.0), (Reamer(13.0), straight_tool(-1.5, 1.0, 2.0), 30.0)],
    "cone that ends": [(CONE, straight_tool(0.5, 0.5, 3.0), 9.0)],
    "ball that ends": [(Reamer(15.0, tip=TipForm.BULLET), straight_tool(-0.5, 0.5, 3.0, 120.0), 10.0)],
    "bowed": [(Reamer(14.5, ToolKind.CURVED), arc_tool(150.0, 1.0, 16.0), 30.0)],
    "beside the canal": [(Reamer(5.0), straight_tool(8.5, 2.0), 30.0)],
    "broach": [(BROACH, straight_tool(0.7, -0.4, 2.0), 15.0)],
}


def plan_of(name):
    return ReamingPlan(tuple(ReamerPass(*p) for p in PLANS[name]))


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("oblique_cut", [False, True])
def test_sweep_against_counting(canal, name, oblique_cut):
    if oblique_cut:
        canal = dataclasses.replace(canal, resection=Plane(np.array([0.0, 0.0, 5.0]), np.array([0.3, -0.2, 1.0])))
    plan, sections = plan_of(name), sections_at(canal, canal.axis.depth_mm)
    cut = cut_sections(kernel_for(sections, plan), sections)
    tools = tools_in_sections(plan.passes, sections)
    pieces = [tool_pieces(p.reamer) for p in plan.passes]
    for level in (0, 2, 3):
        contours = [sections.marrow_mm[level], sections.endosteal_mm[level], sections.periosteal_mm[level]]
        counted = counted_areas(contours, tools[:, level], pieces, sections.cut_plane[level])
        assert cut.area_mm2[level, -1] == pytest.approx(counted[:, 0], abs=COUNTED_MM2)


@pytest.mark.parametrize("name", PLANS)
def test_edges_against_membership(canal, name):
    plan, sections = plan_of(name), sections_at(canal, canal.axis.depth_mm)
    hole, _ = hole_edges(kernel_for(sections, plan))
    tools = tools_in_sections(plan.passes, sections)
    pieces = [tool_pieces(p.reamer) for p in plan.passes]

    def inside(r):
        x, y = r * np.cos(THETA), r * np.sin(THETA)
        return np.stack([
            np.any([in_tool(x[i], y[i], tools[p, i], pieces[p]) for p in range(len(pieces))], axis=0)
            for i in range(len(r))
        ])  # fmt: skip

    cut = hole[-1] > 0
    assert np.all(inside(np.where(cut, hole[-1] - 1e-6, 0.0))[cut])
    assert not np.any(inside(np.where(cut, hole[-1] + 1e-6, 0.0))[cut])


def test_walls_against_all_pairs(canal):
    plan, sections = plan_of("tilted"), sections_at(canal, canal.axis.depth_mm)
    kernel = kernel_for(sections, plan)
    least, _ = least_walls(kernel, np.zeros_like(sections.periosteal_mm))
    hole, _ = hole_edges(kernel)
    from oracles import finer

    fine = 4096
    t = np.arange(fine) * 2 * np.pi / fine
    ray = np.stack([np.cos(t), np.sin(t)], axis=1)
    for level in range(5):
        outer = finer(sections.periosteal_mm[level], fine)[:, None] * ray
        native = finer(sections.endosteal_mm[level], fine)[:, None] * ray
        bored = finer(hole[-1, level], fine)[:, None] * ray
        expected = least_wall(native[::4], outer[::2])
        assert least[0, level] == pytest.approx(expected, abs=1e-4)
        assert least[1, level] == pytest.approx(min(expected, least_wall(bored[::4], outer[::2])), abs=1e-4)


RADII = np.array([4.0, 5.5, 6.5, 6.75, 7.0, 7.5, 8.0, 9.0, 11.5, 12.2, 13.0])


@pytest.mark.parametrize(
    "axis",
    [straight_tool(0, 0), straight_tool(0.8, -0.5, 3.0, 40.0), straight_tool(3.0, 2.0, 1.0), straight_tool(8.5, 1.0)],
    ids=["coaxial", "tilted", "far off", "axis in the wall"],
)
def test_discs_against_a_finer_contour(canal, axis):
    found = evaluate(prepare(canal), axis, 2 * RADII, 100.0)
    sections = sections_at(canal, canal.axis.depth_mm)
    tools = tools_in_sections((ReamerPass(Reamer(10.0), axis, 100.0),), sections)[0]
    for level in range(5):
        centre, lean = tools[level, :2], tools[level, 2:4]
        ds = np.sqrt(1 - lean @ lean)
        area, angle, least = disc_sums(canal.endosteal_radius_mm[level], centre, lean, RADII)
        beyond_bone, _, outer_least = disc_sums(canal.periosteal_radius_mm[level], centre, lean, RADII)
        if np.hypot(*centre) > 8.0:  # the axis runs in the wall: everything the contour does not enclose is beyond
            area, angle = area + np.pi * RADII**2 / ds, angle + 2 * np.pi
        # 128 points with corners corrected: 2e-4 of the disc, also when the axis is as close as two points are apart
        tolerance = 2e-4 * np.pi * RADII**2
        assert np.all(np.abs(found.cortical_mm2[level] + found.outside_mm2[level] - area) < tolerance)
        assert np.all(np.abs(found.outside_mm2[level] - beyond_bone) < tolerance)
        assert found.contact_share[level] == pytest.approx(np.clip(angle / (2 * np.pi), 0, 1), abs=0.01)
        # the closest of 128 points, against the closest of 8192: never closer, and by less than a chord's sagitta
        assert 0 <= found.clearance_mm[level] - least + 1e-5 < 0.02
        assert 0 <= found.outer_clearance_mm[level] - outer_least + 1e-5 < 0.02


def test_profiles_are_discs_level_by_level(canal):
    prepared, axis = prepare(canal), straight_tool(0.8, -0.5, 3.0, 40.0)
    radius = np.array([[7.0, 7.0, 7.0, 6.0, np.nan], [8.0, 7.5, 7.0, 6.5, 6.0], [7.0, np.nan, 8.0, 8.0, 8.0]])
    found = evaluate_profiles(prepared, axis, radius)
    for i, level in np.ndindex(radius.shape):
        if np.isnan(radius[i, level]):
            assert np.isnan(found.beyond_canal_mm2[i, level])
            continue
        one = evaluate(prepared, axis, [2 * radius[i, level]], 100.0)
        total = one.cortical_mm2[level, 0] + one.outside_mm2[level, 0]
        assert found.beyond_canal_mm2[i, level] == pytest.approx(total, abs=1e-5)
        assert found.contact_rad[i, level] == pytest.approx(2 * np.pi * one.contact_share[level, 0], abs=1e-5)


def test_many_poses_are_single_poses(canal):
    prepared = prepare(canal)
    axes = [straight_tool(x, 0.2, 2.0, 30.0 * x) for x in (-1.0, 0.0, 0.7)]
    grid = evaluate_poses(prepared, np.stack([pose_of(a) for a in axes]), 2 * RADII, [9.0, 12.0, 30.0])
    for i, (axis, depth) in enumerate(zip(axes, (9.0, 12.0, 30.0), strict=True)):
        one = evaluate(prepared, axis, 2 * RADII, depth)
        for name in ("removed_cortical_mm3", "removed_medullary_mm3", "wall_min_mm", "tool_wall_mm", "engaged_mm2"):
            assert getattr(grid, name)[i] == pytest.approx(getattr(one, name), rel=1e-12, nan_ok=True)


def test_contours_that_a_grid_does_not_look_at_change_nothing():
    """Where the periosteum surely keeps off, a grid skips it: on an S-shaped bone, any of 60 levels may be the nearest.

    Short of NaN, `evaluate`, which looks at everything, must say the same of every pose to the last digit.
    """
    draw = np.random.default_rng(4)
    z = np.arange(60.0)
    ray = np.stack([np.cos(THETA), np.sin(THETA)])
    middle = np.stack([2.5 * np.sin(z / 9.0), 1.5 * np.cos(z / 7.0)])
    outer = [c[:, None] + r * ray for c, r in zip(middle.T, 11 + np.sin(z / 5.0), strict=True)]
    inner = [c[:, None] + 6.0 * ray for c in middle.T]
    axis = parallel_axis(z)
    canal = Canal.from_sections(z, [p.T for p in inner], [p.T for p in outer], axis=axis, n_angles=N)
    prepared = prepare(canal)
    axes = [straight_tool(*draw.uniform(-3, 3, 2), *draw.uniform(0, (6.0, 360.0))) for _ in range(200)]
    depths = draw.uniform(5.0, 70.0, 200)
    grid = evaluate_poses(prepared, np.stack([pose_of(a) for a in axes]), 2 * RADII, depths)
    places = set()
    for i, (tool, depth) in enumerate(zip(axes, depths, strict=True)):
        one = evaluate(prepared, tool, 2 * RADII, depth)
        places.add(one.tool_wall_depth_mm[0])
        for field in dataclasses.fields(grid):
            if field.name != "diameters_mm":
                np.testing.assert_array_equal(getattr(grid, field.name)[i], getattr(one, field.name), field.name)
    assert len(places) > 10  # the case is what it says


def test_drawn_surfaces_are_displaced_contours(canal):
    # All error shared, nothing else off: every draw is the canal with both surfaces moved by a whole multiple of se.
    se = np.full(canal.endosteal_radius_mm.shape, 0.2)
    doubtful = dataclasses.replace(canal, endosteal_se_mm=se, periosteal_se_mm=se)
    still = AstraySettings(n_poses=400, offset_mm=0, tilt_deg=0, depth_mm=0, oversize_mm=0, shared_variance=1.0)
    drawn = astray(doubtful, straight_tool(0.3, 0.1), 2 * RADII, 14.0, 14.0, still)
    as_is = evaluate(canal, straight_tool(0.3, 0.1), 2 * RADII, 14.0).tool_wall_mm
    # the wall moves with the periosteum alone: normal with standard deviation 0.2 mm, 5 sampling errors
    assert drawn.wall_quantiles_mm[:, 1] == pytest.approx(as_is, abs=5 * 1.25 * 0.2 / 20)
    spread = drawn.wall_quantiles_mm[:, 2] - drawn.wall_quantiles_mm[:, 0]
    assert spread == pytest.approx(2 * 1.645 * 0.2, rel=0.2)


def test_a_drawn_canal_is_a_canal_of_its_own(canal):
    # One draw, fields that vary round the section and from level to level, against a canal built with those radii.
    levels = len(canal.axis)
    se = np.stack([np.full((levels, N), 0.3), np.full((levels, N), 0.4)])
    waves = np.stack([[np.cos(w * THETA + 0.7 * z) for z in range(levels)] for w in (2, 3)])
    shared, local = np.array([0.5, -0.8]), 0.9
    moved = se * (shared[:, None, None] + local * waves)
    drawn = dataclasses.replace(
        canal,
        marrow_radius_mm=None,
        endosteal_radius_mm=canal.endosteal_radius_mm + moved[0],
        periosteal_radius_mm=canal.periosteal_radius_mm + moved[1],
    )
    axis, depth, radii = straight_tool(0.8, -0.5, 3.0, 40.0), 14.0, np.array([6.0, 7.5, 9.0, 12.5])
    totals, rays = np.empty((1, 9, 4)), np.stack([np.cos(THETA), np.sin(THETA)])
    kernel = prepare(canal).kernel
    kernel.astray(
        pose_of(axis)[None], radii - 0.1, np.array([depth]), np.array([0.1]), rays.astype(np.float32),
        se.astype(np.float32), waves.astype(np.float32), shared[None].astype(np.float32), local,
        np.empty(kernel.room_for(4), np.float32), np.empty(4), totals,
    )  # fmt: skip
    expected = evaluate(drawn, axis, 2 * radii, depth)
    # volumes of some thousand mm³; the change of the field is a central difference: (k h)² / 6 of the waves' part
    names = {0: "removed_cortical_mm3", 1: "removed_medullary_mm3", 2: "removed_outside_mm3", 3: "engaged_mm2"}
    for row, name in names.items():
        assert totals[0, row] == pytest.approx(getattr(expected, name), rel=1e-4, abs=0.1), name
    assert totals[0, 7] == pytest.approx(expected.tool_wall_mm, abs=1e-5)


def test_residual_against_counting(canal):
    from sizing.reaming import ream, reamed_sections

    reamed = ream(canal, plan_of("tilted"))
    found = reamed_sections(reamed)
    sections = sections_at(canal, canal.axis.depth_mm)
    tools = tools_in_sections(reamed.plan.passes, sections)
    n = 1500
    edge = np.linspace(-14, 14, n + 1)
    x, y = np.meshgrid(0.5 * (edge[1:] + edge[:-1]), 0.5 * (edge[1:] + edge[:-1]))
    r, t = np.hypot(x, y), np.mod(np.arctan2(y, x), 2 * np.pi)
    cell = (28 / n) ** 2
    for level in (0, 3):
        inner, outer = (np.interp(t, *_dense(s[level])) for s in (sections.endosteal_mm, sections.periosteal_mm))
        left = (r > inner) & (r < outer) & ~in_tool(x, y, tools[0, level], tool_pieces(reamed.plan.passes[0].reamer))
        assert found.cortical_mm2[level] == pytest.approx(left.sum() * cell, abs=COUNTED_MM2)
        centre = np.array([x[left].mean(), y[left].mean()])
        assert found.centroid_xy_mm[level] == pytest.approx(centre, abs=0.005)
        dx, dy = x[left] - centre[0], y[left] - centre[1]
        second = np.array([(dy * dy).sum(), (dx * dx).sum(), (dx * dy).sum()]) * cell
        assert found.second_moments_mm4[level] == pytest.approx(second, abs=20.0)  # of about 12000


def _dense(samples):
    from oracles import finer

    n = 8192
    return np.arange(n + 1) * 2 * np.pi / n, np.append(finer(samples, n), samples[0])


def test_a_bowed_bone_uses_its_own_volume_element():
    # Pappus: a tube about an arc has its section times the arc; a tool off the arc, its own arc.
    canal = bowed_canal({"bow_radius": 200.0, "canal": {"a_in_bow_plane": 4, "b": 4}}, 60.0, 0.0, None)
    half = np.arcsin(30 / 200)
    out, along = np.array([np.cos(half), 0, -np.sin(half)]), np.array([np.sin(half), 0, np.cos(half)])
    axis = ToolAxis(np.array([-200.0, 0.0, 30.0]) + 203.0 * out, along, 203.0, -out)
    cut = evaluate(canal, axis, [10.0], 2 * half * 203)
    whole = cut.removed_cortical_mm3 + cut.removed_medullary_mm3
    assert whole[0] == pytest.approx(np.pi * 25 * 2 * half * 203, rel=2e-4)


def test_unmeasured_rays_cost_no_precision() -> None:
    """Round canal of radius 6: a disc of radius R about its middle cuts (R^2 - 36) / 2 per radian that is measured."""
    inner, outer = np.full((5, N), 6.0), np.full((5, N), 13.0)
    inner[:, 40:50], outer[:, 90] = np.nan, np.nan
    z = np.arange(5.0)
    whole = Canal.from_sections(z, [np.full(N, 6.0)] * 5, [np.full(N, 13.0)] * 5, n_angles=N)
    canal = dataclasses.replace(whole, endosteal_radius_mm=inner, periosteal_radius_mm=outer)
    diameters = np.arange(12.5, 24.5, 0.5)
    found = evaluate(canal, straight_tool(0, 0), diameters, 30.0).removed_cortical_mm3
    wedge_mm3 = found / ((diameters / 2) ** 2 - 36.0)
    # Single precision of contours at 12 mm: 1e-5 of the cut of a large tool; the least tool cuts 3 mm2 of 39.
    assert wedge_mm3 == pytest.approx(wedge_mm3[-1], rel=2e-4)
    full = evaluate(whole, straight_tool(0, 0), diameters, 30.0).removed_cortical_mm3
    share = found / full
    # Lost: ten rays, at most one more to either side, whose slope is not known.
    assert np.all(share < 1 - 9 / N) and np.all(share > 1 - 13 / N)
