"""Sections of a canal at any depth: frames, smooth contours, and the volume element between sections.

Between levels a point is X(z, x, y) = P(z) + x u(z) + y v(z). Its volume element is

    dV = (w0 + wu x + wv y) dx dy dz,     w0 = s . P',  wu = s . u',  wv = s . v',

so that in a bowed canal the concave side counts for less and the convex side for more (Pappus), also for
a hole that lies off the axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.canal.model import Canal
from sizing.geometry import FloatArray, unit_rows
from sizing.reaming.stencils import Stencils, stencils


@dataclass(frozen=True)
class SectionStack:
    """k sections at chosen depths.

    Attributes
    ----------
    depth_mm : (k,) array
    points_lps, s_lps, u_lps, v_lps : (k, 3) arrays
        Section frames, orthonormal.
    endosteal_mm, periosteal_mm, marrow_mm : (k, n) arrays
        Radii on the canal's rays; NaN where not measured. Marrow = endosteum where no layer is known.
    volume_element : (k, 3) array
        w0, wu, wv.
    cut_plane : (k, 3) array
        Height over the resection plane at the section's origin, and its change along u and v.
    """

    depth_mm: FloatArray
    points_lps: FloatArray
    s_lps: FloatArray
    u_lps: FloatArray
    v_lps: FloatArray
    endosteal_mm: FloatArray
    periosteal_mm: FloatArray
    marrow_mm: FloatArray
    volume_element: FloatArray
    cut_plane: FloatArray


def sections_at(canal: Canal, depth_mm: FloatArray) -> SectionStack:
    """Interpolate a canal at depths (k,): cubics along the bone, straight lines next to unmeasured rays."""
    a = canal.axis
    fine, plain = stencils(a.depth_mm, depth_mm), stencils(a.depth_mm, depth_mm, points=2)
    points = fine.value(a.points_lps)
    s = unit_rows(fine.value(a.s_lps))
    u = fine.value(a.u_lps)
    u = unit_rows(u - np.einsum("ij,ij->i", u, s)[:, None] * s)
    v = np.cross(s, u)
    element = np.stack([np.einsum("ij,ij->i", s, fine.slope(x)) for x in (a.points_lps, a.u_lps, a.v_lps)], axis=1)
    if len(a) == 1:
        element = np.tile([1.0, 0.0, 0.0], (len(depth_mm), 1))
    inner, outer = (_radii(fine, plain, r) for r in (canal.endosteal_radius_mm, canal.periosteal_radius_mm))
    marrow = inner
    if canal.marrow_radius_mm is not None:
        marrow = _radii(fine, plain, canal.marrow_radius_mm)
        # Where the layer cannot be told, none is claimed: everything inside the endosteum is canal content.
        marrow = np.where(np.isfinite(marrow), marrow, inner)
    plane = canal.resection
    assert plane is not None  # set by Canal at birth
    cut = np.stack([plane.signed_distance_mm(points), u @ plane.normal_lps, v @ plane.normal_lps], axis=1)
    return SectionStack(depth_mm, points, s, u, v, inner, outer, marrow, element, cut)


def _radii(fine: Stencils, plain: Stencils, radius: FloatArray) -> FloatArray:
    smooth = fine.value(radius)
    return np.where(np.isfinite(smooth), smooth, plain.value(radius))
