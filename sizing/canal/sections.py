"""Numbers per level: diameters, wall, areas, moments; each under the name of what it is."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from sizing import _sections
from sizing.canal.model import Canal
from sizing.canal.precision import section_errors
from sizing.geometry import FloatArray, frozen_array

# A gap up to this wide is closed by a smooth curve for areas and diameters; a wider gap is not ours to draw.
CLOSABLE_GAP_DEG = 20.0
# Points between rays for circles: the nearest point of the curve then lies within 1e-3 mm of a sample.
CIRCLE_POINTS = 512


@dataclass(frozen=True)
class SectionTable:
    """One row per level of a canal; arrays (m,) unless said, NaN = cannot tell.

    Angles run from u (anterior as scanned) towards v. Moments are of the cortex about its own
    centroid, along u and v.

    Attributes
    ----------
    depth_mm : (m,) array
    measured_share : (m,) array
        Share of rays on which both surfaces are known.
    inscribed_diameter_mm, circumscribed_diameter_mm : (m,) arrays
        Largest circle inside and smallest circle round the endosteal contour.
    inscribed_centre_xy_mm : (m, 2) array
        Centre of the inscribed circle along (u, v).
    minor_diameter_mm, major_diameter_mm : (m,) arrays
        Axes of the ellipse with the canal's second moments of area.
    major_direction_rad : (m,) array
        Direction of the long axis, 0 to pi.
    area_diameter_mm : (m,) array
        Diameter of the circle with the canal's area.
    ap_diameter_mm, ml_diameter_mm : (m,) arrays
        Extent of the canal along u and along v.
    ovality : (m,) array
        (major - minor) / mean of both; 0 = round.
    canal_centroid_xy_mm, periosteal_centroid_xy_mm : (m, 2) arrays
    eccentricity_mm : (m,) array
        Distance between both centroids.
    canal_area_mm2, cortical_area_mm2, periosteal_area_mm2 : (m,) arrays
    periosteal_minor_diameter_mm, periosteal_major_diameter_mm : (m,) arrays
    wall_min_mm, wall_mean_mm, wall_max_mm : (m,) arrays
        Normal wall over the known rays of the level.
    wall_min_theta_rad, wall_max_theta_rad : (m,) arrays
        Where, as the angle on the endosteal surface.
    moment_uu_mm4, moment_vv_mm4, moment_uv_mm4 : (m,) arrays
        Second moments of the cortex: integrals of v squared, u squared, and u v.
    moment_max_mm4, moment_min_mm4 : (m,) arrays
    modulus_max_mm3, modulus_min_mm3 : (m,) arrays
        Section modulus of bending about the two principal axes (moment / farthest periosteal point).
    *_se_mm, *_se_mm2 : (m,) arrays
        Standard error of the number of the same name; NaN where the canal was given as contours.
    cortex_hu, canal_hu : (m,) arrays
        Mean over the known rays; NaN where the canal was given as contours.
    """

    depth_mm: FloatArray
    measured_share: FloatArray
    inscribed_diameter_mm: FloatArray
    circumscribed_diameter_mm: FloatArray
    inscribed_centre_xy_mm: FloatArray
    minor_diameter_mm: FloatArray
    major_diameter_mm: FloatArray
    major_direction_rad: FloatArray
    area_diameter_mm: FloatArray
    ap_diameter_mm: FloatArray
    ml_diameter_mm: FloatArray
    ovality: FloatArray
    canal_centroid_xy_mm: FloatArray
    periosteal_centroid_xy_mm: FloatArray
    eccentricity_mm: FloatArray
    canal_area_mm2: FloatArray
    cortical_area_mm2: FloatArray
    periosteal_area_mm2: FloatArray
    periosteal_minor_diameter_mm: FloatArray
    periosteal_major_diameter_mm: FloatArray
    wall_min_mm: FloatArray
    wall_mean_mm: FloatArray
    wall_max_mm: FloatArray
    wall_min_theta_rad: FloatArray
    wall_max_theta_rad: FloatArray
    moment_uu_mm4: FloatArray
    moment_vv_mm4: FloatArray
    moment_uv_mm4: FloatArray
    moment_max_mm4: FloatArray
    moment_min_mm4: FloatArray
    modulus_max_mm3: FloatArray
    modulus_min_mm3: FloatArray
    cortex_hu: FloatArray
    canal_hu: FloatArray
    inscribed_diameter_se_mm: FloatArray
    minor_diameter_se_mm: FloatArray
    major_diameter_se_mm: FloatArray
    area_diameter_se_mm: FloatArray
    ap_diameter_se_mm: FloatArray
    ml_diameter_se_mm: FloatArray
    canal_area_se_mm2: FloatArray
    cortical_area_se_mm2: FloatArray
    wall_min_se_mm: FloatArray

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, frozen_array(getattr(self, field.name)))

    def __len__(self) -> int:
        return len(self.depth_mm)


@dataclass(frozen=True)
class Region:
    """Area, first and second moments (m,) of a polar region about its section's origin."""

    area: FloatArray
    centroid: FloatArray  # (m, 2)
    uu: FloatArray  # integral of v^2 about the origin
    vv: FloatArray  # integral of u^2
    uv: FloatArray


