"""A canal seen along an axis: every contour in the plane across the axis, every level by its travel.

Whatever a stem or a tool on that axis does is then plane geometry: its section is a circle about
the origin. Distances from the axis are exact for a straight axis and for a circular arc.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from sizing import _fit
from sizing.canal.gaps import bridge_gaps
from sizing.canal.model import Canal
from sizing.geometry import FloatArray, frozen_array
from sizing.reaming.across import across_lps
from sizing.reaming.model import ToolAxis

# Newton steps to meet a section plane with an arc: the start is good to a sagitta (a few mm) and
# the error is squared each time, so three are enough for 1e-9 mm.
_NEWTON_STEPS = 3
# A level is scaled up from its measured rays when they span at least this share of a turn; a cortical
# defect or a nutrient foramen is narrower, a level cut by the edge of the scan is not.
LEAST_SEEN = 0.75
# A search bridges gaps up to nearly half a turn: a bridge over more would be invented.
_LEAST_BRIDGED = 0.45


@dataclass(frozen=True)
class Contours:
    """The surfaces of a canal in LPS, computed once for many views: (m, n, 3), the native wall (m, n).

    The bridged ones have no gaps where most of a level is measured: an axis must not lean out through a
    hole in the wall because nobody asks for room there. No number is ever reported from them.
    """

    endosteal_lps: FloatArray
    periosteal_lps: FloatArray
    native_wall_mm: FloatArray
    endosteal_bridged_lps: FloatArray
    periosteal_bridged_lps: FloatArray

    @classmethod
    def of(cls, canal: Canal, native_wall_mm: FloatArray) -> Contours:
        """Gather them; the native wall is ``sizing.canal.cortical_thickness(canal)``."""
        inner, outer = canal.contour_lps("endosteal"), canal.contour_lps("periosteal")
        whole = canal if canal.measured.all() else _bridged(canal)
        return cls(
            frozen_array(inner),
            frozen_array(outer),
            frozen_array(native_wall_mm),
            frozen_array(whole.contour_lps("endosteal")),
            frozen_array(whole.contour_lps("periosteal")),
        )

    @cached_property
    def rough(self) -> Contours:
        """Every second level and ray: enough to compare poses, not to report numbers."""
        return Contours(*(frozen_array(getattr(self, f.name)[::2, ::2]) for f in fields(self)))


@dataclass(frozen=True)
class AxisView:
    """One canal along one axis, m levels, n rays.

    Attributes
    ----------
    axis : ToolAxis
    travel_mm : (m,) array
        Where the axis pierces each section, from the entry.
    frame_lps : (3, 3) array
        Rows: direction at the entry, x across it (``across_lps``), y = direction x x.
    endosteal_xy_mm, periosteal_xy_mm : (m, n, 2) arrays
        Contours across the axis, along x and y.
    endosteal_rho_mm, periosteal_rho_mm : (m, n) arrays
        Distance of the contour points from the axis.
    native_wall_mm : (m, n) array
        Wall before reaming, normal to the surface.
    endosteal_edges, periosteal_edges : (m, n, 4) arrays
        What the kernel wants to know of each edge.
    canal_mm2, bone_mm2 : (m,) arrays
        Area across the axis inside the endosteum, and inside the periosteum.
    endosteal_whole, periosteal_whole : (m,) arrays
        Full turn over the measured angle of a contour, by which its areas and arcs are scaled up; 1
        where all rays are known, NaN where so much is missing that nothing can be told.
    """

    axis: ToolAxis
    frame_lps: FloatArray
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
    bone_mm2: FloatArray
    endosteal_whole: FloatArray
    periosteal_whole: FloatArray

    def discs(self, radius_mm: FloatArray, surface: str = "endosteal") -> tuple[FloatArray, FloatArray, FloatArray]:
        """Intersect discs of q radii (q, m) about the axis with one surface.

        Returns
        -------
        area_mm2, arc_rad, reach_mm_rad : (q, m) arrays
            Area inside the contour; angle over which the contour is nearer than the radius; the
            integral of the contour's distance over that angle; all scaled up from the measured part
            (see ``endosteal_whole``). NaN where the radius is NaN or too little is measured.
        """
        radius = np.ascontiguousarray(radius_mm, np.float64)
        out = tuple(np.empty(radius.shape) for _ in range(3))
        xy, edges = getattr(self, f"{surface}_xy_mm"), getattr(self, f"{surface}_edges")
        _fit.disc_sums(xy, edges, radius, *out)
        area, arc, reach = (values * getattr(self, f"{surface}_whole") for values in out)
        return area, arc, reach

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

    def blind_mm(self) -> float:
        """Return the travel up to which no level stands for the bone; 0 where the canal begins at the cut."""
        t = self.travel_mm
        return max(0.0, float(t[0] - ((t[1] - t[0]) / 2 if len(t) > 1 else 0.0)))

    def depth_at(self, travel_mm: float) -> float:
        """Return the canal's depth at a travel; linear beyond the last level."""
        t, d = self.travel_mm, self.depth_mm
        return float(np.interp(travel_mm, t, d) + max(0.0, travel_mm - t[-1]) - max(0.0, t[0] - travel_mm))


