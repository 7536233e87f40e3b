"""Gaps between slices: holes in an even stack, uneven steps, and the repairs that were asked for (rows 1, 5, 23)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

import dicom_io.limits as limits
from dicom_io.catalog import heights_mm
from dicom_io.checks import Notice, name_some
from dicom_io.errors import DicomError
from dicom_io.header import Frame
from dicom_io.options import ReadOptions
from sizing.findings import Finding, Level
from sizing.geometry import FloatArray

# So many odd gaps, in so large a share, and all slices within so many steps of an even line: the positions were
# rounded (1.25 mm to whole millimetres leaves every fourth gap double); lost files do not lie so evenly.
_ROUNDED_GAPS, _ROUNDED_SHARE, _ROUNDED_STEPS = 3, 0.1, 0.8


def places(kept: Sequence[Frame], options: ReadOptions) -> tuple[FloatArray | None, list[Notice]]:
    """Return the slice index of each image in the volume, or the refusal that the gaps deserve (rows 1 and 5)."""
    heights = heights_mm(kept)
    assert heights is not None
    gaps = np.diff(heights)
    step = float(np.median(gaps))
    odd = _odd_gaps(gaps, step)
    if not len(odd):
        return np.arange(len(kept), dtype=float), []
    where = f"between {kept[odd[0]].label} and {kept[odd[0] + 1].label}"
    whole = np.rint(gaps / step)
    if _are_missing(gaps, whole, step, odd):
        return _missing(np.concatenate([[0.0], np.cumsum(whole)]), gaps[odd[0]], step, where, options)
    if not options.resample:
        return None, [
            DicomError(
                "CF-D005",
                "the slices are not evenly spaced",
                where=where,
                measured=f"gaps of {gaps.min():.3f} to {gaps.max():.3f} mm",
                expected=f"{step:.3f} mm within {gap_tolerance_mm(step):.3f} mm",
                advice="Export it with one constant step, or pass --resample to interpolate onto the finest step.",
            )
        ]
    return _resampled(heights, gaps)


def _are_missing(gaps: FloatArray, whole: FloatArray, step: float, odd: np.ndarray) -> bool:
    """Tell holes in an even stack from a step that changes: few odd gaps, whole multiples, no long run of them."""
    tolerance = gap_tolerance_mm(step)
    multiples = bool(np.all(whole >= 1)) and bool(np.all(np.abs(gaps - whole * step) <= tolerance * whole))
    if len(odd) >= max(_ROUNDED_GAPS, _ROUNDED_SHARE * len(gaps)):
        heights, even = np.concatenate([[0.0], np.cumsum(gaps)]), np.arange(len(gaps) + 1)
        if np.abs(heights - np.polyval(np.polyfit(even, heights, 1), even)).max() < _ROUNDED_STEPS * step:
            return False
    longest = max(len(run) for run in np.split(odd, np.flatnonzero(np.diff(odd) != 1) + 1))
    return multiples and 2 * len(odd) < len(gaps) and longest <= limits.LONGEST_HOLE_RUN


def missing_inside(frames: Sequence[Frame]) -> int:
    """Return how many slices are missing between others (row 1), so that image numbers need not tell it again."""
    heights = heights_mm(frames)
    if heights is None or len(frames) < 2:
        return 0
    gaps = np.diff(np.sort(heights))
    gaps = gaps[gaps >= limits.SAME_POSITION_MM]
    if not len(gaps):
        return 0
    step = float(np.median(gaps))
    odd, whole = _odd_gaps(gaps, step), np.rint(gaps / step)
    return int(whole.sum()) - len(gaps) if len(odd) and _are_missing(gaps, whole, step, odd) else 0


def _odd_gaps(gaps: FloatArray, step: float) -> np.ndarray:
    return np.flatnonzero(np.abs(gaps - step) > gap_tolerance_mm(step))


def gap_tolerance_mm(step: float) -> float:
    """Return how far a gap may be from the step."""
    return max(limits.GAP_TOLERANCE_MM, limits.GAP_TOLERANCE_SHARE * step)


def _missing(
    place: FloatArray, gap_mm: float, step: float, where: str, options: ReadOptions
) -> tuple[FloatArray | None, list[Notice]]:
    n = int(place[-1]) + 1 - len(place)
    single = bool(np.all(np.diff(place) <= 2))
    if single and n <= options.allow_gap:
        levels = ", ".join(str(int(i) + 1) for i in place[:-1][np.diff(place) == 2])
        text = f"{n} missing slice{'s were' if n > 1 else ' was'} interpolated: number {levels} from the lowest."
        return place, [Finding(Level.WARNING, "CF-D001a", text, "Nothing is reported there as measured.")]
    advice = "Copy the whole series again" + (
        f", or pass --allow-gap {n} to fill single missing slices." if single else "; neighbouring slices are missing."
    )
    return None, [
        DicomError(
            "CF-D001",
            f"{n} slice{'s are' if n > 1 else ' is'} missing",
            where=where,
            measured=f"a gap of {gap_mm:.3f} mm, {len(place)} slices",
            expected=f"{step:.3f} mm, {len(place) + n} slices",
            advice=advice,
        )
    ]


def _resampled(heights: FloatArray, gaps: FloatArray) -> tuple[FloatArray | None, list[Notice]]:
    step = max(float(gaps.min()), limits.MIN_SPACING_MM)
    place = (heights - heights[0]) / step
    text = f"slices {gaps.min():.2f} to {gaps.max():.2f} mm apart were interpolated onto a step of {step:.2f} mm."
    return place, [Finding(Level.WARNING, "CF-D005a", text, "Only levels where an image was taken count as measured.")]


def odd_steps(step_mm: float, thickness_mm: float | None, labels: Sequence[str]) -> Iterator[Finding]:
    """Yield a warning where the step between slices does not go with their thickness (row 23)."""
    if not thickness_mm or limits.LEAST_STEP_SHARE <= step_mm / thickness_mm <= limits.MOST_STEP_SHARE:
        return
    text = f"slices of {thickness_mm:g} mm stand {step_mm:.3g} mm apart ({name_some(labels, 1)})."
    advice = "Tissue between them was not measured." if step_mm > thickness_mm else "Check the unit of the positions."
    yield Finding(Level.WARNING, "CF-D023a", text, advice)
