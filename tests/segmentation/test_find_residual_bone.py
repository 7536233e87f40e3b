"""The bone that is asked for, on the sample scans."""

import numpy as np
import pytest

from sizing.anatomy import Bone, Side
from sizing.errors import SegmentationError
from sizing.segmentation import find_residual_bone

SAMPLES = [("femur", Side.RIGHT, 9), ("tibia", Side.RIGHT, 5), ("humerus", Side.LEFT, 24)]


@pytest.mark.parametrize(("name", "side", "tilt_deg"), SAMPLES)
def test_samples_give_the_named_bone(sample_volume, name, side, tilt_deg):
    volume = sample_volume(name)
    bone = find_residual_bone(volume, bone=Bone(name))
    assert bone.side is side
    # README of the data: tilt of the shaft to z, from another, coarser method.
    assert np.degrees(np.arccos(bone.proximal_lps[2])) == pytest.approx(tilt_deg, abs=2)
    inside = bone.geometry.index_to_lps(np.argwhere(bone.mask))
    # The mask lies in the volume where it says it does.
    start = np.array(bone.crop_start)
    assert bone.geometry.index_to_lps((0, 0, 0)) == pytest.approx(volume.geometry.index_to_lps(start), abs=1e-9)
    # Cortex and marrow: dense bone at the rim, fat in the middle.
    crop = volume.hu[tuple(slice(s, s + n) for s, n in zip(start, bone.mask.shape, strict=True))]
    assert np.percentile(crop[bone.mask], 90) > 900
    assert np.percentile(crop[bone.mask], 10) < 200
    height_mm = (inside - bone.resection.point_lps) @ bone.proximal_lps
    assert height_mm.min() == pytest.approx(-bone.stump_removed_mm, abs=1e-4)  # heights are float32


def test_virtual_amputation_is_measured_along_the_bone(sample_volume):
    bone = find_residual_bone(sample_volume("femur"), bone=Bone.FEMUR, resect_at_mm=120)
    assert bone.resection_source == "virtual"
    inside = bone.geometry.index_to_lps(np.argwhere(bone.mask))
    height_mm = (inside - bone.resection.point_lps) @ bone.proximal_lps
    assert height_mm.min() == pytest.approx(-120, abs=1e-4)  # heights are float32
    # The facing plane stands on the shaft above it: within the bow of a femur of the straight axis.
    assert bone.resection.normal_lps @ bone.proximal_lps > np.cos(np.radians(9))


def test_level_above_the_bone_is_refused(sample_volume):
    with pytest.raises(SegmentationError, match="CF-S009"):
        find_residual_bone(sample_volume("humerus"), bone=Bone.HUMERUS, resect_at_mm=500)


def test_empty_scan_is_refused(sample_volume):
    volume = sample_volume("femur")
    soft = type(volume)(np.minimum(volume.hu, 150), volume.geometry)
    with pytest.raises(SegmentationError, match="CF-S001"):
        find_residual_bone(soft, bone=Bone.FEMUR)
