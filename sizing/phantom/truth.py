"""What is exactly true of a phantom, computed from its formulae and never from its voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

import sizing.phantom.blur as blur
import sizing.phantom.shape as shape
from sizing.geometry import FloatArray, frozen_array
from sizing.phantom.inscribed import inscribed_circles
from sizing.phantom.shape import AxisTable
from sizing.phantom.spec import PhantomSpec

LEVEL_STEP_MM = 1.0
N_ANGLES = 256
# Angles for the inscribed circle: points 0.1 mm apart let it reach over the curve by less than 1e-4 mm.
N_FINE_ANGLES = 512


@dataclass(frozen=True)
class PhantomTruth:
    """Exact answers in the frame of ``sizing.canal.model``: m levels, n angles from u towards v.

    Attributes
    ----------
    spec : PhantomSpec
    axis : AxisTable
        m levels, 1 mm apart, over all of the bone that lies in the scan (depth 0 = resection plane).
    theta_rad : (n,) array
    endosteal_radius_mm, periosteal_radius_mm : (m, n) arrays
        Distance of the surfaces from the axis, in the section perpendicular to it.
    wall_normal_mm : (m, n) array
        Distance in space from each endosteal point to the nearest point of the periosteum.
    wall_hu : (m, n) array
    open : (m, n) bool array
        Both surfaces exist on the ray: not inside a lytic defect, a plug or beyond a cut end.
    inscribed_diameter_mm, minor_diameter_mm, major_diameter_mm, area_diameter_mm : (m,) arrays
        Largest circle inside; axes of the ellipse with the same second moments; circle of the same area.
    inscribed_centre_xy_mm, centroid_xy_mm : (m, 2) arrays
        Along (u, v).
    isthmus_depth_mm, isthmus_diameter_mm : float
        Level of the least inscribed diameter at depth >= 0; NaN when it lies at the end of the scan.
    canal_volume_mm3, cortical_volume_mm3 : float
        Between depth 0 and ``spec.length_mm``, the bow taken into account.
    sigma_in_plane_mm, sigma_slice_mm : float
        Standard deviation of the blur in the slice (of its peak, for a sharp kernel) and across it.
    """

    spec: PhantomSpec
    axis: AxisTable
    theta_rad: FloatArray
    endosteal_radius_mm: FloatArray
    periosteal_radius_mm: FloatArray
    wall_normal_mm: FloatArray
    wall_hu: FloatArray
    open: NDArray[np.bool_]
    inscribed_diameter_mm: FloatArray
    inscribed_centre_xy_mm: FloatArray
    minor_diameter_mm: FloatArray
    major_diameter_mm: FloatArray
    area_diameter_mm: FloatArray
    centroid_xy_mm: FloatArray
    isthmus_depth_mm: float
    isthmus_diameter_mm: float
    canal_volume_mm3: float
    cortical_volume_mm3: float
    sigma_in_plane_mm: float
    sigma_slice_mm: float

    def __post_init__(self) -> None:
        for name, value in self.__dict__.items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, frozen_array(value, value.dtype.type))

    def level_of(self, depth_mm: ArrayLike, values: FloatArray) -> FloatArray:
        """Interpolate a per-level truth (m,) at other depths (cubic); NaN outside the levels."""
        from scipy.interpolate import CubicSpline

        return CubicSpline(self.axis.depth_mm, values, extrapolate=False)(np.asarray(depth_mm, np.float64))

    def radius_at(self, depth_mm: ArrayLike, theta_rad: ArrayLike, surface: str = "endosteal") -> FloatArray:
        """Return the exact radius of one surface at any depth and angle, from the formulae."""
        of = shape.endosteal_radius_mm if surface == "endosteal" else shape.periosteal_radius_mm
        return of(self.spec.shape, depth_mm, theta_rad)


def make_truth(spec: PhantomSpec, table: AxisTable) -> PhantomTruth:
    """Compute the truth of a spec; ``table`` is the axis the volume was drawn about."""
    bone = spec.shape
    low = -spec.below_mm if bone.end_depth_mm is None else bone.end_depth_mm
    depth = np.arange(np.ceil(low / LEVEL_STEP_MM), np.floor(spec.length_mm / LEVEL_STEP_MM) + 1) * LEVEL_STEP_MM
    axis = table.at(depth)
    theta = _angles(N_ANGLES)
    inner = shape.endosteal_radius_mm(bone, depth[:, None], theta)
    outer = shape.periosteal_radius_mm(bone, depth[:, None], theta)
    fine = _angles(N_FINE_ANGLES)
    centre, radius = inscribed_circles(shape.endosteal_radius_mm(bone, depth[:, None], fine))
    area, centroid, minor, major = _moments(inner, theta)
    isthmus_depth, isthmus_diameter = _isthmus(depth, 2 * radius)
    content, whole = (_volume(spec, table, surface) for surface in ("endosteal", "periosteal"))
    return PhantomTruth(
        spec=spec, axis=axis, theta_rad=theta, endosteal_radius_mm=inner, periosteal_radius_mm=outer,
        wall_normal_mm=_wall_normal(spec, table, axis, theta, inner),
        wall_hu=shape.wall_hu(bone, depth[:, None], theta), open=_open(spec, depth, theta),
        inscribed_diameter_mm=2 * radius, inscribed_centre_xy_mm=centre, minor_diameter_mm=minor,
        major_diameter_mm=major, area_diameter_mm=2 * np.sqrt(area / np.pi), centroid_xy_mm=centroid,
        isthmus_depth_mm=isthmus_depth, isthmus_diameter_mm=isthmus_diameter,
        canal_volume_mm3=content, cortical_volume_mm3=whole - content,
        sigma_in_plane_mm=spec.scan.sigma_in_plane_mm, sigma_slice_mm=blur.slice_sigma_mm(spec.scan),
    )  # fmt: skip


def _angles(n: int) -> FloatArray:
    return np.linspace(0.0, 2 * np.pi, n, endpoint=False)


def _moments(radius: FloatArray, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return area (m,), centroid (m, 2), minor and major axis of the ellipse with the same second moments.

    Sums over equal angles converge faster than any power for smooth periodic curves.
    """
    step = 2 * np.pi / len(theta)
    co, si = np.cos(theta), np.sin(theta)
    area = step * np.sum(radius**2, axis=1) / 2
    centroid = step * np.stack([radius**3 @ co, radius**3 @ si], axis=-1) / 3 / area[:, None]
    xx, yy, xy = (step * (radius**4 @ w) / 4 / area for w in (co * co, si * si, co * si))
    xx, yy, xy = xx - centroid[:, 0] ** 2, yy - centroid[:, 1] ** 2, xy - centroid[:, 0] * centroid[:, 1]
    middle, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return area, centroid, 4 * np.sqrt(middle - spread), 4 * np.sqrt(middle + spread)


