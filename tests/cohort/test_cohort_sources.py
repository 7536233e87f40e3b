"""The same two scans as folders, zip, DICOMDIR and one heap of files; both sides in one scan; one patient twice."""

import csv
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canalfit.cohort.options import RunOptions, RunReport
from canalfit.cohort.run import run_cohort
from canalfit.cohort.settings import settings_from
from dicom_io import write_ct_series
from sizing.anatomy import Bone, Side
from sizing.geometry import VolumeGeometry
from sizing.phantom import make_phantom
from sizing.phantom.population import draw_limbs
from sizing.phantom.spec import ScanSpec
from sizing.volume import CtVolume

SCAN = ScanSpec(pixel_mm=0.9, slice_step_mm=2.5, slice_thickness_mm=2.5, field_mm=90.0)
SETTINGS = settings_from({
    "plan": {"bones": ["femur"], "at_mm": [20], "families": ["generic-pressfit-straight"]},
    "output": {"plans": "none", "thumbnails": False},
})  # fmt: skip
# Path of a file enters the hash of the input; everything else has to be the same from any kind of source.
PLACE = "input_sha256"


@pytest.fixture(scope="module")
def limbs() -> list[CtVolume]:
    """Two left femora of two patients."""
    volumes = []
    for i, spec in enumerate(draw_limbs(2, seed=11, bone=Bone.FEMUR, scan=SCAN)):
        volume, _ = make_phantom(replace(spec, length_mm=110.0, side=Side.LEFT))
        volumes.append(replace(volume, info=replace(volume.info, pseudonym=f"person{i}")))
    return volumes


