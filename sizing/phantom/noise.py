"""Noise as filtered back projection leaves it: grainy at the kernel's scale, neighbours alike, no offset."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import VolumeGeometry
from sizing.phantom.blur import in_plane_terms, slice_sigma_mm
from sizing.phantom.spec import LimbSpec, ScanSpec

# Noise repeats across the slice after this many pixels, without a seam; along the slices it never does.
TILE = 256


def correlated_noise(shape: tuple[int, int, int], scan: ScanSpec, seed: int) -> NDArray[np.float32]:
    """Return noise (slice, row, column) in HU with SD ``noise_hu / sqrt(relative_dose)``.

    White noise is filtered in the slice by the square root of the noise power of filtered back
    projection, ``f * MTF(f)^2``, and along the slices by a Gaussian of half the profile's SD: profiles
    of neighbouring slices share rays.
    """
    from scipy import fft
    from scipy.ndimage import gaussian_filter1d

    sd = scan.noise_hu / np.sqrt(scan.relative_dose)
    if sd == 0:
        return np.zeros(shape, np.float32)
    n_slices, n_rows, n_columns = shape
    tile = (min(n_rows, TILE), min(n_columns, TILE))
    white = np.random.default_rng(seed).standard_normal((n_slices, *tile), dtype=np.float32)
    f_row = np.fft.fftfreq(tile[0], scan.pixel_mm)[:, None]
    f_column = np.fft.rfftfreq(tile[1], scan.pixel_mm)[None, :]
    f = np.hypot(f_row, f_column)
    mtf = sum(w * np.exp(-2.0 * (np.pi * s * f) ** 2) for w, s in in_plane_terms(scan))
    amplitude = (np.sqrt(f) * np.abs(mtf)).astype(np.float32)
    noise = fft.irfft2(fft.rfft2(white) * amplitude, s=tile).astype(np.float32)
    sigma_slices = 0.5 * slice_sigma_mm(scan) / scan.slice_step_mm
    noise = gaussian_filter1d(noise, sigma_slices, axis=0, mode="wrap")
    noise *= sd / float(noise.std())
    repeats = (1, -(-n_rows // tile[0]), -(-n_columns // tile[1]))
    return np.tile(noise, repeats)[:, :n_rows, :n_columns]


def texture(geometry: VolumeGeometry, limb: LimbSpec, seed: int) -> NDArray[np.float32] | float:
    """Return the lasting unevenness of tissue (slice, row, column) in HU; 0 if none is asked for."""
    if limb.texture_hu == 0:
        return 0.0
    from scipy.ndimage import gaussian_filter

    white = np.random.default_rng([seed, 1]).standard_normal(geometry.shape, dtype=np.float32)
    grain = gaussian_filter(white, [limb.texture_mm / step for step in geometry.spacing_mm], mode="wrap")
    return grain * np.float32(limb.texture_hu / grain.std())
