"""Scans sliced from the side or the front: looked at as slices across the limb while the bone is sought.

The search follows sections of the bone from slice to slice, which needs slices that cross the shaft. A sagittal or
coronal series has the same voxels in another order, so its axes are exchanged for the search and back afterwards.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sizing.geometry import VolumeGeometry
from sizing.segmentation.model import ResidualBone
from sizing.volume import CtVolume


def axis_along_body(geometry: VolumeGeometry) -> int:
    """Return the array axis (0 slice, 1 row, 2 column) whose steps run most nearly from feet to head."""
    along = np.abs(geometry.affine[2, :3]) / np.array(geometry.spacing_mm)
    return int(np.argmax(along))


def sliced_across(bone: ResidualBone) -> ResidualBone:
    """Return the bone with the array axis that runs most nearly along its shaft as its slices."""
    g = bone.geometry
    along = np.abs(bone.proximal_lps @ g.affine[:3, :3]) / np.array(g.spacing_mm)
    axis = int(np.argmax(along))
    return bone if axis == 0 else exchanged(bone, axis)


def across_limb(volume: CtVolume, axis: int) -> CtVolume:
    """Return the volume with this axis as its slices (a copy: such series are rare)."""
    hu = np.ascontiguousarray(np.swapaxes(volume.hu, 0, axis))
    return CtVolume(hu, _exchanged(volume.geometry, axis), volume.info)


def exchanged(bone: ResidualBone, axis: int) -> ResidualBone:
    """Return the same bone with this array axis and the first one exchanged; twice gives it back."""
    order = _order(axis)
    s = bone.crop_start
    mask = np.ascontiguousarray(np.swapaxes(bone.mask, 0, axis))
    return replace(
        bone, mask=mask, geometry=_exchanged(bone.geometry, axis), crop_start=(s[order[0]], s[order[1]], s[order[2]])
    )


def _exchanged(geometry: VolumeGeometry, axis: int) -> VolumeGeometry:
    order, n = _order(axis), geometry.shape
    return VolumeGeometry((n[order[0]], n[order[1]], n[order[2]]), geometry.affine[:, order])


def _order(axis: int) -> list[int]:
    """Columns of the affine with this axis and the first one exchanged."""
    order = [0, 1, 2, 3]
    order[0], order[axis] = axis, 0
    return order
