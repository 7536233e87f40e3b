"""Quadrature along the depth: nodes and weights that respect where tools end and where contact begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.canal.model import Canal
from sizing.geometry import FloatArray
from sizing.reaming.model import ReamerPass, ReamingPlan
from sizing.reaming.pierce import tools_in_sections
from sizing.reaming.sections import SectionStack
from sizing.reaming.tools import FAR_MM, tool_pieces, tool_radius_mm

# Gauss-Legendre on 0..1, three points.
_NODES = 0.5 + 0.5 * np.array([-np.sqrt(0.6), 0.0, np.sqrt(0.6)])
_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0
# An interval in which contact begins or closes round is divided this often; a stretch along which a plane
# (the cut end, a tool's flat end) leans across the bone, and so sweeps over it, into this many.
_DIVISIONS = 4
_ACROSS = 16
# Places along a rim, from one side to the other, by the cosine; a thousandth short of its turn, where a section meets
# more of it than a point.
_RIM = 0.999 * np.cos(np.linspace(0.0, np.pi, _ACROSS + 1))
# Panels thinner than this hold nothing.
_THINNEST_MM = 1e-9


@dataclass(frozen=True)
class DepthRule:
    """Integral along the canal: weights (m,) of the canal's own levels, and more depths (k,) with weights (k,), mm."""

    level_weights: FloatArray
    depth_mm: FloatArray
    weights: FloatArray


def depth_rule(canal: Canal, plan: ReamingPlan, levels: SectionStack, touched: NDArray[np.bool_]) -> DepthRule:
    """Choose where the sections are integrated along the depth.

    From level to level by Simpson's rule, with one section half-way. Where something ends or begins (a tool's
    front end, contact, the cut plane) the stretch between two levels is divided and Gauss' rule is used.

    Parameters
    ----------
    canal : Canal
        Levels are the panels' ends.
    plan : ReamingPlan
        Tool ends become panel ends too.
    levels : SectionStack
        Sections at the canal's own levels.
    touched : (m, n) bool array
        Where the final hole reaches the endosteum; panels in which this begins or closes round are divided.
    """
    depth = levels.depth_mm
    if len(depth) == 1:  # one section has areas, and no volume
        return DepthRule(np.full(1, np.nan), depth[:0], depth[:0])
    # Stretches do not depend on a tool's size or on the order of passes: a sequence and its last pass alone are
    # summed at the same places and agree to the last digit.
    low, high = volume_begins(canal, levels), float(depth[-1])
    corners = np.concatenate([[low, high], *(tool_ends(p, levels) for p in plan.passes), _cut_stretch(levels)])
    corners = np.clip(corners, low, high)
    rough = _changes(touched)
    # A panel that touches a corner is divided even if the corner is its end: a flat end at a level makes the
    # section there two sections, one with the tool and one without, and Gauss' nodes lie at neither.
    first = np.clip(np.searchsorted(depth, corners - _THINNEST_MM) - 1, 0, len(depth) - 2)
    last_touched = np.clip(np.searchsorted(depth, corners + _THINNEST_MM) - 1, 0, len(depth) - 2)
    divided = rough | (depth[:-1] < low) | (depth[1:] > high)
    divided[first] = divided[last_touched] = True
    smooth = np.flatnonzero(~divided)
    step = np.diff(depth)[smooth]
    level_weights = np.zeros(len(depth))
    np.add.at(level_weights, smooth, step / 6.0)
    np.add.at(level_weights, smooth + 1, step / 6.0)
    nodes, weights = _gauss(depth, np.flatnonzero(divided), corners, rough, (low, high))
    return DepthRule(
        level_weights,
        np.concatenate([depth[smooth] + 0.5 * step, nodes]),
        np.concatenate([step * (4.0 / 6.0), weights]),
    )


