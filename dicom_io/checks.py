"""What images must be before they may become a volume, one by one and together.

Each check yields refusals (DicomError) and findings in the order of their weight; nothing is raised
here, so that the truth card can show all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

import numpy as np

import dicom_io.limits as limits
from dicom_io.catalog import CT_CLASSES
from dicom_io.decoders import LOSSY_SYNTAXES, SYNTAX_NAMES, missing_decoder
from dicom_io.elements import NATIVE
from dicom_io.errors import DicomError
from dicom_io.header import Frame, HeaderReader
from dicom_io.options import ReadOptions
from dicom_io.tags import SEQUENCES
from sizing.findings import Finding, Level

Notice = DicomError | Finding

_LEAST_BITS = 12  # PS3.3 C.8.2.1; with fewer, bone would wrap round
_COPY_AGAIN = "Copy or export the file again."
# Words by which cone-beam scanners give themselves away; their grey values are no Hounsfield units.
_CONE_BEAM = ("CBCT", "CONE BEAM", "CONEBEAM", "CONE-BEAM", "DYNACT", "O-ARM", "PEDCAT", "ONSIGHT", "VERITY", "NEWTOM")


def check_images(frames: Sequence[Frame], options: ReadOptions) -> Iterator[Notice]:
    """Check each image alone (rows 11, 13 to 20, 24); yields every refusal once, for the first file that has it."""
    seen: Counter[tuple[str, str]] = Counter()
    for frame in frames:
        problems = list(_modality(frame, options))
        if not problems:  # the header of another modality need not be that of a CT
            problems = [*frame.problems, *_geometry(frame), *_pixels(frame, options)]
        for problem in problems:
            seen[problem.code, problem.what] += 1
            if seen[problem.code, problem.what] == 1:
                yield problem


def _refuse(code: str, what: str, frame: Frame, measured: str = "", expected: str = "", advice: str = "") -> DicomError:
    return DicomError(code, what, where=frame.label, measured=measured, expected=expected, advice=advice)


def _modality(frame: Frame, options: ReadOptions) -> Iterator[DicomError]:
    advice = "Only CT carries Hounsfield units; choose the CT series."
    if frame.modality != "CT":
        yield _refuse("CF-D019", "the image is not CT", frame, frame.modality or "no modality", "CT", advice)
    elif frame.sop_class not in ("", *CT_CLASSES):
        yield _refuse(
            "CF-D019a", "the object is no CT image", frame, f"SOP class {frame.sop_class}", "CT Image Storage", advice
        )
    read = HeaderReader(frame.values)
    words = " ".join(
        read.text(k) for k in ("Manufacturer", "ManufacturerModelName", "SeriesDescription", "ImageType")
    ).upper()
    cone = next((w for w in _CONE_BEAM if w in words), None)
    if cone and frame.modality == "CT" and not options.allow_uncalibrated:
        advice = "Its grey values are no Hounsfield units; --allow-uncalibrated plans on edges alone."
        yield _refuse(
            "CF-D019b", "the scan is cone-beam CT", frame, f"{cone!r} in the header", "a calibrated CT", advice
        )
    if not frame.series_uid:
        yield _refuse(
            "CF-D018a", "SeriesInstanceUID is missing", frame, advice="Without it series cannot be told apart."
        )


def _geometry(frame: Frame) -> Iterator[DicomError]:
    complained = " ".join(p.what for p in frame.problems)
    for keyword, value in (
        ("PixelSpacing", frame.pixel_spacing_mm),
        ("ImagePositionPatient", frame.position_lps),
        ("ImageOrientationPatient", frame.orientation),
    ):
        if value is None and keyword not in complained:
            advice = "Without it the size or place of the bone is unknown; export the original axial series."
            if keyword == "PixelSpacing" and HeaderReader(frame.values).raw("ImagerPixelSpacing"):
                advice = "ImagerPixelSpacing is no substitute: it is measured at the detector. " + advice
            yield _refuse("CF-D018", f"{keyword} is missing or empty", frame, advice=advice)


def _pixels(frame: Frame, options: ReadOptions) -> Iterator[DicomError]:
    p = frame.pixels
    if isinstance(frame.values.get(SEQUENCES["ModalityLUTSequence"]), list):
        advice = "A CT has slope and intercept instead; export the original series."
        yield _refuse("CF-D011h", "values go through a Modality LUT, which is not read", frame, advice=advice)
    elif (p.slope is None or p.intercept is None) and not options.assume_hu and "Rescale" not in _whats(frame):
        advice = "Export the series again, or pass --assume-hu if the stored values are known to be Hounsfield units."
        yield _refuse("CF-D011", "RescaleSlope or RescaleIntercept is missing", frame, advice=advice)
    if p.slope is not None and p.slope <= 0:
        yield _refuse("CF-D011g", "RescaleSlope is not positive", frame, f"{p.slope:g}", "more than 0, normally 1")
    if p.rescale_type not in ("", "HU", "US") and not options.allow_uncalibrated:
        yield _refuse("CF-D011f", "the values are no Hounsfield units", frame, f"RescaleType {p.rescale_type}", "HU")
    if p.samples != 1 or p.photometric not in ("MONOCHROME1", "MONOCHROME2"):
        measured = f"{p.photometric or 'no PhotometricInterpretation'}, {p.samples} samples per pixel"
        yield _refuse("CF-D019c", "the image is not a grey-scale CT slice", frame, measured, "MONOCHROME2, 1 sample")
    if p.bits_allocated != 16 or not _LEAST_BITS <= p.bits_stored <= 16:
        measured = f"{p.bits_stored} of {p.bits_allocated} bits"
        yield _refuse("CF-D013", "the pixel format is not that of CT", frame, measured, "12 to 16 of 16 bits")
    elif p.high_bit != p.bits_stored - 1:
        yield _refuse(
            "CF-D013a", "HighBit does not belong to BitsStored", frame, str(p.high_bit), str(p.bits_stored - 1)
        )
    elif max(p.rows, p.columns) > limits.MAX_ROWS_COLUMNS or p.n_frames > limits.MAX_FRAMES:
        expected = f"at most {limits.MAX_ROWS_COLUMNS} rows and columns, {limits.MAX_FRAMES} frames"
        yield _refuse(
            "CF-D024", "the image is larger than any CT", frame, f"{p.rows} x {p.columns} x {p.n_frames}", expected
        )
    else:
        yield from _pixel_bytes(frame)


def _whats(frame: Frame) -> str:
    return " ".join(problem.what for problem in frame.problems)


def _pixel_bytes(frame: Frame) -> Iterator[DicomError]:
    elements, p = frame.elements, frame.pixels
    if elements.pixel_offset is None:
        yield _refuse("CF-D016c", "the file has no pixel data", frame, f"{frame.file.size} bytes", advice=_COPY_AGAIN)
        return
    syntax = elements.transfer_syntax
    if syntax not in NATIVE:
        if syntax not in SYNTAX_NAMES:
            yield _refuse(
                "CF-D014a", "the transfer syntax is not read", frame, syntax, advice="Export it uncompressed."
            )
        elif (pip_line := missing_decoder(syntax)) is not None:
            what = f"the decoder for {SYNTAX_NAMES[syntax]} is not installed"
            yield _refuse("CF-D014", what, frame, advice=f"Install it with: {pip_line}")
        elif elements.pixel_length is not None:
            yield _refuse("CF-D016d", "compressed pixel data are not in fragments", frame, advice=_COPY_AGAIN)
        return
    room = elements.size - elements.pixel_offset
    have = elements.pixel_length
    need = p.rows * p.columns * 2 * p.n_frames
    if have is None or have != need or have > room:
        measured = "fragments" if have is None else f"{min(have, room)} bytes"
        what = "the pixel data are cut or do not match the matrix"
        yield _refuse("CF-D016d", what, frame, measured, f"{need} bytes", _COPY_AGAIN)


def check_together(frames: Sequence[Frame]) -> Iterator[Notice]:
    """Check what all slices of one stack must share (rows 9, 10, 21)."""
    for code, what, keys in (
        ("CF-D021", "two patients are mixed in one series", [f.patient_key for f in frames]),
        ("CF-D021a", "two studies are mixed in one series", [f.study_uid for f in frames]),
        ("CF-D021b", "two frames of reference are mixed in one series", [f.frame_of_reference_uid for f in frames]),
        ("CF-D010", "the matrix is not the same in all slices", [(f.pixels.rows, f.pixels.columns) for f in frames]),
        ("CF-D010a", "the pixel spacing is not the same in all slices", _near(frames, "pixel_spacing_mm")),
        ("CF-D010b", "the orientation is not the same in all slices", _near(frames, "orientation")),
        (
            "CF-D010c",
            "the patient's position is not the same in all slices",
            [_text(f, "PatientPosition") for f in frames],
        ),
        (
            "CF-D010d",
            "modality or object class is not the same in all slices",
            [(f.modality, f.sop_class) for f in frames],
        ),
        ("CF-D009a", "the side named in the header is not the same in all slices", [_side(f) for f in frames]),
    ):
        if len(set(keys)) > 1:
            yield _mixed(code, what, frames, keys)


def _near(frames: Sequence[Frame], field: str) -> list[int]:
    """Number the values by the first one that each lies near to."""
    tolerance = limits.SAME_DIRECTION_TOLERANCE if field == "orientation" else limits.SAME_SPACING_TOLERANCE
    seen: list[np.ndarray] = []
    numbers = []
    for frame in frames:
        array = np.asarray(getattr(frame, field))
        near = (i for i, s in enumerate(seen) if np.abs(s - array).max() <= tolerance * np.abs(s).max())
        at = next(near, len(seen))
        if at == len(seen):
            seen.append(array)
        numbers.append(at)
    return numbers


def _text(frame: Frame, keyword: str) -> str:
    return HeaderReader(frame.values).text(keyword)


def _side(frame: Frame) -> str:
    sides = {_text(frame, k) for k in ("Laterality", "ImageLaterality", "FrameLaterality")} - {""}
    return "/".join(sorted(sides))


def _mixed(code: str, what: str, frames: Sequence[Frame], keys: Sequence[Hashable]) -> DicomError:
    common, n = Counter(keys).most_common(1)[0]
    odd = [f.label for f, k in zip(frames, keys, strict=True) if k != common]
    return DicomError(
        code,
        what,
        where=name_some(odd),
        measured=f"{len(odd)} of {len(frames)} differ from the other {n}",
        advice="Take out what does not belong to the scan, or export the series again.",
    )


def name_some(names: Sequence[str], most: int = 3) -> str:
    """Name the first few files and count the rest."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def representative(frames: Sequence[Frame]) -> Frame:
    """Return an image whose descriptive fields are those of most others: one damaged header must not speak for all."""

    def described(frame: Frame) -> tuple:
        read = HeaderReader(frame.values)
        return (
            frame.kernel,
            frame.slice_thickness_mm,
            *(read.text(k) for k in ("KVP", "BodyPartExamined", "Manufacturer")),
        )

    keys = [described(f) for f in frames]
    return frames[keys.index(Counter(keys).most_common(1)[0][0])]


