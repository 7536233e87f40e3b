"""Cortex HU and blur, estimated from the walls of the same scan."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sizing.canal.blur import Blur
from sizing.canal.fitting import Priors, WallFit, blur_step, fit_walls, noise_lags, white_noise
from sizing.canal.locate import Located
from sizing.canal.rays import Rays
from sizing.canal.surface import SurfaceFrame, frame_of
from sizing.geometry import FloatArray
from sizing.volume import CtVolume

# Rays that take part: enough that noise plays no role, few enough to be quick.
CALIBRATION_RAYS = 1500
ROUNDS = 8
# A ray's own cortex HU before anything is known: wide, so that only what the ray shows counts.
FREE_CORTEX_SHARE = 0.25
# Neighbouring rays and samples share voxels: the information is that of far fewer independent data.
INDEPENDENT_SHARE = 0.1
# Priors on ln sigma_in_plane, ln sigma_slice and ring; the last two only matter where the scan cannot tell.
PRIOR_SD = np.array([0.5, 0.15, 0.15])
RING_RANGE = (0.0, 0.6)
SIGMA_RANGE_MM = (0.15, 1.5)
# Rays whose residual is this many times the median's say more of their surroundings than of the blur.
WORST_RESIDUAL = 2.0
# Walls thinner than this many sigma do not show their HU.
TELLING_SIGMAS = 2.0


@dataclass(frozen=True)
class Calibration:
    """What this scan says of itself.

    Attributes
    ----------
    blur : Blur
    blur_se : (3,) array
        Standard errors of ln sigma_in_plane, ln sigma_slice and ring.
    cortex_hu, cortex_se_hu, cortex_spread_hu : float
        Level of solid cortex, its standard error, and the SD of real differences from place to place.
    noise_hu : float
        Residual of the model: noise and what the model leaves out.
    noise_lags : (lags,) array
    per_sigma_mm : (inner, outer)
        Median move of the surfaces if sigma were assumed 100 % larger.
    """

    blur: Blur
    blur_se: FloatArray
    cortex_hu: float
    cortex_se_hu: float
    cortex_spread_hu: float
    noise_hu: float
    noise_lags: FloatArray
    per_sigma_mm: tuple[float, float]


def start_params(located: Located, cortex_hu: float) -> FloatArray:
    """Return start parameters (m, n, 6) from half-maximum surfaces."""
    x0, x1 = located.inner_mm, located.outer_mm
    unknown = ~(np.isfinite(x0) & np.isfinite(x1))
    return np.stack(
        [
            np.where(unknown, np.nan, x0),
            np.where(unknown, np.nan, x1),
            np.nan_to_num(located.content_hu),
            np.zeros_like(x0),
            np.full_like(x0, cortex_hu),
            np.nan_to_num(located.outside_hu),
        ],
        axis=-1,
    )


def calibrate(volume: CtVolume, rays: Rays, located: Located, expected: Blur) -> Calibration:
    """Estimate blur and cortex HU jointly from a sample of rays, each ray's own wall left free.

    Gauss-Newton on ln sigma and ring with the rays' parameters eliminated (variable projection):
    every ray counts by what it shows, so thick walls decide where there are any.
    """
    some, frames, start = _sample(rays, located)
    blur, noise, lags = expected, 20.0, white_noise()
    cortex = located.reference_cortex_hu
    shape = start.shape[:2]
    for _ in range(ROUNDS):
        priors = Priors(np.full(shape, cortex), np.full(shape, FREE_CORTEX_SHARE * cortex), noise, lags)
        fit = fit_walls(volume, some, frames, start, blur, priors, with_blur=True)
        use = _telling(fit, blur)
        if not use.any():
            break
        noise, lags = float(np.median(fit.rms_hu[use])), noise_lags(fit)
        gradient, hessian = blur_step(fit, use)
        step, se = _newton(gradient, hessian, blur, expected)
        blur = _within_range(blur.moved(*step))
        cortex = weighted_median(fit.cortex_hu[use], fit.cortex_precision[use])
        start = np.where(np.isfinite(fit.params), fit.params, start)
        if np.abs(step).max() < 2e-3:
            break
    spread, cortex_se = _cortex_scatter(fit, use, cortex)
    per_sigma = middle(fit.inner_per_sigma[use]), middle(fit.outer_per_sigma[use])
    return Calibration(blur, se, cortex, cortex_se, spread, noise, lags, per_sigma)


def _sample(rays: Rays, located: Located) -> tuple[Rays, tuple[SurfaceFrame, SurfaceFrame], FloatArray]:
    """Return every k-th level and ray with frames and start parameters."""
    m, n = located.inner_mm.shape
    skip = max(1, round(np.sqrt(m * n / CALIBRATION_RAYS)))
    frames = (frame_of(located.inner_mm, rays).thinned(skip), frame_of(located.outer_mm, rays).thinned(skip))
    some = rays.thinned(skip)
    return some, frames, start_params(located, located.reference_cortex_hu)[::skip, ::skip]


def _telling(fit: WallFit, blur: Blur) -> NDArray[np.bool_]:
    """Mark rays whose wall shows its HU and whose residual is ordinary."""
    good = np.isfinite(fit.inner_mm) & np.isfinite(fit.rms_hu)
    good &= fit.outer_mm - fit.inner_mm > TELLING_SIGMAS * blur.sigma_in_plane_mm
    if good.any():
        good &= fit.rms_hu < WORST_RESIDUAL * np.median(fit.rms_hu[good])
    return good


def _newton(gradient: FloatArray, hessian: FloatArray, blur: Blur, expected: Blur) -> tuple[FloatArray, FloatArray]:
    prior = 1.0 / PRIOR_SD**2
    miss = np.array([
        np.log(expected.sigma_in_plane_mm / blur.sigma_in_plane_mm),
        np.log(expected.sigma_slice_mm / blur.sigma_slice_mm),
        expected.ring - blur.ring,
    ])  # fmt: skip
    h = INDEPENDENT_SHARE * hessian + np.diag(prior)
    step = np.linalg.solve(h, INDEPENDENT_SHARE * gradient + prior * miss)
    return np.clip(step, -0.3, 0.3), np.sqrt(np.diag(np.linalg.inv(h)))


def _within_range(blur: Blur) -> Blur:
    return replace(
        blur,
        sigma_in_plane_mm=float(np.clip(blur.sigma_in_plane_mm, *SIGMA_RANGE_MM)),
        ring=float(np.clip(blur.ring, *RING_RANGE)),
    )


def middle(values: FloatArray) -> float:
    """Return the median, NaN of nothing."""
    return float(np.median(values)) if values.size else float("nan")


def weighted_median(values: FloatArray, weight: FloatArray) -> float:
    """Return the value at which half of the weight lies on either side."""
    order = np.argsort(values)
    total = np.cumsum(np.maximum(weight, 0)[order])
    return float(values[order][min(np.searchsorted(total, total[-1] / 2), len(order) - 1)])


def _cortex_scatter(fit: WallFit, use: NDArray[np.bool_], cortex: float) -> tuple[float, float]:
    """Return the SD of real differences of cortex HU between places, and the standard error of its level."""
    if not use.any():
        return FREE_CORTEX_SHARE * cortex, FREE_CORTEX_SHARE * cortex
    precision = np.maximum(fit.cortex_precision[use], 1e-12)
    telling = precision > np.median(precision) / 4
    miss = fit.cortex_hu[use][telling] - cortex
    scatter = 1.4826 * float(np.median(np.abs(miss)))
    own = float(np.median(1 / precision[telling]))
    spread = float(np.sqrt(max(scatter**2 - own, 0.0)))
    independent = max(4.0, INDEPENDENT_SHARE * telling.sum())
    return spread, float(np.hypot(scatter / np.sqrt(independent), 1.0 / np.sqrt(precision.sum() * INDEPENDENT_SHARE)))
