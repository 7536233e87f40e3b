"""Rows 1 to 7, 9 and 22 to 24 of the fault matrix: where the slices lie."""

import ct_files
import numpy as np
import pytest
from outcome import exact, refused, warnings

import dicom_io.limits as limits
from dicom_io import ReadOptions, read_series


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
    assert warnings(result) == {"CF-D001a"} and result.volume.unmeasured_slices == (9,)  # said once
    assert np.array_equal(np.delete(result.volume.hu, 9, 0), np.delete(hu, 9, 0))
    # Linear interpolation rounds to whole HU: half a unit.
    assert np.abs(result.volume.hu[9] - (hu[8].astype(float) + hu[10]) / 2).max() <= 0.5


def test_row_1_a_filled_gap_and_a_missing_end_are_two_things(tmp_path, hu):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.NumberOfSeriesRelatedInstances = 24
    ct_files.save(slices[2:9] + slices[10:], tmp_path)
    result = read_series(tmp_path, options=ReadOptions(allow_gap=1))
    assert warnings(result) == {"CF-D001a", "CF-D002", "CF-D002a"} and result.volume.unmeasured_slices == (7,)


def test_row_1_neighbouring_slices_are_never_filled(tmp_path, hu):
    slices = ct_files.series(hu)
    ct_files.save(slices[:9] + slices[11:], tmp_path)
    refused("CF-D001", tmp_path, options=ReadOptions(allow_gap=5), names=["2 slices are missing"])


# --- row 2: ends ----------------------------------------------------------------------------------
def test_row_2_image_numbers_betray_a_missing_end(tmp_path, hu):
    ct_files.save(ct_files.series(hu)[3:], tmp_path)
    result = read_series(tmp_path)
    assert warnings(result) == {"CF-D002"} and exact(result, hu[3:])


def test_row_2_header_announces_more_images(tmp_path, hu):
    ct_files.save_with(hu, tmp_path, NumberOfSeriesRelatedInstances=30)
    assert warnings(read_series(tmp_path)) == {"CF-D002a"}


def test_row_2_numbers_from_zero_are_fine(tmp_path, hu):
    slices = ct_files.series(hu)
    for k, ds in enumerate(slices):
        ds.InstanceNumber = k
    ct_files.save(slices, tmp_path)
    assert not read_series(tmp_path).findings


def test_row_2_blank_slice_at_the_end_is_said(tmp_path, hu):
    slices = ct_files.series(hu)
    slices[-1].PixelData = bytes(len(slices[-1].PixelData))
    hu[-1] = -1024
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D002c"}


# --- row 3: the same image twice ------------------------------------------------------------------
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


# --- row 4: two images at one place, and slices in the wrong order --------------------------------
def uneven(slices, heights):
    for ds, z in zip(slices, heights, strict=True):
        ds.ImagePositionPatient = ["-25", "-30", f"{z:.6f}"]
    return slices


def exchange(slices, i, j, keyword):
    a, b = getattr(slices[i], keyword), getattr(slices[j], keyword)
    setattr(slices[i], keyword, b)
    setattr(slices[j], keyword, a)


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


# --- row 5: uneven spacing ------------------------------------------------------------------------
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


# --- row 6: jitter --------------------------------------------------------------------------------
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


# --- row 7: tilt ----------------------------------------------------------------------------------
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
    ct_files.save_with(hu, tmp_path, GantryDetectorTilt="15")
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D007b"}


def test_row_7_more_than_a_gantry_can(tmp_path, hu):
    ct_files.save(ct_files.series(hu, step=(0, 1.5, 1.5)), tmp_path)
    refused("CF-D007a", tmp_path, names=["45.0 degrees"])


# --- row 9: any orientation -----------------------------------------------------------------------
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
    ("position", "orientation"),
    [
        ("HFS", (1, 0, 0, 0, 1, 0)),
        ("HFP", (-1, 0, 0, 0, -1, 0)),
        ("HFDR", (0, 1, 0, -1, 0, 0)),
        ("FFS", (-1, 0, 0, 0, 1, 0)),
    ],
)
def test_row_9_supine_prone_and_decubitus(tmp_path, hu, position, orientation):
    slices = ct_files.series(hu, orientation=orientation)
    for ds in slices:
        ds.PatientPosition = position
    ct_files.save(slices, tmp_path)
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


# --- row 22: too few or coarse slices -------------------------------------------------------------
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


# --- row 23: tall voxels and overlap --------------------------------------------------------------
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


# --- row 24: size ---------------------------------------------------------------------------------
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
