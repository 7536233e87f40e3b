"""Reads one series into one int16 array of Hounsfield units, or refuses it."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import dicom_io.limits as limits
from dicom_io.checks import check_each_frame, check_same
from dicom_io.errors import DicomError
from dicom_io.geometry import Stack, arrange
from dicom_io.header import Frame, HeaderReader
from dicom_io.options import ReadOptions
from dicom_io.scan import SeriesEntry, SeriesList, find_series
from sizing.findings import Finding, Level
from sizing.volume import CtVolume, ScanInfo


@dataclass(frozen=True)
class ReadResult:
    """A volume and how it came about.

    Attributes
    ----------
    volume : CtVolume
    findings : tuple of Finding
        Everything that was corrected or that a person should know.
    manifest : tuple of (str, str, str)
        (path relative to the source, SHA-256 of the file, SOP Instance UID) in slice order.
    """

    volume: CtVolume
    findings: tuple[Finding, ...]
    manifest: tuple[tuple[str, str, str], ...]


def read_series(
    source: str | os.PathLike[str] | SeriesList, *, series: str | None = None, options: ReadOptions | None = None
) -> ReadResult:
    """Read one CT series as a volume in LPS millimetres.

    Parameters
    ----------
    source : path or SeriesList
        A folder, a file, or what :func:`find_series` returned for it.
    series : str, optional
        Selector, series number or Series Instance UID; needed when there are several CT series.
    options : ReadOptions, optional
        The defaults refuse whatever is doubtful.

    Returns
    -------
    ReadResult
        ``volume.hu`` is (slice, row, column) int16, slice 0 lowest on the slice normal
        (row direction x column direction).

    Raises
    ------
    DicomError
        The series is not one that can be trusted; the sentence says which file and what to do.
    """
    options = options or ReadOptions()
    found = source if isinstance(source, SeriesList) else find_series(source)
    entry = choose(found, series)
    for problem in found.unreadable:
        raise problem
    check_each_frame(entry.frames)
    check_same(entry.frames)
    stack = arrange(entry.frames)
    hu, hashes = _load(stack, options)
    manifest = tuple((f.file.name, h, f.sop_uid) for f, h in zip(stack.frames, hashes, strict=True))
    volume = CtVolume(hu, stack.geometry, _scan_info(stack.frames[0]))
    return ReadResult(volume, (*stack.findings, *_coarse(stack)), manifest)


def choose(found: SeriesList, series: str | None) -> SeriesEntry:
    """Return the one series that is meant, or refuse with the list (row 8)."""
    if not found.entries:
        raise DicomError(
            "CF-D030",
            "no DICOM images were found",
            where=found.source,
            measured=f"{found.n_other_files} other files, {len(found.unreadable)} damaged ones",
            advice="Give the folder that holds the CT slices.",
        )
    if series is not None:
        hits = [e for e in found if series in (e.selector, e.uid)]
        if len(hits) != 1:
            raise DicomError(
                "CF-D008",
                f"no series answers to {series!r}",
                where=found.source,
                advice="There are: " + "; ".join(e.describe() for e in found) + ".",
            )
        return hits[0]
    candidates = [e for e in found if e.modality == "CT" and not e.is_localizer]
    if not candidates:
        raise DicomError(
            "CF-D019",
            "there is no CT series",
            where=found.source,
            measured=", ".join(sorted({e.modality or "unknown" for e in found})),
            expected="CT",
        )
    if len(candidates) > 1:
        raise DicomError(
            "CF-D008",
            f"there are {len(candidates)} CT series",
            where=found.source,
            advice="Choose one with --series: " + "; ".join(e.describe() for e in candidates) + ".",
        )
    return candidates[0]


def _load(stack: Stack, options: ReadOptions) -> tuple[NDArray[np.int16], list[str]]:
    need = 2 * int(np.prod([int(n) for n in stack.geometry.shape]))
    if need > limits.MAX_VOLUME_BYTES:
        raise DicomError(
            "CF-D024",
            "the series is too large for one volume",
            measured=f"{need / 2**30:.1f} GiB",
            expected=f"at most {limits.MAX_VOLUME_BYTES / 2**30:g} GiB",
        )
    hu = np.empty(stack.geometry.shape, np.int16)
    hashes = []
    for i, frame in enumerate(stack.frames):
        hashes.append(_read_plane(frame, hu[i]))
        if options.progress:
            options.progress(i + 1, len(stack.frames))
    return hu, hashes


def _read_plane(frame: Frame, plane: NDArray[np.int16]) -> str:
    """Fill one slice in place and return the SHA-256 of its whole file, read once."""
    offset = frame.elements.pixel_offset
    assert offset is not None
    target = plane.data.cast("B")
    digest = hashlib.sha256()
    with frame.file.open() as opened:  # type: ignore[attr-defined]
        digest.update(opened.read_at(0, offset))
        opened.read_into(target, offset)
        digest.update(target)
        digest.update(opened.read_at(offset + len(target), frame.file.size))
        opened.check_unchanged()
    to_hu(plane, frame)
    return digest.hexdigest()


def to_hu(plane: NDArray[np.int16], frame: Frame) -> None:
    """Turn stored values into Hounsfield units, in place: byte order, unused bits, slope and intercept."""
    if frame.elements.big_endian != (sys.byteorder == "big"):
        plane.byteswap(inplace=True)
    unused = 16 - frame.bits_stored
    stored = plane if frame.signed else plane.view(np.uint16)
    if unused:
        np.left_shift(stored, unused, out=stored)
        np.right_shift(stored, unused, out=stored)  # arithmetic for signed values: extends the sign
    slope, intercept = frame.slope, frame.intercept
    assert slope is not None and intercept is not None
    low, high = (int(stored.min()) * slope + intercept, int(stored.max()) * slope + intercept)
    limit = np.iinfo(np.int16)
    if min(low, high) < limit.min or max(low, high) > limit.max:
        raise DicomError(
            "CF-D013",
            "values are beyond the range of Hounsfield units",
            where=frame.file.name,
            measured=f"{min(low, high):g} to {max(low, high):g} HU",
        )
    if slope == 1 and intercept == int(intercept):
        np.add(stored, int(intercept), out=plane, casting="unsafe", dtype=np.int32)
    else:
        plane[...] = np.rint(stored * slope + intercept)


def _scan_info(frame: Frame) -> ScanInfo:
    read = HeaderReader(frame.elements, frame.file.name)
    kernel = read.text("ConvolutionKernel") or None
    return ScanInfo(
        series_uid=frame.series_uid,
        study_uid=frame.study_uid,
        frame_of_reference_uid=frame.frame_of_reference_uid,
        modality=frame.modality,
        series_description=read.text("SeriesDescription"),
        manufacturer=read.text("Manufacturer"),
        model=read.text("ManufacturerModelName"),
        kernel=kernel,
        kvp=read.decimal("KVP"),
        slice_thickness_mm=frame.slice_thickness_mm,
        patient_position=read.text("PatientPosition") or None,
        body_part=read.text("BodyPartExamined") or None,
        study_date=read.text("StudyDate") or None,
        laterality=read.text("ImageLaterality") or read.text("Laterality") or None,
        lossy=read.text("LossyImageCompression") == "01",
    )


def _coarse(stack: Stack) -> list[Finding]:
    step, (_, row_mm, column_mm) = stack.geometry.slice_step_mm, stack.geometry.spacing_mm
    thickness = max(step, stack.frames[0].slice_thickness_mm or 0.0)
    if thickness <= limits.COARSE_SLICE_MM and max(row_mm, column_mm) <= limits.COARSE_PIXEL_MM:
        return []
    return [
        Finding(
            Level.WARNING,
            "CF-D022",
            f"the voxels are coarse: {column_mm:.2f} x {row_mm:.2f} mm in the plane, slices {thickness:.2f} mm.",
            "Diameters and walls are less certain than from a planning CT of about 0.5 x 0.5 x 1 mm.",
        )
    ]
