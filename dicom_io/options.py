"""What a caller may decide about reading; the defaults refuse whatever is doubtful."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ReadOptions:
    """Options of :func:`dicom_io.read_series`. Every repair is reported and marks the slices it touches.

    Attributes
    ----------
    allow_gap : int
        Single missing slices that may be filled by linear interpolation; two neighbouring ones never are.
    resample : bool
        Interpolate unevenly spaced slices onto their finest step.
    assume_hu : bool
        Take stored values as Hounsfield units where the rescale is missing.
    allow_uncalibrated : bool
        Accept cone-beam CT and values that cannot be Hounsfield units; densities then mean nothing.
    keep_identity : bool
        Leave a patient's name or ID standing in descriptions and file names.
    workers : int or None
        Threads, each with a decoder process of its own for compressed images; None = one for each processor, at
        most four.
    progress : callable or None
        Called as ``progress(done, total)`` after each slice.
    """

    allow_gap: int = 0
    resample: bool = False
    assume_hu: bool = False
    allow_uncalibrated: bool = False
    keep_identity: bool = False
    workers: int | None = None
    progress: Callable[[int, int], None] | None = None
