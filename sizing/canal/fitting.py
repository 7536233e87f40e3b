"""The blurred wall model on all rays: packs rays for the kernel, unpacks what it found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sizing import _wallfit
from sizing.canal.blur import Blur, edge_columns
from sizing.canal.rays import Rays
from sizing.canal.surface import SurfaceFrame
from sizing.geometry import FloatArray
from sizing.threads import in_pieces
from sizing.volume import CtVolume

# The exponential that stands for cancellous bone on the endosteum, until the scan tells: between the decays seen.
DECAY_MM = 2.5
# Samples used beyond the edges: blur and the cancellous tail inside, blur only outside (other tissue follows).
INSIDE_MM = 5.0
OUTSIDE_SIGMAS, OUTSIDE_MM = 3.0, 0.5
# Weak priors that keep a parameter finite where a ray says nothing of it.
LEVEL_SD_HU = 400.0
TAIL_SD_HU = 300.0
MOVES = 12


@dataclass(frozen=True)
class Priors:
    """What is assumed of all rays: cortex HU and its SD (m, n), the scan's noise and its autocorrelation.

    ``fade_sd`` (m, n): how much of the cortex's HU may be missing at the endosteum; 0 = what the start says.
    ``decay_mm``: of the cancellous bone on the endosteum.
    """

    cortex_hu: FloatArray
    cortex_sd_hu: FloatArray
    noise_hu: float
    noise_lags: FloatArray
    fade_sd: FloatArray | float = 0.0
    decay_mm: float = DECAY_MM


@dataclass(frozen=True)
class WallFit:
    """Fitted parameters (m, n, 7) and statistics (m, n, k) of every ray, by name; NaN where there is no fit."""

    params: FloatArray
    stats: FloatArray
    residual_lags: FloatArray = field(repr=False)
    decay_mm: float = DECAY_MM

    @property
    def inner_mm(self) -> FloatArray:
        return self.params[..., 0]

    @property
    def outer_mm(self) -> FloatArray:
        return self.params[..., 1]

    @property
    def content_hu(self) -> FloatArray:
        """Level far inside; cancellous bone on the endosteum comes on top."""
        return self.params[..., 2]

    @property
    def tail_hu(self) -> FloatArray:
        return self.params[..., 3]

    @property
    def cortex_hu(self) -> FloatArray:
        return self.params[..., 4]

    @property
    def outside_hu(self) -> FloatArray:
        return self.params[..., 5]

    @property
    def fade_share(self) -> FloatArray:
        """Share of the cortex's HU that is missing at the endosteum."""
        return self.params[..., 6]

    @property
    def fade_precision(self) -> FloatArray:
        """1 / variance of that share from this ray's own data; 0 where it was given."""
        return self.stats[..., 19]

    @property
    def inner_per_fade(self) -> FloatArray:
        """Mm by which the endosteum moves when the share that is given is raised by 1."""
        return self.stats[..., 20]

    @property
    def outer_per_fade(self) -> FloatArray:
        return self.stats[..., 21]

    @property
    def inner_se_mm(self) -> FloatArray:
        return np.sqrt(self.stats[..., 0])

    @property
    def outer_se_mm(self) -> FloatArray:
        return np.sqrt(self.stats[..., 1])

    @property
    def rms_hu(self) -> FloatArray:
        return self.stats[..., 7]

    @property
    def inner_per_cortex(self) -> FloatArray:
        """Mm per HU by which the endosteum moves when a higher cortex HU is assumed."""
        return self.stats[..., 3]

    @property
    def outer_per_cortex(self) -> FloatArray:
        return self.stats[..., 4]

    @property
    def inner_per_sigma(self) -> FloatArray:
        """Mm by which the endosteum moves when a relatively larger sigma is assumed (per 100 %)."""
        return self.stats[..., 5]

    @property
    def outer_per_sigma(self) -> FloatArray:
        return self.stats[..., 6]

    @property
    def samples(self) -> FloatArray:
        """Number of data that took part."""
        return self.stats[..., 8]

    @property
    def cortex_precision(self) -> FloatArray:
        """1 / variance of the cortex HU from this ray's own data."""
        return self.stats[..., 9]


