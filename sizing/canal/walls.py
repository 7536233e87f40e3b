"""Both surfaces of all levels: rays fitted, cortex HU as a field, rays joined to smooth surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.canal.blur import curvature_shift_mm
from sizing.canal.calibrate import Calibration, start_params
from sizing.canal.fitting import Priors, WallFit, fit_walls
from sizing.canal.locate import Located
from sizing.canal.rays import Rays
from sizing.canal.smoothing import smooth_surface, window_for
from sizing.canal.surface import SurfaceFrame, frame_of
from sizing.canal.verdict import RayState, blur_along_mm, judge, judge_surface
from sizing.geometry import FloatArray
from sizing.volume import CtVolume

# Cortex HU changes slowly: a thin wall borrows it from thick walls this near, round the bone and along it.
FIELD_ANGLE_RAD = 0.5
FIELD_DEPTH_MM = 15.0
# What a borrowed cortex HU may differ by from the thin wall's own.
BORROWED_SHARE = 0.04
FIRST_SHARE = 0.15
# The field is smooth: every other ray and level shows it as well.
FIELD_SKIP = 2
CORTEX = 4  # column of the parameters


@dataclass(frozen=True)
class Walls:
    """Surfaces (m, n) with standard errors, HU, and the state of every ray; NaN = cannot tell."""

    inner_mm: FloatArray
    outer_mm: FloatArray
    inner_se_mm: FloatArray
    outer_se_mm: FloatArray
    cortex_hu: FloatArray
    content_hu: FloatArray
    bone_hu_mm: FloatArray  # cortex HU times wall as fitted, also where it is not believed; 0 = nothing like a wall
    state: NDArray[np.int8]


def fit_surfaces(volume: CtVolume, rays: Rays, located: Located, calibration: Calibration) -> Walls:
    """Fit every ray, judge it, and join what is measured to smooth surfaces.

    A first, loose fit of every other ray and level only shows how cortex HU varies from place to place.
    """
    blur, noise, lags = calibration.blur, calibration.noise_hu, calibration.noise_lags
    frames = (frame_of(located.inner_mm, rays), frame_of(located.outer_mm, rays))
    start = start_params(located, calibration.cortex_hu)
    expected = _expected_cortex(volume, rays, frames, start, calibration)
    sd = np.full(expected.shape, BORROWED_SHARE * calibration.cortex_hu)
    start[..., CORTEX] = expected
    fit = fit_walls(volume, rays, frames, start, blur, Priors(expected, sd, noise, lags))
    state = judge(volume, rays, located, fit, frames[1], blur, expected)
    known = state == RayState.MEASURED
    window = window_for(volume.geometry, rays.axis)
    surfaces = []
    for radius, se in ((fit.inner_mm, fit.inner_se_mm), (fit.outer_mm, fit.outer_se_mm)):
        smooth = smooth_surface(np.where(known, radius, np.nan), se, rays, window)
        shift = curvature_shift_mm(frame_of(smooth.radius_mm, rays), blur, volume.geometry, rays)
        surfaces.append((smooth.radius_mm + shift, np.where(known, se * smooth.noise_gain, np.nan)))
    (inner, inner_se), (outer, outer_se) = surfaces
    state = judge_surface(state, outer - inner, np.maximum(inner_se, outer_se), blur_along_mm(frames[1], blur, volume))
    known = state == RayState.MEASURED
    bone = np.where(np.isfinite(fit.inner_mm), fit.cortex_hu * (fit.outer_mm - fit.inner_mm), 0.0)
    inner, outer, inner_se, outer_se, cortex, content = (
        np.where(known, values, np.nan) for values in (inner, outer, inner_se, outer_se, fit.cortex_hu, fit.content_hu)
    )
    return Walls(inner, outer, inner_se, outer_se, cortex, content, bone, state)


def _expected_cortex(
    volume: CtVolume, rays: Rays, frames: tuple[SurfaceFrame, SurfaceFrame], start: FloatArray, calibration: Calibration
) -> FloatArray:
    """Return the cortex HU (m, n) to expect on every ray, from a loose fit of every other ray and level."""
    c, skip = calibration, FIELD_SKIP
    some = start[::skip, ::skip]
    loose = np.full(some.shape[:2], max(FIRST_SHARE * c.cortex_hu, c.cortex_spread_hu))
    priors = Priors(np.full(some.shape[:2], c.cortex_hu), loose, c.noise_hu, c.noise_lags)
    thinned = rays.thinned(skip)
    fit = fit_walls(volume, thinned, (frames[0].thinned(skip), frames[1].thinned(skip)), some, c.blur, priors)
    field = cortex_field(fit, thinned, c)
    m, n = start.shape[:2]
    return np.repeat(np.repeat(field, skip, axis=0), skip, axis=1)[:m, :n]


def cortex_field(fit: WallFit, rays: Rays, calibration: Calibration) -> FloatArray:
    """Return the cortex HU expected on every ray (m, n) from its neighbourhood.

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
    return c.cortex_hu + away / (total + anchor)
