"""Coordinates along the tool's axis: across, across, travel. For a bowed axis the arc is unrolled.

Slices "along the stem" are taken in this frame, so that a straight stem lies in a plane of the
patient and a bowed one on the ruled surface through its axis; in both the stem is drawn true.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sizing.geometry import FloatArray, unit
from sizing.reaming.model import ToolAxis


@dataclass(frozen=True)
class StemFrame:
    """Frame of one tool axis.

    Attributes
    ----------
    axis : ToolAxis
    right_lps, front_lps : (3,) arrays
        Unit vectors across the axis at its entry. Seen from the front with the proximal end up,
        ``right_lps`` points to the right of the picture.
    """

    axis: ToolAxis
    right_lps: FloatArray
    front_lps: FloatArray

    @classmethod
    def of(cls, axis: ToolAxis, front_lps: ArrayLike) -> StemFrame:
        """Build the frame whose front is the given direction, made perpendicular to the axis."""
        d = axis.direction_lps
        front = np.asarray(front_lps, float)
        front = unit(front - (front @ d) * d)
        return cls(axis, np.cross(d, front), front)

    def to_lps(self, right_mm: ArrayLike, front_mm: ArrayLike, travel_mm: ArrayLike) -> FloatArray:
        """Map frame coordinates (broadcast together) to LPS points (..., 3)."""
        right, front, travel = (np.asarray(a, float) for a in (right_mm, front_mm, travel_mm))
        centre = self.axis.point_at(travel)
        if self.axis.bow_radius_mm is None:
            return centre + right[..., None] * self.right_lps + front[..., None] * self.front_lps
        d, c, k = self._bow_frame()
        across = right[..., None] * self.right_lps + front[..., None] * self.front_lps
        angle = (travel / self.axis.bow_radius_mm)[..., None]
        towards = np.cos(angle) * c - np.sin(angle) * d
        return centre + (across @ c)[..., None] * towards + (across @ k)[..., None] * k

    def from_lps(self, points_lps: ArrayLike) -> FloatArray:
        """Map LPS points (..., 3) to (right, front, travel) in mm (..., 3)."""
        p = np.asarray(points_lps, float) - self.axis.entry_lps
        if self.axis.bow_radius_mm is None:
            return np.stack([p @ self.right_lps, p @ self.front_lps, p @ self.axis.direction_lps], axis=-1)
        d, c, k = self._bow_frame()
        radius = self.axis.bow_radius_mm
        along, inward, side = p @ d, p @ c, p @ k
        travel = radius * np.arctan2(along, radius - inward)
        towards = radius - np.hypot(along, radius - inward)
        across = towards[..., None] * c + side[..., None] * k
        return np.stack([across @ self.right_lps, across @ self.front_lps, travel], axis=-1)

    def _bow_frame(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        d, c = self.axis.direction_lps, self.axis.bow_centre_lps
        assert c is not None
        return d, c, np.cross(d, c)
