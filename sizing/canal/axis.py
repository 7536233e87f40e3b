"""The canal's axis: a smooth line through section centroids, with levels from the resection plane."""

from __future__ import annotations

import numpy as np

from sizing.canal.model import CanalAxis
from sizing.errors import CanalError
from sizing.geometry import FloatArray
from sizing.segmentation.model import ResidualBone
from sizing.segmentation.slice_order import sliced_across

ANTERIOR_LPS = np.array([0.0, -1.0, 0.0])
LEFT_LPS = np.array([1.0, 0.0, 0.0])
# Undulations of the centroids shorter than this are noise of the section's outline, not the way a reamer goes.
SMOOTH_LENGTH_MM = 60.0
SLAB_MM = 2.0
# A centroid further from the smooth line than this many robust standard deviations has no say (Tukey).
TUKEY = 4.685
# A section this many times larger than the shaft's median belongs to a joint, not to the shaft.
JOINT_AREA_RATIO = 3.0
MIN_LENGTH_MM = 10.0
MIN_CENTRES = 10
UNKNOWN_CENTRE_WEIGHT = 0.02
# The line is drawn straight on beyond the lowest whole section, to find where it meets the resection plane.
EXTENSION_MM = 100.0


def find_axis(bone: ResidualBone, step_mm: float) -> CanalAxis:
    """Return section frames along the bone's smooth centroid line.

    Slabs perpendicular to the bone's proximal direction give centroids; slabs that the scan's end
    cuts obliquely are left out. The line is smoothed and its arc length counted from the resection
    plane, see ``docs/method/canal.md``.

    Raises
    ------
    CanalError
        CF-C010 if the bone is too short above the resection plane.
    """
    bone = sliced_across(bone)
    direction = bone.proximal_lps
    along, centroid, area = _slab_centroids(bone, direction)
    shaft = _shaft_run(along, area, bone, direction)
    line = smooth_line(along[shaft], centroid[shaft], np.ones(int(shaft.sum())))
    return frames_along(line, along[shaft], bone, step_mm)


