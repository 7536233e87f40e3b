"""Cortex HU and blur, estimated from the walls of the same scan."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sizing.canal.blur import INDEPENDENT_SHARE, Blur, blur_along_mm, newton_step, within_range
from sizing.canal.fitting import DECAY_MM, Priors, WallFit, blur_step, fit_walls, noise_lags, white_noise
from sizing.canal.locate import Located
from sizing.canal.rays import Rays
from sizing.canal.surface import SurfaceFrame, frame_of
from sizing.canal.thin import PLACES_SHARE, USUAL_LN_SD, Sample, believed, cortex_of_thin_walls, mean_square
from sizing.errors import CanalError
from sizing.geometry import FloatArray
from sizing.volume import CtVolume

# Rays that take part: enough that noise plays no role, few enough to be quick.
CALIBRATION_RAYS = 1500
ROUNDS = 8
# A ray's own cortex HU before anything is known: wide, so that only what the ray shows counts.
FREE_CORTEX_SHARE = 0.25
# How much of its HU the cortex may lack at the endosteum: wide, so that only what the rays show counts; and a wall
# thinner than this many sigma does not show it.
FREE_FADE_SD, FADE_SIGMAS = 0.3, 4.0
# Decays of cancellous bone that are tried where there is enough of it (HU at the endosteum), and what is usual.
TRIED_DECAY_MM = np.array([1.0, 1.6, 2.5, 4.0, 6.5])
DECAY_LN_SD, TELLING_TAIL_HU = 0.5, 40.0
# Rays whose residual is this many times the median's say more of their surroundings than of the blur.
WORST_RESIDUAL = 2.0
# Walls thinner than this many sigma do not show their HU.
TELLING_SIGMAS = 2.0
# Where nine walls of ten are, as fitted, thinner than this many sigma (along the ray, with the slices' share and the
# grid's), cortex HU and blur can be taken for each other.
SHOWN_SIGMAS = 4.0
# Where the usual wall is thinner than this, the fit knows nothing of its cortex: what is usual may be off as usual, and
# only the wall's area shows.
SAID_SIGMAS = 2.2
TAIL, FADE = 3, 6  # columns of the parameters
# A cortex HU vaguer than this share is said to be unknown.
KNOWN_SHARE = 0.05


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
    fade_share : float
        Share of the cortex's HU that is missing at the endosteum, in the scan as a whole.
    decay_mm, decay_ln_se : float
        Over which cancellous bone on the endosteum fades inwards, and the standard error of its logarithm.
    per_sigma_mm : (inner, outer)
        Median move of the surfaces if sigma were assumed 100 % larger.
    narrower : float
        Where the scan does not show its cortex HU: share by which walls become narrower per share of HU, blur adapting.
    """

    blur: Blur
    blur_se: FloatArray
    cortex_hu: float
    cortex_se_hu: float
    cortex_spread_hu: float
    noise_hu: float
    noise_lags: FloatArray
    fade_share: float
    decay_mm: float
    decay_ln_se: float
    per_sigma_mm: tuple[float, float]
    narrower: float

    @property
    def cortex_known(self) -> bool:
        """The scan itself shows the HU of its cortex."""
        return self.cortex_se_hu < KNOWN_SHARE * self.cortex_hu

    @property
    def wall_doubt_share(self) -> float:
        """Standard error of all walls at once, as a share of them, where the scan does not show its cortex HU."""
        return self.narrower * self.cortex_se_hu / self.cortex_hu


def start_params(located: Located, cortex_hu: float) -> FloatArray:
    """Return start parameters (m, n, 7) from half-maximum surfaces."""
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
            np.zeros_like(x0),
        ],
        axis=-1,
    )


def calibrate(volume: CtVolume, rays: Rays, located: Located, expected: Blur) -> Calibration:
    """Estimate blur and cortex HU jointly from a sample of rays, each ray's own wall left free.

    Gauss-Newton on ln sigma and ring with the rays' parameters eliminated (variable projection):
    every ray counts by what it shows, so thick walls decide where there are any. Where there are none,
    ``sizing.canal.thin`` says what can be said.
    """
    some, frames, start = _sample(rays, located)
    blur, noise, lags = expected, 20.0, white_noise()
    cortex = located.reference_cortex_hu
    shape, fade = start.shape[:2], 0.0
    for _ in range(ROUNDS):
        free = np.full(shape, FREE_CORTEX_SHARE * cortex)
        fade_sd = free_fade(start, blur, fade)
        priors = Priors(np.full(shape, cortex), free, noise, lags, fade_sd)
        fit = fit_walls(volume, some, frames, start, blur, priors, with_blur=True)
        use = _telling(fit, blur)
        if not use.any():
            use = _ordinary(fit)
        if not use.any():
            raise CanalError("CF-C013", "nothing in this bone looks like a wall in this scan",
                             advice="Look at the images; choose another level, or another scan")  # fmt: skip
        noise, lags = float(np.median(fit.rms_hu[use])), noise_lags(fit)
        gradient, hessian = blur_step(fit, use)
        step, se = newton_step(gradient, hessian, blur, expected)
        blur = within_range(blur.moved(*step))
        cortex = weighted_median(fit.cortex_hu[use], fit.cortex_precision[use])
        fade = weighted_median(fit.fade_share[use], fit.fade_precision[use])
        start = np.where(np.isfinite(fit.params), fit.params, start)
        if np.abs(step).max() < 2e-3:
            break
    spread, cortex_se = _cortex_scatter(fit, use, cortex)
    narrower = 0.0
    ordinary = _ordinary(fit)
    along_mm = blur_along_mm(frames[1], blur, volume.geometry)
    if np.percentile(((fit.outer_mm - fit.inner_mm) / along_mm)[ordinary], 90) < SHOWN_SIGMAS:
        sample = Sample(volume, some, frames, start, ordinary)
        thin, thin_se, narrower = cortex_of_thin_walls(sample, blur, expected, (noise, lags))
        blur, se, fit, use, cortex = thin.blur, thin.blur_se, thin.fit, ordinary, thin.cortex_hu
        cortex_se, spread = max(cortex_se, thin_se), min(spread, PLACES_SHARE * cortex)
        along_mm = blur_along_mm(frames[1], blur, volume.geometry)
        if np.median(((fit.outer_mm - fit.inner_mm) / along_mm)[ordinary]) < SAID_SIGMAS:
            cortex_se, narrower = max(cortex_se, USUAL_LN_SD * cortex), 1.0
        noise, lags = float(np.median(fit.rms_hu[use & np.isfinite(fit.rms_hu)])), noise_lags(fit)
    free = np.full(shape, max(PLACES_SHARE * cortex, spread))
    priors = Priors(np.full(shape, cortex), free, noise, lags)
    start = np.where(np.isfinite(fit.params), fit.params, start)
    decay = _decay_of(Sample(volume, some, frames, start, use), blur, priors)
    per_sigma = middle(fit.inner_per_sigma[use]), middle(fit.outer_per_sigma[use])
    return Calibration(blur, se, cortex, cortex_se, spread, noise, lags, fade, *decay, per_sigma, narrower)


