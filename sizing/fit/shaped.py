"""Stems that are not round, level by level: the same measures as ``levels``, from polar radii about the stem's axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sizing.anatomy import Side, direction_word
from sizing.canal.model import Canal
from sizing.fit.levels import StemLevels
from sizing.fit.rules import Reason
from sizing.fit.tooling import Tooling
from sizing.fit.view import LEAST_SEEN, AxisView
from sizing.geometry import FloatArray
from sizing.implants.cavity import Cavity, cavity_along
from sizing.implants.insertion import running_minimum
from sizing.implants.model import ImplantTemplate, Preparation

# Angles round the stem: a share of the circumference with four ends is told to 2/512, areas to 1e-4.
_N_ANGLES = 512
# The nearest periosteal point to a point of the hole lies within this many angles of it: 30 degrees.
_NEAR = 42
# Contact is told, as a share of what is known, when this share of the circumference is.
_LEAST_SEEN = 0.5
# Radial: twice the largest usual press-fit. Deeper, a stem does not press in, it jams.
DEEPEST_PRESS_MM = 0.5
# A hole beyond the endosteum by less is rounding.
_CUT_MM = 1e-6


def seen_along(canal: Canal, view: AxisView) -> Cavity:
    """Return the canal from the axis of a view, at its levels: what all shaped stems on that axis share."""
    return cavity_along(canal, view.axis, view.travel_mm, _N_ANGLES)


def shaped_levels(
    seen: Cavity,
    view: AxisView,
    implant: ImplantTemplate,
    tools: Tooling,
    bore_depth_mm: float,
    tolerance_mm: float,
) -> StemLevels:
    """Measure one stem with a section table.

    Parameters
    ----------
    seen : Cavity
        The canal as measured, of ``seen_along``; gives the levels.
    view : AxisView
        The same view; gives the wall of bone that nothing cuts, as for round stems.
    implant : ImplantTemplate
        With its ``shape``.
    tools : Tooling
        The last reamer; a broach follows where the implant's preparation says so.
    bore_depth_mm : float
        Travel to which the tools go.
    tolerance_mm : float
        A gap up to this counts as contact.

    Returns
    -------
    StemLevels
        One row.
    """
    travel = seen.station_mm
    station = np.where((travel < 0) & (travel > -1.0), 0.0, travel)  # the level at the cut belongs to the stem
    stem = implant.stem_shape.radius_mm(station, seen.phi_rad)
    drilled = (travel > -1.0) & (travel <= bore_depth_mm)
    bore = np.where(drilled, tools.bore_diameter_mm / 2, 0.0)[:, None]
    inner = seen.endosteal_radius_mm
    hole = np.maximum(inner, bore)
    if implant.preparation is Preparation.BROACH:
        # A level is passed by every part of the stem beyond it; the broach leaves there what is meant there.
        swept = np.maximum.accumulate(np.nan_to_num(stem, nan=0.0)[::-1], axis=0)[::-1]
        passed = swept.max(axis=1) > 0
        swept = swept + np.where(passed, implant.broach_gap_at(travel), 0.0)[:, None]
        hole = np.maximum(hole, swept)
    known = np.isfinite(inner).mean(axis=1) >= _LEAST_SEEN
    cut, native = _walls(seen, view, hole)
    over = stem - hole

    def area(radius_squared: FloatArray) -> FloatArray:
        """Area per level from squared radii, scaled up to the whole circumference, as for round stems; else NaN."""
        seen_rays = np.isfinite(radius_squared)
        total = np.where(seen_rays, radius_squared, 0.0).sum(axis=1) / np.maximum(seen_rays.sum(axis=1), 1)
        return np.where(seen_rays.mean(axis=1) >= LEAST_SEEN, np.pi * total, np.nan)[None]

    def around(values: FloatArray, where: NDArray[np.bool_]) -> FloatArray:
        """Mean over the known part of the circumference; NaN where too little is known or no stem is."""
        use = np.isfinite(values) & where
        total = np.where(use, values, 0.0).sum(axis=1) / np.maximum(np.isfinite(over).sum(axis=1), 1)
        return np.where(known & np.isfinite(stem).all(axis=1), total, np.nan)[None]

    on_bone = over >= -tolerance_mm
    if implant.preparation is Preparation.BROACH:
        on_bone &= stem >= np.maximum(inner, bore) - tolerance_mm
    overlap_share = around(np.ones_like(over), over > 0)
    overlap_mm = np.divide(
        around(over, over > 0), overlap_share, out=np.zeros_like(overlap_share), where=overlap_share > 0
    )
    stem_mm2 = area(np.minimum(stem, inner) ** 2)
    return StemLevels(
        stem_mm2=stem_mm2,
        fill=stem_mm2 / area(inner**2),
        gap_mm2=area(np.maximum(hole**2 - stem**2, 0.0)),
        removed_mm2=area(np.maximum(hole**2 - inner**2, 0.0)),
        contact=around(on_bone.astype(float), np.isfinite(over)),
        overlap_mm=overlap_mm,
        overlap_rad=2 * np.pi * overlap_share,
        wall_cut_mm=cut[None],
        wall_native_mm=native[None],
    )


def passed_on_the_way(
    seen: Cavity, length_mm: float, tools: Tooling, bore_depth_mm: float
) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Return stations (k,), the narrowest hole (k, n) that the part there passes on its way, and its level's index."""
    along = (seen.station_mm >= 0) & (seen.station_mm <= length_mm)
    station = seen.station_mm[along]
    bore = np.where(station <= bore_depth_mm, tools.bore_diameter_mm / 2, 0.0)[:, None]
    narrowest, at = running_minimum(np.maximum(seen.endosteal_radius_mm[along], bore))
    return station, narrowest, at