def _slab_centroids(bone: ResidualBone, direction: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return position along the direction (b,), centroid (b, 3) LPS and area (b,) of slabs of the mask."""
    index = np.argwhere(bone.mask)
    points = bone.geometry.index_to_lps(index)
    t = points @ direction
    # A slab must hold at least one slice, whatever the angle between slices and direction.
    thickness = max(SLAB_MM, 1.01 * bone.geometry.slice_step_mm)
    slab = np.floor((t - t.min()) / thickness).astype(np.intp)
    count = np.bincount(slab)
    keep = count > 0
    centroid = np.stack([np.bincount(slab, points[:, a]) for a in range(3)], axis=-1)[keep] / count[keep, None]
    area = count[keep] * (bone.geometry.voxel_volume_mm3 / thickness)
    return centroid @ direction, centroid, area


def _shaft_run(along: FloatArray, area: FloatArray, bone: ResidualBone, direction: FloatArray) -> FloatArray:
    """Mark slabs (b,) that are whole sections of the shaft: not cut by the scan's ends, not in a joint."""
    plane = float(bone.resection.point_lps @ direction)
    above = along > plane - SLAB_MM
    if above.sum() < 3:
        raise CanalError("CF-C010", "no bone is left above the resection plane",
                         measured=f"{max(along.max() - plane, 0):.0f} mm",
                         advice="Choose a more distal resection")  # fmt: skip
    median = float(np.median(area[above]))
    usual = (area < JOINT_AREA_RATIO * median) & (area > median / JOINT_AREA_RATIO)
    # Corners of the scan: how far the slices' planes cut into the slab of an oblique bone.
    tilt = np.arccos(min(1.0, abs(float(direction @ bone.geometry.slice_normal_lps))))
    cut = np.sqrt(median / np.pi) * np.tan(tilt)
    whole = (along > along.min() + cut) & (along < along.max() - cut)
    shaft = usual & whole
    # the run that begins nearest the plane and goes on proximally
    start = int(np.argmax(shaft & above))
    stop = start
    while stop < len(shaft) and shaft[stop]:
        stop += 1
    first = start
    while first > 0 and shaft[first - 1]:
        first -= 1
    run = np.zeros(len(shaft), bool)
    run[first:stop] = True
    if along[run].max() - max(plane, along[run].min()) < MIN_LENGTH_MM:
        raise CanalError("CF-C010", "too little whole shaft lies above the resection plane",
                         measured=f"{along[run].max() - plane:.0f} mm", expected=f"at least {MIN_LENGTH_MM:g} mm",
                         advice="Choose a more distal resection or a longer scan")  # fmt: skip
    return run


def smooth_line(along: FloatArray, points: FloatArray, weight: FloatArray) -> FloatArray:
    """Smooth points (b, 3) along a parameter (b,) robustly; straight lines and slow bows pass unchanged.

    Penalised least squares on the third difference (a parabola costs nothing), reweighted by
    Tukey's biweight so that single outliers have no say.
    """
    from scipy.linalg import solveh_banded

    b = len(along)
    if b < 5:
        degree = 1 if b > 2 else 0
        return np.stack([np.polyval(np.polyfit(along, points[:, a], degree), along) for a in range(3)], axis=-1)
    step = float(np.median(np.diff(along)))
    # half power at SMOOTH_LENGTH_MM: penalty (L / 2 pi)^6 on the squared third derivative
    penalty = _third_difference_bands(b) * (SMOOTH_LENGTH_MM / (2 * np.pi) / step) ** 6
    w = weight.astype(np.float64)
    for _ in range(5):
        bands = penalty.copy()
        bands[0] += w
        line = solveh_banded(bands, w[:, None] * points, lower=True)
        miss = np.linalg.norm(points - line, axis=1)
        scale = 1.4826 * float(np.median(miss[w > 0])) + 1e-9
        w = weight * np.clip(1 - (miss / (TUKEY * scale)) ** 2, 0.0, None) ** 2 + 1e-9
    return line


def _third_difference_bands(b: int) -> FloatArray:
    """Return the lower bands (4, b) of D'D, D being the third difference of b values."""
    bands = np.zeros((4, b))
    stencil = np.array([-1.0, 3.0, -3.0, 1.0])
    for offset in range(4):
        for i in range(4 - offset):
            bands[offset, i : b - 3 + i] += stencil[i] * stencil[i + offset]
    return bands


def frames_along(line: FloatArray, along: FloatArray, bone: ResidualBone, step_mm: float) -> CanalAxis:
    """Cut a smooth line (b, 3) into levels of ``step_mm`` arc length from the resection plane upward."""
    from scipy.interpolate import CubicSpline

    curve = CubicSpline(along, line)
    half_slab = float(np.median(np.diff(along))) / 2  # the outermost centroids stand for half a slab more
    fine = np.linspace(along[0] - EXTENSION_MM, along[-1] + half_slab, 4000)
    points = np.where(
        fine[:, None] < along[0], curve(along[0]) + (fine - along[0])[:, None] * curve(along[0], 1), curve(fine)
    )
    arc = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1)))
    height = bone.resection.signed_distance_mm(points)
    if not (height.min() < 0 < height.max()):
        raise CanalError("CF-C010", "the canal's axis does not cross the resection plane")
    arc -= np.interp(0.0, height, arc)
    lowest = float(np.interp(along[0] - half_slab, fine, arc))
    first = max(0.0, np.ceil(lowest / step_mm) * step_mm)
    depth = np.arange(first, arc[-1] + 1e-9, step_mm)
    centre = np.stack([np.interp(depth, arc, points[:, a]) for a in range(3)], axis=-1)
    return CanalAxis(depth, centre, *section_frames(np.gradient(points, arc, axis=0), arc, depth))


def section_frames(
    tangent: FloatArray, arc: FloatArray, depth: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return s, u, v (m, 3 each) at ``depth``: u = anterior as scanned, projected into the section."""
    s = np.stack([np.interp(depth, arc, tangent[:, a]) for a in range(3)], axis=-1)
    s /= np.linalg.norm(s, axis=1, keepdims=True)
    # a bone that points forward has no anterior side: the left then stands in
    front = ANTERIOR_LPS if np.abs(s @ ANTERIOR_LPS).max() < 0.9 else LEFT_LPS
    u = front - (s @ front)[:, None] * s
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    return s, u, np.cross(s, u)


def recentre(axis: CanalAxis, centres_lps: FloatArray, bone: ResidualBone, step_mm: float) -> CanalAxis:
    """Move the axis onto the canal's own centres (m, 3) LPS; levels whose centre is NaN follow their neighbours."""
    known = np.asarray(np.isfinite(centres_lps).all(axis=1))
    if known.sum() < MIN_CENTRES:
        return axis  # nothing better is known than the bone's outline
    along = axis.points_lps @ bone.proximal_lps
    centres = np.where(known[:, None], centres_lps, axis.points_lps)
    # levels without a closed canal keep a small say, so that the axis does not fly off between them
    line = smooth_line(along, centres, np.where(known, 1.0, UNKNOWN_CENTRE_WEIGHT))
    return frames_along(line, along, bone, step_mm)
