"""What a user may decide about reading, seen in the plan: masks from elsewhere and slices that were filled."""

import json
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest

from canalfit import cli, exit_codes
from canalfit.case import PlanRequest, locator_for, make_plan, options_of
from canalfit.verify import compare_with_scan
from dicom_io import ReadOptions, read_series
from sizing.anatomy import Bone, Side
from sizing.canal import measure_canal
from sizing.errors import InputError
from sizing.implants import load_catalogue
from sizing.planning import PlanSettings
from sizing.record import manifest_from_record
from sizing.segmentation import find_residual_bone

# One family: these tests are about reading.
SETTINGS = PlanSettings(bone=Bone.FEMUR, side=Side.RIGHT, resect_at_mm=120.0, families=("generic-pressfit-straight",))
NRRD = """NRRD0004
type: uint8
dimension: 3
space: left-posterior-superior
sizes: {2} {1} {0}
space directions: ({c}) ({r}) ({s})
kinds: domain domain domain
encoding: raw
space origin: ({o})
Segment0_LabelValue:=1
Segment0_Name:=hip
Segment1_LabelValue:=7
Segment1_Name:=femur_right

"""


def write_nrrd(path: Path, labels: np.ndarray, affine: np.ndarray) -> None:
    s, r, c, o = (",".join(repr(float(v)) for v in affine[:3, k]) for k in range(4))
    path.write_bytes(NRRD.format(*labels.shape, s=s, r=r, c=c, o=o).encode() + labels.tobytes())


@pytest.fixture(scope="module")
def mask(tmp_path_factory: pytest.TempPathFactory, sample_scans: Path) -> Path:
    """The femur of the sample as another program would hand it over: several labels on a grid half as fine."""
    volume = read_series(sample_scans / "femur").volume
    bone = find_residual_bone(volume, bone=Bone.FEMUR)
    labels = np.zeros(volume.hu.shape, np.uint8)
    at = np.rint(volume.geometry.lps_to_index(bone.geometry.index_to_lps((0, 0, 0)))).astype(int)
    labels[tuple(slice(a, a + n) for a, n in zip(at, bone.mask.shape, strict=True))][bone.mask] = 7
    labels[:4, :4, :4] = 1
    path = tmp_path_factory.mktemp("mask") / "total.nrrd"
    affine = volume.geometry.affine.copy()
    affine[:, 1:3] *= 2
    write_nrrd(path, np.ascontiguousarray(labels[:, ::2, ::2]), affine)
    return path


def test_a_mask_says_which_bone_and_the_edges_stay_those_of_the_scan(mask: Path, sample_scans: Path) -> None:
    volume = read_series(sample_scans / "femur").volume
    locator, kept = locator_for(PlanRequest(mask=mask, mask_label="femur_right"))
    assert kept is not None and (kept.path, kept.label, len(kept.sha256)) == ("total.nrrd", 7, 64)
    bones = [find_residual_bone(volume, bone=Bone.FEMUR, side=Side.RIGHT, locator=at) for at in (locator, None)]
    radii = [measure_canal(volume, bone).endosteal_radius_mm for bone in bones]
    # The mask bounds the search; the walls are found in the same voxels. The axis may differ in its last digits.
    assert np.nanmedian(np.abs(radii[0] - radii[1])) < 1e-3


def test_a_mask_is_recorded_and_needed_to_verify(mask: Path, sample_scans: Path) -> None:
    _, record, _ = make_plan(
        read_series(sample_scans / "femur"), load_catalogue(), PlanRequest(SETTINGS, mask=mask, mask_label="7")
    )
    assert compare_with_scan(record, sample_scans / "femur", mask=mask) == []
    with pytest.raises(InputError, match="made with a mask"):
        compare_with_scan(record, sample_scans / "femur")
    with pytest.raises(InputError, match="not the mask"):
        compare_with_scan(record, sample_scans / "femur", mask=sample_scans / "README.md")


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["--mask", "MASK"], exit_codes.REFUSED, "There are: 1 hip, 7 femur_right"),
        (["--mask", "MASK", "--mask-label", "tibia"], exit_codes.REFUSED, "no label 'tibia'"),
        (["--mask-label", "7"], exit_codes.USAGE, "--mask-label"),
    ],
)
def test_masks_that_cannot_be_meant(argv, code, words, mask: Path, sample_scans: Path, tmp_path: Path, capsys) -> None:
    given = [str(mask) if a == "MASK" else a for a in argv]
    assert cli.main(["plan", str(sample_scans / "femur"), "--out", str(tmp_path / "plan"), *given]) == code
    assert words in capsys.readouterr().err
    assert not (tmp_path / "plan").exists()


def test_a_filled_slice_is_recorded_and_nothing_is_measured_there(sample_scans: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scan"
    shutil.copytree(sample_scans / "femur", folder)
    by_height = sorted(folder.glob("*.dcm"), key=lambda p: float(pydicom.dcmread(p).ImagePositionPatient[2]))
    by_height[60].unlink()
    options = ReadOptions(allow_gap=1)
    read = read_series(folder, options=options)
    plan, record, _ = make_plan(read, load_catalogue(), PlanRequest(SETTINGS, reading=options))
    assert read.volume.unmeasured_slices == (60,) or read.volume.unmeasured_slices == (24,)  # counted from the lowest
    z = plan.canal.axis.points_lps[:, 2]
    gap = read.volume.geometry.index_to_lps((read.volume.unmeasured_slices[0], 0, 0))[2]
    assert np.isnan(plan.canal.endosteal_radius_mm[np.abs(z - gap) < 1.0]).all()
    assert np.isfinite(plan.canal.endosteal_radius_mm[np.abs(z - gap) > 12.0]).mean() > 0.95
    assert {"CF-D001a", "CF-C107"} <= {f.code for f in plan.findings}
    assert options_of(manifest_from_record(json.loads(json.dumps(record)))) == options


def test_a_plan_among_the_scan_is_refused_before_anything_is_read(sample_scans: Path, capsys) -> None:
    place = sample_scans / "femur" / "plan"
    assert cli.main(["plan", str(sample_scans / "femur"), "--out", str(place)]) == exit_codes.USAGE
    assert "inside the scan's folder" in capsys.readouterr().err and not place.exists()
