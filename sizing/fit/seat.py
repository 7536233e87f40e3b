"""How the collar seats on the cut end."""

from __future__ import annotations

import numpy as np

from sizing.canal.model import Canal
from sizing.fit.view import AxisView
from sizing.implants.model import ImplantTemplate


def collar_seat(view: AxisView, canal: Canal, implant: ImplantTemplate, bore_diameter_mm: float) -> dict[str, float]:
    """Measure the seat at the cut once the end is faced square to the axis.

    Returns
    -------
    dict
        ``seat_angle_deg``: axis against the normal of the cut. ``seat_share``: share of the ring
        between stem and collar edge that rests on cortex; NaN without a collar. ``facing_loss_mm``:
        bone that facing takes on the long side.
    """
    assert canal.resection is not None  # set by Canal at birth
    cosine = min(1.0, abs(float(view.axis.direction_lps @ canal.resection.normal_lps)))
    angle = float(np.arccos(cosine))
    level = int(np.argmin(np.abs(view.travel_mm)))
    widest = float(np.nanmax(view.periosteal_rho_mm[level], initial=0.0))
    return {
        "seat_angle_deg": float(np.degrees(angle)),
        "seat_share": _seat_share(view, level, implant, bore_diameter_mm / 2),
        "facing_loss_mm": widest * float(np.tan(angle)) if widest > 0 else float("nan"),
    }


def _seat_share(view: AxisView, level: int, implant: ImplantTemplate, bore_radius_mm: float) -> float:
    if implant.collar_diameter_mm is None or not np.isfinite(view.canal_mm2[level]):
        return float("nan")
    collar, stem = implant.collar_diameter_mm / 2, float(implant.profile_mm[0, 1])
    ring = np.pi * (collar**2 - stem**2)
    if ring <= 0:
        return float("nan")
    radii = np.full((2, len(view.travel_mm)), np.nan)
    radii[:, level] = collar, max(bore_radius_mm, stem)
    bone = view.discs(radii, "periosteal")[0][:, level] - view.discs(radii)[0][:, level]
    return float((bone[0] - bone[1]) / ring)
