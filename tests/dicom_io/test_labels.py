"""Masks from elsewhere: written by SimpleITK and highdicom, read back voxel for voxel and millimetre for millimetre."""

import gzip

import ct_files
import numpy as np
import pydicom
import pytest

from dicom_io import DicomError, read_labels, read_series
from sizing.geometry import VolumeGeometry

sitk = pytest.importorskip("SimpleITK", reason="SimpleITK, the independent writer, is not installed")
SHAPE = (14, 20, 26)


def labels_array(dtype=np.uint8):
    out = np.zeros(SHAPE, dtype)
    out[3:10, 5:12, 8:20] = 1
    out[4:9, 7:10, 10:15] = 7
    return out


def oblique_image(array, turn=0.4):
    image = sitk.GetImageFromArray(array)
    c, s = np.cos(turn), np.sin(turn)
    image.SetDirection([c, -s, 0, s, c, 0, 0, 0, 1])
    image.SetSpacing([0.7, 0.8, 1.5])
    image.SetOrigin([-31.5, 12.25, 404.0])
    return image


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
def test_itk_files(tmp_path, suffix, dtype):
    image = oblique_image(labels_array(dtype))
    path = tmp_path / f"mask{suffix}"
    sitk.WriteImage(image, str(path), useCompression=suffix != ".nii")
    result = read_labels(path)
    assert np.array_equal(result.labels, labels_array()) and result.labels.dtype == np.uint8
    for index in [(0, 0, 0), (13, 19, 25), (5, 2, 17)]:
        expected = image.TransformIndexToPhysicalPoint(index[::-1])
        # NIfTI stores the affine in single precision: 404 mm is good to 3e-5.
        assert np.allclose(result.geometry.index_to_lps(index), expected, atol=1e-4)


def test_nifti_by_quaternion_alone(tmp_path):
    path = tmp_path / "mask.nii"
    image = oblique_image(labels_array())
    sitk.WriteImage(image, str(path))
    data = bytearray(path.read_bytes())
    data[254:256] = b"\0\0"  # no sform
    path.write_bytes(data)
    expected = image.TransformIndexToPhysicalPoint((25, 19, 13))
    assert np.allclose(read_labels(path).geometry.index_to_lps((13, 19, 25)), expected, atol=1e-4)
    data[252:254] = b"\0\0"  # no qform either
    path.write_bytes(data)
    with pytest.raises(DicomError, match=r"CF-D036: the mask says not where it lies"):
        read_labels(path)


def test_slicer_names(tmp_path):
    path = tmp_path / "mask.seg.nrrd"
    image = oblique_image(labels_array())
    image.SetMetaData("Segment0_Name", "femur stump")
    image.SetMetaData("Segment0_LabelValue", "7")
    sitk.WriteImage(image, str(path))
    result = read_labels(path)
    assert result.names == {7: "femur stump"}
    expected = labels_array() == 7
    assert np.array_equal(result.mask_of("Femur Stump"), expected) and np.array_equal(result.mask_of(7), expected)
    assert np.array_equal(result.mask_of(), labels_array() > 0)
    with pytest.raises(DicomError, match=r"CF-D036b.*no label 'tibia'.*1, 7 femur stump"):
        result.mask_of("tibia")


