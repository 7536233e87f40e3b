"""Cortex HU where no wall of the scan is thick enough to show it.

A wall thinner than about three blur widths is a bump: its area (HU times wall) is told well, its width hardly. Left
free, cortex HU and blur drift together to a wide, dark wall. Here the scan is fitted with a row of assumed cortex HU,
the blur adapting to each; how much worse the fit gets says what the scan knows of it, and what is known of living
cortex stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sizing.canal.blur import Blur, newton_step, within_range
from sizing.canal.fitting import Priors, WallFit, blur_step, fit_walls
from sizing.canal.rays import Rays
from sizing.canal.surface import SurfaceFrame
from sizing.geometry import FloatArray
from sizing.volume import CtVolume

# Cortex of adults in CT: 1000 to 1900 HU, as ln HU with two standard deviations either way.
USUAL_CORTEX_HU, USUAL_LN_SD = 1400.0, 0.16
# An answer far from what is usual is believed less: this share of the distance is its standard error at least.
UNUSUAL_SHARE = 0.5
# What is assumed in turn: the range of living cortex and somewhat more.
ASSUMED_HU = np.array([900.0, 1120.0, 1400.0, 1750.0, 2180.0])
ROUNDS = 4
# Within one fit, places differ by this share of cortex.
PLACES_SHARE = 0.03
# A fit that is better by this share of its mean square is no proof: profile, kernel and grid are not known so well.
MODEL_SHARE = 0.01
# Residuals beyond this many times the median's square say more of their surroundings.
MOST_SQUARE = 4.0


@dataclass(frozen=True)
class Sample:
    """Rays that take part, with their surfaces and start parameters (m, n, 7)."""

    volume: CtVolume
    rays: Rays
    frames: tuple[SurfaceFrame, SurfaceFrame]
    start: FloatArray
    use: NDArray[np.bool_]


@dataclass(frozen=True)
class Assumed:
    """The scan fitted with one cortex HU."""

    cortex_hu: float
    blur: Blur
    blur_se: FloatArray
    fit: WallFit


def fit_with(sample: Sample, cortex_hu: float, blur: Blur, expected: Blur, noise: tuple[float, FloatArray]) -> Assumed:
    """Fit all rays with one cortex HU, and let the blur adapt to it."""
    shape = sample.start.shape[:2]
    priors = Priors(np.full(shape, cortex_hu), np.full(shape, PLACES_SHARE * cortex_hu), *noise)
    start = sample.start.copy()
    start[..., 4] = np.where(np.isfinite(start[..., 4]), cortex_hu, start[..., 4])
    start[..., 6] = 0.0  # a wall that hides its HU hides how it fades, too
    for _ in range(ROUNDS):
        fit = fit_walls(sample.volume, sample.rays, sample.frames, start, blur, priors, with_blur=True)
        use = sample.use & np.isfinite(fit.inner_mm)
        step, se = newton_step(*blur_step(fit, use), blur, expected)
        blur = within_range(blur.moved(*step))
        start = np.where(np.isfinite(fit.params), fit.params, start)
    return Assumed(cortex_hu, blur, se, fit)


def cortex_of_thin_walls(
    sample: Sample, blur: Blur, expected: Blur, noise: tuple[float, FloatArray]
) -> tuple[Assumed, float, float]:
    """Return the scan fitted with the likeliest cortex HU, that HU's standard error, and what it does to walls.

    The last is the share by which the usual wall becomes narrower per share of HU, blur adapting: 1 where only its
    area (HU times width) shows, 0 where its width shows by itself.

    Parameters
    ----------
    sample : Sample
        Rays to ask.
    blur, expected : Blur
        Where the blur's search begins, and what the header lets us expect.
    noise : (float, array)
        Its size in HU, and its autocorrelation.
    """
    tried = [fit_with(sample, float(hu), blur, expected, noise) for hu in ASSUMED_HU]
    known = sample.use & np.all([np.isfinite(a.fit.rms_hu) for a in tried], axis=0)
    square = np.array([mean_square(a.fit.rms_hu[known]) for a in tried])
    ln_assumed, excess = np.log(ASSUMED_HU), square / square.min() - 1
    ln_hu, ln_se = believed(ln_assumed, excess / MODEL_SHARE, float(np.log(USUAL_CORTEX_HU)), USUAL_LN_SD)
    ln_se = max(ln_se, UNUSUAL_SHARE * abs(ln_hu - float(np.log(USUAL_CORTEX_HU))))
    nearest = min(tried, key=lambda a: abs(np.log(a.cortex_hu) - ln_hu))
    hu = float(np.exp(ln_hu))
    begin = replace(sample, start=np.where(np.isfinite(nearest.fit.params), nearest.fit.params, sample.start))
    ln_wall = np.log([float(np.median((a.fit.outer_mm - a.fit.inner_mm)[known])) for a in tried])
    narrower = float(np.clip(-np.interp(ln_hu, ln_assumed, np.gradient(ln_wall, ln_assumed)), 0.0, 1.0))
    return fit_with(begin, hu, nearest.blur, expected, noise), hu * ln_se, narrower


def mean_square(rms_hu: FloatArray) -> float:
    """Return the mean square of residuals, the largest cut short; NaN of nothing."""
    square = rms_hu**2
    return float(np.minimum(square, MOST_SQUARE * np.median(square)).mean()) if square.size else float("nan")


def believed(tried: FloatArray, chi_square: FloatArray, usual: float, usual_sd: float) -> tuple[float, float]:
    """Return mean and SD of a value from how badly each one that was tried fits, and from what is usual."""
    from scipy.interpolate import CubicSpline

    fine = np.linspace(tried[0], tried[-1], 200)
    log_weight = -0.5 * (CubicSpline(tried, chi_square)(fine) + ((fine - usual) / usual_sd) ** 2)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = float(weight @ fine)
    return mean, float(np.sqrt(weight @ (fine - mean) ** 2))
