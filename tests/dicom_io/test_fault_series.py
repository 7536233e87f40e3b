"""Rows 8, 10, 19, 21, 28 and 29 of the fault matrix: which images belong together, and what is no CT."""

import ct_files
import pytest
from outcome import codes, exact, refused, warnings

from dicom_io import ReadOptions, read_series


# --- row 8: several series ------------------------------------------------------------------------
def test_row_8_several_series_are_listed_with_a_suggestion(tmp_path, hu):
    ct_files.save(ct_files.series(hu), tmp_path / "a")
    thick = ct_files.series(hu[::2], spacing_mm=(3.0, 0.8, 0.8), number=3)
    ct_files.save(thick, tmp_path / "b")
    refused("CF-D008", tmp_path, names=["2 (CT, 24 images", "3 (CT, 12 images", "Suggested: 2"])
    assert exact(read_series(tmp_path, series="3"), hu[::2])
    assert exact(read_series(tmp_path, series=thick[0].SeriesInstanceUID), hu[::2])
    refused("CF-D008a", tmp_path, series="77")


def test_row_8_scout_and_dose_sheet_are_no_choice(tmp_path, hu):
    ct_files.save(ct_files.series(hu), tmp_path)
    scout = ct_files.series(ct_files.limb((1, 80, 64)), number=1)
    scout[0].ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    ct_files.save(scout, tmp_path, "scout{}.dcm".format)
    sheet = ct_files.series(ct_files.limb((1, 64, 64)), number=999)
    sheet[0].SOPClassUID = sheet[0].file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ct_files.save(sheet, tmp_path, "dose{}.dcm".format)
    result = read_series(tmp_path)
    assert exact(result, hu) and codes(result) == {"CF-D008b"}


def test_row_8_scout_inside_the_series(tmp_path, hu):
    slices = ct_files.series(hu)
    scout = ct_files.series(ct_files.limb((1, 80, 64)))[0]
    scout.ImageType, scout.SeriesInstanceUID = ["ORIGINAL", "PRIMARY", "LOCALIZER"], slices[0].SeriesInstanceUID
    ct_files.save([*slices, scout], tmp_path)
    assert exact(read_series(tmp_path), hu)


# --- row 10: slices that differ -------------------------------------------------------------------
def odd_slice(slices, keyword, value):
    setattr(slices[5], keyword, value)


@pytest.mark.parametrize(
    ("keyword", "value", "code"),
    [
        ("PixelSpacing", ["0.8", "0.81"], "CF-D010a"),
        ("ImageOrientationPatient", ["-1", "0", "0", "0", "1", "0"], "CF-D010b"),
        ("ImageOrientationPatient", ["0.9998", "0.02", "0", "-0.02", "0.9998", "0"], "CF-D010b"),
        ("PatientPosition", "FFS", "CF-D010c"),
        ("PatientID", "SOMEBODY-ELSE", "CF-D021"),
        ("StudyInstanceUID", "1.2.3", "CF-D021a"),
        ("FrameOfReferenceUID", "1.2.3", "CF-D021b"),
        ("ImageLaterality", "L", "CF-D009a"),
    ],
)
def test_rows_9_10_and_21_one_slice_differs(tmp_path, hu, keyword, value, code):
    slices = ct_files.series(hu)
    odd_slice(slices, keyword, value)
    ct_files.save(slices, tmp_path)
    refused(code, tmp_path, names=["IM0006.dcm"])


@pytest.mark.parametrize(("keyword", "value"), [("ConvolutionKernel", "B31f"), ("SliceThickness", "3"), ("KVP", "80")])
def test_row_10_slices_that_were_not_made_alike(tmp_path, hu, keyword, value):
    slices = ct_files.series(hu)
    setattr(slices[7], keyword, value)
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D010e"}
    assert "IM0008.dcm" in next(f.message for f in result.findings if f.code == "CF-D010e")


def test_row_10_other_matrix(tmp_path, hu):
    slices = ct_files.series(hu)
    slices[5].Rows, slices[5].Columns = 128, 32
    ct_files.save(slices, tmp_path)
    refused("CF-D010", tmp_path, names=["IM0006.dcm"])


def test_row_10_other_modality_in_the_series(tmp_path, hu):
    slices = ct_files.series(hu)
    slices[5].Modality = "MR"
    ct_files.save(slices, tmp_path)
    refused("CF-D019", tmp_path, names=["IM0006.dcm"])


# --- row 19: what is not CT -----------------------------------------------------------------------
@pytest.mark.parametrize("modality", ["MR", "PT", "XA", ""])
def test_row_19_other_modality(tmp_path, hu, modality):
    ct_files.save_with(hu, tmp_path, Modality=modality)
    refused("CF-D019", tmp_path)


def test_row_19_secondary_capture(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ct_files.save(slices, tmp_path)
    refused("CF-D019", tmp_path)
    refused("CF-D019a", tmp_path, series="2")


def test_row_19_cone_beam(tmp_path, hu):
    ct_files.save_with(hu, tmp_path, ManufacturerModelName="NewTom 5G CBCT")
    refused("CF-D019b", tmp_path, names=["--allow-uncalibrated"])
    result = read_series(tmp_path, options=ReadOptions(allow_uncalibrated=True))
    assert exact(result, hu) and warnings(result) == {"CF-D019d"}


# --- row 28: burned-in text -----------------------------------------------------------------------
def test_row_28_burned_in_text(tmp_path, hu):
    ct_files.save_with(hu, tmp_path, BurnedInAnnotation="YES")
    assert warnings(read_series(tmp_path)) == {"CF-D028"}


# --- row 29: character sets -----------------------------------------------------------------------
def test_row_29_text_of_another_character_set(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.SeriesDescription = "Oberschenkel Łódź"
    ct_files.save(slices, tmp_path / "right")
    assert read_series(tmp_path / "right").volume.info.series_description == "Oberschenkel Łódź"
    for ds in slices:
        ds.SpecificCharacterSet = "ISO_IR 6"
        ct_files.set_text(ds, "SeriesDescription", "Łódź")
    ct_files.save(slices, tmp_path / "wrong")
    assert "CF-D029" in codes(read_series(tmp_path / "wrong"))
