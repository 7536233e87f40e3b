"""Geometry of a surface given as radii over angle and depth: slopes, normals, curvature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.canal.rays import Rays
from sizing.geometry import FloatArray

# Harmonics of a section beyond this are noise at any clinical blur (a ripple of 2.5 mm on a 12 mm bone).
HIGHEST_HARMONIC = 16
# A section cannot curve more sharply than the scan can show.
SHARPEST_RADIUS_MM = 2.0
# Slopes along the bone are taken over this length.
SLOPE_LENGTH_MM = 5.0


@dataclass(frozen=True)
class SurfaceFrame:
    """How a surface stands against its rays.

    Attributes
    ----------
    stretched_normal_lps : (m, n, 3) array
        Surface normal divided by its share along the ray: a displacement times this vector is the
        displacement of the surface along the ray.
    tangent_lps : (m, n, 3) array
        Unit tangent within the section.
    curvature_per_mm : (m, n) array
        Of the section's contour, positive where it is convex outward.
    """

    stretched_normal_lps: FloatArray
    tangent_lps: FloatArray
    curvature_per_mm: FloatArray

    def thinned(self, skip: int) -> SurfaceFrame:
        """Return every ``skip``-th level and ray."""
        return SurfaceFrame(
            self.stretched_normal_lps[::skip, ::skip],
            self.tangent_lps[::skip, ::skip],
            self.curvature_per_mm[::skip, ::skip],
        )

    @property
    def stretch(self) -> FloatArray:
        """(m, n) distance along the ray per distance along the normal, >= 1."""
        return np.linalg.norm(self.stretched_normal_lps, axis=-1)


def frame_of(radius_mm: FloatArray, rays: Rays) -> SurfaceFrame:
    """Return slopes, normals and curvature of a surface (m, n); unknown rays are bridged smoothly first."""
    r = filled(radius_mm)
    n = r.shape[1]
    order = np.arange(n // 2 + 1)
    spectrum = np.fft.rfft(r, axis=1) * np.exp(-((order / HIGHEST_HARMONIC) ** 4))
    r, first, second = (np.fft.irfft(spectrum * (1j * order) ** p, n, axis=1) for p in (0, 1, 2))
    along = _along_depth(r, rays.axis.depth_mm) if len(r) > 1 else np.zeros_like(r)
    e = rays.direction_lps
    across = np.cross(rays.axis.s_lps[:, None], e)
    slope = first / r
    normal = e - slope[..., None] * across - along[..., None] * rays.axis.s_lps[:, None]
    tangent = across + slope[..., None] * e
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True)
    curvature = (r**2 + 2 * first**2 - r * second) / (r**2 + first**2) ** 1.5
    return SurfaceFrame(normal, tangent, np.clip(curvature, -1 / SHARPEST_RADIUS_MM, 1 / SHARPEST_RADIUS_MM))


def _along_depth(r: FloatArray, depth_mm: FloatArray) -> FloatArray:
    """Return the derivative along the depth, over windows of SLOPE_LENGTH_MM."""
    span = max(1, round(SLOPE_LENGTH_MM / 2 / float(np.median(np.diff(depth_mm)))))
    i = np.arange(len(r))
    low, high = np.maximum(i - span, 0), np.minimum(i + span, len(r) - 1)
    return (r[high] - r[low]) / (depth_mm[high] - depth_mm[low])[:, None]


def filled(radius_mm: FloatArray) -> FloatArray:
    """Return radii (m, n) without NaN: gaps are bridged within the section, empty sections by their neighbours."""
    r = np.array(radius_mm, np.float64)
    n = r.shape[1]
    known = np.isfinite(r)
    for i in np.flatnonzero(known.any(axis=1) & ~known.all(axis=1)):
        at = np.flatnonzero(known[i])
        r[i] = np.interp(np.arange(n), np.concatenate([at - n, at, at + n]), np.tile(r[i, at], 3))
    some = np.flatnonzero(known.any(axis=1))
    if len(some) == 0:
        raise ValueError("a surface without a single known ray has no shape")
    nearest = some[np.abs(np.arange(len(r))[:, None] - some).argmin(axis=1)]
    return r[nearest]
