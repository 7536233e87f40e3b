"""CT pictures of a plan as panes: across the canal, along the stem, and straightened along the canal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import viewer.contours as contours
import viewer.slices as slices
import viewer.words as words
from sizing.canal.model import Canal
from sizing.fit.model import Fit
from sizing.geometry import FloatArray
from sizing.volume import CtVolume
from viewer.pane import Area, Line, Mark, Pane, Raster, nice_ticks
from viewer.stem_frame import StemFrame

BELOW_CUT_MM = 10.0  # of the long pictures, shown below the cut
MARKS_MM = 20.0  # from one level mark to the next
SHORT_SHAPE = 1.5  # height over width; below it two pictures stand over each other better than side by side
ROOM_MM = 3.0  # between the bone and the edge of a picture
WIDEST_MM = 20.0  # half width of a picture of nothing measured
STEP_MM = 0.4  # pixel of the report's pictures; finer than any clinical CT of a limb


@dataclass(frozen=True)
class PaneSettings:
    """How CT pictures are cut."""

    window: tuple[float, float] = slices.BONE_WINDOW
    step_mm: float = STEP_MM
    reamer: int = -1  # the pass that is shown; -1 = the last
    compared: Fit | None = None  # a second implant, drawn as an outline


def half_width(canal: Canal, levels: list[int] | slice = slice(None), room_mm: float = ROOM_MM) -> float:
    """Return the half width (mm) that holds the sections of a canal with some room around."""
    radius = canal.periosteal_radius_mm[levels]
    widest = np.nanmax(radius) if np.isfinite(radius).any() else WIDEST_MM
    return float(np.ceil(widest + room_mm))


def long_pane(
    canal: Canal,
    fit: Fit | None,
    plane: str,
    volume: CtVolume | None,
    settings: PaneSettings,
    shape: float | None = None,
) -> Pane:
    """Slice along the stem's axis: ``plane`` is "coronal" (seen from the front) or "sagittal" (from the side).

    Without a fit the slice runs along the canal's chord. ``shape`` is the height over the width of
    the box to fill: the picture shows more of the scan to fill it, as far as there is scan.
    """
    frame = contours.stem_frame(fit, canal) if fit else contours.chord_frame(canal)
    travel = contours.travel_at_levels(canal, frame)
    half = half_width(canal, room_mm=4.0)
    low, high = float(travel.min()) - BELOW_CUT_MM, float(travel.max())
    if shape is not None:
        low, high = _extended(volume, frame, low, high, shape * 2.0 * half - (high - low))
    rasters: tuple[Raster, ...] = ()
    if volume is not None:
        cut = slices.slice_along_stem(volume, frame, plane, (-half, half), (low, high), settings.step_mm)
        rasters = (slices.grey_raster(cut, settings.window),)
    lines = [Line(edge, role) for role in ("periosteal", "endosteal")
             for edge in contours.surface_on_slice(canal, frame, plane, role)]  # fmt: skip
    lines.append(Line(np.array([(-half, 0.0), (half, 0.0)]), "cut"))
    areas: tuple[Area, ...] = ()
    if fit is not None:
        outline = contours.stem_outline(fit.implant)
        areas = (Area(outline, "stem fill"),)
        lines += [Line(np.array([(0.0, low), (0.0, fit.implant.length_mm)]), "stem axis"), Line(outline, "stem", True)]
        lines += _other_outlines(fit, frame, plane, settings)
    right, front = frame.right_lps, frame.front_lps
    ways = (-right, right) if plane == "coronal" else (front, -front)
    edges = (*(words.short_direction(w, canal.side) for w in ways), "", "")
    title = plane.capitalize() + (" along the stem" if fit else " along the bone")
    return Pane(
        f"long-{plane}", title, (-half, half), (low, high), rasters, areas, tuple(lines),
        _level_marks(half, low, high), edges=edges, sides_at=between_marks(low, high), scale_bar_mm=20.0,  # type: ignore[arg-type]
    )  # fmt: skip


def _other_outlines(fit: Fit, frame: StemFrame, plane: str, settings: PaneSettings) -> list[Line]:
    """The reamer that is shown, if it is not the last, and the compared implant where it is."""
    found = []
    passes = contours.passes_of(fit)
    if settings.reamer != -1 and passes:
        tool = passes[settings.reamer]
        r, depth = tool.reamer.diameter_mm / 2.0, tool.depth_mm
        found.append(Line(np.array([(-r, 0.0), (-r, depth), (r, depth), (r, 0.0)]), "reamer"))
    if settings.compared is not None:
        own = StemFrame.of(contours.stem_axis(settings.compared), frame.front_lps)
        outline = contours.stem_outline(settings.compared.implant)
        across, zero = outline[:, 0], np.zeros(len(outline))
        right, front = (across, zero) if plane == "coronal" else (zero, -across)
        p = frame.from_lps(own.to_lps(right, front, outline[:, 1]))
        found.append(Line(np.stack([p[:, 0] if plane == "coronal" else -p[:, 1], p[:, 2]], axis=1), "compared", True))
    return found


def _extended(
    volume: CtVolume | None, frame: StemFrame, low: float, high: float, missing: float
) -> tuple[float, float]:
    """Return bottom and top of a long picture, made longer by what is missing where the scan goes on."""
    if missing <= 0 or volume is None:
        return low, high
    reach = np.arange(low - missing, high + missing + 1.0)
    index = volume.geometry.lps_to_index(frame.to_lps(0.0, 0.0, reach))
    inside = ((index >= 0) & (index <= np.array(volume.geometry.shape) - 1)).all(axis=1)
    below = low - float(min(reach[inside].min(), low)) if inside.any() else 0.0
    above = float(max(reach[inside].max(), high)) - high if inside.any() else 0.0
    down = min(below, max(missing / 2.0, missing - above))
    return low - down, high + min(above, missing - down)


def level_marks(pane: Pane) -> tuple[Mark, ...]:
    """Return the levels along the left edge of a long picture."""
    return _level_marks(-pane.x_range[0], *pane.y_range)


def _level_marks(half: float, low: float, high: float) -> tuple[Mark, ...]:
    ticks = nice_ticks(max(low + 4.0, 0.0), high - 4.0, MARKS_MM)
    return tuple(Mark((-half, float(t)), f"{t:.0f}", "label", "start", (2.0, 1.5)) for t in ticks)


def between_marks(low: float, high: float) -> float:
    """Return the height nearest the middle that is clear of the level marks, whose letters stand on their level."""
    return float((np.round((low + high) / 2.0 / MARKS_MM - 0.75) + 0.75) * MARKS_MM)


def shape_of(canal: Canal) -> float:
    """Return height over width of a canal's long pictures."""
    depth = canal.axis.depth_mm
    return float(depth[-1] - depth[0]) / (2.0 * half_width(canal))


