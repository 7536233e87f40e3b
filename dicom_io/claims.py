"""What the headers claim, held against one another and against what a slice of CT can be (rows 9, 10, 17 to 25).

Each header may be without fault by itself: a prone patient whose images lie supine, a side that the
description contradicts, pixels ten times wider than high, a projection that calls itself CT.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np

import dicom_io.limits as limits
from dicom_io.checks import Notice, representative
from dicom_io.errors import DicomError
from dicom_io.header import Frame, HeaderReader
from sizing.findings import Finding, Level

# A voxel of these is the brightest or a rendered point of many: no wall has its width in them.
_PROJECTIONS = {"MIP", "MINIP", "VRT", "SSD", "RENDERED", "PROJECTION IMAGE"}
# Words in Image Type by which spectral images give themselves away: bone has other Hounsfield units in them.
_SPECTRAL = ("MONOE", "MONOENERGETIC", "VMI", "VNC", "IODINE", "CALCIUM", "DE_", "Z_EFF", "ELECTRON")
_SIDE_WORDS = {
    "right": {"RIGHT", "RECHTS", "DROIT", "DROITE", "DERECHA", "DERECHO", "DESTRA"},
    "left": {"LEFT", "LINKS", "GAUCHE", "IZQUIERDA", "IZQUIERDO", "SINISTRA"},
}
# The couch is at the lower edge of a slice as scanned: which way that is in LPS, by the end of Patient Position.
_DOWN_LPS = {
    "S": ("supine", (0, 1, 0)),
    "P": ("prone", (0, -1, 0)),
    "DR": ("on the right side", (-1, 0, 0)),
    "DL": ("on the left side", (1, 0, 0)),
}
_SAME_WAY = 0.7  # cosine of 45 degrees: a gantry tilts by 30 at most
_AXIAL = math.cos(math.radians(limits.OBLIQUE_NOTE_DEG))


def check_claims(frames: Sequence[Frame]) -> Iterator[Notice]:
    """Yield what the headers of one stack claim and cannot be true, or should be known; geometry is there and alike."""
    first = representative(frames)
    yield from _kind(first)
    yield from _sides(frames, first)
    yield from _lying(first)
    yield from _pixel_size(first)
    names = {_folded_name(f) for f in frames}
    if len(names) > 1:
        text = "the patient's name is not the same in all slices, though the ID is."
        yield Finding(Level.WARNING, "CF-D021c", text, "Make sure that the slices are of one person.")


def _text(frame: Frame, keyword: str) -> str:
    return HeaderReader(frame.values).text(keyword)


def _folded_name(frame: Frame) -> tuple[str, ...]:
    """Return a name without case, order and separators: scanners and archives spell them differently."""
    return tuple(sorted(re.findall(r"\w+", _text(frame, "PatientName").casefold())))


def _kind(first: Frame) -> Iterator[Notice]:
    kinds = {part.upper() for part in first.image_type}
    if projection := sorted(kinds & _PROJECTIONS):
        yield DicomError(
            "CF-D019e",
            "the images are projections, no slices",
            where=first.label,
            measured=f"Image Type {projection[0]}",
            expected="ORIGINAL\\PRIMARY\\AXIAL, or a reformat",
            advice="Choose the axial series.",
        )
    if spectral := sorted(k for k in kinds if any(word in k for word in _SPECTRAL)):
        text = f"the images are spectral ({spectral[0][:40]}): bone has other Hounsfield units there than in a CT."
        yield Finding(Level.WARNING, "CF-D025b", text, "Prefer the images of a single tube voltage, or the mixed ones.")


def _sides(frames: Sequence[Frame], first: Frame) -> Iterator[Notice]:
    keywords = ("Laterality", "ImageLaterality", "FrameLaterality")
    for frame in frames:
        named = {_text(frame, k).upper() for k in keywords} & {"L", "R"}
        if len(named) > 1:
            yield DicomError(
                "CF-D009a",
                "the header names both sides",
                where=frame.label,
                measured=", ".join(f"{k} {_text(frame, k)}" for k in keywords if _text(frame, k)),
                advice="Find out which limb was scanned, and correct the header.",
            )
            return
    words = set(re.findall(r"[^\W\d_]+", _text(first, "SeriesDescription").upper()))
    told = [side for side, names in _SIDE_WORDS.items() if words & names]
    header = {"L": "left", "R": "right"}.get(next((s for k in keywords if (s := _text(first, k).upper())), ""))
    if header and len(told) == 1 and told[0] != header:
        text = f"the header's side is {header}, the description of the series says {told[0]}."
        yield Finding(Level.WARNING, "CF-D009c", text, "Find out which limb was scanned; give it with --side.")


def _lying(first: Frame) -> Iterator[Finding]:
    """Compare how the patient lay with the lower edge of the images (row 9)."""
    position = _text(first, "PatientPosition").upper()
    assert first.orientation is not None
    along, down = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    if position[2:] not in _DOWN_LPS or "ORIGINAL" not in first.image_type or abs(np.cross(along, down)[2]) < _AXIAL:
        return
    words, gravity = _DOWN_LPS[position[2:]]
    if float(down @ gravity) < _SAME_WAY:
        text = f"the patient lay {words} ({position}), and the couch is not at the lower edge of the images."
        advice = "Orientation or position is wrong, or the images were turned: check which side and which way is front."
        yield Finding(Level.WARNING, "CF-D009b", text, advice)


def _pixel_size(first: Frame) -> Iterator[Notice]:
    assert first.pixel_spacing_mm is not None
    rows, columns = first.pixel_spacing_mm
    measured = f"{rows:g} x {columns:g} mm"
    ratio = max(rows, columns) / min(rows, columns)
    if ratio > limits.ANISOTROPY_NOTE:
        yield DicomError(
            "CF-D017d",
            "the pixels are far from square",
            where=first.label,
            measured=measured,
            expected="one number twice, as CT is reconstructed",
            advice="PixelSpacing was damaged or typed; export the series again.",
        )
    elif ratio > 1 + limits.GAP_TOLERANCE_SHARE:
        advice = "CT has square pixels: the images were resampled, or PixelSpacing is wrong."
        yield Finding(Level.WARNING, "CF-D023b", f"the pixels are not square: {measured}.", advice)
    if min(rows, columns) < limits.FINEST_PIXEL_MM:
        text = f"pixels of {measured} are finer than those of clinical scanners ({limits.FINEST_PIXEL_MM:g} mm)."
        yield Finding(Level.WARNING, "CF-D017c", text, "Check their unit against a length that is known.")
    diameter = HeaderReader(first.values).decimal("ReconstructionDiameter")
    field = max(rows * first.pixels.rows, columns * first.pixels.columns)
    if diameter and field > diameter * (1 + limits.FIELD_TOLERANCE_SHARE):
        text = f"the pixels make a field of {field:.0f} mm, and it was reconstructed with {diameter:g} mm."
        yield Finding(Level.WARNING, "CF-D010f", text, "PixelSpacing may be wrong: check a length that is known.")
