"""The 54 reference cases, through the public functions, from point contours.

Tolerances are the project's goals for cases of these kinds, not what today's numbers happen to need:
areas in 2-D 1e-9 relative, volumes 1e-4, contact shares 0.002, walls and diameters 0.005 mm.
"""

import dataclasses

import numpy as np
import pytest
from analytic_shapes import (
    CASES,
    UP,
    arc_tool,
    bowed_canal,
    conical,
    levels,
    one_pass,
    section,
    stack,
    straight_tool,
    tipped,
)

from sizing.canal import Canal
from sizing.geometry import Plane
from sizing.reaming import Clearance, Reamer, ReamerPass, ReamingPlan, ToolAxis, ream, reamed_sections, widest_cylinder

AREA = 1e-9
VOLUME = 1e-4
SHARE = 0.002
MILLIMETRE = 0.005


def kind(*names):
    return pytest.mark.parametrize("case", [pytest.param(c, id=i) for i, c in CASES.items() if c["kind"] in names])


def test_every_kind_is_tried():
    tried = {"section2d", "sequential2d", "layers2d", "implant2d", "depth_tip", "tapered", "isthmus", "tilted",
             "bowed_straight", "bowed_curved", "pappus_segment", "max_inscribed_cylinder"}  # fmt: skip
    assert {c["kind"] for c in CASES.values()} == tried
    assert len(CASES) == 54


def circle_pass(circle):
    return one_pass(Reamer(2 * circle["r"]), straight_tool(circle["cx"], circle["cy"]), 1.0)


@kind("section2d")
def test_one_section(case):
    expected = case["expected"]
    reamed = ream(section(case["inputs"]), circle_pass(case["inputs"]["reamer"]))
    made, shape = reamed.passes[0], reamed_sections(reamed)
    area = pytest.approx
    assert made.removed_cortical_mm2[0] == area(expected["removed_cortical_area"], rel=AREA, abs=1e-9)
    assert made.removed_medullary_mm2[0] == area(expected["removed_canal_area"], rel=AREA)
    assert made.removed_outside_mm2[0] == area(expected["outside_area"], rel=AREA, abs=1e-9)
    assert made.contact_share[0] == area(expected["contact_arc_fraction"], abs=SHARE)
    assert made.wall_min_mm == area(expected["wall_min"], abs=MILLIMETRE)
    assert shape.canal_mm2[0] == area(expected["canal_area"], rel=AREA)
    assert shape.bone_mm2[0] == area(expected["periosteal_area"], rel=AREA)
    assert shape.cortical_mm2[0] == area(expected["residual_cortical_area"], rel=AREA)
    assert shape.canal_fill[0] == area(expected["canal_fill_ratio"], rel=AREA)
    assert shape.endosteum_engaged[0] == area(expected["endosteal_engaged_fraction"], abs=SHARE)
    assert shape.wall_mean_radial_mm[0] == area(expected["wall_mean_radial"], abs=MILLIMETRE)
    centroid = [expected["residual_centroid_x"], expected["residual_centroid_y"]]
    assert shape.centroid_xy_mm[0] == area(centroid, abs=1e-6)
    second = [expected[f"residual_{name}"] for name in ("Ixx", "Iyy", "Ixy", "Imax", "Imin")]
    assert [*shape.second_moments_mm4[0], *shape.principal_mm4[0]] == area(second, rel=1e-6, abs=1e-3)


@kind("sequential2d")
def test_sizes_one_after_another(case):
    expected = case["expected"]
    axis = straight_tool(*case["inputs"]["reamer_centre"])
    plan = ReamingPlan(tuple(ReamerPass(Reamer(d), axis, 1.0) for d in case["inputs"]["diameters"]))
    reamed = ream(section(case["inputs"]), plan)
    step = np.array([p.removed_cortical_mm2[0] for p in reamed.passes])
    assert step == pytest.approx(expected["step_removed_cortical_area"], rel=1e-8, abs=1e-8)  # a difference of two
    assert np.cumsum(step) == pytest.approx(expected["cumulative_removed_cortical_area"], rel=AREA, abs=1e-9)
    canal = np.cumsum([p.removed_medullary_mm2[0] for p in reamed.passes])
    assert canal == pytest.approx(expected["cumulative_removed_canal_area"], rel=AREA)
    share = [p.contact_share[0] for p in reamed.passes]
    assert share == pytest.approx(expected["contact_arc_fraction"], abs=SHARE)
    assert [p.wall_min_mm for p in reamed.passes] == pytest.approx(expected["wall_min"], abs=MILLIMETRE)
    assert reamed.contact_begins_diameter_mm == pytest.approx(expected["first_contact_diameter"], abs=MILLIMETRE)
    sizes = [d for d in case["inputs"]["diameters"] if d > expected["first_contact_diameter"]]
    assert reamed.first_contact_diameter_mm == sizes[0]  # "chatter": the first tool to touch


