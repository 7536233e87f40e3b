"""Search for the axis, straight or bowed, that stays clear of a surface by as much as it can.

For a small move of an axis (offset, tilt, and for a bow its turn about itself) the distance of a
contour point from it changes linearly, and on a straight axis never by less than the linear value.
Each round is therefore a linear programme: maximise r, one row per contour point, hard rows for what
must hold. The programme has no side valleys; its answer is taken only if the exact distances improve.
See docs/method/placement.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sizing import _search
from sizing.canal.model import Canal
from sizing.fit.view import axis_frame
from sizing.geometry import FloatArray, unit
from sizing.reaming import ToolAxis
from sizing.reaming.widest import widest_clearance

_ROUNDS = 25
# A round may move the axis by this much at either end; it shrinks when the linear promise was not kept.
_FIRST_ROOM_MM = 3.0
_LAST_ROOM_MM = 0.3
_LEAST_ROOM_MM = 1e-3
# A round that gains less is the last: a tenth of what a measured radius is good for.
_CONVERGED_MM = 1e-3
# Two points can come nearer to each other by offset, tilt and turn together by this many times the room.
_REACH_ROOMS = 6.0


@dataclass(frozen=True)
class Task:
    """What an axis should do between its entry and ``length_mm``.

    Attributes
    ----------
    canal : Canal
    length_mm : float
        Only contour points at a travel between 0 and this count.
    clear_of_lps, margin_mm : (m, n, 3), (m, n) arrays
        Surface to stay clear of; r is the least of distance minus margin.
    max_tilt_deg : float
        Against the normal of the cut.
    """

    canal: Canal
    length_mm: float
    clear_of_lps: FloatArray
    margin_mm: FloatArray
    max_tilt_deg: float

    def thinned(self, step: int) -> Task:
        """Return the same task on every ``step``-th level and ray."""
        points, margin = self.clear_of_lps[::step, ::step], self.margin_mm[::step, ::step]
        return replace(self, clear_of_lps=np.ascontiguousarray(points), margin_mm=np.ascontiguousarray(margin))


@dataclass(frozen=True)
class _Pose:
    """One axis with the contour points that count for it."""

    axis: ToolAxis
    frame: FloatArray
    position: FloatArray
    travel: FloatArray
    room: FloatArray
    clearance_mm: float


def clearance_mm(task: Task, axis: ToolAxis) -> float:
    """Return the exact clearance r of an axis; -inf when it is tilted too much."""
    return _pose(task, axis).clearance_mm


def search_axis(task: Task, start: ToolAxis) -> tuple[ToolAxis, float]:
    """Improve an axis until it stays as clear as it can.

    Parameters
    ----------
    task : Task
        What to stay clear of.
    start : ToolAxis
        Its bow, if any, is kept.

    Returns
    -------
    axis : ToolAxis
        Entered at the cut.
    clearance_mm : float
        -inf when no axis within the tilt limit was found.
    """
    # The surface is smooth, so a quarter of its points leads to within a few hundredths of a mm.
    axis, _ = _climb(task.thinned(2), start, _FIRST_ROOM_MM)
    return _climb(task, axis, _LAST_ROOM_MM)


def _climb(task: Task, start: ToolAxis, room_mm: float) -> tuple[ToolAxis, float]:
    """Take rounds until one gains next to nothing."""
    pose, room = _pose(task, start), room_mm
    for _ in range(_ROUNDS):
        axis, step = _improved(task, pose, room)
        moved = _pose(task, axis)
        gain = moved.clearance_mm - pose.clearance_mm
        if gain > 0:
            pose = moved
            room = min(room, max(3 * step, _LEAST_ROOM_MM))  # the next move is much smaller
        else:
            room /= 4
        if 0 < gain < _CONVERGED_MM or room < _LEAST_ROOM_MM:
            break
    return pose.axis, pose.clearance_mm


def _improved(task: Task, pose: _Pose, room_mm: float) -> tuple[ToolAxis, float]:
    """Solve one linear programme about the current axis; return the moved axis and the largest move in mm."""
    axis, frame, room = pose.axis, pose.frame, pose.room
    if not len(room):
        return axis, 0.0
    # A point this far beyond the least one cannot become the least within the room.
    near = room <= room.min() + _REACH_ROOMS * room_mm
    rows = _rows(task, axis, pose.position[near], pose.travel[near])
    hard_rows, hard_offsets = _tilt_rows(task, axis, frame)
    v, _ = widest_clearance(
        np.vstack([rows, hard_rows]),
        np.append(room[near], hard_offsets),
        np.full(rows.shape[1], room_mm),
        np.append(np.ones(len(rows)), np.zeros(len(hard_rows))),
    )
    return _moved(task, axis, frame, v), float(np.abs(v).max())


def _rows(task: Task, axis: ToolAxis, position: FloatArray, travel: FloatArray) -> FloatArray:
    """Rows a with a . v + r <= room, for v = (shift x, shift y, tilt x, tilt y[, turn]) in mm.

    Tilts are measured as the shift they make at the far end, the turn as the shift it makes there.
    """
    e = position / np.hypot(position[:, 0], position[:, 1])[:, None]
    radius = axis.bow_radius_mm
    if radius is None:
        lever = travel / task.length_mm
        columns = [e[:, 0], e[:, 1], e[:, 0] * lever, e[:, 1] * lever]
    else:
        angle, far = travel / radius, task.length_mm / radius
        lever = np.sin(angle) / np.sin(far)
        turn = (1 - np.cos(angle)) / (1 - np.cos(far))
        columns = [e[:, 0] * np.cos(angle), e[:, 1], e[:, 0] * lever, e[:, 1] * lever, e[:, 1] * turn]
    return np.stack(columns, axis=1)


def _tilt_rows(task: Task, axis: ToolAxis, frame: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rows that keep the direction within a cone about the cut's normal (an octagon inside the cone)."""
    assert task.canal.resection is not None  # set by Canal at birth
    normal = task.canal.resection.normal_lps
    across_now = frame[1:] @ normal / (frame[0] @ normal)  # slope of the normal seen from the axis
    limit = np.tan(np.radians(task.max_tilt_deg)) * np.cos(np.pi / 8)
    around = np.arange(8) * np.pi / 4
    e = np.stack([np.cos(around), np.sin(around)], axis=1)
    rows = np.zeros((8, 4 if axis.bow_radius_mm is None else 5))
    rows[:, 2:4] = e / task.length_mm
    return rows, limit + e @ across_now


