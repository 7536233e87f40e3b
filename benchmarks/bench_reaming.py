"""Reaming beside the two things a user would take instead: a NumPy histogram on voxels, and solids in manifold3d.

Run: ``python benchmarks/bench_reaming.py [quick]``. One thread, CPU time, medians; on a shared machine the ratios are
steadier than the times. All three are asked for the cortical bone that 23 reamers take on one oblique, offset axis in
one oval, tapered canal, and their answers are printed beside each other. Memory is the peak of what one call
allocates in NumPy; manifold3d keeps its own and is not seen.
"""

from __future__ import annotations

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from sizing.canal import Canal, parallel_axis
from sizing.geometry import FloatArray
from sizing.reaming import (
    AstraySettings,
    PreparedCanal,
    Reamer,
    ReamerPass,
    ReamingPlan,
    ToolAxis,
    astray,
    envelope,
    evaluate,
    evaluate_profiles,
    prepare,
    ream,
)
from sizing.reaming.evaluate import evaluate_poses, pose_of

LEVELS, ANGLES = 250, 128
LENGTH_MM = LEVELS - 1.0
SIZES_MM = np.arange(9.0, 20.5, 0.5)  # 23
# A clinical voxel, as a user would take it; and one at which the histogram's answers come near the truth (0.3 %).
VOXELS_MM = (0.7, 0.35)
AXIS = ToolAxis(np.array([0.6, -0.4, 0.0]), np.array([0.006, 0.004, 1.0]))
FACETS = 256  # of a mesh reamer


def main() -> int:
    """Measure and print."""
    quick = "quick" in sys.argv[1:]
    canal = oval_canal()
    prepared = prepare(canal)
    ours, our_ms, our_mib = timed(lambda: evaluate(prepared, AXIS, SIZES_MM, LENGTH_MM), 200)
    print(f"one axis, {len(SIZES_MM)} sizes, {LEVELS} levels x {ANGLES} angles: cortical bone removed, mm3")
    answers = {"canalfit": ours.removed_cortical_mm3, "exact (ream)": exact(canal, SIZES_MM[::6])}
    peers: list[tuple[str, Callable[[], FloatArray], int]] = [
        (f"NumPy histogram, {mm:g} mm", voxel_histogram(mm), 5) for mm in VOXELS_MM
    ]
    solids = mesh_booleans(canal)
    if solids is not None:
        peers.append(("manifold3d booleans", solids, 1))
    row("canalfit", our_ms, our_mib, 1.0)
    for name, work, times in peers:
        answers[name], ms, mib = timed(work, times)
        row(name, ms, mib, ms / our_ms)
    for name, mm3 in answers.items():
        shown = mm3 if len(mm3) < len(SIZES_MM) else mm3[::6]
        print(f"  {name:26s}" + "".join(f"{x:11.1f}" for x in shown))
    goals(canal, prepared, our_ms, quick)
    return 0


def goals(canal: Canal, prepared: PreparedCanal, one_pose_ms: float, quick: bool) -> None:
    """Print every figure that has a goal beside it."""
    print("goals (CPU time, one thread)")
    goal("one pose, 23 sizes", one_pose_ms, 0.10)
    travel = canal.axis.depth_mm
    radii = np.array([np.where(travel <= length, r, np.nan)
                      for r in np.linspace(5.0, 10.0, 20) for length in (80.0, 110.0, 140.0)])  # fmt: skip
    _, stems_ms, _ = timed(lambda: evaluate_profiles(prepared, AXIS, radii), 100)
    goal("one pose, 23 sizes and 60 stems", one_pose_ms + stems_ms, 0.15)
    shifts, leans = np.linspace(-1.0, 1.0, 9), np.linspace(-0.01, 0.01, 9)
    poses = np.stack([moved_pose(*m) for m in product(shifts, shifts, leans, leans)])
    some = poses[:: 10 if quick else 1]
    _, grid_ms, _ = timed(lambda: evaluate_poses(prepared, some, SIZES_MM, LENGTH_MM), 1)
    goal("6561 axes x 23 sizes", grid_ms * len(poses) / len(some), 350.0)
    settings = AstraySettings(n_poses=1000 if quick else 10_000)
    _, ms, _ = timed(lambda: astray(prepared, AXIS, SIZES_MM, LENGTH_MM, 13.0, settings), 1)
    goal("Monte Carlo, 10,000 poses", ms * 10_000 / settings.n_poses, 2000.0)
    many = ReamingPlan(tuple(ReamerPass(Reamer(float(d)), AXIS, 120.0) for d in SIZES_MM[:15]))
    _, ms, _ = timed(lambda: ream(canal, many), 3)
    goal("ream, exact, 15 passes", ms, 300.0)
    _, ms, _ = timed(lambda: envelope(canal, 2.0, SIZES_MM), 1)
    goal("envelope, straight, 23 sizes", ms, None)


def moved_pose(x: float, y: float, u: float, v: float) -> FloatArray:
    """The axis shifted by x, y mm and leant by u, v, as the kernels read it."""
    return pose_of(ToolAxis(AXIS.entry_lps + np.array([x, y, 0]), AXIS.direction_lps + np.array([u, v, 0])))


def oval_canal() -> Canal:
    """An oval canal that narrows towards the middle, in an oval bone."""
    z = np.linspace(0.0, LENGTH_MM, LEVELS)
    theta = np.arange(ANGLES) * 2 * np.pi / ANGLES
    return Canal(parallel_axis(z), theta, *(ellipse_radius(*axes, theta) for axes in semi_axes(z)))


