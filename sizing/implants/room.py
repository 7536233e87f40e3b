"""How far a custom stem may reach at each place: into the bone by its broach, never into the wall that must stay."""

from __future__ import annotations

import numpy as np

from sizing.errors import InputError
from sizing.geometry import FloatArray
from sizing.implants.cavity import Cavity
from sizing.implants.custom_settings import CustomSettings
from sizing.implants.insertion import CLEARANCE_TOLERANCE_MM, running_minimum
from sizing.implants.shape import StemShape

# The isthmus is a stretch, not a level: where exactly the canal is narrowest is told to a few mm.
_ISTHMUS_REACH_MM = 10.0
# A wall is drawn from 128 angles and 1 mm stations, and measured from more: the design keeps this much in hand.
_WALL_MARGIN_MM = 0.04
# A gap up to this counts as contact, as in the fit's settings.
_TOUCHING_MM = 0.1


def meant_interference_mm(cavity: Cavity, within: np.ndarray, settings: CustomSettings) -> FloatArray:
    """Radial interference per station, negative where room is asked for; a zone's own value goes before both."""
    station_mm = cavity.station_mm
    meant = np.full(len(station_mm), -settings.least_clearance_mm)
    width = np.nan_to_num(np.nanmean(cavity.endosteal_radius_mm[within], axis=1), nan=np.inf)
    isthmus = np.abs(station_mm - station_mm[within][width.argmin()]) <= _ISTHMUS_REACH_MM
    meant[isthmus] = np.minimum(meant[isthmus], -settings.isthmus_clearance_mm)
    for zone in settings.zones:
        inside = (station_mm >= zone.from_station_mm) & (station_mm <= zone.to_station_mm)
        meant[inside] = 0.5 * zone.diametral_interference_mm
    return meant


def room_mm(cavity: Cavity, settings: CustomSettings) -> FloatArray:
    """How far the hole's wall may move out by a broach: by its cut, nowhere into the wall that must stay."""
    hole = cavity.hole_radius_mm
    allowed = _inside_by(cavity.periosteal_radius_mm, cavity.phi_rad, settings.min_wall_mm + _WALL_MARGIN_MM)
    if settings.largest_cut_per_side_mm is not None:
        allowed = np.minimum(allowed, cavity.endosteal_radius_mm + settings.largest_cut_per_side_mm)
    # Where nothing may be cut the stem stays as far from the bone as a wall's doubt: it touches, and does not scrape.
    return np.minimum(hole + settings.broach_per_side_mm, np.maximum(hole - _WALL_MARGIN_MM, allowed))


def _inside_by(outer_mm: FloatArray, phi_rad: FloatArray, wall_mm: float) -> FloatArray:
    """Radius (k, n) up to which every point stays at least ``wall_mm`` from the outer contour (k, n).

    On each ray the nearest crossing of the circles of radius ``wall_mm`` about the contour's points.
    """
    allowed = outer_mm - wall_mm
    step = float(phi_rad[1] - phi_rad[0])
    for shift in range(1, len(phi_rad) // 4):
        aside = outer_mm * np.sin(shift * step)
        near = aside < wall_mm
        if not near.any():
            break
        first = outer_mm * np.cos(shift * step) - np.sqrt(np.where(near, wall_mm**2 - aside**2, 0.0))
        first = np.where(near, first, np.inf)
        allowed = np.fmin(allowed, np.fmin(np.roll(first, shift, 1), np.roll(first, -shift, 1)))
    return allowed


def check_cut(cavity: Cavity, within: np.ndarray, settings: CustomSettings) -> None:
    """The reamers alone must not take more off the cortex than is allowed."""
    most = settings.largest_cut_per_side_mm
    cut = (cavity.hole_radius_mm - cavity.endosteal_radius_mm)[within]
    if most is None or not np.isfinite(cut).any() or np.nanmax(cut) <= most + CLEARANCE_TOLERANCE_MM:
        return
    level, angle = np.unravel_index(np.nanargmax(cut), cut.shape)
    raise InputError(
        "CF-I056",
        "the last reamer takes more off the cortex than largest_cut_per_side_mm allows",
        where=f"{cavity.station_mm[level]:.0f} mm above the facing plane, {np.rad2deg(cavity.phi_rad[angle]):.0f} "
        "degrees from x",
        measured=f"{np.nanmax(cut):.2f} mm",
        expected=f"at most {most:g} mm",
        advice="Choose a smaller last_reamer_mm, or allow more",
    )


def why_untouched(
    shape: StemShape,
    cavity: Cavity,
    prepared_radius_mm: FloatArray,
    room: FloatArray,
    meant_mm: FloatArray,
    settings: CustomSettings,
) -> dict[str, float]:
    """Return why parts of the flank touch no bone, as shares of the flank.

    Parameters
    ----------
    shape : StemShape
        The stem.
    cavity : Cavity
        The hole before the broach.
    prepared_radius_mm : (k, n) array
        The hole after it.
    room : (k, n) array
        How far the stem may reach at each place, of ``room_mm``.
    meant_mm : (k,) array
        Radial interference that is meant.
    settings : CustomSettings
        Gives the tip's length and the broach.

    Returns
    -------
    dict
        ``tip``: the tip is drawn in. ``asked``: only the clearance that is asked for keeps it off. ``wall``: a level
        that it has to pass is narrow because of the wall that must stay. ``broach``: that level could be widened
        only by a deeper cut. ``form``: the section cannot follow.
    """
    within = cavity.station_mm <= shape.length_mm + 1e-9
    stem = shape.radius_mm(cavity.station_mm[within], cavity.phi_rad)
    hole, limit = cavity.hole_radius_mm[within], (room + meant_mm[:, None])[within]
    narrowest, at = running_minimum(limit)
    apart = stem < prepared_radius_mm[within] - _TOUCHING_MM  # False where the hole is not known
    tip = apart & (cavity.station_mm[within] > shape.length_mm - settings.tip_length_mm)[:, None]
    asked = apart & ~tip & (stem - np.minimum(meant_mm[within], 0.0)[:, None] >= hole - _TOUCHING_MM)
    blocked = apart & ~tip & ~asked & (narrowest < hole - _TOUCHING_MM)
    by_wall = room[within] < hole + settings.broach_per_side_mm - CLEARANCE_TOLERANCE_MM
    by_wall = np.take_along_axis(by_wall, at, axis=0)
    weight = np.where(np.isfinite(hole), stem, 0.0)
    parts = {
        "tip": tip,
        "asked": asked,
        "wall": blocked & by_wall,
        "broach": blocked & ~by_wall,
        "form": apart & ~tip & ~asked & ~blocked,
    }
    return {name: float((weight * part).sum() / weight.sum()) for name, part in parts.items()}
