"""Cross-sections of a plan: what a surgeon would see looking into the cut end, level by level."""

from __future__ import annotations

import numpy as np

import viewer.contours as contours
import viewer.slices as slices
import viewer.words as words
from sizing.canal.model import Canal
from sizing.fit.model import Fit
from sizing.geometry import FloatArray
from sizing.volume import CtVolume
from viewer.pane import Area, Line, Pane
from viewer.panes import PaneSettings, half_width
from viewer.stem_frame import StemFrame


def section_pane(
    canal: Canal,
    level: int,
    fit: Fit | None,
    volume: CtVolume | None,
    settings: PaneSettings,
    half_mm: float | None = None,
) -> Pane:
    """Cross-section at one level, seen from the cut end: anterior up; the last reamer and the stem where they reach."""
    half = half_mm or half_width(canal)
    rasters = () if volume is None else (
        slices.grey_raster(slices.cross_section(volume, canal.axis, level, half, settings.step_mm), settings.window),
    )  # fmt: skip
    lines = [
        Line(contours.section_xy(canal, level, canal.periosteal_radius_mm[level]), "periosteal", True),
        Line(contours.section_xy(canal, level, canal.endosteal_radius_mm[level]), "endosteal", True),
    ]
    areas: list[Area] = []
    corner = ""
    if fit is not None:
        tool = _tool_circle(canal, level, fit, settings.reamer)
        lines += [Line(tool, "reamer", True)] if tool is not None else []
        stem = stem_circle(canal, level, fit)
        areas += [Area(stem, "stem fill")] if stem is not None else []
        lines += _contact(canal, level, fit, settings.reamer)
        least = _least_wall(canal, level, fit, settings.reamer)
        if least is not None:
            lines.append(least[0])
            corner = words.wall(least[1])
    other = None if settings.compared is None else stem_circle(canal, level, settings.compared)
    lines += [Line(other, "compared", True)] if other is not None else []
    return Pane(
        "section", words.above_cut(float(canal.axis.depth_mm[level])), (-half, half), (-half, half),
        rasters, tuple(areas), tuple(lines), edges=section_edges(canal, level), scale_bar_mm=10.0, corner=corner,
    )  # fmt: skip


def section_edges(canal: Canal, level: int) -> tuple[str, str, str, str]:
    """Return the direction words of a section's left, right, bottom and top edge."""
    u, v, side = canal.axis.u_lps[level], canal.axis.v_lps[level], canal.side
    return tuple(words.short_direction(w, side) for w in (-v, v, -u, u))  # type: ignore[return-value]


def _tool_circle(canal: Canal, level: int, fit: Fit, reamer: int) -> FloatArray | None:
    passes = contours.passes_of(fit)
    if not passes:
        return None
    tool = passes[reamer]
    centre, _ = contours.axis_through_section(canal, level, tool.axis)
    if (centre - tool.axis.entry_lps) @ tool.axis.direction_lps > tool.depth_mm:
        return None
    return contours.cylinder_on_section(canal, level, tool.axis, tool.reamer.diameter_mm / 2.0)


def stem_circle(canal: Canal, level: int, fit: Fit) -> FloatArray | None:
    """Return the stem's outline (n, 2) on a section; None beyond its ends."""
    axis = contours.stem_axis(fit)
    centre, _ = contours.axis_through_section(canal, level, axis)
    station = float(StemFrame.of(axis, canal.axis.u_lps[0]).from_lps(centre)[2])
    radius = float(fit.implant.radius_at(station))
    return contours.cylinder_on_section(canal, level, axis, radius) if np.isfinite(radius) and radius > 0 else None


def _contact(canal: Canal, level: int, fit: Fit, reamer: int) -> list[Line]:
    """The stretches of the hole's edge on which the tool lies in bone."""
    if fit.reamed is None or not fit.reamed.passes:
        return []
    result = fit.reamed.passes[reamer]
    edge = canal.periosteal_radius_mm[level] - result.wall_left_mm[level]
    touching = np.where(result.contact[level], edge, np.nan)
    return [Line(contours.section_xy(canal, level, touching), "contact", True)]


def _least_wall(canal: Canal, level: int, fit: Fit, reamer: int) -> tuple[Line, float] | None:
    """Where the wall left is least at this level, and how much; the number is the plan's own."""
    if fit.reamed is None or not fit.reamed.passes:
        return None
    last = reamer in (-1, len(fit.reamed.passes) - 1)
    result = fit.reamed.passes[reamer]
    least = float(fit.wall_by_level_mm[level] if last else result.wall_min_by_level_mm[level])
    wall = result.wall_left_mm[level]
    if not np.isfinite(least) or not np.isfinite(wall).any():
        return None
    j = int(np.nanargmin(wall))
    if last and level == contours.nearest_level(canal, fit.wall_min_depth_mm) and words.known(fit.wall_min_theta_rad):
        j = contours.nearest_ray(canal, fit.wall_min_theta_rad)
    outer = float(canal.periosteal_radius_mm[level, j])
    ray = np.array([np.sin(canal.theta_rad[j]), np.cos(canal.theta_rad[j])])
    return Line(np.stack([ray * (outer - wall[j]), ray * outer]), "least wall"), least
