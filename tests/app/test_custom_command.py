"""``canalfit custom`` from a plan folder to a specification folder."""

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "customise"))
from oval_case import oval_plan

from canalfit import cli, exit_codes
from sizing.implants.cad import cad_kernel_available
from sizing.implants.own import implant_from_file
from sizing.implants.shape import StemShape
from sizing.record import plan_record


@pytest.fixture(scope="module")
def plan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan")
    (folder / "plan.json").write_text(plan_record(oval_plan())[1], encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def spec(plan_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "spec"
    code = cli.main(["custom", str(plan_folder), "--out", str(out), "--quiet"])
    assert code in (exit_codes.OK, exit_codes.FINDINGS)
    return out


def test_the_folder_holds_everything(spec: Path) -> None:
    expected = {"spec.json", "sections.csv", "contours.csv", "spec.pdf", "spec.html", "stem.stl", "stem.3mf"}
    assert {p.name for p in spec.iterdir()} == expected | ({"stem.step"} if cad_kernel_available() else set())


def test_drawings_on_the_page_bring_their_style(spec: Path) -> None:
    """Without it a browser fills every ground with black."""
    page = (spec / "spec.html").read_text(encoding="utf-8")
    assert 'class="ground"' in page and "svg.pane .ground { fill:#fff" in page


def test_the_solids_have_the_volume_that_the_record_states(spec: Path) -> None:
    record = json.loads((spec / "spec.json").read_text())
    mesh = trimesh.load(spec / "stem.stl")
    # 0.05 % is the limit; chords make the mesh smaller, never larger
    assert mesh.is_watertight
    assert -5e-4 < mesh.volume / record["solid"]["volume_mm3"] - 1 < 0
    assert record["solid"]["mesh_deviation_worst_mm"] <= 0.01
    if cad_kernel_available():
        assert abs(record["solid"]["step_volume_relative"]) < 5e-4


def test_the_table_is_the_record(spec: Path) -> None:
    record = json.loads((spec / "spec.json").read_text())
    rows = list(csv.DictReader((spec / "sections.csv").open()))
    assert len(rows) == len(record["sections"])
    assert float(rows[0]["semi_axis_a_mm"]) == record["sections"][0]["semi_axis_a_mm"]
    assert rows[0]["tolerance_mm"] == ""


def test_a_bowed_stem_comes_back_from_its_own_tables(plan_folder: Path, tmp_path: Path) -> None:
    """The bow is a column of both tables, so that a stem that is given back is not placed as a straight one."""
    (tmp_path / "custom.toml").write_text("section = 'ellipse'\naxis = 'bowed'\nbow_radius_mm = 900.0\n")
    out = tmp_path / "spec"
    cli.main(["custom", str(plan_folder), "--out", str(out), "--settings", str(tmp_path / "custom.toml"), "--quiet"])
    record = json.loads((out / "spec.json").read_text())["shape"]
    names = ("station_mm", "semi_axes_mm", "exponent", "orientation_deg", "offset_mm")
    designed = StemShape(*(np.array(record[n]) for n in names), None, record["bow_radius_mm"])
    at, phi = designed.station_mm[:-1], np.linspace(0, 2 * np.pi, 60)
    for name, tolerance_mm in (("sections.csv", 1e-9), ("contours.csv", 1e-3)):
        implant = implant_from_file(out / name)
        assert implant.bow_radius_mm == designed.bow_radius_mm == 900.0 and implant.length_mm == designed.length_mm
        assert np.abs(implant.stem_shape.radius_mm(at, phi) - designed.radius_mm(at, phi)).max() < tolerance_mm


def test_the_page_needs_no_network_and_says_what_it_is(spec: Path) -> None:
    page = (spec / "spec.html").read_text()
    assert "default-src 'none'" in page and "http" not in page.replace("http-equiv", "").replace(
        "http://www.w3.org", ""
    )
    assert "not a medical device" in page and "needs a written prescription" in page


def test_a_second_run_gives_the_same_bytes(spec: Path, plan_folder: Path, tmp_path: Path) -> None:
    cli.main(["custom", str(plan_folder), "--out", str(tmp_path / "again"), "--quiet"])
    for name in ("spec.json", "sections.csv", "stem.stl", "stem.3mf", "spec.html", "spec.pdf", "stem.step"):
        if (spec / name).exists():
            assert (tmp_path / "again" / name).read_bytes() == (spec / name).read_bytes(), name


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--settings", "no.toml"], exit_codes.USAGE, "no.toml"),
        (["--supersedes", "plan.json"], exit_codes.USAGE, "specification"),
    ],
)
def test_bad_requests_are_one_sentence(
    arguments: list[str], code: int, says: str, plan_folder: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(plan_folder)
    assert cli.main(["custom", str(plan_folder), "--out", str(tmp_path / "spec"), *arguments]) == code
    assert says in capsys.readouterr().err
    assert not (tmp_path / "spec").exists()


ZONES = """[[zones]]
name = "a"
from_station_mm = 0
to_station_mm = 60
[[zones]]
name = "b"
from_station_mm = 50
to_station_mm = 70
"""


@pytest.mark.parametrize(
    ("toml", "code", "says"),
    [
        ("section = 'square'", exit_codes.USAGE, "section = 'square' is not known"),
        ("lenght_mm = 100", exit_codes.USAGE, "lenght_mm is not a setting"),
        ("length_mm = 'long'", exit_codes.USAGE, "length_mm = 'long' must be float"),
        ("length_mm = 250.0", exit_codes.USAGE, "length_mm = 250 is longer than longest_length_mm"),
        ("length_mm = 30.0\ntip_length_mm = 30.0", exit_codes.USAGE, "tip_length_mm and flare_length_mm"),
        ("preparation = 'unreamed'\nlast_reamer_mm = 14.0", exit_codes.USAGE, "contradict each other"),
        ("axis = 'middle'\nbow_radius_mm = 900.0", exit_codes.USAGE, "bow_radius_mm must be left out"),
        ("collar_thickness_mm = 0.5", exit_codes.USAGE, "below smallest_thickness_mm"),
        (ZONES, exit_codes.USAGE, "zones 'a' and 'b' overlap"),
        ("length_mm = [", exit_codes.USAGE, "cannot be read as TOML"),
        ("[[holes]]\nstation_mm = 50", exit_codes.USAGE, "holes row 1"),
        ("smallest_radius_mm = 12.0", exit_codes.REFUSED, "the stem becomes thinner than can be made"),
        ("largest_cut_per_side_mm = 0.0\nlast_reamer_mm = 18.0", exit_codes.REFUSED, "largest_cut_per_side_mm allows"),
        ("length_mm = 190.0", exit_codes.REFUSED, "not measured all along the stem"),
        ("axis = 'bowed'", exit_codes.REFUSED, "no bow that can be told"),
        ("[[holes]]\nstation_mm = 60.0\ndirection_deg = 0.0\ndiameter_mm = 12.0", exit_codes.REFUSED, "screw hole"),
    ],
)
def test_settings_that_cannot_be_meant_or_made_are_one_sentence(
    toml: str, code: int, says: str, plan_folder: Path, tmp_path: Path, capsys
) -> None:
    (tmp_path / "mine.toml").write_text(toml, encoding="utf-8")
    arguments = ["custom", str(plan_folder), "--out", str(tmp_path / "spec"), "--settings", str(tmp_path / "mine.toml")]
    assert cli.main(arguments) == code
    told = capsys.readouterr().err.strip()
    assert says in told.replace("The stem", "the stem") and "Traceback" not in told
    if code == exit_codes.USAGE:
        assert "mine.toml" in told
    assert not (tmp_path / "spec").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda r: r | {"schema_version": 99}, "measured schema version 99"),
        (lambda r: r | {"schema": "another"}, "is not a canalfit plan"),
        (lambda r: r | {"summary": {}}, "changed after it was written"),
    ],
)
def test_a_plan_that_is_not_ours_or_was_changed_is_refused(
    change, says: str, plan_folder: Path, tmp_path: Path, capsys
) -> None:
    record = json.loads((plan_folder / "plan.json").read_text(encoding="utf-8"))
    (tmp_path / "plan.json").write_text(json.dumps(change(record)), encoding="utf-8")
    code = cli.main(["custom", str(tmp_path), "--out", str(tmp_path / "spec")])
    assert code in (exit_codes.USAGE, exit_codes.REFUSED)
    told = capsys.readouterr().err
    assert says in told and "plan.json" in told and "Traceback" not in told and not (tmp_path / "spec").exists()


