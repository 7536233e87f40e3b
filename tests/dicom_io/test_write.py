"""What is written is read back: any geometry, same bytes twice, valid by an independent judge, whole or not at all."""

import os
import shutil
import subprocess

import ct_files
import numpy as np
import pytest

from dicom_io import DicomError, read_series, write_ct_series
from sizing.geometry import VolumeGeometry
from sizing.volume import CtVolume, ScanInfo


def volume_of(affine, shape=(12, 20, 24)):
    info = ScanInfo(kernel="BONE", kvp=120.0, slice_thickness_mm=2.0, pseudonym="case-1", laterality="L")
    return CtVolume(ct_files.limb(shape), VolumeGeometry(shape, affine), info)


SHEARED = np.array([[0.02, 0.05, 0.698, -100], [0.25, 0.79, -0.04, -50], [1.2, 0, 0.03, 30.25], [0, 0, 0, 1]], float)


@pytest.fixture
def sheared():
    affine = SHEARED.copy()  # rows and columns at a right angle, as DICOM demands; the step leans
    columns = affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    rows = affine[:3, 1] - columns * (affine[:3, 1] @ columns)
    affine[:3, 1] = 0.8 * rows / np.linalg.norm(rows)
    return volume_of(affine)


def test_sheared_round_trip(tmp_path, sheared):
    write_ct_series(sheared, tmp_path)
    result = read_series(tmp_path)
    assert np.array_equal(result.volume.hu, sheared.hu)
    # Sixteen characters hold about 14 digits: 1e-6 mm is the promise, 1e-9 what is reached.
    assert np.abs(result.volume.geometry.affine - sheared.geometry.affine).max() < 1e-9
    info = result.volume.info
    assert (info.kernel, info.kvp, info.slice_thickness_mm, info.laterality) == ("BONE", 120.0, 2.0, "L")


def test_same_volume_same_bytes(tmp_path, sheared):
    a, b = (write_ct_series(sheared, tmp_path / n) for n in "ab")
    assert [p.read_bytes() for p in a] == [p.read_bytes() for p in b]
    c = write_ct_series(sheared, tmp_path / "c", seed="other")
    assert c[0].read_bytes() != a[0].read_bytes()


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
def test_an_independent_validator_finds_no_error(tmp_path, sheared):
    path = write_ct_series(sheared, tmp_path)[0]
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_folder_that_cannot_be_written_to(tmp_path, sheared):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DicomError, match=r"CF-D033a: the series cannot be written"):
        write_ct_series(sheared, tmp_path / "file" / "ct")


def test_full_disk_leaves_no_half_file(tmp_path, sheared, monkeypatch):
    real = os.replace

    def full(source, target):
        if str(target).endswith("IM0003.dcm"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DicomError, match=r"CF-D033a.*No space left.*IM0003"):
        write_ct_series(sheared, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["IM0001.dcm", "IM0002.dcm"]
