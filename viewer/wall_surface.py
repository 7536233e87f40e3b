"""The wall as a field on the bone's surface: a PLY whose vertices carry it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sizing.canal import Canal, cortical_thickness
from sizing.geometry import FloatArray
from viewer.mesh import Triangles, grid_triangles

# Properties of a vertex, in this order, each float32: place (mm, DICOM LPS), wall and its standard error (mm), HU of
# the cortex, and where the vertex lies on the canal.
PROPERTIES = ("x", "y", "z", "wall_mm", "wall_se_mm", "cortex_hu", "depth_mm", "theta_rad")


def write_wall_ply(canal: Canal, path: Path) -> bool:
    """Write the endosteal surface with the wall at each vertex (binary PLY, mm, LPS); False if nothing is measured.

    Only measured rays become vertices, and only patches with four measured corners become triangles: where the wall
    cannot be told, there is a hole. A standard error or HU that is not known is NaN.
    """
    points, triangles, values = wall_surface(canal)
    if not len(triangles):
        return False
    vertices = np.concatenate([points, values], axis=1).astype("<f4")
    faces = np.empty(len(triangles), dtype=[("n", "u1"), ("corners", "<i4", 3)])
    faces["n"], faces["corners"] = 3, triangles
    header = "\n".join([
        "ply", "format binary_little_endian 1.0",
        "comment canalfit: endosteal surface with the wall normal to it, mm, DICOM LPS, research use only",
        f"element vertex {len(vertices)}", *(f"property float {name}" for name in PROPERTIES),
        f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header", "",
    ])  # fmt: skip
    path.write_bytes(header.encode("ascii") + vertices.tobytes() + faces.tobytes())
    return True


def wall_surface(canal: Canal) -> tuple[FloatArray, Triangles, FloatArray]:
    """Return LPS points (k, 3), triangles, and the further PROPERTIES (k, 5) of every measured vertex."""
    wall = cortical_thickness(canal)
    m, n = wall.shape
    unknown = np.full((m, n), np.nan)
    inner, outer = canal.endosteal_se_mm, canal.periosteal_se_mm
    fields = (
        wall,
        unknown if inner is None or outer is None else np.hypot(inner, outer),
        unknown if canal.cortex_hu is None else canal.cortex_hu,
        np.broadcast_to(canal.axis.depth_mm[:, None], (m, n)),
        np.broadcast_to(canal.theta_rad, (m, n)),
    )
    known = np.isfinite(wall).ravel()
    number = np.cumsum(known) - 1
    grid = grid_triangles(m, n).reshape(2, -1, 3)  # both halves of each patch
    whole = known[grid].all(axis=(0, 2))
    triangles = number[grid[:, whole].reshape(-1, 3)].astype(np.int32)
    # rows advance along s, points turn from u to v: outward normals point into the wall
    values = np.stack([f.ravel()[known] for f in fields], axis=-1)
    return canal.contour_lps().reshape(-1, 3)[known], triangles, values
