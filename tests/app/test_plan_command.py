"""``canalfit plan`` from a DICOM folder to a plan folder, and ``canalfit verify`` back again."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest

from canalfit import cli, exit_codes
from sizing.record import differences, plan_from_record, plan_record, read_record

ROOT = Path(__file__).resolve().parents[2]
FEMUR = ["--bone", "femur", "--side", "right", "--resect-at", "120"]
IDENTITY = {
    "PatientName": "Quixote^Alonso",
    "PatientID": "MRN-775533",
    "PatientBirthDate": "15470929",
    "ReferringPhysicianName": "Panza^Sancho",
    "InstitutionName": "La Mancha General",
    "AccessionNumber": "ACC-998877",
}
TABLES_AND_MASTER = [
    "envelope.csv", "fits.csv", "plan.json", "reaming.csv", "sections.csv", "what_if.csv", "zones.csv",
]  # fmt: skip


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory, sample_scans: Path) -> Path:
    """The sample femur, as if it had never been de-identified."""
    folder = tmp_path_factory.mktemp("scan") / "series"
    shutil.copytree(sample_scans / "femur", folder)
    for path in folder.glob("*.dcm"):
        ds = pydicom.dcmread(path)
        for keyword, value in IDENTITY.items():
            setattr(ds, keyword, value)
        ds.save_as(path)
    return folder


def run(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``canalfit`` in a process of its own, as a user does: linear algebra on one thread."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "canalfit", *argv]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def plan_folder(tmp_path_factory: pytest.TempPathFactory, series: Path) -> Path:
    out = tmp_path_factory.mktemp("first") / "plan"
    done = run("plan", str(series), *FEMUR, "--out", str(out), "--quiet", cwd=out.parent)
    assert (done.returncode, done.stdout, done.stderr) == (exit_codes.FINDINGS, "", "")
    return out


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_folder_holds_everything(plan_folder: Path) -> None:
    names = {p.name for p in plan_folder.iterdir()}
    assert names >= {*TABLES_AND_MASTER, "report.pdf", "bone.stl", "canal.stl", "reamed_canal.stl", "implant.stl"}
    assert all(p.stat().st_size > 0 for p in plan_folder.iterdir())


def test_a_second_run_gives_the_same_bytes(plan_folder: Path, series: Path, tmp_path: Path) -> None:
    # Another working folder, and another place of the scan.
    moved = tmp_path / "elsewhere"
    shutil.copytree(series, moved)
    done = run("plan", str(moved), *FEMUR, "--out", "again", "--json", cwd=tmp_path)
    assert done.returncode == exit_codes.FINDINGS, done.stderr
    for path in sorted(plan_folder.iterdir()):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name
    summary = json.loads(done.stdout)  # stdout holds the data and nothing else
    record = json.loads((plan_folder / "plan.json").read_text())
    assert {k: summary[k] for k in record["summary"]} == record["summary"]
    assert "Plan folder" in done.stderr


def test_no_identity_and_no_place_of_this_machine_gets_out(plan_folder: Path, series: Path) -> None:
    words = [*(part for value in IDENTITY.values() for part in value.split("^")), str(series.parent), str(ROOT)]
    for path in plan_folder.iterdir():
        content = path.read_bytes().lower()
        assert [w for w in words if w.lower().encode() in content] == [], path.name


def test_the_record_reads_back_into_the_same_plan(plan_folder: Path) -> None:
    record = read_record(plan_folder / "plan.json")
    plan = plan_from_record(record)
    again, _ = plan_record(plan)
    for part in ("plan", "fits", "canals", "implants"):
        assert again[part] == record[part], part
    assert not list(differences(record["reamed_canals"], again["reamed_canals"]))  # reamed anew on reading


def test_outlook_tables_hold_the_plans_numbers(plan_folder) -> None:
    plan = json.loads((plan_folder / "plan.json").read_text())["plan"]
    reach = rows(plan_folder / "envelope.csv")
    assert [float(r["longest_mm"]) for r in reach] == pytest.approx(
        [r["length_mm"] for r in plan["envelope"]["rows"]], abs=5.1e-4
    )
    what_if = rows(plan_folder / "what_if.csv")
    assert [float(r["size_probability"]) for r in what_if] == pytest.approx(plan["size"]["probability"], abs=5.1e-4)
    assert len(rows(plan_folder / "zones.csv")) == 25  # five zones, whole and by four quarters


def test_tables_agree_with_the_record(plan_folder: Path) -> None:
    record = json.loads((plan_folder / "plan.json").read_text())
    plan = plan_from_record(record)
    fits = rows(plan_folder / "fits.csv")
    assert len(fits) == len(plan.fits) == record["summary"]["n_implants_tried"]
    (chosen,) = [f for f in fits if f["chosen"] == "yes"]
    assert chosen["part_number"] == record["summary"]["implant"]["part_number"]
    assert all(f["reason"] for f in fits if f["chosen"] == "no"), "every implant that lost says why"
    assert float(chosen["wall_min_mm"]) == pytest.approx(record["summary"]["fit"]["wall_min_mm"], abs=5.1e-4)
    wall = rows(plan_folder / "wall.csv")
    assert [float(r["depth_mm"]) for r in wall] == pytest.approx(plan.canal.axis.depth_mm, abs=5.1e-4)
    assert "wall_mm_at_90.0_deg" in wall[0]
    levels = rows(plan_folder / "sections.csv")
    assert len(levels) == len(plan.canal.axis)
    assert next(iter(levels[0])) == "depth_mm"
    reaming = rows(plan_folder / "reaming.csv")
    passes = [r for r in reaming if r["row"] == "pass"]
    assert [float(r["reamer_diameter_mm"]) for r in passes] == record["summary"]["reaming"]["reamer_diameters_mm"]
    assert len(reaming) == len(passes) * (1 + len(levels))
    total = sum(float(r["removed_cortical_mm3"]) for r in passes)
    # Every printed pass is rounded to 0.001 mm3.
    assert total == pytest.approx(record["summary"]["reaming"]["harvested_cortical_mm3"], abs=0.0005 * len(passes))


def test_verify_finds_the_same_and_a_changed_number(plan_folder: Path, series: Path, tmp_path: Path, capsys) -> None:
    plan_json = plan_folder / "plan.json"
    done = run("verify", str(plan_json), "--series", str(series), "--json", cwd=tmp_path)
    assert done.returncode == exit_codes.OK, done.stderr
    assert json.loads(done.stdout)["differences"] == []
    changed = tmp_path / "plan.json"
    changed.write_text(plan_json.read_text().replace('"n_implants_tried": ', '"n_implants_tried": 1'))
    assert cli.main(["verify", str(changed)]) == exit_codes.REFUSED
    assert "CF-A003" in capsys.readouterr().err


def test_verify_refuses_another_scan(plan_folder: Path, sample_scans: Path, capsys) -> None:
    code = cli.main(["verify", str(plan_folder / "plan.json"), "--series", str(sample_scans / "femur"), "--quiet"])
    assert code == exit_codes.REFUSED
    assert "CF-A005" in capsys.readouterr().err


def test_a_newer_schema_is_refused_in_one_sentence(plan_folder: Path, tmp_path: Path, capsys) -> None:
    newer = tmp_path / "plan.json"
    newer.write_text((plan_folder / "plan.json").read_text().replace('"schema_version": 1', '"schema_version": 2'))
    assert cli.main(["verify", str(newer), "--quiet"]) == exit_codes.REFUSED
    error = capsys.readouterr().err
    assert "CF-A002" in error and "schema version 2" in error and len(error.splitlines()) == 1


@pytest.mark.parametrize("content", ["", "{}", "[1, 2]", "no json", "\x00\xff"])
def test_what_is_no_plan_is_refused(content: str, tmp_path: Path, capsys) -> None:
    path = tmp_path / "plan.json"
    path.write_text(content, encoding="latin-1")
    assert cli.main(["verify", str(path)]) == exit_codes.REFUSED
    assert "CF-A001" in capsys.readouterr().err


def test_when_nothing_fits_the_folder_is_written_with_the_reasons(series: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "plan"
    # 215 mm up, 66 mm of measured bone are left: too short for every stem of the catalogue.
    code = cli.main(["plan", str(series), *FEMUR[:4], "--resect-at", "215", "--out", str(out)])
    assert code == exit_codes.NOTHING_FITS
    assert "No implant" in capsys.readouterr().err
    record = read_record(out / "plan.json")
    assert record["summary"]["implant"] is None and record["plan"]["chosen"] is None
    assert "chosen" in record["not_measured"]
    assert all(row["reason"] for row in rows(out / "fits.csv"))
    assert (out / "report.pdf").exists()


def test_a_scan_that_is_refused_leaves_no_folder(tmp_path: Path, capsys) -> None:
    (tmp_path / "empty").mkdir()
    assert cli.main(["plan", str(tmp_path / "empty"), "--out", str(tmp_path / "plan")]) == exit_codes.REFUSED
    assert not (tmp_path / "plan").exists()
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_foreign_folder_is_refused_before_anything_is_read(tmp_path: Path, capsys) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert cli.main(["plan", "no-such-scan", "--out", str(tmp_path)]) == exit_codes.USAGE
    assert "notes.txt" in capsys.readouterr().err


@pytest.mark.parametrize("bad", [["--resect-at", "-5"], ["--resect-at", "nan"], ["--bone", "ulna"], ["--side", "up"]])
def test_options_that_cannot_be_meant_are_usage(bad: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["plan", "scan", "--out", str(tmp_path / "plan"), *bad])
    assert stop.value.code == exit_codes.USAGE
