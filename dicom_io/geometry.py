"""From slice positions to one affine: order, least-squares step, gaps, duplicates, jitter, tilt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import dicom_io.limits as limits
from dicom_io.errors import DicomError
from dicom_io.header import Frame
from sizing.findings import Finding, Level
from sizing.geometry import FloatArray, VolumeGeometry


@dataclass(frozen=True)
class Stack:
    """Slices in the order of the volume, and where they lie."""

    frames: tuple[Frame, ...]
    geometry: VolumeGeometry
    findings: tuple[Finding, ...]


def arrange(frames: Sequence[Frame]) -> Stack:
    """Sort slices along their normal and fit one step through all positions.

    The normal is row direction x column direction of Image Orientation (Patient); slice 0 is the
    lowest on it. The step is fitted to every position by least squares; Slice Thickness and Spacing
    Between Slices are never used (rows 1, 3 to 7).
    """
    orientation = np.median([f.orientation for f in frames], axis=0)
    spacing = np.median([f.pixel_spacing_mm for f in frames], axis=0)
    along, down = orientation[:3], orientation[3:]
    normal = np.cross(along, down)
    normal /= np.linalg.norm(normal)
    positions = np.array([f.position_lps for f in frames])
    order = np.argsort(positions @ normal, kind="stable")
    ordered = tuple(frames[i] for i in order)
    positions = positions[order]
    heights = positions @ normal
    _check_steps(ordered, heights)
    step, origin, residual_mm = _fit_step(positions)
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = down * spacing[0]
    affine[:3, 2] = along * spacing[1]
    affine[:3, 3] = origin
    findings = [*_jitter(residual_mm), *_tilt(step, normal)]
    first = ordered[0]
    return Stack(ordered, VolumeGeometry((len(ordered), first.rows, first.columns), affine), tuple(findings))


def _check_steps(frames: Sequence[Frame], heights: FloatArray) -> None:
    if len(frames) < 2:
        raise DicomError(
            "CF-D022",
            "one slice is no volume",
            where=frames[0].file.name,
            measured="1 slice",
            expected=f"at least {limits.MIN_SLICES} slices",
        )
    gaps = np.diff(heights)
    same = np.flatnonzero(gaps < limits.SAME_POSITION_MM)
    if len(same):
        i = int(same[0])
        raise DicomError(
            "CF-D004",
            "two slices lie at the same position",
            where=f"{frames[i].file.name}, {frames[i + 1].file.name}",
            measured=f"{len(same)} of {len(frames)} slices, first at {heights[i]:.2f} mm along the normal",
            advice="Two scans may be mixed: separate them, for example by AcquisitionNumber.",
        )
    step = float(np.median(gaps))
    tolerance = max(limits.GAP_TOLERANCE_MM, limits.GAP_TOLERANCE_SHARE * step)
    odd = np.flatnonzero(np.abs(gaps - step) > tolerance)
    if not len(odd):
        return
    i = int(odd[0])
    between = f"between {frames[i].file.name} and {frames[i + 1].file.name}, at {heights[i]:.2f} mm along the normal"
    whole = gaps / step
    if np.all(np.abs(whole - np.round(whole)) * step <= tolerance * np.round(whole)) and np.all(np.round(whole) >= 1):
        missing = int(np.sum(np.round(whole)) - len(gaps))
        raise DicomError(
            "CF-D001",
            f"{missing} slice{'s are' if missing > 1 else ' is'} missing",
            where=between,
            measured=f"a gap of {gaps[i]:.3f} mm, {len(frames)} slices",
            expected=f"{step:.3f} mm, {len(frames) + missing} slices",
            advice="Copy the whole series again.",
        )
    raise DicomError(
        "CF-D005",
        "the slices are not evenly spaced",
        where=between,
        measured=f"gaps of {gaps.min():.3f} to {gaps.max():.3f} mm",
        expected=f"{step:.3f} mm within {tolerance:.3f} mm",
        advice="Export the series with one constant step.",
    )


def _fit_step(positions: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Least squares of position = origin + index * step; returns step, origin, largest residual."""
    index = np.arange(len(positions), dtype=float)
    centred = index - index.mean()
    middle = positions.mean(axis=0)
    step = centred @ (positions - middle) / (centred @ centred)
    origin = middle - index.mean() * step
    residual = np.abs(positions - (origin + index[:, None] * step)).max()
    return step, origin, float(residual)


def _jitter(residual_mm: float) -> list[Finding]:
    if residual_mm <= limits.JITTER_NOTE_MM:
        return []
    return [
        Finding(
            Level.WARNING,
            "CF-D006",
            f"slice positions scatter by up to {residual_mm * 1000:.0f} micrometres round an even step.",
            "The step was fitted to all slices.",
        )
    ]


def _tilt(step: FloatArray, normal: FloatArray) -> list[Finding]:
    angle = float(np.degrees(np.arccos(np.clip(step @ normal / np.linalg.norm(step), -1, 1))))
    if angle <= limits.TILT_NOTE_DEG:
        return []
    if angle > limits.TILT_LIMIT_DEG:
        raise DicomError(
            "CF-D007",
            "the slices are sheared beyond any gantry tilt",
            measured=f"{angle:.1f} degrees",
            expected=f"at most {limits.TILT_LIMIT_DEG:g} degrees",
        )
    return [
        Finding(
            Level.WARNING,
            "CF-D007",
            f"the gantry was tilted by {angle:.1f} degrees.",
            "The shear is kept in the geometry, so lengths and angles stay true.",
        )
    ]
