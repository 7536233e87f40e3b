"""The stretch of a canal that stems of one length take on one axis: weights, zones and what does not depend on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sizing.canal import CorticalDefect
from sizing.fit.context import FitContext
from sizing.fit.view import AxisView
from sizing.fit.zones import ENTRY_MM, TIP_BAND_MM, zone_bounds_mm
from sizing.geometry import FloatArray

# The level at the cut may lie a rounding error, or on a tilted axis a little more, before the seat.
SEAT_SLACK_MM = 1.0


@dataclass(frozen=True)
class Span:
    """Stems of one length on one view, m levels.

    Attributes
    ----------
    weights_mm : (m,) array
        Length of stem that each level stands for.
    along : (m,) bool array
        Levels between seat and tip.
    near_tip, near_collar : (m,) bool arrays
        Levels within 20 mm of the tip (to both sides) and of the collar.
    beside_defects : (m,) bool array
        Levels between seat and tip at which the cortex has a hole.
    zone_weights_mm : (5, m) array
        The same as ``weights_mm`` for each zone.
    zone_walls : (5, m) bool array
        Levels whose wall counts for each zone; the tip's reach 20 mm beyond it.
    native : dict
        The fit's fields about the wall before reaming.
    """

    view: AxisView
    length_mm: float
    weights_mm: FloatArray
    along: NDArray[np.bool_]
    near_tip: NDArray[np.bool_]
    near_collar: NDArray[np.bool_]
    beside_defects: NDArray[np.bool_]
    zones: tuple[tuple[str, float, float], ...]
    zone_weights_mm: FloatArray
    zone_walls: NDArray[np.bool_]
    cortex_mm2: FloatArray
    native: dict[str, Any]


def span_of(context: FitContext, view: AxisView, length_mm: float) -> Span:
    """Prepare what all stems of one length on a view share."""
    t = view.travel_mm
    along = (t > -SEAT_SLACK_MM) & (t <= length_mm)
    zones = zone_bounds_mm(length_mm)
    reach = [(low, high + TIP_BAND_MM if name == "tip" else high) for name, low, high in zones]
    return Span(
        view=view,
        length_mm=length_mm,
        weights_mm=view.weights_mm(0.0, length_mm),
        along=along,
        near_tip=np.abs(t - length_mm) <= TIP_BAND_MM,
        near_collar=along & (t <= TIP_BAND_MM),
        beside_defects=along & _beside(context.canal.defects, view.depth_mm),
        zones=zones,
        zone_weights_mm=np.stack([view.weights_mm(low, high) for _, low, high in zones]),
        zone_walls=np.stack([(t >= low - 1e-9) & (t <= high + 1e-9) for low, high in reach]),
        cortex_mm2=view.bone_mm2 - view.canal_mm2,
        native=_native(context, view, along, length_mm),
    )


def _beside(defects: Sequence[CorticalDefect], depth_mm: FloatArray) -> NDArray[np.bool_]:
    hit = [(depth_mm >= d.from_depth_mm) & (depth_mm <= d.to_depth_mm) for d in defects]
    return np.any(hit, axis=0) if hit else np.zeros(len(depth_mm), bool)


def _native(context: FitContext, view: AxisView, along: NDArray[np.bool_], length_mm: float) -> dict[str, Any]:
    """The wall before reaming: least, where, and how much of it is not known.

    A canal may begin above the cut, where the scan tells nothing of the bone below: that stretch is not known either.
    What lies beyond the last level is another matter (``protrusion_mm``).
    """
    rays = np.isfinite(view.endosteal_rho_mm) & np.isfinite(view.periosteal_rho_mm)
    native = np.where(rays & np.isfinite(view.native_wall_mm), view.native_wall_mm, np.inf)
    by_level = np.where(along, native.min(axis=1), np.inf)
    return {
        **least_place(context, view, "native_wall_min", by_level, native),
        "unmeasured_share": _unmeasured(view, rays, along, length_mm),
        "entry_unmeasured_share": _unmeasured(view, rays, along & (view.travel_mm <= ENTRY_MM), ENTRY_MM),
    }


def _unmeasured(view: AxisView, rays: NDArray[np.bool_], levels: NDArray[np.bool_], length_mm: float) -> float:
    """Share of the wall over the first ``length_mm`` that is not known, given which rays and levels count."""
    blind = min(view.blind_mm() / length_mm, 1.0)
    return blind + (1.0 - blind) * (1.0 - float(rays[levels].mean())) if levels.any() else 1.0


def least_place(
    context: FitContext, view: AxisView, name: str, by_level: FloatArray, by_ray: FloatArray
) -> dict[str, Any]:
    """Return the least value, the depth of its level and the direction of that level's least ray.

    Parameters
    ----------
    context : FitContext
        Names the direction.
    view : AxisView
        Gives the depth.
    name : str
        Prefix of the keys, such as ``wall_min``.
    by_level, by_ray : (m,), (m, n) arrays
        Infinite (by ray also NaN) where nothing is measured.
    """
    level = int(np.argmin(by_level))
    if not np.isfinite(by_level[level]):
        return {f"{name}_mm": np.nan, f"{name}_depth_mm": np.nan, f"{name}_direction": "", f"{name}_theta_rad": np.nan}
    theta = float(context.canal.theta_rad[int(np.nanargmin(by_ray[level]))])
    return {
        f"{name}_mm": float(by_level[level]),
        f"{name}_depth_mm": float(view.depth_mm[level]),
        f"{name}_direction": context.direction(level, theta),
        f"{name}_theta_rad": theta,
    }
