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
# Reconstruction and interpolation make noise alike over this many voxels.
ALIKE_VOXELS = 1.5
# Residuals beyond this many standard errors pull with constant force only (Huber).
HUBER = 2.0
ROUNDS = 3
# Rays' standard errors below this are not believed as weights: grid effects are of this size.
LEAST_SE_MM = 0.01


@dataclass(frozen=True)
class Window:
    """How far rays are joined, and how far their noise is alike, round the section and along the bone.

    Attributes
    ----------
    across_mm, along_mm : float
        Half-widths of the smoothing window.
    alike_across_mm, alike_along_mm : float
        Distances at which noise is no longer correlated (triangular correlation).
    """

    across_mm: float
    along_mm: float
    alike_across_mm: float
    alike_along_mm: float


def window_for(geometry: VolumeGeometry, axis: CanalAxis) -> Window:
    """Return the window for a scan's voxels and the way the bone lies in them."""
    voxel = max(geometry.spacing_mm[1:])
    upright = min(1.0, abs(float(np.median(axis.s_lps @ geometry.slice_normal_lps))))
    along = geometry.slice_step_mm * upright + voxel * np.sqrt(1 - upright**2)
    return Window(
        max(ACROSS_MM, ACROSS_VOXELS * voxel), max(ALONG_MM, ALONG_STEPS * along), ALIKE_VOXELS * voxel, along
    )


@dataclass(frozen=True)
class Smoothed:
    """Surface (m, n) after smoothing, NaN where the ray itself is unknown.

    Attributes
    ----------
    radius_mm : (m, n) array
    noise_gain : (m, n) array
        Standard error after smoothing over that of a single ray, correlation of neighbours included.
    misfit_mm : (m, n) array
        Ray minus surface.
    """

    radius_mm: FloatArray
    noise_gain: FloatArray
    misfit_mm: FloatArray


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
        surface, _ = local_parabola(along, weight_along, shape_across, wraps=True)
        miss = np.where(known, value - surface, 0.0) * np.sqrt(weight)
        scale = max(1.4826 * float(np.median(np.abs(miss[known]))), 1e-9) if known.any() else 1.0
        robust = weight * np.minimum(1.0, HUBER * scale / np.maximum(np.abs(miss), 1e-9))
    gain = _noise_gain(shape_across, arc, window.alike_across_mm) * _noise_gain(
        shape_along, level_step, window.alike_along_mm
    )
    return Smoothed(
        np.where(known, surface, np.nan), np.full(known.shape, gain), np.where(known, value - surface, np.nan)
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


def _noise_gain(window: FloatArray, step_mm: float, correlation_mm: float) -> float:
    """Return the SD after one smoothing pass over the SD before, for noise with triangular correlation."""
    half = len(window) // 2
    k = np.arange(-half, half + 1, dtype=np.float64)
    basis = np.stack([np.ones_like(k), k, k**2])
    pull = np.linalg.pinv((basis * window) @ basis.T)[0] @ (basis * window)
    distance = np.abs(k[:, None] - k) * step_mm
    correlation = np.clip(1 - distance / max(correlation_mm, 1e-9), 0, None)
    return float(np.sqrt(pull @ correlation @ pull))
