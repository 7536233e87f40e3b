"""Nothing that canalfit writes or prints tells who the patient is, unless it is asked to."""

import csv
import shutil
import subprocess
import zipfile
from pathlib import Path

import pydicom
import pytest

from canalfit import cli, exit_codes

NAME, PATIENT_ID, BORN = "Zyxwvutta^Quirinus", "PID-8326147", "19431117"
SECRETS = ("zyxwvutta", "quirinus", "8326147", BORN, "1943-11-17")


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory, sample_scans: Path) -> Path:
    """The femur of the samples as a careless export: the name in the header, the description, the paths."""
    folder = tmp_path_factory.mktemp("scan") / "Zyxwvutta_PID-8326147"
    folder.mkdir()
    for k, path in enumerate(sorted((sample_scans / "femur").glob("*.dcm"))):
        ds = pydicom.dcmread(path)
        ds.PatientName, ds.PatientID, ds.PatientBirthDate = NAME, PATIENT_ID, BORN
        ds.SeriesDescription = "Femur QUIRINUS Zyxwvutta"
        ds.ReferringPhysicianName = ds.PatientComments = f"for {NAME}"
        ds.save_as(folder / f"Quirinus {k:03d}.dcm")
    return folder


def text_of(path: Path) -> str:
    """Return all that may be read in a file: its bytes in two encodings, and the words on the pages of a PDF."""
    data = path.read_bytes()
    text = data.decode("latin-1") + data.decode("utf-16-le", "ignore") + data.decode("utf-16-be", "ignore")
    if data.startswith(b"%PDF"):
        text += subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True, text=True).stdout
    if data.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            text += "".join(archive.read(name).decode("latin-1") for name in archive.namelist())
    return (str(path.name) + text).lower()


def told_in(folder: Path, printed: str = "") -> dict[str, list[str]]:
    """Return the files below a folder that tell something, and what; ``screen`` for what was printed."""
    texts = {str(p.relative_to(folder)): text_of(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    texts["screen"] = printed.lower()
    return {name: told for name, text in texts.items() if (told := [s for s in SECRETS if s in text])}


needs_pdftotext = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext (poppler-utils) is missing")
PLAN = ["--bone", "femur", "--side", "right", "--resect-at", "120", "--families", "generic-pressfit-straight"]


@needs_pdftotext
def test_a_plan_tells_the_patient_only_when_asked(scan: Path, tmp_path: Path, capsys) -> None:
    fine = (exit_codes.OK, exit_codes.FINDINGS)
    assert cli.main(["plan", str(scan), "--out", str(tmp_path / "without"), *PLAN]) in fine
    printed = "".join(capsys.readouterr())
    assert told_in(tmp_path / "without", printed) == {}
    assert cli.main(["plan", str(scan), "--out", str(tmp_path / "with"), *PLAN, "--keep-identity"]) in fine
    told = told_in(tmp_path / "with")
    assert {"zyxwvutta", "quirinus"} <= set(told["plan.json"])
    assert not any(BORN in words for words in told.values())  # a birth date is never read


@pytest.mark.parametrize("argv", [[], ["--json"]])
def test_info_tells_the_patient_only_when_asked(scan: Path, tmp_path: Path, capsys, argv: list[str]) -> None:
    pages = [word for name in ("card.png", "card.html") for word in ("--page", str(tmp_path / name))]
    cli.main(["info", str(scan), *pages, *argv])
    assert told_in(tmp_path, "".join(capsys.readouterr())) == {}
    cli.main(["info", str(scan), "--keep-identity", *argv])
    assert "quirinus" in capsys.readouterr().out.lower()


def test_a_refusal_names_the_file_without_the_patient(scan: Path, tmp_path: Path, capsys) -> None:
    broken = tmp_path / "Zyxwvutta"
    shutil.copytree(scan, broken)
    file = sorted(broken.iterdir())[40]
    file.write_bytes(file.read_bytes()[:-500])
    assert cli.main(["plan", str(broken), "--out", str(tmp_path / "plan")]) == exit_codes.REFUSED
    printed = "".join(capsys.readouterr())
    assert "040.dcm" in printed and "quirinus" not in printed.lower()


@needs_pdftotext
@pytest.mark.parametrize("how", ["planned", "refused"])
def test_the_results_of_a_cohort_tell_nobody(scan: Path, tmp_path: Path, how: str) -> None:
    table = tmp_path / "cases.csv"
    table.write_text(f"path,bone,side,at_mm\n{scan},femur,right,120\n")
    # Without its bone named, this scan is refused. The screen says at which path: who runs it has to find the scan.
    source = table if how == "planned" else scan.parent
    out = tmp_path / "out"
    code = cli.main(["cohort", str(source), "--out", str(out), "--workers", "1"])
    assert code == (exit_codes.OK if how == "planned" else exit_codes.FINDINGS)
    assert told_in(out) == {}
    with (out / ("cases.csv" if how == "planned" else "failures.csv")).open(newline="") as rows:
        assert next(csv.DictReader(rows))["case"].startswith("case-")
