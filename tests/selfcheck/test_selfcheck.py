"""The selfcheck itself: it must see an error that is put in, and say nothing where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from sizing.canal import Canal
from sizing.intervals import TWO_SIDED_95
from sizing.phantom import PhantomSpec, make_phantom
from sizing.phantom.population import draw_limbs
from sizing.phantom.render import make_axis
from sizing.phantom.spec import BoneSpec, LyticDefect, Plug, ScanSpec
from sizing.phantom.truth import make_truth
from sizing.selfcheck import compare, goals_for, summarize, true_canal, true_residual_bone
from sizing.selfcheck.coverage import coverage_of, coverage_of_limbs
from sizing.selfcheck.like import is_sharp, scan_like


@pytest.fixture(scope="module")
def truth():
    bone = BoneSpec(defects=(LyticDefect(60.0, 90.0, 5.0),), plugs=(Plug(70.0, 80.0),))
    spec = PhantomSpec(length_mm=80.0, shape=bone)
    return make_truth(spec, make_axis(spec))


def exact_canal(truth, grow_mm: float = 0.0) -> Canal:
    """The truth as a canal, its endosteum moved outward by ``grow_mm``."""
    like = Canal(_axis(truth), truth.theta_rad,
                 *(r[5:-1] for r in (truth.endosteal_radius_mm, truth.periosteal_radius_mm)))  # fmt: skip
    exact = true_canal(truth, like)
    return replace(exact, endosteal_radius_mm=exact.endosteal_radius_mm + grow_mm)


def _axis(truth):
    from sizing.canal import CanalAxis

    a = truth.axis
    keep = slice(5, -1)
    return CanalAxis(a.depth_mm[keep], a.points_lps[keep], a.s_lps[keep], a.u_lps[keep], a.v_lps[keep])


def test_the_truth_compared_with_itself_has_no_error(truth) -> None:
    found = compare(truth, exact_canal(truth))
    for error in found.diameter_error_mm.values():
        # Contours of 256 points: the inscribed circle of both sides differs by their chords at most.
        assert np.nanmax(np.abs(error)) < 2e-3
    assert np.nanmax(np.abs(found.endosteal_error_mm)) < 1e-4
    # The wall in the section is never shorter than the wall in space; here they differ by the flare.
    assert np.nanmin(found.wall_error_mm) > -2e-3 and np.nanmax(found.wall_error_mm) < 0.02


def test_an_error_put_in_is_the_error_that_comes_out(truth) -> None:
    rows = {r.quantity: r for r in summarize([compare(truth, exact_canal(truth, 0.1))], goals_for(ScanSpec()))}
    assert rows["area diameter"].bias == pytest.approx(0.2, abs=2e-3)
    assert rows["inscribed diameter"].bias == pytest.approx(0.2, abs=5e-3)
    assert rows["wall from 1.5 mm"].bias == pytest.approx(-0.1, abs=0.01)
    assert "bias" in rows["area diameter"].missed and "bias" in rows["wall from 1.5 mm"].missed
    # 0.2 mm moves two fifths of all levels into the next half millimetre.
    assert "share" in rows["wrong 0.5 mm bin, share"].missed


def test_defects_and_plugs_are_not_counted_as_truth(truth) -> None:
    found = compare(truth, exact_canal(truth))
    closed = (found.depth_mm > 70.5) & (found.depth_mm < 79.5)
    assert np.isnan(found.endosteal_error_mm[closed]).all() and not found.expected[closed].any()
    hole = np.abs(found.depth_mm - 60.0) < 3
    assert np.isnan(found.endosteal_error_mm[hole]).any(axis=1).all()
    assert np.isnan(found.diameter_error_mm["area"][hole]).all()


def test_a_ray_left_out_counts_as_cannot_tell_and_never_as_an_error(truth) -> None:
    exact = exact_canal(truth)
    gaps = np.array(exact.endosteal_radius_mm)
    gaps[:20, ::4] = np.nan
    found = compare(truth, replace(exact, endosteal_radius_mm=gaps))
    assert found.cannot_tell_share == pytest.approx(20 / 4 * 256 / found.expected.sum(), rel=1e-6)
    assert np.nanmax(np.abs(found.endosteal_error_mm)) < 1e-4


def test_coverage_counts_what_lies_inside_the_interval() -> None:
    error, se = np.array([0.0, 0.1, -0.3, np.nan]), np.array([0.1, 0.1, 0.1, 0.1])
    assert coverage_of(error, se) == pytest.approx(2 / 3)
    assert np.isnan(coverage_of(error, np.full(4, np.nan)))


def test_coverage_of_a_few_limbs_is_said_with_its_own_doubt() -> None:
    se = np.full(200, 0.1)
    inside, outside = np.zeros(200), np.full(200, 1.0)
    agree = coverage_of_limbs([(inside, se)] * 9)
    assert agree.share == 1.0 and not agree.missed  # nine limbs that all agree do not exclude 99 %
    assert agree.independent == 9 and agree.low == pytest.approx(9 / (9 + TWO_SIDED_95**2))  # Wilson's bound of 9 of 9
    mixed = [(np.where(np.arange(200) % 10 < 4, outside, inside), se)] * 9
    assert coverage_of_limbs(mixed).share == pytest.approx(0.6) and coverage_of_limbs(mixed).missed
    many = coverage_of_limbs([(inside, se)] * 2000)
    assert many.low > 0.99 and many.missed
    # one limb in three is all wrong: its levels are one answer, not two hundred
    lumps = coverage_of_limbs([(outside, se), (inside, se), (inside, se)] * 3)
    assert lumps.share == pytest.approx(2 / 3) and lumps.independent == pytest.approx(9) and lumps.low < 0.4
    assert np.isnan(coverage_of_limbs([(inside, np.full(200, np.nan))]).share)


def test_reaming_is_compared_over_the_levels_that_both_canals_have(truth) -> None:
    from sizing.reaming import best_rigid_axis, default_reamer_set, reaming_plan
    from sizing.selfcheck.reaming import compare_reaming

    whole = make_truth(PhantomSpec(length_mm=60.0), make_axis(PhantomSpec(length_mm=60.0)))
    exact = exact_canal(whole)
    plan = reaming_plan(default_reamer_set(), best_rigid_axis(exact, 0.0, 40.0), 14.0, 40.0)
    gone = np.array(exact.endosteal_radius_mm)
    gone[:3] = np.nan  # the first levels of the measured canal are not known
    errors = compare_reaming(replace(exact, endosteal_radius_mm=gone), exact, plan)
    assert errors.contact_error == pytest.approx(0.0, abs=1e-12)
    assert errors.removed_mm3 == pytest.approx(errors.true_removed_mm3)


def test_the_true_locator_lies_where_the_bone_is() -> None:
    spec = PhantomSpec(length_mm=25.0, scan=ScanSpec(field_mm=80.0, noise_hu=0.0))
    volume, truth = make_phantom(spec)
    bone = true_residual_bone(volume, truth)
    start, size = bone.crop_start, bone.mask.shape
    hu = volume.hu[tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))]
    bright = hu > 900  # more than half-way from muscle to cortex: inside the periosteum, but for the blur
    assert (bright & ~bone.mask).sum() < 0.02 * bright.sum()
    assert bone.resection.point_lps == pytest.approx(spec.pose.origin_lps, abs=1e-9)


def test_drawn_limbs_do_not_depend_on_how_many_are_drawn() -> None:
    few, many = list(draw_limbs(3, 11)), list(draw_limbs(6, 11))
    assert few == many[:3] and len({s.name for s in many}) == 6
    assert {s.bone for s in many} == {"femur", "tibia", "humerus"}
    for spec in many:  # every drawn limb can be made
        make_truth(spec, make_axis(spec))


def test_a_scanner_is_recognised_from_its_scan() -> None:
    scan = ScanSpec(0.8, 2.0, 1.5, noise_hu=22.0, field_mm=110.0)
    volume, _ = make_phantom(PhantomSpec(length_mm=30.0, scan=scan))
    like = scan_like(volume)
    assert (like.pixel_mm, like.slice_thickness_mm) == (pytest.approx(0.8), 2.0)
    assert like.slice_step_mm == pytest.approx(1.5)
    # Windows of 9 pixels do not see all of the noise's long waves.
    assert like.noise_hu == pytest.approx(22.0, rel=0.15)
    assert is_sharp("B70f") and is_sharp("BONEPLUS") and not is_sharp("B30f") and not is_sharp(None)


def test_reaming_of_the_exact_canal_shows_a_wall_put_off(truth) -> None:
    from sizing.reaming import best_rigid_axis, default_reamer_set, reaming_plan
    from sizing.selfcheck.reaming import compare_reaming

    spec = PhantomSpec(length_mm=60.0)
    whole = make_truth(spec, make_axis(spec))
    exact, wide = exact_canal(whole), exact_canal(whole, 0.1)
    axis = best_rigid_axis(exact, 0.0, 40.0)
    plan = reaming_plan(default_reamer_set(), axis, 14.0, 40.0)
    none, some = compare_reaming(exact, exact, plan), compare_reaming(wide, exact, plan)
    assert none.volume_excess == 0 and none.wall_error_mm == 0 and none.contact_error == 0
    # A canal 0.1 mm wider leaves the wall outside the tool as it is, but less to cut: about contact area x 0.1 mm.
    assert some.removed_mm3 < some.true_removed_mm3 and some.volume_excess > 1
    assert some.wall_error_mm == pytest.approx(0.0, abs=1e-6)
