"""Section contours as radii round an axis: a canal without a CT, so that every later step can be checked on paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sizing.canal.frames import CanalAxis
from sizing.errors import CanalError
from sizing.geometry import FloatArray

# A periodic spline needs a few points to be a curve at all; fewer would be a guess of ours.
MIN_POINTS = 8
MIN_ANGLES = 16
# Sampled as densely as it takes for local polynomials of degree 5 to give the curve back.
LEAST_ANGLES, MOST_ANGLES = 256, 8192
LOST_MM = 1e-10
MIDWAY = np.array([3, -25, 150, 150, -25, 3]) / 256

Curve = Callable[[FloatArray], FloatArray]


class PolarSections(NamedTuple):
    """What ``Canal`` is made of: (m, n) radii at n angles of m levels; without marrow no cancellous layer is known."""

    axis: CanalAxis
    theta_rad: FloatArray
    endosteal_radius_mm: FloatArray
    periosteal_radius_mm: FloatArray
    marrow_radius_mm: FloatArray | None


def parallel_axis(depth_mm: ArrayLike) -> CanalAxis:
    """Return parallel sections along +z with u = +x and v = +y, for contours that belong to no patient.

    Parameters
    ----------
    depth_mm : (m,) array_like
        Level of each section; also its z.
    """
    depth = np.asarray(depth_mm, np.float64)
    m = len(depth)
    x, y, z = (np.tile(row, (m, 1)) for row in np.eye(3))
    return CanalAxis(depth, depth[:, None] * z, z, x, y)


def radii_of(
    depth_mm: ArrayLike,
    endosteal_xy_mm: Sequence[ArrayLike],
    periosteal_xy_mm: Sequence[ArrayLike],
    marrow_xy_mm: Sequence[ArrayLike] | None = None,
    axis: CanalAxis | None = None,
    n_angles: int | None = None,
) -> PolarSections:
    """Read closed section contours as radii at equal angles.

    Each contour is either (k, 2) points along (u, v) in order round the section, any k >= 8 and any
    direction, or (k,) radii at k equal angles from u towards v. It is read as a smooth closed curve
    (a periodic quintic in the angle) and sampled at ``n_angles``. Contours that are not star-shaped
    about the section's origin are recentred on the canal's centroid, and the axis moves with them.

    Parameters
    ----------
    depth_mm : (m,) array_like
        Strictly increasing levels.
    endosteal_xy_mm : sequence of m contours
        Limit between the canal's content and the wall.
    periosteal_xy_mm : sequence of m contours
        Outer limit of the bone.
    marrow_xy_mm : sequence of m contours, optional
        Inner limit of cancellous bone that lies on the endosteum.
    axis : CanalAxis, optional
        Default: parallel planes along +z (``parallel_axis``).
    n_angles : int, optional
        Equal angles of the result. Default: as many (256 to 8192) as it takes to lose nothing.

    Raises
    ------
    CanalError
        CF-C001 to CF-C006, with the level that is not usable.
    """
    depth = np.atleast_1d(np.asarray(depth_mm, np.float64))
    surfaces = {"endosteal": endosteal_xy_mm, "periosteal": periosteal_xy_mm}
    if marrow_xy_mm is not None:
        surfaces["marrow"] = marrow_xy_mm
    for name, contours in surfaces.items():
        if len(contours) != len(depth):
            raise CanalError("CF-C002", f"the number of {name} contours is not the number of levels",
                             measured=str(len(contours)), expected=str(len(depth)))  # fmt: skip
    if n_angles is not None and n_angles < MIN_ANGLES:
        raise CanalError("CF-C004", "too few angles to describe a section",
                         measured=str(n_angles), expected=f"at least {MIN_ANGLES}")  # fmt: skip
    frames = parallel_axis(depth) if axis is None else axis
    if len(frames) != len(depth) or not np.allclose(frames.depth_mm, depth):
        raise CanalError("CF-C001", "the axis does not have the levels of the contours")
    shift, curves = _curves(depth, surfaces)
    n = n_angles or _angles_needed(curves)
    theta = np.arange(n) * (2 * np.pi / n)
    radius = {name: np.stack([curve(theta) for curve in row]) for name, row in curves.items()}
    inside, outside = radius["endosteal"], radius["periosteal"]
    if np.any(inside > outside) or ("marrow" in radius and np.any(radius["marrow"] > inside)):
        raise CanalError("CF-C006", "contours cross: marrow must lie in the canal, and the canal in the bone")
    if shift.any():
        points = frames.points_lps + shift[:, :1] * frames.u_lps + shift[:, 1:] * frames.v_lps
        frames = CanalAxis(depth, points, frames.s_lps, frames.u_lps, frames.v_lps)
    return PolarSections(frames, theta, inside, outside, radius.get("marrow"))


def _curves(
    depth: FloatArray, surfaces: Mapping[str, Sequence[ArrayLike]]
) -> tuple[FloatArray, dict[str, list[Curve]]]:
    """Return the shift of every section's origin (m, 2), and radius as a function of angle, per surface and level."""
    shift = np.zeros((len(depth), 2))
    curves: dict[str, list[Curve]] = {name: [] for name in surfaces}
    for i, level in enumerate(depth):
        where = f"depth {level:g} mm"
        section = {name: _points(contours[i], f"{name}, {where}") for name, contours in surfaces.items()}
        shift[i] = _origin(section, where)
        for name, xy in section.items():
            curves[name].append(_polar(xy - shift[i]))
    return shift, curves