def test_the_section_table_is_the_stem(spec: Path, plan_folder: Path, tmp_path: Path) -> None:
    """Read back as an implant of one's own, table and contours hold the volume of the specified stem."""
    (tmp_path / "ellipse.toml").write_text("section = 'ellipse'", encoding="utf-8")
    out = tmp_path / "ellipse"
    settings = str(tmp_path / "ellipse.toml")
    assert cli.main(["custom", str(plan_folder), "--out", str(out), "--settings", settings, "--quiet"]) in (0, 10)
    record = json.loads((out / "spec.json").read_text())
    collar = record["form"]["collar"]
    stem_mm3 = record["solid"]["volume_mm3"] - np.pi / 4 * collar["diameter_mm"] ** 2 * collar["thickness_mm"]
    assert implant_from_file(out / "sections.csv").stem_shape.volume_mm3 == pytest.approx(stem_mm3, rel=1e-9)
    # 72 angles tell an ellipse of this roundness to 1e-6; between rows radii are linear here, semi-axes there
    assert implant_from_file(out / "contours.csv").stem_shape.volume_mm3 == pytest.approx(stem_mm3, rel=1e-4)


def test_verify_tells_what_was_changed(spec: Path, tmp_path: Path, capsys) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(spec, copy)
    assert cli.main(["verify", str(copy)]) == exit_codes.OK
    assert "whole and unchanged" in capsys.readouterr().err
    (copy / "stem.stl").write_bytes((copy / "stem.stl").read_bytes() + b" ")
    (copy / "stem.3mf").unlink()
    text = (copy / "sections.csv").read_text()
    (copy / "sections.csv").write_text(text.replace(",2.0,", ",2.1,", 1))
    record = json.loads((copy / "spec.json").read_text())
    record["form"]["length_mm"] += 1.0
    (copy / "spec.json").write_text(json.dumps(record))
    assert cli.main(["verify", str(copy)]) == exit_codes.FINDINGS
    told = capsys.readouterr().err
    for words in ("spec.json: changed", "stem.stl: not the solid", "stem.3mf: missing", "sections.csv"):
        assert words in told


