"""Where the wall is, by half-maximum along rays with the scan's own cortex HU: the blur model starts here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing import _edges
from sizing.geometry import FloatArray

# The locator mask is good to a voxel or two, and bridges hollows of the bone: the wall's crest is looked for this near.
REACH_INSIDE_MM, REACH_OUTSIDE_MM = 5.0, 2.5
# The content begins where the profile stays below half-maximum this long: pores of the cortex are shorter.
HOLD_MM = 1.0
# A crest lower than this share of cortex above soft tissue is no wall that can be told from noise and trabeculae.
LEAST_CREST_SHARE = 0.25
# Walls thicker than this show their true HU in the middle at any clinical blur (3 sigma of 1 mm).
THICK_WALL_MM = 3.0
# Everything brighter than this inside the locator is taken as bone for the first guess of cortex HU.
BONE_HU = 500.0
METAL_HU = 2500.0
CONTENT_WINDOW_MM = (1.5, 5.0)  # inward from the endosteum: past the blur, before the far wall
CONTENT_SHARE = 0.5
OUTSIDE_WINDOW_MM = (2.0, 4.0)


@dataclass(frozen=True)
class Located:
    """Half-maximum surfaces (m, n) in mm, NaN where there is no wall to tell, and the levels of HU around them.

    ``middle_hu`` (m,) is that of the middle of the section, median over its rays;
    ``metal_mm`` is the distance from the axis of the first metal on the ray, NaN = none.
    """

    inner_mm: FloatArray
    outer_mm: FloatArray
    cortex_hu: FloatArray
    content_hu: FloatArray
    outside_hu: FloatArray
    metal_mm: FloatArray
    middle_hu: FloatArray
    mask_radius_mm: FloatArray
    reference_cortex_hu: float


def window_mean(hu: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the mean of samples low..high (m, n; fractional, rounded inward) of hu (m, n, k), ignoring NaN samples."""
    out = np.empty(low.size)
    first, last = (np.ascontiguousarray(a, np.float64).ravel() for a in (low, high))
    _edges.window_means(np.ascontiguousarray(hu.reshape(low.size, -1), np.float32), first, last, out)
    return out.reshape(low.shape)


def locate(hu: FloatArray, mask_radius_mm: FloatArray, step_mm: float) -> Located:
    """Find the wall on every ray by half-maximum.

    Parameters
    ----------
    hu : (m, n, k) array
        Samples along rays from the axis, ``step_mm`` apart.
    mask_radius_mm : (m, n) array
        Outer limit of the bone's locator mask along each ray, NaN = not in the bone.
    step_mm : float
        Distance between samples.
    """
    limit = mask_radius_mm / step_mm
    outside = window_mean(hu, limit + OUTSIDE_WINDOW_MM[0] / step_mm, limit + OUTSIDE_WINDOW_MM[1] / step_mm)
    outside = np.where(np.isfinite(outside), np.minimum(outside, 300.0), np.nan)
    middle = window_mean(hu, np.zeros_like(limit), 0.35 * limit)
    bright = hu[(hu > BONE_HU) & (hu < METAL_HU) & (np.arange(hu.shape[-1]) < limit[..., None])]
    cortex = float(np.percentile(bright, 80)) if bright.size else np.nan
    # cancellous bone may be bright, but never so bright that half-way to cortex lies in cortex
    middle = _median(middle, axis=1)
    content = np.broadcast_to(np.minimum(middle, CONTENT_SHARE * cortex)[:, None], limit.shape)
    for _ in range(2):
        inner, outer = _cross(hu, limit, cortex, content, outside, step_mm)
        wall = outer - inner
        core = window_mean(hu, inner + 0.35 * wall, outer - 0.35 * wall)
        thick = core[wall * step_mm > THICK_WALL_MM]
        if thick.size:
            cortex = float(np.median(thick))
        near = window_mean(hu, inner - CONTENT_WINDOW_MM[1] / step_mm, inner - CONTENT_WINDOW_MM[0] / step_mm)
        content = np.where(np.isfinite(near), np.minimum(near, CONTENT_SHARE * cortex), content)
    metal = hu > METAL_HU
    first_metal = np.where(metal.any(axis=-1), metal.argmax(axis=-1) * step_mm, np.nan)
    return Located(
        inner * step_mm, outer * step_mm, core, content, outside, first_metal, middle, mask_radius_mm, cortex
    )


def _cross(
    hu: FloatArray, limit: FloatArray, cortex: float, content: FloatArray, outside: FloatArray, step_mm: float
) -> tuple[FloatArray, FloatArray]:
    q = limit.size
    levels = np.stack(np.broadcast_arrays(limit, cortex, content, outside), axis=-1).reshape(q, 4)
    rules = np.array([REACH_INSIDE_MM / step_mm, REACH_OUTSIDE_MM / step_mm, HOLD_MM / step_mm, LEAST_CREST_SHARE])
    out = np.empty((q, 3))
    profile = np.ascontiguousarray(hu.reshape(q, -1), np.float32)
    _edges.half_maximum(profile, np.ascontiguousarray(levels, np.float64), rules, out)
    inner, outer, _ = np.moveaxis(out.reshape(*limit.shape, 3), -1, 0)
    return inner, outer


def _median(values: FloatArray, axis: int) -> FloatArray:
    """Median that ignores NaN and stays NaN, without a warning, where there is nothing."""
    some = np.isfinite(values).any(axis=axis)
    filled = np.where(np.expand_dims(some, axis), values, 0.0)
    return np.where(some, np.nanmedian(filled, axis=axis), np.nan)