def _isthmus(depth: FloatArray, diameter: FloatArray) -> tuple[float, float]:
    """Return depth and diameter of the narrowest level at depth >= 0, refined by a parabola; NaN at an end."""
    kept = np.flatnonzero(depth >= 0)
    i = kept[np.argmin(diameter[kept])]
    if i in (kept[0], kept[-1]):
        return float("nan"), float("nan")
    left, here, right = diameter[i - 1 : i + 2]
    shift = 0.5 * (left - right) / (left - 2 * here + right)
    return float(depth[i] + shift * LEVEL_STEP_MM), float(here - 0.25 * (left - right) * shift)


def _volume(spec: PhantomSpec, table: AxisTable, surface: str) -> float:
    """Volume inside a surface: sections of a curved axis are closer together on the side of the bow's centre."""
    of = shape.endosteal_radius_mm if surface == "endosteal" else shape.periosteal_radius_mm
    depth = np.linspace(0.0, spec.length_mm, int(np.ceil(spec.length_mm)) * 2 + 1)
    theta = _angles(N_ANGLES)
    radius = of(spec.shape, depth[:, None], theta)
    bend = np.gradient(table.s_lps, table.depth_mm, axis=0)
    at = table.at(depth)
    curvature = np.stack([np.interp(depth, table.depth_mm, bend[:, i]) for i in range(3)], axis=-1)
    towards = np.outer(np.sum(curvature * at.u_lps, axis=1), np.cos(theta))
    towards += np.outer(np.sum(curvature * at.v_lps, axis=1), np.sin(theta))
    area = (radius**2 / 2 - towards * radius**3 / 3).sum(axis=1) * (2 * np.pi / N_ANGLES)
    h = depth[1] - depth[0]
    return float(h / 3 * (area[0] + area[-1] + 4 * area[1:-1:2].sum() + 2 * area[2:-1:2].sum()))


