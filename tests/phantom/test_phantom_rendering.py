"""The drawing against brute force: what a voxel shows must be the blurred formula, far below the noise."""

from dataclasses import replace

import numpy as np
import oracles_phantom
import pytest

from sizing.errors import InputError
from sizing.phantom import PhantomSpec, make_phantom
from sizing.phantom.render import add_bone as draw
from sizing.phantom.render import lay_out, make_axis, tabulate
from sizing.phantom.spec import BoneSpec, BoneTissue, Bump, CanalShape, LyticDefect, PoseSpec, ScanSpec, WallShape

pytestmark = pytest.mark.kernel

THIN = replace(BoneSpec(), wall=WallShape(1.5), tissue=BoneTissue(cancellous_hu=300.0, porosity=0.3), end_depth_mm=0.0)
SPUR = replace(BoneSpec(), wall=WallShape(3.0, bumps=(Bump(12.0, 40.0, 4.0, 2.0, 3.0),)),
               canal=CanalShape(15.0, 1.3), defects=(LyticDefect(18.0, 200.0, 4.0),))  # fmt: skip
CASES = {
    "fine": PhantomSpec(length_mm=20, below_mm=2, scan=ScanSpec(field_mm=90, noise_hu=0)),
    "tilted, coarse, box": PhantomSpec(
        length_mm=20,
        below_mm=2,
        pose=PoseSpec(tilt_deg=30.0),
        scan=ScanSpec(0.9, 3.0, 2.0, 0.6, profile="box", noise_hu=0, field_mm=110),
    ),
    "sharp, thin, cancellous, cut end": PhantomSpec(
        length_mm=20,
        below_mm=2,
        shape=THIN,
        scan=ScanSpec(0.5, 0.75, 0.6, 0.33, "sharp", profile="gauss", noise_hu=0, field_mm=90),
    ),
    "spur and defect": PhantomSpec(length_mm=20, below_mm=2, shape=SPUR, scan=ScanSpec(field_mm=100, noise_hu=0)),
}
# Noise of a clinical scan is 10 to 30 HU, and edges there have 1600 HU: 15 HU at the steepest
# place of an edge moves it by 15 / (1600 / (0.45 sqrt(2 pi))) = 0.011 mm, 3 HU by 0.002 mm.
WORST_HU, RMS_HU = 15.0, 4.0


@pytest.mark.parametrize("name", CASES)
def test_voxels_are_the_blurred_formula(name: str) -> None:
    spec = CASES[name]
    tables = tabulate(spec.shape, make_axis(spec))
    geometry = lay_out(spec, tables)
    drawn = np.zeros(geometry.shape, np.float32)
    draw(drawn, geometry, spec, spec.shape, tables)
    steep = np.abs(np.gradient(drawn, axis=2)) > 60
    index = np.argwhere(steep)
    chosen = index[np.random.default_rng(3).choice(len(index), 10, replace=False)]
    brute = [oracles_phantom.blurred_excess_hu(spec, spec.shape, tables.axis, p) for p in geometry.index_to_lps(chosen)]
    off = drawn[tuple(chosen.T)] - np.array(brute)
    assert np.abs(off).max() < WORST_HU
    assert np.sqrt(np.mean(off**2)) < RMS_HU
    assert abs(off.mean()) < 3.0


def test_same_spec_same_volume_and_another_seed_another_noise() -> None:
    spec = CASES["fine"]
    noisy = replace(spec, scan=replace(spec.scan, noise_hu=20.0))
    first, again = make_phantom(noisy)[0], make_phantom(noisy)[0]
    other = make_phantom(replace(noisy, seed=2))[0]
    assert first.hu.tobytes() == again.hu.tobytes()
    assert first.hu.tobytes() != other.hu.tobytes()
    clean = make_phantom(spec)[0]
    noise = first.hu[:, :20, :20].astype(float) - clean.hu[:, :20, :20]
    assert noise.std() == pytest.approx(20.0, rel=0.1)  # 9000 correlated voxels
    assert noise.mean() == pytest.approx(0.0, abs=0.5)


def test_surfaces_that_cross_are_refused() -> None:
    with pytest.raises(InputError, match="CF-P003"):
        make_phantom(
            replace(CASES["fine"], shape=replace(BoneSpec(), canal=CanalShape(bumps=(Bump(10, 0, -9, 3, 3),))))
        )


def test_a_wall_of_no_thickness_is_refused() -> None:
    with pytest.raises(InputError, match=r"CF-P001.*wall_mm.*0"):
        PhantomSpec(shape=replace(BoneSpec(), wall=WallShape(0.0)))
