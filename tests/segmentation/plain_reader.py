"""Plain reading of simple series, without dicom_io, which sits above this room."""

from pathlib import Path

import numpy as np
import pydicom

from sizing.geometry import VolumeGeometry
from sizing.volume import CtVolume


def read_plain(folder: Path) -> CtVolume:
    """Read a simple series (one slice per file, slope 1, no tilt) no matter what dicom_io does."""
    slices = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    slices.sort(key=lambda item: float(item.ImagePositionPatient[2]))
    first, last = (np.array(item.ImagePositionPatient, float) for item in (slices[0], slices[-1]))
    orientation = np.array(slices[0].ImageOrientationPatient, float)
    row_mm, column_mm = map(float, slices[0].PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0] = (last - first) / (len(slices) - 1)
    affine[:3, 1], affine[:3, 2] = orientation[3:] * row_mm, orientation[:3] * column_mm
    affine[:3, 3] = first
    hu = np.stack([item.pixel_array for item in slices]).astype(np.int16)
    return CtVolume(hu, VolumeGeometry(hu.shape, affine))
