"""Cortex from place to place: its HU, and how much of it is missing towards the canal.

Both change slowly along and round a bone, so that thin walls borrow them from thick walls near them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.canal.calibrate import Calibration, free_fade
from sizing.canal.doubt import Shared, independent_share
from sizing.canal.fitting import Priors, WallFit, fit_walls
from sizing.canal.rays import Rays
from sizing.canal.smoothing import Window, grid_of
from sizing.canal.surface import SurfaceFrame
from sizing.geometry import FloatArray
from sizing.volume import CtVolume

# Cortex changes slowly: a thin wall borrows it from thick walls this near, round the bone and along it.
FIELD_ANGLE_RAD = 0.5
FIELD_DEPTH_MM = 15.0
# What a borrowed cortex HU may differ by from the thin wall's own.
BORROWED_SHARE = 0.04
FIRST_SHARE = 0.15
# The field is smooth: every third ray and level shows it as well.
FIELD_SKIP = 3
# Less fade than this moves no edge by a hundredth of a millimetre.
LEAST_FADE = 0.01
# Where nothing shows the fade it is unknown by this much; places differ in it by at least so much.
UNKNOWN_FADE, LEAST_FADE_SPREAD = 0.1, 0.02
# More than half missing is no longer cortex to everybody.
MOST_FADE, HALF = 0.8, 0.5
# The shape of the fade (with the square of the depth in the wall) is assumed: from a straight line to the fourth power,
# its effect on the edge differs by this share.
FADE_SHAPE_DOUBT = 0.35


@dataclass(frozen=True)
class CortexField:
    """What to expect of the wall on every ray (m, n).

    ``fade_share``: share of the HU that is missing at the endosteum, with the standard error of the scan's level
    (``fade_level_se``) and of what each region adds to it.
    """

    hu: FloatArray
    fade_share: FloatArray
    fade_level_se: float
    fade_se: FloatArray

    def doubt_mm(self, fit: WallFit) -> tuple[Shared, Shared]:
        """Return what the fade adds to the standard errors of the endosteal and the periosteal surface.

        Its shape is wrong everywhere alike; its size at a place is not. Bone of less than half the HU of cortex is
        not wall to everybody: how deep it is belongs to the endosteum's.
        """
        with np.errstate(invalid="ignore"):
            half = (fit.outer_mm - fit.inner_mm) * (1 - np.sqrt(HALF / np.maximum(self.fade_share, HALF)))
        alike = np.hypot(self.fade_level_se, FADE_SHAPE_DOUBT * self.fade_share)
        inner, outer = np.abs(fit.inner_per_fade), np.abs(fit.outer_per_fade)
        return (
            Shared(np.hypot(inner * alike, np.maximum(half, 0.0)), inner * self.fade_se),
            Shared(outer * alike, outer * self.fade_se),
        )


def cortex_field(
    volume: CtVolume, rays: Rays, frames: tuple[SurfaceFrame, SurfaceFrame], start: FloatArray, calibration: Calibration
) -> CortexField:
    """Return the cortex to expect on every ray, from a loose fit of every third ray and level.

    Where the scan does not show its cortex HU, a loose fit would only make it up: then it is the same everywhere.
    """
    c, skip, (m, n) = calibration, FIELD_SKIP, start.shape[:2]
    if not c.cortex_known:
        return CortexField(np.full((m, n), c.cortex_hu), np.zeros((m, n)), UNKNOWN_FADE, np.zeros((m, n)))
    some = start[::skip, ::skip].copy()
    loose = np.full(some.shape[:2], max(FIRST_SHARE * c.cortex_hu, c.cortex_spread_hu))
    priors = Priors(
        np.full(some.shape[:2], c.cortex_hu),
        loose,
        c.noise_hu,
        c.noise_lags,
        free_fade(some, c.blur, c.fade_share),
        c.decay_mm,
    )
    thinned = rays.thinned(skip)
    fit = fit_walls(volume, thinned, (frames[0].thinned(skip), frames[1].thinned(skip)), some, c.blur, priors)

    def whole(field: FloatArray) -> FloatArray:
        return np.repeat(np.repeat(field, skip, axis=0), skip, axis=1)[:m, :n]

    share = independent_share(_spacing(fit, thinned), grid_of(volume.geometry, rays.axis))
    fade, level_se, fade_se = _fade_of(fit, thinned, c, share)
    return CortexField(whole(_hu_of(fit, thinned, c)), whole(fade), level_se, whole(fade_se))


def _spacing(fit: WallFit, rays: Rays) -> Window:
    """Return the distances of neighbouring rays on the endosteum."""
    arc = 2 * np.pi / len(rays.theta_rad) * float(np.nanmedian(fit.inner_mm))
    return Window(arc, _level_step_mm(rays))


def _level_step_mm(rays: Rays) -> float:
    return float(np.median(np.diff(rays.axis.depth_mm))) if len(rays.axis) > 1 else 1.0


def _hu_of(fit: WallFit, rays: Rays, calibration: Calibration) -> FloatArray:
    """Return the cortex HU expected on every ray (m, n) from its neighbourhood."""
    c = calibration
    # a ray that shows its HU perfectly still stands for its own place only
    spread = max(c.cortex_spread_hu, BORROWED_SHARE * c.cortex_hu)
    away, _, _ = _neighbours(fit.cortex_hu - c.cortex_hu, fit.cortex_precision, spread, 3 * spread, rays)
    return c.cortex_hu + away


def _fade_of(
    fit: WallFit, rays: Rays, calibration: Calibration, independent: float
) -> tuple[FloatArray, float, FloatArray]:
    """Return the share of HU (m, n) that is missing at the endosteum, and its standard errors.

    First that of the scan's level, then what each region adds to it; where nothing tells, all is the level's.
    """
    level = float(np.clip(calibration.fade_share, 0.0, MOST_FADE))
    telling = fit.fade_precision > 0
    if telling.any():
        scatter = 1.4826 * float(np.median(np.abs(fit.fade_share - level)[telling]))
        spread = float(np.clip(scatter, LEAST_FADE_SPREAD, UNKNOWN_FADE))
    else:
        spread = UNKNOWN_FADE
    away, near, all_rays = _neighbours(fit.fade_share - level, fit.fade_precision, spread, MOST_FADE, rays)
    fade = np.clip(level + away, 0.0, MOST_FADE)
    fade = np.where(fade < LEAST_FADE, 0.0, fade)
    own = 1 / np.sqrt(independent * near + 1 / UNKNOWN_FADE**2)
    level_se = 1 / np.sqrt(independent * all_rays + 1 / UNKNOWN_FADE**2)
    return fade, float(level_se), np.sqrt(np.maximum(own**2 - level_se**2, 0.0))


def _neighbours(
    away: FloatArray, precision: FloatArray, spread: float, most: float, rays: Rays
) -> tuple[FloatArray, FloatArray, float]:
    """Return the precision-weighted mean of deviations (m, n) over Gaussian windows, the windows' weight, and all.

    Where the neighbourhood shows little, the scan's own level (deviation 0) stands in.
    """
    from scipy.ndimage import gaussian_filter

    sigma = (FIELD_DEPTH_MM / _level_step_mm(rays), FIELD_ANGLE_RAD * away.shape[1] / (2 * np.pi))
    known = np.isfinite(precision) & (precision > 0)
    weight = np.where(known, 1 / (1 / np.where(known, precision, 1.0) + spread**2), 0.0)
    own = np.where(known, np.clip(away, -most, most), 0.0)
    mean_weight = gaussian_filter(weight, sigma, mode=("nearest", "wrap"))
    total = gaussian_filter(weight * own, sigma, mode=("nearest", "wrap"))
    # the scan's own level counts like one telling ray in ten
    anchor = 0.1 / (2 * spread**2)
    rays_in_window = 4 * np.pi * sigma[0] * sigma[1]
    return total / (mean_weight + anchor), mean_weight * rays_in_window, float(weight.sum())
