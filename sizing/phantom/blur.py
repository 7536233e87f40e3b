"""The scanner's blur: in-plane point spread as a sum of Gaussians, slice profile by its cumulative."""

from __future__ import annotations

import numpy as np

from sizing.geometry import FloatArray
from sizing.phantom.spec import ScanSpec

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
# Cells much finer than any clinical blur (sigma 0.3 mm and more).
CELL_MM = 0.2
MIN_CELLS_PER_PIXEL = 2
# Cells per slice thickness; their own width is taken off the profile again.
CELLS_PER_THICKNESS = 4
MAX_CELL_HEIGHT_MM = 0.5
# Blur is followed this many sigma.
REACH_SIGMA = 4.5


def in_plane_terms(scan: ScanSpec) -> tuple[tuple[float, float], ...]:
    """Return (weight, sigma_mm) of the Gaussians that make up the point spread in the slice; weights sum to 1."""
    if scan.kernel == "smooth":
        return ((1.0, scan.sigma_in_plane_mm),)
    return (
        (1.0 + scan.undershoot, scan.sigma_in_plane_mm),
        (-scan.undershoot, scan.ring_width * scan.sigma_in_plane_mm),
    )


def slice_sigma_mm(scan: ScanSpec) -> float:
    """Return the standard deviation of the slice profile."""
    t = scan.slice_thickness_mm
    return {"box": t / np.sqrt(12.0), "triangle": t / np.sqrt(6.0), "gauss": t / FWHM_PER_SIGMA}[scan.profile]


def cells_per_pixel(scan: ScanSpec) -> int:
    """Return how many fine cells divide a pixel's side."""
    return max(MIN_CELLS_PER_PIXEL, int(np.ceil(scan.pixel_mm / CELL_MM)))


def cell_height_mm(scan: ScanSpec, tilt_rad: float) -> float:
    """Return the distance of fine planes: small against the profile, and against the bone's shift per plane."""
    by_profile = min(scan.slice_thickness_mm / CELLS_PER_THICKNESS, MAX_CELL_HEIGHT_MM)
    return float(min(by_profile, CELL_MM / max(np.tan(tilt_rad), 1e-9)))


def pixel_taps(scan: ScanSpec, cells: int) -> tuple[FloatArray, FloatArray, int]:
    """Return taps (terms, width) and strengths (terms,) for ``sizing._phantom.blur_plane``, and the first cell.

    Values of cells are means over the cell, so the cell's variance is taken off the Gaussian's.
    """
    terms = in_plane_terms(scan)
    h = scan.pixel_mm / cells
    reach = int(np.ceil(REACH_SIGMA * max(s for _, s in terms) / h))
    cell = np.arange(-reach, cells + reach)
    distance = h * (cell + 0.5 - 0.5 * cells)
    variance = np.array([s**2 for _, s in terms])[:, None] - h**2 / 12.0
    taps = h / np.sqrt(2 * np.pi * variance) * np.exp(-0.5 * distance**2 / variance)
    return taps.astype(np.float32), np.array([w for w, _ in terms], np.float32), -reach


def slice_weights(slices_mm: FloatArray, planes_mm: FloatArray, height_mm: float, scan: ScanSpec) -> FloatArray:
    """Return (planes, slices): what each fine plane, a mean over ``height_mm``, gives to each slice.

    Both the plane's own mean and the sum over whole planes widen the profile by ``height^2 / 12``;
    the profile is narrowed so that its variance comes out as asked.
    """
    t, extra = scan.slice_thickness_mm, height_mm**2 / 6.0
    if scan.profile == "box":
        half = 0.5 * np.sqrt(t**2 - 12.0 * extra)
    elif scan.profile == "triangle":
        half = np.sqrt(t**2 - 6.0 * extra)
    else:
        half = np.sqrt((t / FWHM_PER_SIGMA) ** 2 - extra)
    offset = planes_mm[:, None] - slices_mm[None, :]
    upper, lower = offset + 0.5 * height_mm, offset - 0.5 * height_mm
    return _cumulative(scan.profile, upper / half) - _cumulative(scan.profile, lower / half)


def _cumulative(profile: str, x: FloatArray) -> FloatArray:
    """Cumulative of the unit profile: box on (-1, 1), triangle on (-1, 1), Gaussian of sigma 1."""
    if profile == "gauss":
        from scipy.special import ndtr

        return ndtr(x)
    c = np.clip(x, -1.0, 1.0)
    if profile == "box":
        return 0.5 * (1.0 + c)
    return 0.5 + c - 0.5 * c * np.abs(c)
