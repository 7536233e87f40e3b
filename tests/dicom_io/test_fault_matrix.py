"""Every row of the fault matrix (docs/method/dicom.md): the test builds the fault and reads it back.

Either the exact volume comes out, with the findings that the row asks for, or one refusal with the
row's code that names the file. ``exact`` compares with the Hounsfield units that were put in.
"""

import os
import re
import threading
import zipfile

import ct_files
import numpy as np
import pytest

import dicom_io.limits as limits
from dicom_io import DicomError, ReadOptions, find_series, read_series
from sizing.findings import Level


@pytest.fixture
def hu():
    return ct_files.limb()


def codes(result):
    return {f.code for f in result.findings}


def warnings(result):
    return {f.code for f in result.findings if f.level is not Level.INFO}


def exact(result, hu):
    # Positions are fitted in floating point: 1e-9 mm is a thousand times their rounding error.
    return np.array_equal(result.volume.hu, hu) and result.volume.hu.dtype == np.int16


def refused(code, folder, *, names=(), **kwargs):
    with pytest.raises(DicomError) as caught:
        read_series(folder, **kwargs)
    assert caught.value.code == code, str(caught.value)
    for name in names:
        assert name in str(caught.value)
    return caught.value


def test_clean_series_is_exact_and_without_findings(tmp_path, hu):
    ct_files.save(ct_files.series(hu), tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and not result.findings
    geometry = result.volume.geometry
    assert np.allclose(geometry.index_to_lps((0, 0, 0)), (-25, -30, 100), atol=1e-9)
    assert np.allclose(geometry.index_to_lps((23, 63, 10)), (-25 + 8, -30 + 63 * 0.8, 100 + 34.5), atol=1e-9)


# --- row 1: missing interior slices ---------------------------------------------------------------
def test_row_1_one_missing_slice(tmp_path, hu):
    slices = ct_files.series(hu)
    ct_files.save(slices[:9] + slices[10:], tmp_path)
    error = refused("CF-D001", tmp_path, names=["IM0009.dcm", "IM0010.dcm", "3.000 mm", "24 slices", "--allow-gap 1"])
    assert error.exit_code == 3


def test_row_1_filled_when_asked(tmp_path, hu):
    slices = ct_files.series(hu)
    ct_files.save(slices[:9] + slices[10:], tmp_path)
    result = read_series(tmp_path, options=ReadOptions(allow_gap=1))
    assert "CF-D001a" in warnings(result) and result.volume.unmeasured_slices == (9,)
    assert np.array_equal(np.delete(result.volume.hu, 9, 0), np.delete(hu, 9, 0))
    # Linear interpolation rounds to whole HU: half a unit.
    assert np.abs(result.volume.hu[9] - (hu[8].astype(float) + hu[10]) / 2).max() <= 0.5


def test_row_1_neighbouring_slices_are_never_filled(tmp_path, hu):
    slices = ct_files.series(hu)
    ct_files.save(slices[:9] + slices[11:], tmp_path)
    refused("CF-D001", tmp_path, options=ReadOptions(allow_gap=5), names=["2 slices are missing"])


# --- row 2: ends ---------------------------------------------------------------------------------
def test_row_2_image_numbers_betray_a_missing_end(tmp_path, hu):
    ct_files.save(ct_files.series(hu)[3:], tmp_path)
    result = read_series(tmp_path)
    assert warnings(result) == {"CF-D002"} and exact(result, hu[3:])


def test_row_2_header_announces_more_images(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.NumberOfSeriesRelatedInstances = 30
    ct_files.save(slices, tmp_path)
    assert warnings(read_series(tmp_path)) == {"CF-D002a"}


def test_row_2_numbers_from_zero_are_fine(tmp_path, hu):
    slices = ct_files.series(hu)
    for k, ds in enumerate(slices):
        ds.InstanceNumber = k
    ct_files.save(slices, tmp_path)
    assert not read_series(tmp_path).findings


# --- rows 3 and 4: the same place twice ------------------------------------------------------------
def test_row_3_copied_file_counts_once(tmp_path, hu):
    paths = ct_files.save(ct_files.series(hu), tmp_path)
    (tmp_path / "copy of 5.dcm").write_bytes(paths[4].read_bytes())
    result = read_series(tmp_path)
    assert warnings(result) == {"CF-D003"} and exact(result, hu)


def test_row_3_same_pixels_under_another_uid_count_once(tmp_path, hu):
    slices = ct_files.series(hu)
    ct_files.save([*slices, ct_files.series(hu)[4]], tmp_path)
    for ds in slices:
        assert ds.SOPInstanceUID
    twin = ct_files.series(hu)[4]
    twin.SeriesInstanceUID, twin.StudyInstanceUID = slices[0].SeriesInstanceUID, slices[0].StudyInstanceUID
    twin.FrameOfReferenceUID = slices[0].FrameOfReferenceUID
    ct_files.save([*slices, twin], tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and "CF-D003" in warnings(result)


def test_row_3_one_uid_on_two_slices(tmp_path, hu):
    slices = ct_files.series(hu)
    slices[7].SOPInstanceUID = slices[6].SOPInstanceUID
    ct_files.save(slices, tmp_path)
    refused("CF-D003a", tmp_path, names=["IM0007.dcm", "IM0008.dcm"])


def test_row_3_one_image_under_two_positions(tmp_path, hu):
    slices = ct_files.series(hu)
    slices[7].PixelData = slices[6].PixelData
    ct_files.save(slices, tmp_path)
    refused("CF-D003b", tmp_path, names=["IM0007.dcm", "IM0008.dcm"])


def test_row_4_same_position_other_pixels(tmp_path, hu):
    slices = ct_files.series(hu)
    slices[7].ImagePositionPatient = slices[6].ImagePositionPatient
    ct_files.save(slices, tmp_path)
    refused("CF-D004", tmp_path, names=["IM0007.dcm", "IM0008.dcm"])


@pytest.mark.parametrize("keyword", ["AcquisitionNumber", "TriggerTime", "ContentTime", "ConvolutionKernel"])
def test_row_4_two_complete_stacks_are_offered(tmp_path, hu, keyword):
    first, second = ct_files.series(hu), ct_files.series(ct_files.limb(seed=9))
    for a, b in zip(first, second, strict=True):
        for name in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
            setattr(b, name, getattr(a, name))
        setattr(a, keyword, "1")
        setattr(b, keyword, "2")
    ct_files.save(first + second, tmp_path)
    code = "CF-D008" if keyword == "ConvolutionKernel" else "CF-D004a"
    refused(code, tmp_path, names=["2.1", "2.2", "--series"])
    assert exact(read_series(tmp_path, series="2.1"), hu)


# --- rows 5 and 6: spacing --------------------------------------------------------------------------
def uneven(slices, heights):
    for ds, z in zip(slices, heights, strict=True):
        ds.ImagePositionPatient = ["-25", "-30", f"{z:.6f}"]
    return slices


def exchange(slices, i, j, keyword):
    a, b = getattr(slices[i], keyword), getattr(slices[j], keyword)
    setattr(slices[i], keyword, b)
    setattr(slices[j], keyword, a)


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "PixelData"])
@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize(("i", "j"), [(5, 6), (5, 15), (0, 1)])
def test_row_4_exchanged_slices_are_found_by_their_content(tmp_path, hu, keyword, numbered, i, j):
    slices = ct_files.series(hu)
    exchange(slices, i, j, keyword)
    if not numbered:
        for ds in slices:
            del ds.InstanceNumber
    ct_files.save(slices, tmp_path)
    refused("CF-D004b", tmp_path, names=[f"IM{i + 1:04d}.dcm", f"IM{j + 1:04d}.dcm"])


@pytest.mark.parametrize("k", [1, 22])
def test_row_4_a_moved_slice_beside_the_end_is_not_taken_for_an_exchanged_one(tmp_path, hu, k):
    slices = ct_files.series(hu)
    hu[k] = np.roll(hu[k], 3, axis=0)
    ct_files.set_hu(slices[k], hu[k])
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D016h"}


def test_row_4_image_numbers_in_any_order_are_fine_where_the_content_agrees(tmp_path, hu):
    slices = ct_files.series(hu)
    for k, number in enumerate(np.random.default_rng(4).permutation(len(slices))):
        slices[k].InstanceNumber = int(number) + 1
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and not result.findings


def test_row_4_numbers_against_positions_where_the_content_cannot_tell(tmp_path):
    hu = np.repeat(ct_files.limb(noise_hu=0)[:1], 24, axis=0) + np.int16(0)
    hu += np.random.default_rng(5).normal(0, 15, hu.shape).astype(np.int16)  # a prism: only noise differs
    slices = ct_files.series(np.clip(hu, -1024, 3071))
    exchange(slices, 5, 6, "InstanceNumber")
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, np.clip(hu, -1024, 3071)) and warnings(result) == {"CF-D004c"}


