"""Charts of a plan as panes: the wall laid out flat, the canal's width against the stem, fill by level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import viewer.contours as contours
import viewer.style as style
import viewer.words as words
from sizing.canal.model import Canal
from sizing.fit.model import Fit
from sizing.geometry import FloatArray
from sizing.planning import ImplantationPlan
from viewer.pane import Area, Band, Line, Mark, Pane, Raster, Ticks, nice_ticks

UNKNOWN_RGBA = (214, 218, 222, 255)
CONTACT_SHADE = 0.62  # how much of a colour's light is left under the contact hatching
HATCH_PERIOD, HATCH_WIDTH = 9, 2  # pixels of the unrolled map


def depth_ticks(canal: Canal, step: float = 20.0) -> Ticks:
    """Return level ticks, in mm above the cut."""
    depth = canal.axis.depth_mm
    at = nice_ticks(float(depth[0]), float(depth[-1]), step)
    return Ticks(tuple(float(t) for t in at), tuple(f"{t:.0f}" for t in at), "mm above the cut")


def direction_ticks(canal: Canal) -> Ticks:
    """Return ticks at the four quarters of an unrolled map, in words."""
    middle = len(canal.axis) // 2
    u, v = canal.axis.u_lps[middle], canal.axis.v_lps[middle]
    angles = (-180.0, -90.0, 0.0, 90.0, 180.0)
    text = tuple(
        words.short_direction(np.cos(np.deg2rad(a)) * u + np.sin(np.deg2rad(a)) * v, canal.side) for a in angles
    )
    return Ticks(angles, text)


def paint_bands(grid: FloatArray, bands: tuple[Band, ...]) -> np.ndarray:
    """Return RGBA (h, w, 4) of banded values; NaN is a plain grey of its own."""
    palette = np.array([UNKNOWN_RGBA, *[(*(round(255 * c) for c in b.rgb), 255) for b in bands]], np.uint8)
    return palette[style.band_index(grid, bands) + 1]


def map_pane(
    canal: Canal, values: FloatArray, bands: tuple[Band, ...], title: str, line_at: float | None = None
) -> Pane:
    """Lay banded values out flat by direction and level; optionally a line where they take a value."""
    grid, angle, depth = contours.unroll(values, canal)
    span = (float(canal.axis.depth_mm[0]), float(canal.axis.depth_mm[-1]))
    lines = [] if line_at is None else [Line(c, "isoline below") for c in isolines(grid, angle, depth, line_at)]
    return Pane(
        "wall-map", title, (-180.0, 180.0), span, (Raster(paint_bands(grid, bands), (-180.0, 180.0, *span)),), (),
        tuple(lines), (), direction_ticks(canal), depth_ticks(canal), equal=False, dark=False, bands=bands,
    )  # fmt: skip


def wall_map_pane(
    canal: Canal, wall_mm: FloatArray, limit_mm: float, title: str, contact: np.ndarray | None = None
) -> Pane:
    """Wall by direction and level in 1 mm bands, the limit as a line; contact of the tool is hatched."""
    pane = map_pane(canal, wall_mm, style.wall_bands(limit_mm), title, limit_mm)
    if contact is None:
        return pane
    flags = contours.unroll_flags(contact, canal)
    i, j = np.indices(flags.shape)
    hatch = flags & ((i + j) % HATCH_PERIOD < HATCH_WIDTH)
    pixels = pane.rasters[0].pixels.copy()
    pixels[hatch, :3] = (pixels[hatch, :3] * CONTACT_SHADE).astype(np.uint8)
    return replace(pane, rasters=(Raster(pixels, pane.rasters[0].box),))


def isolines(grid: FloatArray, x: FloatArray, y: FloatArray, value: float) -> list[FloatArray]:
    """Return the curves (k, 2) on which a grid takes a value."""
    from contourpy import contour_generator

    masked = np.ma.masked_invalid(grid)
    return [np.asarray(c) for c in contour_generator(x=x, y=y, z=masked).lines(value)]  # type: ignore[union-attr]


def reamed_wall_pane(plan: ImplantationPlan, fit: Fit, reamer: int = -1) -> Pane | None:
    """Wall left after a reamer (the last, if not told), with the stem's tip and the least wall marked."""
    if fit.reamed is None or not fit.reamed.passes:
        return None
    result = fit.reamed.passes[reamer]
    last = reamer in (-1, len(fit.reamed.passes) - 1)
    which = "the last reamer" if last else f"the {words.diameter(result.reamer_pass.reamer.diameter_mm)} mm reamer"
    pane = wall_map_pane(
        plan.canal, result.wall_left_mm, plan.settings.wall_limit_mm, f"Wall left after {which}", result.contact
    )
    lines, marks = list(pane.lines), []
    lines.append(Line(np.array([(-180.0, fit.tip_depth_mm), (180.0, fit.tip_depth_mm)]), "tip"))
    if fit.tip_depth_mm <= pane.y_range[1]:  # a stem may be longer than what is measured
        marks.append(Mark((-178.0, fit.tip_depth_mm), "tip of the stem", "chart", "start", (0.0, 2.5)))
    if last and words.known(fit.wall_min_mm) and words.known(fit.wall_min_theta_rad):
        angle = (np.degrees(fit.wall_min_theta_rad) + 180.0) % 360.0 - 180.0
        anchor, dx = ("end", -5.0) if angle > 60 else ("start", 5.0)
        at = (float(angle), fit.wall_min_depth_mm)
        marks.append(Mark(at, words.wall(fit.wall_min_mm), "least wall chart", anchor, (dx, 4.0), dot=True))
    return replace(pane, lines=tuple(lines), marks=tuple(marks))


