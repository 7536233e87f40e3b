"""The first line from files to a volume: what is written comes back, what is broken is refused."""

import ct_files
import numpy as np
import pytest

from dicom_io import DicomError, find_series, read_series, write_ct_series
from sizing.geometry import VolumeGeometry
from sizing.volume import CtVolume, ScanInfo


def make_volume(shape=(14, 20, 24), step_mm=1.4, seed=1):
    hu = ct_files.limb(shape, seed=seed)
    affine = np.array([[0, 0, 0.7, -100], [0, 0.8, 0, -50], [step_mm, 0, 0, 30.25], [0, 0, 0, 1]], float)
    return CtVolume(hu, VolumeGeometry(shape, affine), ScanInfo(kernel="SHARP", kvp=120.0, slice_thickness_mm=2.0))


@pytest.fixture
def written(tmp_path):
    volume = make_volume()
    return volume, tmp_path, write_ct_series(volume, tmp_path / "ct")


def test_round_trip_is_exact(written):
    volume, folder, paths = written
    result = read_series(folder)
    assert np.array_equal(result.volume.hu, volume.hu)
    # Decimal strings of 16 characters hold these numbers exactly; least squares rounds at 1e-13.
    assert np.allclose(result.volume.geometry.affine, volume.geometry.affine, rtol=0, atol=1e-9)
    assert result.volume.info.kernel == "SHARP" and result.volume.info.slice_thickness_mm == 2.0
    assert [m[0] for m in result.manifest] == [f"ct/{p.name}" for p in paths]
    assert [f.code for f in result.findings] == ["CF-D023b"]  # pixels of 0.8 x 0.7 mm


def test_missing_slice_names_the_neighbours(written):
    _, folder, paths = written
    paths[6].unlink()
    with pytest.raises(DicomError, match=r"CF-D001: 1 slice is missing \[between ct/IM0006.dcm and ct/IM0008.dcm"):
        read_series(folder)


def test_two_series_are_listed(written):
    _, folder, _ = written
    write_ct_series(make_volume(seed=2), folder / "second")
    assert len(find_series(folder)) == 2
    with pytest.raises(DicomError, match=r"CF-D008.*--series: #1 .CT, 14 images.*#2 .CT"):
        read_series(folder)
    assert read_series(folder, series="#2").volume.hu.shape == (14, 20, 24)


def test_truncated_file_is_refused(written):
    _, folder, paths = written
    paths[3].write_bytes(paths[3].read_bytes()[:-100])
    with pytest.raises(DicomError, match=r"CF-D016.*IM0004.*860 bytes.*960 bytes"):
        read_series(folder)


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(DicomError, match="CF-D030"):
        read_series(tmp_path)


def test_sample_scans_are_read(sample_scans):
    shapes = {f.name: read_series(f).volume.hu.shape for f in sample_scans.iterdir() if f.is_dir()}
    assert shapes == {"femur": (85, 105, 170), "tibia": (63, 139, 124), "humerus": (42, 137, 96)}
