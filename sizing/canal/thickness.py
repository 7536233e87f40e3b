"""Cortical thickness: the distance in space from each endosteal point to the periosteal surface."""

from __future__ import annotations

import numpy as np

from sizing import _sections
from sizing.canal.model import Canal
from sizing.geometry import FloatArray

# Facets of the periosteum no longer than this round the section: their chords then lie within 1 um of the curve.
FACET_MM = 0.35
# The nearest point lies within this multiple of the thickest wall, round the section.
REACH_WALLS = 1.0
END_MM = 10.0


def cortical_thickness(canal: Canal) -> FloatArray:
    """Return the local wall (m, n), mm, normal to the periosteum; NaN where either surface is unknown on the ray.

    The value belongs to the endosteal vertex of the same level and ray (``canal.contour_lps()``).
    """
    points, surface = canal.contour_lps("endosteal"), canal.contour_lps("periosteal")
    if not canal.measured.any():
        return np.full(canal.measured.shape, np.nan)
    # both ends are drawn straight on: the nearest point of a flaring bone may lie beyond the last level
    if len(points) == 1:
        beyond = END_MM * canal.axis.s_lps[0], -END_MM * canal.axis.s_lps[0]
    else:
        step = canal.axis.depth_mm[[1, -1]] - canal.axis.depth_mm[[0, -2]]
        beyond = (surface[0] - surface[1]) * END_MM / step[0], (surface[-1] - surface[-2]) * END_MM / step[1]
    surface = np.concatenate([surface[:1] + beyond[0], surface, surface[-1:] + beyond[1]])
    nowhere = np.full_like(points[:1], np.nan)
    points = np.concatenate([nowhere, points, nowhere])
    outer = canal.periosteal_radius_mm
    arc = 2 * np.pi * float(np.nanmax(outer)) / outer.shape[1]
    factor = max(1, int(np.ceil(arc / FACET_MM)))
    dense = denser(surface, factor)
    reach = int(np.ceil(REACH_WALLS * float(np.nanmax(canal.wall_radial_mm)) / arc * factor)) + 1
    wall = np.empty(points.shape[:2])
    _sections.nearest_on_surface(
        np.ascontiguousarray(points), np.ascontiguousarray(dense), min(reach, dense.shape[1] // 2), wall
    )
    return np.where(canal.measured, wall[1:-1], np.nan)


def denser(points: FloatArray, factor: int) -> FloatArray:
    """Return closed contours (m, n, 3) with ``factor`` points for each: cubic between neighbours, else straight."""
    before, here, after, beyond = (np.roll(points, k, axis=1) for k in (1, 0, -1, -2))
    out = np.empty((points.shape[0], points.shape[1], factor, 3))
    for i in range(factor):
        t = i / factor
        line = here + t * (after - here) if i else here
        bend = t * (1 - t) / 2 * ((1 - t) * (2 * here - before - after) + t * (2 * after - here - beyond))
        out[:, :, i] = np.where(np.isfinite(bend), line + bend, line) if i else here
    return out.reshape(points.shape[0], -1, 3)
