"""From stored values to Hounsfield units, in place, and what one slice shows while it passes by."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dicom_io.errors import DicomError
from dicom_io.header import Frame

AIR_HU = -1000
LOWEST_HU = -1024  # 12-bit scanners end here; lower values mean "outside the reconstruction" (row 12)
METAL_HU = 2500  # dense cortex with a sharp kernel stays below
_SAMPLE_SIDE = 64  # about so many rows and columns of each slice are kept for a look at the whole
_SAMPLE_OFFSET = 32768
_INT16 = np.iinfo(np.int16)


@dataclass(frozen=True, slots=True)
class SliceReport:
    """What was seen in one slice.

    Attributes
    ----------
    n_padding, n_metal : int
        Voxels set to air because they were padding; voxels above ``METAL_HU``.
    tissue_padding : bool
        The header's padding value lies among tissue values, and was only honoured at the image's edge.
    dirty_bits : bool
        Bits above BitsStored were set, and were cut off.
    low_hu, high_hu : int
        Range of the slice.
    metal_centre : (row, column) or None
    sample : (m, n) int16 array
        Some sixty rows and columns, evenly taken.
    """

    n_padding: int
    tissue_padding: bool
    dirty_bits: bool
    low_hu: int
    high_hu: int
    n_metal: int
    metal_centre: tuple[float, float] | None  # row, column
    sample: NDArray[np.int16]


def to_hu(plane: NDArray[np.int16], frame: Frame, *, big_endian: bool) -> SliceReport:
    """Turn one slice of stored values into Hounsfield units, in place.

    Parameters
    ----------
    plane : (row, column) int16 array
        The 16 bits as they stood in the file or came from the decoder; Hounsfield units afterwards.
    frame : Frame
        Bits, sign, padding and rescale of this slice.
    big_endian : bool
        Byte order of ``plane``.

    Raises
    ------
    DicomError
        A value does not fit into 16 bits (CF-D013c): such numbers are no Hounsfield units.
    """
    pixels = frame.pixels
    if big_endian != (sys.byteorder == "big"):
        plane.byteswap(inplace=True)
    stored: NDArray = plane if pixels.signed else plane.view(np.uint16)
    dirty = _cut_unused_bits(stored, pixels.bits_stored, signed=pixels.signed)
    slope = 1.0 if pixels.slope is None else pixels.slope
    intercept = 0.0 if pixels.intercept is None else pixels.intercept
    padding, tissue_padding = _padding(stored, frame, slope, intercept)
    if padding is not None:
        stored[padding] = np.clip(round((AIR_HU - intercept) / slope), *_limits(stored))
    _rescale(plane, stored, slope, intercept, frame)
    n_padding = 0
    if padding is not None:
        plane[padding] = AIR_HU
        n_padding = int(np.count_nonzero(padding))
    low, high = int(plane.min()), int(plane.max())
    if low < LOWEST_HU:
        below = plane < LOWEST_HU
        n_padding += int(np.count_nonzero(below))
        plane[below] = AIR_HU
        low = int(plane.min())
    n_metal, centre = _metal(plane) if high > METAL_HU else (0, None)
    every = max(1, min(plane.shape) // _SAMPLE_SIDE)
    sample = plane[::every, ::every].copy()
    return SliceReport(n_padding, tissue_padding, dirty, low, high, n_metal, centre, sample)


def _limits(stored: NDArray) -> tuple[int, int]:
    info = np.iinfo(stored.dtype)
    return int(info.min), int(info.max)


def _cut_unused_bits(stored: NDArray, bits_stored: int, *, signed: bool) -> bool:
    """Cut off what lies above BitsStored (old overlays, dirt), extending the sign; True if anything was there."""
    unused = 16 - bits_stored
    if not unused:
        return False
    if not signed:
        dirty = int(stored.max()) >= 1 << bits_stored
        if dirty:
            stored &= np.uint16((1 << bits_stored) - 1)
        return dirty
    edge = 1 << (bits_stored - 1)
    if int(stored.min()) >= -edge and int(stored.max()) < edge:
        return False
    dirty = int(stored.min()) < -edge or int(stored.max()) >= 2 * edge  # else only the sign was not extended
    np.left_shift(stored, unused, out=stored)
    np.right_shift(stored, unused, out=stored)
    return dirty


def _padding(stored: NDArray, frame: Frame, slope: float, intercept: float) -> tuple[NDArray[np.bool_] | None, bool]:
    """Return where the header's padding value stands, and whether that value could be tissue."""
    if frame.pixels.padding is None:
        return None, False
    low, high = frame.pixels.padding
    mask = (stored >= low) & (stored <= high)
    if not mask.any():
        return None, False
    is_tissue = high * slope + intercept > -900 and low * slope + intercept < METAL_HU
    if not is_tissue:
        return mask, False
    from scipy.ndimage import label

    parts, n = label(mask)
    edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    sizes = np.bincount(parts.ravel(), minlength=n + 1)
    outside = [p for p in edge if p and sizes[p] >= max(parts.shape)]  # a border strip, not a chance voxel
    return (np.isin(parts, outside) if outside else None), True


def _rescale(plane: NDArray[np.int16], stored: NDArray, slope: float, intercept: float, frame: Frame) -> None:
    ends = sorted(int(v) * slope + intercept for v in (stored.min(), stored.max()))
    if round(ends[0]) < _INT16.min or round(ends[1]) > _INT16.max:
        raise DicomError(
            "CF-D013c",
            "the values are beyond any Hounsfield unit",
            where=frame.label,
            measured=f"{ends[0]:g} to {ends[1]:g}",
            expected=f"{_INT16.min} to {_INT16.max}",
            advice="Rescale or pixel format of this file are wrong; export it again.",
        )
    if slope == 1 and intercept == int(intercept):
        # Sixteen-bit addition wraps round, and the sum is known to fit: exact for signed and unsigned values.
        shift = ((int(intercept) + _SAMPLE_OFFSET) & 0xFFFF) - _SAMPLE_OFFSET
        if shift:
            plane += np.int16(shift)
    else:
        plane[...] = np.rint(stored * slope + intercept)


def _metal(plane: NDArray[np.int16]) -> tuple[int, tuple[float, float]]:
    rows, columns = np.nonzero(plane > METAL_HU)
    return len(rows), (float(rows.mean()), float(columns.mean()))
