"""Search for the axis, straight or bowed, that stays clear of a surface by as much as it can.

For a small move of an axis (offset, tilt, and for a bow its turn about itself) the distance of a
contour point from it changes linearly, and on a straight axis never by less than the linear value.
Each round is therefore a linear programme: maximise r, one row per contour point, hard rows for what
must hold. The programme has no side valleys; its answer is taken only if the exact distances improve.
All rounds are one kernel. See docs/method/placement.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sizing import _search
from sizing.geometry import FloatArray, Plane, unit
from sizing.reaming.tool_axis import ToolAxis

_ROUNDS = 40
# A round may move the axis by this much at either end; it shrinks when the linear promise was not kept.
_ROOM_MM = 3.0
_LEAST_ROOM_MM = 1e-3
# A round that gains less is the last: a tenth of what a measured radius is good for.
_CONVERGED_MM = 1e-3
# Two points can come nearer to each other by offset, tilt and turn together by this many times the room.
_REACH_ROOMS = 6.0
# Rows of the programme besides those of the points (cone, box, r), and its unknowns, at most.
_OTHER_ROWS, _UNKNOWNS = 19, 6


@dataclass(frozen=True)
class ClearTask:
    """What an axis should stay clear of.

    Attributes
    ----------
    points_lps, margin_mm : (m, n, 3), (m, n) arrays
        Surface, level by level, and what to subtract from the distance of each point; NaN makes no demand.
    from_travel_mm, to_travel_mm : float
        Only points between these travels count, and on every ray the two exactly there; may be infinite.
    lever_mm : float
        Travel at which tilts are measured: about the length of what is placed.
    plane : Plane
        The axis is entered here.
    cone_lps, max_tilt_deg : (3,) array, float
        The direction at the entry stays this near to the cone's.
    """

    points_lps: FloatArray
    margin_mm: FloatArray
    from_travel_mm: float
    to_travel_mm: float
    lever_mm: float
    plane: Plane
    cone_lps: FloatArray
    max_tilt_deg: float

    def thinned(self, step: int) -> ClearTask:
        """Return the same task on every ``step``-th level and ray."""
        points, margin = self.points_lps[::step, ::step], self.margin_mm[::step, ::step]
        return replace(self, points_lps=np.ascontiguousarray(points), margin_mm=np.ascontiguousarray(margin))

    def _what(self, bow_radius_mm: float | None) -> FloatArray:
        travels = (bow_radius_mm or 0.0, self.from_travel_mm, self.to_travel_mm, self.lever_mm)
        place = (*self.plane.point_lps, *self.plane.normal_lps, *self.cone_lps)
        return np.array([*travels, *place, np.radians(self.max_tilt_deg)])

    def _scratch(self) -> tuple[FloatArray, FloatArray]:
        m, n = self.margin_mm.shape
        return np.empty((n, 4)), np.empty(((m + 2) * n, 5))


def clearance_mm(task: ClearTask, axis: ToolAxis) -> float:
    """Return the least distance minus margin of an axis; -inf when it is tilted too much or nothing counts."""
    what = task._what(axis.bow_radius_mm)
    return _search.least_room(task.points_lps, task.margin_mm, _pose(axis), what, *task._scratch())[0]


def climb(
    task: ClearTask, start: ToolAxis, *, room_mm: float = _ROOM_MM, converged_mm: float = _CONVERGED_MM
) -> tuple[ToolAxis, float]:
    """Improve an axis until it stays as clear as it can.

    Parameters
    ----------
    task : ClearTask
        What to stay clear of.
    start : ToolAxis
        Its bow, if any, is kept.
    room_mm : float
        How far the first round may move either end.
    converged_mm : float
        A round that gains less is the last.

    Returns
    -------
    axis : ToolAxis
        Entered at the task's plane.
    clearance_mm : float
        -inf when no axis within the cone was found.
    """
    before, counted = task._scratch()
    rows = np.empty((len(counted) + _OTHER_ROWS, _UNKNOWNS))
    pose = _pose(start)
    found = _search.climb(
        task.points_lps, task.margin_mm, pose, task._what(start.bow_radius_mm), room_mm, converged_mm, _LEAST_ROOM_MM,
        _REACH_ROOMS, _ROUNDS, before, counted, rows, np.empty(len(rows)),
    )  # fmt: skip
    centre = None if start.bow_radius_mm is None else pose[6:9]
    return ToolAxis(pose[:3], pose[3:6], start.bow_radius_mm, centre), found


def _pose(axis: ToolAxis) -> FloatArray:
    return np.concatenate([axis.entry_lps, axis.direction_lps, across(axis)])


def across(axis: ToolAxis) -> FloatArray:
    """Return a unit vector at right angles to the axis at its entry: towards the bow's centre, where there is one."""
    if axis.bow_centre_lps is not None:
        return axis.bow_centre_lps
    d = axis.direction_lps
    return unit(np.cross(d, [1.0, 0.0, 0.0] if abs(d[0]) < 0.7 else [0.0, 1.0, 0.0]))
