"""Triangles built straight from contours and profiles: no grids, no booleans, outward orientation by construction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import FloatArray

Triangles = NDArray[np.int32]


@dataclass(frozen=True)
class Mesh:
    """Triangles of one body.

    Attributes
    ----------
    name : str
    points_lps : (k, 3) array
    triangles : (t, 3) int32 array
        Counter-clockwise seen from outside.
    values : (k,) array or None
        What the colours show at the points; NaN = cannot tell.
    """

    name: str
    points_lps: FloatArray
    triangles: Triangles
    values: FloatArray | None = None

    @property
    def closed(self) -> bool:
        """Every edge is shared by exactly two triangles that run along it in opposite directions."""
        t = self.triangles.astype(np.int64)
        start, end = np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]]).T
        n = len(self.points_lps)
        forth, back = np.sort(start * n + end), np.sort(end * n + start)
        return len(t) > 0 and bool((np.diff(forth) > 0).all()) and np.array_equal(forth, back)

    @property
    def volume_mm3(self) -> float:
        """Enclosed volume; meaningful only if closed, positive if oriented outwards."""
        a, b, c = (self.points_lps[self.triangles[:, k]] for k in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def grid_triangles(m: int, n: int, *, wrap: bool = True, first: int = 0) -> Triangles:
    """Return the triangles of a sheet of m rows of n points; rows advance along s, points turn from u to v."""
    i, j = np.meshgrid(np.arange(m - 1), np.arange(n if wrap else n - 1), indexing="ij")
    k = (j + 1) % n
    a, b, c, d = (first + r * n + q for r, q in ((i, j), (i, k), (i + 1, k), (i + 1, j)))
    return np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))]).astype(np.int32)


def fan(ring: NDArray[np.intp], centre: int, *, up: bool) -> Triangles:
    """Close a ring with a fan about a centre; ``up``: the fan looks along s."""
    nxt = np.roll(ring, -1)
    pair = (ring, nxt) if up else (nxt, ring)
    return np.stack([np.full(len(ring), centre), *pair], axis=1).astype(np.int32)


def strip(inner: NDArray[np.intp], outer: NDArray[np.intp], *, up: bool) -> Triangles:
    """Close the gap between two rings of equal length; ``up``: the strip looks along s."""
    i2, o2 = np.roll(inner, -1), np.roll(outer, -1)
    faces = np.concatenate([np.stack([inner, outer, o2], 1), np.stack([inner, o2, i2], 1)])
    return (faces if up else faces[:, ::-1]).astype(np.int32)


def solid_of_rings(name: str, rings: FloatArray, centres: FloatArray) -> Mesh:
    """Return the body inside rings (m, n, 3), flat at both ends; triangles at unknown points are left out."""
    m, n, _ = rings.shape
    points = np.concatenate([rings.reshape(-1, 3), centres[[0, -1]]])
    last = np.arange((m - 1) * n, m * n)
    triangles = np.concatenate(
        [grid_triangles(m, n), fan(np.arange(n), m * n, up=False), fan(last, m * n + 1, up=True)]
    )
    return tidy(name, points, triangles)


def wall_of_rings(name: str, inner: FloatArray, outer: FloatArray) -> Mesh:
    """Return the body between two sets of rings (m, n, 3), a tube with a wall, closed at both ends."""
    m, n, _ = outer.shape
    points = np.concatenate([outer.reshape(-1, 3), inner.reshape(-1, 3)])
    k = m * n
    low, high = np.arange(n), np.arange((m - 1) * n, m * n)
    triangles = np.concatenate(
        [
            grid_triangles(m, n),
            grid_triangles(m, n, first=k)[:, ::-1],
            strip(k + low, low, up=False),
            strip(k + high, high, up=True),
        ]
    )
    return tidy(name, points, triangles)


def tidy(name: str, points: FloatArray, triangles: Triangles, values: FloatArray | None = None) -> Mesh:
    """Leave out triangles at unknown points, and points that no triangle uses."""
    known = np.asarray(np.isfinite(points).all(axis=-1))
    if not known.all():
        triangles = triangles[known[triangles].all(axis=1)]
    is_used = np.zeros(len(points), bool)
    is_used[triangles] = True
    used = np.flatnonzero(is_used)
    if len(used) == len(points):
        return Mesh(name, points, triangles, values)
    new = np.full(len(points), -1, np.int32)
    new[used] = np.arange(len(used), dtype=np.int32)
    return Mesh(name, points[used], new[triangles], None if values is None else values[used])


def write_stl(mesh: Mesh, path: Path) -> None:
    """Write binary STL in millimetres, LPS; the same mesh gives the same bytes."""
    corners = mesh.points_lps[mesh.triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    record = np.zeros(len(corners), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("flag", "<u2")])
    record["normal"] = np.divide(normal, length, out=np.zeros_like(normal), where=length > 0)
    record["corners"] = corners
    header = f"canalfit {mesh.name}, mm, DICOM LPS, research use only".encode("ascii")[:80].ljust(80)
    path.write_bytes(header + np.uint32(len(record)).tobytes() + record.tobytes())
