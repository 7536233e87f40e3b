"""What a scan is worth, measured on its voxels: noise, blur, tissue values, what the field of view cuts.

Every measure is None where the scan does not show what it needs; none is zero for "could not tell".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.volume import CtVolume

AIR_HU, BODY_HU, BONE_HU = -900, -300, 300
_FAT_HU, _MUSCLE_HU, _CORTEX_HU = (-200, -20), (0, 120), (700, 2500)
_LEAST_SHARE = 2e-3  # of the voxels looked at, before a tissue counts as seen
_PEAK = 1.3  # a tissue's most frequent value stands out by this much above the ends of its range
_LOOK_VOXELS = 4_000_000  # enough for every statistic here
_LOOK_SLICES = 12
_NOISE_WINDOW = 7  # voxels; smaller windows underestimate correlated noise
_FLAT_HU = 40  # a window of muscle whose mean wanders more holds a septum or an edge
_EDGE_REACH_MM = 3.5  # to each side of the skin: the plateau of air and that of tissue
_EDGE_SLOPE_HU = 150  # between two voxels; less is no skin in air
_SQUARE = 0.3  # slope across over slope along: within 17 degrees of square
_SKIN_HU = (-150, 120)  # fat or muscle behind the skin
_EDGE_LEAST = 200  # skin points, before their median is an answer
_BONE_AREA_MM2 = 50.0  # a cut bone shows at least this much; a calcification shows less
# A diameter on a real scan: machined bone segments agree within 0.21 +- 0.12 mm at about 0.6 mm voxels, that is
# 0.35 to 0.55 of a voxel; and a shaft 10 degrees off the slice normal smears by a tenth of the thickness.
_DOUBT_PER_VOXEL, _DOUBT_PER_THICKNESS = 0.4, 0.1
_TO_FWHM = 2.3548


@dataclass(frozen=True)
class ScanMeasures:
    """Measures of one volume.

    Attributes
    ----------
    noise_hu : float or None
        Standard deviation inside flat muscle.
    blur_mm : float or None
        Full width at half maximum of the in-plane blur, from the edge between air and skin.
    air_hu, fat_hu, muscle_hu, cortex_hu : float or None
        Most frequent value of each tissue (median for cortex).
    body_cut_slices, bone_cut_slices : int
        Slices where body, or bone, reaches the side of the image.
    bone_goes_on_low, bone_goes_on_high : bool
        Bone is cut by the first or the last slice.
    length_mm : float
        From the first slice to the last, along the normal.
    diameter_doubt_mm : float
        Rule of thumb for how far a measured diameter may be off.
    """

    noise_hu: float | None
    blur_mm: float | None
    air_hu: float | None
    fat_hu: float | None
    muscle_hu: float | None
    cortex_hu: float | None
    body_cut_slices: int
    bone_cut_slices: int
    bone_goes_on_low: bool
    bone_goes_on_high: bool
    length_mm: float
    diameter_doubt_mm: float


def measure_scan(volume: CtVolume) -> ScanMeasures:
    """Measure a volume as it is, without segmentation."""
    hu, geometry = volume.hu, volume.geometry
    every = max(1, int(np.ceil((hu.size / _LOOK_VOXELS) ** (1 / 3))))
    look = hu[::every, ::every, ::every].ravel()
    counts = np.bincount(np.clip(look, -1100, 3100).astype(np.int64) + 1100, minlength=4201)
    picks = np.unique(np.linspace(0, len(hu) - 1, _LOOK_SLICES).astype(int))
    rims = [np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]]) for plane in hu]
    thickness = volume.info.slice_thickness_mm or geometry.slice_step_mm
    return ScanMeasures(
        noise_hu=_noise(hu[picks]),
        blur_mm=_blur(hu[picks], geometry.spacing_mm[1:]),
        air_hu=_median(counts, -1100, -800),
        fat_hu=_mode(counts, *_FAT_HU),
        muscle_hu=_mode(counts, *_MUSCLE_HU),
        cortex_hu=_median(counts, *_CORTEX_HU),
        body_cut_slices=sum(bool(np.count_nonzero(r > BODY_HU) > 3) for r in rims),
        bone_cut_slices=sum(bool(np.count_nonzero(r > 2 * BONE_HU) > 3) for r in rims),
        bone_goes_on_low=_has_bone(hu[0], volume),
        bone_goes_on_high=_has_bone(hu[-1], volume),
        length_mm=(len(hu) - 1) * geometry.slice_step_mm,
        diameter_doubt_mm=float(
            np.hypot(_DOUBT_PER_VOXEL * max(geometry.spacing_mm[1:]), _DOUBT_PER_THICKNESS * thickness)
        ),
    )


def _mode(counts: NDArray, low: int, high: int) -> float | None:
    window = counts[low + 1100 : high + 1101]
    if window.sum() < _LEAST_SHARE * counts.sum():
        return None
    smooth = np.convolve(counts, np.ones(9), "same")[low + 1100 : high + 1101]  # noise makes single bins jump
    peak = int(np.argmax(smooth))
    if smooth[peak] < _PEAK * max(smooth[0], smooth[-1]):
        return None  # the flank of a neighbouring tissue, no peak of its own
    return float(low + peak)


def _median(counts: NDArray, low: int, high: int) -> float | None:
    window = counts[low + 1100 : high + 1101]
    if window.sum() < _LEAST_SHARE * counts.sum() / 4:  # cortex is a small part of a limb
        return None
    return float(low + int(np.searchsorted(np.cumsum(window), window.sum() / 2)))


def _has_bone(plane: NDArray[np.int16], volume: CtVolume) -> bool:
    _, row_mm, column_mm = volume.geometry.spacing_mm
    return bool(np.count_nonzero(plane > BONE_HU) * row_mm * column_mm > _BONE_AREA_MM2)


def _noise(planes: NDArray[np.int16]) -> float | None:
    """Return the median of the local standard deviation over windows that lie in flat muscle."""
    from scipy.ndimage import uniform_filter

    found = []
    for plane in planes.astype(np.float32):
        mean = uniform_filter(plane, _NOISE_WINDOW)
        variance = uniform_filter(plane * plane, _NOISE_WINDOW) - mean * mean
        inner = (mean > _MUSCLE_HU[0]) & (mean < _MUSCLE_HU[1])
        flat = inner & (np.abs(uniform_filter(mean, _NOISE_WINDOW) - mean) < _FLAT_HU / 4)
        found.append(variance[flat])
    values = np.concatenate(found)
    if len(values) < _EDGE_LEAST:
        return None
    unbiased = _NOISE_WINDOW**2 / (_NOISE_WINDOW**2 - 1)
    return float(np.sqrt(max(0.0, np.median(values) * unbiased)))


def _blur(planes: NDArray[np.int16], spacing_mm: tuple[float, float]) -> float | None:
    """Return the in-plane blur from the slope of the air-skin edge.

    An edge of height A blurred by a Gaussian of standard deviation s has the slope A / (s sqrt(2 pi)).
    The slope is the largest difference of neighbouring voxels along a row or column, where the edge
    stands square to it; what the width and the chance phase of that difference add, a sixth of the squared
    spacing, is taken out again. On discs of known blur it is good to a fifth.
    """
    sigmas = [_edge_sigmas(np.moveaxis(planes, axis + 1, -1).astype(np.float32), spacing_mm[axis]) for axis in (0, 1)]
    values = np.concatenate(sigmas)
    return None if len(values) < _EDGE_LEAST else float(np.median(values) * _TO_FWHM)


def _edge_sigmas(planes: NDArray[np.float32], step_mm: float) -> NDArray[np.float64]:
    """Return the blur at each edge between air and skin that lies square to the last axis of (plane, line, voxel)."""
    reach = int(np.ceil(_EDGE_REACH_MM / step_mm))
    n = planes.shape[2] - 1 - 2 * reach
    if n < 1 or planes.shape[1] < 3:
        return np.zeros(0)
    slope = np.diff(planes, axis=2)
    across = np.abs(np.gradient(planes, axis=1))[..., reach : reach + n]
    found = []
    for rising in (slope, -slope):
        peak = rising[..., reach : reach + n]
        centre = (peak > _EDGE_SLOPE_HU) & (across < _SQUARE * peak)
        for k in range(2 * reach + 1):
            centre &= peak >= rising[..., k : k + n]
        where = np.nonzero(centre)
        low, high = (planes[(*where[:2], where[2] + k)] for k in (1, 2 * reach))
        low, high = np.minimum(low, high), np.maximum(low, high)
        good = (low < AIR_HU) & (high > _SKIN_HU[0]) & (high < _SKIN_HU[1])
        height = (high - low)[good].astype(float)
        found.append((height * step_mm / (peak[where][good] * np.sqrt(2 * np.pi))) ** 2 - step_mm**2 / 6)
    return np.sqrt(np.clip(np.concatenate(found), 0, None))
