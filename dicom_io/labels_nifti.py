"""NIfTI-1 label maps. The only place where RAS coordinates exist: they are turned into LPS here."""

from __future__ import annotations

import struct
import zlib

import numpy as np

import dicom_io.limits as limits
from dicom_io.label_map import LabelMap, check_size, refuse, whole_labels
from sizing.geometry import VolumeGeometry

_HEADER = 348
_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def parse_nifti(data: bytes, name: str) -> LabelMap:
    """Return the label map of a NIfTI-1 file, packed or not (nifti1.h; affine from sform, else qform)."""
    data = unpack_gzip(data, name)
    order = "<" if struct.unpack_from("<i", data)[0] == _HEADER else ">"
    if struct.unpack_from(order + "i", data)[0] != _HEADER or data[344:348] != b"n+1\0":
        raise refuse("this is no single-file NIfTI-1 image", name)
    dim = struct.unpack_from(order + "8h", data, 40)
    if dim[0] < 3 or any(n > 1 for n in dim[4 : dim[0] + 1]):
        raise refuse("the mask has more or fewer than three dimensions", name, str(dim[1 : dim[0] + 1]), "three")
    shape = tuple(int(n) for n in dim[3:0:-1])
    check_size(shape, name)
    (code,) = struct.unpack_from(order + "h", data, 70)
    if code not in _TYPES:
        raise refuse("the mask's number format is not one of labels", name, f"NIfTI type {code}")
    (offset,) = struct.unpack_from(order + "f", data, 108)
    slope, inter = struct.unpack_from(order + "2f", data, 112)
    if (slope, inter) not in ((1.0, 0.0), (0.0, 0.0)) and slope != 0:
        raise refuse("the mask's numbers are scaled: it is an image, no label map", name, f"slope {slope}, {inter}")
    count = int(np.prod(shape))
    values = np.frombuffer(data, order + _TYPES[code], count=count, offset=int(offset)).reshape(shape)
    affine = _RAS_TO_LPS @ _affine(data, order, name)
    affine = affine[:, [2, 1, 0, 3]]  # the file's index runs (column, row, slice)
    return LabelMap(whole_labels(values, name), VolumeGeometry(shape, affine))  # type: ignore[arg-type]


def _affine(data: bytes, order: str, name: str) -> np.ndarray:
    q_code, s_code = struct.unpack_from(order + "2h", data, 252)
    affine = np.eye(4)
    if s_code > 0:
        affine[:3] = np.array(struct.unpack_from(order + "12f", data, 280)).reshape(3, 4)
        return affine
    if q_code <= 0:
        raise refuse("the mask says not where it lies (neither sform nor qform)", name)
    pixdim = np.array(struct.unpack_from(order + "8f", data, 76))
    b, c, d, *shift = struct.unpack_from(order + "6f", data, 256)
    a = np.sqrt(max(0.0, 1.0 - b * b - c * c - d * d))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
    affine[:3, :3] = turn * np.array([pixdim[1], pixdim[2], pixdim[3] * (-1.0 if pixdim[0] < 0 else 1.0)])
    affine[:3, 3] = shift
    return affine


def unpack_gzip(data: bytes, name: str) -> bytes:
    """Return the bytes behind a gzip wrapper, within the limits of row 34; other bytes as they are."""
    if data[:2] != b"\x1f\x8b":
        return data
    engine = zlib.decompressobj(16 + zlib.MAX_WBITS)
    # A mask is mostly empty and packs a thousandfold: the absolute limit alone holds here.
    out = engine.decompress(data, limits.MAX_INFLATED_BYTES)
    if engine.unconsumed_tail:
        raise refuse("the packed mask grows beyond all measure", name, expected=f"at most {limits.MAX_INFLATED_BYTES}")
    if not engine.eof:
        raise refuse("the packed mask ends early", name)
    return out
