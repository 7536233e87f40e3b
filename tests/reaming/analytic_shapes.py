"""The shapes of tests/data/analytic_cases.json as dense point contours, and canals made of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from sizing.canal import Canal, CanalAxis, parallel_axis
from sizing.geometry import Plane
from sizing.reaming import Reamer, ReamerPass, ReamingPlan, TipForm, ToolAxis, ToolKind

CASES = {
    c["id"]: c for c in json.loads((Path(__file__).parents[1] / "data" / "analytic_cases.json").read_text())["cases"]
}
# Dense as an export from a drawing program; any number serves, the contour is read as a smooth curve.
POINTS = 1200
# Superellipses have a weak corner where they cross their axes: a smooth curve through points needs more of them.
POINTS_WITH_CORNERS = 8192
UP = np.array([0.0, 0.0, 1.0])


def contour(shape: dict, points: int = POINTS) -> np.ndarray:
    """(k, 2) points of an ellipse, superellipse, trefoil or circle."""
    if shape["type"] == "superellipse":
        points = POINTS_WITH_CORNERS
    t = np.arange(points) * 2 * np.pi / points
    cos, sin = np.cos(t), np.sin(t)
    if shape["type"] == "ellipse":
        x, y = shape["a"] * cos, shape["b"] * sin
    elif shape["type"] == "superellipse":
        r = (np.abs(cos / shape["a"]) ** shape["n"] + np.abs(sin / shape["b"]) ** shape["n"]) ** (-1 / shape["n"])
        x, y = r * cos, r * sin
    elif shape["type"] == "trefoil":
        r = shape["r0"] * (1 + shape["e"] * np.cos(3 * t))
        x, y = r * cos, r * sin
    else:
        x, y = shape["r"] * cos, shape["r"] * sin
    a = np.deg2rad(shape.get("rot_deg", 0.0))
    return np.stack(
        [np.cos(a) * x - np.sin(a) * y + shape.get("cx", 0.0), np.sin(a) * x + np.cos(a) * y + shape.get("cy", 0.0)],
        axis=1,
    )


def ellipse(a: float, b: float, points: int = 120) -> np.ndarray:
    return contour({"type": "ellipse", "a": a, "b": b}, points)


def section(inputs: dict) -> Canal:
    """One level."""
    marrow = [contour(inputs["marrow"])] if "marrow" in inputs else None
    return Canal.from_sections(
        [0.0], [contour(inputs["endosteal"])], [contour(inputs["periosteal"])], marrow_xy_mm=marrow
    )


def stack(a, b, outer_a, outer_b, z) -> Canal:
    """Ellipses at levels z; semi-axes as arrays (m,) or numbers."""
    if all(np.ptp(x) == 0 for x in (a, b, outer_a, outer_b)):
        a, b, outer_a, outer_b = (float(np.ravel(x)[0]) for x in (a, b, outer_a, outer_b))
        return uniform(parallel_axis(z), ellipse(a, b), ellipse(outer_a, outer_b))
    a, b, outer_a, outer_b = (np.broadcast_to(x, len(z)) for x in (a, b, outer_a, outer_b))
    return Canal.from_sections(
        z,
        [ellipse(*p) for p in zip(a, b, strict=True)],
        [ellipse(*p) for p in zip(outer_a, outer_b, strict=True)],
        n_angles=256,
    )


def levels(length: float, step: float = 2.5) -> np.ndarray:
    return np.linspace(0.0, length, round(length / step) + 1)


def arc_axis(bow: float, length: float, spare: float) -> CanalAxis:
    """Frames across an arc in the xz-plane: apex at x = 0, z = length / 2, centre of curvature at x = -bow.

    The arc runs from plane z = 0 to plane z = length, and ``spare`` mm further at both ends; depth 0 at z = 0.
    """
    half = np.arcsin(length / 2 / bow)
    depth = np.linspace(-spare, 2 * half * bow + spare, round(2 * half * bow + 2 * spare) + 1)
    angle = depth / bow - half
    zero = np.zeros_like(angle)
    s = np.stack([-np.sin(angle), zero, np.cos(angle)], axis=1)
    u = np.stack([np.cos(angle), zero, np.sin(angle)], axis=1)
    points = np.stack([bow * np.cos(angle) - bow, zero, length / 2 + bow * np.sin(angle)], axis=1)
    return CanalAxis(depth, points, s, u, np.cross(s, u))


def bowed_canal(inputs: dict, length: float, spare: float, resection: Plane | None) -> Canal:
    axis = arc_axis(inputs["bow_radius"], length, spare)
    inner = inputs["canal"]
    outer = inputs.get("periosteum", {"a_in_bow_plane": inner["a_in_bow_plane"] + 8, "b": inner["b"] + 8})
    return uniform(axis, *(ellipse(s["a_in_bow_plane"], s["b"]) for s in (inner, outer)), resection)


def uniform(axis: CanalAxis, inner: np.ndarray, outer: np.ndarray, resection: Plane | None = None) -> Canal:
    """One pair of contours at every level; read once, since reading is what takes time."""
    one = Canal.from_sections([0.0], [inner], [outer], n_angles=256)
    rows = (np.tile(r, (len(axis), 1)) for r in (one.endosteal_radius_mm, one.periosteal_radius_mm))
    return Canal(axis, one.theta_rad, *rows, resection=resection)


def arc_tool(bow: float, apex_x: float, length: float) -> ToolAxis:
    """An arc whose apex is at x = apex_x, z = length / 2, from plane z = 0."""
    half = np.arcsin(length / 2 / bow)
    entry = np.array([apex_x - bow + bow * np.cos(half), 0.0, 0.0])
    return ToolAxis(entry, np.array([np.sin(half), 0, np.cos(half)]), bow, np.array([-np.cos(half), 0.0, np.sin(half)]))


def straight_tool(x: float, y: float, tilt_deg: float = 0.0, azimuth_deg: float = 0.0) -> ToolAxis:
    tilt, azimuth = np.deg2rad([tilt_deg, azimuth_deg])
    direction = [np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)]
    return ToolAxis(np.array([x, y, 0.0]), np.array(direction))


def one_pass(reamer: Reamer, axis: ToolAxis, depth: float) -> ReamingPlan:
    return ReamingPlan((ReamerPass(reamer, axis, depth),))


def tipped(inputs: dict) -> Reamer:
    form = {"flat": TipForm.FLAT, "hemisphere": TipForm.BULLET, "cone": TipForm.CHAMFER}[inputs["tip"]]
    return Reamer(2 * inputs["r"], tip=form, chamfer_half_angle_deg=inputs["cone_half_angle_deg"] or 45.0)


def conical(r_low: float, r_high: float, length: float) -> Reamer:
    return Reamer(2 * r_low, ToolKind.BROACH, profile_mm=((0.0, r_low), (length, r_high)))
