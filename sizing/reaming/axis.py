"""A straight tool axis: fitted to the canal's centres, then moved to where it keeps most clearance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from sizing.canal.model import Canal
from sizing.errors import ReamingError
from sizing.geometry import FloatArray, unit
from sizing.reaming.model import ToolAxis
from sizing.reaming.widest import widest_clearance

# The clearance is linear in the axis only near the axis it was linearised at; a few rounds make it exact.
_ROUNDS = 30
_CONVERGED_MM = 1e-7


class Clearance(StrEnum):
    """What a straight axis should stay clear of."""

    WALL = "wall"  # the periosteum: the wall left by a reamer on this axis is greatest
    CANAL = "canal"  # the endosteum: the widest straight cylinder inside the canal


@dataclass(frozen=True, slots=True)
class AxisLimits:
    """How far the search may go from the line through the canal's centres."""

    offset_mm: float = 15.0
    slope: float = 0.2  # tangent of the angle, about 11 degrees


def centre_line(canal: Canal, from_depth_mm: float, to_depth_mm: float) -> ToolAxis:
    """Fit a straight line to the centroids of the canal between two depths (least squares).

    Raises
    ------
    ReamingError
        CF-R007 when fewer than two measured levels lie between the depths.
    """
    centres, depth = _centroids_lps(canal)
    use = np.isfinite(centres[:, 0]) & (depth >= from_depth_mm - 1e-9) & (depth <= to_depth_mm + 1e-9)
    if use.sum() < 2:
        raise ReamingError(
            "CF-R007",
            "no straight axis can be placed: fewer than two measured levels",
            where=f"depth {from_depth_mm:g} to {to_depth_mm:g} mm",
            measured=f"{int(use.sum())} levels",
            advice="Choose depths within the measured canal",
        )
    points = centres[use]
    mean = points.mean(axis=0)
    direction = np.linalg.svd(points - mean, full_matrices=False)[2][0]
    if direction @ canal.axis.s_lps[np.flatnonzero(use)[0]] < 0:
        direction = -direction
    return _through(canal, mean, direction)


def best_rigid_axis(
    canal: Canal,
    from_depth_mm: float,
    to_depth_mm: float,
    *,
    keep_clear_of: Clearance = Clearance.WALL,
    limits: AxisLimits | None = None,
) -> ToolAxis:
    """Place a straight axis so that it keeps the greatest clearance between two depths.

    Starts from the line through the canal's centres; then a sequence of linear programmes, one
    constraint per contour point, each linearised at the axis before (constraint generation).

    Parameters
    ----------
    canal : Canal
        Only its measured points count.
    from_depth_mm, to_depth_mm : float
        The stretch that counts.
    keep_clear_of : Clearance
        ``WALL``: the least distance from the axis to the periosteum becomes as large as it can, and so
        does the wall left by any straight reamer. ``CANAL``: the widest straight cylinder in the canal.
    limits : AxisLimits, optional
        How far the search may go.

    Returns
    -------
    ToolAxis

    Raises
    ------
    ReamingError
        CF-R007 when too little of the canal is measured there.
    """
    return widest_cylinder(canal, from_depth_mm, to_depth_mm, keep_clear_of, limits)[0]


def widest_cylinder(
    canal: Canal,
    from_depth_mm: float,
    to_depth_mm: float,
    keep_clear_of: Clearance = Clearance.CANAL,
    limits: AxisLimits | None = None,
) -> tuple[ToolAxis, float]:
    """Return the axis of the widest straight cylinder between two depths, and its diameter in mm.

    See ``best_rigid_axis`` for the arguments and errors.
    """
    limits = limits or AxisLimits()
    axis = start = centre_line(canal, from_depth_mm, to_depth_mm)
    points = _points_between(canal, from_depth_mm, to_depth_mm, keep_clear_of)
    radius = clearance_mm(axis, points)
    for _ in range(_ROUNDS):
        moved = _improve(canal, axis, start, points, limits)
        gained = clearance_mm(moved, points)
        if gained <= radius + _CONVERGED_MM:
            break
        axis, radius = moved, gained
    return axis, 2.0 * radius


