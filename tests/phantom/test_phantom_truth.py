"""The truth against what is known on paper."""

from dataclasses import replace

import numpy as np
import pytest

from sizing.phantom.render import make_axis
from sizing.phantom.spec import BoneSpec, Bump, CanalShape, Harmonic, PhantomSpec, PoseSpec, WallShape
from sizing.phantom.truth import make_truth

PLAIN_CANAL = CanalShape(12.0, 1.44, 0.0, 0.0, 60.0, 0.0, 0.0)


def truth_of(**changes):
    spec = PhantomSpec(length_mm=80.0, **changes)
    return make_truth(spec, make_axis(spec))


def test_an_ellipse_has_its_axes_and_inscribed_circle() -> None:
    bone = BoneSpec(PLAIN_CANAL, WallShape(3.0, waves=()), bow_radius_mm=None)
    truth = truth_of(shape=bone)
    assert truth.area_diameter_mm == pytest.approx(12.0, abs=1e-9)
    assert truth.minor_diameter_mm == pytest.approx(10.0, abs=1e-9)
    assert truth.major_diameter_mm == pytest.approx(14.4, abs=1e-9)
    # The largest circle in an ellipse touches at the short axis; points 0.1 mm apart miss it by 1e-4.
    assert truth.inscribed_diameter_mm == pytest.approx(10.0, abs=1e-4)
    assert truth.canal_volume_mm3 == pytest.approx(np.pi * 36 * 80, rel=1e-9)


def test_an_inscribed_circle_finds_its_off_centre_place() -> None:
    # A circle of radius 6 with a narrow ridge of 1 mm at angle 0: the best circle moves away from it.
    bone = BoneSpec(replace(PLAIN_CANAL, ovality=1.0, bumps=(Bump(40.0, 0.0, -1.0, 0.4, 1000.0),)),
                    WallShape(3.0, waves=()), bow_radius_mm=None)  # fmt: skip
    truth = truth_of(shape=bone)
    at = int(np.flatnonzero(truth.axis.depth_mm == 40.0)[0])
    # It touches the ridge's top at (5, 0) and the far wall at (-6, 0): diameter 11, centre (-0.5, 0).
    assert truth.inscribed_diameter_mm[at] == pytest.approx(11.0, abs=1e-4)
    assert truth.inscribed_centre_xy_mm[at] == pytest.approx((-0.5, 0.0), abs=1e-2)


def test_a_tube_about_an_arc_has_the_volume_of_pappus_and_its_normal_wall() -> None:
    bone = BoneSpec(replace(PLAIN_CANAL, ovality=1.0), WallShape(3.0, waves=()), bow_radius_mm=300.0)
    truth = truth_of(shape=bone, pose=PoseSpec(tilt_deg=20.0))
    assert truth.canal_volume_mm3 == pytest.approx(np.pi * 36 * 80, rel=1e-6)
    assert truth.cortical_volume_mm3 == pytest.approx(np.pi * (81 - 36) * 80, rel=1e-6)
    assert truth.wall_normal_mm == pytest.approx(3.0, abs=1e-4)
    # The axis is an arc of 300 mm.
    sagitta = np.linalg.norm(truth.axis.points_lps[10:71:60].mean(axis=0) - truth.axis.points_lps[40])
    assert sagitta == pytest.approx(300 * (1 - np.cos(30 / 300)), abs=1e-3)


def test_an_eccentric_wall_is_thinner_along_its_normal_than_along_the_ray() -> None:
    # Outer circle of radius 9 moved by 1 mm: the wall from the inner circle of 6 runs from 2 to 4 mm.
    truth = truth_of(shape=BoneSpec(replace(PLAIN_CANAL, ovality=1.0), WallShape(3.0, waves=(Harmonic(1, 1 / 3),)),
                                    bow_radius_mm=None))  # fmt: skip
    assert truth.wall_normal_mm.min() == pytest.approx(2.0, abs=1e-3)
    assert truth.wall_normal_mm.max() == pytest.approx(4.0, abs=2e-2)
    assert np.all(truth.wall_normal_mm <= truth.periosteal_radius_mm - truth.endosteal_radius_mm + 1e-9)


def test_the_isthmus_is_where_the_flare_puts_it_and_unknown_at_the_end_of_the_scan() -> None:
    inside = truth_of(
        shape=BoneSpec(replace(PLAIN_CANAL, isthmus_depth_mm=45.3, flare_distal_mm=4, flare_proximal_mm=4))
    )
    assert inside.isthmus_depth_mm == pytest.approx(45.3, abs=0.02)
    assert inside.isthmus_diameter_mm == pytest.approx(10.0, abs=1e-3)
    beyond = truth_of(shape=BoneSpec(replace(PLAIN_CANAL, isthmus_depth_mm=200.0, flare_distal_mm=4.0)))
    assert np.isnan(beyond.isthmus_depth_mm) and np.isnan(beyond.isthmus_diameter_mm)


def test_frames_follow_the_canal_convention() -> None:
    axis = truth_of(pose=PoseSpec(tilt_deg=30.0, tilt_towards_deg=35.0)).axis
    assert np.cross(axis.s_lps, axis.u_lps) == pytest.approx(axis.v_lps, abs=1e-12)
    assert np.all(axis.s_lps[:, 2] > 0) and np.all(axis.u_lps[:, 1] < 0)  # proximal is up, u is anterior
    found = axis.locate(axis.points_lps[20] + 5 * axis.u_lps[20] - 2 * axis.v_lps[20])
    assert found == pytest.approx((axis.depth_mm[20], 5.0, -2.0), abs=1e-6)
