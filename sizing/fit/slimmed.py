"""The nearest shape that goes in, for an implant of one's own that jams: the same stem, shaved where it jams."""

from __future__ import annotations

import numpy as np

from sizing.canal.model import Canal
from sizing.fit.model import Fit
from sizing.fit.shaped import DEEPEST_PRESS_MM, passed_on_the_way
from sizing.fit.tooling import Tray
from sizing.implants.cavity import cavity_along
from sizing.implants.model import Preparation
from sizing.implants.sections import free_form_stem
from sizing.implants.shape import StemShape
from sizing.reaming.model import ReamerSet

# One per degree, as the mesh has: the contour is not read between its samples.
_N_ANGLES = 360
# Kept below the deepest press, so that the shape goes in when it is measured again from other angles.
_IN_HAND_MM = 0.02


def nearest_insertable(canal: Canal, reamers: ReamerSet, fit: Fit) -> StemShape | None:
    """Return the largest part of a stem that goes in where the fit places it; None if the whole stem does.

    Parameters
    ----------
    canal : Canal
        As measured.
    reamers : ReamerSet
        The tray of the plan.
    fit : Fit
        Of a stem with a section table, along whose axis it slides in.

    Returns
    -------
    StemShape or None
        A free form in the stem's own frame: at every place the stem's radius, or what the narrowest level on its
        way lets pass with the deepest press. It is nobody's design: what is shaved off has a rough edge.
    """
    implant = fit.implant
    if implant.preparation is Preparation.BROACH:
        return None
    depth_mm = max((p.depth_mm for p in fit.reaming_plan.passes), default=0.0)
    levels = canal.axis.depth_mm - canal.axis.depth_mm[0]
    stations = np.unique(np.concatenate([levels[levels < implant.length_mm], [0.0, implant.length_mm]]))
    seen = cavity_along(canal, fit.placement.axis, stations, _N_ANGLES)
    station, narrowest, _ = passed_on_the_way(seen, implant.length_mm, Tray(reamers).tooling(implant), depth_mm)
    stem = implant.stem_shape.radius_mm(station, seen.phi_rad)
    shaved = np.fmin(stem, np.maximum(narrowest + DEEPEST_PRESS_MM - _IN_HAND_MM, 0.0))
    if not np.any(stem - shaved > _IN_HAND_MM):
        return None
    return free_form_stem(station, shaved, implant.bow_radius_mm, None)
