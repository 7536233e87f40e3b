"""The zero direction across a tool axis: where angles about a stem or tool are counted from."""

from __future__ import annotations

import numpy as np

from sizing.canal.model import Canal
from sizing.geometry import FloatArray, unit
from sizing.reaming.model import ToolAxis


def across_lps(canal: Canal, axis: ToolAxis) -> FloatArray:
    """Return the unit vector (3,) across the axis at its entry from which angles are counted.

    A bowed axis counts from its centre of curvature (an implant's +x); a straight one from anterior
    as scanned, the canal's own u at its most distal level, projected across the axis.
    """
    if axis.bow_centre_lps is not None:
        return np.asarray(axis.bow_centre_lps)
    d, u = axis.direction_lps, canal.axis.u_lps[0]
    return unit(u - (u @ d) * d)
