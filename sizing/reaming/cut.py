"""Tools and sections handed to the exact kernels, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sizing._sweep import Sections
from sizing.geometry import FloatArray
from sizing.reaming.model import ReamerPass, ReamingPlan
from sizing.reaming.pierce import tools_in_sections
from sizing.reaming.sections import SectionStack
from sizing.reaming.tools import FAR_MM, tool_pieces, tool_radius_mm
from sizing.threads import in_pieces

# The kernels read 8 neighbouring rays at once: 3 before a cell and 4 after.
_RAYS_BEFORE, _RAYS_AFTER = 3, 4
# Kinds and sums that the kernel keeps per pass while it works on one cell.
_KINDS, _SUMS = 5, 14
# Parts of the hole: within the marrow, the canal, the bone, and all of it.
MARROW, CANAL, BONE, ALL = range(4)
# Two tools of one axis are compared at this many stations.
_STATIONS = 400


@dataclass(frozen=True)
class Cut:
    """What the tools cut in each of k sections, after each of p passes.

    Attributes
    ----------
    area_mm2 : (k, p, 4) array
        Cumulative area of the hole within MARROW, CANAL, BONE, ALL.
    per_depth_mm2 : (k, p, 4) array
        The same with the volume element between sections: mm³ per mm of depth.
    flank_mm : (k, p) array
        Length across the depth of this pass's flank in new bone, with the volume element.
    contact_rad : (k, p) array
        Angle about the tool's axis over which this pass lies in new bone.
    covered : (k,) array
        Share of the turn that is measured.
    """

    area_mm2: FloatArray
    per_depth_mm2: FloatArray
    flank_mm: FloatArray
    contact_rad: FloatArray
    covered: FloatArray


def kernel_for(sections: SectionStack, plan: ReamingPlan) -> Sections:
    """Prepare the kernels for a stack of sections and the tools of a plan."""
    pieces = [tool_pieces(p.reamer) for p in plan.passes]
    table = np.zeros((len(pieces), max(len(p) for p in pieces), 5))
    for row, tool in zip(table, pieces, strict=True):
        row[: len(tool)] = tool
    canal = _padded(sections.endosteal_mm)
    return Sections(
        canal if sections.marrow_mm is sections.endosteal_mm else _padded(sections.marrow_mm),
        canal,
        _padded(sections.periosteal_mm),
        np.ascontiguousarray(np.concatenate([sections.volume_element, sections.cut_plane], axis=1)),
        tools_in_sections(plan.passes, sections),
        table,
        np.array([len(p) for p in pieces], np.int32),
        still_visible(plan.passes),
        _axis_numbers(plan.passes),
    )


def cut_sections(kernel: Sections, sections: SectionStack) -> Cut:
    """Sum over the angle, exactly."""
    k, p = kernel.n_sections, kernel.n_passes
    sums, covered = np.zeros((k, p, _SUMS)), np.zeros(k)
    in_pieces(k, lambda first, end: kernel.sweep(
        sums, covered, np.zeros(p * _KINDS, np.int32), np.zeros(p * _SUMS), first, end
    ))  # fmt: skip
    moments = sums[:, :, :12].reshape(k, p, 4, 3)
    per_depth = np.einsum("kpac,kc->kpa", moments, sections.volume_element)
    return Cut(moments[..., 0], per_depth, sums[:, :, 12], sums[:, :, 13], covered)


def hole_edges(kernel: Sections) -> tuple[FloatArray, FloatArray]:
    """Return outer edges (p, k, n) of the hole after every pass, and of every tool alone; 0 = ray not cut."""
    shape = (kernel.n_passes, kernel.n_sections, kernel.n_rays)
    hole, tool = np.zeros(shape), np.zeros(shape)
    kernel.edges(hole, tool)
    return hole, tool


def least_walls(kernel: Sections, lean: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return least wall (p + 1, k) and its angle: row 0 before any tool, then after every pass; NaN = unmeasured."""
    shape = (kernel.n_passes + 1, kernel.n_sections)
    least, theta = np.full(shape, np.nan), np.full(shape, np.nan)
    lean = np.ascontiguousarray(lean)
    in_pieces(kernel.n_sections, lambda first, end: kernel.walls(lean, least, theta, first, end))
    return least, theta


def still_visible(passes: tuple[ReamerPass, ...]) -> NDArray[np.int32]:
    """For every pass, which tools up to it still shape the hole: row = count, then their numbers.

    A tool that lies wholly inside another one on the same axis is dropped, so that equal passes, and passes
    smaller than the hole, change not even the last digit.
    """
    table = np.zeros((len(passes), len(passes) + 1), np.int32)
    alive: list[int] = []
    for i, made in enumerate(passes):
        if not any(_inside(made, passes[j]) for j in alive):
            alive = [j for j in alive if not _inside(passes[j], made)] + [i]
        table[i, 0] = len(alive)
        table[i, 1 : 1 + len(alive)] = alive
    return table


def _inside(small: ReamerPass, big: ReamerPass) -> bool:
    """Tell whether one tool's whole way lies within another's."""
    if not _same_axis(small, big) or small.depth_mm > big.depth_mm:
        return False
    stations = _stations(small, big)
    ahead = small.depth_mm - big.depth_mm
    room = tool_radius_mm(big.reamer, stations + ahead) - tool_radius_mm(small.reamer, stations)
    return bool(np.all(room >= 0.0))


def _stations(small: ReamerPass, big: ReamerPass) -> FloatArray:
    """Stations of the smaller tool at which the two are compared: every corner of both, and a fine grid."""
    shift = big.depth_mm - small.depth_mm
    corners = np.concatenate([tool_pieces(small.reamer)[:, :2].ravel(), tool_pieces(big.reamer)[:, :2].ravel() + shift])
    corners = corners[(corners <= 0.0) & (corners > -FAR_MM / 2)]
    lowest = min(float(corners.min(initial=0.0)), -1.0) - 1.0
    return np.unique(np.concatenate([corners, np.linspace(lowest, 0.0, _STATIONS)]))


def _axis_numbers(passes: tuple[ReamerPass, ...]) -> NDArray[np.int32]:
    """Give tools on one axis one number: the first such pass."""
    first = [next(j for j in range(i + 1) if _same_axis(passes[j], made)) for i, made in enumerate(passes)]
    return np.array(first, np.int32)


def _same_axis(one: ReamerPass, two: ReamerPass) -> bool:
    a, b = one.axis, two.axis
    if a is b:
        return True
    pairs: list[tuple[Any, Any]] = [
        (a.entry_lps, b.entry_lps),
        (a.direction_lps, b.direction_lps),
        (a.bow_radius_mm, b.bow_radius_mm),
        (a.bow_centre_lps, b.bow_centre_lps),
        (a.path_lps, b.path_lps),
        (a.path_step_mm, b.path_step_mm),
    ]
    return all((x is None) == (y is None) and (x is None or np.array_equal(x, y)) for x, y in pairs)


def _padded(radius_mm: FloatArray) -> FloatArray:
    return np.ascontiguousarray(
        np.concatenate([radius_mm[:, -_RAYS_BEFORE:], radius_mm, radius_mm[:, :_RAYS_AFTER]], axis=1)
    )
