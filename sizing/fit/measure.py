"""From levels to the numbers of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sizing.canal.model import Canal
from sizing.fit.context import FitContext
from sizing.fit.integrals import integral, least, mean, ratio
from sizing.fit.levels import StemLevels, stem_levels
from sizing.fit.model import Fit, Placement, Score
from sizing.fit.rules import judge
from sizing.fit.score import score_fit
from sizing.fit.seat import collar_seat
from sizing.fit.shaped import shaped_levels
from sizing.fit.tooling import Tooling
from sizing.fit.view import AxisView, view_along
from sizing.fit.zones import TIP_BAND_MM, measure_zones
from sizing.geometry import FloatArray
from sizing.implants.model import Fixation, ImplantTemplate
from sizing.reaming.model import ToolAxis

# A level with less of its circumference in contact does not stop a stem from tilting.
_TOGGLE_CONTACT = 0.1


def measure_fits(
    context: FitContext, axis: ToolAxis, implants: Sequence[ImplantTemplate], tools: Sequence[Tooling]
) -> list[Fit]:
    """Measure implants that are placed on one axis, their collars on its entry.

    Parameters
    ----------
    context : FitContext
        Canal, tray and thresholds.
    axis : ToolAxis
        From the collar's seat into the bone.
    implants : sequence of ImplantTemplate
        Any sizes; a bowed implant needs an axis of its own bow.
    tools : sequence of Tooling
        What prepares each.

    Returns
    -------
    list of Fit
        In the order of the implants, judged and scored; ``reamed`` is left open.
    """
    longest = max(i.length_mm for i in implants)
    view = view_along(context.canal, axis, context.contours, longest + TIP_BAND_MM + 2.0)
    depth = np.array([i.length_mm for i in implants]) + context.settings.ream_past_tip_mm
    tolerance = context.settings.contact_tolerance_mm
    levels = stem_levels(view, implants, tools, depth, tolerance)
    fits = []
    for i, (implant, used) in enumerate(zip(implants, tools, strict=True)):
        if implant.shape is None:
            fits.append(_one_fit(context, view, levels, i, implant, used))
        else:
            own = shaped_levels(context.canal, view, implant, used, float(depth[i]), tolerance)
            fits.append(_one_fit(context, view, own, 0, implant, used))
    return fits


def _one_fit(
    context: FitContext, view: AxisView, levels: StemLevels, row: int, implant: ImplantTemplate, tools: Tooling
) -> Fit:
    canal, length = context.canal, implant.length_mm
    weights = view.weights_mm(0.0, length)
    contact, wall = levels.contact[row], levels.wall_mm[row]
    flank = weights * np.nan_to_num(implant.radius_at(view.travel_mm))
    touching = np.flatnonzero((contact >= _TOGGLE_CONTACT) & (weights > 0))
    span = view.travel_mm[touching[[-1, 0]]] if len(touching) else (0.0, 0.0)
    tip_depth = view.depth_at(length)
    fields: dict[str, Any] = {
        "implant": implant,
        "placement": Placement(implant_to_lps(view), view.axis),
        "reaming_plan": tools.plan(view.axis, length + context.settings.ream_past_tip_mm),
        "zones": measure_zones(view, levels, row, implant),
        "contact_share": mean(contact, flank),
        "contact_length_mm": integral(contact, weights),
        "toggle_length_mm": float(span[0] - span[1]),
        "fill_by_level": _padded(levels.fill[row], weights, canal),
        "contact_by_level": _padded(contact, weights, canal),
        "wall_by_level_mm": _padded(np.where(np.isfinite(wall), wall, np.nan), weights, canal),
        "canal_fill_volume": ratio(levels.stem_mm2[row], view.canal_mm2, weights),
        "gap_mm3": integral(levels.gap_mm2[row], weights),
        "graft_mm3": integral(levels.removed_mm2[row], weights),
        "diametral_interference_mm": implant.diameter_mm - tools.bore_diameter_mm,
        "removed_share": ratio(levels.removed_mm2[row], _cortex_mm2(view), weights),
        "tip_depth_mm": tip_depth,
        "tip_to_isthmus_mm": tip_depth - context.isthmus_depth_mm,
        "protrusion_mm": max(0.0, length - view.reach_mm()) if _ends_in_view(view, canal) else 0.0,
        "far_end_margin_mm": float(canal.axis.depth_mm[-1]) - tip_depth,
        **_walls(context, view, levels, row, implant),
        **collar_seat(view, canal, implant, tools.bore_diameter_mm),
        **_threads(view, levels, row, implant, weights),
    }
    bare = Fit(**fields, score=Score(np.nan, ()))
    return judge(context, tools, score_fit(context, bare))


def implant_to_lps(view: AxisView) -> FloatArray:
    """Return (4, 4): z along the axis, x towards the centre of the bow, or anterior for a straight stem."""
    matrix = np.eye(4)
    matrix[:3, :3] = view.frame_lps[[1, 2, 0]].T
    matrix[:3, 3] = view.axis.entry_lps
    return matrix


def _walls(
    context: FitContext, view: AxisView, levels: StemLevels, row: int, implant: ImplantTemplate
) -> dict[str, Any]:
    """Least walls: left, left where something cut, and native; each with its place, NaN where none is measured."""
    length, t = implant.length_mm, view.travel_mm
    along = (t > -1.0) & (t <= length)
    wall, cut = levels.wall_mm[row], levels.wall_cut_mm[row]
    rays = np.isfinite(view.endosteal_rho_mm) & np.isfinite(view.periosteal_rho_mm)
    native = np.where(rays, view.native_wall_mm, np.nan)
    native_levels = np.min(np.where(np.isfinite(native), native, np.inf), axis=1)
    least_ray = np.where((cut <= wall)[:, None], view.periosteal_rho_mm, native)
    return {
        **_place(context, view, "wall_min", np.where(along, wall, np.inf), least_ray),
        **_place(context, view, "reamed_wall_min", np.where(along, cut, np.inf), view.periosteal_rho_mm),
        **_place(context, view, "native_wall_min", np.where(along, native_levels, np.inf), native),
        "wall_min_tip_mm": least(wall, np.abs(t - length) <= TIP_BAND_MM),
        "wall_min_collar_mm": least(wall, along & (t <= TIP_BAND_MM)),
        "unmeasured_share": 1.0 - float(rays[along].mean()) if along.any() else 1.0,
    }


def _place(context: FitContext, view: AxisView, name: str, by_level: FloatArray, by_ray: FloatArray) -> dict[str, Any]:
    """Return the least finite value, the depth of its level and the direction of the level's least ray."""
    level = int(np.argmin(by_level))
    found: dict[str, Any] = {f"{name}_mm": np.nan, f"{name}_depth_mm": np.nan, f"{name}_direction": ""}
    theta = np.nan
    if np.isfinite(by_level[level]):
        theta = float(context.canal.theta_rad[int(np.nanargmin(by_ray[level]))])
        found = {
            f"{name}_mm": float(by_level[level]),
            f"{name}_depth_mm": float(view.depth_mm[level]),
            f"{name}_direction": context.direction(level, theta),
        }
    return found | {"wall_min_theta_rad": theta} if name == "wall_min" else found


def _threads(view: AxisView, levels: StemLevels, row: int, implant: ImplantTemplate, weights: FloatArray) -> dict:
    if implant.fixation is not Fixation.THREADED:
        return {"bite_depth_mm": np.nan, "wall_outside_crest_mm": np.nan}
    return {
        "bite_depth_mm": mean(levels.overlap_mm[row], weights * np.nan_to_num(levels.overlap_rad[row])),
        "wall_outside_crest_mm": least(levels.wall_cut_mm[row], weights > 0),
    }


def _cortex_mm2(view: AxisView) -> FloatArray:
    return view.periosteal_edges[..., 2].sum(axis=1) - view.canal_mm2


def _ends_in_view(view: AxisView, canal: Canal) -> bool:
    return len(view.travel_mm) == len(canal.axis)


def _padded(values: FloatArray, weights: FloatArray, canal: Canal) -> FloatArray:
    """Return values for every level of the canal; NaN beyond the stem."""
    full = np.full(len(canal.axis), np.nan)
    full[: len(values)] = np.where(weights > 0, values, np.nan)
    return full
