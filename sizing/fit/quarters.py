"""The zones of a stem by quarter of the circumference: anterior, posterior, medial, lateral.

Summed ray by ray about the stem's axis; the zones' own numbers, which are exact between the rays of a round stem, are
met to about a ray's width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.fit.context import FitContext
from sizing.fit.model import Fit, ZoneFit
from sizing.fit.shaped import seen_along, shaped_walls, stem_in_hole
from sizing.fit.span import Span, span_of
from sizing.fit.view import AxisView, view_along
from sizing.fit.zones import TIP_BAND_MM
from sizing.geometry import FloatArray
from sizing.implants.model import Fixation

QUARTERS = "APML"


def quarters_of(context: FitContext, fit: Fit) -> tuple[ZoneFit, ...]:
    """Return each zone's four quarters, named by the zone and A, P, M or L; empty where the side is not known."""
    if context.canal.side is None:
        return ()
    length = fit.implant.length_mm
    view = view_along(context.canal, fit.placement.axis, context.contours, length + TIP_BAND_MM + 2.0)
    span = span_of(context, view, length)
    rays = _round_rays(context, fit, view) if fit.implant.shape is None else _shaped_rays(context, fit, view)
    return tuple(
        _zone_quarter(span, rays, z, name, q) for z in range(len(span.zones)) for q, name in enumerate(QUARTERS)
    )


@dataclass(frozen=True)
class _Rays:
    """What one stem does on every ray (m, n).

    Attributes
    ----------
    stem, canal, hole : distances from its axis, mm
    touches : the stem lies on bone
    turn : the angle that a ray stands for; NaN where it is not measured
    quarter : the ray's quarter, in the order of QUARTERS
    walls : walls left in mm, by ray, each with the quarters of its rays; NaN or inf = no wall there
    """

    stem: FloatArray
    canal: FloatArray
    hole: FloatArray
    touches: NDArray[np.bool_]
    turn: FloatArray
    quarter: NDArray[np.int64]
    walls: tuple[tuple[FloatArray, NDArray[np.int64]], ...]


def _round_rays(context: FitContext, fit: Fit, view: AxisView) -> _Rays:
    """A round stem on the canal's own rays."""
    travel, canal = view.travel_mm, view.endosteal_rho_mm
    stem = fit.implant.radius_at(np.maximum(travel, 0.0))[:, None] + 0.0 * canal
    last = fit.reaming_plan.passes[-1]
    threaded = fit.implant.fixation is Fixation.THREADED
    tools = [p.reamer.diameter_mm / 2 for p in fit.reaming_plan.passes]
    bore = tools[-2] if threaded and len(tools) > 1 else tools[-1]
    hole = np.where((travel <= last.depth_mm)[:, None], np.maximum(canal, bore), canal)
    cut = np.fmax(hole, np.where(stem > canal, stem, np.nan)) if threaded else hole
    wall = np.where(cut > canal, view.periosteal_rho_mm - cut, view.native_wall_mm)
    turn = np.where(np.isfinite(canal), np.abs(view.endosteal_edges[..., 3]), np.nan)
    quarter = _quarter(context, view, view.endosteal_xy_mm)
    touches = hole <= stem + context.settings.contact_tolerance_mm
    return _Rays(stem, canal, hole, touches, turn, quarter, ((wall, quarter),))


def _shaped_rays(context: FitContext, fit: Fit, view: AxisView) -> _Rays:
    """A stem with sections of its own, at equal angles round its axis."""
    seen = seen_along(context.canal, view)
    depth = fit.implant.length_mm + context.settings.ream_past_tip_mm
    inside = stem_in_hole(seen, fit.implant, context.tray.tooling(fit.implant), depth)
    canal = inside.canal_mm
    turn = np.where(np.isfinite(canal), 2 * np.pi / canal.shape[1], np.nan)
    ways = np.stack([np.cos(seen.phi_rad), np.sin(seen.phi_rad)], axis=-1)
    quarter = np.broadcast_to(_quarter(context, view, ways), canal.shape)
    cut, native = shaped_walls(seen, view, inside.hole_mm)
    walls = ((cut, quarter), (native, _quarter(context, view, view.endosteal_xy_mm)))
    touches = inside.on_bone(context.settings.contact_tolerance_mm)
    return _Rays(inside.stem_mm, canal, inside.hole_mm, touches, turn, quarter, walls)


def _zone_quarter(span: Span, rays: _Rays, zone: int, quarter: str, number: int) -> ZoneFit:
    name, low, high = span.zones[zone]
    known = (rays.quarter == number) & np.isfinite(rays.stem) & np.isfinite(rays.canal) & np.isfinite(rays.turn)
    weight = np.where(known, np.nan_to_num(rays.turn) * span.zone_weights_mm[zone][:, None], 0.0)
    stem, hole, canal = (np.nan_to_num(a) for a in (rays.stem, rays.hole, rays.canal))
    overlap = np.maximum(stem - hole, 0.0)
    pressed = weight * (overlap > 0)
    levels = span.zone_walls[zone][:, None]
    wall = min(np.where((q == number) & levels & np.isfinite(w), w, np.inf).min() for w, q in rays.walls)
    return ZoneFit(
        f"{name} {quarter}",
        span.view.depth_at(low),
        span.view.depth_at(high),
        contact_share=_share(weight[rays.touches].sum(), weight.sum()),
        canal_fill=_share((weight * np.minimum(stem, canal) ** 2).sum(), (weight * canal**2).sum()),
        gap_mm3=float((weight * np.maximum(hole**2 - stem**2, 0.0)).sum() / 2) if weight.any() else float("nan"),
        diametral_interference_mm=2.0 * _share((pressed * overlap).sum(), pressed.sum()),
        wall_min_mm=float(wall) if np.isfinite(wall) else float("nan"),
    )


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def _quarter(context: FitContext, view: AxisView, xy: FloatArray) -> NDArray[np.int64]:
    """Number (...) of the quarter in which points (..., 2) across the axis lie, in the order of QUARTERS."""
    assert context.canal.side is not None  # asked for by quarters_of
    medial = np.array([-context.canal.side.lateral_x, 0.0, 0.0])
    anterior = np.array([0.0, -1.0, 0.0])
    ways = np.stack([anterior, -anterior, medial, -medial]) @ view.frame_lps[1:].T  # across the axis: (4, 2)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    return np.argmax(np.nan_to_num(xy) @ ways.T, axis=-1)