def semi_axes(z: FloatArray) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Semi-axes of canal and bone at heights z."""
    waist = 1e-4 * (z - 0.5 * LENGTH_MM) ** 2
    return (6.2 + waist, 5.4 + 0.8 * waist), (13.0 + 0.3 * waist, 12.2 + 0.3 * waist)


def ellipse_radius(a: FloatArray, b: FloatArray, theta: FloatArray) -> FloatArray:
    """Radius (m, n) of ellipses about their centres."""
    a, b = a[:, None], b[:, None]
    return a * b / np.hypot(b * np.cos(theta), a * np.sin(theta))


def exact(canal: Canal, sizes: FloatArray) -> FloatArray:
    """What ``ream`` says of single tools."""
    return np.array(
        [
            ream(canal, ReamingPlan((ReamerPass(Reamer(float(d)), AXIS, LENGTH_MM),))).passes[0].removed_cortical_mm3
            for d in sizes
        ]
    )


def voxel_histogram(voxel_mm: float) -> Callable[[], FloatArray]:
    """Every cortical voxel's distance to the axis, and a cumulative histogram: the quick way in NumPy."""
    side = np.arange(-14.0, 14.0, voxel_mm)
    height = np.arange(0.5 * voxel_mm, LENGTH_MM, voxel_mm)
    z, y, x = (c.ravel() for c in np.meshgrid(height, side, side, indexing="ij"))
    (a, b), (outer_a, outer_b) = semi_axes(z)
    cortex = ((x / a) ** 2 + (y / b) ** 2 > 1) & ((x / outer_a) ** 2 + (y / outer_b) ** 2 < 1)
    points = np.stack([x[cortex], y[cortex], z[cortex]], axis=1)
    edges = np.concatenate([[0.0], 0.5 * SIZES_MM])

    def work() -> FloatArray:
        away = points - AXIS.entry_lps
        along = away @ AXIS.direction_lps
        distance = np.sqrt(np.einsum("ij,ij->i", away, away) - along**2)[along <= LENGTH_MM]
        return np.cumsum(np.histogram(distance, edges)[0]) * voxel_mm**3

    return work


def mesh_booleans(canal: Canal) -> Callable[[], FloatArray] | None:
    """Intersection of every reamer with the wall as a solid; None where manifold3d is not installed."""
    try:
        import manifold3d
    except ImportError:
        print("  manifold3d is not installed: left out")
        return None

    def solid(radius: FloatArray) -> Any:
        return manifold3d.Manifold(manifold3d.Mesh(*tube(canal, radius)))

    wall = solid(canal.periosteal_radius_mm) - solid(canal.endosteal_radius_mm)
    d = AXIS.direction_lps
    side = np.cross(np.cross(d, [1.0, 0.0, 0.0]), d)
    side /= np.linalg.norm(side)
    frame = np.column_stack([side, np.cross(d, side), d, AXIS.entry_lps - 5.0 * d])

    def work() -> FloatArray:
        tools = (manifold3d.Manifold.cylinder(LENGTH_MM + 5.0, 0.5 * d, 0.5 * d, FACETS) for d in SIZES_MM)
        return np.array([(wall ^ tool.transform(frame)).volume() for tool in tools])

    return work


def tube(canal: Canal, radius: FloatArray) -> tuple[Any, Any]:
    """Closed triangle mesh of stacked contours."""
    m, n = radius.shape
    angle = canal.theta_rad
    rings = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.repeat(canal.axis.depth_mm[:, None], n, 1)], 2)
    ends = [[0.0, 0.0, canal.axis.depth_mm[0]], [0.0, 0.0, canal.axis.depth_mm[-1]]]
    i, j = (x.ravel() for x in np.meshgrid(np.arange(m - 1), np.arange(n), indexing="ij"))
    here, right = i * n + j, i * n + (j + 1) % n
    around = np.arange(n)
    after = (around + 1) % n
    low, high = np.full(n, m * n), np.full(n, m * n + 1)
    faces = np.concatenate(
        [
            np.stack([here, right, right + n], 1),
            np.stack([here, right + n, here + n], 1),
            np.stack([low, after, around], 1),
            np.stack([high, (m - 1) * n + around, (m - 1) * n + after], 1),
        ]
    )
    points = np.concatenate([rings.reshape(-1, 3), ends])
    return points.astype(np.float32), faces.astype(np.uint32)


def timed(work: Callable[[], Any], times: int) -> tuple[Any, float, float]:
    """Return an answer, the median CPU time in ms, and the peak of what NumPy allocates, in MiB."""
    tracemalloc.start()
    answer = work()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    spent = []
    for _ in range(times):
        start = time.process_time_ns()
        work()
        spent.append((time.process_time_ns() - start) / 1e6)
    return answer, statistics.median(spent), peak


def row(name: str, ms: float, mib: float, ratio: float) -> None:
    """Print one method."""
    print(f"  {name:26s} {ms:10.3f} ms  {ratio:9.0f} x   {f'{mib:7.2f} MiB' if mib > 0.005 else 'not seen'}")


def goal(name: str, ms: float, limit_ms: float | None) -> None:
    """Print one figure beside its goal."""
    verdict = "" if limit_ms is None else f"   goal {limit_ms:g} ms: {'met' if ms <= limit_ms else 'missed'}"
    print(f"  {name:34s} {ms:10.3f} ms{verdict}")


if __name__ == "__main__":
    sys.exit(main())
