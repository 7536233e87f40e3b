"""Borders of colour bands as lines on a surface, so that colour alone never carries a limit. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

import viewer.style as style
from sizing.geometry import FloatArray
from viewer.mesh import Mesh
from viewer.pane import Band

# The three edges of a triangle, as pairs of its corners.
EDGES = ((0, 1), (1, 2), (2, 0))


@dataclass(frozen=True)
class Isolines:
    """Line segments (k, 2, 3) in LPS mm: where the warm colours begin, and the other borders of bands."""

    limit_lps: FloatArray
    borders_lps: FloatArray


def isolines(meshes: list[tuple[Mesh, tuple[Band, ...]]]) -> Isolines:
    """Return the borders of the bands of every coloured mesh."""
    limit: list[FloatArray] = [np.zeros((0, 2, 3))]
    borders: list[FloatArray] = [np.zeros((0, 2, 3))]
    warm = {style.rgb(style.WARM), style.rgb(style.DEEP_WARM)}
    for mesh, bands in meshes:
        surface = ValuedTriangles.of(mesh)
        for below, above in pairwise(bands):
            is_limit = below.rgb in warm and above.rgb not in warm
            (limit if is_limit else borders).append(surface.crossings(above.low))
    return Isolines(np.concatenate(limit), np.concatenate(borders))


@dataclass(frozen=True)
class ValuedTriangles:
    """The triangles of a mesh whose three values are known, prepared for many crossings.

    Attributes
    ----------
    corners : (t, 3) array
        Indices into the points.
    points_lps : (k, 3) array
    values : (k,) array
    least, greatest : (t,) arrays
        Of the three corners; NaN where one is unknown.
    """

    corners: NDArray[np.int32]
    points_lps: FloatArray
    values: FloatArray
    least: FloatArray
    greatest: FloatArray

    @staticmethod
    def of(mesh: Mesh) -> ValuedTriangles:
        """Prepare a mesh; triangles at unknown values are left out."""
        assert mesh.values is not None
        corners = mesh.triangles
        a, b, c = (mesh.values[corners[:, k]] for k in range(3))
        least, greatest = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)  # NaN stays NaN
        return ValuedTriangles(corners, mesh.points_lps, mesh.values, least, greatest)

    def crossings(self, value: float) -> FloatArray:
        """Return the segments (k, 2, 3) on which the surface takes a value, linear within each triangle."""
        mixed = (self.least < value) & (self.greatest >= value)
        corners = self.corners[mixed]
        v = self.values[corners]
        above = v >= value
        crossed = np.stack([above[:, a] != above[:, b] for a, b in EDGES], axis=1)  # exactly two of three
        first, second = np.where(crossed[:, 0], 0, 1), np.where(crossed[:, 2], 2, 1)
        rows, edge = np.arange(len(v)), np.array(EDGES)
        ends = []
        for e in (first, second):
            i, j = edge[e, 0], edge[e, 1]
            share = (value - v[rows, i]) / (v[rows, j] - v[rows, i])
            p, q = self.points_lps[corners[rows, i]], self.points_lps[corners[rows, j]]
            ends.append(p + share[:, None] * (q - p))
        return np.stack(ends, axis=1)