def test_row_4_two_acquisitions_between_one_another(tmp_path, hu):
    both = [ct_files.series(hu), ct_files.series(ct_files.limb(seed=5), origin=(-25, -30, 100.75))]
    for number, slices in enumerate(both, start=1):
        for ds in slices:
            for keyword in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
                setattr(ds, keyword, getattr(both[0][0], keyword))
            ds.AcquisitionNumber = number
        ct_files.save(slices, tmp_path / str(number))
    refused("CF-D004a", tmp_path, names=["acquisition 1", "acquisition 2"])
    assert exact(read_series(tmp_path, series="2.1"), hu)


def test_row_4_acquisitions_one_after_the_other_are_one_stack(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices[12:]:
        ds.AcquisitionNumber = 2
    ct_files.save(slices, tmp_path)
    assert exact(read_series(tmp_path), hu)


def test_row_5_step_changes(tmp_path, hu):
    heights = np.concatenate([np.arange(12) * 1.5, 18 + np.arange(12) * 3.0])
    ct_files.save(uneven(ct_files.series(hu), heights), tmp_path)
    refused("CF-D005", tmp_path, names=["1.500 to 3.000 mm", "--resample"])


def test_row_5_resampled_when_asked(tmp_path, hu):
    heights = np.concatenate([np.arange(12) * 1.5, 16.5 + np.arange(1, 13) * 3.0])
    ct_files.save(uneven(ct_files.series(hu), heights), tmp_path)
    result = read_series(tmp_path, options=ReadOptions(resample=True))
    assert "CF-D005a" in warnings(result) and result.volume.hu.shape[0] == 36
    assert result.volume.geometry.slice_step_mm == pytest.approx(1.5, abs=1e-9)
    assert result.volume.unmeasured_slices == tuple(range(12, 36, 2))
    measured = np.delete(result.volume.hu, list(range(12, 36, 2)), 0)
    assert np.array_equal(measured, hu)


def test_row_5_one_percent_more_is_too_much(tmp_path, hu):
    heights = np.arange(24) * 1.5
    heights[11:] += 0.02
    ct_files.save(uneven(ct_files.series(hu), heights), tmp_path)
    refused("CF-D005", tmp_path)


def test_row_5_a_slice_moved_sideways(tmp_path, hu):
    slices = ct_files.series(hu)
    x, y, z = slices[10].ImagePositionPatient
    slices[10].ImagePositionPatient = [x + 12, y, z]
    ct_files.save(slices, tmp_path)
    refused("CF-D005b", tmp_path, names=["IM0011.dcm"])


def test_row_6_jitter_of_micrometres_is_fitted(tmp_path, hu):
    heights = 100 + np.arange(24) * 1.5 + np.where(np.arange(24) % 2, 2e-6, -2e-6) * 1000
    ct_files.save(uneven(ct_files.series(hu), heights), tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and not result.findings
    assert result.volume.geometry.slice_step_mm == pytest.approx(1.5, abs=1e-3)


def test_row_6_jitter_of_more_is_said(tmp_path, hu):
    heights = 100 + np.arange(24) * 3.0 + np.where(np.arange(24) % 4 == 1, 0.015, 0)
    ct_files.save(uneven(ct_files.series(hu), heights), tmp_path)
    assert "CF-D006" in warnings(read_series(tmp_path))


# --- row 7: tilt ------------------------------------------------------------------------------------
@pytest.mark.parametrize("tag", [None, "15", "0"])
def test_row_7_tilt_comes_from_positions_alone(tmp_path, hu, tag):
    angle = np.radians(15)
    step = (0, 1.5 * np.tan(angle), 1.5)
    slices = ct_files.series(hu, step=step)
    for ds in slices:
        if tag is not None:
            ds.GantryDetectorTilt = tag
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert warnings(result) == {"CF-D007"} and exact(result, hu)
    assert "15.0 degrees" in next(f.message for f in result.findings if f.code == "CF-D007")
    assert np.allclose(result.volume.geometry.affine[:3, 0], step, atol=1e-9)


def test_row_7_tilt_that_only_the_header_tells(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.GantryDetectorTilt = "15"
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D007b"}


def test_row_7_more_than_a_gantry_can(tmp_path, hu):
    ct_files.save(ct_files.series(hu, step=(0, 1.5, 1.5)), tmp_path)
    refused("CF-D007a", tmp_path, names=["45.0 degrees"])


# --- rows 8 and 10: several series, odd slices --------------------------------------------------------
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


# --- row 9: any orientation ---------------------------------------------------------------------------
def rotation(seed):
    q = np.random.default_rng(seed).normal(size=4)
    w, x, y, z = q / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


@pytest.mark.parametrize(
    "orientation", [(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0), (0, 1, 0, -1, 0, 0), (-1, 0, 0, 0, 1, 0)]
)
def test_row_9_supine_prone_and_decubitus(tmp_path, hu, orientation):
    ct_files.save(ct_files.series(hu, orientation=orientation), tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and not result.findings
    affine = result.volume.geometry.affine
    assert np.allclose(affine[:3, 2], np.array(orientation[:3]) * 0.8, atol=1e-9)
    assert np.allclose(affine[:3, 1], np.array(orientation[3:]) * 0.8, atol=1e-9)


def test_row_9_oblique_slices_are_said(tmp_path, hu):
    turn = rotation(5)
    ct_files.save(ct_files.series(hu, orientation=(*turn[:, 0], *turn[:, 1])), tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D009"}


# --- rows 11 to 13 and 20: values -----------------------------------------------------------------------
def test_row_11_rescale_differs_from_slice_to_slice(tmp_path, hu):
    slices = ct_files.series(hu)
    for k, ds in enumerate(slices):
        ct_files.set_hu(ds, hu[k], slope=1 + k % 2, intercept=-1024 - 2 * (k % 3)) if k % 2 == 0 else None
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and codes(result) == {"CF-D011b"}


@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
def test_row_11_missing_rescale(tmp_path, hu, keyword):
    slices = ct_files.series(hu, intercept=0)
    for ds in slices:
        delattr(ds, keyword)
    ct_files.save(slices, tmp_path)
    refused("CF-D011", tmp_path, names=["IM0001.dcm", "--assume-hu"])
    result = read_series(tmp_path, options=ReadOptions(assume_hu=True))
    assert exact(result, hu) and warnings(result) == {"CF-D011a"}


def test_row_11_one_changed_intercept_is_found_by_the_tissue(tmp_path, hu):
    slices = ct_files.series(hu)
    slices[8].RescaleIntercept = "0"
    ct_files.save(slices, tmp_path)
    refused("CF-D011c", tmp_path, names=["IM0009.dcm"])


def test_row_11_lost_intercept(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.RescaleIntercept = "0"
    ct_files.save(slices, tmp_path)
    refused("CF-D011e", tmp_path)
    assert "CF-D019d" in warnings(read_series(tmp_path, options=ReadOptions(allow_uncalibrated=True)))


def test_row_11_no_soft_tissue_where_there_is_air(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.RescaleSlope = "2"  # air still measures -976
    ct_files.save(slices, tmp_path)
    assert "CF-D011d" in warnings(read_series(tmp_path))


def test_row_11_air_is_not_air(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.RescaleIntercept = "-824"
    ct_files.save(slices, tmp_path)
    assert "CF-D011d" in warnings(read_series(tmp_path))


@pytest.mark.parametrize(
    ("keyword", "value", "code"),
    [("RescaleType", "ED", "CF-D011f"), ("RescaleSlope", "0", "CF-D011g"), ("RescaleSlope", "-1", "CF-D011g")],
)
def test_row_11_rescale_that_is_none(tmp_path, hu, keyword, value, code):
    slices = ct_files.series(hu)
    setattr(slices[4], keyword, value)
    ct_files.save(slices, tmp_path)
    refused(code, tmp_path, names=["IM0005.dcm"])


def test_row_12_padding_becomes_air(tmp_path, hu):
    slices = ct_files.series(hu, intercept=0)
    corner = np.hypot(*np.mgrid[-32:32, -32:32]) > 33
    for k, ds in enumerate(slices):
        padded = np.where(corner, -2000, hu[k])
        ct_files.set_hu(ds, padded, intercept=0)
        ds.PixelPaddingValue = -2000
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, np.where(corner, -1000, hu)) and codes(result) == {"CF-D012"}


def test_row_12_values_below_air_without_a_padding_tag(tmp_path, hu):
    slices = ct_files.series(hu, intercept=0)
    corner = np.hypot(*np.mgrid[-32:32, -32:32]) > 33
    for k, ds in enumerate(slices):
        ct_files.set_hu(ds, np.where(corner, -3024, hu[k]), intercept=0)
    ct_files.save(slices, tmp_path)
    assert exact(read_series(tmp_path), np.where(corner, -1000, hu))


def test_row_12_padding_range_of_unsigned_values(tmp_path, hu):
    slices = ct_files.series(hu)
    corner = np.hypot(*np.mgrid[-32:32, -32:32]) > 33
    for k, ds in enumerate(slices):
        ct_files.set_hu(ds, np.where(corner, 40000 - 1024, hu[k]), signed=False, bits=16)
        ds.PixelPaddingValue, ds.PixelPaddingRangeLimit = 39000, 41000
    ct_files.save(slices, tmp_path)
    assert exact(read_series(tmp_path), np.where(corner, -1000, hu))


def test_row_12_padding_value_of_tissue_spares_the_tissue(tmp_path, hu):
    slices = ct_files.series(hu, intercept=0)
    for ds in slices:
        ds.PixelPaddingValue = 55  # muscle: about one voxel in forty of the limb
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D012a"}


@pytest.mark.parametrize("signed", [False, True])
def test_row_13_dirty_high_bits_are_cut(tmp_path, hu, signed):
    low = np.clip(hu, -1024, 1023 if signed else 3071)
    slices = ct_files.series(low)
    for k, ds in enumerate(slices):
        ct_files.set_hu(ds, low[k], intercept=0 if signed else -1024, signed=signed, bits=12)
        stored = np.frombuffer(ds.PixelData, "<u2") & 0x0FFF
        dirt = np.where(np.arange(stored.size) % 7 == 0, 0x5000, 0).astype("<u2")
        ds.PixelData = (stored | dirt).tobytes()
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, low) and "CF-D013b" in codes(result)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"HighBit": 15}, "CF-D013a"),
        ({"BitsAllocated": 8}, "CF-D013"),
        ({"BitsAllocated": 32}, "CF-D013"),
        ({"BitsStored": 17, "HighBit": 16}, "CF-D013"),
        ({"BitsStored": 0}, "CF-D013"),
        ({"PixelRepresentation": 7}, "CF-D013"),
        ({"SamplesPerPixel": 3}, "CF-D019c"),
        ({"PhotometricInterpretation": "RGB"}, "CF-D019c"),
        ({"RescaleSlope": "1000"}, "CF-D013c"),
    ],
)
def test_row_13_pixel_formats_that_are_none(tmp_path, hu, changes, code):
    slices = ct_files.series(hu)
    for keyword, value in changes.items():
        setattr(slices[3], keyword, value)
    ct_files.save(slices, tmp_path)
    refused(code, tmp_path, names=["IM0004.dcm"])


def test_row_13_wrong_sign_in_one_slice(tmp_path, hu):
    slices = ct_files.series(hu, intercept=0)
    for ds in slices:
        ds.BitsStored, ds.HighBit = 16, 15
    slices[9].PixelRepresentation = 0
    ct_files.save(slices, tmp_path)
    with pytest.raises(DicomError) as caught:
        read_series(tmp_path)
    assert caught.value.code in {"CF-D013c", "CF-D011c"} and "IM0010.dcm" in str(caught.value)


def test_row_20_monochrome1_is_not_inverted(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.PhotometricInterpretation = "MONOCHROME1"
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D020"}


# --- row 16: damaged files ------------------------------------------------------------------------------
def test_row_16_a_slice_unlike_its_neighbours_is_said(tmp_path, hu):
    slices = ct_files.series(hu)
    hu[9] = hu[9][:, ::-1]
    ct_files.set_hu(slices[9], hu[9])
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D016h"}


def test_row_16_last_slice_half_written(tmp_path, hu):
    slices = ct_files.series(hu)
    slices[-1].PixelData = slices[-1].PixelData[:2200] + bytes(len(slices[-1].PixelData) - 2200)
    ct_files.save(slices, tmp_path)
    refused("CF-D016g", tmp_path, names=["IM0024.dcm", "breaks off"])


def test_row_2_blank_slice_at_the_end_is_said(tmp_path, hu):
    slices = ct_files.series(hu)
    slices[-1].PixelData = bytes(len(slices[-1].PixelData))
    hu[-1] = -1024
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D002c"}


@pytest.mark.parametrize("how", ["zero", "absent"])
def test_row_16_no_matrix(tmp_path, hu, how):
    slices = ct_files.series(hu)
    if how == "zero":
        slices[-1].Rows = 0
    else:
        del slices[-1].Rows
    ct_files.save(slices, tmp_path)
    refused("CF-D016c", tmp_path, names=["IM0024.dcm", "Rows 0"])


@pytest.mark.parametrize("keep", [0, 1, 100, 131, 140, 300, 700, -1, -4000])
def test_row_16_cut_file(tmp_path, hu, keep):
    paths = ct_files.save(ct_files.series(hu), tmp_path)
    data = paths[-1].read_bytes()  # the last slice: its loss would not show in the geometry
    paths[-1].write_bytes(data[:keep])
    with pytest.raises(DicomError) as caught:
        read_series(tmp_path)
    assert caught.value.code.startswith("CF-D016") and "IM0024.dcm" in str(caught.value)


def test_row_16_no_pixel_data(tmp_path, hu):
    slices = ct_files.series(hu)
    del slices[3].PixelData
    ct_files.save(slices, tmp_path)
    refused("CF-D016c", tmp_path, names=["IM0004.dcm"])


def test_row_16_too_much_pixel_data(tmp_path, hu):
    slices = ct_files.series(hu)
    slices[3].PixelData += bytes(128)
    ct_files.save(slices, tmp_path)
    refused("CF-D016d", tmp_path, names=["8192 bytes"])


def test_row_16_overwritten_with_text(tmp_path, hu):
    paths = ct_files.save(ct_files.series(hu), tmp_path)
    paths[-1].write_text("<html>404 not found</html>")
    refused("CF-D016a", tmp_path, names=["IM0024.dcm"])


@pytest.mark.parametrize("part", ["all", "lower half", "noise"])
def test_row_16_blank_or_garbled_pixels(tmp_path, hu, part):
    slices = ct_files.series(hu)
    data = bytearray(slices[12].PixelData)
    half = len(data) // 2
    if part == "noise":
        data[:] = np.random.default_rng(0).integers(0, 4096, len(data) // 2).astype("<u2").tobytes()
    else:
        data[0 if part == "all" else half :] = bytes(len(data) - (0 if part == "all" else half))
    slices[12].PixelData = bytes(data)
    ct_files.save(slices, tmp_path)
    refused("CF-D016g", tmp_path, names=["IM0013.dcm"])


# --- rows 17 and 18: numbers -----------------------------------------------------------------------------
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
    slices = ct_files.series(hu)
    for ds in slices:
        ds.SOPClassUID = ""
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D018b"}


# --- row 19: what is not CT -------------------------------------------------------------------------------
@pytest.mark.parametrize("modality", ["MR", "PT", "XA", ""])
def test_row_19_other_modality(tmp_path, hu, modality):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.Modality = modality
    ct_files.save(slices, tmp_path)
    refused("CF-D019", tmp_path)


def test_row_19_secondary_capture(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ct_files.save(slices, tmp_path)
    refused("CF-D019", tmp_path)
    refused("CF-D019a", tmp_path, series="2")


def test_row_19_cone_beam(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.ManufacturerModelName = "NewTom 5G CBCT"
    ct_files.save(slices, tmp_path)
    refused("CF-D019b", tmp_path, names=["--allow-uncalibrated"])
    result = read_series(tmp_path, options=ReadOptions(allow_uncalibrated=True))
    assert exact(result, hu) and warnings(result) == {"CF-D019d"}


# --- rows 22 to 26, 28, 29: what a person should know ---------------------------------------------------------
@pytest.mark.parametrize("n", [1, 2, 9])
def test_row_22_too_few_slices(tmp_path, hu, n):
    ct_files.save(ct_files.series(hu)[:n], tmp_path)
    refused("CF-D022", tmp_path, names=["at least 10"])


def test_rows_22_and_23_coarse_voxels(tmp_path, hu):
    ct_files.save(ct_files.series(hu, spacing_mm=(3.27, 0.98, 0.98)), tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D022a"}
    text = next(f.message for f in result.findings if f.code == "CF-D022a")
    assert "0.98 mm in the plane" in text and "voxels 3.27 mm high" in text  # one finding for all of it


def test_row_23_tall_voxels_that_are_fine_in_the_plane(tmp_path, hu):
    ct_files.save(ct_files.series(hu, spacing_mm=(2.0, 0.5, 0.5)), tmp_path)
    assert warnings(read_series(tmp_path)) == {"CF-D023"}


def test_row_23_overlapping_slices_are_fine(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.SliceThickness = "3.0"
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and not result.findings and result.volume.geometry.slice_step_mm == pytest.approx(1.5)


def test_row_24_header_of_a_giant(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.Rows = ds.Columns = 60000
    ct_files.save(slices, tmp_path)
    refused("CF-D024", tmp_path, names=["60000"])


def test_row_24_more_than_the_memory(tmp_path, hu, monkeypatch):
    monkeypatch.setattr(limits, "MAX_VOLUME_BYTES", 1000)
    ct_files.save(ct_files.series(hu), tmp_path)
    refused("CF-D024", tmp_path, names=["24 x 64 x 64"])


def test_row_25_contrast_and_soft_kernel(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.ContrastBolusAgent, ds.ConvolutionKernel = "IOMERON 300", "B31f"
    ct_files.save(slices, tmp_path)
    assert warnings(read_series(tmp_path)) == {"CF-D025", "CF-D025a"}


def test_row_26_metal_is_located(tmp_path, hu):
    hu[10:14, 20:24, 30:34] = 3071
    ct_files.save(ct_files.series(hu), tmp_path)
    result = read_series(tmp_path)
    finding = next(f for f in result.findings if f.code == "CF-D026")
    # Centre of the block: index (11.5, 21.5, 31.5).
    assert re.search(r"64 voxels .* 3071, where .*\(0, -13, 117\)", finding.message), finding.message


def test_row_28_burned_in_text(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.BurnedInAnnotation = "YES"
    ct_files.save(slices, tmp_path)
    assert warnings(read_series(tmp_path)) == {"CF-D028"}


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


# --- rows 30 to 35: sources ------------------------------------------------------------------------------------
def test_row_30_names_and_texts_cannot_break_a_sentence(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ct_files.set_text(ds, "SeriesDescription", "Thigh\x07\nred")
    paths = ct_files.save(slices, tmp_path, "IM\n{:04d}.dcm".format)
    assert "\n" not in read_series(tmp_path).manifest[0][0]
    assert find_series(tmp_path)[0].description.isprintable()
    paths[3].write_bytes(paths[3].read_bytes()[:-500])
    assert str(refused("CF-D016d", tmp_path)).isprintable()
    os.rename(os.fsencode(paths[3]), os.fsencode(tmp_path) + b"/IM\xff.dcm")  # no text in any encoding
    assert str(refused("CF-D016d", tmp_path)).encode()


def test_row_30_nested_without_extensions_and_junk_beside(tmp_path, hu):
    paths = ct_files.save(ct_files.series(hu), tmp_path / "a b" / "ü", "IM{}".format)
    (tmp_path / "a b" / "ü" / "notes").write_text("a text")
    (tmp_path / "a b" / "ü" / "Thumbs.db").write_bytes(bytes(300))
    (tmp_path / "a b" / ".DS_Store").write_bytes(bytes(300))
    assert len(paths) == 24
    result = read_series(tmp_path)
    assert exact(result, hu) and codes(result) == {"CF-D030a"}


def test_row_30_bare_data_sets(tmp_path, hu):
    for path in ct_files.save(ct_files.series(hu), tmp_path):
        data = path.read_bytes()
        length = int.from_bytes(data[140:144], "little")
        path.write_bytes(data[144 + length :])
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D030b"}


def test_row_30_nothing_there(tmp_path):
    (tmp_path / "readme.txt").write_text("nothing")
    refused("CF-D030", tmp_path, names=["1 other files"])


def test_row_31_zip(tmp_path, hu):
    paths = ct_files.save(ct_files.series(hu), tmp_path / "ct")
    with zipfile.ZipFile(tmp_path / "scan.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.write(path, f"deep/er/{path.name}")
        archive.writestr("__MACOSX/deep/er/._IM0001.dcm", b"x" * 200)
    result = read_series(tmp_path / "scan.zip")
    assert exact(result, hu) and result.manifest[0][0] == "deep/er/IM0001.dcm"
    assert [m[1:] for m in result.manifest] == [m[1:] for m in read_series(tmp_path / "ct").manifest]


@pytest.mark.parametrize("name", ["../evil.dcm", "/abs.dcm", "C:\\x.dcm", "a\\..\\..\\b.dcm", "inner.zip", "x.tar.gz"])
def test_row_31_zip_with_forbidden_names(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        archive.writestr(name, b"x" * 200)
    refused("CF-D031", tmp_path / "scan.zip")


def test_row_31_zip_with_a_link(tmp_path):
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        info = zipfile.ZipInfo("link.dcm")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    refused("CF-D031", tmp_path / "scan.zip", names=["link"])


def test_row_31_other_archives_and_damaged_ones(tmp_path, hu):
    (tmp_path / "scan.tar.gz").write_bytes(b"\x1f\x8b" + bytes(100))
    refused("CF-D031", tmp_path / "scan.tar.gz")
    (tmp_path / "scan.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    refused("CF-D031", tmp_path / "scan.zip")
    paths = ct_files.save(ct_files.series(hu), tmp_path / "ct")
    with zipfile.ZipFile(tmp_path / "good.zip", "w", zipfile.ZIP_STORED) as archive:
        for path in paths:
            archive.write(path, path.name)
    data = bytearray((tmp_path / "good.zip").read_bytes())
    data[9000] ^= 255  # in the pixels of the first slice: the check sum of the zip file tells
    (tmp_path / "good.zip").write_bytes(data)
    refused("CF-D031", tmp_path / "good.zip", names=["IM0001.dcm"])


def test_row_32_pipes_and_links(tmp_path, hu):
    paths = ct_files.save(ct_files.series(hu), tmp_path / "ct")
    os.mkfifo(tmp_path / "ct" / "pipe.dcm")
    (tmp_path / "ct" / "loop").symlink_to(tmp_path / "ct", target_is_directory=True)
    (tmp_path / "ct" / "passwd.dcm").symlink_to("/etc/passwd")
    (tmp_path / "ct" / "again.dcm").symlink_to(paths[3])
    done = []
    thread = threading.Thread(target=lambda: done.append(read_series(tmp_path / "ct")), daemon=True)
    thread.start()
    thread.join(20)
    assert done, "reading hangs on a pipe"
    assert exact(done[0], hu) and warnings(done[0]) == {"CF-D003", "CF-D032a"}
    refused("CF-D032", tmp_path / "ct" / "pipe.dcm")


def test_row_33_paths_that_cannot_be_read(tmp_path, hu):
    refused("CF-D033", tmp_path / "absent")
    refused("CF-D033", tmp_path / "nul\0byte")
    refused("CF-D033", tmp_path / ("x" * 5000))
    paths = ct_files.save(ct_files.series(hu), tmp_path)
    found = find_series(tmp_path)
    paths[3].unlink()
    refused("CF-D033", found, names=["IM0004.dcm"])


def test_row_34_archive_bomb(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.dcm", bytes(200_000_000))
    refused("CF-D034", tmp_path / "bomb.zip")


def test_row_35_file_changes_between_looking_and_reading(tmp_path, hu):
    paths = ct_files.save(ct_files.series(hu), tmp_path)
    found = find_series(tmp_path)
    paths[3].write_bytes(paths[3].read_bytes() + b"\0\0")
    refused("CF-D035", found, names=["IM0004.dcm"])


def test_row_35_manifest_is_the_hash_of_every_file(tmp_path, hu):
    import hashlib

    slices = ct_files.series(hu)
    paths = ct_files.save(slices, tmp_path)
    expected = [
        (p.name, hashlib.sha256(p.read_bytes()).hexdigest(), ds.SOPInstanceUID)
        for p, ds in zip(paths, slices, strict=True)
    ]
    assert list(read_series(tmp_path).manifest) == expected
