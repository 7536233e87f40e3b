"""Ream a canal: every pass cut on paper, exactly, in sections perpendicular to the canal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.canal.model import Canal
from sizing.errors import ReamingError
from sizing.geometry import FloatArray
from sizing.reaming.clearance import contact_begins_mm
from sizing.reaming.cut import (
    ALL,
    BONE,
    CANAL,
    MARROW,
    Cut,
    cut_sections,
    hole_edges,
    kernel_for,
    least_walls,
)
from sizing.reaming.depth_rule import depth_rule
from sizing.reaming.model import PassResult, ReamedCanal, ReamerPass, ReamingPlan, ToolKind
from sizing.reaming.pierce import pierce
from sizing.reaming.remarks import remarks
from sizing.reaming.sections import SectionStack, sections_at
from sizing.reaming.stencils import stencils
from sizing.reaming.tools import tip_length_mm

# A tool's edge this close to the endosteum is rounding, not contact.
_TOUCH_MM = 1e-9
_WHOLE = 1.0 - 1e-9


@dataclass(frozen=True)
class _Levels:
    """What the kernels say at the canal's own levels."""

    sections: SectionStack
    cut: Cut
    hole: FloatArray  # (p, m, n) outer edge of the hole along the rays, after every pass
    tool: FloatArray  # (p, m, n) of every tool alone
    wall: FloatArray  # (p + 1, m) least wall before and after every pass
    wall_theta: FloatArray


def ream(canal: Canal, plan: ReamingPlan) -> ReamedCanal:
    """Make the passes of a plan in their order.

    The hole after a pass is the union of all tools up to it; a pass took what the union gained. The sum of
    the passes is therefore the whole exactly, and a pass inside the hole takes nothing.

    Parameters
    ----------
    canal : Canal
        As measured, before any tool. Bone distal of ``canal.resection`` is cut away and counts in nothing.
    plan : ReamingPlan
        Passes in the order in which they are made.

    Returns
    -------
    ReamedCanal
        Volumes are of the measured part, whose share each pass states; values of a level that is not
        wholly measured are NaN; findings say so in words.

    Raises
    ------
    ReamingError
        CF-R008 when an axis crosses the canal, CF-R010 when the plan is empty, CF-R011 when no tool reaches the
        measured canal, CF-R012 when an axis lies outside the bone.
    """
    if not plan.passes:
        raise ReamingError("CF-R010", "a reaming plan needs at least one pass")
    at = _look_at_levels(canal, plan)
    _check_inside(plan, at)
    volumes, flanks = _integrate(canal, plan, at)
    results = tuple(_pass_result(canal, plan, i, at, volumes, flanks) for i in range(len(plan.passes)))
    touching = [r for r in results if r.first_contact_depth_mm is not None]
    first = min(touching, key=lambda r: r.reamer_pass.reamer.diameter_mm, default=None)
    inner = canal.endosteal_radius_mm
    return ReamedCanal(
        canal,
        plan,
        results,
        np.where(np.isfinite(inner), np.fmax(inner, at.hole[-1]), np.nan),
        first.reamer_pass.reamer.diameter_mm if first else None,
        first.first_contact_depth_mm if first else None,
        remarks(canal, plan, results),
        contact_begins_mm(canal, plan.passes[-1]),
    )


def _look_at_levels(canal: Canal, plan: ReamingPlan) -> _Levels:
    sections = sections_at(canal, canal.axis.depth_mm)
    kernel = kernel_for(sections, plan)
    hole, tool = hole_edges(kernel)
    if not np.any(tool > 0.0):
        raise ReamingError(
            "CF-R011",
            "no tool of the plan reaches the measured canal",
            advice="Check the axis: its entry must lie on the cut end and point into the bone",
        )
    lean = np.zeros_like(canal.periosteal_radius_mm)
    if len(canal.axis) > 1:
        depth = canal.axis.depth_mm
        lean = stencils(depth, depth).slope(canal.periosteal_radius_mm)
    wall, theta = least_walls(kernel, lean)
    return _Levels(sections, cut_sections(kernel, sections), hole, tool, wall, theta)


def _integrate(canal: Canal, plan: ReamingPlan, at: _Levels) -> tuple[FloatArray, FloatArray]:
    """Cumulative volumes (p, 4) in mm³ and engaged flanks (p,) in mm²."""
    rule = depth_rule(canal, plan, at.sections, at.hole[-1] > at.sections.endosteal_mm)
    volumes = np.einsum("k,kpa->pa", rule.level_weights, at.cut.per_depth_mm2)
    flanks = rule.level_weights @ at.cut.flank_mm
    if len(rule.depth_mm):
        sections = sections_at(canal, rule.depth_mm)
        between = cut_sections(kernel_for(sections, plan), sections)
        volumes = volumes + np.einsum("k,kpa->pa", rule.weights, between.per_depth_mm2)
        flanks = flanks + rule.weights @ between.flank_mm
    return volumes, flanks


