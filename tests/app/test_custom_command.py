"""``canalfit custom`` from a plan folder to a specification folder."""

import csv
import json
import sys
from pathlib import Path

import pytest
import trimesh

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "customise"))
from oval_case import oval_plan

from canalfit import cli, exit_codes
from sizing.implants.cad import cad_kernel_available
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


def test_the_page_needs_no_network_and_says_what_it_is(spec: Path) -> None:
    page = (spec / "spec.html").read_text()
    assert "default-src 'none'" in page and "http" not in page.replace("http-equiv", "").replace(
        "http://www.w3.org", ""
    )
    assert "not a medical device" in page and "needs a written prescription" in page


def test_a_second_run_gives_the_same_bytes(spec: Path, plan_folder: Path, tmp_path: Path) -> None:
    cli.main(["custom", str(plan_folder), "--out", str(tmp_path / "again"), "--quiet"])
    for name in ("spec.json", "sections.csv", "stem.stl", "spec.html", "spec.pdf", "stem.step"):
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


def test_settings_template_is_printed(capsys) -> None:
    assert cli.main(["custom", "--print-settings"]) == exit_codes.OK
    assert "broach_per_side_mm = 2.0" in capsys.readouterr().out
