"""Rays as one smooth surface: weighted local parabolas round the section and along the bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.canal.model import CanalAxis
from sizing.canal.rays import Rays
from sizing.geometry import FloatArray, VolumeGeometry

# Half-width of the window, in voxels and at least in mm. A local parabola of this width keeps 95 % of a ripple
# of 6 mm and of a crest's curvature, and halves the noise of single rays.
ACROSS_VOXELS, ACROSS_MM = 3.0, 2.0
ALONG_STEPS, ALONG_MM = 1.7, 4.0
# Residuals beyond this many standard errors pull with constant force only (Huber).
HUBER = 2.0
ROUNDS = 3
# Rays' standard errors below this are not believed as weights: grid effects are of this size.
LEAST_SE_MM = 0.01


@dataclass(frozen=True)
class Window:
    """Two lengths on the surface: round the section and along the bone."""

    across_mm: float
    along_mm: float


def grid_of(geometry: VolumeGeometry, axis: CanalAxis) -> Window:
    """Return the scan's in-plane voxel and its slice step along the bone."""
    voxel = max(geometry.spacing_mm[1:])
    upright = min(1.0, abs(float(np.median(axis.s_lps @ geometry.slice_normal_lps))))
    return Window(voxel, geometry.slice_step_mm * upright + voxel * float(np.sqrt(1 - upright**2)))


def window_for(grid: Window) -> Window:
    """Return the smoothing window for a grid."""
    return Window(max(ACROSS_MM, ACROSS_VOXELS * grid.across_mm), max(ALONG_MM, ALONG_STEPS * grid.along_mm))


@dataclass(frozen=True)
class Smoothed:
    """A surface after smoothing.

    Attributes
    ----------
    radius_mm : (m, n) array
        NaN where the ray itself is unknown.
    pooled_se_mm : (m, n) array
        Standard error of a typical ray of the window, as the rays themselves state it.
    misfit : (m, n) array
        Ray minus surface, in standard errors of the ray.
    across, along : (2 k + 1,) arrays
        Share of each neighbour in a smoothed value, round the section and along the bone.
    arc_mm, level_mm : float
        Distance of neighbours.
    """

    radius_mm: FloatArray
    pooled_se_mm: FloatArray
    misfit: FloatArray
    across: FloatArray
    along: FloatArray
    arc_mm: float
    level_mm: float


def smooth_surface(radius_mm: FloatArray, se_mm: FloatArray, rays: Rays, window: Window) -> Smoothed:
    """Smooth a surface with weights 1 / se^2, robustly, without bridging unknown rays.

    Parameters
    ----------
    radius_mm : (m, n) array
        NaN = unknown.
    se_mm : (m, n) array
        Standard error of each ray.
    rays : Rays
        Their angles and levels give the distances between neighbours.
    window : Window
        How far to smooth.
    """
    known = np.isfinite(radius_mm) & np.isfinite(se_mm)
    weight = np.where(known, 1.0 / np.maximum(np.where(known, se_mm, 1.0), LEAST_SE_MM) ** 2, 0.0)
    value = np.where(known, radius_mm, 0.0)
    level_step = float(np.median(np.diff(rays.axis.depth_mm))) if len(rays.axis) > 1 else 1.0
    arc = 2 * np.pi / radius_mm.shape[1] * np.nanmedian(np.where(known, radius_mm, np.nan))
    taps = max(1, int(window.across_mm / arc)), max(1, int(window.along_mm / level_step))
    shape_across = _tricube(taps[0], window.across_mm / arc)
    shape_along = _tricube(taps[1], window.along_mm / level_step)
    robust = weight
    for _ in range(ROUNDS):
        along, weight_along = local_parabola(value, robust, shape_along, wraps=False)
        surface, total = local_parabola(along, weight_along, shape_across, wraps=True)
        miss = np.where(known, value - surface, 0.0) * np.sqrt(weight)
        scale = max(1.4826 * float(np.median(np.abs(miss[known]))), 1e-9) if known.any() else 1.0
        robust = weight * np.minimum(1.0, HUBER * scale / np.maximum(np.abs(miss), 1e-9))
    mean_weight = total / (shape_across.sum() * shape_along.sum())
    return Smoothed(
        np.where(known, surface, np.nan),
        np.where(known, 1 / np.sqrt(np.maximum(mean_weight, 1e-12)), np.nan),
        np.where(known, miss, np.nan),
        _shares(shape_across),
        _shares(shape_along),
        float(arc),
        level_step,
    )


def _tricube(taps: int, half_width: float) -> FloatArray:
    d = np.abs(np.arange(-taps, taps + 1)) / max(half_width, taps + 0.5)
    return (1 - d**3) ** 3


def local_parabola(
    value: FloatArray, weight: FloatArray, window: FloatArray, *, wraps: bool
) -> tuple[FloatArray, FloatArray]:
    """Fit a weighted parabola in a moving window along axis 1 (wraps) or 0, and return its value at the centre.

    Where the known samples cannot carry a parabola, a line or a mean is fitted. Also returns the
    summed weight: what the next pass should believe.
    """
    axis = 1 if wraps else 0
    half = len(window) // 2
    s = np.zeros((5, *value.shape))
    t = np.zeros((3, *value.shape))
    for k, shape in zip(range(-half, half + 1), window, strict=True):
        w, x = _shifted(weight, k, axis, wraps), _shifted(value, k, axis, wraps)
        w = w * shape
        wx = w * x
        for p in range(5):
            s[p] += w * float(k) ** p
        for p in range(3):
            t[p] += wx * float(k) ** p
    return _centre_of_parabola(s, t, half), s[0]


def _shifted(a: FloatArray, k: int, axis: int, wraps: bool) -> FloatArray:
    if wraps or k == 0:
        return np.roll(a, -k, axis) if k else a
    out = np.zeros_like(a)
    if k > 0:
        out[:-k] = a[k:]
    else:
        out[-k:] = a[:k]
    return out


def _centre_of_parabola(s: FloatArray, t: FloatArray, half: int) -> FloatArray:
    """Solve the 3 x 3 normal equations for the constant; a touch of ridge on slope and bend keeps thin data sane."""
    ridge = 1e-6 * s[0]
    s0, s1, s2, s3, s4 = s[0], s[1] / half, s[2] / half**2 + ridge, s[3] / half**3, s[4] / half**4 + ridge
    s2_plain = s[2] / half**2
    t0, t1, t2 = t[0], t[1] / half, t[2] / half**2
    c00 = s2 * s4 - s3 * s3
    c01 = s1 * s4 - s3 * s2_plain
    c02 = s1 * s3 - s2 * s2_plain
    det = s0 * c00 - s1 * c01 + s2_plain * c02
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(s0 > 0, (t0 * c00 - t1 * c01 + t2 * c02) / det, 0.0)


def _shares(window: FloatArray) -> FloatArray:
    """Return what each neighbour contributes to the value of a local parabola at the centre."""
    half = len(window) // 2
    k = np.arange(-half, half + 1, dtype=np.float64)
    basis = np.stack([np.ones_like(k), k, k**2])
    return np.linalg.pinv((basis * window) @ basis.T)[0] @ (basis * window)
