"""Rows 17 and 18 of the fault matrix: numbers that are none, and what a header does not say."""

import ct_files
import pytest
from outcome import codes, exact, refused, warnings

from dicom_io import read_series


# --- row 17: numbers that are none ----------------------------------------------------------------
@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("PixelSpacing", "0,8\\0,8"),
        ("PixelSpacing", "0\\0"),
        ("PixelSpacing", "-0.8\\-0.8"),
        ("PixelSpacing", "0.8"),
        ("PixelSpacing", "0.8\\0.8\\0.8"),
        ("PixelSpacing", "nan\\0.8"),
        ("PixelSpacing", "800\\800"),
        ("PixelSpacing", "0.8\\0.8 mm"),
        ("ImagePositionPatient", "-25\\-30\\nan"),
        ("ImagePositionPatient", "-25\\-30\\inf"),
        ("ImagePositionPatient", "-25\\-30"),
        ("ImagePositionPatient", "-25\\-30\\1e9"),
        ("ImagePositionPatient", "-25\\-30\\0x10"),
        ("ImageOrientationPatient", "1\\0\\0\\0\\0\\0"),
        ("ImageOrientationPatient", "1\\0\\0\\0.5\\1\\0"),
        ("ImageOrientationPatient", "2\\0\\0\\0\\1\\0"),
        ("RescaleSlope", "1,0"),
        ("RescaleIntercept", "NaN"),
        ("SliceThickness", "1,5"),
        ("NumberOfFrames", "x"),
        ("NumberOfFrames", "-3"),
    ],
)
def test_row_17_values_that_are_none(tmp_path, hu, keyword, text):
    slices = ct_files.series(hu)
    ct_files.set_text(slices[5], keyword, text)
    ct_files.save(slices, tmp_path)
    refused("CF-D017", tmp_path, names=["IM0006.dcm", keyword])


def test_row_17_wrong_everywhere_is_refused_too(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ct_files.set_text(ds, "PixelSpacing", "0,8\\0,8")
    ct_files.save(slices, tmp_path)
    refused("CF-D017", tmp_path, names=["'0,8\\\\0,8'"])


def test_row_17_long_decimals_are_read_whole(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ct_files.set_text(ds, "SliceThickness", "1.49999999999998000")
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert codes(result) == {"CF-D017a"} and result.volume.info.slice_thickness_mm == 1.49999999999998


def test_row_17_step_out_of_range(tmp_path, hu):
    ct_files.save(ct_files.series(hu, spacing_mm=(6.0, 0.8, 0.8)), tmp_path)
    refused("CF-D017b", tmp_path)


# --- row 18: what is missing ----------------------------------------------------------------------
@pytest.mark.parametrize("keyword", ["PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"])
@pytest.mark.parametrize("how", ["missing", "empty"])
def test_row_18_geometry_is_missing(tmp_path, hu, keyword, how):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.ImagerPixelSpacing = ["0.8", "0.8"]
        if how == "missing":
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, "")
    ct_files.save(slices, tmp_path)
    refused("CF-D018", tmp_path, names=[keyword, "IM0001.dcm"])


def test_row_18_series_uid_is_missing(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        del ds.SeriesInstanceUID
    ct_files.save(slices, tmp_path)
    refused("CF-D018a", tmp_path)


def test_row_18_missing_class_and_uid_are_said(tmp_path, hu):
    ct_files.save_with(hu, tmp_path, SOPClassUID="")
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D018b"}
