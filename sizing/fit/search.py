"""Search for the axis of an implant: as clear of a surface as it can be, from the cut to its length.

See docs/method/placement.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sizing.canal.model import Canal
from sizing.geometry import FloatArray
from sizing.reaming import ToolAxis
from sizing.reaming.climb import ClearTask, climb
from sizing.reaming.climb import clearance_mm as room_of

# A search on the thinned surface leaves this much to do for the one on all of it.
_LAST_ROOM_MM = 0.3


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

    @cached_property
    def whole(self) -> ClearTask:
        """The task on every point."""
        plane = self.canal.resection
        assert plane is not None  # set by Canal at birth
        return ClearTask(
            self.clear_of_lps, self.margin_mm, 0.0, self.length_mm, self.length_mm, plane, plane.normal_lps,
            self.max_tilt_deg,
        )  # fmt: skip

    @cached_property
    def rough(self) -> ClearTask:
        """The task on every second level and ray: good to a few hundredths of a mm, the surface being smooth."""
        return self.whole.thinned(2)


def clearance_mm(task: Task, axis: ToolAxis) -> float:
    """Return the exact clearance r of an axis; -inf when it is tilted too much."""
    return room_of(task.whole, axis)


def rough_clearance_mm(task: Task, axis: ToolAxis) -> float:
    """Return the clearance on the thinned surface, to compare starts."""
    return room_of(task.rough, axis)


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
    axis, _ = climb(task.rough, start)
    return climb(task.whole, axis, room_mm=_LAST_ROOM_MM)


def entered_at_cut(canal: Canal, axis: ToolAxis) -> ToolAxis:
    """Return the same curve, entered where it crosses the resection plane."""
    plane = canal.resection
    assert plane is not None  # set by Canal at birth
    travel = 0.0
    for _ in range(3):  # the first step is exact for a straight axis, the second to 1e-6 mm for a bow
        climbs = float(axis.direction_at(travel) @ plane.normal_lps)
        travel -= float(plane.signed_distance_mm(axis.point_at(travel))) / climbs
    centre = None if axis.bow_radius_mm is None else axis.curvature_at(travel)
    return ToolAxis(axis.point_at(travel), axis.direction_at(travel), axis.bow_radius_mm, centre)