def diameter_pane(plan: ImplantationPlan, fit: Fit | None) -> Pane:
    """The canal's least to greatest diameter by level, its inscribed circle, the isthmus, and the stem."""
    canal, table, shape = plan.canal, plan.sections, plan.shape
    depth = canal.axis.depth_mm
    areas: list[Area] = []
    lines: list[Line] = []
    marks: list[Mark] = []
    widths = [20.0]
    areas += band_areas(table.minor_diameter_mm, table.major_diameter_mm, depth, "canal band")
    lines.append(Line(np.stack([table.inscribed_diameter_mm, depth], axis=1), "canal inscribed"))
    if np.isfinite(table.major_diameter_mm).any():
        widths.append(float(np.nanmax(table.major_diameter_mm)))
    if fit is not None:
        outline = stem_profile(canal, fit)
        lines.append(Line(outline, "chart stem"))
        widths.append(float(np.nanmax(outline[:, 0])))
    isthmus = shape.isthmus_depth_mm
    high = float(np.ceil(max(widths) / 2.0) * 2.0 + 2.0)
    if isthmus is not None and np.isfinite(isthmus):
        lines.append(Line(np.array([(0.0, isthmus), (high, isthmus)]), "isthmus"))
        marks.append(Mark((0.4, float(isthmus)), f"isthmus {words.mm(shape.isthmus_diameter_mm)}", "chart", "start",
                          (0.0, 2.5)))  # fmt: skip
    x = nice_ticks(0.0, high, 5.0 if high <= 26.0 else 10.0)
    return Pane(
        "diameters", "Canal and stem", (0.0, high), (float(depth[0]), float(depth[-1])), (), tuple(areas), tuple(lines),
        tuple(marks), Ticks(tuple(float(t) for t in x), tuple(f"{t:.0f}" for t in x), "diameter, mm"),
        depth_ticks(canal), equal=False, dark=False,
    )  # fmt: skip


def stem_profile(canal: Canal, fit: Fit) -> FloatArray:
    """Return the stem's diameter against the canal's depth, (k, 2)."""
    travel = contours.travel_at_levels(canal, contours.stem_frame(fit, canal))
    depth = np.interp(fit.implant.profile_mm[:, 0], travel, canal.axis.depth_mm)
    return np.stack([2.0 * fit.implant.profile_mm[:, 1], depth], axis=1)


def fill_pane(plan: ImplantationPlan, fit: Fit) -> Pane:
    """Share of the canal that the stem fills, by level."""
    depth = plan.canal.axis.depth_mm
    lines = [
        Line(np.stack([100.0 * fit.fill_by_level, depth], axis=1), "chart stem"),
        Line(np.stack([100.0 * fit.contact_by_level, depth], axis=1), "chart contact"),
    ]
    at = (0.0, 50.0, 100.0)
    return Pane(
        "fill", "Fill and contact", (0.0, 104.0), (float(depth[0]), float(depth[-1])), (), (), tuple(lines), (),
        Ticks(at, tuple(f"{t:.0f}" for t in at), "per cent"), depth_ticks(plan.canal), equal=False, dark=False,
    )  # fmt: skip


def band_areas(low: FloatArray, high: FloatArray, depth: FloatArray, role: str) -> list[Area]:
    """Return the areas between two curves, one per run of known levels."""
    good = np.isfinite(low) & np.isfinite(high)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(int)))
    areas = []
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        if b - a > 1:
            left, right = np.stack([low[a:b], depth[a:b]], 1), np.stack([high[a:b], depth[a:b]], 1)
            areas.append(Area(np.vstack([left, right[::-1]]), role))
    return areas
