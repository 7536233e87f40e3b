"""Builds small CT series with known Hounsfield units, and lets a test break them at will.

A series is a list of pydicom data sets; ``save`` writes them as they are, wrong values included.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE  # the series are wrong on purpose

SHAPE = (24, 64, 64)
SPACING_MM = (1.5, 0.8, 0.8)  # slice step, rows, columns


def limb(shape=SHAPE, noise_hu=15.0, seed=3) -> np.ndarray:
    """A thigh in air: soft tissue, a bone ring round marrow, fat, noise; the bone drifts from slice to slice."""
    rng = np.random.default_rng(seed)
    n, rows, columns = shape
    y, x = np.mgrid[:rows, :columns].astype(float)
    hu = np.full(shape, -1000.0)
    for k in range(n):
        body = np.hypot(y - rows / 2, x - columns / 2)
        hu[k][body < 0.42 * rows] = -90
        hu[k][body < 0.36 * rows] = 55
        bone = np.hypot(y - rows / 2, x - columns / 2 - 2 * np.sin(k / 9))
        hu[k][bone < 0.19 * rows] = 1250
        hu[k][bone < 0.11 * rows] = -60
    hu += rng.normal(0, noise_hu, shape)
    return np.clip(np.rint(hu), -1024, 3071).astype(np.int16)


def series(
    hu: np.ndarray | None = None,
    *,
    spacing_mm=SPACING_MM,
    orientation=(1, 0, 0, 0, 1, 0),
    origin=(-25.0, -30.0, 100.0),
    step=None,
    intercept=-1024,
    number=2,
) -> list[FileDataset]:
    """Return one data set for each slice, unsigned with intercept -1024, or signed with intercept 0."""
    hu = limb() if hu is None else hu
    study, series_uid, frame_uid = generate_uid(), generate_uid(), generate_uid()
    normal = np.cross(orientation[:3], orientation[3:])
    step = np.asarray(normal * spacing_mm[0] if step is None else step)
    slices = []
    for k in range(len(hu)):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "CT", "Maker", "Model"
        ds.PatientName, ds.PatientID, ds.PatientBirthDate = "Nowak^Anna", "PID-4711", "19600102"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series_uid, frame_uid
        ds.PatientSex = ds.StudyTime = ds.AccessionNumber = ds.StudyID = ds.ReferringPhysicianName = ""
        ds.StudyDate, ds.SeriesNumber, ds.InstanceNumber, ds.AcquisitionNumber = "20240131", number, k + 1, 1
        ds.SeriesDescription, ds.ConvolutionKernel, ds.KVP = "Thigh", "BONE", "120"
        ds.SliceThickness, ds.PatientPosition = f"{spacing_mm[0]:g}", "HFS"
        ds.ImagePositionPatient = [f"{c:.10g}" for c in np.asarray(origin) + k * step]
        ds.ImageOrientationPatient = [f"{c:.12g}" for c in orientation]
        ds.PixelSpacing = [f"{s:.12g}" for s in spacing_mm[1:]]
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.Rows, ds.Columns = hu.shape[1:]
        ds.BitsAllocated, ds.RescaleSlope, ds.RescaleIntercept = 16, "1", str(intercept)
        set_hu(ds, hu[k], intercept=intercept)
        slices.append(ds)
    return slices


def enhanced(hu: np.ndarray, *, syntax: str | None = None, legacy: bool = False) -> FileDataset:
    """One multi-frame object by functional groups; frames out of order, the rescale per frame."""
    singles = series(hu)
    whole = series(hu[:1])[0]
    whole.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2.2" if legacy else "1.2.840.10008.5.1.4.1.1.2.1"
    whole.file_meta.MediaStorageSOPClassUID = whole.SOPClassUID
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(whole, keyword)
    for keyword in ("RescaleSlope", "RescaleIntercept"):
        delattr(whole, keyword)

    def group(name, **values):
        item = Dataset()
        for keyword, value in values.items():
            setattr(item, keyword, value)
        holder = Dataset()
        setattr(holder, name, [item])
        return holder

    shared = group("PixelMeasuresSequence", PixelSpacing=[0.8, 0.8], SliceThickness=1.5)
    shared.update(group("PlaneOrientationSequence", ImageOrientationPatient=[1, 0, 0, 0, 1, 0]))
    whole.SharedFunctionalGroupsSequence = [shared]
    order = np.random.default_rng(1).permutation(len(hu))
    frames, pixels = [], []
    for k in order:
        frame = group("PlanePositionSequence", ImagePositionPatient=list(singles[k].ImagePositionPatient))
        frame.update(
            group("PixelValueTransformationSequence", RescaleSlope="1", RescaleIntercept="-1024", RescaleType="HU")
        )
        frames.append(frame)
        pixels.append(singles[k].PixelData)
    whole.PerFrameFunctionalGroupsSequence = frames
    whole.NumberOfFrames = len(hu)
    whole.PixelData = b"".join(pixels)
    if syntax:
        whole.compress(syntax, generate_instance_uid=False)
    return whole


def set_hu(ds: Dataset, hu: np.ndarray, *, slope=1, intercept=-1024, signed=None, bits=None) -> None:
    """Store Hounsfield units with a given rescale."""
    stored = np.rint((hu.astype(float) - intercept) / slope).astype(int)
    signed = bool(stored.min() < 0) if signed is None else signed
    ds.BitsStored = bits or (16 if signed else 12 if stored.max() < 4096 else 16)
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(signed)
    ds.RescaleSlope, ds.RescaleIntercept = str(slope), str(intercept)
    ds.PixelData = stored.astype("<i2" if signed else "<u2").tobytes()
    ds["PixelData"].VR = "OW"


def set_text(ds: Dataset, keyword: str, text: str) -> None:
    """Write a value that pydicom would not let through."""
    from pydicom.datadict import dictionary_VR, tag_for_keyword
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    raw = text.encode()
    raw += b" " * (len(raw) % 2)
    tag = Tag(tag_for_keyword(keyword))
    ds._dict[tag] = RawDataElement(tag, dictionary_VR(tag), len(raw), raw, 0, False, True, True)


def save(slices: list[FileDataset], folder: Path, name: Callable[[int], str] = "IM{:04d}.dcm".format) -> list[Path]:
    """Write a series; element values as they stand."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k, ds in enumerate(slices):
        path = folder / name(k + 1)
        with contextlib.suppress(AttributeError):
            ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def save_with(hu: np.ndarray, folder: Path, **header: object) -> list[Path]:
    """Write a series whose slices all have these header values."""
    slices = series(hu)
    for ds in slices:
        for keyword, value in header.items():
            setattr(ds, keyword, value)
    return save(slices, folder)
