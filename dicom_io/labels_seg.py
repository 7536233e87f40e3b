"""DICOM Segmentation objects: binary, fractional and label map (PS3.3 C.8.20)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

import dicom_io.limits as limits
from dicom_io.elements import (
    DEFLATED_LE,
    NATIVE,
    Elements,
    MalformedHeaderError,
    NotDicomError,
    Value,
    inflate,
    read_elements,
)
from dicom_io.header import HeaderReader
from dicom_io.label_map import LabelMap, check_size, refuse
from dicom_io.multiframe import frame_values
from dicom_io.tags import NESTED, SEQUENCES, WANTED
from sizing.geometry import VolumeGeometry

_SEG_CLASSES = {"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"}
_HALF = 0.5  # a fractional voxel counts from half occupied


def parse_seg(data: bytes, name: str) -> LabelMap:
    """Return the label map of a DICOM SEG; slices without a frame are empty."""
    try:
        elements = read_elements(lambda at, n: data[at : at + n], len(data), WANTED, NESTED)
    except NotDicomError:
        raise refuse("the file is neither DICOM SEG nor NIfTI nor NRRD", name) from None
    except MalformedHeaderError as error:
        raise refuse(f"the header cannot be read: {error}", name) from None
    read = HeaderReader(elements.values, big_endian=elements.big_endian, name=name)
    if read.text("SOPClassUID") not in _SEG_CLASSES:
        raise refuse("the DICOM object is no segmentation", name, f"{read.text('Modality') or 'no modality'}")
    frames = frame_values(elements)
    if not frames:
        raise refuse("the segmentation has no frames", name)
    geometry, slices = _grid(frames, read, name)
    check_size(geometry.shape, name)
    planes = _planes(data, elements, read, len(frames), name)
    labels = _fill(planes, frames, slices, read, geometry.shape, name)
    return LabelMap(labels, geometry, _names(elements))


def _planes(data: bytes, elements: Elements, read: HeaderReader, n: int, name: str) -> NDArray:
    """Return the frames (n, row, column): bool for binary, numbers else."""
    if elements.transfer_syntax not in NATIVE or elements.pixel_offset is None or elements.pixel_length is None:
        raise refuse("the segmentation is compressed or has no pixel data", name, advice="Export it uncompressed.")
    if elements.transfer_syntax == DEFLATED_LE:
        data = inflate(data[elements.start :])
    rows, columns, bits = (read.unsigned(k, 0) for k in ("Rows", "Columns", "BitsAllocated"))
    count = n * rows * columns
    need = -(-count * bits // 8)
    raw = data[elements.pixel_offset : elements.pixel_offset + elements.pixel_length]
    if bits not in (1, 8, 16) or len(raw) < need:
        raise refuse("the pixel data are cut or of an odd format", name, f"{len(raw)} bytes", f"{need} bytes")
    if bits == 1:
        packed = np.frombuffer(raw, np.uint8, count=need)
        return np.unpackbits(packed, count=count, bitorder="little").view(bool).reshape(n, rows, columns)
    kind = "u1" if bits == 8 else ">u2" if elements.big_endian else "<u2"
    values = np.frombuffer(raw, kind, count=count).reshape(n, rows, columns)
    if read.text("SegmentationType") == "FRACTIONAL":
        return values >= _HALF * read.unsigned("MaximumFractionalValue", 255)
    return values


def _grid(frames: list[Mapping[int, Value]], read: HeaderReader, name: str) -> tuple[VolumeGeometry, NDArray[np.int64]]:
    """Return the grid that holds all frames, and the slice of each."""
    facts = [HeaderReader(f) for f in frames]
    positions = [f.decimals("ImagePositionPatient", 3) for f in facts]
    orientation = facts[0].decimals("ImageOrientationPatient", 6)
    spacing = facts[0].decimals("PixelSpacing", 2)
    if orientation is None or spacing is None or any(p is None for p in positions):
        raise refuse("the segmentation says not where it lies", name)
    if any(f.decimals("ImageOrientationPatient", 6) != orientation for f in facts):
        raise refuse("the frames of the segmentation have different directions", name)
    along, down = np.array(orientation[:3]), np.array(orientation[3:])
    points = np.array(positions)
    heights = points @ np.cross(along, down)
    levels = np.unique(np.round(heights, 3))
    gaps = np.diff(levels)
    step = float(gaps.min()) if len(gaps) else facts[0].decimal("SliceThickness") or 1.0
    place = (heights - levels[0]) / step
    slices = np.rint(place).astype(np.int64)
    if np.abs(place - slices).max() > 0.1 or not step >= limits.MIN_SPACING_MM:
        raise refuse(
            "the frames of the segmentation are not evenly spaced", name, f"steps of {gaps.min()} to {gaps.max()} mm"
        )
    first, last = int(np.argmin(heights)), int(np.argmax(heights))
    normal = np.cross(along, down) * step
    if slices[last] > slices[first]:
        normal = (points[last] - points[first]) / (slices[last] - slices[first])
    affine = np.eye(4)
    affine[:3] = np.column_stack([normal, down * spacing[0], along * spacing[1], points[first]])
    shape = (int(slices.max()) + 1, read.unsigned("Rows", 0), read.unsigned("Columns", 0))
    check_size(shape, name)
    return VolumeGeometry(shape, affine), slices


def _fill(
    planes: NDArray,
    frames: list[Mapping[int, Value]],
    slices: NDArray[np.int64],
    read: HeaderReader,
    shape: tuple[int, int, int],
    name: str,
) -> NDArray[np.uint16]:
    labels = np.zeros(shape, np.uint16)
    for frame, at, plane in zip(frames, slices, planes, strict=True):
        if read.text("SegmentationType") == "LABELMAP":
            labels[at] = plane
            continue
        number = HeaderReader(frame).unsigned("ReferencedSegmentNumber", 0)
        if number == 0:
            raise refuse("a frame of the segmentation names no segment", name)
        taken = labels[at][plane]
        if np.any((taken != 0) & (taken != number)):
            raise refuse("segments of the mask overlap", name, advice="Export the bone alone.")
        labels[at][plane] = number
    return labels


def _names(elements: Elements) -> dict[int, str]:
    items = elements.values.get(SEQUENCES["SegmentSequence"])
    if not isinstance(items, list):
        return {}
    readers = [HeaderReader(item, big_endian=elements.big_endian) for item in items]
    return {r.unsigned("SegmentNumber", 0): r.text("SegmentLabel") for r in readers}
