"""Every size on one axis, or on thousands of axes: the numbers behind sliders and searches.

Prepare a canal once (``prepare``), then ask for any axis. Tools are cylinders with flat ends here; tip forms,
broaches and unions of several axes are ``ream``'s work, which also gives exact values. The two agree to
about 1e-4 (see docs/method/reaming.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sizing._core import Contours
from sizing.canal.model import Canal
from sizing.errors import ReamingError
from sizing.geometry import FloatArray, frozen_array, numbers_in
from sizing.reaming.sections import sections_at
from sizing.reaming.tool_axis import ToolAxis
from sizing.strict import is_number

# A level with less of its turn measured says nothing about a tool.
_LEAST_MEASURED = 0.5
# Stands for "not measured": so far out that no tool reaches it; twice what the kernel takes for a distance.
_OUT_OF_REACH_MM = 1000.0
# More than a distance in single precision is off: at 100 mm, 1e-5.
_ROUNDING_MM = 1e-3
# A cache line, in float32 numbers.
_LINE = 16
# Rows of the kernel's totals.
_TOTALS = (
    "removed_cortical_mm3", "removed_medullary_mm3", "removed_outside_mm3", "engaged_mm2", "wall_min_mm",
    "wall_min_depth_mm", "first_contact_depth_mm", "tool_wall_mm", "tool_wall_depth_mm",
)  # fmt: skip
N_TOTALS = len(_TOTALS)


@dataclass(frozen=True)
class PreparedCanal:
    """A canal made ready for ``evaluate``; make it with ``prepare``.

    Attributes
    ----------
    canal : Canal
    kernel : Contours
    native_wall_mm : (m,) array
        Least wall of each level before any tool.
    measured_share : (m,) array
        Share of each level's turn that is measured; levels below one half are left out.
    """

    canal: Canal
    kernel: Contours
    native_wall_mm: FloatArray
    measured_share: FloatArray


@dataclass(frozen=True)
class Evaluation:
    """k sizes of a flat-ended cylinder on one axis to one depth; arrays (k,) and by level (m, k).

    Attributes
    ----------
    diameters_mm : (k,) array
    removed_cortical_mm3, removed_medullary_mm3, removed_outside_mm3 : (k,) arrays
        Cumulative: what a hole of that size takes in all. Cancellous bone counts as medullary.
    engaged_mm2 : (k,) array
        Flank of the tool beyond the endosteum.
    wall_min_mm, wall_min_depth_mm : (k,) arrays
        Least wall left and its level, native walls on the way included; NaN where nothing is measured.
    tool_wall_mm, tool_wall_depth_mm : (k,) arrays
        Least wall outside the tool itself and its level; negative where it breaks through.
    first_contact_depth_mm : (k,) array
        Most distal level that is touched; NaN = none.
    cortical_mm2, outside_mm2 : (m, k) arrays
        New hole beyond the endosteum and inside the bone, and beyond the bone, per mm of depth.
    contact_share : (m, k) array
        Share of the circumference beyond the endosteum.
    clearance_mm, outer_clearance_mm : (m,) arrays
        Least distance of the endosteum and of the periosteum to the axis: half the first diameter that
        touches, and the wall left plus the radius.
    travel_mm : (m,) array
        Where the axis passes through each level.
    """

    axis: ToolAxis
    depth_mm: float
    diameters_mm: FloatArray
    removed_cortical_mm3: FloatArray
    removed_medullary_mm3: FloatArray
    removed_outside_mm3: FloatArray
    engaged_mm2: FloatArray
    wall_min_mm: FloatArray
    wall_min_depth_mm: FloatArray
    tool_wall_mm: FloatArray
    tool_wall_depth_mm: FloatArray
    first_contact_depth_mm: FloatArray
    cortical_mm2: FloatArray
    outside_mm2: FloatArray
    contact_share: FloatArray
    clearance_mm: FloatArray
    outer_clearance_mm: FloatArray
    travel_mm: FloatArray


@dataclass(frozen=True)
class GridEvaluation:
    """As ``Evaluation``, for q axes: arrays (q, k); NaN where an axis passes through no measured level."""

    diameters_mm: FloatArray
    removed_cortical_mm3: FloatArray
    removed_medullary_mm3: FloatArray
    removed_outside_mm3: FloatArray
    engaged_mm2: FloatArray
    wall_min_mm: FloatArray
    wall_min_depth_mm: FloatArray
    tool_wall_mm: FloatArray
    tool_wall_depth_mm: FloatArray
    first_contact_depth_mm: FloatArray


def prepare(canal: Canal) -> PreparedCanal:
    """Make a canal ready for ``evaluate`` and ``evaluate_grid``; some milliseconds, once.

    Raises
    ------
    ReamingError
        CF-R023 when no level is measured over half of its turn.
    """
    from sizing.canal import cortical_thickness

    both = canal.measured
    share = both.mean(axis=1)
    if not np.any(share >= _LEAST_MEASURED):
        raise ReamingError("CF-R023", "nothing can be said of any tool: no level of the canal is measured",
                           measured=f"at most {share.max():.0%} of a turn", expected=f"{_LEAST_MEASURED:.0%}",
                           advice="Measure the canal where walls can be seen")  # fmt: skip
    distal, proximal = _slabs(canal.axis.depth_mm)
    thickness = np.where(share >= _LEAST_MEASURED, distal + proximal, 0.0)
    sections = sections_at(canal, canal.axis.depth_mm)
    frames = np.concatenate(
        [
            canal.axis.points_lps,
            canal.axis.s_lps,
            canal.axis.u_lps,
            canal.axis.v_lps,
            sections.volume_element,
            thickness[:, None],
            share[:, None],
            distal[:, None],
            canal.axis.depth_mm[:, None],
        ],
        axis=1,
    )
    wall = np.where(both, cortical_thickness(canal), np.inf).min(axis=1)
    native = np.where(np.isfinite(wall), wall, np.nan)
    inner, outer = (_points(canal, radius, both) for radius in (canal.endosteal_radius_mm, canal.periosteal_radius_mm))
    innermost = np.hypot(outer[:, 0], outer[:, 1], dtype=np.float64).min(axis=1) - _ROUNDING_MM
    kernel = Contours(inner, outer, np.ascontiguousarray(frames.T), np.ascontiguousarray(native), innermost)
    return PreparedCanal(canal, kernel, frozen_array(native), frozen_array(share))


def evaluate(canal: Canal | PreparedCanal, axis: ToolAxis, diameters_mm: ArrayLike, depth_mm: float) -> Evaluation:
    """Measure what a hole of each size would take and leave, on one axis.

    Parameters
    ----------
    canal : Canal or PreparedCanal
        Prepare it once when many axes are asked for.
    axis : ToolAxis
        Straight or bowed.
    diameters_mm : (k,) array_like
        Strictly increasing.
    depth_mm : float
        Travel of the tool's end.

    Raises
    ------
    ReamingError
        CF-R002 for sizes that do not grow, CF-R005 for a depth that is not positive, CF-R008 for an axis that
        crosses the canal, CF-R013 for one that follows a path (use ``ream``), CF-R023 where nothing is measured.
    """
    prepared = canal if isinstance(canal, PreparedCanal) else prepare(canal)
    radius, depth = radii_or_error(diameters_mm), depth_or_error(depth_mm)
    m, k = prepared.kernel.n_levels, len(radius)
    totals, by_level, nearest = np.empty((N_TOTALS, k)), np.empty((3, m, k)), np.empty((3, m))
    if not prepared.kernel.evaluate(pose_of(axis), radius, depth, work_space(prepared, k), totals, by_level, nearest):
        raise ReamingError("CF-R008", "the tool axis crosses the canal instead of following it",
                           advice="Let the axis point proximally, into the bone")  # fmt: skip
    return Evaluation(
        axis,
        depth,
        2.0 * radius,
        **named_totals(totals),
        cortical_mm2=by_level[0],
        outside_mm2=by_level[2],
        contact_share=by_level[1],
        clearance_mm=nearest[1],
        outer_clearance_mm=nearest[2],
        travel_mm=nearest[0],
    )


def evaluate_grid(
    canal: Canal | PreparedCanal, axes: Sequence[ToolAxis], diameters_mm: ArrayLike, depth_mm: ArrayLike
) -> GridEvaluation:
    """Measure every size on every axis.

    Parameters
    ----------
    canal : Canal or PreparedCanal
        Where.
    axes : sequence of ToolAxis
        q axes, straight or bowed.
    diameters_mm : (k,) array_like
        Strictly increasing.
    depth_mm : float or (q,) array_like
        Travel of the tool's end, for all or for each axis.

    Raises
    ------
    ReamingError
        As ``evaluate``.
    """
    return evaluate_poses(canal, np.array([pose_of(a) for a in axes]), diameters_mm, depth_mm)


def evaluate_poses(
    canal: Canal | PreparedCanal, poses: FloatArray, diameters_mm: ArrayLike, depth_mm: ArrayLike
) -> GridEvaluation:
    """As ``evaluate_grid``, for axes given as rows (q, 10): entry, direction, bow's direction, 1 / bow radius."""
    prepared = canal if isinstance(canal, PreparedCanal) else prepare(canal)
    radius = radii_or_error(diameters_mm)
    depth = numbers_in(depth_mm)
    if not len(poses) or depth.shape not in ((), (len(poses),)):
        raise ReamingError("CF-R005", "a grid needs at least one axis, and one depth for all or one for each",
                           measured=f"{len(poses)} axes, depths {depth.shape}")  # fmt: skip
    depth = np.ascontiguousarray(np.broadcast_to(depth, len(poses)))
    if not np.all(np.isfinite(depth) & (depth > 0)):
        depth_or_error(float(depth[~(np.isfinite(depth) & (depth > 0))][0]))
    totals = np.empty((len(poses), N_TOTALS, len(radius)))
    work = work_space(prepared, len(radius))
    prepared.kernel.evaluate_many(np.ascontiguousarray(poses), radius, depth, work, totals)
    return GridEvaluation(2.0 * radius, **named_totals(totals))


