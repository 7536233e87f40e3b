"""How sure a surface is: scatter of rays round it, and what all rays of a place share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.canal.calibrate import Calibration
from sizing.canal.fitting import WallFit
from sizing.canal.smoothing import Smoothed, Window
from sizing.geometry import FloatArray

# Rays further off than this (in robust SD) are features, not scatter.
FEATURE = 4.0
# Lags at which the scatter's likeness is compared, in rays and in levels.
ACROSS_LAGS, ALONG_LAGS = (1, 2, 3, 5), (1, 2, 3)
# Noise is alike over at least this many voxels and slice steps: interpolation sees to that, and where the window is
# hardly wider, the misfit cannot show it. How much longer it may be, as factors.
LEAST_VOXELS, LEAST_STEPS = 1.75, 1.4
LONGER = np.linspace(1.0, 1.75, 7)
# Linear interpolation between voxels leaves a ripple of this share of a voxel, whatever the noise.
GRID_SHARE = 0.004
# An error of ln decay moves the content at the edge by this share of the tail. Regions differ by so much in ln decay,
# and in how far from an exponential they are; the scan's own decay has its own standard error.
TAIL_PER_LN_DECAY, DECAY_SPREAD = 0.15, 0.15
# Below this no model of a scan is true: profile shape, grid, curvature to the second order.
LEAST_COMMON_MM = 0.0015
# A thin wall borrows its cortex HU from its surroundings: it may be off by this share of what places differ by.
BORROWED_DOUBT = 0.5
# The tail's own noise is not doubt: it is averaged over this many levels and rays.
TAIL_LEVELS, TAIL_RAYS = 4.0, 4.0
# Size of a place for its own scatter (Gaussian sigma), and how much it leans on the whole surface.
PLACE_MM, PLACE_RAD, USUAL_SHARE = 8.0, 0.35, 0.2
# Fewer rays show no scatter to speak of.
MIN_RAYS = 500


@dataclass(frozen=True)
class Scatter:
    """Noise of rays and what smoothing leaves of it.

    Attributes
    ----------
    scale : float
        True scatter of single rays over their own standard error.
    gain : float
        Standard error of the smoothed surface over that of single rays.
    local : (m, n) array
        Scatter of each place over that of the whole surface: rough endosteum is less sure than smooth.
    independent_mm : float
        Length of surface, round the section, that stands for one independent measurement.
    """

    scale: float
    gain: float
    local: FloatArray
    independent_mm: float


def scatter_of(surface: Smoothed, grid: Window) -> Scatter:
    """Estimate the rays' noise from their misfit to the smooth surface.

    The misfit is (I - S) e, with S the smoothing that was done and e the noise, alike over unknown
    distances round the section and along the bone (triangular correlation). Both distances and the
    size of e are those whose misfit would look like the one seen at lags 0 to 5.

    Parameters
    ----------
    surface : Smoothed
        With its misfit.
    grid : Window
        The scan's in-plane voxel and its slice step along the bone.
    """
    z = surface.misfit
    known = np.isfinite(z)
    if known.sum() < MIN_RAYS:
        return Scatter(1.0, 1.0, np.ones(z.shape), surface.arc_mm * len(surface.across))
    z = np.where(known, z, 0.0)
    spread = 1.4826 * float(np.median(np.abs(z[known])))
    known &= np.abs(z) < FEATURE * max(spread, 1e-9)
    z = np.where(known, z, 0.0)
    seen_across = [_likeness(z, known, k, 1) for k in (0, *ACROSS_LAGS)]
    seen_along = [_likeness(z, known, k, 0) for k in (0, *ALONG_LAGS)]
    a, b = surface.across, surface.along
    across = [_Response(a, ACROSS_LAGS, k * LEAST_VOXELS * grid.across_mm / surface.arc_mm) for k in LONGER]
    along = [_Response(b, ALONG_LAGS, k * LEAST_STEPS * grid.along_mm / surface.level_mm) for k in LONGER]
    best, found = np.inf, (across[0], along[0], 1.0)
    seen = np.array(seen_across + seen_along[1:]) / seen_across[0]
    for x in across:
        for y in along:
            model = np.concatenate([x.with_other(y), y.with_other(x)[1:]])
            miss = float(((model / model[0] - seen) ** 2).sum())
            if miss < best:
                best, found = miss, (x, y, model[0])
    x, y, variance = found
    scale = float(np.sqrt(seen_across[0] / variance))
    gain = scale * float(np.sqrt(x.smooth[0] * y.smooth[0]))
    local = _local_scatter(surface.misfit, FEATURE * spread, seen_across[0], surface.level_mm)
    return Scatter(scale, gain, local, surface.arc_mm * x.reach())


def _local_scatter(misfit: FloatArray, most: float, usual: float, level_mm: float) -> FloatArray:
    """Return the scatter (m, n) of each neighbourhood over the usual one (a variance)."""
    from scipy.ndimage import gaussian_filter

    known = np.isfinite(misfit)
    size = (PLACE_MM / level_mm, PLACE_RAD * misfit.shape[1] / (2 * np.pi))
    square = np.where(known, np.minimum(np.abs(np.nan_to_num(misfit)), most) ** 2, 0.0)
    # a place without rays is as usual
    total = gaussian_filter(square, size, mode=("nearest", "wrap")) + USUAL_SHARE * usual
    count = gaussian_filter(known.astype(np.float64), size, mode=("nearest", "wrap")) + USUAL_SHARE
    return np.sqrt(total / count / usual)


class _Response:
    """What smoothing along one direction makes of noise that is alike over ``alike`` neighbours.

    ``raw[k]``, ``mixed[k]``, ``smooth[k]``: covariance at lag k of noise with noise, with smoothed
    noise, and of smoothed noise with itself, for unit noise.
    """

    def __init__(self, share: FloatArray, lags: tuple[int, ...], alike: float) -> None:
        half = len(share) // 2
        k = np.arange(-half, half + 1)
        self.alike, self.share = alike, share
        at = np.array((0, *lags))
        self.raw = self._alike(at)
        self.mixed = np.array([share @ self._alike(k - lag) for lag in at])
        self.smooth = np.array([share @ self._alike(k[:, None] - k + lag) @ share for lag in at])

    def _alike(self, lag: NDArray) -> FloatArray:
        return np.clip(1 - np.abs(lag) / self.alike, 0, None)

    def with_other(self, other: _Response) -> FloatArray:
        """Return the misfit's covariance at this direction's lags, the other direction at lag 0."""
        return self.raw - 2 * self.mixed * other.mixed[0] + self.smooth * other.smooth[0]

    def reach(self) -> float:
        """Return how many neighbours stand for one independent smoothed value (integral of the correlation)."""
        half = len(self.share) // 2
        k = np.arange(-half, half + 1)
        far = np.arange(-3 * half - 20, 3 * half + 21)
        smooth = [self.share @ self._alike(k[:, None] - k + lag) @ self.share for lag in far]
        return float(np.sum(smooth) / self.smooth[0])


def _likeness(z: FloatArray, known: NDArray[np.bool_], lag: int, axis: int) -> float:
    """Return the mean product of misfits ``lag`` neighbours apart; angles wrap, levels do not."""
    if axis == 1:
        other, both = np.roll(z, -lag, 1), known & np.roll(known, -lag, 1)
        return float((z * other)[both].mean())
    m = len(z) - lag
    if m < 1:
        return 0.0
    both = known[:m] & known[lag:]
    return float((z[:m] * z[lag:])[both].mean()) if both.any() else 0.0


@dataclass(frozen=True)
class Shared:
    """Standard errors (m, n) of a surface that neighbouring rays share.

    ``scan_mm``: of all rays alike; it never averages out. ``regional_mm``: of a region, as what is borrowed from it;
    it averages out over regions.
    """

    scan_mm: FloatArray
    regional_mm: FloatArray

    @property
    def total_mm(self) -> FloatArray:
        return np.hypot(self.scan_mm, self.regional_mm)


def independent_share(spacing: Window, grid: Window) -> float:
    """Return how many independent answers one ray counts for, among rays this far apart on this grid."""
    across = spacing.across_mm / (LEAST_VOXELS * grid.across_mm)
    along = spacing.along_mm / (LEAST_STEPS * grid.along_mm)
    return min(1.0, across) * min(1.0, along)


def moves_per_cortex(fit: WallFit, calibration: Calibration) -> tuple[FloatArray, FloatArray]:
    """Return how far (m, n) both surfaces move per HU by which the cortex is assumed brighter, mm.

    Where the scan does not show its cortex HU, blur moves along with it: walls become narrower by what
    ``sizing.canal.thin`` has seen, up to as much as the HU grows, where only their area (HU times width) shows.
    """
    if calibration.cortex_known:
        return fit.inner_per_cortex, fit.outer_per_cortex
    half = calibration.narrower * (fit.outer_mm - fit.inner_mm) / (2 * calibration.cortex_hu)
    return half, -half


def common_se_mm(
    fit: WallFit, calibration: Calibration, blur_mm: FloatArray, fade: tuple[Shared, Shared]
) -> tuple[Shared, Shared]:
    """Return the standard errors that neighbouring rays share, of the endosteal and the periosteal surface.

    From the cortex HU, its loss towards the canal (``fade``) and the blur of the scan, and on the endosteum from the
    unknown shape of the cancellous tail: an error of the content's HU at the edge moves it by that over the
    profile's slope. A region's cortex HU differs from the scan's, and its neighbour's differs otherwise.
    """
    from scipy.ndimage import gaussian_filter

    level_hu, place_hu = calibration.cortex_se_hu, BORROWED_DOUBT * calibration.cortex_spread_hu
    sigma = calibration.blur_se[0] * np.array(calibration.per_sigma_mm)
    slope = np.maximum(fit.cortex_hu - fit.content_hu, 1.0) / (blur_mm * np.sqrt(2 * np.pi))
    known = np.isfinite(fit.tail_hu)
    size = (TAIL_LEVELS, TAIL_RAYS)
    total = gaussian_filter(np.where(known, fit.tail_hu, 0.0), size, mode=("nearest", "wrap"))
    count = gaussian_filter(known.astype(np.float64), size, mode=("nearest", "wrap"))
    tail = TAIL_PER_LN_DECAY * np.abs(total) / np.maximum(count, 1e-9) / slope
    nothing = np.zeros_like(tail)
    found = []
    moves = moves_per_cortex(fit, calibration)
    for per_cortex, blurred, per_ln_decay, faded in (
        (moves[0], sigma[0], tail, fade[0]),
        (moves[1], sigma[1], nothing, fade[1]),
    ):
        decay = (per_ln_decay * calibration.decay_ln_se) ** 2
        scan = (per_cortex * level_hu) ** 2 + blurred**2 + decay + faded.scan_mm**2 + LEAST_COMMON_MM**2
        regional = (per_cortex * place_hu) ** 2 + (per_ln_decay * DECAY_SPREAD) ** 2 + faded.regional_mm**2
        found.append(Shared(np.sqrt(scan), np.sqrt(regional)))
    return found[0], found[1]
