"""From levels to the numbers of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sizing.canal import Canal, CorticalDefect
from sizing.fit.context import FitContext
from sizing.fit.integrals import integral, least, mean, mean_with, ratio
from sizing.fit.levels import StemLevels, stem_levels
from sizing.fit.model import Fit, Placement, Score, ZoneFit
from sizing.fit.remarks import remarks
from sizing.fit.rules import reasons_against
from sizing.fit.score import score_fit
from sizing.fit.seat import seat_of, seat_share
from sizing.fit.shaped import reason_it_jams, seen_along, shaped_levels, stem_in_hole
from sizing.fit.span import Span, least_place, span_of
from sizing.fit.tooling import Tooling
from sizing.fit.view import AxisView, view_along
from sizing.fit.zones import TIP_BAND_MM
from sizing.geometry import FloatArray
from sizing.implants.model import Fixation, ImplantTemplate, Preparation
from sizing.reaming.model import ReamingPlan, ToolAxis

# A level with less of its circumference in contact does not stop a stem from tilting.
_TOGGLE_CONTACT = 0.1


def measure_fits(context: FitContext, axis: ToolAxis, implants: Sequence[ImplantTemplate]) -> list[Fit]:
    """Measure implants that are placed on one axis, their collars on its entry.

    Parameters
    ----------
    context : FitContext
        Canal, tray and thresholds.
    axis : ToolAxis
        From the collar's seat into the bone.
    implants : sequence of ImplantTemplate
        Any sizes; a bowed implant needs an axis of its own bow.

    Returns
    -------
    list of Fit
        In the order of the implants, judged and scored; ``reamed`` is left open.
    """
    longest = max(i.length_mm for i in implants)
    view = view_along(context.canal, axis, context.contours, longest + TIP_BAND_MM + 2.0)
    spans = {length: span_of(context, view, length) for length in {i.length_mm for i in implants}}
    tools = [context.tray.tooling(i) for i in implants]
    fits: dict[int, Fit] = {}
    for length, span in spans.items():
        plain = [k for k, i in enumerate(implants) if i.length_mm == length and i.shape is None]
        if plain:
            group, used = [implants[k] for k in plain], [tools[k] for k in plain]
            levels = stem_levels(view, group, used, _depth(context, span), context.settings.contact_tolerance_mm)
            fits |= zip(plain, _fits(context, span, levels, group, used), strict=True)
    shaped = [k for k, implant in enumerate(implants) if implant.shape is not None]
    if shaped:
        seen = seen_along(context.canal, view)
        for k in shaped:
            implant = implants[k]
            span = spans[implant.length_mm]
            inside = stem_in_hole(seen, implant, tools[k], _depth(context, span))
            levels = shaped_levels(seen, view, inside, context.settings.contact_tolerance_mm)
            fit = _fits(context, span, levels, [implant], [tools[k]])[0]
            jams = reason_it_jams(seen, implant, tools[k], _depth(context, span), context.canal.side)
            if jams is not None:
                fit = replace(fit, rejected=(*fit.rejected, jams.words), shortfall=fit.shortfall + jams.shortfall)
            fits[k] = fit
    return [fits[k] for k in range(len(implants))]


def _depth(context: FitContext, span: Span) -> float:
    """Travel to which the tools of stems of this length go."""
    return span.length_mm + context.settings.ream_past_tip_mm


def _fits(
    context: FitContext, span: Span, levels: StemLevels, implants: Sequence[ImplantTemplate], tools: Sequence[Tooling]
) -> list[Fit]:
    """Measure stems of one length; the rows of ``levels`` are the implants."""
    numbers = _numbers(span, levels, implants)
    shared = _shared(context, span)
    seats = seat_share(span.view, implants, tools)
    zones = _zones(span, levels)
    fits = []
    for row, (implant, used) in enumerate(zip(implants, tools, strict=True)):
        fields: dict[str, Any] = {name: float(values[row]) for name, values in numbers.items()}
        bare = Fit(
            implant=implant,
            reaming_plan=_reaming_plan(context, span, used),
            zones=zones[row],
            diametral_interference_mm=_nominal_interference_mm(implant, used),
            seat_share=seats[row],
            score=Score(float("nan"), ()),
            **fields,
            **shared,
            **_places(context, span, levels, row),
            **_by_level(context.canal, span, levels, row),
        )
        reasons = reasons_against(context.settings, used, bare)
        fits.append(replace(
            bare,
            score=score_fit(context.settings, bare),
            rejected=tuple(r.words for r in reasons),
            shortfall=sum(r.shortfall for r in reasons),
            findings=remarks(context, bare),
        ))  # fmt: skip
    return fits


def _reaming_plan(context: FitContext, span: Span, tools: Tooling) -> ReamingPlan:
    """Return the passes, from the settings' number of tools below the first that can touch bone."""
    reached = span.view.endosteal_rho_mm[span.along]
    first_contact_mm = 2 * float(np.nanmin(reached)) if np.isfinite(reached).any() else 0.0
    used = tools.around(first_contact_mm, context.settings.tools_before_contact)
    return used.plan(span.view.axis, _depth(context, span))


