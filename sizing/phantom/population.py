"""Limbs drawn from what is published of human long bones: unseen shapes for checks, and cohorts of any size.

Means and spreads are those of ``docs/method/phantom.md``. Amputees' walls are thinner and wider spread than
those of whole bones, so the wall is drawn wide. Nothing here is fitted to any measuring method.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sizing.anatomy import Bone, Side
from sizing.phantom.spec import (
    BoneSpec,
    BoneTissue,
    Bump,
    CanalShape,
    Harmonic,
    LimbSpec,
    PhantomSpec,
    PoseSpec,
    ScanSpec,
    WallShape,
)


@dataclass(frozen=True, slots=True)
class _Norm:
    """Mean and SD of one bone: canal at the isthmus, wall, bow radius; how three-sided it is; muscle."""

    canal_mm: tuple[float, float]
    wall_mm: tuple[float, float]
    bow_mm: tuple[float, float]
    three_sided: float
    muscle_mm: float


NORMS = {
    Bone.FEMUR: _Norm((11.0, 1.6), (4.5, 1.4), (920.0, 220.0), 0.06, 58.0),
    Bone.TIBIA: _Norm((10.8, 1.4), (4.3, 1.2), (1500.0, 400.0), 0.22, 46.0),
    Bone.HUMERUS: _Norm((10.2, 1.8), (3.2, 0.9), (1300.0, 400.0), 0.08, 40.0),
}
# Outside these limits no implant, or no bone, is like that.
CANAL_RANGE_MM, WALL_RANGE_MM, LEAST_BOW_MM = (7.0, 20.0), (1.6, 8.0), 450.0
# Least wall anywhere as a share of the drawn mean, so that surfaces never cross.
WAVE_SHARE = 0.12


def draw_limbs(count: int, seed: int, bone: Bone | None = None, scan: ScanSpec | None = None) -> Iterator[PhantomSpec]:
    """Yield ``count`` specs; limb i of a seed is always the same limb, however many are drawn.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        Of the whole cohort.
    bone : Bone, optional
        Default: all three in turn.
    scan : ScanSpec, optional
        Default: the default scanner.
    """
    for i in range(count):
        kind = list(Bone)[i % len(Bone)] if bone is None else bone
        yield draw_limb(np.random.default_rng([seed, i]), kind, scan or ScanSpec(), f"limb-{seed}-{i:04d}")


def draw_limb(random: np.random.Generator, bone: Bone, scan: ScanSpec, name: str) -> PhantomSpec:
    """Draw one limb."""
    norm = NORMS[bone]
    length = float(random.uniform(110.0, 160.0))
    spec = PhantomSpec(
        name=name,
        bone=bone,
        side=Side.LEFT if random.random() < 0.5 else Side.RIGHT,
        length_mm=length,
        shape=_draw_bone(random, norm, length),
        limb=LimbSpec(
            muscle_radius_mm=norm.muscle_mm + float(random.uniform(-4, 10)), fat_mm=float(random.uniform(4, 20))
        ),
        pose=_draw_pose(random),
        scan=scan,
        seed=int(random.integers(1, 2**31)),
    )
    return spec if random.random() < 0.5 else replace(spec, shape=replace(spec.shape, end_depth_mm=-2.0))


def _draw_bone(random: np.random.Generator, norm: _Norm, length_mm: float) -> BoneSpec:
    canal = float(np.clip(random.normal(*norm.canal_mm), *CANAL_RANGE_MM))
    wall = float(np.clip(random.normal(*norm.wall_mm), *WALL_RANGE_MM))
    return BoneSpec(
        canal=CanalShape(
            diameter_mm=canal,
            ovality=float(1.0 + abs(random.normal(0.10, 0.08))),
            long_axis_deg=float(random.uniform(0, 180)),
            twist_deg_per_100mm=float(random.normal(20, 15)),
            isthmus_depth_mm=float(random.uniform(0.25, 0.8) * length_mm),
            flare_distal_mm=float(random.uniform(2, 9)),
            flare_proximal_mm=float(random.uniform(2, 9)),
            waves=_draw_waves(random, 0.025 * canal / 2),
        ),
        wall=WallShape(
            wall_mm=wall,
            slope_mm_per_100mm=float(random.uniform(0.0, 0.25) * wall),
            waves=(
                Harmonic(1, float(random.uniform(0, 0.2)), float(random.uniform(0, 360)), float(random.normal(0, 15))),
                Harmonic(3, norm.three_sided, 0.0),
                *_draw_waves(random, WAVE_SHARE / 3),
            ),
            bumps=(_draw_ridge(random, length_mm, wall),),
        ),
        tissue=BoneTissue(
            cortex_hu=float(random.uniform(1150, 1850)),
            cortex_waves=(Harmonic(1, float(random.uniform(0, 0.05)), float(random.uniform(0, 360))),),
            cortex_wave_along=float(random.uniform(0, 0.04)),
            canal_hu=float(random.uniform(-90, 40)),
            cancellous_hu=float(random.choice([0.0, random.uniform(50, 300)])),
            cancellous_decay_mm=float(random.uniform(1.0, 4.0)),
        ),
        bow_radius_mm=float(max(random.normal(*norm.bow_mm), LEAST_BOW_MM)),
        bow_centre_deg=float(random.normal(180, 20)),
        bow_growth_per_100mm=float(random.normal(0, 0.3)),
    )


def _draw_waves(random: np.random.Generator, amplitude: float) -> tuple[Harmonic, ...]:
    """Small waves of order 2 to 5 that turn along the bone, weaker the shorter they are."""
    return tuple(
        Harmonic(
            k, float(random.normal(0, amplitude * 2 / k)), float(random.uniform(0, 360)), float(random.normal(0, 25))
        )
        for k in (2, 3, 4, 5)
    )


def _draw_ridge(random: np.random.Generator, length_mm: float, wall_mm: float) -> Bump:
    """A long ridge outside, like the linea aspera: behind, half as high as the wall at most."""
    return Bump(
        depth_mm=float(random.uniform(0.3, 0.8) * length_mm),
        angle_deg=float(random.normal(180, 15)),
        height_mm=float(random.uniform(0.0, 0.5) * wall_mm),
        width_mm=float(random.uniform(2.5, 4.0)),
        length_mm=float(random.uniform(40, 80)),
    )


def _draw_pose(random: np.random.Generator) -> PoseSpec:
    return PoseSpec(
        origin_lps=tuple(float(x) for x in random.uniform(-20, 20, 3)),  # type: ignore[arg-type]
        tilt_deg=float(random.uniform(0, 20)),
        tilt_towards_deg=float(random.uniform(0, 360)),
    )
