"""Transfer syntaxes and multi-frame objects: the same voxels, however they are written (rows 14 and 15)."""

import ct_files
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

import dicom_io.decoders as decoders
from dicom_io import DicomError, ReadOptions, find_series, read_series
from dicom_io.loader import load


@pytest.fixture(scope="module")
def hu():
    return ct_files.limb((12, 64, 64))


def rewrite(slices, syntax, folder):
    folder.mkdir(exist_ok=True)
    for k, ds in enumerate(slices):
        ds.file_meta.TransferSyntaxUID = syntax
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        if syntax == ExplicitVRBigEndian:
            ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
        big = syntax == ExplicitVRBigEndian
        pydicom.dcmwrite(
            folder / f"{k}.dcm",
            ds,
            implicit_vr=syntax == ImplicitVRLittleEndian,
            little_endian=not big,
            force_encoding=True,
        )


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_native_syntaxes(tmp_path, hu, syntax):
    rewrite(ct_files.series(hu), syntax, tmp_path)
    result = read_series(tmp_path)
    assert np.array_equal(result.volume.hu, hu) and not result.findings


def jpeg_lossless(ds):
    imagecodecs = pytest.importorskip("imagecodecs", reason="the extra 'codecs' is not installed")
    image = np.frombuffer(ds.PixelData, "<u2").reshape(ds.Rows, ds.Columns)
    ds.PixelData = encapsulate([imagecodecs.ljpeg_encode(image, bitspersample=ds.BitsStored)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True


def jpeg_2000_ht(ds):
    imagecodecs = pytest.importorskip("imagecodecs", reason="the extra 'codecs' is not installed")
    image = np.frombuffer(ds.PixelData, "<u2").reshape(ds.Rows, ds.Columns)
    ds.PixelData = encapsulate([imagecodecs.htj2k_encode(image)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True


HTJ2K = pydicom.uid.UID("1.2.840.10008.1.2.4.201")
COMPRESSED = [RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGLosslessSV1, HTJ2K]


def compress(ds, syntax):
    if syntax == JPEGLosslessSV1:
        jpeg_lossless(ds)
    elif syntax == HTJ2K:
        jpeg_2000_ht(ds)
    else:
        ds.compress(syntax, generate_instance_uid=False)


@pytest.mark.parametrize("syntax", COMPRESSED, ids=lambda uid: uid.split(".")[-1])
@pytest.mark.parametrize("signed", [False, True])
def test_compressed_syntaxes(tmp_path, hu, syntax, signed):
    if signed and syntax in (JPEGLosslessSV1, HTJ2K):
        pytest.skip("the encoder at hand writes unsigned values only")
    slices = ct_files.series(hu, intercept=0 if signed else -1024)
    for ds in slices:
        compress(ds, syntax)
    rewrite(slices, syntax, tmp_path)
    result = read_series(tmp_path, options=ReadOptions(workers=2))
    assert np.array_equal(result.volume.hu, hu) and not result.findings


def test_mixed_syntaxes_in_one_series(tmp_path, hu):
    slices = ct_files.series(hu)
    slices[3].compress(RLELossless, generate_instance_uid=False)
    slices[4].compress(JPEG2000Lossless, generate_instance_uid=False)
    ct_files.save(slices, tmp_path)
    assert np.array_equal(read_series(tmp_path).volume.hu, hu)


def test_missing_decoder_gives_the_pip_line(tmp_path, hu, monkeypatch):
    slices = ct_files.series(hu)
    for ds in slices:
        ds.compress(JPEGLSLossless, generate_instance_uid=False)
    ct_files.save(slices, tmp_path)
    monkeypatch.setattr(decoders.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DicomError, match=r"CF-D014: .*JPEG-LS lossless is not installed.*pip install pyjpegls"):
        read_series(tmp_path)


def test_unknown_syntax_is_refused(tmp_path, hu):
    slices = ct_files.series(hu)
    slices[2].compress(RLELossless, generate_instance_uid=False)
    slices[2].file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"
    ct_files.save(slices, tmp_path)
    with pytest.raises(DicomError, match=r"CF-D014a.*IM0003"):
        read_series(tmp_path)


def test_lossy_compression_is_said(tmp_path, hu):
    ct_files.save_with(hu, tmp_path, LossyImageCompression="01")
    result = read_series(tmp_path)
    assert [f.code for f in result.findings] == ["CF-D014b"] and result.volume.info.lossy


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize("damage", ["cut", "flipped", "no end mark", "other size"])
def test_damaged_compressed_image_names_the_file(tmp_path, hu, syntax, damage):
    slices = ct_files.series(hu)
    other = ct_files.series(ct_files.limb((12, 48, 64)))
    for ds, small in zip(slices, other, strict=True):
        ds.compress(syntax, generate_instance_uid=False)
        small.compress(syntax, generate_instance_uid=False)
    data = bytearray(slices[4].PixelData)
    if damage == "cut":
        slices[4].PixelData = encapsulate([bytes(data[16 : 16 + len(data) // 3])], has_bot=False)
    elif damage == "flipped":
        data[30:90] = bytes(60)
        slices[4].PixelData = bytes(data)
    elif damage == "other size":
        slices[4].PixelData = other[4].PixelData
    paths = ct_files.save(slices, tmp_path)
    if damage == "no end mark":
        raw = paths[4].read_bytes()
        paths[4].write_bytes(raw[: len(raw) - 40])
    with pytest.raises(DicomError) as caught:
        read_series(tmp_path)
    assert caught.value.code in {"CF-D016e", "CF-D016f", "CF-D016g"} and "IM0005.dcm" in str(caught.value)


def test_a_decoder_that_crashes_is_an_error_that_names_the_file(tmp_path, hu, monkeypatch):
    """The worker is killed while it works, as a native crash would."""
    slices = ct_files.series(hu)
    for ds in slices:
        ds.compress(RLELossless, generate_instance_uid=False)
    ct_files.save(slices, tmp_path)

    def crash(self, request, code, target):
        self._process.kill()
        self._process.wait()
        return real(self, request, code, target)

    real = decoders.Decoder._ask
    monkeypatch.setattr(decoders.Decoder, "_ask", crash)
    with pytest.raises(DicomError, match=r"CF-D016f.*IM0001"):
        read_series(tmp_path, options=ReadOptions(workers=1))


@pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize("legacy", [False, True])
def test_multi_frame_objects(tmp_path, hu, syntax, legacy):
    ct_files.save([ct_files.enhanced(hu, syntax=syntax, legacy=legacy)], tmp_path)
    result = read_series(tmp_path / "IM0001.dcm")
    assert np.array_equal(result.volume.hu, hu)
    assert result.volume.geometry.slice_step_mm == pytest.approx(1.5, abs=1e-9)
    assert result.volume.info.slice_thickness_mm == 1.5
    assert len(result.manifest) == len(hu) and len(set(result.manifest)) == 1


def test_multi_frame_beside_its_single_frames_asks(tmp_path, hu):
    ct_files.save(ct_files.series(hu), tmp_path / "single")
    ct_files.save([ct_files.enhanced(hu)], tmp_path / "multi")
    with pytest.raises(DicomError, match="CF-D008"):
        read_series(tmp_path)


def test_multi_frame_whose_groups_are_gone(tmp_path, hu):
    whole = ct_files.enhanced(hu)
    whole.PerFrameFunctionalGroupsSequence = whole.PerFrameFunctionalGroupsSequence[:-1]
    ct_files.save([whole], tmp_path)
    with pytest.raises(DicomError, match=r"CF-D015.*12 frames and describes 11"):
        read_series(tmp_path)
    plain = ct_files.series(hu)[0]
    plain.NumberOfFrames = 12
    plain.PixelData = plain.PixelData * 12
    ct_files.save([plain], tmp_path / "plain")
    with pytest.raises(DicomError, match="CF-D015"):
        read_series(tmp_path / "plain")


@pytest.mark.parametrize("slices", [1, 2])
def test_nema_compression_samples_agree(shared_data, slices):
    """Four lossless encodings of one slice hold the same voxels; so says pydicom of the RLE one, too."""
    folder = shared_data / "nasty_dicom" / "nema_wg04_ct"
    planes = {}
    for path in sorted(folder.glob(f"CT{slices}_*.dcm")):
        entry = find_series(path)[0]
        planes[path.stem.split("_")[1]] = load(entry.frames, ReadOptions(workers=1)).hu[0]
    lossless = [planes[k] for k in ("JLSL", "J2KR", "RLE", "JPLL")]
    assert all(np.array_equal(lossless[0], p) for p in lossless[1:])
    ds = pydicom.dcmread(folder / f"CT{slices}_RLE.dcm")
    stored = ds.pixel_array.astype(int)
    hu = stored * int(ds.RescaleSlope) + int(ds.RescaleIntercept)
    assert np.array_equal(lossless[0], np.where(hu < -1024, -1000, hu))
    for lossy in ("JLSN", "J2KI"):
        difference = np.abs(planes[lossy].astype(int) - lossless[0])
        assert 0 < difference.max() < 400 and np.median(difference) <= 20  # same image, not the same voxels


def test_multi_frame_and_single_frames_of_dcmqi_agree(shared_data):
    found = find_series(shared_data / "nasty_dicom" / "dcmqi_24x38x3")
    stacks = [sorted(e.frames, key=lambda f: f.position_lps[2]) for e in found if e.modality == "CT"]
    assert len(stacks) == 2
    single, multi = (load(tuple(s), ReadOptions()).hu for s in stacks)
    assert np.array_equal(single, multi)
    assert [f.position_lps for f in stacks[0]] == [f.position_lps for f in stacks[1]]


def test_pixel_representation_that_contradicts_the_codestream(shared_data):
    path = shared_data / "nasty_dicom" / "pydicom_files" / "J2K_pixelrep_mismatch.dcm"
    ds = pydicom.dcmread(path)
    ours = load(find_series(path)[0].frames, ReadOptions()).hu[0]
    theirs = ds.pixel_array.astype(float) * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
    assert np.array_equal(ours, np.where(theirs < -1024, -1000, np.rint(theirs)))
