"""Masks from elsewhere as locators: DICOM SEG, NIfTI and NRRD label maps (TotalSegmentator, 3D Slicer, ITK-SNAP).

A mask only says where the bone is; every edge is found again in the CT at full resolution. It keeps its
own grid and its own geometry in LPS mm; :meth:`LabelMap.on_grid` brings it onto the grid of a CT.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import dicom_io.limits as limits
from dicom_io.errors import DicomError
from dicom_io.files import DiskFile
from dicom_io.label_map import LabelMap, refuse
from dicom_io.labels_nifti import parse_nifti
from dicom_io.labels_nrrd import parse_nrrd
from dicom_io.labels_seg import parse_seg
from dicom_io.sources import list_source


def read_labels(source: str | os.PathLike[str]) -> LabelMap:
    """Read a mask file; its content, not its name, tells what it is.

    Parameters
    ----------
    source : path
        A DICOM SEG, ``.nii``, ``.nii.gz`` or ``.nrrd`` file.

    Raises
    ------
    DicomError
        It is none of these, or damaged, or says not where it lies.
    """
    path = Path(source)
    if path.is_dir():
        raise refuse("a mask is one file, not a folder", path.name, advice="Give the file.")
    (file, *_) = _single(path)
    with file.open() as opened:
        head = opened.read_at(0, 352)
        if head[:4] == b"NRRD":
            parse = parse_nrrd
        elif head[:2] == b"\x1f\x8b" or head[344:348] in (b"n+1\0", b"ni1\0"):
            parse = parse_nifti
        else:
            parse = parse_seg
        if file.size > limits.MAX_INFLATED_BYTES:
            raise refuse("the mask file is too large", file.name, f"{file.size} bytes")
        data = bytearray(file.size)
        opened.read_into(memoryview(data), 0)
    try:
        return replace(parse(bytes(data), file.name), sha256=hashlib.sha256(data).hexdigest())
    except DicomError:
        raise
    except Exception as error:  # whatever a damaged mask makes a parser do, it is a refusal that names the file
        raise refuse(f"the mask cannot be read ({type(error).__name__}: {error})", file.name) from None


def _single(path: Path) -> list[DiskFile]:
    try:
        info = path.stat()
    except (OSError, ValueError):
        list_source(path)  # raises the sentence for it
        raise
    if not path.is_file():
        list_source(path)
    return [DiskFile(str(path.resolve()), path.name, info.st_size, info.st_mtime_ns)]