def _wall_normal(spec: PhantomSpec, table: AxisTable, axis: AxisTable, theta: FloatArray,
                 inner: FloatArray) -> FloatArray:  # fmt: skip
    """Distance from each endosteal point (m, n) to the periosteum: nearest of a dense cloud, then Gauss-Newton."""
    from scipy.spatial import cKDTree

    start = _surface_points(axis, inner, theta)
    around = _angles(N_ANGLES)
    keep = (table.depth_mm >= axis.depth_mm[0] - 20) & (table.depth_mm <= axis.depth_mm[-1] + 20)
    levels = table.at(table.depth_mm[keep][::4])
    outer = shape.periosteal_radius_mm(spec.shape, levels.depth_mm[:, None], around)
    cloud = _surface_points(levels, outer, around).reshape(-1, 3)
    _, nearest = cKDTree(cloud).query(start.reshape(-1, 3))
    depth, angle = levels.depth_mm[nearest // len(around)], around[nearest % len(around)]
    target = start.reshape(-1, 3)

    def periosteum(d: FloatArray, a: FloatArray) -> FloatArray:
        at = table.at(d)
        r = shape.periosteal_radius_mm(spec.shape, d, a)[:, None]
        return at.points_lps + r * (np.cos(a)[:, None] * at.u_lps + np.sin(a)[:, None] * at.v_lps)

    step_mm, step_rad = 1e-3, 1e-4
    for _ in range(4):
        here = periosteum(depth, angle)
        along = (periosteum(depth + step_mm, angle) - here) / step_mm
        round_ = (periosteum(depth, angle + step_rad) - here) / step_rad
        aa, rr, ar = (np.sum(p * q, axis=1) for p, q in ((along, along), (round_, round_), (along, round_)))
        off = target - here
        da, dr = np.sum(along * off, axis=1), np.sum(round_ * off, axis=1)
        det = aa * rr - ar**2
        depth = depth + np.clip((rr * da - ar * dr) / det, -0.5, 0.5)
        angle = angle + np.clip((aa * dr - ar * da) / det, -0.02, 0.02)
    distance = np.linalg.norm(target - periosteum(depth, angle), axis=1)
    return np.minimum(distance, np.linalg.norm(target - cloud[nearest], axis=1)).reshape(inner.shape)


def _surface_points(axis: AxisTable, radius: FloatArray, theta: FloatArray) -> FloatArray:
    """Return LPS points (m, n, 3) of a surface given by radii (m, n)."""
    ray = np.cos(theta)[:, None] * axis.u_lps[:, None] + np.sin(theta)[:, None] * axis.v_lps[:, None]
    return axis.points_lps[:, None] + radius[..., None] * ray


def _open(spec: PhantomSpec, depth: FloatArray, theta: FloatArray) -> NDArray[np.bool_]:
    bone = spec.shape
    known = np.ones((len(depth), len(theta)), bool)
    for hole in bone.defects:
        known &= shape.lytic_share(bone, hole.depth_mm, hole.angle_deg, hole.radius_mm, depth[:, None], theta) == 0
    for plug in bone.plugs:
        known[(depth >= plug.from_depth_mm) & (depth <= plug.to_depth_mm)] = False
    return known
