"""A label map from elsewhere points at the bone; the outline stays that of the scan."""

import numpy as np
import pytest
from drawn_scans import Tube, draw, solid_mask
from plain_reader import read_plain

from sizing.anatomy import Bone, Side
from sizing.errors import SegmentationError, UsageError
from sizing.geometry import VolumeGeometry
from sizing.segmentation import Locator, find_residual_bone

RIGHT, LEFT = Tube(at=(-70.0, 0.0)), Tube(at=(70.0, 0.0))


@pytest.fixture(scope="module")
def legs():
    return draw([RIGHT, LEFT], shape=(80, 80, 280))


def coarse_labels(tubes_with_label, step_mm=3.0):
    """A coarse label map of tubes, columns turned round (RAS-like), on a grid larger than the scan."""
    shape = (60, 50, 110)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = (0, 0, step_mm), (0, step_mm, 0), (-step_mm, 0, 0)
    affine[:3, 3] = (54 * step_mm, -25 * step_mm, -30 * step_mm)
    geometry = VolumeGeometry(shape, affine)
    points = geometry.index_to_lps(np.moveaxis(np.indices(shape), 0, -1))
    labels = np.zeros(shape, np.uint8)
    for tube, label in tubes_with_label:
        labels[np.hypot(points[..., 0] - tube.at[0], points[..., 1] - tube.at[1]) < tube.outer_mm] = label
    return labels, geometry


@pytest.mark.parametrize(("label", "tube", "side"), [(7, RIGHT, Side.RIGHT), (9, LEFT, Side.LEFT)])
def test_label_chooses_the_bone_and_the_scan_draws_it(legs, label, tube, side):
    labels, geometry = coarse_labels([(RIGHT, 7), (LEFT, 9)])
    with pytest.raises(SegmentationError, match="CF-S005"):
        find_residual_bone(legs, bone=Bone.FEMUR)
    bone = find_residual_bone(legs, bone=Bone.FEMUR, locator=Locator(labels, geometry, label))
    assert bone.side is side
    alone = find_residual_bone(legs, bone=Bone.FEMUR, side=side)
    assert np.array_equal(bone.mask, alone.mask)  # refined: nothing of the 3 mm grid is left
    solid = solid_mask(tube, bone)
    assert 2 * (bone.mask & solid).sum() / (bone.mask.sum() + solid.sum()) > 0.955


def test_label_map_that_lies_elsewhere_is_refused(legs):
    labels, geometry = coarse_labels([(Tube(at=(0.0, 0.0)), 1)])
    with pytest.raises(SegmentationError, match="CF-S011"):
        find_residual_bone(legs, bone=Bone.FEMUR, locator=Locator(labels, geometry))


def test_which_label_is_meant_must_be_clear():
    labels, geometry = coarse_labels([(RIGHT, 7), (LEFT, 9)])
    for bad, label in ((labels, None), (labels, 3), (labels * 0, None), (labels.astype(float), 7), (labels[1:], 7)):
        with pytest.raises(UsageError):
            Locator(bad, geometry, label)


def test_joint_end_does_not_leave_the_label(shared_data):
    """A label of the shaft of STS_029 alone keeps the head of the femur out; 3 mm and half a voxel are allowed."""
    volume = read_plain(shared_data / "ct_sts_extremity" / "STS_029")
    whole = find_residual_bone(volume, bone=Bone.FEMUR)
    labels = np.zeros(volume.hu.shape, np.bool_)
    crop = tuple(slice(s, s + n) for s, n in zip(whole.crop_start, whole.mask.shape, strict=True))
    labels[crop] = whole.mask
    labels[45:] = False
    bone = find_residual_bone(volume, bone=Bone.FEMUR, locator=Locator(labels, volume.geometry))
    top = np.flatnonzero(bone.mask.any(axis=(1, 2)))[-1] + bone.crop_start[0]
    assert 44 <= top <= 46
    assert bone.mask.sum() < whole.mask.sum()
