"""Ream a canal: every pass cut on paper, exactly, in sections perpendicular to the canal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.canal.model import Canal
from sizing.errors import ReamingError
from sizing.geometry import FloatArray
from sizing.reaming.clearance import contact_begins_mm
from sizing.reaming.cut import ALL, BONE, CANAL, MARROW, Cut, cut_sections, kernel_for
from sizing.reaming.depth_rule import depth_rule
from sizing.reaming.model import PassResult, ReamedCanal, ReamerPass, ReamingPlan
from sizing.reaming.pierce import pierce
from sizing.reaming.reach import Reach, reach_at, reach_at_ends
from sizing.reaming.remarks import remarks
from sizing.reaming.sections import SectionStack, sections_at
from sizing.reaming.tools import tip_length_mm

# A tool's edge this close to the endosteum is rounding, not contact.
_TOUCH_MM = 1e-9
_WHOLE = 1.0 - 1e-9


@dataclass(frozen=True)
class _Looked:
    """What the kernels say at the canal's own levels, and where tools end between them."""

    levels: Reach
    ends: Reach
    cut: Cut


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
    at = _look(canal, plan)
    return _reamed(canal, plan, at, *_integrate(canal, plan, at))


def hole_of(canal: Canal, plan: ReamingPlan) -> ReamedCanal:
    """Make the passes of a plan, without what they took: the hole and its walls, for pictures that follow a hand.

    The same as ``ream`` in everything but the volumes and the engaged flank, which are NaN: not measured. Takes
    about a third of the time.
    """
    at = _look(canal, plan)
    passes = len(plan.passes)
    return _reamed(canal, plan, at, np.full((passes, 4), np.nan), np.full(passes, np.nan))


def _reamed(canal: Canal, plan: ReamingPlan, at: _Looked, volumes: FloatArray, flanks: FloatArray) -> ReamedCanal:
    results = tuple(_pass_result(canal, plan, i, at, volumes, flanks) for i in range(len(plan.passes)))
    touching = [r for r in results if r.first_contact_depth_mm is not None]
    first = min(touching, key=lambda r: r.reamer_pass.reamer.diameter_mm, default=None)
    inner = canal.endosteal_radius_mm
    return ReamedCanal(
        canal,
        plan,
        results,
        np.where(np.isfinite(inner), np.fmax(inner, at.levels.hole_mm[-1]), np.nan),
        first.reamer_pass.reamer.diameter_mm if first else None,
        first.first_contact_depth_mm if first else None,
        remarks(canal, plan, results),
        contact_begins_mm(canal, plan.passes[-1]),
    )


def _look(canal: Canal, plan: ReamingPlan) -> _Looked:
    if not plan.passes:
        raise ReamingError("CF-R010", "a reaming plan needs at least one pass")
    at = reach_at(canal, plan, canal.axis.depth_mm)
    if not np.any(at.touched):
        raise ReamingError(
            "CF-R011",
            "no tool of the plan reaches the measured canal",
            advice="Check the axis: its entry must lie on the cut end and point into the bone",
        )
    _check_inside(plan, at.sections)
    return _Looked(at, reach_at_ends(canal, plan, at.sections), cut_sections(at.kernel, at.sections))


def _integrate(canal: Canal, plan: ReamingPlan, at: _Looked) -> tuple[FloatArray, FloatArray]:
    """Cumulative volumes (p, 4) in mm³ and engaged flanks (p,) in mm²."""
    levels = at.levels.sections
    rule = depth_rule(canal, plan, levels, at.levels.hole_mm[-1] > levels.endosteal_mm)
    volumes = np.einsum("k,kpa->pa", rule.level_weights, at.cut.per_depth_mm2)
    flanks = rule.level_weights @ at.cut.flank_mm
    if len(rule.depth_mm):
        sections = sections_at(canal, rule.depth_mm)
        between = cut_sections(kernel_for(sections, plan), sections)
        volumes = volumes + np.einsum("k,kpa->pa", rule.weights, between.per_depth_mm2)
        flanks = flanks + rule.weights @ between.flank_mm
    return volumes, flanks


