"""The isthmus: where the canal is narrowest, and how sure its level is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sizing.canal.sections import SectionTable
from sizing.findings import Finding, Level
from sizing.geometry import FloatArray
from sizing.intervals import TWO_SIDED_95

# The narrowest level counts as an isthmus only if the canal is measurably wider on both sides of it.
ISTHMUS_RISE_MM = 0.3
ISTHMUS_MARGIN_MM = 10.0
# Half-width over which inscribed diameters are smoothed to find their minimum, at first.
NARROW_WINDOW_MM = 20.0
# Then the levels this near are fitted, with the narrowest place searched this near and in these steps.
ISTHMUS_WINDOW_MM, ISTHMUS_SEARCH_MM, ISTHMUS_STEP_MM = 30.0, 5.0, 0.25
# Bones are no parabolas: how far the level moves with this window instead belongs to its doubt.
WIDER_WINDOW_MM = 50.0
# Smoothing along the bone makes levels alike over about this length.
INDEPENDENT_LEVELS_MM = 6.0
# A canal that is wider by less than this is still the isthmus: a fifth of a reamer step.
FLAT_MM = 0.1
MIN_LEVELS = 7
# What is asked of the level; a wider 95 % interval is said.
TOLD_MM = 2.0


def narrowest_level(table: SectionTable) -> int | None:
    """Return the level where the canal, smoothed along the bone, is least: single levels miss a flat minimum."""
    d = table.inscribed_diameter_mm
    if not np.isfinite(d).any():
        return None
    smooth = np.full(len(d), np.nan)
    for i in np.flatnonzero(np.isfinite(d)):
        away = (table.depth_mm - table.depth_mm[i]) / NARROW_WINDOW_MM
        near = np.isfinite(d) & (np.abs(away) < 1)
        degree = 2 if near.sum() >= MIN_LEVELS else 0
        weight = (1 - np.abs(away[near]) ** 3) ** 1.5  # square root of the tricube: polyfit squares it
        smooth[i] = np.polyfit(away[near], d[near], degree, w=weight)[-1]
    return int(np.nanargmin(smooth))


@dataclass(frozen=True)
class Waist:
    """The narrowest place of a canal that widens on both sides, each at its own rate."""

    depth_mm: float
    se_mm: float
    from_mm: float
    to_mm: float


def find_waist(table: SectionTable, near_level: int) -> Waist:
    """Return the isthmus near a level; how far it moves when more of the canal is looked at adds to its error."""
    waist, other = (_waist(table, near_level, window) for window in (ISTHMUS_WINDOW_MM, WIDER_WINDOW_MM))
    return replace(waist, se_mm=float(np.hypot(waist.se_mm, (waist.depth_mm - other.depth_mm) / 2)))


def _waist(table: SectionTable, near_level: int, window_mm: float) -> Waist:
    """Fit d = d0 + a (x - x0)^2 below and d0 + b (x - x0)^2 above x0 to the levels round the narrowest.

    One parabola would be drawn towards the side that widens slowly. x0 is searched in small steps (the
    rest is linear); its standard error is that of the linearised fit, with neighbouring levels not counted as
    independent. The isthmus reaches as far as the canal is wider by less than can be told or matters.
    """
    x, d = table.depth_mm, table.inscribed_diameter_mm
    first = float(x[near_level])
    near = np.isfinite(d) & (np.abs(x - first) < window_mm)
    x, d = x[near], d[near]
    best, found, at = np.inf, np.zeros(3), first
    for x0 in np.arange(first - ISTHMUS_SEARCH_MM, first + ISTHMUS_SEARCH_MM, ISTHMUS_STEP_MM):
        columns = _sides(x, x0)
        fit = np.linalg.lstsq(columns, d, rcond=None)[0]
        miss = float(((columns @ fit - d) ** 2).sum())
        if miss < best:
            best, found, at = miss, fit, float(x0)
    columns = _sides(x, at)
    slope = -2 * (x - at) * np.where(x < at, found[1], found[2])
    normal = np.column_stack([columns, slope])
    step = float(np.median(np.diff(x)))
    pieces = max(1.0, INDEPENDENT_LEVELS_MM / step)
    stated = table.inscribed_diameter_se_mm[near]
    noise = max(np.sqrt(best / max(len(x) - 4, 1)), float(np.nan_to_num(np.nanmax(stated, initial=0.0))))
    variance = np.linalg.pinv(normal.T @ normal)[3, 3] * noise**2 * pieces
    flat = max(FLAT_MM, 2 * noise)
    reach = [np.sqrt(flat / rise) if rise > 0 else np.inf for rise in found[1:]]
    return Waist(at, float(np.sqrt(variance)), float(max(at - reach[0], x[0])), float(min(at + reach[1], x[-1])))


def _sides(x: FloatArray, x0: float) -> FloatArray:
    away = (x - x0) ** 2
    return np.column_stack([np.ones_like(x), np.where(x < x0, away, 0.0), np.where(x >= x0, away, 0.0)])


def rises_on_both_sides(table: SectionTable, level: int) -> bool:
    d, depth = table.inscribed_diameter_mm, table.depth_mm
    away = np.abs(depth - depth[level])
    below = (depth < depth[level]) & (away > ISTHMUS_MARGIN_MM)
    above = (depth > depth[level]) & (away > ISTHMUS_MARGIN_MM)
    rise = d - d[level]
    return bool(np.any(rise[below] > ISTHMUS_RISE_MM) and np.any(rise[above] > ISTHMUS_RISE_MM))


def isthmus_findings(depth_mm: float | None, se_mm: float | None) -> tuple[Finding, ...]:
    """Say so where the isthmus's level cannot be told as well as it is asked for.

    Parameters
    ----------
    depth_mm, se_mm : float or None
        Level of the isthmus and its standard error; None = there is none.
    """
    if depth_mm is None or se_mm is None or TWO_SIDED_95 * se_mm <= TOLD_MM:
        return ()
    return (
        Finding(
            Level.INFO,
            "CF-C111",
            f"the isthmus's level, {depth_mm:.0f} mm above the resection plane, cannot be told to {TOLD_MM:g} mm: it "
            f"may lie {TWO_SIDED_95 * se_mm:.0f} mm lower or higher",
            depth_mm=depth_mm,
        ),
    )