def test_on_the_grid_of_the_ct(tmp_path):
    """A mask on a grid of half the resolution lands where the CT has the same points."""
    fine = VolumeGeometry((20, 30, 40), np.diag([1.0, 0.5, 0.5, 1.0])[[2, 1, 0, 3]])
    coarse = np.zeros((10, 15, 20), np.uint8)
    coarse[2:5, 4:9, 6:12] = 3
    image = sitk.GetImageFromArray(coarse)
    image.SetSpacing([1.0, 1.0, 2.0])
    image.SetOrigin([0.25, 0.25, 0.5])
    sitk.WriteImage(image, str(tmp_path / "mask.nrrd"))
    placed = read_labels(tmp_path / "mask.nrrd").on_grid(fine)
    expected = np.kron(coarse, np.ones((2, 2, 2), np.uint8))
    assert np.array_equal(placed.labels, expected)
    far = VolumeGeometry((20, 30, 40), fine.affine + np.array([[0, 0, 0, 500], [0] * 4, [0] * 4, [0] * 4]))
    with pytest.raises(DicomError, match=r"CF-D036c: mask and scan do not overlap"):
        read_labels(tmp_path / "mask.nrrd").on_grid(far)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_dicom_seg_of_highdicom(tmp_path, kind):
    hd = pytest.importorskip("highdicom", reason="highdicom, the independent writer, is not installed")
    from pydicom.sr.codedict import codes

    slices = ct_files.series(ct_files.limb((14, 20, 26)))
    ct_files.save(slices, tmp_path / "ct")
    volume = read_series(tmp_path / "ct").volume
    mask = labels_array() > 0
    describe = hd.seg.SegmentDescription(
        segment_number=1,
        segment_label="femur stump",
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=codes.SCT.Bone,
        algorithm_type="MANUAL",
    )
    seg = hd.seg.Segmentation(
        source_images=slices,
        pixel_array=mask.astype(np.uint8),
        segmentation_type=kind,
        segment_descriptions=[describe],
        series_instance_uid="1.2.3",
        series_number=9,
        sop_instance_uid="1.2.3.4",
        instance_number=1,
        manufacturer="x",
        manufacturer_model_name="y",
        software_versions="1",
        device_serial_number="1",
        omit_empty_frames=kind != "LABELMAP",
    )
    seg.save_as(tmp_path / "seg.dcm")
    result = read_labels(tmp_path / "seg.dcm").on_grid(volume.geometry)
    assert np.array_equal(result.mask_of(), mask) and result.names[1] == "femur stump"


def test_real_seg_of_dcmqi(shared_data):
    folder = shared_data / "nasty_dicom" / "dcmqi_24x38x3"
    ours = read_labels(folder / "seg" / "label.seg")
    theirs = sitk.ReadImage(str(folder / "nrrd" / "label.nrrd"))
    array = sitk.GetArrayFromImage(theirs)
    placed = read_labels(folder / "nrrd" / "label.nrrd")
    assert np.array_equal(placed.labels, array)
    # The SEG holds only slices that are not empty; on the grid of the label map the voxels are the same.
    assert np.array_equal(ours.on_grid(placed.geometry).labels > 0, array > 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda b: b[: len(b) // 2],
        lambda b: b[:40],
        lambda b: b"",
        lambda b: bytes(400),
        lambda b: b[:70] + b"\xff\xff" + b[72:],
        lambda b: b[:40] + b"\x03\0\xff\x7f\xff\x7f\xff\x7f" + b[48:],
    ],
)
@pytest.mark.parametrize("suffix", [".nii", ".nrrd"])
def test_damaged_masks_are_refused(tmp_path, spoil, suffix):
    path = tmp_path / f"mask{suffix}"
    sitk.WriteImage(oblique_image(labels_array()), str(path))
    path.write_bytes(spoil(path.read_bytes()))
    try:
        read = read_labels(path)
    except DicomError as error:
        assert error.code == "CF-D036" and "mask" in str(error)
    else:
        assert np.array_equal(read.labels, labels_array())  # the damage hit what does not matter


def test_images_and_bombs_are_no_masks(tmp_path, monkeypatch):
    import dicom_io.limits as limits

    image = sitk.GetImageFromArray(np.linspace(0, 1, 1000, dtype=np.float32).reshape(10, 10, 10))
    sitk.WriteImage(image, str(tmp_path / "p.nii"))
    with pytest.raises(DicomError, match="fractions"):
        read_labels(tmp_path / "p.nii")
    monkeypatch.setattr(limits, "MAX_INFLATED_BYTES", 10_000)
    (tmp_path / "bomb.nii.gz").write_bytes(gzip.compress(bytes(5_000_000)))
    with pytest.raises(DicomError, match="grows beyond"):
        read_labels(tmp_path / "bomb.nii.gz")


def test_a_ct_slice_is_no_mask(tmp_path):
    ct_files.save(ct_files.series()[:1], tmp_path)
    with pytest.raises(DicomError, match=r"CF-D036: the DICOM object is no segmentation"):
        read_labels(tmp_path / "IM0001.dcm")
    with pytest.raises(DicomError, match="CF-D036"):
        read_labels(tmp_path)
    with pytest.raises(DicomError, match="CF-D033"):
        read_labels(tmp_path / "absent.nii")
    assert pydicom.dcmread(tmp_path / "IM0001.dcm").Modality == "CT"