def test_zones_and_holes_are_drawn_and_listed(plan_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'section = "circle"\n[[zones]]\nname = "porous"\nfrom_station_mm = 0\nto_station_mm = 50\n'
        "diametral_interference_mm = 0.1\n[[holes]]\nstation_mm = 60\ndirection_deg = 90\ndiameter_mm = 3\n"
    )
    out = tmp_path / "spec"
    assert cli.main(["custom", str(plan_folder), "--out", str(out), "--settings", str(tmp_path / "mine.toml"),
                     "--quiet"]) in (0, 4, 10)  # fmt: skip
    page = (out / "spec.html").read_text(encoding="utf-8")
    assert "porous: 0 to 50 mm, interference 0.1 mm (diametral)" in page
    assert "⌀ 3 mm at 60 mm, 90° from x" in page and "1 screw holes taken off" not in page
    assert "one screw hole taken off" in page
    mesh = trimesh.load(out / "stem.stl")
    record = json.loads((out / "spec.json").read_text())
    # one hole through: a body of genus 1
    assert mesh.euler_number == 0
    assert mesh.volume == pytest.approx(record["solid"]["volume_mm3"], rel=5e-4)


def test_settings_template_is_printed(capsys) -> None:
    assert cli.main(["custom", "--print-settings"]) == exit_codes.OK
    assert "broach_per_side_mm = 2.0" in capsys.readouterr().out
