"""Sixteen real limbs: thirteen give the right bone, three are refused for the right reason.

Sides are those of the series (+x of LPS is the patient's left); tilts and outer diameters are the orientation values of
the data's README, from another method (rings above 500 HU in axial slices), so the tolerances are wide.
"""

import numpy as np
import pytest
from plain_reader import read_plain

from sizing.anatomy import Bone, Side
from sizing.errors import SegmentationError
from sizing.segmentation import find_residual_bone

pytestmark = pytest.mark.shared

LEFT, RIGHT = Side.LEFT, Side.RIGHT
# case: bone, side, tilt of the shaft to z in degrees, equivalent outer diameter in mm (in the axial plane)
USABLE = {
    "STS_004": (Bone.FEMUR, RIGHT, 9, (26, 41)),
    "STS_006": (Bone.FEMUR, LEFT, 7, (31, 34)),
    "STS_008": (Bone.HUMERUS, LEFT, 24, (19, 26)),
    "STS_014": (Bone.FEMUR, RIGHT, 8, (29, 36)),
    "STS_017": (Bone.FEMUR, LEFT, 6, (29, 51)),
    "STS_020": (Bone.FEMUR, LEFT, 35, (23, 37)),
    "STS_023": (Bone.FEMUR, LEFT, 5, (27, 33)),
    "STS_024": (Bone.FEMUR, LEFT, 6, (26, 32)),
    "STS_028": (Bone.TIBIA, LEFT, 22, (23, 34)),
    "STS_029": (Bone.FEMUR, LEFT, 31, (28, 35)),
    "STS_033": (Bone.FEMUR, LEFT, 34, (29, 33)),
    "STS_035": (Bone.TIBIA, RIGHT, 5, (13, 44)),
    "STS_043": (Bone.FEMUR, LEFT, 6, (32, 44)),
}
REFUSED = {"STS_003": "CF-S002", "STS_025": "CF-S003", "STS_041": "CF-S003"}


@pytest.mark.parametrize("case", USABLE)
def test_the_named_bone_is_found(shared_data, case):
    kind, side, tilt_deg, diameter_mm = USABLE[case]
    volume = read_plain(shared_data / "ct_sts_extremity" / case)
    bone = find_residual_bone(volume, bone=kind)
    assert bone.side is side
    assert "CF-S109" not in [finding.code for finding in bone.findings]  # each looks like what it is
    assert np.degrees(np.arccos(bone.proximal_lps[2])) == pytest.approx(tilt_deg, abs=3.5)
    pixel_mm2 = bone.geometry.spacing_mm[1] * bone.geometry.spacing_mm[2]
    area = bone.mask.sum(axis=(1, 2)) * pixel_mm2
    middle = np.median(2 * np.sqrt(area[area > 0] / np.pi))
    assert diameter_mm[0] - 2 < middle < diameter_mm[1] + 2
    start = bone.crop_start
    crop = volume.hu[tuple(slice(s, s + n) for s, n in zip(start, bone.mask.shape, strict=True))]
    # One piece, marrow inside, cortex as the README has it (medians 1050 to 1430 HU).
    assert np.percentile(crop[bone.mask], 85) > 850
    assert np.percentile(crop[bone.mask], 5) < 150
    # Nothing is kept where the side of the field of view cuts the bone.
    _, rows, columns = volume.hu.shape
    index = np.argwhere(bone.mask) + start
    assert index[:, 1].min() > 0
    assert index[:, 2].min() > 0
    assert index[:, 1].max() < rows - 1
    assert index[:, 2].max() < columns - 1


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_planned_is_refused_with_its_reason(shared_data, case):
    kind = Bone.TIBIA if case == "STS_025" else Bone.FEMUR
    with pytest.raises(SegmentationError, match=REFUSED[case]):
        find_residual_bone(read_plain(shared_data / "ct_sts_extremity" / case), bone=kind)


def test_the_knee_is_a_joint_and_the_femur_ends_at_its_condyles(shared_data):
    bone = find_residual_bone(read_plain(shared_data / "ct_sts_extremity" / "STS_017"), bone=Bone.FEMUR)
    assert [f.code for f in bone.findings] == ["CF-S106"]
    # The condyles are in the mask (they reach the lowest slice), the patella in front of them is not.
    lowest = np.flatnonzero(bone.mask.any(axis=(1, 2)))[0]
    assert lowest + bone.crop_start[0] == 0
    assert bone.stump_removed_mm > 40


def test_the_arm_is_followed_to_its_head_and_not_into_the_scapula(shared_data):
    bone = find_residual_bone(read_plain(shared_data / "ct_sts_extremity" / "STS_008"), bone=Bone.HUMERUS)
    widest = bone.mask.sum(axis=(1, 2)).max() * bone.geometry.spacing_mm[1] * bone.geometry.spacing_mm[2]
    # A humeral head is 38 to 52 mm across: with the tuberosities 1100 to 2100 mm².
    assert 1100 < widest < 2100
