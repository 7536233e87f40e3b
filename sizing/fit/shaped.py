"""Stems that are not round, level by level: the same measures as ``levels``, from polar radii about the stem's axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.anatomy import Side, direction_word
from sizing.canal.model import Canal
from sizing.fit.levels import StemLevels
from sizing.fit.rules import Reason
from sizing.fit.span import SEAT_SLACK_MM
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


@dataclass(frozen=True)
class StemInHole:
    """One stem of its own shape in its hole: radii (m, n) in mm round the stem's axis; NaN = no stem, or not measured.

    Attributes
    ----------
    stem_mm : surface of the stem
    canal_mm : endosteum, before any tool
    bored_mm : canal or bore of the last reamer, whichever is wider
    hole_mm : that, and what a broach takes besides
    """

    stem_mm: FloatArray
    canal_mm: FloatArray
    bored_mm: FloatArray
    hole_mm: FloatArray

    @property
    def over_mm(self) -> FloatArray:
        """How far the stem reaches beyond its hole."""
        return self.stem_mm - self.hole_mm

    def on_bone(self, tolerance_mm: float) -> NDArray[np.bool_]:
        """Where the stem lies on bone: on the hole, and not in the room of the bore, which a broach does not fill."""
        return (self.over_mm >= -tolerance_mm) & (self.stem_mm >= self.bored_mm - tolerance_mm)


def stem_in_hole(seen: Cavity, implant: ImplantTemplate, tools: Tooling, bore_depth_mm: float) -> StemInHole:
    """Put a stem with a section table into the hole that its tools make, at the levels of ``seen``.

    Parameters
    ----------
    seen : Cavity
        The canal as measured, of ``seen_along``.
    implant : ImplantTemplate
        With its ``shape``.
    tools : Tooling
        The last reamer; a broach follows where the implant's preparation says so.
    bore_depth_mm : float
        Travel to which the tools go.
    """
    travel = seen.station_mm
    station = np.where((travel < 0) & (travel > -SEAT_SLACK_MM), 0.0, travel)  # the level at the cut is the stem's
    stem = implant.stem_shape.radius_mm(station, seen.phi_rad)
    drilled = (travel > -SEAT_SLACK_MM) & (travel <= bore_depth_mm)
    bored = np.maximum(seen.endosteal_radius_mm, np.where(drilled, tools.bore_diameter_mm / 2, 0.0)[:, None])
    hole = np.maximum(bored, _swept(implant, travel, stem)) if implant.preparation is Preparation.BROACH else bored
    return StemInHole(stem, seen.endosteal_radius_mm, bored, hole)


def _swept(implant: ImplantTemplate, travel_mm: FloatArray, stem_mm: FloatArray) -> FloatArray:
    """What a broach takes (m, n): every part of it beyond a level has passed there, with the room meant there."""
    swept = np.maximum.accumulate(np.nan_to_num(stem_mm, nan=0.0)[::-1], axis=0)[::-1]
    passed = swept.max(axis=1) > 0
    return swept + np.where(passed, implant.broach_gap_at(travel_mm), 0.0)[:, None]


def shaped_levels(seen: Cavity, view: AxisView, inside: StemInHole, tolerance_mm: float) -> StemLevels:
    """Measure one stem with a section table.

    Parameters
    ----------
    seen : Cavity
        The canal as measured; gives the levels.
    view : AxisView
        The same view; gives the wall of bone that nothing cuts, as for round stems.
    inside : StemInHole
        The stem, of ``stem_in_hole``.
    tolerance_mm : float
        A gap up to this counts as contact.

    Returns
    -------
    StemLevels
        One row.
    """
    stem, hole, canal, over = inside.stem_mm, inside.hole_mm, inside.canal_mm, inside.over_mm
    overlap_share = _share_of_turn(inside, over > 0)
    overlap_sum = _share_of_turn(inside, np.maximum(over, 0.0))
    stem_mm2 = _area(np.minimum(stem, canal) ** 2)
    cut, native = shaped_walls(seen, view, hole)
    return StemLevels(
        stem_mm2=stem_mm2,
        fill=stem_mm2 / _area(canal**2),
        gap_mm2=_area(np.maximum(hole**2 - stem**2, 0.0)),
        removed_mm2=_area(np.maximum(hole**2 - canal**2, 0.0)),
        contact=_share_of_turn(inside, inside.on_bone(tolerance_mm)),
        overlap_mm=np.divide(overlap_sum, overlap_share, out=np.zeros_like(overlap_share), where=overlap_share > 0),
        overlap_rad=2 * np.pi * overlap_share,
        wall_cut_mm=cut.min(axis=1)[None],
        wall_native_mm=native.min(axis=1)[None],
    )


def _area(radius_squared: FloatArray) -> FloatArray:
    """Area per level (1, m) from squared radii, scaled up to the whole circumference, as for round stems; else NaN."""
    rays = np.isfinite(radius_squared)
    total = np.where(rays, radius_squared, 0.0).sum(axis=1) / np.maximum(rays.sum(axis=1), 1)
    return np.where(rays.mean(axis=1) >= LEAST_SEEN, np.pi * total, np.nan)[None]


def _share_of_turn(inside: StemInHole, values: FloatArray | NDArray[np.bool_]) -> FloatArray:
    """Mean per level (1, m) over the known part of the circumference; NaN where too little is known or no stem is."""
    over = inside.over_mm
    known = np.isfinite(inside.canal_mm).mean(axis=1) >= _LEAST_SEEN
    total = np.where(np.isfinite(over), values, 0.0).sum(axis=1) / np.maximum(np.isfinite(over).sum(axis=1), 1)
    return np.where(known & np.isfinite(inside.stem_mm).all(axis=1), total, np.nan)[None]


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


def shaped_walls(seen: Cavity, view: AxisView, hole: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Wall left where a tool cut (m, n), and native wall elsewhere (m, rays of the canal); inf = not there.

    The first is the least distance from the hole at an angle of ``seen`` to the periosteum. The native wall is the
    canal's own, on the canal's own rays: the same number for every stem that leaves it alone.
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
    return np.where(was_cut, nearest, np.inf), np.where(left_alone, view.native_wall_mm, np.inf)
