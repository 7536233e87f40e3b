"""Do the numbers of a real scan stay the same when the scan changes but the bone does not?

Each real series is measured as it is, and again after: a shift of the grid by half a voxel along all axes, every
second slice left out, the grid turned by 10 degrees, more noise. There is no truth here; what is shown is how far the
same place of the bone gets another number. ``--write`` puts the table into ``docs/method/accuracy.md``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from accuracy_goals import write_between
from trials import SEED

from dicom_io import read_series
from sizing.anatomy import Bone
from sizing.canal import Canal, CanalSettings, cortical_thickness, measure_canal, measure_sections
from sizing.errors import CanalfitError
from sizing.geometry import VolumeGeometry
from sizing.phantom.noise import correlated_noise
from sizing.phantom.shape import AxisTable
from sizing.segmentation import find_residual_bone
from sizing.selfcheck.coverage import TWO_SIDED_95
from sizing.selfcheck.like import scan_like
from sizing.volume import CtVolume

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data" / "ct_sts_extremity"
# Series, bone, and where it is cut (mm above its lowest point), so that joint ends stay out.
SAMPLES = (("femur", Bone.FEMUR, 120.0), ("tibia", Bone.TIBIA, 30.0), ("humerus", Bone.HUMERUS, 20.0))
SHARED_SERIES = (("STS_006", Bone.FEMUR, 20.0), ("STS_014", Bone.FEMUR, 20.0), ("STS_024", Bone.FEMUR, 20.0),
                 ("STS_033", Bone.FEMUR, 80.0), ("STS_028", Bone.TIBIA, 20.0))  # fmt: skip
TURN_DEG = 10.0
GOAL_MM = 0.1
MARKS = ("<!-- repeat: begin -->", "<!-- repeat: end -->")


def shifted(volume: CtVolume) -> CtVolume:
    """The scan on a grid moved by half a voxel along every axis."""
    g = volume.geometry
    affine = g.affine.copy()
    affine[:3, 3] = g.index_to_lps((0.5, 0.5, 0.5))
    return _resampled(volume, VolumeGeometry((g.shape[0] - 1, g.shape[1] - 1, g.shape[2] - 1), affine))


def turned(volume: CtVolume) -> CtVolume:
    """The scan on a grid turned about x through its middle: slices lie oblique to those of the scanner."""
    g = volume.geometry
    angle = np.deg2rad(TURN_DEG)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = g.affine.copy()
    affine[:3, :3] = turn @ g.affine[:3, :3]
    middle = (np.array(g.shape) - 1) / 2
    affine[:3, 3] = g.index_to_lps(middle) - affine[:3, :3] @ middle
    return _resampled(volume, VolumeGeometry(g.shape, affine))


def halved(volume: CtVolume) -> CtVolume:
    """Every second slice."""
    g = volume.geometry
    affine = g.affine.copy()
    affine[:3, 0] *= 2
    hu = np.ascontiguousarray(volume.hu[::2])
    return replace(volume, hu=hu, geometry=VolumeGeometry(hu.shape, affine), unmeasured_slices=())


def noisier(volume: CtVolume) -> CtVolume:
    """As much noise again as the scan has."""
    extra = correlated_noise(volume.hu.shape, scan_like(volume), SEED)
    return replace(volume, hu=np.clip(np.rint(volume.hu + extra), -1024, 3071).astype(np.int16))


CHANGES: dict[str, Callable[[CtVolume], CtVolume]] = {
    "shifted by half a voxel": shifted,
    "every second slice": halved,
    "turned by 10°": turned,
    "noise added": noisier,
}


def _resampled(volume: CtVolume, grid: VolumeGeometry) -> CtVolume:
    """Read the scan at another grid's voxels by cubic splines, which hardly blur."""
    from scipy.ndimage import map_coordinates, spline_filter

    splines = spline_filter(volume.hu.astype(np.float32), order=3, output=np.float32)
    hu = np.empty(grid.shape, np.int16)
    rows, columns = np.indices(grid.shape[1:])
    for i in range(grid.shape[0]):  # slice by slice, for the memory's sake
        points = grid.index_to_lps(np.stack([np.full(rows.shape, i), rows, columns], axis=-1))
        at = np.moveaxis(volume.geometry.lps_to_index(points), -1, 0)
        found = map_coordinates(splines, at, order=3, mode="constant", cval=-1000.0, prefilter=False)
        hu[i] = np.clip(np.rint(found), -1024, 3071)
    return replace(volume, hu=hu, geometry=grid, unmeasured_slices=())


