"""Bones whose place, side, end and breaches are known because they were drawn."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_scans import Tube, draw, solid_mask

from sizing.anatomy import Bone, Side
from sizing.errors import SegmentationError, UsageError
from sizing.findings import Level
from sizing.segmentation import find_residual_bone
from sizing.volume import ScanInfo

FEMUR = Tube()
FIBULA = Tube(at=(105.0, 15.0), outer_mm=6.5, inner_mm=3.0)
STUMP = replace(FEMUR, low_mm=-40.0)


def codes(bone):
    return [finding.code for finding in bone.findings]


def overlap(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("lean", [(0.0, 0.0), (0.3, -0.6)])  # upright, and 34 degrees oblique
@pytest.mark.parametrize("spacing", [(1.5, 1.0, 1.0), (3.3, 1.0, 1.0), (0.6, 0.7, 0.7)])
def test_outline_axis_and_plane_of_a_drawn_shaft(lean, spacing):
    tube = replace(FEMUR, lean=lean)
    shape = tuple(round(n / s) for n, s in zip((120, 130, 130), spacing, strict=True))
    bone = find_residual_bone(draw([tube], shape=shape, spacing=spacing), bone=Bone.FEMUR)
    assert (bone.side, bone.side_source) == (Side.LEFT, "position")
    assert bone.proximal_lps @ tube.direction > np.cos(np.radians(0.5))
    assert bone.resection.normal_lps @ tube.direction > np.cos(np.radians(1.0))
    # The threshold lies at 0.3 of the cortex: outward by half the blur (0.25 mm), and the voxel is 1 mm: Dice of a
    # 28 mm tube that is 0.5 mm too wide is 0.966.
    assert overlap(bone.mask, solid_mask(tube, bone)) > 0.955
    assert codes(bone) == ["CF-S101"]
    # The lowest section is covered: no voxel of its circle lies below the first slice.
    u = np.cross(bone.resection.normal_lps, [0, 0, 1.0])
    lowest_mm = 14.0 * np.linalg.norm(u)  # how far below its centre the rim of a tilted circle lies
    below_mm = bone.resection.point_lps[2] - bone.geometry.index_to_lps((0, 0, 0))[2]
    assert lowest_mm - 0.5 < below_mm < lowest_mm + spacing[0] + 0.5


def test_resection_level_counts_from_the_lowest_bone_along_the_axis():
    tube = replace(FEMUR, lean=(0.0, -0.6), low_mm=-40.0)
    bone = find_residual_bone(draw([tube]), bone=Bone.FEMUR, resect_at_mm=30.0)
    along = (bone.resection.point_lps - [80.0, 0.0, 0.0]) @ tube.direction
    # Lowest voxel of the blurred end: within a voxel's diagonal of -40.
    assert along == pytest.approx(-10.0, abs=1.2)
    assert (bone.resection_source, bone.stump_removed_mm) == ("virtual", pytest.approx(30.0))


def test_end_of_a_flat_stump_is_the_facing_level():
    bone = find_residual_bone(draw([STUMP]), bone=Bone.FEMUR)
    assert bone.resection_source == "stump end"
    assert bone.resection.point_lps == pytest.approx([80.0, 0.0, -40.0], abs=1.6)  # one slice
    assert "CF-S104" not in codes(bone)
    assert "CF-S101" not in codes(bone)


def test_a_spur_below_the_stump_is_told_with_length_and_side():
    bone = find_residual_bone(draw([replace(STUMP, spur=(15.0, 5.0))]), bone=Bone.FEMUR)
    assert bone.resection.point_lps[2] == pytest.approx(-40.0, abs=2.0)
    (spur,) = [f for f in bone.findings if f.code == "CF-S104"]
    assert spur.depth_mm == pytest.approx(-15.0, abs=2.5)
    assert spur.direction == "lateral"  # +x on the left side
    assert bone.stump_removed_mm == pytest.approx(15.0, abs=2.5)


def test_a_closed_canal_end_is_told():
    closed = replace(STUMP, low_mm=-46.0)
    volume = draw([closed])
    hu = volume.hu.copy()
    z = volume.geometry.index_to_lps([[k, 0, 0] for k in range(hu.shape[0])])[:, 2]
    x0 = volume.geometry.index_to_lps((0, 0, 0))[:2]
    y, x = np.meshgrid(np.arange(hu.shape[1]) + x0[1], np.arange(hu.shape[2]) + x0[0], indexing="ij")
    hu[np.ix_((z > -46) & (z < -36), range(hu.shape[1]), range(hu.shape[2]))] = np.where(
        np.hypot(x - 80, y) < 8.5, 1000, hu[(z > -46) & (z < -36)]
    )
    bone = find_residual_bone(type(volume)(hu, volume.geometry), bone=Bone.FEMUR)
    assert bone.resection.point_lps[2] == pytest.approx(-46.0, abs=1.6)
    (finding,) = [f for f in bone.findings if f.code == "CF-S108"]
    assert "10 mm" in finding.message or "9 mm" in finding.message or "8 mm" in finding.message


def test_a_breach_is_bridged_and_told():
    tube = replace(FEMUR, breach=(-8.0, 8.0, 0.5))
    bone = find_residual_bone(draw([tube]), bone=Bone.FEMUR)
    (finding,) = [f for f in bone.findings if f.code == "CF-S103"]
    assert finding.level is Level.WARNING
    depth_of_middle = -bone.resection.signed_distance_mm([80.0, 0.0, 0.0]) * -1
    assert finding.depth_mm == pytest.approx(depth_of_middle, abs=2.0)
    solid = solid_mask(tube, bone)
    middle = np.abs(bone.geometry.index_to_lps(np.argwhere(solid))[:, 2]) < 6
    inside = bone.mask[solid][middle]
    assert inside.mean() > 0.97  # without bridging the marrow is missing: 0.67


def test_the_thick_bone_of_a_lower_leg_is_the_tibia():
    volume = draw([FEMUR, FIBULA])
    for bone in (Bone.TIBIA, None):
        found = find_residual_bone(volume, bone=bone)
        assert found.bone is Bone.TIBIA
        assert overlap(found.mask, solid_mask(FEMUR, found)) > 0.95
    with pytest.raises(SegmentationError, match="CF-S004"):
        find_residual_bone(volume, bone=Bone.FEMUR)


@pytest.mark.parametrize(
    ("tubes", "bone", "level"),
    [
        ([FEMUR], Bone.FEMUR, None),
        ([FEMUR], Bone.TIBIA, Level.CRITICAL),  # no fibula
        ([FEMUR, FIBULA], Bone.TIBIA, None),
        ([FEMUR], Bone.HUMERUS, Level.WARNING),  # 616 mm² across
        ([Tube(outer_mm=10.0, inner_mm=6.0)], Bone.FEMUR, Level.WARNING),  # 314 mm²
        ([Tube(outer_mm=10.0, inner_mm=6.0)], Bone.HUMERUS, None),
    ],
)
def test_a_bone_that_does_not_look_like_its_name_is_said(tubes, bone, level):
    found = find_residual_bone(draw(tubes), bone=bone, distal="low")
    assert [f.level for f in found.findings if f.code == "CF-S109"] == ([level] if level else [])


def test_two_legs_need_a_side_and_get_it_relative_to_each_other():
    # Both lie on the left of the scanner's middle: what counts is which one is further left.
    right, left = Tube(at=(40.0, 0.0)), Tube(at=(170.0, 0.0))
    volume = draw([right, left], shape=(80, 90, 280))
    with pytest.raises(SegmentationError, match="CF-S005"):
        find_residual_bone(volume, bone=Bone.FEMUR)
    for side, tube in ((Side.RIGHT, right), (Side.LEFT, left)):
        bone = find_residual_bone(volume, bone=Bone.FEMUR, side=side)
        assert overlap(bone.mask, solid_mask(tube, bone)) > 0.95


def test_side_that_contradicts_the_position_is_refused():
    with pytest.raises(SegmentationError, match="CF-S006"):
        find_residual_bone(draw([FEMUR]), bone=Bone.FEMUR, side=Side.RIGHT)
    with pytest.raises(SegmentationError, match=r"CF-S006.*header"):
        find_residual_bone(draw([FEMUR], info=ScanInfo(laterality="R")), bone=Bone.FEMUR)


def test_side_near_the_midline_comes_from_the_header_or_is_asked_for():
    middle = replace(FEMUR, at=(10.0, 0.0))
    with pytest.raises(SegmentationError, match="CF-S007"):
        find_residual_bone(draw([middle]), bone=Bone.FEMUR)
    bone = find_residual_bone(draw([middle], info=ScanInfo(laterality="R")), bone=Bone.FEMUR)
    assert (bone.side, bone.side_source) == (Side.RIGHT, "header")
    bone = find_residual_bone(draw([middle]), bone=Bone.FEMUR, side=Side.RIGHT)
    assert (bone.side, bone.side_source) == (Side.RIGHT, "given")


@pytest.mark.parametrize("up", [True, False])
def test_an_arm_is_read_from_its_head_wherever_it_lies(up):
    arm = Tube(outer_mm=11.0, inner_mm=6.0, head=(50.0 if up else -50.0, 24.0))
    arm = replace(arm, **({"high_mm": 50.0} if up else {"low_mm": -50.0}))
    bone = find_residual_bone(draw([arm]), bone=Bone.HUMERUS)
    assert bone.proximal_lps[2] * (1 if up else -1) > 0.99


def test_a_shaft_of_an_arm_alone_does_not_say_which_end_is_distal():
    arm = Tube(outer_mm=11.0, inner_mm=6.0)
    with pytest.raises(SegmentationError, match="CF-S008"):
        find_residual_bone(draw([arm]), bone=Bone.HUMERUS)
    assert find_residual_bone(draw([arm]), bone=Bone.HUMERUS, distal="high").proximal_lps[2] < 0
    with pytest.raises(UsageError):
        find_residual_bone(draw([arm]), bone=Bone.HUMERUS, distal="up")


def test_a_wide_end_of_an_arm_that_leaves_the_scan_is_not_taken_for_its_head():
    """Elbow and shoulder both widen; only an end that is seen to close tells which it is."""
    through = Tube(outer_mm=11.0, inner_mm=6.0, head=(75.0, 24.0))  # the scan ends in the middle of the widening
    with pytest.raises(SegmentationError, match="CF-S008"):
        find_residual_bone(draw([through]), bone=Bone.HUMERUS)


def test_a_leg_whose_free_end_points_to_the_head_is_refused():
    with pytest.raises(SegmentationError, match="CF-S008"):
        find_residual_bone(draw([replace(FEMUR, high_mm=40.0)]), bone=Bone.FEMUR)


def test_bone_cut_by_the_side_of_the_view_is_refused_or_its_levels_left_out():
    volume = draw([FEMUR], shape=(100, 90, 160))
    cut = np.ascontiguousarray(volume.hu[:, :, 80 - 5 :])
    with pytest.raises(SegmentationError, match="CF-S003"):
        find_residual_bone(type(volume)(cut, volume.geometry.cropped((0, 0, 75), (100, 90, 160))), bone=Bone.FEMUR)
    # A leaning bone that leaves through the side halfway up: above, nothing is kept.
    leaning = replace(FEMUR, lean=(0.4, 0.0))
    volume = draw([leaning], shape=(100, 90, 160))
    part = volume.geometry.cropped((0, 0, 0), (100, 90, 105))
    bone = find_residual_bone(type(volume)(np.ascontiguousarray(volume.hu[:, :, :105]), part), bone=Bone.FEMUR)
    assert "CF-S102" in codes(bone)
    assert not bone.mask[:, :, -1].any()
    with pytest.raises(SegmentationError, match="CF-S009"):
        find_residual_bone(
            type(volume)(np.ascontiguousarray(volume.hu[:, :, :105]), part), bone=Bone.FEMUR, resect_at_mm=140.0
        )


def test_no_shaft_and_no_bone_are_different_refusals():
    ball = Tube(low_mm=0.0, high_mm=0.0, head=(0.0, 24.0))
    with pytest.raises(SegmentationError, match="CF-S002"):
        find_residual_bone(draw([ball]), bone=Bone.FEMUR)
    with pytest.raises(SegmentationError, match="CF-S001"):
        find_residual_bone(draw([replace(FEMUR, hu=60.0)]), bone=Bone.FEMUR)
    with pytest.raises(SegmentationError, match="CF-S010"):
        find_residual_bone(draw([FEMUR]))


def test_metal_near_the_bone_is_told():
    volume = draw([FEMUR])
    hu = volume.hu.copy()
    hu[40:50, 60:65, 90:95] = 3071
    assert "CF-S107" in codes(find_residual_bone(type(volume)(hu, volume.geometry), bone=Bone.FEMUR))