@dataclass(frozen=True)
class DiscProfiles:
    """q stems on one axis, by level; arrays (q, m), and (m,) for the axis. NaN = no stem there, or not measured.

    Attributes
    ----------
    beyond_canal_mm2, beyond_bone_mm2 : (q, m) arrays
        Section of the stem outside the endosteum, and outside the periosteum.
    contact_rad : (q, m) array
        Angle about the axis over which the stem reaches beyond the endosteum.
    clearance_mm, outer_clearance_mm, travel_mm : (m,) arrays
        As in ``Evaluation``.
    """

    beyond_canal_mm2: FloatArray
    beyond_bone_mm2: FloatArray
    contact_rad: FloatArray
    clearance_mm: FloatArray
    outer_clearance_mm: FloatArray
    travel_mm: FloatArray


def evaluate_profiles(canal: Canal | PreparedCanal, axis: ToolAxis, radius_mm: ArrayLike) -> DiscProfiles:
    """Measure stems whose radius changes from level to level, all on one axis.

    Parameters
    ----------
    canal : Canal or PreparedCanal
        Where.
    axis : ToolAxis
        Straight or bowed.
    radius_mm : (q, m) array_like
        Radius of each stem at each level, NaN where it is not. Stems sorted by diameter are fastest.
    """
    prepared = canal if isinstance(canal, PreparedCanal) else prepare(canal)
    radius = numbers_in(radius_mm)
    if radius.ndim != 2:
        radius = np.atleast_2d(radius)
    q, m = radius.shape
    least, most = np.fmin.reduce(radius, axis=None, initial=np.inf), np.fmax.reduce(radius, axis=None, initial=0.0)
    if m != prepared.kernel.n_levels or least <= 0 or most == np.inf:
        raise ReamingError("CF-R002", "a stem needs a positive radius, or NaN, at every level", measured=f"{m} levels",
                           expected=f"{prepared.kernel.n_levels} levels")  # fmt: skip
    out, nearest = np.empty((3, m, q)), np.empty((3, m))
    prepared.kernel.profiles(pose_of(axis), np.ascontiguousarray(radius.T), work_space(prepared, q), out, nearest)
    return DiscProfiles(out[0].T, out[2].T, out[1].T, nearest[1], nearest[2], nearest[0])


