"""Both surfaces of all levels: rays fitted, cortex HU as a field, rays joined to smooth surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.canal.blur import curvature_shift_mm
from sizing.canal.calibrate import Calibration, start_params
from sizing.canal.fitting import Priors, WallFit, fit_walls
from sizing.canal.locate import Located
from sizing.canal.rays import Rays
from sizing.canal.smoothing import smooth_surface, window_for
from sizing.canal.surface import frame_of
from sizing.geometry import FloatArray
from sizing.volume import CtVolume

# Cortex HU changes slowly: a thin wall borrows it from thick walls this near, round the bone and along it.
FIELD_ANGLE_RAD = 0.5
FIELD_DEPTH_MM = 15.0
# What a borrowed cortex HU may differ by from the thin wall's own.
BORROWED_SHARE = 0.04
FIRST_SHARE = 0.15


@dataclass(frozen=True)
class Walls:
    """Surfaces (m, n) with standard errors, and HU; NaN = cannot tell."""

    inner_mm: FloatArray
    outer_mm: FloatArray
    inner_se_mm: FloatArray
    outer_se_mm: FloatArray
    cortex_hu: FloatArray
    content_hu: FloatArray


def fit_surfaces(volume: CtVolume, rays: Rays, located: Located, calibration: Calibration) -> Walls:
    """Fit all rays twice: with a loose cortex HU, then with what their neighbourhood shows of it."""
    shape = located.inner_mm.shape
    blur, noise, lags = calibration.blur, calibration.noise_hu, calibration.noise_lags
    window = window_for(volume.geometry, rays.axis)
    frames = (frame_of(located.inner_mm, rays), frame_of(located.outer_mm, rays))
    sd = max(FIRST_SHARE * calibration.cortex_hu, calibration.cortex_spread_hu)
    priors = Priors(np.full(shape, calibration.cortex_hu), np.full(shape, sd), noise, lags)
    first = fit_walls(volume, rays, frames, start_params(located, calibration.cortex_hu), blur, priors)
    inner = smooth_surface(first.inner_mm, first.inner_se_mm, rays, window)
    outer = smooth_surface(first.outer_mm, first.outer_se_mm, rays, window)
    frames = (frame_of(inner.radius_mm, rays), frame_of(outer.radius_mm, rays))
    level, level_sd = cortex_field(first, rays, calibration)
    fit = fit_walls(volume, rays, frames, first.params, blur, Priors(level, level_sd, noise, lags))
    inner = smooth_surface(fit.inner_mm, fit.inner_se_mm, rays, window)
    outer = smooth_surface(fit.outer_mm, fit.outer_se_mm, rays, window)
    return Walls(
        inner.radius_mm + curvature_shift_mm(frame_of(inner.radius_mm, rays), blur, volume.geometry, rays),
        outer.radius_mm + curvature_shift_mm(frame_of(outer.radius_mm, rays), blur, volume.geometry, rays),
        fit.inner_se_mm * inner.noise_gain,
        fit.outer_se_mm * outer.noise_gain,
        np.where(np.isfinite(fit.inner_mm), fit.cortex_hu, np.nan),
        np.where(np.isfinite(fit.inner_mm), fit.content_hu, np.nan),
    )


def cortex_field(fit: WallFit, rays: Rays, calibration: Calibration) -> tuple[FloatArray, FloatArray]:
    """Return the cortex HU expected on every ray (m, n) from its neighbourhood, and its SD.

    Precision-weighted mean over Gaussian windows; where the neighbourhood shows little, the scan's level stands in.
    """
    from scipy.ndimage import gaussian_filter

    m, n = fit.inner_mm.shape
    step = float(np.median(np.diff(rays.axis.depth_mm))) if m > 1 else 1.0
    sigma = (FIELD_DEPTH_MM / step, FIELD_ANGLE_RAD * n / (2 * np.pi))
    c = calibration
    # a ray that shows its HU perfectly still stands for its own place only
    spread = max(c.cortex_spread_hu, BORROWED_SHARE * c.cortex_hu)
    known = np.isfinite(fit.cortex_precision) & (fit.cortex_precision > 0)
    weight = np.where(known, 1 / (1 / np.where(known, fit.cortex_precision, 1.0) + spread**2), 0.0)
    own = np.where(known, np.clip(fit.cortex_hu - c.cortex_hu, -3 * spread, 3 * spread), 0.0)
    total = gaussian_filter(weight, sigma, mode=("nearest", "wrap"))
    away = gaussian_filter(weight * own, sigma, mode=("nearest", "wrap"))
    # the scan's own level counts like one telling ray in ten
    anchor = 0.1 / (2 * spread**2)
    return c.cortex_hu + away / (total + anchor), np.full((m, n), BORROWED_SHARE * c.cortex_hu)
