"""Heights along a bone: one straight axis, and the centre line that bows about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sizing.geometry import FloatArray, VolumeGeometry, unit
from sizing.segmentation.shafts import Shaft

# The facing plane stands on the shaft above it, not on the chord of a bowed bone: 300 mm of femur turn by 18°.
_FACING_SPAN_MM = 100.0
# Fewer centres than this do not make a direction of their own; the straight axis is taken then.
_LEAST_CENTRES = 5


@dataclass(frozen=True)
class ShaftAxis:
    """Straight axis of a shaft with its centre line.

    Attributes
    ----------
    origin_lps, proximal_lps : (3,) array
        Height 0 and the unit vector along which heights grow.
    height_mm : (m,) array
        Of the section centres, ascending.
    centre_lps : (m, 3) array
    """

    origin_lps: FloatArray
    proximal_lps: FloatArray
    height_mm: FloatArray
    centre_lps: FloatArray

    @classmethod
    def of(cls, shaft: Shaft, proximal_lps: FloatArray) -> ShaftAxis:
        """Return the axis of a shaft; sections that the field of view cuts have no true centre and are left out."""
        centres = shaft.centres_lps[~shaft.cut]
        origin = np.asarray(centres.mean(axis=0))
        height = (centres - origin) @ proximal_lps
        order = np.argsort(height)
        return cls(origin, proximal_lps, height[order], centres[order])

    def above(self, height_mm: float) -> ShaftAxis:
        """Return the same axis without the centres below a height, where spurs draw them aside."""
        kept = self.height_mm >= height_mm
        if kept.sum() < _LEAST_CENTRES:
            return self
        return replace(self, height_mm=self.height_mm[kept], centre_lps=self.centre_lps[kept])

    def heights(self, points_lps: ArrayLike) -> FloatArray:
        """Return the heights (...,) of points (..., 3)."""
        return np.asarray((np.asarray(points_lps, np.float64) - self.origin_lps) @ self.proximal_lps)

    def height_grid(self, geometry: VolumeGeometry) -> NDArray[np.float32]:
        """Return the heights of all voxels of a grid, (slice, row, column)."""
        per_step = geometry.affine[:3, :3].T @ self.proximal_lps
        s, r, c = (k * np.arange(n) for k, n in zip(per_step, geometry.shape, strict=True))
        start = float(self.heights(geometry.affine[:3, 3]))
        plane = (r[:, None] + c[None, :]).astype(np.float32)
        return (s + start).astype(np.float32)[:, None, None] + plane

    def centre_at(self, height_mm: ArrayLike) -> FloatArray:
        """Return centres (..., 3) at heights (...,); beyond the last section straight on along the end's direction."""
        h = np.asarray(height_mm, np.float64)
        line = np.stack([np.interp(h, self.height_mm, self.centre_lps[:, k]) for k in range(3)], axis=-1)
        low, high = self.height_mm[0], self.height_mm[-1]
        ends = ((np.minimum(h - low, 0.0), low), (np.maximum(h - high, 0.0), high - _FACING_SPAN_MM))
        for beyond, base in ends:
            direction = self.direction_above(float(base))
            line = line + beyond[..., None] * direction / (direction @ self.proximal_lps)
        return line

    def direction_above(self, height_mm: float) -> FloatArray:
        """Return the unit direction of the centre line over the 100 mm above a height (fewer at the bone's end)."""
        start = min(max(height_mm, self.height_mm[0]), self.height_mm[-1] - _FACING_SPAN_MM)
        near = (self.height_mm >= start - 1e-6) & (self.height_mm <= start + _FACING_SPAN_MM + 1e-6)
        if near.sum() < _LEAST_CENTRES:
            return self.proximal_lps
        slope = np.polyfit(self.height_mm[near], self.centre_lps[near], 1)[0]
        return unit(slope)
