"""``canalfit diff``: what changed is said with its unit, and surfaces part by what was put between them."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "customise"))
from oval_case import oval_canal, oval_plan

from canalfit import cli, exit_codes
from canalfit.difference import Change, changes_between
from sizing.anatomy import Bone
from sizing.errors import UsageError
from sizing.implants import load_catalogue
from sizing.implants.shape import StemShape
from sizing.planning import PlanSettings, plan_canal
from sizing.record import plan_record
from sizing.record.codec import encode
from sizing.record.surfaces import surface_difference
from sizing.specification import SCHEMA


@pytest.fixture(scope="module")
def two_plans(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same canal with and without a wall limit that only a smaller stem keeps."""
    strict = PlanSettings(
        bone=Bone.FEMUR, families=("generic-pressfit-straight",), max_stem_length_mm=120, wall_limit_mm=5.0
    )
    folders = []
    for plan in (oval_plan(), plan_canal(oval_canal(), load_catalogue(), strict)):
        folder = tmp_path_factory.mktemp("plan")
        (folder / "plan.json").write_text(plan_record(plan)[1], encoding="utf-8")
        folders.append(folder)
    return folders[0], folders[1]


def test_a_plan_does_not_differ_from_itself(two_plans, capsys) -> None:
    assert cli.main(["diff", str(two_plans[0]), str(two_plans[0]), "--json"]) == exit_codes.OK
    said = json.loads(capsys.readouterr().out)
    assert said == {"changes": [], "surface": "hole after reaming", "surface_worst_mm": 0.0}


def test_what_changed_is_in_words_in_the_table_and_in_the_picture(two_plans, tmp_path: Path, capsys) -> None:
    table, picture = tmp_path / "t.csv", tmp_path / "p.png"
    args = ["diff", *map(str, two_plans), "--table", str(table), "--picture", str(picture)]
    assert cli.main(args) == exit_codes.FINDINGS
    said = capsys.readouterr().out
    records = [json.loads((p / "plan.json").read_text())["summary"] for p in two_plans]
    first, second = (r["fit"]["wall_min_mm"] for r in records)
    assert first != second
    assert f"fit: wall min: {first:.4g} -> {second:.4g} mm ({second - first:+.3g})" in said
    assert f"fit.wall_min_mm,{first!r},{second!r}" in table.read_text()
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_holes_and_places_are_said_one_by_one_and_not_as_lists() -> None:
    turn = np.deg2rad(2.0)
    leaning = [[1, 0, 0, 3], [0, np.cos(turn), -np.sin(turn), 4], [0, np.sin(turn), np.cos(turn), 0], [0, 0, 0, 1]]
    rest = {"preparation": {}, "wall": {}, "solid": {"volume_mm3": 41082.3}, "insertion": {}, "settings": {},
            "comparison": {}, "version": 1, "schema": SCHEMA}  # fmt: skip
    one = rest | {"form": {"holes": []}, "datum": {"implant_to_lps": np.eye(4).tolist()}}
    two = rest | {"form": {"holes": [{"station_mm": 90.0}]}, "datum": {"implant_to_lps": leaning}}
    two["solid"] = {"volume_mm3": 40923.6}
    said = [c.words for c in changes_between(one, two)]
    assert said == [
        "datum: axis tilted by: 0 -> 2° (+2)", "datum: entry moved by: 0 -> 5 mm (+5)",
        "form: holes: 1: station: no value -> 90 mm", "solid: volume: 41082 -> 40924 mm³ (-159)",
    ]  # fmt: skip


def test_stems_part_by_what_was_put_between_them() -> None:
    """Coaxial cylinders of 14 and 15 mm, the second 20 mm longer: 0.5 mm everywhere, unknown beyond the shorter."""
    one, two = (
        {"schema": SCHEMA, "shape": encode(StemShape.round([0, length], [r, r]))} for r, length in ((7, 80), (7.5, 100))
    )
    found = surface_difference(one, two)
    shared = found.depth_mm <= 80
    np.testing.assert_allclose(found.difference_mm[shared], 0.5, rtol=0, atol=1e-12)
    assert np.isnan(found.difference_mm[~shared]).all()
    assert found.worst_mm == pytest.approx(0.5, abs=1e-12)


def test_two_kinds_and_what_is_neither_are_refused(two_plans, tmp_path: Path) -> None:
    plan = json.loads((two_plans[0] / "plan.json").read_text())
    with pytest.raises(UsageError, match="two of one kind"):
        surface_difference(plan, {"schema": SCHEMA, "shape": encode(StemShape.round([0, 9], [7, 7]))})
    assert cli.main(["diff", str(tmp_path), str(two_plans[0]), "--quiet"]) == exit_codes.USAGE


def test_units_are_those_of_the_key() -> None:
    assert Change("fit.gap_mm3", 1.0, 3.0, 2.0).words == "fit: gap: 1 -> 3 mm³ (+2)"
    assert Change("form.bow_radius_mm", None, 800.0, None).words == "form: bow radius: no value -> 800 mm"