def _check_inside(plan: ReamingPlan, sections: SectionStack) -> None:
    """Refuse an axis that starts outside the bone; one that leaves it deeper down is a breach, and said so."""
    for made in {id(p.axis): p for p in plan.passes}.values():
        travel = pierce(made.axis, sections)
        offset = made.axis.point_at(travel) - sections.points_lps
        within = (travel >= -_TOUCH_MM) & (travel <= made.depth_mm) | (len(travel) == 1)
        within &= np.isfinite(sections.periosteal_mm).any(axis=1)  # a level without an outer surface cannot say
        away = np.linalg.norm(offset, axis=1)
        outside = away > np.nanmax(sections.periosteal_mm, axis=1, initial=0.0)
        if np.any(within) and bool(outside[within][0]):
            level = int(np.flatnonzero(within)[0])
            raise ReamingError(
                "CF-R012",
                "the tool axis lies outside the bone",
                where=f"depth {sections.depth_mm[level]:g} mm",
                measured=f"{away[level]:.1f} mm from the canal's axis",
                expected=f"inside the outer surface, {np.nanmax(sections.periosteal_mm[level]):.1f} mm",
            )


def _pass_result(
    canal: Canal, plan: ReamingPlan, i: int, at: _Looked, volumes: FloatArray, flanks: FloatArray
) -> PassResult:
    made = plan.passes[i]
    whole = at.cut.covered >= _WHOLE
    inner, outer = canal.endosteal_radius_mm, canal.periosteal_radius_mm
    hole_mm, tool_mm = at.levels.hole_mm, at.levels.tool_mm
    grown = (hole_mm[i] > (hole_mm[i - 1] if i else 0.0)) & canal.measured
    contact = grown & (tool_mm[i] > inner + _TOUCH_MM)
    hole = np.where(np.isfinite(inner), np.fmax(inner, hole_mm[i]), np.nan)
    touched = np.flatnonzero(contact.any(axis=1))
    by_level = at.levels.least_wall_mm(i)
    least, least_depth, least_theta = _least_wall(i, at)
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
        wall_min_mm=least,
        wall_min_depth_mm=least_depth,
        wall_min_theta_rad=least_theta,
        first_contact_depth_mm=float(canal.axis.depth_mm[touched[0]]) if len(touched) else None,
        engaged_cortical_mm2=float(flanks[i]),
        breach=bool(np.any((hole_mm[i] > outer) & grown & at.levels.reached[i][:, None])) or least == 0.0,
        removed_cancellous_mm2=per_level[:, CANAL] - per_level[:, MARROW],
        removed_medullary_mm2=per_level[:, MARROW],
        removed_outside_mm2=per_level[:, ALL] - per_level[:, BONE],
        wall_min_by_level_mm=by_level,
        measured_share=at.cut.covered,
        flank_mm2=_flank(made, at.levels.sections),
    )


def _least_wall(i: int, at: _Looked) -> tuple[float, float, float]:
    """Least wall after a pass, its depth and its angle; NaN where nothing is measured."""
    both = (at.levels, at.ends)
    least = np.concatenate([r.least_wall_mm(i) for r in both])
    if not np.isfinite(least).any():
        return (float("nan"),) * 3
    where = int(np.nanargmin(least))
    depth = np.concatenate([r.sections.depth_mm for r in both])
    theta = np.concatenate([r.wall_theta_rad[i + 1] for r in both])
    return float(least[where]), float(depth[where]), float(theta[where])


def _flank(made: ReamerPass, sections: SectionStack) -> float:
    """Area of the tool's barrel between the first level (or its entry) and its tip (or the last level), mm²."""
    travel = pierce(made.axis, sections)
    first = max(float(travel[0]), 0.0)
    last = min(float(travel[-1]), made.depth_mm - tip_length_mm(made.reamer))
    return float(np.pi * made.reamer.diameter_mm * max(last - first, 0.0))
