"""Real awkward files (their behaviour is documented), real limb series, and two independent readers beside ours."""

import os
import shutil

import ct_files
import numpy as np
import pydicom
import pytest

from dicom_io import DicomError, ReadOptions, Verdict, find_series, read_series, truth_card
from dicom_io.elements import MalformedHeaderError, NotDicomError, read_elements
from dicom_io.header import TAGS
from dicom_io.tags import NESTED, WANTED
from sizing.findings import Level


@pytest.fixture(scope="module")
def nasty(request):
    return request.getfixturevalue("shared_data") / "nasty_dicom"


def refusal(source, **kwargs):
    with pytest.raises(DicomError) as caught:
        read_series(source, **kwargs)
    return caught.value


def found_codes(error):
    return {f.code for f in error.findings}


def test_siemens_tilt_without_a_tag(nasty):
    error = refusal(nasty / "gantry_tilt_siemens")
    assert error.code == "CF-D022" and "4 slices" in str(error)
    tilt = next(f.message for f in error.findings if f.code == "CF-D007")
    assert "tilted by 14.0 degrees" in tilt


def test_ge_tilt_and_irregular_spacing(nasty):
    error = refusal(nasty / "ge_tilt18_irregular_spacing")
    assert error.code == "CF-D005" and "1.081 to 6.999 mm" in str(error)
    assert "18.5 degrees" in next(f.message for f in error.findings if f.code == "CF-D007")


def test_ge_tilt_resampled_when_asked(nasty):
    result = read_series(nasty / "ge_tilt18_irregular_spacing", options=ReadOptions(resample=True))
    assert {"CF-D005a", "CF-D007"} <= {f.code for f in result.findings}
    geometry = result.volume.geometry
    assert geometry.slice_step_mm == pytest.approx(1.081, abs=1e-3)
    measured = set(range(geometry.shape[0])) - set(result.volume.unmeasured_slices)
    assert 1 <= len(measured) <= 28
    # The first slice stays where it was, and as it was.
    first = min(find_series(nasty / "ge_tilt18_irregular_spacing")[0].frames, key=lambda f: f.position_lps[2])
    assert np.allclose(geometry.index_to_lps((0, 0, 0)), first.position_lps, atol=0.02)


def test_missing_slice_of_ge(nasty):
    error = refusal(nasty / "missing_slice_ge")
    assert error.code == "CF-D001" and "a gap of 10.000 mm" in str(error) and "5.000 mm, 5 slices" in str(error)
    error = refusal(nasty / "missing_slice_ge", options=ReadOptions(allow_gap=1))
    assert error.code == "CF-D022" and "CF-D001a" in found_codes(error)


def test_duplicate_positions_in_a_zip(nasty):
    error = refusal(nasty / "duplicate_positions" / "dupe-positions.zip")
    assert error.code in {"CF-D001", "CF-D005"} and "CF-D003" in found_codes(error)


def test_nema_encodings_in_one_folder(nasty):
    """Two slices in five encodings each, lossless and lossy: never one volume."""
    error = refusal(nasty / "nema_wg04_ct")
    assert error.code == "CF-D008"
    lossy = refusal(nasty / "nema_wg04_ct" / "CT1_JLSN.dcm")
    assert lossy.code == "CF-D022" and "CF-D014b" in found_codes(lossy)
    lossless = refusal(nasty / "nema_wg04_ct" / "CT1_JLSL.dcm")
    assert lossless.code == "CF-D022" and "CF-D014b" not in found_codes(lossless)


def test_dcmqi_tree(nasty):
    found = find_series(nasty / "dcmqi_24x38x3")
    assert sorted(e.modality for e in found) == ["CT", "CT", "SEG"] and found.n_other_files == 3
    assert refusal(nasty / "dcmqi_24x38x3").code == "CF-D008"  # single frames beside the multi-frame object
    assert refusal(nasty / "dcmqi_ct-3slice").code == "CF-D022"


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-reordered"])
def test_dicomdir_variants_name_the_same_files(nasty, name):
    found = find_series(nasty / "pydicom_dicomdirtests" / name)
    assert len(found) == 13 and not found.unreadable
    assert {e.modality for e in found} == {"CR", "CT", "MR"}
    folder = nasty / "pydicom_dicomdirtests"
    files = {f.file.name for e in found for f in e.frames}
    assert all((folder / f).is_file() for f in files) and len(files) == 31
    assert refusal(folder / name).code in {"CF-D008", "CF-D019", "CF-D022", "CF-D001"}


