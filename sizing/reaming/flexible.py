"""The way of a flexible reamer: along the canal, as far as its shaft bends."""

from __future__ import annotations

import numpy as np

from sizing.canal.model import Canal
from sizing.errors import ReamingError
from sizing.geometry import FloatArray, unit
from sizing.reaming.axis import centroids_lps
from sizing.reaming.model import Reamer
from sizing.reaming.stencils import stencils
from sizing.reaming.tool_axis import MIN_PATH_POINTS, ToolAxis

# Spacing of the path's points: much finer than any bend a shaft can make.
_STEP_MM = 2.5
# A common shaft; used when the tool names none.
DEFAULT_BEND_RADIUS_MM = 250.0
# Stiffness is searched over this range of powers of ten (in units of the step), by bisection.
_POWERS = (-3.0, 12.0)
_BISECTIONS = 40


def flexible_path(canal: Canal, reamer: Reamer, to_depth_mm: float) -> ToolAxis:
    """Return the path of a flexible tool's barrel through a canal.

    The tool is pushed along the canal's centre, and its shaft resists: of all paths the one that minimises
    squared distance to the centres plus stiffness times squared bend is taken, with the least stiffness for which
    no bend is tighter than the shaft's ``min_bend_radius_mm``.

    Parameters
    ----------
    canal : Canal
        Centres of unmeasured levels are taken from their neighbours.
    reamer : Reamer
        Gives the bend radius; ``DEFAULT_BEND_RADIUS_MM`` when it names none.
    to_depth_mm : float
        How far the path must lead; it runs on straight beyond.

    Raises
    ------
    ReamingError
        CF-R018 when too little of the canal is measured on the way.
    """
    centres, depth = centroids_lps(canal)
    centres = centres[np.isfinite(centres[:, 0]) & (depth <= to_depth_mm + _STEP_MM)]
    plane = canal.resection
    assert plane is not None  # set by Canal at birth
    if len(centres) < MIN_PATH_POINTS or np.linalg.norm(centres[-1] - centres[0]) < MIN_PATH_POINTS * _STEP_MM:
        raise ReamingError("CF-R018", "the way is too short for a flexible tool", measured=f"{len(centres)} levels",
                           expected=f"{_STEP_MM * MIN_PATH_POINTS:g} mm of measured canal")  # fmt: skip
    travel = float(plane.signed_distance_mm(centres[0])) + _along(centres)
    goal = stencils(travel, np.arange(0.0, travel[-1] + 1e-9, _STEP_MM)).value(centres)
    radius = reamer.min_bend_radius_mm or DEFAULT_BEND_RADIUS_MM
    path = _stiffened(goal, radius)
    length = _along(path)  # a stiffened path is shorter: its points are spread evenly again
    path = stencils(length, np.arange(0.0, length[-1] + 1e-9, _STEP_MM)).value(path)
    return ToolAxis(path[0], unit(path[1] - path[0]), path_lps=path, path_step_mm=_STEP_MM)


def _along(points: FloatArray) -> FloatArray:
    """Length (k,) along a line of points, from the first."""
    return np.insert(np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1)), 0, 0.0)


def _stiffened(goal: FloatArray, min_bend_radius_mm: float) -> FloatArray:
    """The path closest to the goal (k, 3) that never bends tighter; bisection over the stiffness."""
    k = len(goal)
    bend = np.zeros((k - 2, k))
    for i in range(k - 2):
        bend[i, i : i + 3] = 1.0, -2.0, 1.0
    values, vectors = np.linalg.eigh(bend.T @ bend)
    parts = vectors.T @ goal

    def path(power: float) -> FloatArray:
        return vectors @ (parts / (1.0 + 10.0**power * values[:, None]))

    def tightest(power: float) -> float:
        return float(np.max(np.linalg.norm(bend @ path(power), axis=1), initial=0.0)) / _STEP_MM**2

    low, high = _POWERS
    if tightest(low) <= 1.0 / min_bend_radius_mm:
        return path(low)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if tightest(middle) > 1.0 / min_bend_radius_mm else (low, middle)
    return path(high)