def is_short(canal: Canal) -> bool:
    """The long pictures of this canal are hardly higher than wide."""
    return shape_of(canal) < SHORT_SHAPE


def straight_pane(
    canal: Canal, plane: str, volume: CtVolume | None, settings: PaneSettings, half_mm: float | None = None
) -> Pane:
    """The canal straightened: its width is true, a straight stem would look bent and is not drawn."""
    half = half_mm or half_width(canal)
    depth = canal.axis.depth_mm
    rasters: tuple[Raster, ...] = ()
    if volume is not None:
        cut = slices.slice_along_canal(volume, canal.axis, plane, (-half, half), settings.step_mm)
        rasters = (slices.grey_raster(cut, settings.window),)
    lines = []
    for role in ("periosteal", "endosteal"):
        radius = getattr(canal, f"{role}_radius_mm")
        for angle_deg, sign in ((90.0, 1.0), (270.0, -1.0)) if plane == "coronal" else ((180.0, 1.0), (0.0, -1.0)):
            ray = _along_ray(canal, radius, np.deg2rad(angle_deg))
            lines.append(Line(np.stack([sign * ray, depth], axis=1), role))
    middle = len(depth) // 2
    u, v = canal.axis.u_lps[middle], canal.axis.v_lps[middle]
    ways = (-v, v) if plane == "coronal" else (u, -u)
    edges = (*(words.short_direction(w, canal.side) for w in ways), "", "")
    return Pane(
        f"canal-{plane}", "Frontal" if plane == "coronal" else "Lateral", (-half, half),
        (float(depth[0]), float(depth[-1])), rasters, (), tuple(lines), (), edges=edges, scale_bar_mm=None,  # type: ignore[arg-type]
    )  # fmt: skip


def _along_ray(canal: Canal, radius: FloatArray, theta: float) -> FloatArray:
    x = theta / (2 * np.pi) * len(canal.theta_rad)
    i, f = int(x) % len(canal.theta_rad), x - int(x)
    if f == 0.0:
        return radius[:, i]
    return radius[:, i] * (1 - f) + radius[:, (i + 1) % radius.shape[1]] * f
