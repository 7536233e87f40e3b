"""A rigid tool axis: fitted to the canal's centres, then moved to where it keeps most clearance.

The clearance of an axis is its least distance to a surface; ``climb`` makes it as large as it can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from sizing.canal.gaps import bridge_gaps
from sizing.canal.model import Canal
from sizing.errors import ReamingError
from sizing.geometry import FloatArray, unit
from sizing.reaming.climb import ClearTask, across, climb
from sizing.reaming.tool_axis import ToolAxis

_CONVERGED_MM = 1e-5
# The first rounds look at every so-manieth level and ray, the last ones, for what is left to do, at all.
_THINNED = 2
_LAST_ROOM_MM = 0.3
# A level shows where its middle is when this share of its rays is measured: a hole in the wall is narrower.
_SEEN_SHARE = 0.75
# Newton steps from the middle of a bow back to the cut plane; the error squares each time.
_STEPS_TO_PLANE = 8


class Clearance(StrEnum):
    """What an axis should stay clear of."""

    WALL = "wall"  # the periosteum: the wall left by a reamer on this axis is greatest
    CANAL = "canal"  # the endosteum: the widest cylinder inside the canal


@dataclass(frozen=True, slots=True)
class AxisLimits:
    """How far one round of the search may move the axis, and how far it may lean from the canal's line."""

    offset_mm: float = 15.0
    slope: float = 0.2  # tangent of the angle, about 11 degrees


def centre_line(canal: Canal, from_depth_mm: float, to_depth_mm: float) -> ToolAxis:
    """Fit a straight line to the centroids of the canal between two depths (least squares).

    Raises
    ------
    ReamingError
        CF-R007 when fewer than two measured levels lie between the depths.
    """
    centres, depth = centroids_lps(canal)
    use = np.isfinite(centres[:, 0]) & (depth >= from_depth_mm - 1e-9) & (depth <= to_depth_mm + 1e-9)
    if use.sum() < 2:
        raise ReamingError(
            "CF-R007",
            "no axis can be placed: fewer than two measured levels",
            where=f"depth {from_depth_mm:g} to {to_depth_mm:g} mm",
            measured=f"{int(use.sum())} levels",
            advice="Choose depths within the measured canal",
        )
    points = centres[use]
    mean = points.mean(axis=0)
    direction = np.linalg.svd(points - mean, full_matrices=False)[2][0]
    if direction @ canal.axis.s_lps[np.flatnonzero(use)[0]] < 0:
        direction = -direction
    return axis_through(canal, mean, direction)


def best_rigid_axis(
    canal: Canal,
    from_depth_mm: float,
    to_depth_mm: float,
    *,
    keep_clear_of: Clearance = Clearance.WALL,
    bow_radius_mm: float | None = None,
    limits: AxisLimits | None = None,
) -> ToolAxis:
    """Place a straight or bowed axis so that it keeps the greatest clearance between two depths.

    Parameters
    ----------
    canal : Canal
        Only its measured points count.
    from_depth_mm, to_depth_mm : float
        The stretch that counts.
    keep_clear_of : Clearance
        ``WALL``: the least distance from the axis to the periosteum becomes as large as it can, and so
        does the wall left by any reamer on it. ``CANAL``: the widest cylinder in the canal.
    bow_radius_mm : float, optional
        None: straight. Else the axis is an arc of this radius, and its turn about itself is searched too.
    limits : AxisLimits, optional
        How far the search may go.

    Raises
    ------
    ReamingError
        CF-R007 when too little of the canal is measured there.
    """
    return widest_cylinder(canal, from_depth_mm, to_depth_mm, keep_clear_of, bow_radius_mm, limits)[0]


def widest_cylinder(
    canal: Canal,
    from_depth_mm: float,
    to_depth_mm: float,
    keep_clear_of: Clearance = Clearance.CANAL,
    bow_radius_mm: float | None = None,
    limits: AxisLimits | None = None,
) -> tuple[ToolAxis, float]:
    """Return the axis of the widest cylinder (straight, or of one bow) between two depths, and its diameter in mm.

    See ``best_rigid_axis`` for the arguments and errors.
    """
    straight = centre_line(canal, from_depth_mm, to_depth_mm)
    starts = [straight]
    if bow_radius_mm is not None:
        starts = _bowed_starts(canal, straight, from_depth_mm, to_depth_mm, bow_radius_mm)
    found = [widen(canal, s, from_depth_mm, to_depth_mm, keep_clear_of, limits) for s in starts]
    return max(found, key=lambda f: f[1])


def widen(
    canal: Canal,
    start: ToolAxis,
    from_depth_mm: float,
    to_depth_mm: float,
    keep_clear_of: Clearance = Clearance.CANAL,
    limits: AxisLimits | None = None,
) -> tuple[ToolAxis, float]:
    """Move an axis to where its cylinder is widest, and return it with that diameter in mm; see ``best_rigid_axis``."""
    limits = limits or AxisLimits()
    task = _between(canal, start, from_depth_mm, to_depth_mm, keep_clear_of, limits)
    axis, _ = climb(task.thinned(_THINNED), start, room_mm=limits.offset_mm)
    axis, radius = climb(task, axis, room_mm=_LAST_ROOM_MM, converged_mm=_CONVERGED_MM)
    return axis, 2.0 * radius