def clearance_mm(axis: ToolAxis, points_lps: FloatArray) -> float:
    """Return the least distance of the points (n, 3) to a straight axis."""
    relative = points_lps - axis.entry_lps
    along = relative @ axis.direction_lps
    return float(np.sqrt(np.min(np.einsum("ij,ij->i", relative, relative) - along**2)))


def _improve(canal: Canal, axis: ToolAxis, start: ToolAxis, points: FloatArray, limits: AxisLimits) -> ToolAxis:
    """One linear programme, written in the frame of the current axis.

    For a point at travel t and in-plane position q, the distance to an axis moved by x + t m is at
    least e . (q - x - t m) with e = q / |q|: a straight underestimate, so a step never promises too much.
    """
    d = axis.direction_lps
    e1 = unit(np.cross(d, [1.0, 0.0, 0.0] if abs(d[0]) < 0.7 else [0.0, 1.0, 0.0]))
    e2 = np.cross(d, e1)
    relative = points - axis.entry_lps
    t = relative @ d
    middle = 0.5 * (t.min() + t.max())
    half = max(0.5 * (t.max() - t.min()), 1.0)
    q = np.stack([relative @ e1, relative @ e2], axis=1)
    distance = np.linalg.norm(q, axis=1)
    e = q / distance[:, None]
    lever = ((t - middle) / half)[:, None]  # slopes enter as mm at the end: all unknowns in one unit
    normals = np.concatenate([e, e * lever], axis=1)
    room = np.array([limits.offset_mm, limits.offset_mm, limits.slope * half, limits.slope * half])
    v, _ = widest_clearance(normals, distance, room)
    moved_at = axis.entry_lps + middle * d + v[0] * e1 + v[1] * e2
    direction = unit(d + (v[2] * e1 + v[3] * e2) / half)
    if direction @ start.direction_lps < np.cos(np.arctan(limits.slope)):
        return axis
    return _through(canal, moved_at, direction)


def _through(canal: Canal, point_lps: FloatArray, direction_lps: FloatArray) -> ToolAxis:
    """A straight axis through a point, entered at the resection plane."""
    plane = canal.resection
    assert plane is not None  # set by Canal at birth
    climb = float(direction_lps @ plane.normal_lps)
    if abs(climb) < 0.2:
        raise ReamingError(
            "CF-R008",
            "the tool axis runs along the cut end instead of into the bone",
            measured=f"{np.degrees(np.arccos(abs(climb))):.0f} degrees off the plane's normal",
        )
    entry = point_lps - float(plane.signed_distance_mm(point_lps)) / climb * direction_lps
    return ToolAxis(entry, direction_lps)


def _centroids_lps(canal: Canal) -> tuple[FloatArray, FloatArray]:
    """Area centroids (m, 3) of the canal; NaN where any ray of a level is unmeasured."""
    r = canal.endosteal_radius_mm
    area2 = np.sum(r**2, axis=1)
    x = 2.0 / 3.0 * np.sum(r**3 * np.cos(canal.theta_rad), axis=1) / area2
    y = 2.0 / 3.0 * np.sum(r**3 * np.sin(canal.theta_rad), axis=1) / area2
    a = canal.axis
    return a.points_lps + x[:, None] * a.u_lps + y[:, None] * a.v_lps, a.depth_mm


def _points_between(canal: Canal, low_mm: float, high_mm: float, clear_of: Clearance) -> FloatArray:
    surface = "periosteal" if clear_of is Clearance.WALL else "endosteal"
    depth = canal.axis.depth_mm
    use = (depth >= low_mm - 1e-9) & (depth <= high_mm + 1e-9)
    points = canal.contour_lps(surface)[use].reshape(-1, 3)
    return points[np.isfinite(points[:, 0])]
