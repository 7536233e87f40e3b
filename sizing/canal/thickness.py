"""Cortical thickness: the normal distance between the endosteal and the periosteal surface, per surface point."""

from __future__ import annotations

import numpy as np

from sizing.canal.model import Canal
from sizing.geometry import FloatArray


def normal_wall_mm(canal: Canal) -> FloatArray:
    """Return the wall (m, n) within each section: nearest distance from an endosteal point to the periosteum.

    NaN where either surface is unknown on that ray.
    """
    start, segment_from, segment_to = (
        canal.contour_xy_mm("endosteal"),
        canal.contour_xy_mm("periosteal"),
        np.roll(canal.contour_xy_mm("periosteal"), -1, axis=1),
    )
    wall = np.full(start.shape[:2], np.nan)
    for i in range(len(wall)):
        wall[i] = _nearest_on_polyline(start[i], segment_from[i], segment_to[i])
    return np.where(canal.measured, wall, np.nan)


def _nearest_on_polyline(points: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the distance (n,) from points (n, 2) to the segments a-b (k, 2); unknown segments are left out."""
    known = np.isfinite(a).all(axis=1) & np.isfinite(b).all(axis=1)
    if not known.any():
        return np.full(len(points), np.nan)
    a, d = a[known], (b - a)[known]
    gap = points[:, None] - a
    t = np.clip((gap * d).sum(-1) / (d * d).sum(-1), 0, 1)
    return np.sqrt(((gap - t[..., None] * d) ** 2).sum(-1).min(axis=1))


def cortical_thickness(canal: Canal) -> FloatArray:
    """Return the local wall (m, n) normal to the surface, mm; NaN where it cannot be told."""
    return normal_wall_mm(canal)