def unrolled(axis: ToolAxis, points_lps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return travel (n,) and position across the axis (n, 2), towards the bow's centre and at right angles to it."""
    d = axis.direction_lps
    towards = across(axis)
    relative = points_lps - axis.entry_lps
    t, x, y = relative @ d, relative @ towards, relative @ np.cross(d, towards)
    if axis.bow_radius_mm is None:
        return t, np.stack([x, y], axis=1)
    bow = axis.bow_radius_mm
    return bow * np.arctan2(t, bow - x), np.stack([bow - np.hypot(bow - x, t), y], axis=1)


def axis_through(
    canal: Canal,
    point_lps: FloatArray,
    direction_lps: FloatArray,
    bow_radius_mm: float | None = None,
    bow_centre_lps: FloatArray | None = None,
) -> ToolAxis:
    """Return the axis through a point with this direction (and bow) there, entered at the resection plane.

    Raises
    ------
    ReamingError
        CF-R008 when it runs along the cut end instead of into the bone.
    """
    plane = canal.resection
    assert plane is not None  # set by Canal at birth
    here = ToolAxis(point_lps, direction_lps, bow_radius_mm, bow_centre_lps)
    travel = 0.0
    for _ in range(1 if bow_radius_mm is None else _STEPS_TO_PLANE):
        climb = float(here.direction_at(travel) @ plane.normal_lps)
        if abs(climb) < 0.2:
            raise ReamingError(
                "CF-R008",
                "the tool axis runs along the cut end instead of into the bone",
                measured=f"{np.degrees(np.arccos(min(abs(climb), 1.0))):.0f} degrees off the plane's normal",
            )
        travel -= float(plane.signed_distance_mm(here.point_at(travel))) / climb
    centre = None if bow_radius_mm is None else here.curvature_at(travel)
    return ToolAxis(here.point_at(travel), here.direction_at(travel), bow_radius_mm, centre)


def _bowed_starts(canal: Canal, straight: ToolAxis, low_mm: float, high_mm: float, bow: float) -> list[ToolAxis]:
    """Bowed towards the canal's own bow, and the three other quarters: whichever turn the search has to find."""
    centres, depth = centroids_lps(canal)
    use = np.isfinite(centres[:, 0]) & (depth >= low_mm - 1e-9) & (depth <= high_mm + 1e-9)
    s, q = unrolled(straight, centres[use])
    middle = 0.5 * (s.min() + s.max())
    bend = np.polyfit(s - middle, q, 2)[0] if len(s) > 2 else np.zeros(2)
    if not np.linalg.norm(bend) > 0:
        bend = np.array([1.0, 0.0])
    towards = across(straight)
    own = unit(bend[0] * towards + bend[1] * np.cross(straight.direction_lps, towards))
    side = np.cross(straight.direction_lps, own)
    # a bow's middle lies off the chord by a third of its sagitta when the ends stay on it
    return [
        axis_through(canal, straight.point_at(middle), straight.direction_lps, bow, way)
        for way in (own, side, -own, -side)
    ]


def centroids_lps(canal: Canal) -> tuple[FloatArray, FloatArray]:
    """Area centroids (m, 3) of the canal; gaps are bridged, NaN where too much of a level is unmeasured."""
    r = bridge_gaps(canal.endosteal_radius_mm, canal.theta_rad, _SEEN_SHARE)
    area2 = np.sum(r**2, axis=1)
    x = 2.0 / 3.0 * np.sum(r**3 * np.cos(canal.theta_rad), axis=1) / area2
    y = 2.0 / 3.0 * np.sum(r**3 * np.sin(canal.theta_rad), axis=1) / area2
    a = canal.axis
    return a.points_lps + x[:, None] * a.u_lps + y[:, None] * a.v_lps, a.depth_mm


def _between(
    canal: Canal, start: ToolAxis, low_mm: float, high_mm: float, clear_of: Clearance, limits: AxisLimits
) -> ClearTask:
    """Every measured point of a surface between two depths, wherever along the axis it then lies."""
    surface = "periosteal" if clear_of is Clearance.WALL else "endosteal"
    depth, plane = canal.axis.depth_mm, canal.resection
    assert plane is not None  # set by Canal at birth
    use = (depth >= low_mm - 1e-9) & (depth <= high_mm + 1e-9)
    points = canal.contour_lps(surface)[use]
    points[plane.signed_distance_mm(points) < -1e-6] = np.nan  # what the saw took needs no clearance
    return ClearTask(
        points, np.zeros(points.shape[:2]), -np.inf, np.inf, max(high_mm - float(depth[0]), 1.0), plane,
        start.direction_lps, float(np.degrees(np.arctan(limits.slope))),
    )  # fmt: skip
