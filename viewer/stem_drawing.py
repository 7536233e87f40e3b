"""Drawings of a custom stem: side views with dimensions, sections in the hole, wall left along the stem."""

from __future__ import annotations

import numpy as np

from sizing.customise import CustomPlan
from sizing.geometry import FloatArray
from sizing.implants.custom import CustomDesign
from viewer.pane import Line, Mark, Pane, Ticks, nice_ticks

_PHI = np.arange(240) * (2 * np.pi / 240)
_MARGIN_MM = 6.0


def side_pane(custom: CustomPlan, plane: str) -> Pane:
    """Return the stem's silhouette, seen along y ("bow", x to the right) or along x ("across", y to the right).

    A bowed stem is drawn bent in the bow's plane; the hole's widest reach is dashed.
    """
    design = custom.design
    shape, implant = design.implant.stem_shape, design.implant
    station = np.unique(np.concatenate([np.linspace(0, shape.length_mm, 80), shape.breaks_mm]))
    points = shape.points_mm(station, _PHI)
    side = points[..., 0] if plane == "bow" else points[..., 1]
    up = points[..., 2]
    rows = np.arange(len(station))
    left, right = side.argmin(axis=1), side.argmax(axis=1)
    outline = np.concatenate(
        [
            np.stack([side[rows, left], up[rows, left]], 1),
            np.stack([side[rows, right], up[rows, right]], 1)[::-1],
        ]
    )
    collar = (implant.collar_diameter_mm or implant.diameter_mm) / 2
    thick = implant.collar_thickness_mm
    seat = np.array([(-collar, 0), (collar, 0), (collar, -thick), (-collar, -thick)])
    top = float(up.max())
    reach = max(collar, float(np.abs(side).max())) + _MARGIN_MM
    at = reach - 2.5
    dimension = np.array([(at - 1, 0), (at + 1, 0), (at, 0), (at, top), (at - 1, top), (at + 1, top)])
    zones = [
        Line(np.array([(-reach, z.to_station_mm), (reach, z.to_station_mm)]), "isthmus") for z in design.settings.zones
    ]
    marks = [
        Mark((at - 1.5, top / 2), f"{shape.length_mm:.1f}", "chart", "end"),
        Mark((0, -thick - 3.2), f"⌀ {2 * collar:.2f} × {thick:g}", "chart", "middle"),
        *(
            Mark((-reach + 0.5, z.to_station_mm - 3.0), f"{z.name} to {z.to_station_mm:g}", "quiet")
            for z in design.settings.zones
        ),
    ]
    title = "Side view, x to the right" if plane == "bow" else "Side view, y to the right"
    return Pane(
        f"stem {plane}", title, (-reach, reach), (-thick - 6.0, top + 4.0),
        lines=(Line(outline, "chart stem", True), Line(seat, "chart stem", True), Line(dimension, "limit"), *zones),
        marks=tuple(marks), y_ticks=_ticks(0, top, 20, "station, mm"), dark=False,
    )  # fmt: skip


def section_pane(design: CustomDesign, station_mm: float) -> Pane:
    """Return one section seen from the cut end: stem, hole after preparation, periosteum."""
    cavity, shape = design.cavity, design.implant.stem_shape
    level = int(np.argmin(np.abs(cavity.station_mm - station_mm)))
    stem = shape.radius_mm([min(station_mm, shape.length_mm)], _PHI)[0]
    outer = _ring(cavity.periosteal_radius_mm[level], cavity.phi_rad)
    reach = float(np.nanmax(np.abs(outer), initial=float(stem.max()))) + 2.0
    width = [float(np.ptp(stem * f(_PHI))) for f in (np.cos, np.sin)]
    return Pane(
        f"section {station_mm:.0f}", f"{station_mm:.0f} mm", (-reach, reach), (-reach, reach),
        lines=(
            Line(outer, "bone outline", True),
            Line(_ring(cavity.hole_radius_mm[level], cavity.phi_rad), "chart reamer", True),
            Line(_ring(stem, _PHI), "chart stem", True),
        ),
        marks=(Mark((-reach + 0.6, -reach + 0.8), f"{width[0]:.2f} × {width[1]:.2f}", "chart"),
               Mark((0, reach - 2.6), "x", "quiet", "middle"), Mark((reach - 2.2, 0), "y", "quiet")),
        dark=False,
    )  # fmt: skip


def _ring(radius_mm: FloatArray, phi_rad: FloatArray) -> FloatArray:
    """A contour (n, 2) with the section's x upwards and y to the right."""
    return np.stack([radius_mm * np.sin(phi_rad), radius_mm * np.cos(phi_rad)], axis=1)


def wall_pane(custom: CustomPlan) -> Pane:
    """Return the least wall left per level beside the native wall, with the limit."""
    design = custom.design
    cavity = design.cavity
    within = cavity.station_mm <= design.implant.length_mm
    left = _least(design.wall_left_mm[within])
    native = _least((cavity.periosteal_radius_mm - cavity.endosteal_radius_mm)[within])
    station = cavity.station_mm[within]
    top = float(np.nanmax([np.nanmax(native, initial=1.0), design.settings.min_wall_mm])) + 1.0
    limit = design.settings.min_wall_mm
    return Pane(
        "wall left", "Least wall left per level, mm", (0, top), (0, float(station[-1])),
        lines=(
            Line(np.stack([native, station], 1), "bone outline"),
            Line(np.stack([left, station], 1), "chart stem"),
            Line(np.array([(limit, 0.0), (limit, station[-1])]), "limit"),
        ),
        x_ticks=_ticks(0, top, 1 if top < 8 else 2, "mm"), y_ticks=_ticks(0, float(station[-1]), 20, "station, mm"),
        equal=False, dark=False,
    )  # fmt: skip


def _least(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    return np.where(known.any(axis=1), np.where(known, values, np.inf).min(axis=1), np.nan)


def _ticks(low: float, high: float, step: float, label: str) -> Ticks:
    at = nice_ticks(low, high, step)
    return Ticks(tuple(float(v) for v in at), tuple(f"{v:g}" for v in at), label)