def measure(volume: CtVolume, bone: Bone, cut_mm: float) -> Canal:
    """The whole line to the canal."""
    found = find_residual_bone(volume, bone=bone, distal="low", resect_at_mm=cut_mm)
    return measure_canal(volume, found, CanalSettings())


def differences(one: Canal, other: Canal) -> tuple[dict[str, np.ndarray], float]:
    """The other's numbers minus the one's, at the same places of the bone.

    And the share of diameters whose difference lies inside what both state (95 %).
    """
    axis = AxisTable(other.axis.depth_mm, other.axis.points_lps, other.axis.s_lps, other.axis.u_lps, other.axis.v_lps)
    first, second = measure_sections(one), measure_sections(other)
    depth = axis.locate(one.axis.points_lps)[:, 0]
    both = (depth >= axis.depth_mm[0]) & (depth <= axis.depth_mm[-1])
    found = {
        name: np.interp(depth, axis.depth_mm, getattr(second, name))[both] - getattr(first, name)[both]
        for name in ("inscribed_diameter_mm", "area_diameter_mm")
    }
    inside = []
    for name in found:
        se = [getattr(t, name.replace("_mm", "_se_mm")) for t in (first, second)]
        both_se = np.hypot(se[0], np.interp(depth, axis.depth_mm, se[1]))[both]
        known = np.isfinite(found[name]) & np.isfinite(both_se)
        inside.append((np.abs(found[name]) <= TWO_SIDED_95 * both_se)[known])
    found["wall_mm"] = _wall_difference(one, other, axis)
    return {name: d[np.isfinite(d)] for name, d in found.items()}, float(np.concatenate(inside).mean())


def _wall_difference(one: Canal, other: Canal, axis: AxisTable) -> np.ndarray:
    """Walls at the same endosteal points; the other's read linearly between its levels and rays."""
    from scipy.ndimage import map_coordinates

    points = one.contour_lps("endosteal")
    known = np.isfinite(points).all(axis=-1)
    at = axis.locate(points[known])
    wall = cortical_thickness(other)
    wall = np.concatenate([wall, wall[:, :1]], axis=1)
    level = np.interp(at[:, 0], axis.depth_mm, np.arange(len(axis.depth_mm)), left=np.nan, right=np.nan)
    turn = np.mod(np.arctan2(at[:, 2], at[:, 1]), 2 * np.pi) * (wall.shape[1] - 1) / (2 * np.pi)
    inside = np.isfinite(level)
    theirs = map_coordinates(wall, [level[inside], turn[inside]], order=1)
    return theirs - cortical_thickness(one)[known][inside]


def rows(name: str, folder: Path, bone: Bone, cut_mm: float) -> list[str]:
    """The table's rows of one series."""
    volume = read_series(folder).volume
    one = measure(volume, bone, cut_mm)
    lines = []
    for change, make in CHANGES.items():
        try:
            found, inside = differences(one, measure(make(volume), bone, cut_mm))
        except CanalfitError as error:
            lines.append(f"| {name} | {change} | refused: {error} | | | | |")
            continue
        cells = [f"{np.median(np.abs(d)):.3f} ({np.median(d):+.3f})" for d in found.values()]
        worst = max(np.median(np.abs(d)) for d in found.values())
        lines.append(
            f"| {name} | {change} | {' | '.join(cells)} | {inside:.0%} | {'yes' if worst <= GOAL_MM else '**no**'} |"
        )
        print(lines[-1], flush=True)
    return lines


HEAD = """| series | change | inscribed diameter | area diameter | wall | inside both intervals | ≤ 0.1 mm |
|---|---|---|---|---|---|---|"""


def main() -> int:
    """Measure all series that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="series; default: all")
    parser.add_argument("--write", action="store_true", help="write the table into docs/method/accuracy.md")
    args = parser.parse_args()
    series = [(n, ROOT / "sample_scans" / n, b, c) for n, b, c in SAMPLES]
    series += [(n, SHARED / n, b, c) for n, b, c in SHARED_SERIES if SHARED.is_dir()]
    print("median absolute difference (median difference), mm")
    print(HEAD)
    lines = [line for n, folder, b, c in series if not args.names or n in args.names for line in rows(n, folder, b, c)]
    if args.write:
        write_between(ROOT / "docs" / "method" / "accuracy.md", MARKS, "\n".join([HEAD, *lines]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