def free_fade(start: FloatArray, blur: Blur, fade_share: float) -> FloatArray:
    """Let thick walls say how much HU they lack at the endosteum, and give thin ones a share.

    Parameters
    ----------
    start : (m, n, 7) array
        Start parameters; the share is written into those of thin walls.
    blur : Blur
        What thick and thin is measured by.
    fade_share : float
        What thin walls take.

    Returns
    -------
    (m, n) array
        Prior SD of the share; 0 where it is given.
    """
    with np.errstate(invalid="ignore"):
        thick = start[..., 1] - start[..., 0] > FADE_SIGMAS * blur.sigma_in_plane_mm
    start[..., FADE] = np.where(thick, start[..., FADE], np.clip(fade_share, 0.0, 1.0))
    return np.where(thick, FREE_FADE_SD, 0.0)


def _decay_of(sample: Sample, blur: Blur, priors: Priors) -> tuple[float, float]:
    """Return the decay of cancellous bone on the endosteum, and the standard error of its logarithm."""
    s, use = sample, sample.use
    if not np.percentile(s.start[use][:, TAIL], 75) > TELLING_TAIL_HU:
        return DECAY_MM, DECAY_LN_SD
    tried = [fit_walls(s.volume, s.rays, s.frames, s.start, blur, replace(priors, decay_mm=float(mm)))
             for mm in TRIED_DECAY_MM]  # fmt: skip
    known = use & np.all([np.isfinite(fit.rms_hu) for fit in tried], axis=0)
    square = np.array([mean_square(fit.rms_hu[known]) for fit in tried])
    data = INDEPENDENT_SHARE * float(tried[0].samples[known].sum())
    chi_square = data * (square - square.min()) / max(square.min(), 1e-9)
    ln_mm, ln_se = believed(np.log(TRIED_DECAY_MM), chi_square, float(np.log(DECAY_MM)), DECAY_LN_SD)
    return float(np.exp(ln_mm)), ln_se


def _sample(rays: Rays, located: Located) -> tuple[Rays, tuple[SurfaceFrame, SurfaceFrame], FloatArray]:
    """Return every k-th level and ray with frames and start parameters."""
    m, n = located.inner_mm.shape
    skip = max(1, round(np.sqrt(m * n / CALIBRATION_RAYS)))
    frames = (frame_of(located.inner_mm, rays).thinned(skip), frame_of(located.outer_mm, rays).thinned(skip))
    some = rays.thinned(skip)
    return some, frames, start_params(located, located.reference_cortex_hu)[::skip, ::skip]


def _ordinary(fit: WallFit) -> NDArray[np.bool_]:
    """Mark fitted rays whose residual is ordinary."""
    good = np.isfinite(fit.inner_mm) & np.isfinite(fit.rms_hu)
    if good.any():
        good &= fit.rms_hu < WORST_RESIDUAL * np.median(fit.rms_hu[good])
    return good


def _telling(fit: WallFit, blur: Blur) -> NDArray[np.bool_]:
    """Mark rays whose wall shows its HU and whose residual is ordinary."""
    good = np.isfinite(fit.inner_mm) & np.isfinite(fit.rms_hu)
    good &= fit.outer_mm - fit.inner_mm > TELLING_SIGMAS * blur.sigma_in_plane_mm
    if good.any():
        good &= fit.rms_hu < WORST_RESIDUAL * np.median(fit.rms_hu[good])
    return good


def middle(values: FloatArray) -> float:
    """Return the median, NaN of nothing."""
    return float(np.median(values)) if values.size else float("nan")


def weighted_median(values: FloatArray, weight: FloatArray) -> float:
    """Return the value at which half of the weight lies on either side; 0 where nothing weighs."""
    if not weight.sum() > 0:
        return 0.0
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
