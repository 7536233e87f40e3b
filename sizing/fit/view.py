"""A canal seen along an axis: every contour in the plane across the axis, every level by its travel.

Whatever a stem or a tool on that axis does is then plane geometry: its section is a circle about
the origin. Distances from the axis are exact for a straight axis and for a circular arc.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing import _fit
from sizing.canal.model import Canal
from sizing.geometry import FloatArray
from sizing.reaming.model import ToolAxis

# Newton steps to meet a section plane with an arc: the start is good to a sagitta (a few mm) and
# the error is squared each time, so three are enough for 1e-9 mm.
_NEWTON_STEPS = 3


@dataclass(frozen=True)
class AxisView:
    """One canal along one axis, m levels, n rays.

    Attributes
    ----------
    axis : ToolAxis
    travel_mm : (m,) array
        Where the axis pierces each section, from the entry.
    endosteal_xy_mm, periosteal_xy_mm : (m, n, 2) arrays
        Contours across the axis: x = anterior as scanned, projected; y = axis x x.
    endosteal_rho_mm, periosteal_rho_mm : (m, n) arrays
        Distance of the contour points from the axis.
    native_wall_mm : (m, n) array
        Wall before reaming, normal to the surface.
    endosteal_edges, periosteal_edges : (m, n, 4) arrays
        What the kernel wants to know of each edge.
    canal_mm2 : (m,) array
        Area of the canal across the axis; NaN where a ray is missing.
    seen_rad : (m,) array
        Angle of the endosteal contour that is measured; a full turn where all is known.
    """

    axis: ToolAxis
    depth_mm: FloatArray
    travel_mm: FloatArray
    endosteal_xy_mm: FloatArray
    periosteal_xy_mm: FloatArray
    endosteal_rho_mm: FloatArray
    periosteal_rho_mm: FloatArray
    native_wall_mm: FloatArray
    endosteal_edges: FloatArray
    periosteal_edges: FloatArray
    canal_mm2: FloatArray
    seen_rad: FloatArray
    quarter_lps: FloatArray  # (2, 3): the unit vectors x and y of the view at the entry

    def discs(self, radius_mm: FloatArray, surface: str = "endosteal") -> tuple[FloatArray, FloatArray, FloatArray]:
        """Intersect discs of q radii (q, m) about the axis with one surface.

        Returns
        -------
        area_mm2, arc_rad, reach_mm_rad : (q, m) arrays
            Area inside the contour; angle over which the contour is nearer than the radius; the
            integral of the contour's distance over that angle. NaN where the radius is NaN.
        """
        radius = np.ascontiguousarray(radius_mm, np.float64)
        out = tuple(np.empty(radius.shape) for _ in range(3))
        xy, edges = getattr(self, f"{surface}_xy_mm"), getattr(self, f"{surface}_edges")
        _fit.disc_sums(xy, edges, radius, *out)
        return out  # type: ignore[return-value]

    def walls(self, radius_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the least wall (q, m) left where a tool of radius (q, m) cuts, and of native wall elsewhere."""
        radius = np.ascontiguousarray(np.nan_to_num(radius_mm, nan=0.0), np.float64)
        cut, native = np.empty(radius.shape), np.empty(radius.shape)
        _fit.least_walls(self.endosteal_rho_mm, self.periosteal_rho_mm, self.native_wall_mm, radius, cut, native)
        return cut, native

    def weights_mm(self, low_mm: float, high_mm: float) -> FloatArray:
        """Return the length (m,) of the stretch low..high of the axis that each level stands for.

        A level stands for the travel half-way to its neighbours, at the ends half a step beyond.
        """
        t = self.travel_mm
        middle = (t[1:] + t[:-1]) / 2
        step = np.diff(t) if len(t) > 1 else np.array([np.inf, np.inf])
        bounds = np.concatenate([[t[0] - step[0] / 2], middle, [t[-1] + step[-1] / 2]])
        return np.clip(bounds[1:], low_mm, high_mm) - np.clip(bounds[:-1], low_mm, high_mm)

    def reach_mm(self) -> float:
        """Return the travel at which the measured bone ends."""
        t = self.travel_mm
        return float(t[-1] + ((t[-1] - t[-2]) / 2 if len(t) > 1 else 0.0))

    def depth_at(self, travel_mm: float) -> float:
        """Return the canal's depth at a travel; linear beyond the last level."""
        t, d = self.travel_mm, self.depth_mm
        return float(np.interp(travel_mm, t, d) + max(0.0, travel_mm - t[-1]) - max(0.0, t[0] - travel_mm))


