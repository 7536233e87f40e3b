"""How long a stem can be: for every diameter and bow the greatest length that keeps the wall."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sizing.canal.model import Canal
from sizing.errors import ReamingError
from sizing.geometry import FloatArray
from sizing.reaming.axis import Clearance, centre_line, unrolled, widen, widest_cylinder
from sizing.reaming.evaluate import radii_or_error
from sizing.reaming.tool_axis import ToolAxis
from sizing.strict import is_number
from sizing.threads import spread

# A stem shorter than this has no axis to speak of.
_SHORTEST_MM = 20.0
# Lengths are bracketed in strides of this many mm before they are found to the level.
_STRIDE_MM = 10.0


@dataclass(frozen=True)
class EnvelopeRow:
    """One diameter, one bow.

    Attributes
    ----------
    diameter_mm : float
    bow_radius_mm : float or None
        None: straight.
    length_mm : float
        Greatest length of a stem of this diameter, from the cut plane along its axis, that leaves the wall
        everywhere; 0 when not even the shortest does.
    reaches_end : bool
        The length is bounded by the measured bone, not by the wall.
    axis : ToolAxis or None
        Entry and direction that allow it; None when the length is 0.
    """

    diameter_mm: float
    bow_radius_mm: float | None
    length_mm: float
    reaches_end: bool
    axis: ToolAxis | None


@dataclass(frozen=True)
class Envelope:
    """Rows by bow, then by diameter; ``wall_limit_mm`` is what every stem leaves at least."""

    wall_limit_mm: float
    rows: tuple[EnvelopeRow, ...]

    def lengths_mm(self, bow_radius_mm: float | None = None) -> FloatArray:
        """Return the greatest lengths (k,) of one bow, in the order of the diameters."""
        return np.array([r.length_mm for r in self.rows if r.bow_radius_mm == bow_radius_mm])


def envelope(
    canal: Canal, wall_limit_mm: float, diameters_mm: ArrayLike, bow_radii_mm: Sequence[float] = ()
) -> Envelope:
    """Find the greatest length of every diameter, straight and of every bow.

    A stem of diameter D leaves the wall over a length if some axis keeps the periosteum D / 2 + wall away over it.
    The widest such cylinder only narrows as the length grows, so the length is found by bisection over levels.

    Parameters
    ----------
    canal : Canal
        As measured; unmeasured points make no demand.
    wall_limit_mm : float
        Wall to leave everywhere, normal to the stem.
    diameters_mm : (k,) array_like
        Strictly increasing.
    bow_radii_mm : sequence of float
        Besides straight stems.

    Raises
    ------
    ReamingError
        CF-R002 for sizes that do not grow, CF-R015 for a wall limit or a bow that is not usable.
    """
    diameters = 2.0 * radii_or_error(diameters_mm)
    usable = [is_number(r) and r > 0 for r in bow_radii_mm]
    if not (is_number(wall_limit_mm) and wall_limit_mm >= 0 and all(usable)):
        raise ReamingError("CF-R015", "the wall to leave and the bow radii must be usable",
                           expected="a wall of 0 or more, radii above 0")  # fmt: skip

    def rows_of(bow_radius_mm: float | None) -> list[EnvelopeRow]:
        widths = _Widths(canal, bow_radius_mm)
        return [_longest(widths, float(d), wall_limit_mm) for d in diameters]

    rows = spread(rows_of, (None, *bow_radii_mm))
    return Envelope(wall_limit_mm, tuple(itertools.chain(*rows)))


class _Widths:
    """The widest cylinder from the cut to a level, found once per level, each started from its neighbour."""

    def __init__(self, canal: Canal, bow_radius_mm: float | None) -> None:
        depth = canal.axis.depth_mm
        known = canal.measured.any(axis=1) & (depth >= _SHORTEST_MM)
        self.canal, self.bow = canal, bow_radius_mm
        self.depths = depth[known]
        self.known: dict[int, tuple[ToolAxis, float]] = {}

    def at(self, level: int) -> tuple[ToolAxis, float]:
        if level not in self.known:
            self.known[level] = self._find(level)
        return self.known[level]

    def _find(self, level: int) -> tuple[ToolAxis, float]:
        low, high = float(self.canal.axis.depth_mm[0]), float(self.depths[level])
        if not self.known:
            return widest_cylinder(self.canal, low, high, Clearance.WALL, self.bow)
        near = min(self.known, key=lambda other: abs(other - level))
        found = [widen(self.canal, self.known[near][0], low, high, Clearance.WALL)]
        if self.bow is None:
            found.append(widen(self.canal, centre_line(self.canal, low, high), low, high, Clearance.WALL))
        return max(found, key=lambda f: f[1])


def _longest(widths: _Widths, diameter_mm: float, wall_mm: float) -> EnvelopeRow:
    need = diameter_mm + 2.0 * wall_mm
    last = len(widths.depths) - 1
    if last < 0 or widths.at(0)[1] < need:
        return EnvelopeRow(diameter_mm, widths.bow, 0.0, False, None)
    good, stride = 0, max(1, round(_STRIDE_MM / float(np.median(np.diff(widths.depths))))) if last else 1
    while good < last and widths.at(min(good + stride, last))[1] >= need:
        good = min(good + stride, last)
    bad = min(good + stride, last + 1)
    while good < last and bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if widths.at(middle)[1] >= need else (good, middle)
    axis = widths.at(good)[0]
    level = int(np.searchsorted(widths.canal.axis.depth_mm, widths.depths[good]))
    travel, _ = unrolled(axis, widths.canal.axis.points_lps[level : level + 1])
    return EnvelopeRow(diameter_mm, widths.bow, float(travel[0]), good == last, axis)
