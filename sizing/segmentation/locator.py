"""A label map from elsewhere (TotalSegmentator, 3D Slicer, ITK-SNAP): it says which bone, not where its edge is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.errors import SegmentationError, UsageError
from sizing.geometry import FloatArray, VolumeGeometry, apply_affine
from sizing.segmentation.shafts import Shaft

# Label maps are often made on 1.5 mm or 3 mm grids: bone this far outside is still meant.
_REACH_MM = 3.0
# A section is held by the labels if so many of its centre and eight points under its rim lie inside.
_HELD_POINTS = 4
_RIM_SHARE = 0.85
# A shaft must be held over this length to be the bone that is meant.
_LEAST_HELD_MM = 20.0


@dataclass(frozen=True, eq=False)
class Locator:
    """Labels on a grid of their own, in the scan's frame of reference.

    Attributes
    ----------
    labels : (slice, row, column) bool or integer array
    geometry : VolumeGeometry
        Of the labels; may differ from the scan's.
    label : int or None
        Which label is the bone; None if there is only one.
    """

    labels: NDArray
    geometry: VolumeGeometry
    label: int | None = None

    def __post_init__(self) -> None:
        if self.labels.ndim != 3 or not (self.labels.dtype == np.bool_ or self.labels.dtype.kind in "iu"):
            raise UsageError(f"labels must be a 3-D bool or integer array, got {self.labels.dtype} {self.labels.shape}")
        if self.labels.shape != self.geometry.shape:
            raise UsageError(f"labels {self.labels.shape} and their geometry {self.geometry.shape} differ in shape")
        present = [int(v) for v in np.unique(self.labels) if v]
        label = self.label
        if label is None:
            if len(present) != 1:
                raise UsageError(f"the label map holds the labels {present or 'none'}: say which one is the bone")
            label = present[0]
        if label not in present:
            raise UsageError(f"label {label} is not in the label map, which holds {present or 'none'}")
        object.__setattr__(self, "label", label)
        self.labels.setflags(write=False)

    def holds(self, points_lps: FloatArray) -> NDArray[np.bool_]:
        """Return which points (..., 3) lie in a voxel of the label."""
        index = np.rint(self.geometry.lps_to_index(points_lps)).astype(np.int64)
        within = ((index >= 0) & (index < self.geometry.shape)).all(axis=-1)
        inside = np.zeros(index.shape[:-1], np.bool_)
        inside[within] = self.labels[tuple(index[within].T)] == self.label
        return inside

    def near(self, grid: VolumeGeometry) -> NDArray[np.bool_]:
        """Return the voxels of a grid that lie in the label or not more than 3 mm outside."""
        from scipy import ndimage

        to_label = np.linalg.inv(self.geometry.affine) @ grid.affine
        # Only the labels under the grid are looked at, not the whole map.
        corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in grid.shape])).reshape(3, -1).T
        reach = np.ceil(_REACH_MM / np.array(self.geometry.spacing_mm)) + 1
        under = apply_affine(to_label, corners)
        low = np.clip(np.floor(under.min(axis=0) - reach).astype(int), 0, self.geometry.shape)
        high = np.clip(np.ceil(under.max(axis=0) + reach).astype(int) + 1, 0, self.geometry.shape)
        part = self.labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] == self.label
        if not part.any():
            return np.zeros(grid.shape, np.bool_)
        # Distance to the label's voxels, positive outside; half a voxel of the label belongs to it.
        outside_mm = ndimage.distance_transform_edt(~part, sampling=self.geometry.spacing_mm)
        offset = to_label[:3, 3] - low
        on_grid = ndimage.affine_transform(
            outside_mm.astype(np.float32), to_label[:3, :3], offset, grid.shape, order=1, cval=np.inf
        )
        return on_grid <= _REACH_MM + max(self.geometry.spacing_mm) / 2


def held_shaft(locator: Locator, shafts: list[Shaft]) -> Shaft:
    """Return the shaft that a locator points at.

    Raises
    ------
    SegmentationError
        CF-S011 if it points at none.
    """
    best, best_mm = None, 0.0
    for shaft in shafts:
        held_mm = shaft.length_mm * float(_held_sections(locator, shaft).mean())
        if held_mm > best_mm:
            best, best_mm = shaft, held_mm
    if best is None or best_mm < _LEAST_HELD_MM:
        raise SegmentationError(
            "CF-S011",
            "the label map points at no long-bone shaft in this scan",
            measured=f"{best_mm:.0f} mm of a shaft inside the label",
            expected=f"at least {_LEAST_HELD_MM:g} mm",
            advice="Check that the label map belongs to this scan (frame of reference) and that the label is the bone.",
        )
    return best


def _held_sections(locator: Locator, shaft: Shaft) -> NDArray[np.bool_]:
    u = np.cross(shaft.direction_lps, np.eye(3)[int(np.argmin(np.abs(shaft.direction_lps)))])
    u /= np.linalg.norm(u)
    v = np.cross(shaft.direction_lps, u)
    turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    rim = np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * v
    radius = _RIM_SHARE * np.sqrt(shaft.area_mm2 / np.pi)
    points = shaft.centres_lps[:, None] + radius[:, None, None] * np.concatenate([np.zeros((1, 3)), rim])
    return np.asarray(locator.holds(points).sum(axis=1) >= _HELD_POINTS)