def view_along(canal: Canal, axis: ToolAxis, native_wall_mm: FloatArray, max_travel_mm: float = np.inf) -> AxisView:
    """Project a canal's contours on the plane across an axis.

    Parameters
    ----------
    canal : Canal
        As measured.
    axis : ToolAxis
        Straight or a circular arc.
    native_wall_mm : (m, n) array
        From ``sizing.canal.cortical_thickness``.
    max_travel_mm : float
        Levels beyond are left out.
    """
    frame = _frame(canal, axis)
    travel = _travel(canal, axis)
    keep = slice(0, max(1, int(np.searchsorted(travel, max_travel_mm, "right"))))
    inner = _across(canal.contour_lps("endosteal")[keep], axis, frame)
    outer = _across(canal.contour_lps("periosteal")[keep], axis, frame)
    inner_edges, outer_edges = _edges(inner), _edges(outer)
    area = inner_edges[..., 2].sum(axis=1)  # NaN as soon as one edge is not measured
    return AxisView(
        axis=axis,
        depth_mm=canal.axis.depth_mm[keep],
        travel_mm=travel[keep],
        endosteal_xy_mm=inner,
        periosteal_xy_mm=outer,
        endosteal_rho_mm=np.hypot(inner[..., 0], inner[..., 1]),
        periosteal_rho_mm=np.hypot(outer[..., 0], outer[..., 1]),
        native_wall_mm=np.ascontiguousarray(native_wall_mm[keep], np.float64),
        endosteal_edges=inner_edges,
        periosteal_edges=outer_edges,
        canal_mm2=area,
        seen_rad=np.nansum(inner_edges[..., 3], axis=1),
        quarter_lps=frame,
    )


def _frame(canal: Canal, axis: ToolAxis) -> FloatArray:
    """Return (2, 3): anterior as scanned across the axis at the entry, and its partner."""
    d = axis.direction_lps
    u = canal.axis.u_lps[0] - (canal.axis.u_lps[0] @ d) * d
    x = u / np.linalg.norm(u)
    return np.stack([x, np.cross(d, x)])


def _travel(canal: Canal, axis: ToolAxis) -> FloatArray:
    """Return the travel (m,) at which the axis pierces each section plane."""
    points, normals = canal.axis.points_lps, canal.axis.s_lps
    travel = np.einsum("ij,ij->i", points - axis.entry_lps, normals) / (normals @ axis.direction_lps)
    if axis.bow_radius_mm is None:
        return travel
    for _ in range(_NEWTON_STEPS):
        angle = travel[:, None] / axis.bow_radius_mm
        tangent = np.cos(angle) * axis.direction_lps + np.sin(angle) * axis.bow_centre_lps
        miss = np.einsum("ij,ij->i", axis.point_at(travel) - points, normals)
        travel = travel - miss / np.einsum("ij,ij->i", tangent, normals)
    return travel


def _across(points_lps: FloatArray, axis: ToolAxis, frame: FloatArray) -> FloatArray:
    """Return points (..., 3) as coordinates (..., 2) across the axis."""
    offset = points_lps - axis.entry_lps
    if axis.bow_radius_mm is None or axis.bow_centre_lps is None:
        return np.ascontiguousarray(offset @ frame.T)
    radius, centre = axis.bow_radius_mm, axis.bow_centre_lps
    sideways = np.cross(axis.direction_lps, centre)
    inward = radius - np.hypot(radius - offset @ centre, offset @ axis.direction_lps)
    flat = inward[..., None] * centre + (offset @ sideways)[..., None] * sideways
    return np.ascontiguousarray(flat @ frame.T)


def _edges(xy: FloatArray) -> NDArray[np.float64]:
    """Return per edge (m, n, 4): nearest and farthest squared distance, half cross product, angle."""
    start, end = xy, np.roll(xy, -1, axis=1)
    step = end - start
    rho2 = np.einsum("mni,mni->mn", start, start)
    rho2_end = np.roll(rho2, -1, axis=1)
    cross = start[..., 0] * end[..., 1] - start[..., 1] * end[..., 0]
    dot = np.einsum("mni,mni->mn", start, end)
    length2 = np.einsum("mni,mni->mn", step, step)
    ends = np.minimum(rho2, rho2_end)
    with np.errstate(invalid="ignore", divide="ignore"):
        foot_between = (rho2 - dot > 0) & (rho2_end - dot > 0)
        nearest = np.where(foot_between, cross**2 / length2, ends)
    return np.ascontiguousarray(np.stack([nearest, np.maximum(rho2, rho2_end), cross / 2, np.arctan2(cross, dot)], -1))