def region_of(radius_mm: FloatArray, theta_rad: FloatArray) -> Region:
    """Integrate closed contours (m, n) given as radii at equal angles; the rule is spectral for smooth curves."""
    c, s = np.cos(theta_rad), np.sin(theta_rad)
    d = 2 * np.pi / len(theta_rad)
    area = (radius_mm**2).sum(axis=1) * d / 2
    third, fourth = radius_mm**3 * d / 3, radius_mm**4 * d / 4
    with np.errstate(invalid="ignore", divide="ignore"):
        centroid = np.stack([third @ c, third @ s], axis=-1) / area[:, None]
    return Region(area, centroid, fourth @ s**2, fourth @ c**2, fourth @ (c * s))


def closed_contours(radius_mm: FloatArray) -> FloatArray:
    """Return radii (m, n) with small gaps drawn smoothly across; levels with a wide gap become NaN throughout."""
    n = radius_mm.shape[1]
    widest = int(CLOSABLE_GAP_DEG / 360 * n)
    closed = radius_mm.copy()
    for i in np.flatnonzero(np.isnan(radius_mm).any(axis=1)):
        known = np.flatnonzero(np.isfinite(radius_mm[i]))
        if len(known) < n // 2 or np.diff(np.append(known, known[0] + n)).max() - 1 > widest:
            closed[i] = np.nan
            continue
        turn = np.concatenate([known - n, known, known + n])
        closed[i] = np.interp(np.arange(n), turn, np.tile(radius_mm[i, known], 3))
    return closed


def measure_sections(canal: Canal) -> SectionTable:
    """Measure every level of a canal.

    Returns
    -------
    SectionTable
        NaN where more of a contour is missing than a smooth curve may close
        (``docs/method/canal.md``).
    """
    from sizing.canal.thickness import cortical_thickness

    inner, outer = closed_contours(canal.endosteal_radius_mm), closed_contours(canal.periosteal_radius_mm)
    inside, whole = region_of(inner, canal.theta_rad), region_of(outer, canal.theta_rad)
    shape = _ellipse(inside)
    outline = _ellipse(whole)
    wall = cortical_thickness(canal)
    where_min, where_max = _arg(wall, np.nanargmin), _arg(wall, np.nanargmax)
    return SectionTable(
        depth_mm=canal.axis.depth_mm,
        measured_share=canal.measured.mean(axis=1),
        **_circles(inner, canal.theta_rad, inside.centroid),
        minor_diameter_mm=shape[0],
        major_diameter_mm=shape[1],
        major_direction_rad=shape[2],
        ovality=2 * (shape[1] - shape[0]) / (shape[1] + shape[0]),
        area_diameter_mm=2 * np.sqrt(inside.area / np.pi),
        ap_diameter_mm=_extent(inner, canal.theta_rad, 0.0),
        ml_diameter_mm=_extent(inner, canal.theta_rad, np.pi / 2),
        canal_centroid_xy_mm=inside.centroid,
        periosteal_centroid_xy_mm=whole.centroid,
        eccentricity_mm=np.linalg.norm(inside.centroid - whole.centroid, axis=1),
        canal_area_mm2=inside.area,
        cortical_area_mm2=whole.area - inside.area,
        periosteal_area_mm2=whole.area,
        periosteal_minor_diameter_mm=outline[0],
        periosteal_major_diameter_mm=outline[1],
        wall_min_mm=_row(np.nanmin, wall),
        wall_mean_mm=_row(np.nanmean, wall),
        wall_max_mm=_row(np.nanmax, wall),
        wall_min_theta_rad=np.where(where_min >= 0, canal.theta_rad[where_min], np.nan),
        wall_max_theta_rad=np.where(where_max >= 0, canal.theta_rad[where_max], np.nan),
        **_bending(inside, whole, outer, canal.theta_rad),
        cortex_hu=_known_mean(canal.cortex_hu, canal),
        canal_hu=_known_mean(canal.canal_hu, canal),
        **section_errors(canal, inner, outer, inside.centroid, shape[2] + np.pi / 2),
    )