def _check_inside(plan: ReamingPlan, at: _Levels) -> None:
    """Refuse an axis that starts outside the bone; one that leaves it deeper down is a breach, and said so."""
    for made in {id(p.axis): p for p in plan.passes}.values():
        travel = pierce(made.axis, at.sections)
        offset = made.axis.point_at(travel) - at.sections.points_lps
        within = (travel >= -_TOUCH_MM) & (travel <= made.depth_mm) | (len(travel) == 1)
        away = np.linalg.norm(offset, axis=1)
        outside = away > np.nanmax(at.sections.periosteal_mm, axis=1, initial=0.0)
        if np.any(within) and bool(outside[within][0]):
            level = int(np.flatnonzero(within)[0])
            raise ReamingError(
                "CF-R012",
                "the tool axis lies outside the bone",
                where=f"depth {at.sections.depth_mm[level]:g} mm",
                measured=f"{away[level]:.1f} mm from the canal's axis",
                expected=f"inside the outer surface, {np.nanmax(at.sections.periosteal_mm[level]):.1f} mm",
            )


def _pass_result(
    canal: Canal, plan: ReamingPlan, i: int, at: _Levels, volumes: FloatArray, flanks: FloatArray
) -> PassResult:
    made = plan.passes[i]
    whole = at.cut.covered >= _WHOLE
    inner, outer = canal.endosteal_radius_mm, canal.periosteal_radius_mm
    before = at.hole[i - 1] if i else np.zeros_like(at.hole[0])
    grown = (at.hole[i] > before) & canal.measured
    contact = grown & (at.tool[i] > inner + _TOUCH_MM)
    hole = np.where(np.isfinite(inner), np.fmax(inner, at.hole[i]), np.nan)
    touched = np.flatnonzero(contact.any(axis=1))
    reached = np.any(at.tool[i] > 0.0, axis=1) & ~_faced(plan, i, at)
    least = np.where(reached, at.wall[i + 1], np.nan)
    where = int(np.nanargmin(least)) if np.isfinite(least).any() else None
    gain = volumes[i] - (volumes[i - 1] if i else 0.0)
    gain_mm2 = at.cut.area_mm2[:, i] - (at.cut.area_mm2[:, i - 1] if i else 0.0)
    per_level = np.where(whole[:, None], gain_mm2, np.nan)
    return PassResult(
        reamer_pass=made,
        removed_cortical_mm3=float(gain[BONE] - gain[CANAL]),
        removed_cancellous_mm3=float(gain[CANAL] - gain[MARROW]),
        removed_medullary_mm3=float(gain[MARROW]),
        removed_outside_mm3=float(gain[ALL] - gain[BONE]),
        removed_cortical_mm2=per_level[:, BONE] - per_level[:, CANAL],
        contact_share=np.where(whole, at.cut.contact_rad[:, i] / (2.0 * np.pi), np.nan),
        contact=contact,
        wall_left_mm=outer - hole,
        wall_min_mm=float(least[where]) if where is not None else np.nan,
        wall_min_depth_mm=float(at.sections.depth_mm[where]) if where is not None else np.nan,
        wall_min_theta_rad=float(at.wall_theta[i + 1, where]) if where is not None else np.nan,
        first_contact_depth_mm=float(at.sections.depth_mm[touched[0]]) if len(touched) else None,
        engaged_cortical_mm2=float(flanks[i]),
        breach=bool(np.any((at.hole[i] > outer) & grown & reached[:, None])),
        removed_cancellous_mm2=per_level[:, CANAL] - per_level[:, MARROW],
        removed_medullary_mm2=per_level[:, MARROW],
        removed_outside_mm2=per_level[:, ALL] - per_level[:, BONE],
        wall_min_by_level_mm=least,
        measured_share=at.cut.covered,
        flank_mm2=_flank(made, at.sections),
    )


def _faced(plan: ReamingPlan, i: int, at: _Levels) -> NDArray[np.bool_]:
    """Levels (m,) that a facing tool has planed away up to this pass: no bone, no wall."""
    gone = np.zeros(len(at.sections.depth_mm), bool)
    for j, made in enumerate(plan.passes[: i + 1]):
        if made.reamer.kind is ToolKind.FACING:
            gone |= np.any(at.tool[j] > 0.0, axis=1)
    return gone


def _flank(made: ReamerPass, sections: SectionStack) -> float:
    """Area of the tool's barrel between the first level (or its entry) and its tip (or the last level), mm²."""
    travel = pierce(made.axis, sections)
    first = max(float(travel[0]), 0.0)
    last = min(float(travel[-1]), made.depth_mm - tip_length_mm(made.reamer))
    return float(np.pi * made.reamer.diameter_mm * max(last - first, 0.0))
