"""Curves of bone, bore and stem in the coordinates of a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sizing.canal.model import Canal
from sizing.fit.model import Fit
from sizing.geometry import FloatArray, unit
from sizing.implants.model import ImplantTemplate
from sizing.reaming.model import ReamerPass, ToolAxis
from viewer.stem_frame import StemFrame

COLLAR_THICKNESS_MM = 4.0  # drawn only; the collar's real height is not part of a template


def passes_of(fit: Fit) -> tuple[ReamerPass, ...]:
    """Return the passes that prepare the bone for this implant, in their order."""
    return fit.reaming_plan.passes


def stem_axis(fit: Fit) -> ToolAxis:
    """Return the implant's own axis in the patient, from the collar's seat towards the tip."""
    pose, radius = fit.placement.implant_to_lps, fit.implant.bow_radius_mm
    centre = None if radius is None else pose[:3, 0]
    return ToolAxis(pose[:3, 3], pose[:3, 2], radius, centre)


def stem_frame(fit: Fit, canal: Canal) -> StemFrame:
    """Return the frame in which slices along the stem are cut: its front is anterior at the cut."""
    return StemFrame.of(stem_axis(fit), canal.axis.u_lps[0])


def chord_frame(canal: Canal) -> StemFrame:
    """Return the frame along the straight line from the canal's first to its last section."""
    points, depth = canal.axis.points_lps, canal.axis.depth_mm
    direction = points[-1] - points[0] if len(points) > 1 else canal.axis.s_lps[0]
    axis = ToolAxis(points[0] - float(depth[0]) * unit(direction), direction)
    return StemFrame.of(axis, canal.axis.u_lps[0])


def stem_outline(implant: ImplantTemplate) -> FloatArray:
    """Return the stem's outline (k, 2) as (across, station), collar included, closed by its own mirror image."""
    station, radius = implant.profile_mm[:, 0], implant.profile_mm[:, 1]
    half = np.stack([radius, station], axis=1)
    if implant.collar_diameter_mm:
        r = implant.collar_diameter_mm / 2.0
        half = np.vstack([(r, -COLLAR_THICKNESS_MM), (r, 0.0), half])
    return np.vstack([half, half[::-1] * (-1.0, 1.0)])


def surface_on_slice(canal: Canal, frame: StemFrame, plane: str, surface: str) -> tuple[FloatArray, FloatArray]:
    """Return where a surface crosses the slice along the stem: left and right edge, (m, 2) each.

    NaN where a contour does not reach the slice or is not measured there: where one side is not measured (a hole in
    the wall), the other side stays on its own edge.
    """
    p, c = frame.from_lps(canal.contour_lps(surface)), frame.from_lps(canal.axis.points_lps)
    across, off = (p[..., 0], p[..., 1]) if plane == "coronal" else (-p[..., 1], p[..., 0])
    middle = c[:, 0] if plane == "coronal" else -c[:, 1]
    nxt = np.roll(off, -1, axis=1)
    crossing = (off >= 0) != (nxt >= 0)
    row, a = np.nonzero(crossing & np.isfinite(off) & np.isfinite(nxt))  # two a level, as a rule
    b = (a + 1) % off.shape[1]
    share = off[row, a] / (off[row, a] - off[row, b])
    x = across[row, a] + share * (across[row, b] - across[row, a])
    t = p[row, a, 2] + share * (p[row, b, 2] - p[row, a, 2])
    edges = []
    for sign in (1.0, -1.0):  # least x, then greatest
        here = np.flatnonzero(sign * (x - middle[row]) < 0.0)
        order = here[np.lexsort((sign * x[here], row[here]))]
        found, first = np.unique(row[order], return_index=True)
        edge = np.full((len(off), 2), np.nan)
        edge[found] = np.stack([x[order[first]], t[order[first]]], axis=1)
        edges.append(edge)
    return edges[0], edges[1]


