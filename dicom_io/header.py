"""One image's header: raw bytes in, typed facts and typed complaints out."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import dicom_io.limits as limits
from dicom_io.elements import Elements, Value
from dicom_io.errors import DicomError
from dicom_io.tags import TAGS

# Decimal String of PS3.5 6.2, except that the length limit of 16 is left to a finding: real scanners and
# anonymizers write 3.26999999999998. A comma, NaN, Inf or a hexadecimal number is not a decimal string.
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_DECIMAL_LENGTH = 16
_ASCII_TERMS = {"", "ISO_IR 6", "ISO 2022 IR 6"}
_RE_EXPORT = "Export the series again; a value that was damaged, typed or converted cannot be guessed."


class OpenFile(Protocol):
    """What the reader needs of an open file, wherever it lies."""

    def __enter__(self) -> OpenFile: ...

    def __exit__(self, *_: object) -> None: ...

    def read_at(self, offset: int, count: int) -> bytes:
        """Read up to ``count`` bytes."""

    def read_into(self, target: memoryview, offset: int) -> None:
        """Fill ``target`` from ``offset``."""

    def check_unchanged(self) -> None:
        """Raise DicomError if the file is no longer the one that was found."""


class SourceFile(Protocol):
    """A file of a source: a regular file on disk, or an entry of an archive."""

    @property
    def name(self) -> str:
        """Path relative to the source, with ``/`` between folders."""

    @property
    def size(self) -> int:
        """Bytes."""

    def open(self) -> OpenFile:
        """Open it; raises DicomError when it is gone or no longer what was found."""


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How one image's stored values are written, and what turns them into Hounsfield units."""

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
    rescale_type: str
    padding: tuple[int, int] | None  # stored values from low to high that mean "nothing measured here"


@dataclass(frozen=True, slots=True)
class Frame:
    """One two-dimensional image: its facts, and every complaint about them.

    Fields are None (or empty) where the header does not say, or says nonsense; the nonsense is in
    ``problems``. Lengths in mm, positions and directions in LPS.
    """

    file: SourceFile
    index: int  # frame within the file, from 0
    elements: Elements
    values: Mapping[int, Value]  # of this frame: the file's, overlaid with its functional groups
    modality: str
    sop_class: str
    sop_uid: str
    series_uid: str
    study_uid: str
    frame_of_reference_uid: str
    patient_key: bytes  # hash of patient ID (else name) and issuer, only to see whether two patients are mixed
    image_type: tuple[str, ...]
    series_number: int | None
    instance_number: int | None
    acquisition: str
    kernel: str
    position_lps: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    pixel_spacing_mm: tuple[float, ...] | None  # (between rows, between columns)
    slice_thickness_mm: float | None
    pixels: PixelFormat
    long_decimals: bool
    problems: tuple[DicomError, ...]

    @property
    def is_localizer(self) -> bool:
        """Return True for a scout view."""
        return "LOCALIZER" in self.image_type

    @property
    def label(self) -> str:
        """File, and frame where the file holds several."""
        return self.file.name if self.pixels.n_frames == 1 else f"{self.file.name} frame {self.index + 1}"


