"""Insertion of stems into holes that are known on paper, and custom stems grown from such holes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sizing.canal import Canal
from sizing.errors import InputError, UsageError
from sizing.implants.cavity import Cavity, cavity_along
from sizing.implants.custom import design_custom
from sizing.implants.custom_settings import CoatedZone, CustomSettings, load_custom_settings, settings_template
from sizing.implants.insertion import check_insertion
from sizing.implants.shape import StemShape
from sizing.implants.solid import ScrewHole
from sizing.reaming.model import ToolAxis

PHI = np.arange(128) * (2 * np.pi / 128)
STATION = np.arange(0.0, 111.0)
AXIS = ToolAxis((0, 0, 0), (0, 0, 1))


def cavity(hole, outer=16.0, bow: float | None = None) -> Cavity:
    """A hole whose radius is a function of (station, phi)."""
    axis = AXIS if bow is None else ToolAxis((0, 0, 0), (0, 0, 1), bow, (1, 0, 0))
    radius = np.broadcast_to(hole(STATION[:, None], PHI[None]), (len(STATION), len(PHI)))
    return Cavity(axis, (1, 0, 0), STATION, PHI, radius, np.full(radius.shape, outer), radius)


def ellipse(a: float, b: float, turn: float = 0.0):
    return lambda s, phi: 1 / np.sqrt((np.cos(phi - turn) / a) ** 2 + (np.sin(phi - turn) / b) ** 2) + 0 * s


ZERO = np.zeros(len(STATION))


def test_least_clearance_of_a_round_stem_in_a_cone_is_where_the_cone_is_narrowest() -> None:
    narrowing = cavity(lambda s, phi: 9.0 - 0.02 * s + 0 * phi)
    result = check_insertion(StemShape.round([0, 100], [6.9, 6.9]), narrowing, ZERO)
    assert result.goes_in
    assert result.least_clearance_mm == pytest.approx(9 - 0.02 * 100 - 6.9, abs=1e-9)
    assert result.clearance_hole_station_mm == 100 and result.unmeasured_share == 0


def test_an_undercut_is_refused_with_the_place_that_jams() -> None:
    """A stem with a bulb cannot pass the neck at the entry, even where it has room in its final place."""
    widening = cavity(lambda s, phi: 7.0 + 0.02 * s + 0 * phi)
    bulb = StemShape.round([0, 100], [6.9, 8.9])
    result = check_insertion(bulb, widening, ZERO)
    assert not result.goes_in
    assert np.nanmin(result.seated_gap_mm) > 0  # it would sit freely
    assert result.least_clearance_mm == pytest.approx(7.0 - 8.9, abs=1e-9)
    assert (result.clearance_stem_station_mm, result.clearance_hole_station_mm) == (100, 0)


def test_meant_interference_lets_a_press_fit_pass_and_no_more() -> None:
    hole = cavity(lambda s, phi: 7.0 + 0 * s + 0 * phi)
    meant = np.where(STATION <= 40, 0.05, 0.0)
    assert check_insertion(StemShape.round([0, 39, 40, 100], [7.05, 7.05, 7.0, 7.0]), hole, meant).goes_in
    assert not check_insertion(StemShape.round([0, 60], [7.05, 7.05]), hole, meant).goes_in


def test_a_bowed_stem_slides_along_its_own_arc() -> None:
    bent = cavity(lambda s, phi: 7.0 + 0 * s + 0 * phi, bow=900.0)
    result = check_insertion(StemShape.round([0, 100], [6.8, 6.8], 900.0), bent, ZERO)
    assert result.goes_in and result.least_clearance_mm == pytest.approx(0.2, abs=1e-9)


def test_an_unknown_stretch_is_counted_and_limits_nothing() -> None:
    hole = cavity(lambda s, phi: np.where((s > 30) & (s < 41), np.nan, 7.0) + 0 * phi)
    result = check_insertion(StemShape.round([0, 100], [6.9, 6.9]), hole, ZERO)
    assert result.goes_in and result.least_clearance_mm == pytest.approx(0.1, abs=1e-9)


# Sections grow by linear programmes and a ratio search of 2e-5: 0.005 mm is the limit for clearances.
LIMIT_MM = 0.005
FLAT = {"tip_form": "flat", "smallest_radius_mm": 3.0}
NO_BROACH = {**FLAT, "broach_per_side_mm": 0.0}


@pytest.mark.parametrize("section", ["circle", "ellipse", "free"])
def test_in_a_cone_the_stem_is_the_cone(section: str) -> None:
    design = design_custom(
        cavity(lambda s, phi: 9.0 - 0.02 * s + 0 * phi),
        CustomSettings(section=section, **NO_BROACH),
        length_mm=100,
        last_reamer_mm=14,
    )
    assert design.insertion.goes_in and design.insertion.least_clearance_mm == pytest.approx(0, abs=LIMIT_MM)
    cone = np.pi * 100 / 3 * (81 + 63 + 49)
    # A free form's row holds what the first station past its stretch allows, 5 mm on: never larger.
    slack = 2 * np.pi * 8 * 100 * (0.02 * 5.0 if section == "free" else LIMIT_MM)
    assert cone - slack <= design.implant.stem_shape.volume_mm3 <= cone * (1 + 1e-9)


def test_in_an_oval_hole_the_stem_is_the_oval() -> None:
    design = design_custom(
        cavity(ellipse(8.5, 6.5, 0.5)), CustomSettings(section="ellipse", **NO_BROACH), length_mm=100, last_reamer_mm=13
    )
    shape = design.implant.stem_shape
    assert np.sort(shape.semi_axes_mm[0]) == pytest.approx([6.5, 8.5], abs=LIMIT_MM)
    longest = shape.orientation_deg[0] + (0 if shape.semi_axes_mm[0, 0] > shape.semi_axes_mm[0, 1] else 90)
    assert np.deg2rad(longest) % np.pi == pytest.approx(0.5, abs=2e-3)


def test_behind_a_neck_the_stem_stays_as_narrow_as_the_neck() -> None:
    waist = cavity(lambda s, phi: 7.0 + 0.001 * (s - 50) ** 2 + 0 * phi)
    design = design_custom(waist, CustomSettings(section="circle", **NO_BROACH), length_mm=100, last_reamer_mm=14)
    beyond = design.implant.stem_shape.radius_mm([60.0, 90.0], PHI)
    assert design.insertion.goes_in
    assert np.all(beyond <= 7.0 + 1e-6) and np.all(beyond > 7.0 - 0.15)  # knots are 10 mm apart


def test_a_broach_never_cuts_into_the_wall_that_must_stay() -> None:
    hole = cavity(ellipse(8.0, 6.0), outer=9.0)
    settings = CustomSettings(section="ellipse", broach_per_side_mm=1.5, min_wall_mm=2.0, **FLAT)
    design = design_custom(hole, settings, length_mm=100, last_reamer_mm=12)
    native = 9.0 - hole.hole_radius_mm
    thinned = design.wall_left_mm < native - 1e-6
    assert thinned.any() and design.wall_left_mm[thinned].min() >= 2.0 - LIMIT_MM


def test_the_wall_that_must_stay_is_kept_to_the_nearest_point_not_along_the_ray() -> None:
    """In an eccentric ring the nearest periosteum lies aside of the ray: distance by the law of cosines."""
    shift = 4.0
    outer = shift * np.cos(PHI) + np.sqrt(14.0**2 - (shift * np.sin(PHI)) ** 2)
    hole = cavity(lambda s, phi: 6.0 + 0 * s + 0 * phi, outer=np.broadcast_to(outer, (len(STATION), len(PHI))))
    settings = CustomSettings(section="free", broach_per_side_mm=9.0, min_wall_mm=3.0, **FLAT)
    design = design_custom(hole, settings, length_mm=100, last_reamer_mm=12)
    x, y = (design.cavity.hole_radius_mm[50] * f(PHI) for f in (np.cos, np.sin))
    wall = 14.0 - np.hypot(x - shift, y)
    assert wall.min() >= 3.0 - LIMIT_MM
    assert wall.min() <= 3.0 + 0.1  # and the design uses what it may


def test_room_is_kept_at_the_isthmus() -> None:
    waist = cavity(lambda s, phi: 7.0 + 0.002 * (s - 50) ** 2 + 0 * phi)
    settings = CustomSettings(section="circle", isthmus_clearance_mm=0.2, **NO_BROACH)
    design = design_custom(waist, settings, length_mm=100, last_reamer_mm=14)
    radius = design.implant.stem_shape.radius_mm([50.0], PHI)
    assert radius.max() <= 7.0 - 0.2 + 1e-6


def test_metal_beside_a_hole_is_as_thick_as_can_be_made() -> None:
    settings = CustomSettings(section="circle", holes=(ScrewHole(50, 0, 12.5),), **NO_BROACH)
    with pytest.raises(InputError, match=r"CF-I048.*smallest_thickness_mm"):
        design_custom(cavity(lambda s, phi: 7.0 + 0 * s + 0 * phi), settings, length_mm=100, last_reamer_mm=14)


def test_zones_carry_their_interference() -> None:
    hole = cavity(lambda s, phi: 7.0 + 0 * s + 0 * phi)
    settings = CustomSettings(section="circle", zones=(CoatedZone("coated", 0, 110, 0.1, 0.5),), **NO_BROACH)
    design = design_custom(hole, settings, length_mm=100, last_reamer_mm=14)
    assert design.implant.diameter_mm == pytest.approx(14.1, abs=1e-6)
    assert design.implant.coating_thickness_mm == 0.5 and design.insertion.goes_in


def test_a_stem_longer_than_the_measured_canal_is_refused() -> None:
    with pytest.raises(InputError, match="CF-I040"):
        design_custom(cavity(ellipse(8, 7)), CustomSettings(), length_mm=140, last_reamer_mm=14)


def test_a_stem_thinner_than_can_be_made_is_refused_with_its_level() -> None:
    narrowing = cavity(lambda s, phi: 6.0 - 0.03 * s + 0 * phi)
    with pytest.raises(InputError, match=r"CF-I041.*mm above the facing plane"):
        design_custom(
            narrowing, CustomSettings(section="circle", broach_per_side_mm=0), length_mm=100, last_reamer_mm=8
        )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('section = "square"', "section"),
        ("lenght_mm = 100", "lenght_mm"),
        ('length_mm = "long"', "length_mm"),
        ("length_mm = 10\ntip_length_mm = 12", "tip_length_mm"),
        ('preparation = "unreamed"\nlast_reamer_mm = 14', "contradict"),
        ('[[zones]]\nname = "a"\nfrom_station_mm = 0\nto_station_mm = 50\n'
         '[[zones]]\nname = "b"\nfrom_station_mm = 40\nto_station_mm = 60', "overlap"),
        ("[[holes]]\nstation_mm = 50", "holes row 1"),
        ('axis = "middle"\nbow_radius_mm = 800', "bow_radius_mm"),
        ("bow_radius_mm = 80", "bow_radius_mm"),
        ("collar_thickness_mm = 0.5", "smallest_thickness_mm"),
        ("isthmus_clearance_mm = -0.1", "isthmus_clearance_mm"),
        ("section = ", "TOML"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant_name_file_and_field(text: str, says: str, tmp_path) -> None:
    file = tmp_path / "custom.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        load_custom_settings(file)
    assert "custom.toml" in str(caught.value)


def test_the_template_reads_back_as_the_defaults(tmp_path) -> None:
    file = tmp_path / "custom.toml"
    file.write_text(settings_template())
    assert load_custom_settings(file) == CustomSettings()


def test_a_cavity_seen_from_a_shifted_axis() -> None:
    """A circular canal of radius 7 seen from an axis 1 mm off: law of cosines."""
    t = np.arange(720) * (2 * np.pi / 720)
    ring = np.stack([np.cos(t), np.sin(t)], 1)
    depth = np.arange(0, 61.0, 2.0)
    canal = Canal.from_sections(depth, [7 * ring] * len(depth), [12 * ring] * len(depth))
    seen = cavity_along(canal, ToolAxis((1, 0, 0), (0, 0, 1)), np.arange(0, 60.0), 128)
    expected = -np.cos(seen.phi_rad) + np.sqrt(49 - np.sin(seen.phi_rad) ** 2)
    assert np.abs(seen.endosteal_radius_mm - expected).max() < 2e-3  # chords between 256 rays: 7 (2 pi / 256)^2 / 8


def test_the_example_is_the_template() -> None:
    example = Path(__file__).resolve().parents[2] / "examples" / "custom.toml"
    assert load_custom_settings(example) == CustomSettings()
    assert example.read_text(encoding="utf-8").endswith(settings_template())


def test_an_unmeasured_level_is_told_at_that_level_only() -> None:
    """Rays missing at the first levels, and at one level further up: the rest of their lines is still known."""
    t = np.arange(128) * (2 * np.pi / 128)
    ring = np.stack([8 * np.cos(t), 8 * np.sin(t)], 1)
    depth = np.arange(0.0, 61.0, 2.0)
    canal = Canal.from_sections(depth, [ring] * 31, [1.6 * ring] * 31, n_angles=128)
    inner = canal.endosteal_radius_mm.copy()
    inner[:5, :40] = np.nan
    inner[20, :40] = np.nan
    canal = replace(canal, endosteal_radius_mm=inner)
    seen = cavity_along(canal, ToolAxis((0, 0, 0), (0, 0, 1)), np.arange(0, 60.0), 128)
    known = np.isfinite(seen.endosteal_radius_mm).mean(axis=1)
    # levels are 2 mm apart: unmeasured up to 8 mm and at 40 mm, so not known below 10 mm and from 39 to 41 mm
    missing = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 39, 40, 41}
    assert set(np.flatnonzero(known < 1.0)) == missing
    assert known[list(missing)] == pytest.approx(88 / 128, abs=0.05)
    assert seen.endosteal_radius_mm[20] == pytest.approx(8.0, abs=1e-3)


def test_a_canal_that_is_seen_only_from_some_level_on_is_refused_with_that_level() -> None:
    hole = np.full((61, 64), 8.0)
    hole[:13] = np.nan
    phi = np.arange(64) * (2 * np.pi / 64)
    cavity = Cavity(ToolAxis((0, 0, 0), (0, 0, 1)), (1, 0, 0), np.arange(61.0), phi, hole, hole + 5, hole)
    with pytest.raises(InputError, match=r"CF-I040.*0 mm above.*measured from 13 mm on"):
        design_custom(cavity, CustomSettings(), length_mm=60.0, last_reamer_mm=15.0)


@pytest.mark.parametrize(("unseen_mm", "narrow"), [(2, False), (8, True)])
def test_a_side_that_is_not_seen_at_the_cut_is_bridged_over_one_slice_only(unseen_mm: int, narrow: bool) -> None:
    """A quarter of the circumference unseen over the first levels of a round canal of 9 mm, last reamer 14 mm."""
    hole = np.full((len(STATION), len(PHI)), 9.0)
    hole[: unseen_mm + 1, :32] = np.nan
    seen = Cavity(AXIS, (1, 0, 0), STATION, PHI, hole, np.full(hole.shape, 16.0), hole)
    settings = CustomSettings(section="free", broach_per_side_mm=0, tip_form="flat")
    design = design_custom(seen, settings, length_mm=80.0, last_reamer_mm=14.0)
    unseen = design.implant.stem_shape.radius_mm([40.0], PHI[10:22])[0]
    # as far as the canal further up, or, where the gap is long, within the reamer
    assert unseen.max() <= 7.0 + 1e-6 if narrow else unseen.min() == pytest.approx(9.0, abs=1e-3)
    assert any(f.code == "CF-I042" for f in design.findings)