def test_dicomdir_that_names_an_absent_file(nasty, tmp_path):
    shutil.copytree(nasty / "pydicom_dicomdirtests" / "77654033", tmp_path / "77654033")
    for name in ("DICOMDIR", "DICOMDIR-empty.dcm"):
        shutil.copy(nasty / "pydicom_dicomdirtests" / name, tmp_path / name)
    found = find_series(tmp_path / "DICOMDIR")
    assert {e.code for e in found.unreadable} == {"CF-D030c"} and len(found) == 4
    (tmp_path / "77654033" / "CT2" / "17106").unlink()
    error = refusal(
        tmp_path / "DICOMDIR", series=next(e.selector for e in find_series(tmp_path / "DICOMDIR") if e.modality == "CT")
    )
    # this folder is called like its patient's ID, which no message may carry
    assert error.code == "CF-D030c" and "***/CT2/17106" in str(error) and "77654033" not in str(error)
    assert refusal(tmp_path / "DICOMDIR-empty.dcm").code == "CF-D030"


SINGLE = {
    "CT_small.dcm": "CF-D022",
    "JPEG2000.dcm": "CF-D019",
    "MR_small.dcm": "CF-D019",
    "ExplVR_BigEnd.dcm": "CF-D019",
    "SC_rgb_small_odd.dcm": "CF-D019",
    "badVR.dcm": "CF-D019",
    "emri_small.dcm": "CF-D019",
    "eCT_Supplemental.dcm": "CF-D017b",
    "image_dfl.dcm": "CF-D019",
    "meta_missing_tsyntax.dcm": "CF-D016b",
    "no_meta.dcm": "CF-D016a",
    "rtdose.dcm": "CF-D019",
    "rtplan.dcm": "CF-D030",
    "rtstruct.dcm": "CF-D030",
    "explicit_VR-UN.dcm": "CF-D022",
    "693_UNCI.dcm": "CF-D022",
}


@pytest.mark.parametrize("name", SINGLE)
def test_single_files_of_pydicom(nasty, name):
    assert refusal(nasty / "pydicom_files" / name).code == SINGLE[name]


def test_every_nasty_file_ends_in_a_typed_refusal(nasty):
    """None of these files is a volume of a limb; whatever else they are, nothing may crash and nothing be read."""
    outcomes = []
    for path in sorted(p for p in nasty.rglob("*") if p.is_file()):
        outcomes.append(refusal(path).code)
    assert len(outcomes) > 250 and all(code.startswith("CF-D") for code in outcomes)


def test_other_modalities_of_a_patient_in_one_folder_with_the_ct(shared_data, tmp_path):
    ct = shared_data / "ct_sts_extremity" / "STS_024"
    for source in (ct, shared_data / "nasty_dicom" / "sts024_other_modalities"):
        for path in source.iterdir():
            os.symlink(path, tmp_path / f"{source.name}_{path.name}")
    mixed = tmp_path / "mixed"
    shutil.copytree(tmp_path, mixed, ignore=lambda *_: ["mixed"])
    result = read_series(mixed)
    assert np.array_equal(result.volume.hu, read_series(ct).volume.hu)
    assert "CF-D008b" in {f.code for f in result.findings}
    card = truth_card(mixed)
    assert sorted(s.verdict for s in card.series) == [Verdict.NOT, Verdict.NOT, Verdict.LIMITS]


def limb_series(shared_data, sample_scans):
    folders = sorted((shared_data / "ct_sts_extremity").glob("STS_*"))
    return [*folders, *sorted(p for p in sample_scans.iterdir() if p.is_dir())]