class HeaderReader:
    """Takes typed values out of raw elements and collects what is wrong with them."""

    def __init__(self, values: Mapping[int, Value], *, big_endian: bool = False, name: str = "") -> None:
        self._values, self._name = values, name
        self._big_endian = big_endian
        self.problems: list[DicomError] = []
        self.long_decimals = False

    def complain(
        self, code: str, what: str, *, measured: str = "", expected: str = "", advice: str = _RE_EXPORT
    ) -> None:
        """Record a refusal that names this file."""
        self.problems.append(
            DicomError(code, what, where=self._name, measured=measured, expected=expected, advice=advice)
        )

    def raw(self, keyword: str) -> bytes:
        """Return the value's bytes; empty when it is absent or a sequence."""
        value = self._values.get(TAGS[keyword], b"")
        return value if isinstance(value, bytes) else b""

    def text(self, keyword: str) -> str:
        """Return a string value without padding, in the file's character set."""
        raw = self.raw(keyword).strip(b" \x00")
        text = raw.decode("ascii") if raw.isascii() else decode_text(raw, self.raw("SpecificCharacterSet"))
        # A line end or a terminal's escape in a text would speak through our tables and sentences.
        return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Return the parts of a multi-valued string."""
        text = self.text(keyword)
        return tuple(part.strip() for part in text.split("\\")) if text else ()

    def unsigned(self, keyword: str, default: int) -> int:
        """Return a US value, or the default where it is absent; a wrong length is a complaint."""
        raw = self.raw(keyword)
        if not raw:
            return default
        if len(raw) != 2:
            self.complain("CF-D017", f"{keyword} is not one 16-bit number", measured=f"{len(raw)} bytes", expected="2")
            return default
        return int.from_bytes(raw, "big" if self._big_endian else "little")

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
            )
            return None
        self.long_decimals |= any(len(p) > _DECIMAL_LENGTH for p in parts)
        return tuple(numbers)

    def decimal(self, keyword: str) -> float | None:
        """Return a single DS value."""
        numbers = self.decimals(keyword, 1)
        return None if numbers is None else numbers[0]


def decode_text(raw: bytes, character_set: bytes) -> str:
    """Decode a string in the declared character set; what does not fit becomes a replacement mark (row 29)."""
    from pydicom.charset import python_encoding

    terms = [t.strip(" \x00") for t in character_set.decode("ascii", "replace").split("\\")]
    encoding = next((python_encoding[t] for t in terms if t in python_encoding and t not in _ASCII_TERMS), "ascii")
    try:
        return raw.decode(encoding, "replace")
    except (LookupError, ValueError):
        return raw.decode("ascii", "replace")


def frame_of(file: SourceFile, elements: Elements, values: Mapping[int, Value], index: int = 0) -> Frame:
    """Return the facts of one image.

    Parameters
    ----------
    file, elements
        Where the image lies.
    values : mapping
        Tag to raw bytes, for this frame.
    index : int
        Frame within the file.
    """
    read = HeaderReader(values, big_endian=elements.big_endian, name=file.name)
    pixels = _pixel_format(read, big_endian=elements.big_endian)
    return Frame(
        file=file,
        index=index,
        elements=elements,
        values=values,
        modality=read.text("Modality"),
        sop_class=read.text("SOPClassUID"),
        sop_uid=read.text("SOPInstanceUID"),
        series_uid=read.text("SeriesInstanceUID"),
        study_uid=read.text("StudyInstanceUID"),
        frame_of_reference_uid=read.text("FrameOfReferenceUID"),
        patient_key=_patient_key(read),
        image_type=read.texts("FrameType") or read.texts("ImageType"),
        series_number=read.integer("SeriesNumber"),
        instance_number=read.integer("InstanceNumber") if pixels.n_frames == 1 else None,
        acquisition=read.text("FrameAcquisitionNumber") or read.text("AcquisitionNumber"),
        kernel=read.text("ConvolutionKernel"),
        position_lps=_position(read),
        orientation=_orientation(read),
        pixel_spacing_mm=_pixel_spacing(read),
        slice_thickness_mm=_thickness(read),
        pixels=pixels,
        long_decimals=read.long_decimals,
        problems=tuple(read.problems),
    )


def _patient_key(read: HeaderReader) -> bytes:
    patient, issuer = (read.raw(k).strip(b" \x00") for k in ("PatientID", "IssuerOfPatientID"))
    return hashlib.sha256(b"\n".join([patient or read.raw("PatientName").strip(b" \x00"), issuer])).digest()


def _pixel_format(read: HeaderReader, *, big_endian: bool) -> PixelFormat:
    bits_allocated = read.unsigned("BitsAllocated", 0)
    bits_stored = read.unsigned("BitsStored", bits_allocated)
    signed = read.unsigned("PixelRepresentation", 0)
    if signed > 1:
        read.complain("CF-D013", "PixelRepresentation is unknown", measured=str(signed), expected="0 or 1")
    return PixelFormat(
        read.unsigned("Rows", 0),
        read.unsigned("Columns", 0),
        _n_frames(read),
        bits_allocated,
        bits_stored,
        read.unsigned("HighBit", max(bits_stored - 1, 0)),
        signed == 1,
        read.unsigned("SamplesPerPixel", 1),
        read.text("PhotometricInterpretation"),
        read.decimal("RescaleSlope"),
        read.decimal("RescaleIntercept"),
        read.text("RescaleType"),
        _padding(read, signed=signed == 1, big_endian=big_endian),
    )


def _n_frames(read: HeaderReader) -> int:
    text = read.text("NumberOfFrames")
    if not text:
        return 1
    count = read.integer("NumberOfFrames")
    if count is None or count < 1:
        read.complain("CF-D017", "NumberOfFrames is not a positive number", measured=repr(text))
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
    if spacing is not None and not all(limits.MIN_SPACING_MM <= s <= limits.MAX_SPACING_MM for s in spacing):
        read.complain(
            "CF-D017",
            "PixelSpacing is out of range",
            measured=" x ".join(f"{s:g}" for s in spacing) + " mm",
            expected=f"{limits.MIN_SPACING_MM:g} to {limits.MAX_SPACING_MM:g} mm",
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
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(dot)) > limits.DIRECTION_TOLERANCE:
        read.complain(
            "CF-D017",
            "ImageOrientationPatient is not two unit vectors at a right angle",
            measured=f"lengths {lengths[0]:.6f} and {lengths[1]:.6f}, dot product {dot:.6f}",
            expected=f"1, 1, 0 within {limits.DIRECTION_TOLERANCE:g}",
        )
        return None
    return cosines


def _thickness(read: HeaderReader) -> float | None:
    """Return the slice thickness; zero and negative numbers stand for "unknown" in some exports."""
    thickness = read.decimal("SliceThickness")
    return None if thickness is None or thickness <= 0 else thickness


def _padding(read: HeaderReader, *, signed: bool, big_endian: bool) -> tuple[int, int] | None:
    ends = [
        int.from_bytes(raw, "big" if big_endian else "little", signed=signed)
        for raw in (read.raw("PixelPaddingValue"), read.raw("PixelPaddingRangeLimit"))
        if len(raw) == 2
    ]
    return (min(ends), max(ends)) if ends and len(read.raw("PixelPaddingValue")) == 2 else None