@kind("layers2d")
def test_layers_of_tissue(case):
    made = ream(section(case["inputs"]), circle_pass(case["inputs"]["reamer"])).passes[0]
    expected = case["expected"]
    assert made.removed_cortical_mm2[0] == pytest.approx(expected["removed_cortical_area"], rel=AREA)
    assert made.removed_cancellous_mm2[0] == pytest.approx(expected["removed_cancellous_area"], rel=AREA)
    assert made.removed_medullary_mm2[0] == pytest.approx(expected["removed_marrow_area"], rel=AREA)


@kind("implant2d")
def test_an_implant_in_a_reamed_hole(case):
    # What the reamer left of the implant's circle is what the implant presses into: two passes say it.
    inputs, expected = case["inputs"], case["expected"]
    hole, stem = circle_pass(inputs["reamer"]).passes[0], circle_pass(inputs["implant"]).passes[0]
    reamed = ream(section(inputs), ReamingPlan((hole, stem)))
    pressed = reamed.passes[1]
    prepared = reamed_sections(ream(section(inputs), ReamingPlan((hole,))))
    interference = pressed.removed_cortical_mm2[0]
    assert interference == pytest.approx(expected["interference_area"], rel=1e-8, abs=1e-9)
    assert prepared.hole_mm2[0] == pytest.approx(expected["reamed_canal_area"], rel=AREA)
    filled = np.pi * inputs["implant"]["r"] ** 2 - interference
    assert filled == pytest.approx(expected["void_filled_area"], rel=AREA)
    assert filled / prepared.hole_mm2[0] == pytest.approx(expected["fill_of_reamed_canal"], rel=AREA)


def removed(made):
    return {
        "removed_cortical_volume": made.removed_cortical_mm3,
        "removed_canal_volume": made.removed_medullary_mm3,
        "outside_volume": made.removed_outside_mm3,
        "contact_area_fraction": made.contact_area_share,
        "wall_min": made.wall_min_mm,
    }


def agree(made, expected):
    found = removed(made)
    for name in found.keys() & expected.keys():
        tolerance = {"contact_area_fraction": {"abs": SHARE}, "wall_min": {"abs": MILLIMETRE}}.get(
            name, {"rel": VOLUME, "abs": 1e-6}
        )
        assert found[name] == pytest.approx(expected[name], **tolerance), name


@kind("depth_tip")
def test_depth_is_to_the_foremost_point(case):
    canal = stack(7.0, 5.5, 13.0, 12.0, levels(100.0))
    inputs = case["inputs"]["reamer"]
    agree(ream(canal, one_pass(tipped(inputs), straight_tool(0, 0), inputs["depth_to_tip_apex"])).passes[0],
          case["expected"])  # fmt: skip


@kind("tapered", "isthmus")
def test_a_canal_that_narrows(case):
    inputs, tool = case["inputs"], case["inputs"]["reamer"]
    z, c = levels(inputs["length"]), inputs["canal"]
    if case["kind"] == "isthmus":
        b = c["b0"] + c["k"] * (z - c["z0"]) ** 2
        a = b * c["major_over_minor"]
    else:
        a, b = (c[f"{x}0"] + (c[f"{x}1"] - c[f"{x}0"]) * z / inputs["length"] for x in "ab")
    r0, r1 = tool.get("r_at_0", tool.get("r")), tool.get("r_at_L", tool.get("r"))
    reamer = Reamer(2 * r0) if r0 == r1 else conical(r0, r1, inputs["length"])
    agree(ream(stack(a, b, 30.0, 30.0, z), one_pass(reamer, straight_tool(0, 0), inputs["length"])).passes[0],
          case["expected"])  # fmt: skip