def test_real_limb_series_go_through_with_a_warning(shared_data, sample_scans):
    for folder in limb_series(shared_data, sample_scans):
        result = read_series(folder)
        assert {f.code for f in result.findings if f.level is not Level.INFO} <= {
            "CF-D022a", "CF-D023", "CF-D025a", "CF-D026"
        }, folder  # fmt: skip
        assert "CF-D022a" in {f.code for f in result.findings}


def test_pydicom_agrees_on_every_voxel_of_the_limb_series(shared_data, sample_scans):
    for folder in limb_series(shared_data, sample_scans):
        files = sorted(folder.glob("*.dcm"))
        data = sorted((pydicom.dcmread(f) for f in files), key=lambda ds: float(ds.ImagePositionPatient[2]))
        theirs = np.stack([ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept) for ds in data])
        ours = read_series(folder).volume
        assert np.array_equal(ours.hu, theirs), folder
        for k, ds in enumerate(data):
            expected = [float(c) for c in ds.ImagePositionPatient]
            assert np.allclose(ours.geometry.index_to_lps((k, 0, 0)), expected, atol=1e-6)


def peers_affine(folder):
    """Index (slice, row, column) to LPS of SimpleITK."""
    sitk = pytest.importorskip("SimpleITK", reason="SimpleITK, the independent reader, is not installed")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = (np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing()))[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    return affine, sitk.GetArrayFromImage(image)


@pytest.mark.parametrize("case", ["STS_029", "STS_008", "femur", "oblique", "decubitus"])
def test_geometry_of_simpleitk_and_highdicom(case, request, tmp_path, sample_scans):
    hd = pytest.importorskip("highdicom", reason="highdicom, the independent reader, is not installed")
    if case.startswith("STS"):
        folder = request.getfixturevalue("shared_data") / "ct_sts_extremity" / case
    elif case == "femur":
        folder = sample_scans / case
    else:
        c, s = np.cos(0.5), np.sin(0.5)
        turn = (c, s, 0, -s * c, c * c, s) if case == "oblique" else (0, 1, 0, -1, 0, 0)
        folder = tmp_path
        ct_files.save(ct_files.series(orientation=turn), folder)
    ours = read_series(folder).volume
    affine, hu = peers_affine(folder)
    assert np.array_equal(ours.hu, hu)
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (np.array(hu.shape) - 1)
    points = ours.geometry.index_to_lps(corners)
    # 1e-4 mm over the whole volume is what the issue asks for.
    assert np.abs(points - (corners @ affine[:3, :3].T + affine[:3, 3])).max() < 1e-4
    theirs = hd.get_volume_from_series([pydicom.dcmread(p) for p in sorted(folder.glob("*.dcm"))])
    back = theirs.map_reference_to_indices(points)
    mirrored = np.array(back)
    if not np.allclose(mirrored, corners, atol=1e-3):  # highdicom counts slices from the other end
        mirrored[:, 0] = hu.shape[0] - 1 - mirrored[:, 0]
    assert np.abs((mirrored - corners) * ours.geometry.spacing_mm).max() < 1e-4


def test_header_reader_agrees_with_pydicom(nasty, shared_data):
    """Every value that our reader takes from a header is the one that pydicom takes."""
    compared = 0
    paths = [p for p in sorted(nasty.rglob("*")) if p.is_file()]
    paths += sorted((shared_data / "ct_sts_extremity").glob("STS_*/000000.dcm"))
    for path in paths:
        raw = path.read_bytes()
        try:
            ours = read_elements(lambda at, n, raw=raw: raw[at : at + n], len(raw), WANTED, NESTED)
        except (NotDicomError, MalformedHeaderError):
            continue
        try:
            theirs = pydicom.dcmread(path, force=not ours.has_preamble, stop_before_pixels=True)
        except Exception:
            continue  # pydicom gives up on it: nothing to compare
        for keyword, tag in TAGS.items():
            value = theirs.get_item(tag)
            mine = ours.values.get(tag)
            assert (value is None) == (mine is None), (path, keyword)
            if isinstance(mine, bytes) and isinstance(getattr(value, "value", None), bytes):
                assert mine == value.value, (path, keyword)
                compared += 1
    assert compared > 5000
