"""Drawings of a custom stem: side views with dimensions, sections in the hole, wall left along the stem."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sizing.customise import CustomPlan
from sizing.geometry import FloatArray
from sizing.implants.custom import CustomDesign
from sizing.implants.custom_settings import CoatedZone
from sizing.implants.solid import ScrewHole, hole_axis_mm, hole_mouths_mm
from viewer.pane import Area, Line, Mark, Pane, Ticks, nice_ticks

_PHI = np.arange(240) * (2 * np.pi / 240)
_MARGIN_MM = 6.0
_ZONE_LOOKS = 4


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
    holes = [_hole_seen(design, hole, plane, reach) for hole in design.settings.holes]
    marks = [
        Mark((at - 1.5, top / 2), f"{shape.length_mm:.1f}", "chart", "end"),
        Mark((0, -thick - 3.2), f"⌀ {2 * collar:.2f} × {thick:g}", "chart", "middle"),
        *(mark for _, mark in holes),
    ]
    zones = [
        Area(_between(station, side, up, left, right, zone), zone_role(i))
        for i, zone in enumerate(design.settings.zones)
    ]
    title = "Side view, x to the right" if plane == "bow" else "Side view, y to the right"
    return Pane(
        f"stem {plane}", title, (-reach, reach), (-thick - 6.0, top + 4.0),
        areas=tuple(zones),
        lines=(Line(outline, "chart stem", True), Line(seat, "chart stem", True), Line(dimension, "limit"),
               *(line for lines, _ in holes for line in lines)),
        marks=tuple(marks), y_ticks=_ticks(0, top, 20, "station, mm"), dark=False,
    )  # fmt: skip


def zone_role(number: int) -> str:
    """Return the look of a zone by its number; beyond the fourth, colours come again, and the names tell."""
    return f"zone {number % _ZONE_LOOKS + 1}"


def _between(
    station: FloatArray,
    side: FloatArray,
    up: FloatArray,
    left: NDArray[np.intp],
    right: NDArray[np.intp],
    zone: CoatedZone,
) -> FloatArray:
    """The part of the silhouette (k, 2) between a zone's stations."""
    rows = np.arange(len(station))
    at = np.unique(
        np.clip([zone.from_station_mm, *station, zone.to_station_mm], zone.from_station_mm, zone.to_station_mm)
    )
    edges = [np.stack([np.interp(at, station, v[rows, edge]) for v in (side, up)], axis=1) for edge in (left, right)]
    return np.concatenate([edges[0], edges[1][::-1]])


def _hole_seen(design: CustomDesign, hole: ScrewHole, plane: str, reach: float) -> tuple[list[Line], Mark]:
    """A hole from the side: the rim that faces the eye, its centre line through the stem, and its dimensions."""
    shape = design.implant.stem_shape
    side, depth = (0, 1) if plane == "bow" else (1, 0)
    # "bow" looks along +y (the far side is larger y), "across" along -x.
    nearer = -1.0 if plane == "bow" else 1.0
    rims = hole_mouths_mm(shape, hole)
    facing = rims[np.argmax(nearer * rims[..., depth].mean(axis=1))]
    centre, along = hole_axis_mm(shape, hole)
    ends = np.stack([centre - reach * along, centre + reach * along])[:, [side, 2]]
    short = 0.7 * hole.diameter_mm
    cross = np.stack([facing.mean(axis=0)[[side, 2]] + [(0.0, -short), (0.0, short)]])[0]
    if np.abs(along[side]) * reach < short:  # seen along its axis: a cross on the circle
        ends = facing.mean(axis=0)[[side, 2]] + [(-short, 0.0), (short, 0.0)]
    words = f"⌀ {hole.diameter_mm:g} at {hole.station_mm:g}, {hole.direction_deg:g}° from x"
    lines = [Line(facing[:, [side, 2]], "screw hole", True), Line(ends, "centre line"), Line(cross, "centre line")]
    return lines, Mark((0.0, centre[2] + short + 0.8), words, "chart", "middle")


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
            *_bores_cut(design, station_mm),
        ),
        marks=(Mark((-reach + 0.6, -reach + 0.8), f"{width[0]:.2f} × {width[1]:.2f}", "chart"),
               Mark((0, reach - 2.6), "x", "quiet", "middle"), Mark((reach - 2.2, 0), "y", "quiet")),
        dark=False,
    )  # fmt: skip


def _bores_cut(design: CustomDesign, station_mm: float) -> list[Line]:
    """Walls and centre line of the holes that a section cuts, x upwards and y to the right."""
    lines = []
    for hole in design.settings.holes:
        half = (hole.diameter_mm / 2) ** 2 - (station_mm - hole.station_mm) ** 2
        if half <= 0:
            continue
        turn = np.deg2rad(hole.direction_deg)
        along, across = np.array([np.sin(turn), np.cos(turn)]), np.array([np.cos(turn), -np.sin(turn)])
        wide = float(design.implant.stem_shape.radius_mm([station_mm], _PHI).max())
        for offset, role, reach in ((-half**0.5, "screw hole", wide), (half**0.5, "screw hole", wide),
                                    (0.0, "centre line", 1.3 * wide)):  # fmt: skip
            lines.append(Line(np.stack([offset * across - reach * along, offset * across + reach * along]), role))
    return lines


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
