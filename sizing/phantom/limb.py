"""Soft tissue round the bone: muscle, fat, skin, air and the table, drawn at the scan's own voxels.

Nothing is measured on these edges, so they need no fine cells.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import FloatArray, VolumeGeometry
from sizing.phantom.shape import AxisTable
from sizing.phantom.spec import PhantomSpec

AIR_HU = -1000.0
EDGE_MM = 0.6  # half width of a drawn edge
TABLE_GAP_MM, TABLE_SHELL_MM, TABLE_CORE_MM = 4.0, 2.0, 18.0
TABLE_SHELL_HU, TABLE_CORE_HU = 150.0, -850.0


def limb_radius_mm(spec: PhantomSpec) -> float:
    """Return the half width of one limb, front to back."""
    return spec.limb.muscle_radius_mm + spec.limb.fat_mm + spec.limb.skin_mm


def table_top_mm(spec: PhantomSpec, axis: AxisTable) -> float:
    """Return the LPS y of the table's surface."""
    return float(axis.points_lps[:, 1].max()) + limb_radius_mm(spec) + TABLE_GAP_MM


def draw_limbs(spec: PhantomSpec, axis: AxisTable, geometry: VolumeGeometry) -> NDArray[np.float32]:
    """Return HU (slice, row, column) of everything but bone."""
    limb = spec.limb
    out = np.empty(geometry.shape, np.float32)
    first = geometry.affine[:3, 3]
    y = (first[1] + geometry.spacing_mm[1] * np.arange(geometry.shape[1]))[:, None]
    x = (first[0] + geometry.spacing_mm[2] * np.arange(geometry.shape[2]))[None, :]
    z = first[2] + geometry.slice_step_mm * np.arange(geometry.shape[0])
    centres = np.stack([np.interp(z, axis.points_lps[:, 2], axis.points_lps[:, i]) for i in (0, 1)], axis=-1)
    offsets = [np.zeros(2)] + [np.array(n.offset_lps[:2]) for n in spec.neighbours if n.own_limb]
    r1 = limb.muscle_radius_mm
    r2, r3 = r1 + limb.fat_mm, r1 + limb.fat_mm + limb.skin_mm
    at, hu = _profile((r1, r2, r3), (limb.muscle_hu, limb.fat_hu, limb.skin_hu, AIR_HU))
    for i in range(geometry.shape[0]):
        squared = [((x - cx) / limb.aspect) ** 2 + (y - cy) ** 2 for cx, cy in centres[i] + offsets]
        near = np.minimum.reduce(squared)
        out[i] = np.interp(np.sqrt(near + _beyond_end(spec, axis, z[i]) ** 2), at, hu)
    if limb.table:
        _draw_table(out, y[:, 0], table_top_mm(spec, axis))
    return out


def _profile(radii: tuple[float, ...], hu: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    """Return the knots of HU over radius: flat, with steep edges at the radii."""
    at = np.array([r + side for r in radii for side in (-EDGE_MM, EDGE_MM)])
    values = np.array([v for a, b in pairwise(hu) for v in (a, b)])
    return at, values


def _beyond_end(spec: PhantomSpec, axis: AxisTable, z_mm: float) -> float:
    """How far a slice lies beyond where the limb starts to round off, below a cut end; else 0."""
    if spec.shape.end_depth_mm is None:
        return 0.0
    end_z = float(np.interp(spec.shape.end_depth_mm, axis.depth_mm, axis.points_lps[:, 2]))
    start_z = end_z - spec.limb.end_cover_mm + limb_radius_mm(spec)
    return max(0.0, start_z - z_mm)


def _draw_table(volume: NDArray[np.float32], y_mm: FloatArray, top_mm: float) -> None:
    depth = y_mm - top_mm
    shell = (depth >= 0) & (depth < TABLE_SHELL_MM)
    core = (depth >= TABLE_SHELL_MM) & (depth < TABLE_SHELL_MM + TABLE_CORE_MM)
    for rows, hu in ((shell, TABLE_SHELL_HU), (core, TABLE_CORE_HU)):
        volume[:, rows] = np.where(volume[:, rows] < AIR_HU + 1, np.float32(hu), volume[:, rows])