def _angles_needed(curves: Mapping[str, list[Curve]]) -> int:
    """Return how many equal angles carry the curves: half-way between them, six neighbours must give the curve back."""
    n = LEAST_ANGLES
    while n < MOST_ANGLES:
        theta = np.arange(2 * n) * (np.pi / n)
        miss = 0.0
        for curve in (c for row in curves.values() for c in row):
            r = curve(theta)
            known, between = r[::2], r[1::2]
            guess = sum(w * np.roll(known, -k) for k, w in zip(range(-2, 4), MIDWAY, strict=True))
            miss = max(miss, float(np.abs(between - guess).max()))
        if miss < LOST_MM:
            break
        n *= 2
    return n


def _points(contour: ArrayLike, where: str) -> FloatArray:
    """Return the contour as (k, 2) points in counter-clockwise order, without a repeated last point."""
    c = np.asarray(contour, np.float64)
    if c.ndim == 1:
        t = np.arange(len(c)) * (2 * np.pi / max(len(c), 1))
        c = c[:, None] * np.stack([np.cos(t), np.sin(t)], axis=-1)
    if c.ndim != 2 or c.shape[1] != 2 or not np.all(np.isfinite(c)):
        raise CanalError("CF-C005", "a contour is not usable", where=where,
                         expected="finite points (k, 2) or radii (k,)")  # fmt: skip
    if len(c) and np.array_equal(c[0], c[-1]):
        c = c[:-1]
    if len(c) < MIN_POINTS:
        raise CanalError("CF-C005", "a contour has too few points", where=where,
                         measured=str(len(c)), expected=f"at least {MIN_POINTS}")  # fmt: skip
    return c if _signed_area_and_centroid(c)[0] > 0 else c[::-1]


def _signed_area_and_centroid(xy: FloatArray) -> tuple[float, FloatArray]:
    nxt = np.roll(xy, -1, axis=0)
    cross = xy[:, 0] * nxt[:, 1] - nxt[:, 0] * xy[:, 1]
    area = float(cross.sum()) / 2
    if area == 0:
        raise CanalError("CF-C005", "a contour encloses no area")
    return area, ((xy + nxt) * cross[:, None]).sum(axis=0) / (6 * area)


def _star_shaped(xy: FloatArray) -> bool:
    """Tell whether the angle grows all the way round: once, and never back."""
    angle = np.arctan2(xy[:, 1], xy[:, 0])
    step = np.angle(np.exp(1j * (np.roll(angle, -1) - angle)))
    return bool(np.all(step > 0) and abs(step.sum() - 2 * np.pi) < 1e-6)


def _origin(section: dict[str, FloatArray], where: str) -> FloatArray:
    """Return the point all contours are star-shaped about: the section's origin, else the canal's centre."""
    for origin in (np.zeros(2), _signed_area_and_centroid(section["endosteal"])[1]):
        if all(_star_shaped(xy - origin) for xy in section.values()):
            return origin
    raise CanalError("CF-C005", "the contours are not star-shaped about the canal's centre", where=where,
                     advice="Points must run round the section in order; split sections cannot be reamed")  # fmt: skip


def _polar(xy: FloatArray) -> Curve:
    """Return the closed curve through the points as radius over angle."""
    from scipy.interpolate import make_interp_spline

    angle = np.mod(np.arctan2(xy[:, 1], xy[:, 0]), 2 * np.pi)
    order = np.argsort(angle)
    knots = np.append(angle[order], angle[order[0]] + 2 * np.pi)
    radius = np.hypot(*xy[order].T)
    spline = make_interp_spline(knots, np.append(radius, radius[0]), k=5, bc_type="periodic")
    return lambda theta: spline(np.where(theta < knots[0], theta + 2 * np.pi, theta))