def named_totals(totals: FloatArray) -> dict[str, FloatArray]:
    """Kernel totals (..., 9, k) under their names."""
    return {name: totals[..., row, :] for row, name in enumerate(_TOTALS)}


def _points(canal: Canal, radius: FloatArray, use: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Points and their change along the contour (m, 4, n); an unmeasured point lies out of reach and has no change."""
    slope = _angular_slope(np.where(use, radius, np.nan))
    use = use & np.isfinite(slope)
    r, slope = np.where(use, radius, _OUT_OF_REACH_MM), np.where(use, slope, 0.0)
    cos, sin = np.cos(canal.theta_rad), np.sin(canal.theta_rad)
    step = 2.0 * np.pi / len(cos)
    change = use * step
    points = [r * cos, r * sin, (slope * cos - r * sin) * change, (slope * sin + r * cos) * change]
    return np.stack(points, axis=1, out=_aligned((len(radius), 4, len(cos))), casting="same_kind")


def _angular_slope(radius: FloatArray) -> FloatArray:
    """dr/dtheta by central differences: eighth order, beside gaps fourth or second."""
    step = 2.0 * np.pi / radius.shape[1]
    orders = ([4 / 5, -1 / 5, 4 / 105, -1 / 280], [2 / 3, -1 / 12], [1 / 2])
    best = np.full(radius.shape, np.nan)
    for weights in orders:
        slope = sum(
            w * (np.roll(radius, -i, axis=1) - np.roll(radius, i, axis=1)) for i, w in enumerate(weights, start=1)
        )
        best = np.where(np.isfinite(best), best, slope / step)
    # At the rim of a gap: from the one side that is known.
    for shift in (1, -1):
        aside = shift * (np.roll(radius, -shift, axis=1) - radius) / step
        best = np.where(np.isfinite(best), best, aside)
    return best


def _slabs(depth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lengths (m,) that each level stands for, distal and proximal of it: half-way to its neighbours."""
    if len(depth) == 1:
        return np.full(1, 0.5), np.full(1, 0.5)
    half = 0.5 * np.diff(depth)
    return np.insert(half, 0, 0.0), np.append(half, 0.0)


def pose_of(axis: ToolAxis) -> FloatArray:
    """Return an axis as the kernels read it (10,): entry, direction, bow's direction, 1 / bow radius."""
    if axis.path_lps is not None:
        raise ReamingError("CF-R013", "a tool that follows a path is measured by ream, not by evaluate")
    centre = np.zeros(3) if axis.bow_centre_lps is None else axis.bow_centre_lps
    bow = 0.0 if axis.bow_radius_mm is None else 1.0 / axis.bow_radius_mm
    return np.concatenate([axis.entry_lps, axis.direction_lps, centre, [bow]])


def radii_or_error(diameters_mm: ArrayLike) -> FloatArray:
    """Return radii (k,) in mm of sizes that must be positive and grow."""
    d = numbers_in(diameters_mm)
    if d.ndim == 0:
        d = d[None]
    # Growing from above zero to a finite last one: all are finite, too, as NaN is never greater.
    if d.ndim != 1 or not len(d) or not (d[0] > 0 and d[-1] < np.inf and (d[1:] > d[:-1]).all()):
        raise ReamingError(
            "CF-R002",
            "tool sizes must be positive and grow from one to the next",
            measured=str(diameters_mm)[:80],
        )
    return 0.5 * d


def depth_or_error(depth_mm: float) -> float:
    """Return a depth that must be positive and finite."""
    if not (is_number(depth_mm) and depth_mm > 0):
        raise ReamingError("CF-R005", "the reaming depth must be positive and finite", measured=f"{depth_mm} mm")
    return float(depth_mm)


def work_space(prepared: PreparedCanal, n_sizes: int) -> NDArray[np.float32]:
    """Return the kernels' work space."""
    return _aligned((prepared.kernel.room_for(n_sizes),))


def _aligned(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return an empty float32 array that starts on a cache line: wide registers load it in one go."""
    size = prod(shape)
    raw = np.empty(size + _LINE, np.float32)
    start = -raw.__array_interface__["data"][0] // raw.itemsize % _LINE
    return raw[start : start + size].reshape(shape)
