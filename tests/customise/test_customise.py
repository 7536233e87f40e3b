"""A custom stem against the stock stems of the same plan, on an oval canal that is known on paper."""

import json
from dataclasses import replace

import numpy as np
import pytest
from oval_case import oval_plan

from sizing.customise import customise
from sizing.errors import InputError, UsageError
from sizing.implants.custom_settings import CoatedZone, CustomSettings
from sizing.implants.insertion import CLEARANCE_TOLERANCE_MM
from sizing.implants.solid import Deviation
from sizing.reaming import ToolAxis
from sizing.record import Provenance
from sizing.specification import ONLY_THE_MAKER, SolidFacts, open_questions, specification_record

SOLID = SolidFacts(("stem.stl",), Deviation(0.001, 0.0002, -5e-5, 4000), {"stem.stl": "ab" * 32}, None, "no CAD kernel")
PROVENANCE = Provenance("0.1.0", "ab" * 32, "cd" * 32)


@pytest.fixture(scope="module")
def custom():
    return customise(oval_plan())


def test_it_goes_in_keeps_the_stock_wall_and_touches_more(custom) -> None:
    stock = custom.stock[0]
    assert custom.design.insertion.goes_in and not custom.fit.rejected
    # the promise: at least the wall of the best stock stem, ten points more contact
    assert custom.fit.wall_min_mm >= stock.wall_min_mm - 0.05
    assert custom.fit.contact_share >= stock.contact_share + 0.10
    assert custom.verdict.startswith("Custom is worth its trouble")
    # and the score that ranks stock stems ranks it higher
    assert custom.fit.score.total > stock.score.total


def test_where_it_cannot_win_the_page_says_why_not() -> None:
    """A broach that may not cut and a length of three tips: most of what does not touch has a named reason."""
    held = customise(oval_plan(), CustomSettings(section="circle", broach_per_side_mm=0, axis="middle"))
    assert held.verdict.startswith("Custom wins little here")
    assert "drawn-in tip" in held.verdict and "the section cannot follow the canal" in held.verdict
    touched = 1 - sum(held.design.untouched.values())
    # contact by the design's own stations and angles against that of the fit: its levels are 2 mm apart
    assert touched == pytest.approx(held.fit.contact_share, abs=0.03)


def test_clearance_that_is_asked_for_is_not_contact() -> None:
    """A stem that stands 0.3 mm off its hole touches nothing: the broach that makes the hole leaves that room."""
    loose = customise(oval_plan(), CustomSettings(section="ellipse", axis="middle", least_clearance_mm=0.3))
    assert loose.fit.contact_share == pytest.approx(0.0, abs=0.01)
    # the wall keeps what is to be kept although the hole is larger than the stem
    assert loose.fit.reamed_wall_min_mm >= loose.design.settings.min_wall_mm - 0.05
    assert loose.design.untouched["asked"] > 0.5 and "the clearance that the settings ask for" in loose.verdict


def test_the_middle_of_the_canal_is_found_where_the_stock_stem_stands_aside() -> None:
    plan = oval_plan()
    base = next(f for f in plan.fits if not f.rejected)
    aside = replace(base, placement=replace(base.placement, axis=ToolAxis((2.0, 0, 0), (0, 0, 1))))
    plan = replace(plan, fits=tuple(aside if f is base else f for f in plan.fits), chosen=aside)
    middle, stock = (customise(plan, CustomSettings(section="ellipse", axis=a)) for a in ("middle", "stock"))
    assert middle.fit.contact_share > stock.fit.contact_share
    assert stock.fit.placement.axis.entry_lps == pytest.approx([2.0, 0, 0])
    # the canal is symmetric about z: its middle is the z axis
    assert np.abs(middle.fit.placement.axis.entry_lps[:2]).max() < 1e-6


def test_a_custom_stem_that_does_not_serve_says_so() -> None:
    plan = oval_plan()
    longer = replace(plan.settings.fit, min_contact_length_mm=200.0)  # no stem of 120 mm can touch as much
    asks_much = replace(plan, settings=replace(plan.settings, fit=longer))
    thin = customise(asks_much, CustomSettings(section="circle"))
    assert thin.fit.rejected and thin.verdict.startswith("This custom stem does not serve (")
    assert any(f.code == "CF-I046" for f in thin.findings)


def test_a_bow_that_is_not_there_is_not_followed() -> None:
    with pytest.raises(InputError, match=r"CF-I049.*no bow"):
        customise(oval_plan(), CustomSettings(axis="bowed"))


def test_no_cut_per_side_is_larger_than_allowed() -> None:
    held = customise(oval_plan(), CustomSettings(section="ellipse", largest_cut_per_side_mm=0.5))
    cut = held.design.cavity.hole_radius_mm - held.design.cavity.endosteal_radius_mm
    assert 0.3 < np.nanmax(cut) <= 0.5 + CLEARANCE_TOLERANCE_MM


