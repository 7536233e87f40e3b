"""Largest circle inside star-shaped contours, from Voronoi vertices: exact, and kin to no other code here."""

from __future__ import annotations

import numpy as np

from sizing.geometry import FloatArray


def inscribed_circles(radius_mm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return centres (m, 2) and radii (m,) of the largest circles inside contours (m, n) at equal angles.

    The centre of the largest empty circle is a vertex of the Voronoi diagram of the contour's points.
    Between the points a circle may reach over the curve by ``spacing^2 / 8 * (1 / r - curvature)``.
    """
    found = [_largest(radius) for radius in radius_mm]
    return np.array([centre for centre, _ in found]), np.array([radius for _, radius in found])


def _largest(radius_mm: FloatArray) -> tuple[FloatArray, float]:
    from scipy.spatial import Voronoi, cKDTree

    n = len(radius_mm)
    theta = np.arange(n) * (2 * np.pi / n)
    xy = radius_mm[:, None] * np.stack([np.cos(theta), np.sin(theta)], axis=-1)
    vertices = Voronoi(xy).vertices
    angle = np.mod(np.arctan2(vertices[:, 1], vertices[:, 0]), 2 * np.pi)
    limit = np.interp(angle, np.append(theta, 2 * np.pi), np.append(radius_mm, radius_mm[0]))
    inside = vertices[np.hypot(vertices[:, 0], vertices[:, 1]) < limit]
    distance, _ = cKDTree(xy).query(inside)
    best = int(distance.argmax())
    return inside[best], float(distance[best])
