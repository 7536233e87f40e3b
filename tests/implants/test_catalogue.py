"""The catalogue files: what they hold, and how a broken row is refused."""

from pathlib import Path

import numpy as np
import pytest

from sizing.errors import CatalogueError
from sizing.implants import Fixation, Preparation, load_catalogue, load_reamer_set, reamer_set_names

GOOD = """
schema = 1
[family]
id = "mine"
title = "My stem"
fixation = "press-fit"
preparation = "under-ream"
diametral_under_ream_mm = 0.5
reamer_kind = "rigid"
bones = ["femur"]
[[row]]
part_number = "M-{diameter_mm:.1f}"
diameter_mm = [15.0, 16.0]
length_mm = 120.0
provenance = { certainty = "custom", source = "drawing 7", retrieved = "2026-01-01" }
"""


@pytest.fixture
def write(tmp_path: Path):
    def _write(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return _write


def test_shipped_families_hold_the_sizes_they_promise() -> None:
    catalogue = load_catalogue()
    by_family: dict[str, list] = {}
    for implant in catalogue.implants:
        by_family.setdefault(implant.family_id, []).append(implant)
    assert {k: len(v) for k, v in by_family.items()} == {
        "generic-pressfit-straight": 25 * 6,
        "generic-pressfit-curved": 25 * 6 * 3,
        "generic-pressfit-humerus": 13 * 4,
        "generic-threaded": 17 * 3,
    }
    assert {i.bow_radius_mm for i in by_family["generic-pressfit-curved"]} == {800.0, 1000.0, 1200.0}
    assert len({i.part_number for i in catalogue.implants}) == len(catalogue.implants)


def test_no_shipped_implant_takes_a_makers_name() -> None:
    # No complete public size list exists for any maker, so only generic rows may ship.
    assert {i.provenance.certainty for i in load_catalogue().implants} == {"generic"}
    assert all(i.family_id.startswith("generic-") for i in load_catalogue().implants)


def test_thread_follows_the_iso_form() -> None:
    # D 18.0, P 1.75: drill 16.25, core 16.1 (worked in the clinical reference).
    eighteen = next(i for i in load_catalogue().implants if i.part_number == "GTH-18.0-80")
    assert eighteen.fixation is Fixation.THREADED and eighteen.preparation is Preparation.DRILL_TAP
    assert eighteen.last_reamer_mm == pytest.approx(16.25)
    assert eighteen.core_diameter_mm == pytest.approx(18.0 - 1.0825 * 1.75, abs=1e-3)
    pitches = {i.diameter_mm: i.thread_pitch_mm for i in load_catalogue().implants if i.fixation is Fixation.THREADED}
    assert [d for d, p in pitches.items() if p == 1.25] == [16.0, 16.5]


def test_profile_reaches_the_tip_with_its_chamfer() -> None:
    stem = next(i for i in load_catalogue().implants if i.part_number == "GPS-16.0-140")
    np.testing.assert_allclose(stem.radius_at([0.0, 138.0, 139.0, 140.0]), [8.0, 8.0, 7.0, 6.0])
    assert np.isnan(stem.radius_at(140.1)) and np.isnan(stem.radius_at(-0.1))


def test_hash_covers_every_file_read(write) -> None:
    plain = load_catalogue()
    more = load_catalogue([write(GOOD)])
    assert plain.sha256 == load_catalogue().sha256 != more.sha256
    assert len(more.implants) == len(plain.implants) + 2
    changed = load_catalogue([write(GOOD.replace("drawing 7", "drawing 8"))])
    assert changed.sha256 != more.sha256


def test_own_file_alone(write) -> None:
    own = load_catalogue([write(GOOD)], shipped=False)
    assert [i.part_number for i in own.implants] == ["M-15.0", "M-16.0"]
    assert own.implants[0].last_reamer_mm == 14.5


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[15.0, 16.0]", "[15.0, 15.0]", "grow from size to size"),
        ("[15.0, 16.0]", "[-15.0]", "diameter_mm must be a finite number"),
        ("[15.0, 16.0]", "0.0", "positive"),
        ("[15.0, 16.0]", "{ from = 15.0, to = 16.2, step = 0.5 }", "does not end on a step"),
        ("[15.0, 16.0]", '"15"', "finite number"),
        ("[15.0, 16.0]", "nan", "finite number"),
        ("length_mm", "lenght_mm", "missing"),
        ('bones = ["femur"]', 'bones = ["fibula"]', "bones"),
        ('fixation = "press-fit"', 'fixation = "glue"', "fixation is not known"),
        ('fixation = "press-fit"', 'fixation = "threaded"', "drill-tap"),
        ('certainty = "custom"', 'certainty = "sure"', "certainty"),
        ('source = "drawing 7", ', "", "missing"),
        ("diametral_under_ream_mm = 0.5", "diametral_under_ream_mm = 20.0", "under-ream"),
        ("length_mm = 120.0", "length_mm = 120.0\ncolour = 3", "not known"),
        ("length_mm = 120.0", "length_mm = 120.0\nbow_radius_mm = 100.0", "bow radius"),
        ("length_mm = 120.0", "length_mm = 120.0\nprofile_mm = [[0, 8], [100, 8]]", "profile"),
        ("M-{diameter_mm:.1f}", "M-{width}", "part_number"),
        ("schema = 1", "schema = 2", "schema version"),
    ],
)
def test_a_broken_row_is_refused_with_its_place(write, old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(CatalogueError, match=words) as caught:
        load_catalogue([write(GOOD.replace(old, new))])
    assert "mine.toml" in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_row_number_is_named(write) -> None:
    with pytest.raises(CatalogueError, match=r"mine\.toml, row 2"):
        load_catalogue([write(GOOD + "[[row]]\npart_number = 'x'\n")])


def test_not_toml_and_not_there(write, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="not TOML"):
        load_catalogue([write("diameter: 15")])
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_catalogue([tmp_path / "none.toml"])


def test_twice_the_same_part_number(write) -> None:
    with pytest.raises(CatalogueError, match="occurs twice"):
        load_catalogue([write(GOOD.replace("M-{diameter_mm:.1f}", "GPS-16.0-120"))])


def test_reamer_sets() -> None:
    assert reamer_set_names() == ("generic-rigid", "opra-drills")
    np.testing.assert_allclose(load_reamer_set().diameters_mm, np.arange(7.0, 24.01, 0.5))
    drills = load_reamer_set("opra-drills")
    assert (drills.diameters_mm[0], drills.diameters_mm[-1], len(drills.reamers)) == (10.5, 24.0, 28)
    assert "certainty A" in drills.provenance


def test_reamer_set_that_shrinks_is_refused(write) -> None:
    text = """
schema = 1
[reamer_set]
id = "t"
title = "t"
kind = "rigid"
tip = "flat"
[[row]]
diameter_mm = [9.0, 10.0]
provenance = { certainty = "custom", source = "s", retrieved = "2026-01-01" }
[[row]]
diameter_mm = 9.5
provenance = { certainty = "custom", source = "s", retrieved = "2026-01-01" }
"""
    with pytest.raises(CatalogueError, match=r"grow from size to size \[mine\.toml, row 2\]"):
        load_reamer_set(write(text))
