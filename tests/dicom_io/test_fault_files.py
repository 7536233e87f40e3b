"""Rows 16 and 30 to 35 of the fault matrix: damaged files and awkward sources."""

import os
import threading
import zipfile

import ct_files
import numpy as np
import pytest
from outcome import codes, exact, refused, warnings

from dicom_io import DicomError, find_series, read_series


# --- row 16: damaged files ------------------------------------------------------------------------
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


# --- row 30: folders ------------------------------------------------------------------------------
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


# --- row 31: zip files ----------------------------------------------------------------------------
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


# --- row 32: pipes and links ----------------------------------------------------------------------
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


# --- row 33: paths --------------------------------------------------------------------------------
def test_row_33_paths_that_cannot_be_read(tmp_path, hu):
    refused("CF-D033", tmp_path / "absent")
    refused("CF-D033", tmp_path / "nul\0byte")
    refused("CF-D033", tmp_path / ("x" * 5000))
    paths = ct_files.save(ct_files.series(hu), tmp_path)
    found = find_series(tmp_path)
    paths[3].unlink()
    refused("CF-D033", found, names=["IM0004.dcm"])


# --- row 34: bombs --------------------------------------------------------------------------------
def test_row_34_archive_bomb(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.dcm", bytes(200_000_000))
    refused("CF-D034", tmp_path / "bomb.zip")


# --- row 35: files that change, and the manifest --------------------------------------------------
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
