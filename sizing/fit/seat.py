"""How the collar seats on the cut end, once it is faced square to the axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sizing.canal.model import Canal
from sizing.fit.tooling import Tooling
from sizing.fit.view import AxisView
from sizing.implants.model import ImplantTemplate

# The edge of the cut face is told where this share of it is measured.
_LEAST_SEEN = 0.75
# A level further from the cut than this does not show what the cut face looks like.
_REACH_MM = 2.0


def seat_of(view: AxisView, canal: Canal) -> dict[str, float]:
    """Return how the axis meets the cut: its angle, the bone that facing takes, its distance from the edge."""
    assert canal.resection is not None  # set by Canal at birth
    cosine = min(1.0, abs(float(view.axis.direction_lps @ canal.resection.normal_lps)))
    angle = float(np.arccos(cosine))
    level = _seat_level(view)
    widest = 0.0 if level is None else float(np.nanmax(view.periosteal_rho_mm[level], initial=0.0))
    return {
        "seat_angle_deg": float(np.degrees(angle)),
        "facing_loss_mm": widest * float(np.tan(angle)) if widest > 0 else float("nan"),
        "entry_inside_mm": _entry_inside_mm(view),
    }


def _entry_inside_mm(view: AxisView) -> float:
    """Distance of the axis from the periosteum at the cut, negative outside it; NaN where that cannot be told."""
    level = _seat_level(view)
    if level is None or np.isfinite(view.periosteal_edges[level, :, 3]).mean() < _LEAST_SEEN:
        return float("nan")
    edges = view.periosteal_edges[level]
    nearest = float(np.sqrt(np.nanmin(edges[:, 0])))
    # Seen from inside, the contour goes once round the axis; seen from outside, not at all.
    return nearest if abs(np.nansum(edges[:, 3])) > np.pi else -nearest


def seat_share(view: AxisView, implants: Sequence[ImplantTemplate], tools: Sequence[Tooling]) -> list[float]:
    """Return for each implant the share of the collar's ring beyond the stem that rests on cortex.

    NaN without a collar, or where the canal at the cut is not measured all round.
    """
    level = _seat_level(view)
    stem = np.array([i.profile_mm[0, 1] for i in implants])
    collar = np.array([(i.collar_diameter_mm or np.nan) / 2 for i in implants])
    hole = np.maximum(stem, [t.bore_diameter_mm / 2 for t in tools])
    ring = np.pi * (collar**2 - stem**2)
    if level is None or not np.isfinite(view.canal_mm2[level]):
        return [float("nan")] * len(implants)
    radii = np.full((2 * len(implants), len(view.travel_mm)), np.nan)
    radii[:, level] = np.concatenate([collar, hole])
    bone = (view.discs(radii, "periosteal")[0] - view.discs(radii)[0])[:, level]
    share = np.divide(bone[: len(stem)] - bone[len(stem) :], ring, out=np.full(len(stem), np.nan), where=ring > 0)
    return [float(s) for s in share]


def _seat_level(view: AxisView) -> int | None:
    """Return the level at the cut; None where the canal begins above it."""
    level = int(np.argmin(np.abs(view.travel_mm)))
    return level if abs(view.travel_mm[level]) <= _REACH_MM else None
