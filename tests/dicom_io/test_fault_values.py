"""Rows 11 to 13, 20, 25 and 26 of the fault matrix: what the stored values mean."""

import re

import ct_files
import numpy as np
import pytest
from outcome import codes, exact, refused, warnings

from dicom_io import DicomError, ReadOptions, read_series


# --- row 11: rescale ------------------------------------------------------------------------------
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


@pytest.mark.parametrize("k", [0, 8, 23])
def test_row_11_an_intercept_that_leaves_nothing_but_air(tmp_path, hu, k):
    slices = ct_files.series(hu)
    slices[k].RescaleIntercept = "-10240"
    ct_files.save(slices, tmp_path)
    refused("CF-D011c", tmp_path, names=[f"IM{k + 1:04d}.dcm", "below air"])


@pytest.mark.parametrize("shift", [-900, -70, -30, -10, 10, 70])
@pytest.mark.parametrize("shape", [(24, 64, 64), (12, 24, 24)])
def test_row_11_an_intercept_that_moves_one_slice_is_found(tmp_path, shift, shape):
    # A slice that is too low by 70 HU has all its air below -1024 HU: padding, which becomes air again.
    slices = ct_files.series(ct_files.limb(shape))
    slices[8].RescaleIntercept = str(-1024 + shift)
    ct_files.save(slices, tmp_path)
    refused("CF-D011c", tmp_path, names=["IM0009.dcm"])


@pytest.mark.parametrize("seed", range(3))
def test_row_11_every_slice_with_a_rescale_of_its_own_is_fine(tmp_path, hu, seed):
    rng = np.random.default_rng(seed)
    slices = ct_files.series(hu)
    for k, ds in enumerate(slices):  # whole numbers, so that the values come back as they were put in
        ct_files.set_hu(ds, hu[k], intercept=-1024 - int(rng.integers(0, 200)))
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and codes(result) == {"CF-D011b"} and not warnings(result)


def test_row_11_lost_intercept(tmp_path, hu):
    ct_files.save_with(hu, tmp_path, RescaleIntercept="0")
    refused("CF-D011e", tmp_path)
    assert "CF-D019d" in warnings(read_series(tmp_path, options=ReadOptions(allow_uncalibrated=True)))


def test_row_11_no_soft_tissue_where_there_is_air(tmp_path, hu):
    ct_files.save_with(hu, tmp_path, RescaleSlope="2")  # air still measures -976
    assert "CF-D011d" in warnings(read_series(tmp_path))


def test_row_11_air_is_not_air(tmp_path, hu):
    ct_files.save_with(hu, tmp_path, RescaleIntercept="-824")
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


# --- row 12: padding ------------------------------------------------------------------------------
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


# --- row 13: pixel formats ------------------------------------------------------------------------
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


# --- row 20: polarity -----------------------------------------------------------------------------
def test_row_20_monochrome1_is_not_inverted(tmp_path, hu):
    ct_files.save_with(hu, tmp_path, PhotometricInterpretation="MONOCHROME1")
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D020"}


# --- row 25: contrast and kernel ------------------------------------------------------------------
def test_row_25_contrast_and_soft_kernel(tmp_path, hu):
    ct_files.save_with(hu, tmp_path, ContrastBolusAgent="IOMERON 300", ConvolutionKernel="B31f")
    assert warnings(read_series(tmp_path)) == {"CF-D025", "CF-D025a"}


# --- row 26: metal --------------------------------------------------------------------------------
def test_row_26_metal_is_located(tmp_path, hu):
    hu[10:14, 20:24, 30:34] = 3071
    ct_files.save(ct_files.series(hu), tmp_path)
    result = read_series(tmp_path)
    finding = next(f for f in result.findings if f.code == "CF-D026")
    # Centre of the block: index (11.5, 21.5, 31.5).
    assert re.search(r"64 voxels .* 3071, where .*\(0, -13, 117\)", finding.message), finding.message
