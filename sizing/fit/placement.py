"""Where an implant goes: its axis, by a named objective under the surgeon's constraints.

See docs/method/placement.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sizing.canal.model import Canal
from sizing.errors import ReamingError
from sizing.fit.context import FitContext
from sizing.fit.search import Task, clearance_mm, entered_at_cut, rough_clearance_mm, search_axis
from sizing.fit.settings import Objective
from sizing.fit.view import across, axis_frame
from sizing.fit.zones import wall_limit_by_travel_mm
from sizing.geometry import FloatArray, unit
from sizing.implants.model import Fixation, ImplantTemplate
from sizing.reaming import ToolAxis, centre_line

# Starts of a bowed stem's turn about itself, relative to the canal's own bow: the turn is the only
# unknown in which the search could meet a side valley, so it begins at the best of these.
_TURNS = np.arange(8) * np.pi / 4
# Axes tried between the one that follows the canal and the one that spares the wall, both included.
_STEPS_BETWEEN = 3
# The way from a start to the axis found is halved so often: to a sixteenth of a few mm.
_HALVINGS = 4


class Placer:
    """Places the implants of one length and bow; what they share is searched once.

    Parameters
    ----------
    context : FitContext
        Canal, tray and thresholds.
    length_mm : float
        From the collar's seat to the tip.
    bow_radius_mm : float or None
        None: straight.
    """

    def __init__(self, context: FitContext, length_mm: float, bow_radius_mm: float | None) -> None:
        self.context = context
        self.length_mm = length_mm
        self.bow_radius_mm = bow_radius_mm

    def axis(self, implant: ImplantTemplate) -> ToolAxis:
        """Return the axis of one implant by the objective of the settings."""
        settings = self.context.settings
        if settings.objective is Objective.CANAL:
            return self.follows_canal
        radius = self._cutting_radius_mm(implant)
        if settings.objective is Objective.BALANCED:
            for axis, walls in self.between:
                if walls.left_mm(radius) >= settings.comfortable_wall_mm:
                    return axis
        # Near the limit every hundredth of a mm counts, and the middle of the canal does not.
        at_stake = self.between[-1][1].left_mm(radius) < settings.wall_limit_mm + 2 * settings.axis_gain_mm
        return self._sparest if at_stake else self.spares_wall

    @cached_property
    def follows_canal(self) -> ToolAxis:
        """The axis whose deepest cut into the cortex is as shallow as it can be."""
        contours = self.context.contours
        task = self._task(contours.endosteal_bridged_lps, np.zeros(contours.native_wall_mm.shape))
        start = max(self._starts(), key=lambda start: rough_clearance_mm(task, start))
        return self._no_further_than_worth(task, start, search_axis(task, start)[0])

    @cached_property
    def spares_wall(self) -> ToolAxis:
        """The axis that leaves next to the thickest least wall, no further from the canal's course than that takes."""
        return self._no_further_than_worth(self._wall_task, self.follows_canal, self._sparest)

    @cached_property
    def _sparest(self) -> ToolAxis:
        """The axis that leaves the thickest least wall, beyond what each zone asks for."""
        return search_axis(self._wall_task, self.follows_canal)[0]

    @cached_property
    def _wall_task(self) -> Task:
        c = self.context
        limit = wall_limit_by_travel_mm(c.settings, c.canal.axis.depth_mm, self.length_mm)
        margin = np.repeat(limit[:, None], len(c.canal.theta_rad), axis=1)
        return self._task(c.contours.periosteal_bridged_lps, margin)

    @cached_property
    def between(self) -> list[tuple[ToolAxis, LeastWalls]]:
        """Axes evenly spaced from the canal's to the wall's, with the walls that tools on them leave."""
        first, last = self.follows_canal, self.spares_wall
        axes = [_blend(first, last, share) for share in np.linspace(0.0, 1.0, _STEPS_BETWEEN)]
        return [(axis, LeastWalls.along(self.context, axis, self.length_mm)) for axis in axes]

    def _no_further_than_worth(self, task: Task, start: ToolAxis, found: ToolAxis) -> ToolAxis:
        """Return the axis nearest to the start, on the way to the one found, that is next to as clear.

        In an oval canal the clearance hardly changes along the long side: without this the noise of a few
        rays would decide where the stem stands.
        """
        enough = clearance_mm(task, found) - self.context.settings.axis_gain_mm
        near, far = 0.0, 1.0
        if clearance_mm(task, start) >= enough:
            return start
        for _ in range(_HALVINGS):
            middle = (near + far) / 2
            near, far = (near, middle) if clearance_mm(task, _blend(start, found, middle)) >= enough else (middle, far)
        return found if far == 1.0 else _blend(start, found, far)

    def _task(self, clear_of_lps: FloatArray, margin_mm: FloatArray) -> Task:
        return Task(self.context.canal, self.length_mm, clear_of_lps, margin_mm, self.context.settings.max_tilt_deg)

    def _cutting_radius_mm(self, implant: ImplantTemplate) -> float:
        """Radius of whatever cuts deepest: the last reamer, or the thread's crest."""
        bore = self.context.tray.tooling(implant).bore_diameter_mm / 2
        return max(bore, implant.diameter_mm / 2) if implant.fixation is Fixation.THREADED else bore

    def _starts(self) -> list[ToolAxis]:
        canal = self.context.canal
        far = min(self.length_mm, float(canal.axis.depth_mm[-1]))
        line = _course(canal, far)
        if self.bow_radius_mm is None:
            return [line]
        towards = _bow_direction(canal, line, far)
        beside = np.cross(line.direction_lps, towards)
        return [_bent(canal, line, far, self.bow_radius_mm, np.cos(a) * towards + np.sin(a) * beside) for a in _TURNS]