def _moved(task: Task, axis: ToolAxis, frame: FloatArray, v: FloatArray) -> ToolAxis:
    """Shift, tilt and turn an axis, and enter it at the cut again."""
    d, x, y = frame
    point = axis.entry_lps + v[0] * x + v[1] * y
    radius = axis.bow_radius_mm
    if radius is None:
        return entered_at_cut(task.canal, ToolAxis(point, d + (v[2] * x + v[3] * y) / task.length_mm))
    far = task.length_mm / radius
    lever = radius * np.sin(far)
    turn = v[4] / (radius * (1 - np.cos(far)))
    direction = unit(d + (v[2] * x + v[3] * y) / lever)
    return entered_at_cut(task.canal, ToolAxis(point, direction, radius, x + turn * y))


def entered_at_cut(canal: Canal, axis: ToolAxis) -> ToolAxis:
    """Return the same curve, entered where it crosses the resection plane."""
    plane = canal.resection
    assert plane is not None  # set by Canal at birth
    travel = 0.0
    for _ in range(3):  # the first step is exact for a straight axis, the second to 1e-6 mm for a bow
        tangent = axis.direction_lps if axis.bow_radius_mm is None else _tangent(axis, travel)
        travel -= float(plane.signed_distance_mm(axis.point_at(travel))) / float(tangent @ plane.normal_lps)
    point = axis.point_at(travel)
    if axis.bow_radius_mm is None:
        return ToolAxis(point, axis.direction_lps)
    tangent = _tangent(axis, travel)
    assert axis.bow_centre_lps is not None
    centre = axis.entry_lps + axis.bow_radius_mm * axis.bow_centre_lps
    return ToolAxis(point, tangent, axis.bow_radius_mm, centre - point)


def _tangent(axis: ToolAxis, travel_mm: float) -> FloatArray:
    angle = travel_mm / float(axis.bow_radius_mm or np.inf)
    return np.cos(angle) * axis.direction_lps + np.sin(angle) * axis.bow_centre_lps


def _tilt_deg(canal: Canal, axis: ToolAxis) -> float:
    assert canal.resection is not None  # set by Canal at birth
    return float(np.degrees(np.arccos(np.clip(axis.direction_lps @ canal.resection.normal_lps, -1.0, 1.0))))


def _pose(task: Task, axis: ToolAxis) -> _Pose:
    """Gather the contour points that count for an axis, and its clearance.

    Room is the distance from the axis minus the margin. Points between the entry and the length count,
    and on every ray the two points exactly there: in a bowed canal the tightest place is the very end.
    """
    frame = axis_frame(task.canal, axis)
    m, n = task.margin_mm.shape
    before, position = np.empty((n, 3)), np.empty(((m + 2) * n, 2))
    travel, room = np.empty((m + 2) * n), np.empty((m + 2) * n)
    count = _search.counted_points(
        task.clear_of_lps, task.margin_mm, axis.entry_lps, frame, axis.bow_radius_mm or 0.0, task.length_mm,
        before, position, travel, room,
    )  # fmt: skip
    tilted = _tilt_deg(task.canal, axis) > task.max_tilt_deg + 1e-9
    clearance = float("-inf") if tilted or not count else float(room[:count].min())
    return _Pose(axis, frame, position[:count], travel[:count], room[:count], clearance)