@pytest.fixture(scope="module")
def folders(limbs: list[CtVolume], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder tree with one folder per scan."""
    place = tmp_path_factory.mktemp("tree")
    for i, volume in enumerate(limbs):
        write_ct_series(volume, place / f"scan{i}", seed=f"scan{i}")
    return place


@pytest.fixture(scope="module")
def expected(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """Rows of the folder tree."""
    rows, report = planned(folders, tmp_path_factory.mktemp("expected"))
    assert report.planned == 2 and len({r["patient"] for r in rows}) == 2
    assert all(float(r["narrowest_diameter_mm"]) > 5 and r["side"] == "left" for r in rows)
    return rows


def planned(source: Path, place: Path) -> tuple[list[dict[str, str]], RunReport]:
    """Run a cohort; return its rows without the column that knows places."""
    report = run_cohort(source, place / "out", SETTINGS, RunOptions(workers=1))
    return without_place(rows_of(place / "out" / "cases.csv")), report


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def without_place(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != PLACE} for row in rows]


def test_zip_files_in_a_tree_are_scans(folders: Path, tmp_path: Path, expected: list[dict[str, str]]) -> None:
    source = tmp_path / "in"
    shutil.copytree(folders / "scan0", source / "scan0")
    with zipfile.ZipFile(source / "scan1.zip", "w") as archive:
        for path in (folders / "scan1").iterdir():
            archive.write(path, f"inner/{path.name}")
    rows, _ = planned(source, tmp_path)
    assert rows == expected


def test_a_zip_file_with_both_studies_is_a_source(
    folders: Path, tmp_path: Path, expected: list[dict[str, str]]
) -> None:
    shutil.make_archive(str(tmp_path / "both"), "zip", folders)
    rows, report = planned(tmp_path / "both.zip", tmp_path)
    assert rows == expected and report.units == 1


def test_two_studies_in_one_folder_are_told_apart(
    folders: Path, tmp_path: Path, expected: list[dict[str, str]]
) -> None:
    heap = tmp_path / "in" / "heap"
    heap.mkdir(parents=True)
    for path in folders.rglob("*.dcm"):
        shutil.copy(path, heap / f"{path.parent.name}-{path.name}")
    rows, _ = planned(tmp_path / "in", tmp_path)
    assert rows == expected
    # One unit that holds two cases is finished only when both are there.
    assert planned(tmp_path / "in", tmp_path)[1].skipped == 1
    shutil.rmtree(next((tmp_path / "out" / "cases").iterdir()))
    assert planned(tmp_path / "in", tmp_path)[0] == expected


@pytest.mark.parametrize("name", ["", "DICOMDIR"])
def test_a_dicomdir_names_its_scans(name: str, folders: Path, tmp_path: Path, expected: list[dict[str, str]]) -> None:
    from pydicom import dcmread
    from pydicom.fileset import FileSet

    files = FileSet()
    for path in sorted(folders.rglob("*.dcm")):
        image = dcmread(path)  # a DICOMDIR needs what our writer leaves empty
        image.StudyDate, image.StudyTime, image.StudyID = "20240101", "120000", "1"
        files.add(image)
    files.write(tmp_path / "in")
    source = tmp_path / "in" / name
    assert planned(source, tmp_path)[0] == expected
    assert planned(source, tmp_path)[1].skipped == 1
    # A changed image is seen although the DICOMDIR itself is the same.
    image = next(p for p in (tmp_path / "in").rglob("*") if p.is_file() and p.name != "DICOMDIR")
    image.write_bytes(image.read_bytes() + b"\0\0")
    assert planned(source, tmp_path)[1].skipped == 0


def test_both_sides_of_one_scan_are_planned(
    limbs: list[CtVolume], tmp_path: Path, expected: list[dict[str, str]]
) -> None:
    one = limbs[0]
    affine = one.geometry.affine.copy()
    assert affine[0, 2] > 0  # columns run to the left of the patient: a left limb stands at their end
    affine[0, 3] -= affine[0, 2] * one.hu.shape[2]
    hu = np.concatenate([one.hu[:, :, ::-1], one.hu], axis=2)
    both = CtVolume(hu, VolumeGeometry(hu.shape, affine), replace(one.info, laterality=None))
    write_ct_series(both, tmp_path / "in" / "scan", seed="both")
    rows, _ = planned(tmp_path / "in", tmp_path)
    assert [(r["bone"], r["side"]) for r in rows] == [("femur", "left"), ("femur", "right")]
    assert {r["patient"] for r in rows} == {r["patient"] for r in expected} & {r["patient"] for r in rows}
    alone = next(r for r in expected if r["patient"] == rows[0]["patient"])
    for row in rows:  # a mirrored canal has the same sizes; 0.05 mm is a fifteenth of a pixel
        assert float(row["narrowest_diameter_mm"]) == pytest.approx(float(alone["narrowest_diameter_mm"]), abs=0.05)


def test_a_copy_is_refused_and_a_second_scan_of_a_bone_counts_once(
    folders: Path, limbs: list[CtVolume], tmp_path: Path, expected: list[dict[str, str]]
) -> None:
    source = tmp_path / "in"
    shutil.copytree(folders, source)
    shutil.copytree(folders / "scan0", source / "scan0-again")
    write_ct_series(limbs[1], source / "scan1-a-year-later", seed="a year later")
    rows, report = planned(source, tmp_path)
    assert (report.planned, report.duplicates) == (3, 1)
    of = {patient: [r for r in rows if r["patient"] == patient] for patient in {r["patient"] for r in rows}}
    copied, twice = (of[r["patient"]] for r in sorted(expected, key=lambda r: r["patient"] in _repeated(rows)))
    assert sorted(r["exit_code"] == "3" for r in copied) == [False, True]
    assert sorted(r["repeat"] for r in twice) == ["no", "yes"]
    [failure] = rows_of(tmp_path / "out" / "failures.csv")
    assert (failure["code"], failure["file"]) == ("CF-A025", "(scan)")
    shelf = rows_of(tmp_path / "out" / "shelf.csv")
    assert {(r["n_rows"], r["n_people"]) for r in shelf} == {("2", "2")}


def _repeated(rows: list[dict[str, str]]) -> set[str]:
    return {r["patient"] for r in rows if r["repeat"] == "yes"}