def _row(function, values: FloatArray) -> FloatArray:  # type: ignore[no-untyped-def]
    """Apply a NaN-ignoring reduction per row; rows of NaN only stay NaN, without a warning."""
    some = np.asarray(np.isfinite(values).any(axis=1))
    return np.where(some, function(np.where(some[:, None], values, 0.0), axis=1), np.nan)


def _arg(values: FloatArray, function) -> np.ndarray:  # type: ignore[no-untyped-def]
    some = np.asarray(np.isfinite(values).any(axis=1))
    return np.where(some, function(np.where(some[:, None], values, 0.0), axis=1), -1)


def _known_mean(hu: FloatArray | None, canal: Canal) -> FloatArray:
    if hu is None:
        return np.full(len(canal.axis), np.nan)
    return _row(np.nanmean, np.where(canal.measured, hu, np.nan))


def _principal(uu: FloatArray, vv: FloatArray, uv: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return least and greatest second moment and the direction (0..pi) along which the region is longest."""
    mean, half = (uu + vv) / 2, np.hypot((vv - uu) / 2, uv)
    return mean - half, mean + half, np.mod(np.arctan2(2 * uv, vv - uu) / 2, np.pi)


def _central(region: Region) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, y = region.centroid.T
    return region.uu - region.area * y**2, region.vv - region.area * x**2, region.uv - region.area * x * y


def _ellipse(region: Region) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return minor and major diameter and long-axis direction of the ellipse with the region's moments."""
    least, greatest, direction = _principal(*_central(region))
    with np.errstate(invalid="ignore", divide="ignore"):
        return 4 * np.sqrt(least / region.area), 4 * np.sqrt(greatest / region.area), direction


def _fine_contour(radius_mm: FloatArray, theta_rad: FloatArray) -> FloatArray:
    """Return contour points (m, k, 2) between the rays too, by trigonometric interpolation."""
    n = radius_mm.shape[1]
    k = n * max(1, int(np.ceil(CIRCLE_POINTS / n)))
    spectrum = np.fft.rfft(radius_mm, axis=1)
    fine = np.fft.irfft(spectrum, k, axis=1) * (k / n)
    t = np.arange(k) * 2 * np.pi / k
    return np.ascontiguousarray(fine[..., None] * np.stack([np.cos(t), np.sin(t)], axis=-1))


def _circles(radius_mm: FloatArray, theta_rad: FloatArray, start: FloatArray) -> dict[str, FloatArray]:
    points = _fine_contour(radius_mm, theta_rad)
    m = len(points)
    centre, inscribed = np.empty((m, 2)), np.empty(m)
    _sections.inscribed_circles(points, np.ascontiguousarray(start), centre, inscribed)
    around, circumscribed = np.empty((m, 2)), np.empty(m)
    _sections.enclosing_circles(points, around, circumscribed)
    return {
        "inscribed_diameter_mm": 2 * inscribed,
        "inscribed_centre_xy_mm": centre,
        "circumscribed_diameter_mm": 2 * circumscribed,
    }


def _extent(radius_mm: FloatArray, theta_rad: FloatArray, angle_rad: float) -> FloatArray:
    points = _fine_contour(radius_mm, theta_rad) @ [np.cos(angle_rad), np.sin(angle_rad)]
    return points.max(axis=1) - points.min(axis=1)


def _bending(inside: Region, whole: Region, outer: FloatArray, theta_rad: FloatArray) -> dict[str, FloatArray]:
    """Second moments and section moduli of the cortex about its own centroid."""
    area = whole.area - inside.area
    with np.errstate(invalid="ignore", divide="ignore"):
        centroid = (whole.area[:, None] * whole.centroid - inside.area[:, None] * inside.centroid) / area[:, None]
    cortex = Region(area, centroid, whole.uu - inside.uu, whole.vv - inside.vv, whole.uv - inside.uv)
    uu, vv, uv = _central(cortex)
    least, greatest, direction = _principal(uu, vv, uv)
    points = _fine_contour(outer, theta_rad) - centroid[:, None]
    along = np.cos(direction)[:, None] * points[..., 0] + np.sin(direction)[:, None] * points[..., 1]
    across = -np.sin(direction)[:, None] * points[..., 0] + np.cos(direction)[:, None] * points[..., 1]
    return {
        "moment_uu_mm4": uu,
        "moment_vv_mm4": vv,
        "moment_uv_mm4": uv,
        "moment_max_mm4": greatest,
        "moment_min_mm4": least,
        "modulus_max_mm3": greatest / np.abs(along).max(axis=1),
        "modulus_min_mm3": least / np.abs(across).max(axis=1),
    }
