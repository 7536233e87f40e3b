"""Where an implant goes: the axis that keeps most wall."""

from __future__ import annotations

import numpy as np

from sizing.canal.model import Canal
from sizing.fit.context import FitContext
from sizing.geometry import FloatArray
from sizing.implants.model import ImplantTemplate
from sizing.reaming import ToolAxis, best_rigid_axis


def place_axis(context: FitContext, implant: ImplantTemplate) -> ToolAxis:
    """Return the axis of an implant in the canal, from its collar on the cut to its tip."""
    canal = context.canal
    far = min(implant.length_mm, float(canal.axis.depth_mm[-1]))
    axis = best_rigid_axis(canal, 0.0, far)
    if implant.bow_radius_mm is None:
        return axis
    return _bent(canal, axis, far, implant.bow_radius_mm)


def _bent(canal: Canal, axis: ToolAxis, far_mm: float, bow_radius_mm: float) -> ToolAxis:
    """Bend a straight axis into an arc that follows the canal's own bow.

    The arc leaves the chord to the side of the canal's bow, so that its ends keep the chord's line.
    """
    travel = (canal.axis.points_lps - axis.entry_lps) @ axis.direction_lps
    centre = _bow_direction(canal, axis, travel, far_mm)
    lean = far_mm / (2 * bow_radius_mm)
    sagitta = far_mm**2 / (12 * bow_radius_mm)  # mean of the arc's height over its chord
    direction = axis.direction_lps - np.tan(lean) * centre
    return ToolAxis(axis.entry_lps + sagitta * centre, direction, bow_radius_mm, centre)


def _bow_direction(canal: Canal, axis: ToolAxis, travel: FloatArray, far_mm: float) -> FloatArray:
    """Unit vector across the axis towards the centre of the canal's bow."""
    use = (travel >= 0) & (travel <= far_mm)
    points = canal.axis.points_lps[use] - axis.entry_lps
    second = np.polyfit(travel[use], points - np.outer(travel[use], axis.direction_lps), 2)[0]
    second -= (second @ axis.direction_lps) * axis.direction_lps
    return second / np.linalg.norm(second)
