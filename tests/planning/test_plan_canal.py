"""The whole line from a canal, and from a scan."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from sizing.anatomy import Bone
from sizing.canal import Canal
from sizing.errors import UsageError
from sizing.implants import load_catalogue
from sizing.planning import PlanSettings, plan_canal, plan_case


def circle(radius: float, n: int = 128) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return radius * np.stack([np.cos(t), np.sin(t)], axis=-1)


def hourglass(length_mm: float = 220.0) -> Canal:
    """Isthmus of 13 mm at 100 mm, wall 6 mm."""
    z = np.arange(0.0, length_mm + 0.5)
    inner = 6.5 + 0.0003 * (z - 100.0) ** 2
    return Canal.from_sections(z, [circle(r) for r in inner], [circle(r + 6.0) for r in inner], n_angles=128)


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue()


@pytest.fixture(scope="module")
def plan(catalogue):
    return plan_canal(hourglass(), catalogue)


def test_a_plan_holds_what_the_report_needs(plan, catalogue) -> None:
    assert plan.chosen is plan.fits[0] and plan.chosen.serves and plan.chosen.lost_because == ""
    assert len(plan.fits) == len(catalogue.implants)
    assert plan.reaming is plan.chosen.reamed is not None
    assert [f.implant.diameter_mm - plan.chosen.implant.diameter_mm for f in plan.neighbours] == [-0.5, 0.5]
    assert plan.shape.isthmus_depth_mm == pytest.approx(100.0, abs=1.0)
    assert len(plan.sections.depth_mm) == len(plan.canal.axis)
    assert plan.catalogue_sha256 == catalogue.sha256


def test_every_other_implant_says_why_it_lost(plan) -> None:
    for fit in plan.fits[1:]:
        assert fit.lost_because
    serves = [f.serves for f in plan.fits]
    assert serves == sorted(serves, reverse=True)
    totals = [f.score.total for f in plan.fits if f.serves]
    assert all(a >= b - 1e-6 for a, b in pairwise(totals))


def test_the_chosen_stem_grips_and_keeps_its_wall(plan) -> None:
    c = plan.chosen
    assert c.contact_share > 0.5
    assert c.reamed_wall_min_mm >= plan.settings.wall_limit_mm
    assert c.far_end_margin_mm >= plan.settings.fit.far_end_clearance_mm


def test_order_does_not_depend_on_the_catalogues_order(plan, catalogue) -> None:
    backwards = dataclasses.replace(catalogue, implants=catalogue.implants[::-1])
    again = plan_canal(hourglass(), backwards)
    assert [f.implant.part_number for f in again.fits] == [f.implant.part_number for f in plan.fits]


def test_a_stump_too_short_gets_reasons_and_no_choice(catalogue) -> None:
    plan = plan_canal(hourglass(40.0), catalogue)
    assert plan.chosen is None and plan.neighbours == () and plan.reaming is None
    assert all(f.rejected for f in plan.fits)
    assert "CF-F001" in {f.code for f in plan.findings}


def test_settings_that_leave_nothing(catalogue) -> None:
    with pytest.raises(UsageError, match="no-such"):
        plan_canal(hourglass(), catalogue, PlanSettings(families=("no-such",)))
    with pytest.raises(UsageError, match="no implant to try"):
        plan_canal(hourglass(), catalogue, PlanSettings(max_stem_length_mm=10.0))


def test_femur_sample_from_scan_to_plan(sample_scans, catalogue) -> None:
    from dicom_io import read_series

    volume = read_series(sample_scans / "femur").volume
    plan = plan_case(volume, catalogue, PlanSettings(bone=Bone.FEMUR, resect_at_mm=120.0))
    assert plan.chosen is not None and plan.residual_bone is not None
    assert plan.scan.series_uid == volume.info.series_uid
    # A young man's femur of about 10 mm at its isthmus: nobody would put less than 12 or more than 17 mm there.
    assert 12.0 <= plan.chosen.implant.diameter_mm <= 17.0
    assert plan.chosen.contact_share > 0.6
    assert set(plan.timings_s) == {"segment", "measure", "describe", "fit", "ream", "what if"}