def reason_it_jams(
    seen: Cavity, implant: ImplantTemplate, tools: Tooling, bore_depth_mm: float, side: Side | None
) -> Reason | None:
    """Return why a stem of its own shape cannot slide in along its axis; None if it can, or brings its own broach.

    Every part of the stem passes all levels between the entry and its place. What presses deeper into the bone there
    than any press-fit, jams.
    """
    if implant.preparation is Preparation.BROACH:
        return None
    station, narrowest, at = passed_on_the_way(seen, implant.length_mm, tools, bore_depth_mm)
    stem = implant.stem_shape.radius_mm(station, seen.phi_rad)
    pressed = stem - narrowest
    if not np.isfinite(pressed).any() or np.nanmax(pressed) <= DEEPEST_PRESS_MM:
        return None
    k, j = np.unravel_index(np.nanargmax(pressed), pressed.shape)
    deepest, level = float(pressed[k, j]), station[at[k, j]]
    angle = seen.phi_rad[j]
    where = direction_word(seen.direction_lps(angle), side) if side else f"{np.degrees(angle):.0f} degrees from x"
    too_wide = station[(np.nan_to_num(pressed, nan=-np.inf) > DEEPEST_PRESS_MM).any(axis=1)]
    words = (
        f"it does not go in: {deepest:.1f} mm into the bone {level:.0f} mm above the cut, {where}, where its part at "
        f"{station[k]:.0f} mm has to pass; the nearest shape that goes in is up to {deepest - DEEPEST_PRESS_MM:.1f} mm "
        f"slimmer on that side, from {too_wide.min():.0f} to {too_wide.max():.0f} mm"
    )
    return Reason(words, deepest / DEEPEST_PRESS_MM - 1.0)


def _walls(seen: Cavity, view: AxisView, hole: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least distance (m,) from hole to periosteum where a tool cut, and least native wall elsewhere; inf = nowhere.

    The native wall is the canal's own, on the canal's own rays: the same number for every stem that leaves it alone.
    """
    c, d = np.cos(seen.phi_rad), np.sin(seen.phi_rad)
    x, y = hole * c, hole * d
    outer_x, outer_y = seen.periosteal_radius_mm * c, seen.periosteal_radius_mm * d
    nearest = np.full(hole.shape, np.inf)
    for shift in range(-_NEAR, _NEAR + 1):
        nearest = np.fmin(nearest, (np.roll(outer_x, shift, 1) - x) ** 2 + (np.roll(outer_y, shift, 1) - y) ** 2)
    nearest = np.sqrt(nearest)
    breached = hole > seen.periosteal_radius_mm
    nearest = np.where(breached, -nearest, nearest)
    nearest = np.where(np.isfinite(hole), nearest, np.inf)
    was_cut = hole > seen.endosteal_radius_mm + _CUT_MM
    turn = np.arctan2(view.endosteal_xy_mm[..., 1], view.endosteal_xy_mm[..., 0]) / (2 * np.pi)
    known = np.isfinite(turn) & np.isfinite(view.native_wall_mm)
    at = np.rint(np.where(known, turn, 0.0) * len(seen.phi_rad)).astype(np.intp) % len(seen.phi_rad)
    left_alone = known & ~np.take_along_axis(was_cut, at, axis=1)
    native = np.where(left_alone, view.native_wall_mm, np.inf).min(axis=1)
    return np.where(was_cut, nearest, np.inf).min(axis=1), native
