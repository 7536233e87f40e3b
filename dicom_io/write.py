"""Writes a volume as a clean CT series: for phantoms, for tests, and for scans that were cropped."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dicom_io.errors import DicomError
from sizing.volume import CtVolume

if TYPE_CHECKING:
    from pydicom.uid import UID

_UUID_ROOT = "2.25."  # UUID-derived UIDs, PS3.5 B.2


def write_ct_series(volume: CtVolume, folder: str | Path, *, seed: str = "canalfit") -> list[Path]:
    """Write one CT Image file per slice, explicit VR little endian.

    Parameters
    ----------
    volume : CtVolume
        Any voxel values; the geometry may be oblique or sheared.
    folder : path
        Made if absent. Files of the same names are replaced, each one whole or not at all.
    seed : str
        Enters the UIDs, which are else made from the voxels and the geometry: the same volume
        and seed give the same bytes.

    Returns
    -------
    list of Path
        In slice order.

    Raises
    ------
    DicomError
        The folder cannot be written to, or the disk is full (CF-D033a).
    """
    folder = Path(folder)
    identity = hashlib.sha256(seed.encode() + volume.geometry.affine.tobytes() + volume.hu.tobytes()).hexdigest()
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(volume.geometry.shape[0]):
            paths.append(folder / f"IM{i + 1:04d}.dcm")
            _write_slice(volume, i, identity, paths[-1])
    except OSError as error:
        raise DicomError(
            "CF-D033a",
            f"the series cannot be written ({error.strerror or type(error).__name__})",
            where=str(paths[-1] if paths else folder),
            advice="Choose a folder that may be written to, on a disk with room.",
        ) from None
    return paths


def _write_slice(volume: CtVolume, i: int, identity: str, path: Path) -> None:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    steps = volume.geometry.affine[:3, :3]
    down_mm, along_mm = (float(np.linalg.norm(steps[:, axis])) for axis in (1, 2))
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = _uid(identity, f"image {i}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    _describe(data, volume, identity)
    data.SOPClassUID = CTImageStorage
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.InstanceNumber = i + 1
    data.ImagePositionPatient = [_ds(c) for c in volume.geometry.index_to_lps((i, 0, 0))]
    data.ImageOrientationPatient = [_ds(c) for c in (*(steps[:, 2] / along_mm), *(steps[:, 1] / down_mm))]
    data.PixelSpacing = [_ds(down_mm), _ds(along_mm)]
    data.PixelData = volume.hu[i].astype("<i2").tobytes()
    part = path.with_suffix(".part")
    try:
        data.save_as(part, enforce_file_format=True)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _describe(data, volume: CtVolume, identity: str) -> None:  # type: ignore[no-untyped-def]
    """Fill in what all slices share."""
    info, shape = volume.info, volume.geometry.shape
    data.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    data.Modality = "CT"
    data.PatientName, data.PatientID = info.pseudonym or "ANONYMOUS", info.pseudonym or identity[:16]
    data.PatientBirthDate = data.PatientSex = data.StudyTime = data.ReferringPhysicianName = ""
    data.StudyDate, data.StudyID, data.AccessionNumber = info.study_date or "", "", ""
    data.Manufacturer, data.ManufacturerModelName = info.manufacturer, info.model
    data.SeriesDescription = info.series_description
    data.StudyInstanceUID = _uid(identity, "study")
    data.SeriesInstanceUID = _uid(identity, "series")
    data.FrameOfReferenceUID = _uid(identity, "frame of reference")
    data.SeriesNumber, data.AcquisitionNumber = 1, 1
    data.PositionReferenceIndicator = ""
    data.PatientPosition = info.patient_position or ""
    if info.laterality:
        data.Laterality = info.laterality
    if info.body_part:
        data.BodyPartExamined = info.body_part
    if info.kernel:
        data.ConvolutionKernel = info.kernel
    data.KVP = "" if info.kvp is None else _ds(info.kvp)
    data.SliceThickness = _ds(info.slice_thickness_mm or volume.geometry.slice_step_mm)
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = shape[1], shape[2]
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 1
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = "0", "1", "HU"


def _ds(value: float) -> str:
    """Return the nearest decimal string of at most 16 characters."""
    from pydicom.valuerep import format_number_as_ds

    return format_number_as_ds(float(value))


def _uid(identity: str, role: str) -> UID:
    from pydicom.uid import UID

    return UID(_UUID_ROOT + str(int(hashlib.sha256(f"{identity} {role}".encode()).hexdigest()[:32], 16)))