def with_common_padding(frames: Sequence[Frame]) -> tuple[list[Frame], list[Finding]]:
    """Give all slices the padding value that most of them have (row 12): it belongs to the scanner, not to a slice."""
    counts = Counter(f.pixels.padding for f in frames)
    if len(counts) == 1:
        return list(frames), []
    common, n = counts.most_common(1)[0]
    fixed = [replace(f, pixels=replace(f.pixels, padding=common)) for f in frames]
    text = f"the padding value differs in {len(frames) - n} of {len(frames)} slices; that of most was used for all."
    return fixed, [Finding(Level.WARNING, "CF-D012b", text)]


def header_findings(frames: Sequence[Frame], options: ReadOptions, n_gap: int) -> Iterator[Finding]:
    """Yield what a person should know of the headers, though it stops nothing (rows 2, 14, 17, 20, 25, 28 to 30).

    ``n_gap`` slices are known to be missing between others.
    """
    first = representative(frames)
    if any(f.long_decimals for f in frames):
        yield Finding(
            Level.INFO, "CF-D017a", "numbers in the header are longer than the standard allows; they were read whole."
        )
    if options.assume_hu and any(f.pixels.slope is None or f.pixels.intercept is None for f in frames):
        yield Finding(
            Level.WARNING,
            "CF-D011a",
            "the rescale is missing; stored values were taken as Hounsfield units, as asked.",
            "Check air and muscle before using any density.",
        )
    if any(f.pixels.photometric == "MONOCHROME1" for f in frames):
        yield Finding(
            Level.WARNING,
            "CF-D020",
            "the images are marked to be shown inverted (MONOCHROME1); the values were not inverted.",
            "Check that bone is bright.",
        )
    if lossy := [
        f for f in frames if _text(f, "LossyImageCompression") == "01" or f.elements.transfer_syntax in LOSSY_SYNTAXES
    ]:
        yield Finding(
            Level.WARNING,
            "CF-D014b",
            f"{len(lossy)} of {len(frames)} images were compressed with loss: edges of bone are altered.",
            "Ask for the original images before a custom implant is made.",
        )
    if options.allow_uncalibrated:
        yield Finding(
            Level.WARNING,
            "CF-D019d",
            "grey values were accepted without calibration.",
            "No density in this plan means anything.",
        )
    yield from _mixture(frames)
    yield from _acquisition_findings(first)
    yield from _file_findings(frames)
    yield from _end_findings(frames, n_gap)


