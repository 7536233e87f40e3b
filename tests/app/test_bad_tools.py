"""Tools and implants that cannot be meant, through the command line: one sentence with file and row, and no folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from canalfit import cli, exit_codes
from sizing.record import read_record, reamers_from_record

TRAY = """
schema = 1
[reamer_set]
id = "mine"
title = "My tray"
kind = "rigid"
tip = "flat"
[[row]]
diameter_mm = [8.0, 9.0]
provenance = {{ certainty = "custom", source = "my shelf", retrieved = "2026-01-01" }}
[[row]]
diameter_mm = {sizes}
provenance = {{ certainty = "custom", source = "my shelf", retrieved = "2026-01-01" }}
"""
FEMUR = ["--bone", "femur", "--side", "right", "--resect-at", "120"]


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Run a command that must be refused; return its one sentence."""
    assert cli.main(["plan", *argv]) in (exit_codes.REFUSED, exit_codes.USAGE)
    words = capsys.readouterr().err.strip()
    assert "\n" not in words and "internal error" not in words
    return words


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ("[10.0, 9.5]", "grow from size to size"),
        ("[9.0, 10.0]", "grow from size to size"),
        ("[0.0, 10.0]", "grow from size to size"),
        ("[-10.0]", "finite number"),
        ("[nan]", "finite number"),
        ("[]", "diameter_mm"),
        ("{ from = 10.0, to = 12.3, step = 0.5 }", "does not end on a step"),
    ],
)
def test_a_reamer_set_that_cannot_be_meant(
    sizes: str, says: str, sample_scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tray, out = tmp_path / "tray.toml", tmp_path / "plan"
    tray.write_text(TRAY.format(sizes=sizes))
    words = refused(capsys, str(sample_scans / "femur"), *FEMUR, "--reamers", str(tray), "--out", str(out))
    assert says in words and "tray.toml, row 2" in words
    assert not out.exists()


def test_a_reamer_set_that_is_not_there(sample_scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = refused(capsys, str(sample_scans / "femur"), "--reamers", "none.toml", "--out", str(tmp_path / "plan"))
    assert "none.toml" in words and "cannot be read" in words


def test_a_catalogue_row_that_breaks_the_schema(
    sample_scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "mine.toml"
    own.write_text('schema = 1\n[family]\nid = "mine"\n[[row]]\npart_number = "x"\n')
    words = refused(capsys, str(sample_scans / "femur"), "--catalogue", str(own), "--out", str(tmp_path / "plan"))
    assert "mine.toml" in words and "missing" in words


def test_a_tray_with_a_gap_is_used_and_the_jump_is_said(
    sample_scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sizes 8, 9, 15, 15.5: 15 mm stems can be prepared, by a jump of 6 mm; all others ask for what is not there."""
    tray, out = tmp_path / "tray.toml", tmp_path / "plan"
    tray.write_text(TRAY.format(sizes="[15.0, 15.5]"))
    scan = str(sample_scans / "femur")
    assert cli.main(["plan", scan, *FEMUR, "--reamers", str(tray), "--out", str(out)]) == exit_codes.FINDINGS
    assert "CF-F006" in capsys.readouterr().err
    record = read_record(out / "plan.json")
    assert reamers_from_record(record).diameters_mm.tolist() == [8.0, 9.0, 15.0, 15.5]
    fits = (out / "fits.csv").read_text()
    assert "the nearest on the tray is" in fits
    assert cli.main(["verify", str(out / "plan.json"), "--series", scan, "--quiet"]) == exit_codes.OK