def _gauss(
    depth: FloatArray,
    panels: NDArray[np.intp],
    corners: FloatArray,
    rough: NDArray[np.bool_],
    span: tuple[float, float],
) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights in the panels between levels that are divided, and in the wedges beyond the levels."""
    edges = np.unique(np.concatenate([depth, corners]))
    edges = edges[(edges >= span[0]) & (edges <= span[1])]
    edges = edges[np.append(True, np.diff(edges) > _THINNEST_MM)]
    panel = np.searchsorted(depth, 0.5 * (edges[1:] + edges[:-1])) - 1
    keep = np.isin(panel, panels) | (panel < 0) | (panel >= len(depth) - 1)
    start, width = edges[:-1][keep], np.diff(edges)[keep]
    steps = np.where(rough[np.clip(panel[keep], 0, len(rough) - 1)], _DIVISIONS, 1)
    width = np.repeat(width / steps, steps)
    start = np.repeat(start, steps) + width * np.concatenate([np.arange(n) for n in steps] or [np.zeros(0)])
    return (start[:, None] + width[:, None] * _NODES).ravel(), (width[:, None] * _WEIGHTS).ravel()


def volume_begins(canal: Canal, levels: SectionStack) -> float:
    """Return the depth from which volumes are summed: the first level, or the wedge between it and the cut.

    Where the cut plane leans across the first section, or lies less than a level's step distal of it, the bone
    between the two is filled by continuing the contours. At the other end volumes stop with the last section:
    nothing is known beyond it.
    """
    depth = levels.depth_mm
    height, *slope = levels.cut_plane[0]
    lean = float(np.hypot(*slope)) * float(np.nanmax(levels.periosteal_mm[0], initial=0.0))
    climb = max(float(levels.s_lps[0] @ canal.resection.normal_lps), 0.2) if canal.resection else 1.0
    wedge = height + lean
    return float(depth[0] - (wedge / climb if height - lean <= depth[1] - depth[0] and wedge > 0.0 else 0.0))


def tool_ends(made: ReamerPass, levels: SectionStack) -> FloatArray:
    """Depths at which a tool's pieces begin and end; a stretch for each where it leans across the sections."""
    _, at, lean = _piece_ends(made, levels)
    across = np.nanmax(levels.periosteal_mm, initial=0.0) * np.linspace(-1.0, 1.0, _ACROSS + 1)
    found = (at[:, None] + lean[:, None] * across).ravel()
    return found[np.isfinite(found)]


def tool_rims(made: ReamerPass, levels: SectionStack) -> FloatArray:
    """Depths along the rims at which a tool's pieces begin and end, closest where a rim turns back.

    Where a leaning tool ends, its edge is farthest out at the very end of that stretch.
    """
    station, at, lean = _piece_ends(made, levels)
    across = tool_radius_mm(made.reamer, station)[:, None] * _RIM
    found = (at[:, None] + lean[:, None] * across).ravel()
    return found[np.isfinite(found)]


def _piece_ends(made: ReamerPass, levels: SectionStack) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Stations where a tool's pieces begin and end, the depths (NaN = not in the canal) and how it leans there."""
    row = tools_in_sections((made,), levels)[0]
    ends = np.unique(tool_pieces(made.reamer)[:, :2])
    ends = ends[ends > -FAR_MM / 2]
    at = np.interp(ends, row[:, 6], levels.depth_mm, left=np.nan, right=np.nan)
    return ends, at, np.interp(at, levels.depth_mm, np.hypot(row[:, 2], row[:, 3]))


def _changes(touched: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Intervals (m - 1,) at whose ends the contact is of a different kind: none, part, all round."""
    kind = touched.any(axis=1).astype(int) + touched.all(axis=1)
    return kind[1:] != kind[:-1]


def _cut_stretch(levels: SectionStack) -> FloatArray:
    """Depths that divide the stretch in which the resection plane leans across the bone."""
    height, lean = levels.cut_plane[:, 0], np.hypot(levels.cut_plane[:, 1], levels.cut_plane[:, 2])
    reach = lean * np.nanmax(levels.periosteal_mm, axis=1, initial=0.0)
    near = np.flatnonzero((np.abs(height) < reach) & (reach > _THINNEST_MM))
    if not len(near):
        return np.zeros(0)
    depth = levels.depth_mm
    step = float(np.max(np.diff(depth)))
    return np.linspace(depth[near[0]] - step, depth[near[-1]] + step, _ACROSS + 1)
