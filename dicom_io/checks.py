"""What a stack of slices must be before it may become a volume. Each check raises one refusal or returns findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

import dicom_io.limits as limits
from dicom_io.errors import DicomError
from dicom_io.header import Frame

CT_CLASSES = {"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"}
MODALITY_ADVICE = "Choose a CT series; only CT carries Hounsfield units."


def check_each_frame(frames: Sequence[Frame]) -> None:
    """Raise the first complaint that concerns one image alone (rows 11, 13, 16 to 19, 24)."""
    for frame in frames:
        where = frame.file.name
        if frame.modality != "CT":
            raise DicomError(
                "CF-D019",
                f"the image is {frame.modality or 'of unknown modality'}, not CT",
                where=where,
                advice=MODALITY_ADVICE,
            )
        for problem in frame.problems:
            raise problem
        _check_geometry_tags(frame)
        _check_pixel_description(frame)


def _check_geometry_tags(frame: Frame) -> None:
    for keyword, value in (
        ("PixelSpacing", frame.pixel_spacing_mm),
        ("ImagePositionPatient", frame.position_lps),
        ("ImageOrientationPatient", frame.orientation),
    ):
        if value is None:
            raise DicomError(
                "CF-D018",
                f"{keyword} is missing",
                where=frame.file.name,
                advice="Without it the size or place of the bone is unknown; export the original axial series.",
            )


def _check_pixel_description(frame: Frame) -> None:
    where = frame.file.name
    if frame.slope is None or frame.intercept is None:
        raise DicomError(
            "CF-D011",
            "RescaleSlope or RescaleIntercept is missing",
            where=where,
            advice="Stored values cannot be turned into Hounsfield units; export the series again.",
        )
    if frame.samples != 1 or not frame.photometric.startswith("MONOCHROME"):
        raise DicomError(
            "CF-D019",
            "a colour image is no CT slice",
            where=where,
            measured=f"{frame.photometric}, {frame.samples} samples per pixel",
        )
    if frame.bits_allocated != 16 or not 1 <= frame.bits_stored <= 16:
        raise DicomError(
            "CF-D013",
            "the pixel format is not that of a CT slice",
            where=where,
            measured=f"{frame.bits_stored} of {frame.bits_allocated} bits",
            expected="16 bits allocated",
        )
    if frame.high_bit != frame.bits_stored - 1:
        raise DicomError(
            "CF-D013",
            "HighBit does not belong to BitsStored",
            where=where,
            measured=str(frame.high_bit),
            expected=str(frame.bits_stored - 1),
        )
    if max(frame.rows, frame.columns) > limits.MAX_ROWS_COLUMNS:
        raise DicomError(
            "CF-D024",
            "the image is larger than any CT",
            where=where,
            measured=f"{frame.rows} x {frame.columns}",
            expected=f"at most {limits.MAX_ROWS_COLUMNS} rows and columns",
        )
    _check_pixel_bytes(frame)


def _check_pixel_bytes(frame: Frame) -> None:
    where, have = frame.file.name, frame.elements.pixel_length
    if frame.elements.pixel_offset is None:
        raise DicomError("CF-D016", "the file has no pixel data", where=where, advice="Copy or export it again.")
    if have is None:
        raise DicomError("CF-D014", "compressed pixel data are not read yet", where=where)
    need = frame.rows * frame.columns * 2 * frame.n_frames
    room = frame.file.size - frame.elements.pixel_offset
    if have not in (need, need + need % 2) or have > room:
        raise DicomError(
            "CF-D016",
            "the pixel data are cut or do not match the matrix",
            where=where,
            measured=f"{min(have, room)} bytes",
            expected=f"{need} bytes",
            advice="Copy or export the file again.",
        )


def check_same(frames: Sequence[Frame]) -> None:
    """Raise if patient space or matrix differ inside the stack (rows 10 and 21)."""
    for what, values in (
        ("StudyInstanceUID", [f.study_uid for f in frames]),
        ("FrameOfReferenceUID", [f.frame_of_reference_uid for f in frames]),
    ):
        if len(set(values)) > 1:
            raise DicomError(
                "CF-D021", f"slices of different {what} are mixed in one series", where=_odd_one(frames, values)
            )
    for what, keys in (
        ("matrix", [(f.rows, f.columns) for f in frames]),
        ("pixel spacing", _clusters([f.pixel_spacing_mm for f in frames], limits.SAME_SPACING_TOLERANCE)),
        ("orientation", _clusters([f.orientation for f in frames], limits.SAME_DIRECTION_TOLERANCE)),
    ):
        if len(set(keys)) > 1:
            raise DicomError(
                "CF-D010",
                f"one slice has another {what} than the others",
                where=_odd_one(frames, keys),
                advice="Take it out of the folder if it does not belong to the scan.",
            )


def _clusters(values: Sequence, tolerance: float) -> list[int]:
    """Number the values by the first one that each lies near to."""
    seen: list[np.ndarray] = []
    numbers = []
    for value in values:
        array = np.asarray(value)
        at = next(
            (i for i, s in enumerate(seen) if np.abs(s - array).max() <= tolerance * max(1, np.abs(s).max())), None
        )
        if at is None:
            at = len(seen)
            seen.append(array)
        numbers.append(at)
    return numbers


def _odd_one(frames: Sequence[Frame], keys: Sequence) -> str:
    common = Counter(keys).most_common(1)[0][0]
    odd = [f.file.name for f, k in zip(frames, keys, strict=True) if k != common]
    return name_some(odd)


def name_some(names: Sequence[str], most: int = 3) -> str:
    """Name the first few files and count the rest."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
