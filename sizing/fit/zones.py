"""Zones of a stem: collar, thirds of the body, tip; with their limits and their names."""

from __future__ import annotations

import numpy as np

from sizing.fit.settings import FitSettings
from sizing.geometry import FloatArray

# Periprosthetic fractures of bone-anchored stems lie within 20 mm of the tip (19 of 22, BJJ 2020 102-B:162);
# the collar's zone has the same length.
TIP_BAND_MM = 20.0
# Where the collar seats and the stem enters: nothing above carries a load that did not pass here.
ENTRY_MM = 10.0
ZONE_NAMES = ("collar", "distal third", "middle third", "proximal third", "tip")


def zone_bounds_mm(length_mm: float) -> tuple[tuple[str, float, float], ...]:
    """Return (name, from, to) along the stem; the body between collar and tip is cut in thirds.

    A stem too short for collar, tip and a body between them has zones of a fifth of its length.
    """
    band = min(TIP_BAND_MM, length_mm / 5)
    third = (length_mm - 2 * band) / 3
    cuts = [0.0, band, band + third, band + 2 * third, length_mm - band, length_mm]
    return tuple((n, a, b) for n, a, b in zip(ZONE_NAMES, cuts[:-1], cuts[1:], strict=True))


def wall_limit_by_travel_mm(settings: FitSettings, travel_mm: FloatArray, length_mm: float) -> FloatArray:
    """Return the wall that must be left at each travel: the limit, or the collar's and the tip's own."""
    travel = np.asarray(travel_mm)
    limit = np.full(travel.shape, settings.wall_limit_mm)
    if settings.collar_wall_limit_mm is not None:
        limit[travel <= TIP_BAND_MM] = settings.collar_wall_limit_mm
    if settings.tip_wall_limit_mm is not None:
        limit[np.abs(travel - length_mm) <= TIP_BAND_MM] = settings.tip_wall_limit_mm
    return limit