def fit_walls(
    volume: CtVolume,
    rays: Rays,
    frames: tuple[SurfaceFrame, SurfaceFrame],
    start: FloatArray,
    blur: Blur,
    priors: Priors,
    *,
    with_blur: bool = False,
) -> WallFit:
    """Fit the model on every ray that has a finite start.

    Parameters
    ----------
    volume : CtVolume
        The scan.
    rays : Rays
        Where to look.
    frames : pair of SurfaceFrame
        Endosteal and periosteal surface as far as known.
    start : (m, n, 7) array
        x0, x1 (mm), content, tail, cortex, outside (HU), and the share of cortex HU missing at the endosteum.
    blur : Blur
        The scan's point spread.
    priors : Priors
        What is assumed of cortex HU and noise.
    with_blur : bool
        Also ask every ray which way the blur should move (``blur_step``).
    """
    shape = start.shape[:2]
    rows = _rows(volume, rays, frames, priors)
    widest = blur.sigma_in_plane_mm * (1 + (blur.ring != 0))
    scan = np.concatenate([
        [rays.step_mm, blur.sigma_in_plane_mm, blur.sigma_slice_mm, blur.ring, priors.noise_hu, priors.decay_mm,
         INSIDE_MM, OUTSIDE_MM + OUTSIDE_SIGMAS * widest, LEVEL_SD_HU, TAIL_SD_HU],
        priors.noise_lags,
    ])  # fmt: skip
    params = np.array(start.reshape(-1, _wallfit.N_PARAM), order="C")
    stats = np.empty((len(rows), _wallfit.N_STATS))
    lags = np.zeros((2, _wallfit.N_LAGS))

    def fit(first: int, end: int) -> None:
        piece = slice(first, end)
        _wallfit.fit_walls(volume.hu, rows[piece], scan, params[piece], stats[piece], lags, MOVES, with_blur)

    if with_blur:  # sums over all rays, which must not depend on pieces
        fit(0, len(rows))
    else:
        in_pieces(len(rows), fit)
    mean = lags[0] / np.maximum(lags[1], 1)
    residual_lags = mean / max(mean[0], 1e-9)
    return WallFit(params.reshape(*shape, -1), stats.reshape(*shape, -1), residual_lags, priors.decay_mm)


def _rows(volume: CtVolume, rays: Rays, frames: tuple[SurfaceFrame, SurfaceFrame], priors: Priors) -> FloatArray:
    start, step = rays.in_index(volume.geometry)
    (per_inner, share_inner), (per_outer, share_outer) = (edge_columns(f, volume.geometry) for f in frames)
    each = np.broadcast_arrays(priors.cortex_hu, priors.cortex_sd_hu, priors.fade_sd)
    cortex = np.stack([values.ravel() for values in each], axis=-1)
    return np.ascontiguousarray(
        np.concatenate([start, step, per_inner, per_outer, share_inner, share_outer, cortex], axis=1)
    )


def noise_lags(fit: WallFit) -> FloatArray:
    """Return the noise's autocorrelation from residuals: cut at its first zero, where the fit's own pull takes over."""
    lags = fit.residual_lags.copy()
    below = np.flatnonzero(lags <= 0)
    if len(below):
        lags[below[0] :] = 0
    return lags


def white_noise() -> FloatArray:
    """Return the autocorrelation of uncorrelated noise, for a first fit."""
    return np.eye(1, _wallfit.N_LAGS)[0]


def blur_step(fit: WallFit, use: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return gradient (3,) and curvature (3, 3) of the cost for ln sigma_in_plane, ln sigma_slice and ring."""
    stats = fit.stats[use]
    gradient = stats[:, 10:13].sum(axis=0)
    upper = stats[:, 13:19].sum(axis=0)
    hessian = np.empty((3, 3))
    hessian[np.triu_indices(3)] = upper
    hessian.T[np.triu_indices(3)] = upper
    return gradient, hessian
