"""Tools as solids of revolution: pieces between two stations, each with radius² quadratic along the axis.

A tool is everything at or before its foremost point: the barrel comes in from outside the bone, so it
has no rear end. Stations tau = travel - depth are <= 0 and end at 0, the foremost point. On one piece

    rho² <= a + b tau + c tau²        for  low <= tau <= high,

which covers a barrel (a), a cone (all three) and a ball (a, b, c = -1): every ray meets every piece
in the roots of one quadratic.
"""

from __future__ import annotations

import numpy as np

from sizing.geometry import FloatArray
from sizing.reaming.model import Reamer, TipForm, ToolKind

# Columns of a piece.
LOW, HIGH, A, B, C = range(5)

# Stands for "no end": far longer than any bone, short enough to square safely.
FAR_MM = 1.0e4


def tool_pieces(reamer: Reamer) -> FloatArray:
    """Return the pieces (k, 5) of a tool: low, high, a, b, c; stations in mm from the foremost point.

    Parameters
    ----------
    reamer : Reamer
        A broach sweeps the widest of its own stations that have passed: its profile is widened
        from the tip backwards so that it never narrows towards the shoulder.
    """
    if reamer.kind is ToolKind.BROACH and reamer.profile_mm is not None:
        return _broach(np.array(reamer.profile_mm))
    r = 0.5 * reamer.diameter_mm
    if reamer.tip is TipForm.BULLET:
        return np.array([[-FAR_MM, -r, r * r, 0.0, 0.0], [-r, 0.0, 0.0, -2.0 * r, -1.0]])
    if reamer.tip is TipForm.CHAMFER:
        nose = 0.5 * reamer.tip_flat_diameter_mm
        slope = np.tan(np.radians(reamer.chamfer_half_angle_deg))
        return np.array([[-FAR_MM, -(r - nose) / slope, r * r, 0.0, 0.0], _cone(-(r - nose) / slope, 0.0, r, nose)])
    return np.array([[-FAR_MM, 0.0, r * r, 0.0, 0.0]])


def tip_length_mm(reamer: Reamer) -> float:
    """Length of the front end over which the tool is thinner than its full radius."""
    pieces = tool_pieces(reamer)
    return float(-pieces[0, HIGH])


def tool_radius_mm(reamer: Reamer, station_mm: FloatArray | float) -> FloatArray:
    """Radius (...,) at stations from the foremost point; 0 beyond it."""
    tau = np.asarray(station_mm, np.float64)
    radius = np.zeros(tau.shape)
    for low, high, a, b, c in tool_pieces(reamer):
        inside = (tau >= low) & (tau <= high)
        square = np.maximum(a + b * tau + c * tau**2, 0.0)
        radius = np.where(inside, np.maximum(radius, np.sqrt(square)), radius)
    return radius


def _broach(profile_mm: FloatArray) -> FloatArray:
    station = profile_mm[:, 0] - profile_mm[-1, 0]
    swept = np.maximum.accumulate(profile_mm[::-1, 1])[::-1]
    pieces = [
        _cone(station[i], station[i + 1], swept[i], swept[i + 1])
        for i in range(len(station) - 1)
        if station[i + 1] > station[i]
    ]
    return np.array([[-FAR_MM, station[0], swept[0] ** 2, 0.0, 0.0], *pieces])


def _cone(low: float, high: float, r_low: float, r_high: float) -> list[float]:
    """A piece whose radius goes straight from r_low to r_high."""
    k = (r_high - r_low) / (high - low)
    r0 = r_low - k * low
    return [low, high, r0 * r0, 2.0 * r0 * k, k * k]