def view_along(canal: Canal, axis: ToolAxis, contours: Contours, max_travel_mm: float = np.inf) -> AxisView:
    """Project a canal's contours on the plane across an axis.

    Parameters
    ----------
    canal : Canal
        As measured.
    axis : ToolAxis
        Straight or a circular arc.
    contours : Contours
        The canal's surfaces, from ``Contours.of(canal)``.
    max_travel_mm : float
        Levels beyond are left out.
    """
    travel = _travel(canal, axis)
    m = max(1, int(np.searchsorted(travel, max_travel_mm, "right")))
    frame = axis_frame(canal, axis)
    inner, inner_rho, _ = across(contours.endosteal_lps[:m], axis, frame)
    outer, outer_rho, _ = across(contours.periosteal_lps[:m], axis, frame)
    inner_edges, outer_edges = _edges(inner, inner_rho), _edges(outer, outer_rho)
    inner_whole, outer_whole = _whole(inner_edges), _whole(outer_edges)
    return AxisView(
        axis=axis,
        frame_lps=frame,
        depth_mm=canal.axis.depth_mm[:m],
        travel_mm=travel[:m],
        endosteal_xy_mm=inner,
        periosteal_xy_mm=outer,
        endosteal_rho_mm=inner_rho,
        periosteal_rho_mm=outer_rho,
        native_wall_mm=contours.native_wall_mm[:m],
        endosteal_edges=inner_edges,
        periosteal_edges=outer_edges,
        canal_mm2=np.nansum(inner_edges[..., 2], axis=1) * inner_whole,
        bone_mm2=np.nansum(outer_edges[..., 2], axis=1) * outer_whole,
        endosteal_whole=inner_whole,
        periosteal_whole=outer_whole,
    )


def axis_frame(canal: Canal, axis: ToolAxis) -> FloatArray:
    """Return (3, 3): direction at the entry, zero direction across, and their partner."""
    x = across_lps(canal, axis)
    return np.stack([axis.direction_lps, x, np.cross(axis.direction_lps, x)])


def across(points_lps: FloatArray, axis: ToolAxis, frame: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Put points (m, n, 3) across an axis: coordinates (m, n, 2), distance (m, n) and travel (m, n)."""
    shape = points_lps.shape[:2]
    xy, rho, travel = np.empty((*shape, 2)), np.empty(shape), np.empty(shape)
    _fit.across_axis(points_lps, axis.entry_lps, frame, axis.bow_radius_mm or 0.0, xy, rho, travel)
    return xy, rho, travel


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


def _bridged(canal: Canal) -> Canal:
    inner = bridge_gaps(canal.endosteal_radius_mm, canal.theta_rad, _LEAST_BRIDGED)
    outer = bridge_gaps(canal.periosteal_radius_mm, canal.theta_rad, _LEAST_BRIDGED)
    return replace(canal, endosteal_radius_mm=inner, periosteal_radius_mm=outer)


def _edges(xy: FloatArray, rho: FloatArray) -> FloatArray:
    edges = np.empty((*rho.shape, 4))
    _fit.contour_edges(xy, rho, edges)
    return edges


def _whole(edges: FloatArray) -> FloatArray:
    """Return full turn over measured angle (m,); NaN below the least share."""
    seen = np.nansum(edges[..., 3], axis=1) / (2 * np.pi)
    return np.divide(1.0, seen, out=np.full(len(edges), np.nan), where=seen >= LEAST_SEEN)
