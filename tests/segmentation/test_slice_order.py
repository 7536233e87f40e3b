"""A scan sliced from the side or the front holds the same voxels: the same bone must be found in it."""

from __future__ import annotations

import numpy as np
import pytest

from sizing.anatomy import Bone
from sizing.canal.axis import find_axis
from sizing.geometry import VolumeGeometry
from sizing.segmentation import find_residual_bone
from sizing.volume import CtVolume


def with_axes(volume: CtVolume, order: tuple[int, int, int]) -> CtVolume:
    """The same voxels at the same places in LPS, with the array's axes in another order."""
    hu = np.ascontiguousarray(np.transpose(volume.hu, order))
    return CtVolume(hu, VolumeGeometry(hu.shape, volume.geometry.affine[:, [*order, 3]]), volume.info)


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2)], ids=["sagittal", "coronal"])
def test_the_order_of_the_axes_changes_nothing(sample_volume, order: tuple[int, int, int]) -> None:
    volume = sample_volume("femur")
    wanted = find_residual_bone(volume, bone=Bone.FEMUR, resect_at_mm=120.0)
    found = find_residual_bone(with_axes(volume, order), bone=Bone.FEMUR, resect_at_mm=120.0)
    assert np.array_equal(found.mask, np.transpose(wanted.mask, order))
    assert found.crop_start == tuple(wanted.crop_start[k] for k in order)
    # the same arithmetic on the same numbers; only the order of summation may differ
    np.testing.assert_allclose(found.resection.point_lps, wanted.resection.point_lps, rtol=0, atol=1e-9)
    a, b = find_axis(found, 1.0), find_axis(wanted, 1.0)
    np.testing.assert_allclose(a.points_lps, b.points_lps, rtol=0, atol=1e-6)
