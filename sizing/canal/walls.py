"""Both surfaces of all levels: rays fitted, cortex HU as a field, rays joined to smooth surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.canal.blur import Blur, blur_along_mm, curvature_shift_mm
from sizing.canal.calibrate import Calibration, middle, start_params
from sizing.canal.cortex import BORROWED_SHARE, cortex_field
from sizing.canal.doubt import GRID_SHARE, Scatter, Shared, common_se_mm, moves_per_cortex, scatter_of
from sizing.canal.fitting import Priors, fit_walls
from sizing.canal.locate import Located
from sizing.canal.rays import Rays
from sizing.canal.smoothing import grid_of, smooth_surface, window_for
from sizing.canal.surface import frame_of
from sizing.canal.verdict import (
    LEAST_UNKNOWN_CORTEX_SIGMAS,
    LEAST_WALL_SIGMAS,
    RayState,
    judge,
    judge_scan,
    judge_surface,
    reasons,
)
from sizing.errors import CanalError
from sizing.geometry import FloatArray
from sizing.volume import CtVolume

CORTEX, FADE = 4, 6  # columns of the parameters


@dataclass(frozen=True)
class Walls:
    """Surfaces (m, n) with standard errors, HU, and the state of every ray; NaN = cannot tell."""

    inner_mm: FloatArray
    outer_mm: FloatArray
    inner_se_mm: FloatArray
    outer_se_mm: FloatArray
    inner_shared: Shared  # the part that neighbouring rays share
    outer_shared: Shared
    cortex_hu: FloatArray
    content_hu: FloatArray
    bone_hu_mm: FloatArray  # cortex HU times wall as fitted, also where it is not believed; 0 = nothing like a wall
    state: NDArray[np.int8]
    fade_share: FloatArray  # share of the cortex's HU that is missing at the endosteum
    fade_se_mm: FloatArray  # what this alone adds to the doubt of the endosteum
    independent_mm: float  # length of surface for one independent measurement
    per_cortex_mm: tuple[float, float]  # median move of both surfaces per HU of the assumed cortex


def fit_surfaces(volume: CtVolume, rays: Rays, located: Located, calibration: Calibration) -> Walls:
    """Fit every ray, judge it, and join what is measured to smooth surfaces.

    A first, loose fit of every third ray and level only shows how cortex HU varies from place to place.

    Raises
    ------
    CanalError
        CF-C013 if not a single ray can be measured.
    """
    blur = calibration.blur
    frames = (frame_of(located.inner_mm, rays), frame_of(located.outer_mm, rays))
    start = start_params(located, calibration.cortex_hu)
    cortex = cortex_field(volume, rays, frames, start, calibration)
    expected = cortex.hu
    sd = np.full(expected.shape, BORROWED_SHARE * calibration.cortex_hu)
    start[..., CORTEX], start[..., FADE] = expected, cortex.fade_share
    c = calibration
    priors = Priors(expected, sd, c.noise_hu, c.noise_lags, decay_mm=c.decay_mm)
    fit = fit_walls(volume, rays, frames, start, blur, priors)
    blur_mm = blur_along_mm(frames[1], blur, volume.geometry)
    least_wall_mm = (LEAST_WALL_SIGMAS if calibration.cortex_known else LEAST_UNKNOWN_CORTEX_SIGMAS) * blur_mm
    state = judge(volume, rays, located, fit, expected, least_wall_mm)
    if not c.cortex_known:
        state = judge_scan(state, fit.outer_mm - fit.inner_mm, c.wall_doubt_share)
    known = state == RayState.MEASURED
    if not known.any():
        depth = rays.axis.depth_mm
        raise CanalError("CF-C013", "no wall of this bone can be measured in this scan",
                         where=f"{len(depth)} levels, {depth[0]:.0f} to {depth[-1]:.0f} mm above the resection plane",
                         measured=", ".join(f"{share:.0%} of the rays: {why}" for why, share in reasons(state)[:2]),
                         advice="Look at the images; choose another level, or a scan that shows the wall")  # fmt: skip
    inner, outer = (
        _join(np.where(known, radius, np.nan), se, rays, blur, volume)
        for radius, se in ((fit.inner_mm, fit.inner_se_mm), (fit.outer_mm, fit.outer_se_mm))
    )
    fade, per_cortex = cortex.doubt_mm(fit), moves_per_cortex(fit, calibration)
    shared = common_se_mm(fit, calibration, blur_mm, fade)
    noise = np.maximum(inner.se_mm, outer.se_mm)
    state = judge_surface(state, inner.radius_mm, outer.radius_mm, noise, least_wall_mm)
    known = state == RayState.MEASURED
    bone = np.where(np.isfinite(fit.inner_mm), fit.cortex_hu * (fit.outer_mm - fit.inner_mm), 0.0)

    def told(values: FloatArray) -> FloatArray:
        return np.where(known, values, np.nan)

    return Walls(
        inner_mm=told(inner.radius_mm),
        outer_mm=told(outer.radius_mm),
        inner_se_mm=told(np.hypot(inner.se_mm, shared[0].total_mm)),
        outer_se_mm=told(np.hypot(outer.se_mm, shared[1].total_mm)),
        inner_shared=Shared(told(shared[0].scan_mm), told(shared[0].regional_mm)),
        outer_shared=Shared(told(shared[1].scan_mm), told(shared[1].regional_mm)),
        cortex_hu=told(fit.cortex_hu),
        content_hu=told(fit.content_hu),
        bone_hu_mm=bone,
        state=state,
        fade_share=told(cortex.fade_share),
        fade_se_mm=told(fade[0].total_mm),
        independent_mm=inner.scatter.independent_mm,
        per_cortex_mm=(middle(per_cortex[0][known]), middle(per_cortex[1][known])),
    )


@dataclass(frozen=True)
class _Joined:
    radius_mm: FloatArray
    se_mm: FloatArray
    scatter: Scatter


def _join(radius_mm: FloatArray, se_mm: FloatArray, rays: Rays, blur: Blur, volume: CtVolume) -> _Joined:
    """Join rays to a smooth surface, undo the pull of blur on curved edges, and say how sure the surface is."""
    grid = grid_of(volume.geometry, rays.axis)
    smooth = smooth_surface(radius_mm, se_mm, rays, window_for(grid))
    scatter = scatter_of(smooth, grid)
    shift = curvature_shift_mm(frame_of(smooth.radius_mm, rays), blur, volume.geometry, rays)
    ripple = GRID_SHARE * grid.across_mm
    se = np.hypot(smooth.pooled_se_mm * scatter.gain * scatter.local, ripple)
    return _Joined(smooth.radius_mm + shift, se, scatter)