def cylinder_on_section(canal: Canal, level: int, axis: ToolAxis, radius_mm: float, n: int = 90) -> FloatArray:
    """Return the curve (n, 2) along (v, u) in which a cylinder about a tool axis meets a section's plane.

    The cylinder is that of the axis' tangent where it passes the level.
    """
    centre, tangent = axis_through_section(canal, level, axis)
    c = canal.axis
    s, u, v = c.s_lps[level], c.u_lps[level], c.v_lps[level]
    e1 = unit(u - (u @ tangent) * tangent)
    e2 = np.cross(tangent, e1)
    t = np.linspace(0.0, 2.0 * np.pi, n, endpoint=False)[:, None]
    ring = centre + radius_mm * (np.cos(t) * e1 + np.sin(t) * e2)
    ring = ring - ((ring - c.points_lps[level]) @ s / (tangent @ s))[:, None] * tangent
    q = ring - c.points_lps[level]
    return np.stack([q @ v, q @ u], axis=1)


def axis_through_section(canal: Canal, level: int, axis: ToolAxis) -> tuple[FloatArray, FloatArray]:
    """Return where a tool axis passes a section's plane, (3,), and its unit tangent there, (3,)."""
    c, s = canal.axis.points_lps[level], canal.axis.s_lps[level]
    travel = float((c - axis.entry_lps) @ axis.direction_lps)
    for _ in range(4):  # Newton on the plane's distance; a straight axis is done after one step
        p, q = axis.point_at(np.array([travel, travel + 0.5]))
        slope = (q - p) @ s / 0.5
        travel -= float((p - c) @ s / slope)
    p, q = axis.point_at(np.array([travel - 0.25, travel + 0.25]))
    return axis.point_at(travel), unit(q - p)


def travel_at_levels(canal: Canal, frame: StemFrame) -> FloatArray:
    """Return the travel along the stem (m,) at the canal's levels."""
    return frame.from_lps(canal.axis.points_lps)[:, 2]


def section_xy(canal: Canal, level: int, radius_mm: FloatArray) -> FloatArray:
    """Return a contour (n, 2) of one level as it is seen from the cut end: right = v, up = u."""
    theta = canal.theta_rad
    return np.stack([radius_mm * np.sin(theta), radius_mm * np.cos(theta)], axis=1)


def nearest_level(canal: Canal, depth_mm: float) -> int:
    """Return the index of the level nearest to a depth."""
    return int(np.argmin(np.abs(canal.axis.depth_mm - depth_mm)))


def nearest_ray(canal: Canal, theta_rad: float) -> int:
    """Return the index of the ray nearest to an angle."""
    return round(theta_rad / (2 * np.pi) * len(canal.theta_rad)) % len(canal.theta_rad)


def unroll(
    values: FloatArray, canal: Canal, columns: int = 360, row_step_mm: float = 0.5
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lay values (m, n) out flat: anterior in the middle, proximal on top, linear between known neighbours.

    Returns
    -------
    grid : (rows, columns) array
        NaN wherever a neighbour is NaN.
    angle_deg : (columns,) array
        -180 to 180, the middle of each column.
    depth_mm : (rows,) array
        From top to bottom.
    """
    depth = canal.axis.depth_mm
    angle = (np.arange(columns) + 0.5) * 360.0 / columns - 180.0
    x = (np.deg2rad(angle) % (2 * np.pi)) / (2 * np.pi) * len(canal.theta_rad)
    i = np.floor(x).astype(int) % len(canal.theta_rad)
    f = x - np.floor(x)
    across = values[:, i] * (1 - f) + values[:, (i + 1) % values.shape[1]] * f
    rows = max(2, round(float(depth[-1] - depth[0]) / row_step_mm))
    d = np.linspace(float(depth[-1]), float(depth[0]), 2 * rows + 1)[1::2]
    k = np.clip(np.searchsorted(depth, d, side="right") - 1, 0, len(depth) - 2)
    g = ((d - depth[k]) / (depth[k + 1] - depth[k]))[:, None]
    return across[k] * (1 - g) + across[k + 1] * g, angle, d


def unroll_flags(
    flags: NDArray[np.bool_], canal: Canal, columns: int = 360, row_step_mm: float = 0.5
) -> NDArray[np.bool_]:
    """Lay flags (m, n) out flat, each at its nearest ray."""
    grid, _, _ = unroll(flags.astype(float), canal, columns, row_step_mm)
    return grid >= 0.5
