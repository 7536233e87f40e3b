"""A small picture of one plan: the straightened canal with its walls and the stem in it. Needs no display."""

from __future__ import annotations

import io

import numpy as np

from sizing.geometry import FloatArray
from sizing.planning import ImplantationPlan
from sizing.volume import CtVolume

HALF_WIDTH_MM = 25.0
PIXEL_MM = 0.5
# HU from black to white.
WINDOW_HU = (-200.0, 1600.0)
INNER, OUTER, STEM, BAD_STEM = (255, 200, 60), (120, 190, 255), (60, 220, 110), (255, 90, 90)


def thumbnail_png(plan: ImplantationPlan, volume: CtVolume) -> bytes:
    """Return a PNG: proximal is to the right, anterior up; the stem is green, or red where it does not fit."""
    from PIL import Image, ImageDraw
    from scipy.ndimage import map_coordinates

    axis = plan.canal.axis
    across = np.arange(-HALF_WIDTH_MM, HALF_WIDTH_MM + PIXEL_MM / 2, PIXEL_MM)
    depth = np.arange(axis.depth_mm[0], axis.depth_mm[-1], PIXEL_MM)
    point, front = (_interpolated(depth, axis.depth_mm, values) for values in (axis.points_lps, axis.u_lps))
    # The picture's right is posterior: minus u.
    grid = point[:, None, :] - across[None, :, None] * front[:, None, :]
    index = np.moveaxis(volume.geometry.lps_to_index(grid), -1, 0)
    hu = map_coordinates(volume.hu, index, output=np.float32, order=1, mode="constant", cval=WINDOW_HU[0])
    grey = np.clip((hu - WINDOW_HU[0]) / (WINDOW_HU[1] - WINDOW_HU[0]) * 255, 0, 255).astype(np.uint8)
    image = Image.fromarray(grey[::-1]).convert("RGB")
    draw = ImageDraw.Draw(image)
    top = len(depth) - 1

    def line(x_mm: FloatArray, at_mm: FloatArray, colour: tuple[int, int, int]) -> None:
        points = [
            ((x + HALF_WIDTH_MM) / PIXEL_MM, top - (d - depth[0]) / PIXEL_MM)
            for x, d in zip(x_mm.tolist(), at_mm.tolist(), strict=True)
            if np.isfinite(x)
        ]
        if len(points) > 1:
            draw.line(points, fill=colour, width=1)

    half = len(plan.canal.theta_rad) // 2
    for radius, colour in ((plan.canal.endosteal_radius_mm, INNER), (plan.canal.periosteal_radius_mm, OUTER)):
        line(-radius[:, 0], axis.depth_mm, colour)
        line(radius[:, half], axis.depth_mm, colour)
    fit = plan.drawn
    if fit is not None:
        s = fit.implant.profile_mm[:, 0]
        r = fit.implant.profile_mm[:, 1]
        stations = np.linspace(0.0, s[-1], 60)
        radius = np.interp(stations, s, r)
        in_lps = fit.placement.implant_to_lps
        centre = in_lps[:3, 3] + stations[:, None] * in_lps[:3, 2] + _bow(fit, stations)[:, None] * in_lps[:3, 0]
        x, at = _on_picture(centre, axis.points_lps, axis.u_lps, axis.depth_mm)
        colour = STEM if plan.chosen is not None else BAD_STEM
        for sign in (-1, 1):
            line(x + sign * radius, at, colour)
    stream = io.BytesIO()
    image.transpose(Image.Transpose.ROTATE_270).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _interpolated(at: FloatArray, x: FloatArray, values: FloatArray) -> FloatArray:
    return np.stack([np.interp(at, x, values[:, i]) for i in range(values.shape[1])], axis=-1)


def _bow(fit, stations: FloatArray) -> FloatArray:  # type: ignore[no-untyped-def]
    radius = fit.implant.bow_radius_mm
    return np.zeros_like(stations) if radius is None else radius - np.sqrt(radius**2 - stations**2)


def _on_picture(points: FloatArray, axis_points: FloatArray, front: FloatArray, depth: FloatArray) -> tuple:
    """Return the place of points on the straightened picture: of each, the nearest level of the axis."""
    nearest = np.argmin(np.linalg.norm(points[:, None] - axis_points[None], axis=-1), axis=1)
    offset = points - axis_points[nearest]
    inside = (nearest > 0) & (nearest < len(depth) - 1)  # beyond the ends there is no nearest level
    return np.where(inside, -np.sum(offset * front[nearest], axis=1), np.nan), depth[nearest]
