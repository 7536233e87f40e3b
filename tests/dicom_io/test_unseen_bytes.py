"""Unusual bytes and names beyond the fault matrix: the exact volume, or one clear sentence."""

import gzip
import struct

import ct_files
import numpy as np
import pydicom
import pytest
from outcome import exact, refused, warnings
from pydicom.uid import ExplicitVRBigEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from dicom_io import ReadOptions, read_series


# --- bytes --------------------------------------------------------------------------------------------
def element(data, tag):
    """Return where an explicit element of a short VR starts and ends."""
    at = data.index(tag)
    return at, at + 8 + int.from_bytes(data[at + 6 : at + 8], "little")


def odd_length(data):
    at, stop = element(data, b"\x18\x00\x60\x00DS")  # the tube voltage
    return data[: at + 6] + b"\x03\x00120" + data[stop:]


def wrong_vr(data):
    return data.replace(b"\x28\x00\x30\x00DS", b"\x28\x00\x30\x00LO")  # PixelSpacing as a text


def wrong_group_length(data):
    _, stop = element(data, b"\x02\x00\x00\x00UL")
    return data[: stop - 4] + struct.pack("<I", 9999) + data[stop:]


def trailing_element(data):
    return data + b"\xfc\xff\xfc\xffOB\0\0\4\0\0\0abcd"


def tiff_preamble(data):
    return b"II*\0" * 32 + data[128:]


@pytest.mark.parametrize(
    "change",
    [odd_length, wrong_vr, wrong_group_length, trailing_element, tiff_preamble, lambda data: data + bytes(100)],
)
def test_bytes_that_break_a_rule_and_change_nothing(tmp_path, hu, change):
    for path in ct_files.save(ct_files.series(hu), tmp_path):
        path.write_bytes(change(path.read_bytes()))
    result = read_series(tmp_path)
    assert exact(result, hu) and not warnings(result)


def no_transfer_syntax(data):
    at, stop = element(data, b"\x02\x00\x10\x00UI")
    return data[:at] + data[stop:]


def called_implicit(data):
    at, stop = element(data, b"\x02\x00\x10\x00UI")
    return data[: at + 6] + b"\x12\x00" + b"1.2.840.10008.1.2\0" + data[stop:]


def binary_slope(data):
    at, stop = element(data, b"\x28\x00\x53\x10DS")
    return data[:at] + b"\x28\x00\x53\x10FD\x08\x00" + struct.pack("<d", 1.0) + data[stop:]


def rescale_behind_the_pixels(data):
    at, stop = element(data, b"\x28\x00\x52\x10DS")
    return data[:at] + data[stop:] + data[at:stop]


def one_byte_less(data):
    return data[:-1]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (no_transfer_syntax, "CF-D016b"),
        (called_implicit, "CF-D016b"),
        (binary_slope, "CF-D017"),
        (rescale_behind_the_pixels, "CF-D011"),
        (one_byte_less, "CF-D016d"),
    ],
)
def test_bytes_that_break_a_rule_and_the_slice(tmp_path, hu, change, code):
    path = ct_files.save(ct_files.series(hu), tmp_path)[5]
    path.write_bytes(change(path.read_bytes()))
    refused(code, tmp_path, names=["IM0006.dcm"])


def test_one_slice_in_big_endian_and_others_compressed(tmp_path, hu):
    slices = ct_files.series(hu)
    for k, syntax in ((3, RLELossless), (5, JPEGLSLossless), (9, JPEG2000Lossless)):
        slices[k].compress(syntax, generate_instance_uid=False)
    paths = ct_files.save(slices, tmp_path)
    ds = pydicom.dcmread(paths[7])
    ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    pydicom.dcmwrite(paths[7], ds, implicit_vr=False, little_endian=False, force_encoding=True)
    assert exact(read_series(tmp_path), hu)
    big, little = b"1.2.840.10008.1.2.2\0", b"1.2.840.10008.1.2.1\0"
    paths[7].write_bytes(paths[7].read_bytes().replace(big, little))  # and now it lies about it
    refused("CF-D016b", tmp_path, names=["IM0008.dcm"])


# --- names and places ---------------------------------------------------------------------------------
def test_names_in_any_order_and_case_under_any_path(tmp_path, hu):
    folder = tmp_path / "Ünïcödé Ω 患者" / "with space"
    paths = ct_files.save(ct_files.series(hu), folder)
    for k, number in enumerate(np.random.default_rng(5).permutation(24)):
        paths[k].rename(folder / f"z{number}{'.DCM' if k % 2 else ''}")
    result = read_series(tmp_path)
    assert exact(result, hu) and not result.findings


def test_a_hidden_slice_and_one_in_a_folder_of_its_own_are_read(tmp_path, hu):
    paths = ct_files.save(ct_files.series(hu), tmp_path)
    paths[-1].rename(tmp_path / ".IM0024.dcm")
    (tmp_path / "sub").mkdir()
    paths[0].rename(tmp_path / "sub" / "IM0001.dcm")
    for junk in ("._IM0003.dcm", ".DS_Store", ".nomedia"):
        (tmp_path / junk).write_bytes(bytes(300))
    result = read_series(tmp_path)
    assert exact(result, hu) and not warnings(result)


@pytest.mark.parametrize("suffix", [".gz", ".part"])
def test_the_last_slice_is_packed_or_not_yet_whole(tmp_path, hu, suffix):
    path = ct_files.save(ct_files.series(hu), tmp_path)[-1]
    path.with_name(path.name + suffix).write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    refused("CF-D016a", tmp_path, names=["IM0024.dcm" + suffix, "not yet whole"])


def test_a_copy_does_not_hide_that_a_slice_is_missing(tmp_path, hu):
    paths = ct_files.save(ct_files.series(hu), tmp_path)
    (tmp_path / "copy.dcm").write_bytes(paths[3].read_bytes())
    paths[4].unlink()
    refused("CF-D001", tmp_path, names=["1 slice is missing"])
    result = read_series(tmp_path, options=ReadOptions(allow_gap=1))
    assert result.volume.unmeasured_slices == (4,) and warnings(result) == {"CF-D001a", "CF-D003"}
