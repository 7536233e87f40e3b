"""The prepared canal as the implant sees it: radii round the tool's axis, station by station."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.canal.model import Canal
from sizing.geometry import FloatArray, frozen_array
from sizing.reaming.across import across_lps
from sizing.reaming.model import ReamedCanal, ToolAxis

# A gap between neighbouring measured points wider than this many rays is "cannot tell".
_WIDEST_GAP_RAYS = 2.5

# Where the axis is tilted against the cut, a station near the entry lies below the first section on one side: the
# canal is continued straight over this length.
_CUT_REACH_MM = 2.0


@dataclass(frozen=True)
class Cavity:
    """Surfaces in the implant's frame: k stations along the axis, n angles. NaN is "cannot tell".

    Attributes
    ----------
    axis : ToolAxis
    x_lps : (3,) array
        Direction of angle 0 at the entry: towards the centre of curvature, else anterior as scanned.
    station_mm : (k,) array
        Travel from the resection plane.
    phi_rad : (n,) array
    endosteal_radius_mm, periosteal_radius_mm : (k, n) arrays
    hole_radius_mm : (k, n) array
        Inner surface after reaming: canal or tool, whichever reaches further. Equals the endosteum when unreamed.
    """

    axis: ToolAxis
    x_lps: FloatArray
    station_mm: FloatArray
    phi_rad: FloatArray
    endosteal_radius_mm: FloatArray
    periosteal_radius_mm: FloatArray
    hole_radius_mm: FloatArray

    def __post_init__(self) -> None:
        for name in ("x_lps", "station_mm", "phi_rad", "endosteal_radius_mm", "periosteal_radius_mm", "hole_radius_mm"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))

    def direction_lps(self, phi_rad: float) -> FloatArray:
        """Return the transverse direction (3,) of an angle at the entry."""
        y = np.cross(self.axis.direction_lps, self.x_lps)
        return np.cos(phi_rad) * self.x_lps + np.sin(phi_rad) * y


def cavity_along(
    canal: Canal, axis: ToolAxis, station_mm: FloatArray, n_angles: int, reamed: ReamedCanal | None = None
) -> Cavity:
    """Look at a canal from a tool axis.

    Parameters
    ----------
    canal : Canal
        As measured.
    axis : ToolAxis
        Straight or a circular arc.
    station_mm : (k,) array
        Travel from the entry.
    n_angles : int
        Equally spaced from ``Cavity.x_lps``.
    reamed : ReamedCanal, optional
        The same canal after reaming; None leaves it as it is.

    Returns
    -------
    Cavity
    """
    x_lps = across_lps(canal, axis)
    phi = np.arange(n_angles) * (2 * np.pi / n_angles)
    surfaces = [canal.endosteal_radius_mm, canal.periosteal_radius_mm]
    if reamed is not None:
        surfaces.append(reamed.bore_radius_mm)
    seen = [_seen_from(canal, radius, axis, x_lps, station_mm, phi) for radius in surfaces]
    hole = seen[2] if reamed is not None else seen[0]
    return Cavity(axis, x_lps, station_mm, phi, seen[0], seen[1], hole)


def _seen_from(
    canal: Canal, radius_mm: FloatArray, axis: ToolAxis, x_lps: FloatArray, station_mm: FloatArray, phi: FloatArray
) -> FloatArray:
    """Cut the lines that run along the canal at each angle by the planes of the stations; (k, n) radii."""
    a = canal.axis
    ray = a.u_lps[:, None] * np.cos(canal.theta_rad)[:, None] + a.v_lps[:, None] * np.sin(canal.theta_rad)[:, None]
    points = a.points_lps[:, None] + radius_mm[..., None] * ray
    travel, x, y = _tool_coordinates(points, axis, x_lps)
    out = np.full((len(station_mm), len(phi)), np.nan)
    crossing = np.full((len(station_mm), travel.shape[1], 2), np.nan)
    for j in range(travel.shape[1]):
        known = np.flatnonzero(np.isfinite(travel[:, j]))
        if len(known):
            within = _between_neighbours(station_mm, travel[known, j], known)
            for i, across in enumerate((x, y)):
                crossing[within, j, i] = np.interp(station_mm[within], travel[known, j], across[known, j])
    for k, section in enumerate(crossing):
        out[k] = _polar(section[np.isfinite(section[:, 0])], phi, _WIDEST_GAP_RAYS * 2 * np.pi / travel.shape[1])
    return out


def _between_neighbours(station_mm: FloatArray, travel_mm: FloatArray, level: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which stations (k,) lie between two measured levels that follow each other.

    ``travel_mm`` and ``level`` (m,) are place and index of the levels that are measured at one angle; an unmeasured
    level between two of them is "cannot tell" there, and nowhere else.
    """
    right = np.searchsorted(travel_mm, station_mm, side="left")
    at_level = travel_mm[np.minimum(right, len(level) - 1)] == station_mm
    inner = np.clip(right, 1, len(level) - 1) if len(level) > 1 else np.zeros(len(station_mm), np.intp)
    follows = (right > 0) & (right < len(level)) & (level[inner] - level[inner - 1] == 1)
    before = (level[0] == 0) & (right == 0) & (station_mm >= travel_mm[0] - _CUT_REACH_MM)
    return at_level | follows | before


def _tool_coordinates(
    points_lps: FloatArray, axis: ToolAxis, x_lps: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return travel along the axis and the two transverse coordinates of points (..., 3)."""
    relative = points_lps - axis.entry_lps
    x, y, z = relative @ x_lps, relative @ np.cross(axis.direction_lps, x_lps), relative @ axis.direction_lps
    if axis.bow_radius_mm is None:
        return z, x, y
    return (
        axis.bow_radius_mm * np.arctan2(z, axis.bow_radius_mm - x),
        axis.bow_radius_mm - np.hypot(axis.bow_radius_mm - x, z),
        y,
    )


def _polar(section_xy: FloatArray, phi: FloatArray, widest_gap_rad: float) -> FloatArray:
    """Read a closed contour (j, 2) at angles round the origin; NaN in gaps, and where the axis lies outside."""
    out = np.full(len(phi), np.nan)
    if len(section_xy) < 8:
        return out
    angle = np.arctan2(section_xy[:, 1], section_xy[:, 0]) % (2 * np.pi)
    order = np.argsort(angle)
    angle, radius = angle[order], np.hypot(*section_xy[order].T)
    angle = np.concatenate([angle[-1:] - 2 * np.pi, angle, angle[:1] + 2 * np.pi])
    radius = np.concatenate([radius[-1:], radius, radius[:1]])
    right = np.clip(np.searchsorted(angle, phi), 1, len(angle) - 1)
    known = angle[right] - angle[right - 1] <= _gap_limit(angle, widest_gap_rad)
    return np.where(known, np.interp(phi, angle, radius), np.nan)


def _gap_limit(angle: FloatArray, widest_gap_rad: float) -> float:
    # Seen from an axis off the centre, evenly spaced rays crowd on one side: scale with the typical spacing.
    return max(widest_gap_rad, _WIDEST_GAP_RAYS * float(np.median(np.diff(angle)))) * 2.0
