"""The usual ways to find a wall in CT, read as kindly as possible: along rays of the true sections, below the voxel."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates
from skimage.filters import threshold_otsu

from sizing.canal import Canal, CanalAxis
from sizing.phantom.truth import PhantomTruth
from sizing.volume import CtVolume

STEP_MM = 0.1
FIXED_HU = 226.0
# The search ends this far outside the true periosteum: other bones are no trap here.
BEYOND_MM = 4.0
N_ANGLES = 128
METHODS = ("fixed 226 HU", "Otsu", "half-maximum, own peak", "half-maximum, cortex HU")


def measure_by(method: str, volume: CtVolume, truth: PhantomTruth) -> Canal:
    """Return the canal as one of ``METHODS`` sees it; NaN on rays without a crossing."""
    levels = truth.axis.depth_mm >= 0
    a = truth.axis
    axis = CanalAxis(*(x[levels] for x in (a.depth_mm, a.points_lps, a.s_lps, a.u_lps, a.v_lps)))
    theta = np.linspace(0.0, 2 * np.pi, N_ANGLES, endpoint=False)
    limit = truth.radius_at(axis.depth_mm[:, None], theta, "periosteal") + BEYOND_MM
    r = np.arange(0.0, limit.max(), STEP_MM)
    hu = _sample(volume, axis, theta, r)
    hu[r > limit[..., None]] = np.nan
    inner_hu, outer_hu = _thresholds(method, volume, hu, r)
    inner, outer = _crossings(hu, inner_hu, outer_hu)
    known = (inner > 0) & (outer > inner)
    return Canal(axis, theta, *(np.where(known, x * STEP_MM, np.nan) for x in (inner, outer)))


def _sample(volume: CtVolume, axis: CanalAxis, theta: np.ndarray, r: np.ndarray) -> np.ndarray:
    ray = np.cos(theta)[:, None] * axis.u_lps[:, None] + np.sin(theta)[:, None] * axis.v_lps[:, None]
    points = axis.points_lps[:, None, None] + r[:, None] * ray[:, :, None]
    index = np.moveaxis(volume.geometry.lps_to_index(points), -1, 0)
    return map_coordinates(volume.hu.astype(np.float32), index, order=1, mode="nearest")


def _thresholds(method: str, volume: CtVolume, hu: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shape = (*hu.shape[:2], 1)
    if method == "fixed 226 HU":
        return np.full(shape, FIXED_HU), np.full(shape, FIXED_HU)
    if method == "Otsu":
        level = threshold_otsu(volume.hu[volume.hu > -300])
        return np.full(shape, level), np.full(shape, level)
    peak = np.nanmax(hu, axis=2, keepdims=True)
    if method == "half-maximum, cortex HU":
        peak = np.full(shape, np.median(peak[peak > np.percentile(peak, 75)]))
    canal = np.median(hu[:, :, r < 2.0], axis=(1, 2))[:, None, None]
    return 0.5 * (peak + canal), 0.5 * (peak + _outside(hu))


def _outside(hu: np.ndarray) -> np.ndarray:
    """Mean of the last millimetre before each ray's end."""
    last = np.isfinite(hu).sum(axis=2)
    k = int(1.0 / STEP_MM)
    return np.take_along_axis(hu, (last[..., None] - 1 - np.arange(k)), axis=2).mean(axis=2, keepdims=True)


def _crossings(hu: np.ndarray, inner_hu: np.ndarray, outer_hu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First rise above the inner level, and last fall below the outer one, going outward; in samples, 0 = none."""
    with np.errstate(invalid="ignore"):
        above = hu >= inner_hu
        i = above.argmax(axis=2)
        inner = _between(hu, i - 1, inner_hu[..., 0])
        over = hu >= outer_hu
        j = hu.shape[2] - 1 - over[..., ::-1].argmax(axis=2)
        outer = _between(hu, j, outer_hu[..., 0])
    return np.where(above.any(axis=2) & (i > 0), inner, 0.0), np.where(over.any(axis=2), outer, 0.0)


def _between(hu: np.ndarray, at: np.ndarray, level: np.ndarray) -> np.ndarray:
    low = np.clip(at, 0, hu.shape[2] - 2)[..., None]
    a, b = (np.take_along_axis(hu, low + k, axis=2)[..., 0] for k in (0, 1))
    return low[..., 0] + np.clip((level - a) / np.where(a == b, 1.0, b - a), 0.0, 1.0)