def _mixture(frames: Sequence[Frame]) -> Iterator[Finding]:
    """Yield a warning where slices of one stack were not made alike: their blur or their values may differ (row 10)."""
    for what, keys in (
        ("kernel", [f.kernel for f in frames]),
        ("slice thickness", [f.slice_thickness_mm for f in frames]),
        ("tube voltage", [_text(f, "KVP") for f in frames]),
    ):
        counts: Counter[Hashable] = Counter(keys)
        if len(counts) > 1:
            odd = [f.label for f, key in zip(frames, keys, strict=True) if key != counts.most_common(1)[0][0]]
            text = f"the {what} is not the same in all slices: {len(odd)} of {len(frames)} differ ({name_some(odd)})."
            yield Finding(Level.WARNING, "CF-D010e", text, "Edges of bone may be blurred otherwise there.")


def _acquisition_findings(first: Frame) -> Iterator[Finding]:
    if agent := _text(first, "ContrastBolusAgent"):
        yield Finding(
            Level.WARNING,
            "CF-D025",
            f"contrast medium was given ({agent[:40]}).",
            "Vessels near the bone may look like bone.",
        )
    if _text(first, "BurnedInAnnotation").upper() == "YES":
        yield Finding(
            Level.WARNING,
            "CF-D028",
            "text is burned into the images, perhaps a name.",
            "Do not pass on pictures of these slices.",
        )