@kind("tilted")
def test_a_tilted_axis(case):
    inputs, tool = case["inputs"], case["inputs"]["reamer"]
    z = levels(inputs["length"])
    a, b, outer_a, outer_b = (
        s[f"{x}0"] + (s[f"{x}1"] - s[f"{x}0"]) * z / inputs["length"]
        for s in (inputs["canal"], inputs["periosteum"])
        for x in "ab"
    )
    axis = straight_tool(tool["x0"], tool["y0"], tool["tilt"], tool["azim"])
    beyond = inputs["length"] + 20.0  # leaves the slab at its far end
    agree(
        ream(stack(a, b, outer_a, outer_b, z), one_pass(Reamer(2 * tool["r"]), axis, beyond)).passes[0],
        case["expected"],
    )


@kind("bowed_straight")
def test_a_straight_tool_in_a_bowed_bone(case):
    # Sections across the arc; the slab's near plane is the cut end, its far plane the tool's flat end.
    inputs = case["inputs"]
    canal = bowed_canal(inputs, inputs["length"], 3.0, Plane(np.zeros(3), UP))
    axis = ToolAxis(np.array([inputs["reamer"]["x0"], 0.0, 0.0]), UP)
    agree(ream(canal, one_pass(Reamer(2 * inputs["reamer"]["r"]), axis, inputs["length"])).passes[0], case["expected"])


@kind("bowed_curved")
def test_a_curved_tool_in_a_bowed_bone(case):
    # Between two planes = beyond the near one minus beyond the far one.
    inputs, length = case["inputs"], case["inputs"]["length"]
    canal = bowed_canal(inputs, length, 3.0, Plane(np.zeros(3), UP))
    tool = inputs["reamer"]
    plan = one_pass(Reamer(2 * tool["r"]), arc_tool(tool["bow_radius"], tool["x0_at_apex"], length), length + 10.0)
    near = removed(ream(canal, plan).passes[0])
    far = removed(ream(dataclasses.replace(canal, resection=Plane(length * UP, UP)), plan).passes[0])
    for name in ("removed_cortical_volume", "removed_canal_volume", "outside_volume"):
        assert near[name] - far[name] == pytest.approx(case["expected"][name], rel=VOLUME, abs=1e-6)


@kind("pappus_segment")
def test_a_tool_that_follows_the_bow(case):
    inputs = case["inputs"]
    bow, half = inputs["bow_radius"], np.deg2rad(inputs["segment_angle_deg"]) / 2
    canal = bowed_canal(inputs, 2 * bow * np.sin(half), 0.0, None)
    own = bow + inputs["reamer"]["offset_in_bow_plane"]
    entry = np.array([own * np.cos(half) - bow, 0.0, bow * np.sin(half) - own * np.sin(half)])
    axis = ToolAxis(entry, np.array([np.sin(half), 0, np.cos(half)]), own, np.array([-np.cos(half), 0.0, np.sin(half)]))
    agree(ream(canal, one_pass(Reamer(2 * inputs["reamer"]["r"]), axis, 2 * half * own)).passes[0], case["expected"])


@kind("max_inscribed_cylinder")
def test_the_widest_straight_cylinder(case):
    inputs = case["inputs"]
    a, b, bow, length = inputs["canal"]["a_in_bow_plane"], inputs["canal"]["b"], inputs["bow_radius"], inputs["length"]
    z, t = levels(length), np.arange(128) * 2 * np.pi / 128

    def ring(level, extra):  # the torus cut by z = level
        x = np.sqrt((bow + (a + extra) * np.cos(t)) ** 2 - (level - length / 2) ** 2) - bow
        return np.stack([x, (b + extra) * np.sin(t)], axis=1)

    canal = Canal.from_sections(z, [ring(level, 0) for level in z], [ring(level, 8) for level in z], n_angles=256)
    axis, diameter = widest_cylinder(canal, 0.0, length, Clearance.CANAL)
    assert diameter == pytest.approx(case["expected"]["max_cylinder_diameter"], abs=MILLIMETRE)
    assert axis.point_at(length / 2)[0] == pytest.approx(case["expected"]["axis_x"], abs=MILLIMETRE)
