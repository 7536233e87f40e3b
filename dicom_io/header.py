"""One image file's header: raw bytes in, typed facts and typed complaints out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Protocol

import dicom_io.limits as limits
from dicom_io.elements import Elements
from dicom_io.errors import DicomError


class SourceFile(Protocol):
    """A file of a source, wherever it lies."""

    @property
    def name(self) -> str:
        """Path relative to the source, with ``/`` between folders."""

    @property
    def size(self) -> int:
        """Bytes."""


# Tags by the standard's keyword; only these are ever looked at. No name and no birth date among them.
TAGS = {
    "ImageType": 0x00080008,
    "SOPClassUID": 0x00080016,
    "SOPInstanceUID": 0x00080018,
    "StudyDate": 0x00080020,
    "AcquisitionTime": 0x00080032,
    "ContentTime": 0x00080033,
    "SpecificCharacterSet": 0x00080005,
    "Modality": 0x00080060,
    "Manufacturer": 0x00080070,
    "SeriesDescription": 0x0008103E,
    "ManufacturerModelName": 0x00081090,
    "PatientID": 0x00100020,
    "IssuerOfPatientID": 0x00100021,
    "ContrastBolusAgent": 0x00180010,
    "BodyPartExamined": 0x00180015,
    "SliceThickness": 0x00180050,
    "KVP": 0x00180060,
    "GantryDetectorTilt": 0x00181120,
    "ConvolutionKernel": 0x00181210,
    "PatientPosition": 0x00185100,
    "StudyInstanceUID": 0x0020000D,
    "SeriesInstanceUID": 0x0020000E,
    "SeriesNumber": 0x00200011,
    "AcquisitionNumber": 0x00200012,
    "InstanceNumber": 0x00200013,
    "ImagePositionPatient": 0x00200032,
    "ImageOrientationPatient": 0x00200037,
    "FrameOfReferenceUID": 0x00200052,
    "Laterality": 0x00200060,
    "ImageLaterality": 0x00200062,
    "SamplesPerPixel": 0x00280002,
    "PhotometricInterpretation": 0x00280004,
    "NumberOfFrames": 0x00280008,
    "Rows": 0x00280010,
    "Columns": 0x00280011,
    "PixelSpacing": 0x00280030,
    "BitsAllocated": 0x00280100,
    "BitsStored": 0x00280101,
    "HighBit": 0x00280102,
    "PixelRepresentation": 0x00280103,
    "PixelPaddingValue": 0x00280120,
    "PixelPaddingRangeLimit": 0x00280121,
    "BurnedInAnnotation": 0x00280301,
    "RescaleIntercept": 0x00281052,
    "RescaleSlope": 0x00281053,
    "RescaleType": 0x00281054,
    "LossyImageCompression": 0x00282110,
}
WANTED = frozenset(TAGS.values())

# Decimal String of PS3.5 6.2, except that the length limit of 16 is left to a finding: real scanners and
# anonymizers write 3.26999999999998. A comma, NaN, Inf or a hexadecimal number is not a decimal string.
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Frame:
    """One two-dimensional image: its facts, and every complaint about them.

    Fields are None where the header does not say, or says nonsense; nonsense is in ``problems``.
    Lengths in mm, positions and directions in LPS.
    """

    file: SourceFile
    index: int  # frame within the file, from 0
    elements: Elements
    modality: str
    sop_class: str
    sop_uid: str
    series_uid: str
    study_uid: str
    frame_of_reference_uid: str
    image_type: tuple[str, ...]
    series_number: int | None
    acquisition: str
    instance_number: int | None
    position_lps: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    pixel_spacing_mm: tuple[float, ...] | None  # (between rows, between columns)
    slice_thickness_mm: float | None
    rows: int
    columns: int
    n_frames: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    samples: int
    photometric: str
    slope: float | None
    intercept: float | None
    padding: tuple[int, int] | None
    problems: tuple[DicomError, ...]


class HeaderReader:
    """Takes typed values out of raw elements and collects what is wrong with them."""

    def __init__(self, elements: Elements, name: str) -> None:
        self._values = elements.values
        self._order = "big" if elements.big_endian else "little"
        self._name = name
        self.problems: list[DicomError] = []

    def complain(self, code: str, what: str, **fields: str) -> None:
        """Record a refusal that names this file."""
        self.problems.append(DicomError(code, what, where=self._name, **fields))

    def has(self, keyword: str) -> bool:
        """Return True if the element is there, empty or not."""
        return TAGS[keyword] in self._values

    def text(self, keyword: str) -> str:
        """Return a string value without padding; bytes that are not ASCII are replaced."""
        return self._values.get(TAGS[keyword], b"").decode("ascii", "replace").strip(" \x00")

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Return the parts of a multi-valued string."""
        text = self.text(keyword)
        return tuple(part.strip() for part in text.split("\\")) if text else ()

    def unsigned(self, keyword: str, default: int | None = None) -> int:
        """Return a US value; a wrong length is a complaint."""
        raw = self._values.get(TAGS[keyword])
        if raw is None or len(raw) == 0:
            if default is None:
                self.complain("CF-D016", f"{keyword} is missing", advice="The file is not a complete image.")
            return default or 0
        if len(raw) != 2:
            self.complain("CF-D017", f"{keyword} is not one 16-bit number", measured=f"{len(raw)} bytes")
            return 0
        return int.from_bytes(raw, self._order)  # type: ignore[arg-type]

    def integer(self, keyword: str) -> int | None:
        """Return an IS value, or None when it is absent or not a whole number."""
        text = self.text(keyword)
        return int(text) if re.fullmatch(r"[+-]?\d{1,12}", text) else None

    def decimals(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """Return a DS value with ``count`` numbers; anything else but absence is a complaint (row 17)."""
        parts = self.texts(keyword)
        if not parts:
            return None
        numbers = [float(p) for p in parts if _DECIMAL.fullmatch(p)]
        if len(parts) != count or len(numbers) != count or not all(math.isfinite(n) for n in numbers):
            self.complain(
                "CF-D017",
                f"{keyword} is not {'a number' if count == 1 else f'{count} numbers'}",
                measured=repr(self.text(keyword)[:80]),
                expected=f"{count} decimal number{'s' if count > 1 else ''}",
                advice="Export the series again; a value that was typed or converted cannot be guessed.",
            )
            return None
        return tuple(numbers)

    def decimal(self, keyword: str) -> float | None:
        """Return a single DS value."""
        numbers = self.decimals(keyword, 1)
        return None if numbers is None else numbers[0]


def frame_of(file: SourceFile, elements: Elements) -> Frame:
    """Return the facts of a single-frame image file."""
    read = HeaderReader(elements, file.name)
    modality = read.text("Modality")
    signed = read.unsigned("PixelRepresentation", 0) == 1
    bits_allocated = read.unsigned("BitsAllocated", 0)
    bits_stored = read.unsigned("BitsStored", bits_allocated)
    frame = Frame(
        file=file,
        index=0,
        elements=elements,
        modality=modality,
        sop_class=read.text("SOPClassUID"),
        sop_uid=read.text("SOPInstanceUID"),
        series_uid=read.text("SeriesInstanceUID"),
        study_uid=read.text("StudyInstanceUID"),
        frame_of_reference_uid=read.text("FrameOfReferenceUID"),
        image_type=read.texts("ImageType"),
        series_number=read.integer("SeriesNumber"),
        acquisition=read.text("AcquisitionNumber"),
        instance_number=read.integer("InstanceNumber"),
        position_lps=_position(read),
        orientation=_orientation(read),
        pixel_spacing_mm=_pixel_spacing(read),
        slice_thickness_mm=read.decimal("SliceThickness"),
        rows=read.unsigned("Rows", 0),
        columns=read.unsigned("Columns", 0),
        n_frames=_n_frames(read),
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=read.unsigned("HighBit", max(bits_stored - 1, 0)),
        signed=signed,
        samples=read.unsigned("SamplesPerPixel", 1),
        photometric=read.text("PhotometricInterpretation"),
        slope=read.decimal("RescaleSlope"),
        intercept=read.decimal("RescaleIntercept"),
        padding=_padding(read, elements, signed=signed),
        problems=(),
    )
    object.__setattr__(frame, "problems", tuple(read.problems))
    return frame


def _n_frames(read: HeaderReader) -> int:
    if not read.text("NumberOfFrames"):
        return 1
    count = read.integer("NumberOfFrames")
    if count is None or count < 1:
        read.complain("CF-D017", "NumberOfFrames is not a positive number", measured=repr(read.text("NumberOfFrames")))
        return 1
    return count


def _position(read: HeaderReader) -> tuple[float, ...] | None:
    position = read.decimals("ImagePositionPatient", 3)
    if position is not None and max(map(abs, position)) > limits.POSITION_LIMIT_MM:
        read.complain(
            "CF-D017",
            "ImagePositionPatient lies outside any scanner",
            measured=f"{position} mm",
            expected=f"within {limits.POSITION_LIMIT_MM:g} mm",
        )
        return None
    return position


def _pixel_spacing(read: HeaderReader) -> tuple[float, ...] | None:
    spacing = read.decimals("PixelSpacing", 2)
    if spacing is None:
        return None
    if not all(limits.MIN_SPACING_MM <= s <= limits.MAX_SPACING_MM for s in spacing):
        read.complain(
            "CF-D017",
            "PixelSpacing is out of range",
            measured=" x ".join(f"{s:g}" for s in spacing) + " mm",
            expected=f"{limits.MIN_SPACING_MM:g} to {limits.MAX_SPACING_MM:g} mm",
            advice="Export the series again with its true spacing.",
        )
        return None
    return spacing


def _orientation(read: HeaderReader) -> tuple[float, ...] | None:
    cosines = read.decimals("ImageOrientationPatient", 6)
    if cosines is None:
        return None
    along, down = cosines[:3], cosines[3:]
    lengths = math.hypot(*along), math.hypot(*down)
    dot = sum(a * b for a, b in zip(along, down, strict=True))
    worst = max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(dot))
    if worst > limits.DIRECTION_TOLERANCE:
        read.complain(
            "CF-D017",
            "ImageOrientationPatient is not two unit vectors at a right angle",
            measured=f"lengths {lengths[0]:.6f} and {lengths[1]:.6f}, dot product {dot:.6f}",
            expected=f"1, 1, 0 within {limits.DIRECTION_TOLERANCE:g}",
            advice="Export the series again; the direction of the slices cannot be guessed.",
        )
        return None
    return cosines


def _padding(read: HeaderReader, elements: Elements, *, signed: bool) -> tuple[int, int] | None:
    """Return the stored values (low, high) that mean "no measurement here"."""
    raw = elements.values.get(TAGS["PixelPaddingValue"], b"")
    if len(raw) != 2:
        return None
    other = elements.values.get(TAGS["PixelPaddingRangeLimit"], b"")
    order = "big" if elements.big_endian else "little"
    ends = [int.from_bytes(b, order, signed=signed) for b in (raw, other) if len(b) == 2]  # type: ignore[arg-type]
    return min(ends), max(ends)