def _file_findings(frames: Sequence[Frame]) -> Iterator[Finding]:
    bare = [f.file.name for f in frames if not f.elements.has_preamble]
    if bare:
        yield Finding(
            Level.WARNING,
            "CF-D030b",
            f"{len(bare)} of {len(frames)} files lack the DICOM mark and were read by guess of their encoding.",
        )
    if any(
        "\ufffd" in _text(frames[0], k) for k in ("SeriesDescription", "ConvolutionKernel", "ManufacturerModelName")
    ):
        yield Finding(
            Level.INFO, "CF-D029", "the header's text does not fit its character set; odd letters were replaced."
        )
    if not all(f.sop_class and f.sop_uid for f in frames):
        yield Finding(
            Level.WARNING,
            "CF-D018b",
            "images lack their SOP class or instance UID.",
            "The export is not a complete DICOM file.",
        )


def _end_findings(frames: Sequence[Frame], n_gap: int) -> Iterator[Finding]:
    """Yield hints that slices are missing at the ends, where positions cannot tell (row 2)."""
    advice = "Look whether the end of the stump and the upper end of the bone are covered."
    numbers = {f.instance_number for f in frames if f.instance_number is not None}
    if len(numbers) == len(frames) > 1:
        low, high = min(numbers), max(numbers)
        absent = high - low + 1 - len(numbers)
        if absent not in (0, n_gap) or low > 1:
            text = f"image numbers run from {low} to {high} for {len(numbers)} images"
            yield Finding(Level.WARNING, "CF-D002", f"{text}: slices may be missing at an end.", advice)
    promised = HeaderReader(frames[0].values).integer("NumberOfSeriesRelatedInstances")
    if promised is not None and promised > len(frames) + n_gap:
        text = f"the header announces {promised} images, {len(frames)} are here."
        yield Finding(Level.WARNING, "CF-D002a", text, advice)
