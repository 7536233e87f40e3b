"""Fit by zone: collar, thirds of the body, tip; each as a whole and by quarter (A, P, M, L)."""

from __future__ import annotations

import numpy as np

from sizing.fit.integrals import integral, least, mean, ratio
from sizing.fit.levels import StemLevels
from sizing.fit.model import ZoneFit
from sizing.fit.settings import FitSettings
from sizing.fit.view import AxisView
from sizing.geometry import FloatArray
from sizing.implants.model import ImplantTemplate

# Periprosthetic fractures of bone-anchored stems lie within 20 mm of the tip (19 of 22, BJJ 2020 102-B:162);
# the collar's zone has the same length.
TIP_BAND_MM = 20.0


def zone_bounds_mm(length_mm: float) -> list[tuple[str, float, float]]:
    """Return (name, from, to) along the stem; the body between collar and tip is cut in thirds.

    A stem too short for collar, tip and a body between them has zones of a fifth of its length.
    """
    band = min(TIP_BAND_MM, length_mm / 5)
    third = (length_mm - 2 * band) / 3
    cuts = [0.0, band, band + third, band + 2 * third, length_mm - band, length_mm]
    names = ("collar", "distal third", "middle third", "proximal third", "tip")
    return [(n, a, b) for n, a, b in zip(names, cuts[:-1], cuts[1:], strict=True)]


def wall_limit_by_travel_mm(settings: FitSettings, travel_mm: FloatArray, length_mm: float) -> FloatArray:
    """Return the wall that must be left at each travel: the limit, or the collar's and the tip's own."""
    travel = np.asarray(travel_mm)
    limit = np.full(travel.shape, settings.wall_limit_mm)
    if settings.collar_wall_limit_mm is not None:
        limit[travel <= TIP_BAND_MM] = settings.collar_wall_limit_mm
    if settings.tip_wall_limit_mm is not None:
        limit[np.abs(travel - length_mm) <= TIP_BAND_MM] = settings.tip_wall_limit_mm
    return limit


def measure_zones(view: AxisView, levels: StemLevels, row: int, implant: ImplantTemplate) -> tuple[ZoneFit, ...]:
    """Measure one stem (a row of ``levels``) zone by zone, the whole circumference."""
    zones = []
    for name, low, high in zone_bounds_mm(implant.length_mm):
        weights = view.weights_mm(low, high)
        wall_to = high + TIP_BAND_MM if name == "tip" else high
        inside = (view.travel_mm >= low - 1e-9) & (view.travel_mm <= wall_to + 1e-9)
        zones.append(ZoneFit(
            name=name,
            from_depth_mm=view.depth_at(low),
            to_depth_mm=view.depth_at(high),
            contact_share=mean(levels.contact[row], weights),
            canal_fill=ratio(levels.stem_mm2[row], view.canal_mm2, weights),
            gap_mm3=integral(levels.gap_mm2[row], weights),
            diametral_interference_mm=2 * mean(levels.overlap_mm[row],
                                                weights * np.nan_to_num(levels.overlap_rad[row])),
            wall_min_mm=least(levels.wall_mm[row], inside),
        ))  # fmt: skip
    return tuple(zones)
