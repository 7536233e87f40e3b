"""The canal as a whole: isthmus, bow, ovality, flare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.canal.isthmus import find_waist, narrowest_level, rises_on_both_sides
from sizing.canal.model import Canal
from sizing.canal.sections import SectionTable
from sizing.geometry import FloatArray, frozen_array

# A bow is told from a centreline of at least this length whose sagitta exceeds the centres' scatter.
MIN_BOW_LENGTH_MM = 60.0
MIN_BOW_SAGITTA_MM = 0.5


@dataclass(frozen=True)
class CanalShape:
    """What is said of the canal in one breath. ``None`` = cannot be told in this scan.

    Attributes
    ----------
    isthmus_depth_mm, isthmus_diameter_mm : float or None
        Level and diameter of the smallest inscribed circle along the centreline; None when the
        narrowest level lies at the end of what was measured.
    isthmus_depth_se_mm : float or None
        Standard error of the level.
    isthmus_from_mm, isthmus_to_mm : float or None
        The canal is as narrow, to 0.1 mm, over this stretch: a flat isthmus has no sharp level.
    narrowest_depth_mm, narrowest_diameter_mm : float or None
        The smallest measured inscribed circle, isthmus or not.
    bow_radius_mm : float or None
        Radius of the circle through the canal's centreline; None = straight within what can be told.
    bow_radius_at_least_mm : float
        No bow stronger than this would have been missed.
    bow_sagitta_mm : float or None
        Rise of the centreline over the chord of its measured length.
    bow_centre_lps : (3,) array or None
        Unit vector from the centreline towards the centre of curvature.
    bow_plane_normal_lps : (3,) array or None
    centreline_length_mm : float
    canal_flare : float or None
        Inscribed diameter at the most proximal measured level over that of the isthmus; a ratio
        within this scan, not the radiographic index.
    largest_ovality, largest_ovality_depth_mm : float or None
    wall_min_mm, wall_min_depth_mm, wall_min_theta_rad : float or None
    """

    isthmus_depth_mm: float | None
    isthmus_diameter_mm: float | None
    narrowest_depth_mm: float | None
    narrowest_diameter_mm: float | None
    bow_radius_mm: float | None
    bow_radius_at_least_mm: float
    bow_sagitta_mm: float | None
    bow_centre_lps: FloatArray | None
    bow_plane_normal_lps: FloatArray | None
    centreline_length_mm: float
    canal_flare: float | None
    largest_ovality: float | None
    largest_ovality_depth_mm: float | None
    wall_min_mm: float | None
    wall_min_depth_mm: float | None
    wall_min_theta_rad: float | None
    isthmus_depth_se_mm: float | None = None
    isthmus_from_mm: float | None = None
    isthmus_to_mm: float | None = None

    def __post_init__(self) -> None:
        for name in ("bow_centre_lps", "bow_plane_normal_lps"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, frozen_array(getattr(self, name)))


def describe_shape(canal: Canal, table: SectionTable) -> CanalShape:
    """Describe the canal from its sections; see ``docs/method/canal.md``."""
    d, depth = table.inscribed_diameter_mm, table.depth_mm
    narrowest = narrowest_level(table)
    isthmus = narrowest if narrowest is not None and rises_on_both_sides(table, narrowest) else None
    waist = None if isthmus is None else find_waist(table, isthmus)
    if waist is not None:
        isthmus = int(np.nanargmin(np.where(np.isfinite(d), np.abs(depth - waist.depth_mm), np.nan)))
    bow = _bow(canal, table)
    oval = _extreme(table.ovality, np.nanargmax)
    thin = _extreme(table.wall_min_mm, np.nanargmin)
    known = np.flatnonzero(np.isfinite(d))
    return CanalShape(
        isthmus_depth_mm=None if waist is None else waist.depth_mm,
        isthmus_diameter_mm=_at(d, isthmus),
        narrowest_depth_mm=_at(depth, narrowest),
        narrowest_diameter_mm=_at(d, narrowest),
        **bow,
        canal_flare=None if isthmus is None else float(d[known[-1]] / d[isthmus]),
        largest_ovality=_at(table.ovality, oval),
        largest_ovality_depth_mm=_at(depth, oval),
        wall_min_mm=_at(table.wall_min_mm, thin),
        wall_min_depth_mm=_at(depth, thin),
        wall_min_theta_rad=_at(table.wall_min_theta_rad, thin),
        isthmus_depth_se_mm=None if waist is None else waist.se_mm,
        isthmus_from_mm=None if waist is None else waist.from_mm,
        isthmus_to_mm=None if waist is None else waist.to_mm,
    )


def _at(values: FloatArray, index: int | None) -> float | None:
    return None if index is None else float(values[index])


def _extreme(values: FloatArray, function) -> int | None:  # type: ignore[no-untyped-def]
    return int(function(values)) if np.isfinite(values).any() else None


def _bow(canal: Canal, table: SectionTable) -> dict:
    """Fit a circular arc to the canal's centres: plane by principal axes, radius by least squares."""
    a, xy = canal.axis, table.canal_centroid_xy_mm
    known = np.isfinite(xy).all(axis=1)
    nothing = {
        "bow_radius_mm": None, "bow_radius_at_least_mm": 0.0, "bow_sagitta_mm": None,
        "bow_centre_lps": None, "bow_plane_normal_lps": None, "centreline_length_mm": 0.0,
    }  # fmt: skip
    if known.sum() < 5:
        return nothing
    centres = (a.points_lps + xy[:, :1] * a.u_lps + xy[:, 1:] * a.v_lps)[known]
    middle = centres - centres.mean(axis=0)
    _, _, axes = np.linalg.svd(middle, full_matrices=False)
    along = middle @ axes[0]
    length = float(np.ptp(along))
    if length < MIN_BOW_LENGTH_MM:
        return nothing | {"centreline_length_mm": length}
    # two parabolas across the chord: their second derivatives are the two parts of the curvature vector
    across = middle @ axes[1:].T
    fits = [np.polyfit(along, across[:, i], 2) for i in range(2)]
    scatter = np.sqrt(np.mean([(across[:, i] - np.polyval(f, along)) ** 2 for i, f in enumerate(fits)]))
    curvature = 2 * np.array([fits[0][0], fits[1][0]])
    k = float(np.linalg.norm(curvature))
    least_sagitta = max(MIN_BOW_SAGITTA_MM, float(scatter))
    found = k * length**2 / 8 > least_sagitta
    towards = (curvature @ axes[1:]) / k if found else None
    return {
        "bow_radius_mm": 1 / k if found else None,
        "bow_radius_at_least_mm": length**2 / (8 * least_sagitta),
        "bow_sagitta_mm": k * length**2 / 8,
        "bow_centre_lps": towards,
        "bow_plane_normal_lps": None if towards is None else np.cross(axes[0], towards),
        "centreline_length_mm": length,
    }