def test_it_is_measured_by_the_code_that_measures_stock_stems(custom) -> None:
    assert {z.name for z in custom.fit.zones} == {z.name for z in custom.stock[0].zones}
    assert custom.fit.reamed is not None and custom.fit.score.total > 0
    measured = {m.name: m for m in custom.compared}
    assert measured["contact with bone"].custom == pytest.approx(100 * custom.fit.contact_share)
    assert measured["contact with bone"].stock[0] == pytest.approx(100 * custom.stock[0].contact_share)


def test_no_section_is_larger_than_one_nearer_to_the_cut(custom) -> None:
    """Nested sections: what a straight path asks of a stem, apart from the hole."""
    shape = custom.design.implant.stem_shape
    phi = np.linspace(0, 2 * np.pi, 90)
    radius = shape.radius_mm(np.linspace(0, shape.length_mm, 60), phi)
    # Free forms are nested at their 128 angles; between them, within what insertion is checked to.
    assert np.all(np.diff(radius, axis=0) <= CLEARANCE_TOLERANCE_MM)


def test_an_unreamed_preparation_cuts_nothing_without_a_broach() -> None:
    settings = CustomSettings(preparation="unreamed", broach_per_side_mm=0, section="ellipse")
    result = customise(oval_plan(), settings)
    # the two ways to the native wall, along the stem and on the surface, differ by chords
    assert result.fit.wall_min_mm == pytest.approx(result.fit.native_wall_min_mm, abs=0.01)
    assert result.design.insertion.least_clearance_mm == pytest.approx(0.0, abs=0.005)


def test_a_length_beyond_the_measured_canal_is_refused() -> None:
    with pytest.raises(InputError, match=r"CF-I045.*not measured all along"):
        customise(oval_plan(), CustomSettings(length_mm=190))


def test_the_specification_is_whole_and_leaves_empty_what_others_must_give(custom) -> None:
    record, text = specification_record(custom, oval_plan(), PROVENANCE, SOLID)
    assert json.loads(text) == record
    assert set(record["required_from_the_maker"]) == set(ONLY_THE_MAKER)
    assert all(v is None for v in record["required_from_the_maker"].values())
    assert all(v is None for v in record["required_from_the_prescriber"].values())
    assert all(row["tolerance_mm"] is None for row in record["sections"])
    assert (
        record["sections"][0]["station_mm"] == 0 and record["sections"][-1]["station_mm"] == record["form"]["length_mm"]
    )
    assert record["wall"]["holds"] is True
    assert "prescription" in record["not_a_prescription"] and record["status"] == "DRAFT"


def test_the_same_design_has_the_same_hash_and_a_new_version_counts_on(custom) -> None:
    one, text = specification_record(custom, oval_plan(), PROVENANCE, SOLID)
    again, same = specification_record(custom, oval_plan(), PROVENANCE, SOLID)
    assert text == same and one["sha256"] == again["sha256"]
    two, _ = specification_record(custom, oval_plan(), PROVENANCE, SOLID, supersedes=one)
    assert (two["version"], two["supersedes"]) == (2, one["specification_id"])
    assert two["specification_id"] != one["specification_id"]


def test_another_case_cannot_be_superseded(custom) -> None:
    one, _ = specification_record(custom, oval_plan(), PROVENANCE, SOLID)
    foreign = {**one, "case": {**one["case"], "pseudonym": "case-other"}}
    with pytest.raises(UsageError, match="another case"):
        specification_record(custom, oval_plan(), PROVENANCE, SOLID, supersedes=foreign)


def test_open_questions_close_as_settings_answer_them(custom) -> None:
    asked = " ".join(open_questions(custom))
    assert "Taper or adapter" in asked and "Coating" in asked
    settings = replace(custom.design.settings, adapter="dual cone", zones=(CoatedZone("coated", 0, 60, 0.0, 0.5),))
    answered = " ".join(open_questions(replace(custom, design=replace(custom.design, settings=settings))))
    assert "Taper or adapter" not in answered and "Coating" not in answered


@pytest.mark.parametrize(
    ("anywhere", "cut", "says"),
    [
        (1.01, 3.39, "The least wall, 1.0 mm, is the bone's own and is not cut; the limit of 2.0 mm is for what tools"),
        (2.6, 2.6, "The least wall, 2.6 mm, is where a tool cuts."),
        (4.2, None, "Nothing is cut here: the least wall, 4.2 mm, is the bone's own."),
    ],
)
def test_the_page_says_whose_the_least_wall_is(anywhere, cut, says) -> None:
    from viewer.specification import wall_note

    assert says in wall_note({"wall": {"least_anywhere_mm": anywhere, "least_where_cut_mm": cut, "limit_mm": 2.0}})
