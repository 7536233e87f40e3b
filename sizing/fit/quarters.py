"""The zones of a round stem by quarter of the circumference: anterior, posterior, medial, lateral.

Summed ray by ray about the stem's axis; the zones' own numbers, which are exact between the rays, are
met to about a ray's width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sizing.fit.context import FitContext
from sizing.fit.model import Fit, ZoneFit
from sizing.fit.span import Span, span_of
from sizing.fit.view import AxisView, view_along
from sizing.fit.zones import TIP_BAND_MM
from sizing.geometry import FloatArray
from sizing.implants.model import Fixation

QUARTERS = "APML"


def quarters_of(context: FitContext, fit: Fit) -> tuple[ZoneFit, ...]:
    """Return each zone's four quarters, named by the zone and A, P, M or L.

    Empty for a stem with sections of its own, and where the side of the body is not known.
    """
    if fit.implant.shape is not None or context.canal.side is None:
        return ()
    length = fit.implant.length_mm
    view = view_along(context.canal, fit.placement.axis, context.contours, length + TIP_BAND_MM + 2.0)
    span = span_of(context, view, length)
    rays = _Rays.of(context, fit, view)
    quarter = _quarter(context, view)
    return tuple(
        _zone_quarter(span, rays, z, name, quarter == q)
        for z in range(len(span.zones))
        for q, name in enumerate(QUARTERS)
    )


class _Rays:
    """What one stem does on every ray (m, n): distances from its axis in mm, and the angle a ray stands for."""

    def __init__(
        self, stem: FloatArray, canal: FloatArray, hole: FloatArray, wall: FloatArray, turn: FloatArray, slack_mm: float
    ) -> None:
        self.stem, self.canal, self.hole, self.wall, self.turn = stem, canal, hole, wall, turn
        self.touches = hole <= stem + slack_mm

    @classmethod
    def of(cls, context: FitContext, fit: Fit, view: AxisView) -> _Rays:
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
        return cls(stem, canal, hole, wall, turn, context.settings.contact_tolerance_mm)


def _zone_quarter(span: Span, rays: _Rays, zone: int, quarter: str, member: NDArray[np.bool_]) -> ZoneFit:
    name, low, high = span.zones[zone]
    known = member & np.isfinite(rays.stem) & np.isfinite(rays.canal) & np.isfinite(rays.turn)
    weight = np.where(known, np.nan_to_num(rays.turn) * span.zone_weights_mm[zone][:, None], 0.0)
    stem, hole, canal = (np.nan_to_num(a) for a in (rays.stem, rays.hole, rays.canal))
    overlap = np.where(rays.touches, stem - hole, 0.0)
    pressed = weight * (overlap > 0)
    wall = np.where(member & span.zone_walls[zone][:, None] & np.isfinite(rays.wall), rays.wall, np.inf).min()
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


def _quarter(context: FitContext, view: AxisView) -> NDArray[np.int64]:
    """Number (m, n) of the quarter in which a contour point lies as seen from the axis, in the order of QUARTERS."""
    assert context.canal.side is not None  # asked for by quarters_of
    medial = np.array([-context.canal.side.lateral_x, 0.0, 0.0])
    anterior = np.array([0.0, -1.0, 0.0])
    ways = np.stack([anterior, -anterior, medial, -medial]) @ view.frame_lps[1:].T  # across the axis: (4, 2)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    return np.argmax(np.nan_to_num(view.endosteal_xy_mm) @ ways.T, axis=-1)
