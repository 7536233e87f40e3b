"""Does a stem go in? The stem slides along its own axis, a straight line or a circular arc.

A straight line and a circular arc are the two curves that move along themselves: a section of the
stem then passes every section of the hole between the entry and its final place, at the same angle.
So one stem station s must pass all hole stations from 0 to s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.geometry import FloatArray
from sizing.implants.cavity import Cavity
from sizing.implants.shape import StemShape


@dataclass(frozen=True)
class Insertion:
    """The outcome of sliding a stem in.

    Attributes
    ----------
    goes_in : bool
        No station presses deeper into the hole's wall, anywhere on its way, than is meant there.
    least_clearance_mm : float
        Smallest of (hole + meant interference - stem), radial; negative = it jams by that much.
    clearance_stem_station_mm, clearance_hole_station_mm, clearance_phi_rad : float
        Which part of the stem, at which level of the hole, on which side.
    seated_gap_mm : (k, n) array
        Hole minus stem when fully seated, radial, at the stem's own stations; negative = interference.
    unmeasured_share : float
        Share of the swept surface where the hole is not known.
    """

    goes_in: bool
    least_clearance_mm: float
    clearance_stem_station_mm: float
    clearance_hole_station_mm: float
    clearance_phi_rad: float
    seated_gap_mm: FloatArray
    unmeasured_share: float


# Rounding of section tables; a hundredth of what a machine holds.
CLEARANCE_TOLERANCE_MM = 1e-3


def check_insertion(shape: StemShape, cavity: Cavity, meant_interference_mm: FloatArray) -> Insertion:
    """Slide a stem into a prepared canal.

    Parameters
    ----------
    shape : StemShape
        With the bow of the cavity's axis.
    cavity : Cavity
        Stations from 0 to at least the stem's length.
    meant_interference_mm : (k,) array
        Radial interference that is meant at each station of the hole (0 = clearance only); a press-fit
        zone lets the stem press that deep while it passes, too.

    Returns
    -------
    Insertion
    """
    inside = cavity.station_mm <= shape.length_mm + 1e-9
    station = cavity.station_mm[inside]
    stem = shape.radius_mm(station, cavity.phi_rad)
    limit = cavity.hole_radius_mm[inside] + np.asarray(meant_interference_mm)[inside, None]
    # The narrowest place on the way from the entry to each station, and where it is.
    narrowest, where = running_minimum(limit)
    clearance = narrowest - stem
    known = np.isfinite(clearance)
    if not known.any():
        nan = float("nan")
        return Insertion(False, nan, nan, nan, nan, limit - stem, 1.0)
    k, j = np.unravel_index(np.nanargmin(clearance), clearance.shape)
    least = float(clearance[k, j])
    return Insertion(
        goes_in=bool(least >= -CLEARANCE_TOLERANCE_MM),
        least_clearance_mm=least,
        clearance_stem_station_mm=float(station[k]),
        clearance_hole_station_mm=float(station[where[k, j]]),
        clearance_phi_rad=float(cavity.phi_rad[j]),
        seated_gap_mm=cavity.hole_radius_mm[inside] - stem,
        unmeasured_share=float(1.0 - known.mean()),
    )


def running_minimum(limit_mm: FloatArray) -> tuple[FloatArray, np.ndarray]:
    """Return the least value (k, n) from station 0 up to each station, and the index of its station.

    NaN rows are passed over: an unmeasured place limits nothing and is counted elsewhere.
    """
    filled = np.where(np.isfinite(limit_mm), limit_mm, np.inf)
    least = np.minimum.accumulate(filled, axis=0)
    new = filled <= least
    index = np.where(new, np.arange(len(filled))[:, None], 0)
    where = np.maximum.accumulate(index, axis=0)
    return np.where(np.isfinite(least), least, np.nan), where


def insertable_limit(cavity: Cavity, meant_interference_mm: FloatArray) -> FloatArray:
    """Return the largest radius (k, n) that a stem may have at each station and still go in."""
    return running_minimum(cavity.hole_radius_mm + np.asarray(meant_interference_mm)[:, None])[0]
