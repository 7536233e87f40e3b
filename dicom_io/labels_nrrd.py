"""NRRD label maps, with the segment names that 3D Slicer writes (teem.sourceforge.net/nrrd/format.html)."""

from __future__ import annotations

import re

import numpy as np

from dicom_io.label_map import LabelMap, check_size, refuse, whole_labels
from dicom_io.labels_nifti import unpack_gzip
from sizing.geometry import VolumeGeometry

_TYPES = {
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i1": ("signed char", "int8", "int8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}


def parse_nrrd(data: bytes, name: str) -> LabelMap:
    """Return the label map of an NRRD file with its data attached, raw or gzip."""
    header, _, body = data.partition(b"\n\n") if b"\n\n" in data else data.partition(b"\r\n\r\n")
    fields, keys = _fields(header.decode("utf-8", "replace"))
    sizes = tuple(int(n) for n in fields.get("sizes", "").split())
    shape = sizes[::-1]
    check_size(shape, name)
    if "data file" in fields or "datafile" in fields:
        raise refuse("the mask's data lie in another file", name, advice="Save it as one .nrrd file.")
    kind = next((t for t, words in _TYPES.items() if fields.get("type", "") in words), None)
    encoding = fields.get("encoding", "raw")
    if kind is None or encoding not in ("raw", "gzip", "gz"):
        raise refuse("the mask's number format is not one of labels", name, f"{fields.get('type')}, {encoding}")
    body = unpack_gzip(body, name) if encoding != "raw" else body
    order = ">" if fields.get("endian") == "big" else "<"
    values = np.frombuffer(body, order + kind, count=int(np.prod(shape))).reshape(shape)
    return LabelMap(whole_labels(values, name), VolumeGeometry(shape, _affine(fields, name)), _names(keys))  # type: ignore[arg-type]


def _fields(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the format's fields and the file's own key/value pairs."""
    fields, keys = {}, {}
    for line in text.splitlines()[1:]:
        if line.startswith("#"):
            continue
        if ":=" in line:
            key, _, value = line.partition(":=")
            keys[key.strip()] = value.strip()
        elif ":" in line:
            key, _, value = line.partition(":")
            fields[key.strip().lower()] = value.strip()
    return fields, keys


def _affine(fields: dict[str, str], name: str) -> np.ndarray:
    signs = _TO_LPS.get(fields.get("space", "").lower())
    vectors = re.findall(r"\(([^)]*)\)", fields.get("space directions", ""))
    origin = re.findall(r"\(([^)]*)\)", fields.get("space origin", ""))
    if signs is None or len(vectors) != 3 or len(origin) != 1:
        raise refuse("the mask says not where it lies (space, space directions, space origin)", name)
    affine = np.eye(4)
    columns = [[float(x) for x in v.split(",")] for v in vectors[::-1]]  # the file's index runs (column, row, slice)
    affine[:3, :3] = np.array(columns).T
    affine[:3, 3] = [float(x) for x in origin[0].split(",")]
    affine[:3] *= np.array(signs, float)[:, None]
    return affine


def _names(keys: dict[str, str]) -> dict[int, str]:
    names = {}
    for key, value in keys.items():
        match = re.fullmatch(r"Segment(\d+)_LabelValue", key)
        if match and value.isdigit():
            names[int(value)] = keys.get(f"Segment{match.group(1)}_Name", value)
    return names
