"""Where the measured surfaces may really lie: errors that vary smoothly along the bone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sizing.canal.model import Canal
from sizing.geometry import FloatArray


def surface_errors(canal: Canal) -> NDArray[np.float32]:
    """Return standard errors (2, m, n) of the endosteal and periosteal radii in mm; 0 where none is known."""
    shape = canal.endosteal_radius_mm.shape
    known = (canal.endosteal_se_mm, canal.periosteal_se_mm)
    return np.stack([np.zeros(shape) if se is None else np.nan_to_num(se) for se in known]).astype(np.float32)


def smooth_fields(canal: Canal, count: int, correlation_mm: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Draw ``count`` fields (count, m, n) of unit variance that are alike over about ``correlation_mm``.

    White noise smoothed with a Gaussian, round the section periodically, along the bone over a stretch long
    enough that its ends do not meet. The covariance at a distance r is exp(-(r / correlation)²).
    """
    m, n = canal.endosteal_radius_mm.shape
    radius = float(np.nanmean(canal.periosteal_radius_mm))
    step = float(np.median(np.diff(canal.axis.depth_mm))) if m > 1 else 1.0
    sigma = 0.5 * correlation_mm
    rows = m + int(np.ceil(6.0 * sigma / step))
    noise = random.standard_normal((count, rows, n))
    along, around = np.fft.fftfreq(rows, step), np.fft.rfftfreq(n, 2.0 * np.pi * radius / n)
    damping: FloatArray = np.exp(-2.0 * (np.pi * sigma) ** 2 * (along[:, None] ** 2 + around[None] ** 2))
    smooth = np.fft.irfft2(np.fft.rfft2(noise) * damping, s=(rows, n))
    # Variance that the damping leaves of white noise, counted over the full spectrum.
    full = np.exp(-4.0 * (np.pi * sigma) ** 2 * (along[:, None] ** 2 + np.fft.fftfreq(n, 2 * np.pi * radius / n) ** 2))
    return np.ascontiguousarray(smooth[:, :m] / np.sqrt(full.mean()), dtype=np.float32)