@dataclass(frozen=True)
class LeastWalls:
    """Least wall that tools of any radius leave on one axis, where they cut.

    Attributes
    ----------
    endosteal_mm : (k,) array
        Distances of the endosteal points from the axis, growing.
    periosteal_mm : (k,) array
        Least distance of the periosteum on any of the rays up to here.
    """

    endosteal_mm: FloatArray
    periosteal_mm: FloatArray

    @classmethod
    def along(cls, context: FitContext, axis: ToolAxis, length_mm: float) -> LeastWalls:
        """Sort the rays of a canal by how early a growing tool reaches them."""
        frame = axis_frame(context.canal, axis)
        thin = context.contours.rough
        _, inner, travel = across(thin.endosteal_lps, axis, frame)
        _, outer, _ = across(thin.periosteal_lps, axis, frame)
        use = (travel >= 0) & (travel <= length_mm) & np.isfinite(outer) & np.isfinite(inner)
        order = np.argsort(inner[use])
        return cls(inner[use][order], np.minimum.accumulate(outer[use][order]))

    def left_mm(self, radius_mm: float) -> float:
        """Return the least wall; infinite where the tool cuts nothing."""
        reached = int(np.searchsorted(self.endosteal_mm, radius_mm))
        return float(self.periosteal_mm[reached - 1]) - radius_mm if reached else float("inf")


def place_axis(context: FitContext, implant: ImplantTemplate) -> ToolAxis:
    """Return the axis of an implant in the canal, from its collar on the cut to its tip."""
    return Placer(context, implant.length_mm, implant.bow_radius_mm).axis(implant)


def _blend(first: ToolAxis, last: ToolAxis, share: float) -> ToolAxis:
    """Return the axis at a share of the way between two axes of the same bow."""

    def mix(a: FloatArray, b: FloatArray) -> FloatArray:
        return (1 - share) * np.asarray(a) + share * np.asarray(b)

    centre = None
    if first.bow_centre_lps is not None and last.bow_centre_lps is not None:
        centre = mix(first.bow_centre_lps, last.bow_centre_lps)
    entry, direction = mix(first.entry_lps, last.entry_lps), mix(first.direction_lps, last.direction_lps)
    return ToolAxis(entry, direction, first.bow_radius_mm, centre)


def _course(canal: Canal, far_mm: float) -> ToolAxis:
    """Return the line through the canal's middle; where that is not measured, along the axis of the bone.

    An implant on the second kind of line has next to no wall that is known, and is excluded for that.
    """
    try:
        return centre_line(canal, 0.0, far_mm)
    except ReamingError:
        use = canal.axis.depth_mm <= max(far_mm, float(canal.axis.depth_mm[0]))
        points = canal.axis.points_lps[use]
        along = unit(points[-1] - points[0]) if len(points) > 1 else canal.axis.s_lps[0]
        return entered_at_cut(canal, ToolAxis(points.mean(axis=0), along))


def _bent(canal: Canal, line: ToolAxis, far_mm: float, bow_radius_mm: float, centre: FloatArray) -> ToolAxis:
    """Bend a line into an arc about the same course: its ends on one side, its middle on the other."""
    lean = far_mm / (2 * bow_radius_mm)
    mean_height = far_mm**2 / (12 * bow_radius_mm)  # of the arc over its chord
    direction = line.direction_lps - np.tan(lean) * centre
    return entered_at_cut(canal, ToolAxis(line.entry_lps + mean_height * centre, direction, bow_radius_mm, centre))


def _bow_direction(canal: Canal, line: ToolAxis, far_mm: float) -> FloatArray:
    """Unit vector across the line towards the centre of the canal's bow."""
    travel = (canal.axis.points_lps - line.entry_lps) @ line.direction_lps
    use = (travel >= 0) & (travel <= far_mm)
    second = np.polyfit(travel[use], canal.axis.points_lps[use] - line.entry_lps, 2)[0]
    second -= (second @ line.direction_lps) * line.direction_lps
    length = float(np.linalg.norm(second))
    return second / length if length > 0 else axis_frame(canal, line)[1]