def _numbers(span: Span, levels: StemLevels, implants: Sequence[ImplantTemplate]) -> dict[str, FloatArray]:
    """Return the numbers (q,) that are sums and means over levels."""
    w, view = span.weights_mm, span.view
    radius = np.stack([i.radius_at(view.travel_mm) for i in implants])
    threaded = np.array([i.fixation is Fixation.THREADED for i in implants])
    bite = mean_with(levels.overlap_mm, levels.overlap_rad, w)
    wall = levels.wall_mm
    return {
        "contact_share": mean_with(levels.contact, radius, w),
        "contact_length_mm": integral(levels.contact, w),
        "toggle_length_mm": _toggle_mm(span, levels.contact),
        "canal_fill_volume": ratio(levels.stem_mm2, view.canal_mm2, w),
        "gap_mm3": integral(levels.gap_mm2, w),
        "graft_mm3": integral(levels.removed_mm2, w),
        "removed_share": ratio(levels.removed_mm2, span.cortex_mm2, w),
        "wall_min_tip_mm": least(wall, span.near_tip),
        "wall_min_collar_mm": least(wall, span.near_collar),
        "wall_round_defects_mm": least(wall, span.beside_defects),
        "bite_depth_mm": np.where(threaded, bite, np.nan),
        "wall_outside_crest_mm": np.where(threaded, least(levels.wall_cut_mm, w > 0), np.nan),
    }


def _toggle_mm(span: Span, contact: FloatArray) -> FloatArray:
    """Distance (q,) from the most distal to the most proximal level with contact; 0 without any."""
    touching = (contact >= _TOGGLE_CONTACT) & (span.weights_mm > 0)
    t = np.broadcast_to(span.view.travel_mm, contact.shape)
    high = np.max(np.where(touching, t, -np.inf), axis=1)
    low = np.min(np.where(touching, t, np.inf), axis=1)
    return np.where(touching.any(axis=1), high - low, 0.0)


def _shared(context: FitContext, span: Span) -> dict[str, Any]:
    """Return the fields that all stems of one length on one axis have in common."""
    view, canal = span.view, context.canal
    tip_depth = view.depth_at(span.length_mm)
    sees_the_end = len(view.travel_mm) == len(canal.axis)
    native = {k: v for k, v in span.native.items() if not k.endswith("_theta_rad")}
    return {
        "placement": Placement(implant_to_lps(view), view.axis),
        "tip_depth_mm": tip_depth,
        "tip_to_isthmus_mm": tip_depth - context.isthmus_depth_mm,
        "tip_to_defect_mm": _to_nearest_defect(canal.defects, tip_depth),
        "protrusion_mm": max(0.0, span.length_mm - view.reach_mm()) if sees_the_end else 0.0,
        "far_end_margin_mm": float(canal.axis.depth_mm[-1]) - tip_depth,
        **native,
        **seat_of(view, canal),
    }


def _to_nearest_defect(defects: Sequence[CorticalDefect], depth_mm: float) -> float:
    away = [max(d.from_depth_mm - depth_mm, depth_mm - d.to_depth_mm, 0.0) for d in defects]
    return min(away, default=float("nan"))


def implant_to_lps(view: AxisView) -> FloatArray:
    """Return (4, 4): z along the axis, x towards the centre of the bow, or anterior for a straight stem."""
    matrix = np.eye(4)
    matrix[:3, :3] = view.frame_lps[[1, 2, 0]].T
    matrix[:3, 3] = view.axis.entry_lps
    return matrix


def _places(context: FitContext, span: Span, levels: StemLevels, row: int) -> dict[str, Any]:
    """Return the least walls left, over all and where something cut, each with its place."""
    view = span.view
    wall, cut = levels.wall_mm[row], levels.wall_cut_mm[row]
    level = int(np.argmin(np.where(span.along, wall, np.inf)))
    by_ray = view.periosteal_rho_mm if cut[level] <= wall[level] else view.native_wall_mm
    reamed = least_place(context, view, "reamed_wall_min", np.where(span.along, cut, np.inf), view.periosteal_rho_mm)
    reamed.pop("reamed_wall_min_theta_rad")
    return reamed | least_place(context, view, "wall_min", np.where(span.along, wall, np.inf), by_ray)


def _by_level(canal: Canal, span: Span, levels: StemLevels, row: int) -> dict[str, Any]:
    """Return values for every level of the canal; NaN beyond the stem."""
    used, m = span.weights_mm > 0, len(span.weights_mm)
    full = np.full((3, len(canal.axis)), np.nan)
    wall = levels.wall_mm[row]
    full[:, :m] = levels.fill[row], levels.contact[row], np.where(np.isfinite(wall), wall, np.nan)
    full[:, :m][:, ~used] = np.nan
    return {"fill_by_level": full[0], "contact_by_level": full[1], "wall_by_level_mm": full[2]}


def _zones(span: Span, levels: StemLevels) -> list[tuple[ZoneFit, ...]]:
    """Return the zones of each stem, the whole circumference."""
    w, view = span.zone_weights_mm, span.view
    columns = [
        mean(levels.contact, w),
        ratio(levels.stem_mm2, view.canal_mm2, w),
        integral(levels.gap_mm2, w),
        2 * mean_with(levels.overlap_mm, levels.overlap_rad, w),
        least(levels.wall_mm, span.zone_walls),
    ]
    depths = [(view.depth_at(low), view.depth_at(high)) for _, low, high in span.zones]
    names = [name for name, _, _ in span.zones]
    return [
        tuple(
            ZoneFit(name, *depth, *(float(column[row, z]) for column in columns))
            for z, (name, depth) in enumerate(zip(names, depths, strict=True))
        )
        for row in range(len(levels.contact))
    ]


def _nominal_interference_mm(implant: ImplantTemplate, used: Tooling) -> float:
    """Largest stem minus hole, nominal and diametral; behind a broach of the stem's own shape, what it leaves."""
    if implant.preparation is Preparation.BROACH:
        return 0.0 if implant.broach_gap_mm is None else -2.0 * float(implant.broach_gap_mm[:, 1].min())
    return implant.diameter_mm - used.bore_diameter_mm
