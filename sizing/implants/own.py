"""Bring your own implant: a mesh (STL, 3MF, STEP) or a section table (CSV), checked and turned into a template.

Expected frame: origin on the stem's axis at the collar's seat, +z along the axis towards the tip, mm. What
lies at z < 0 is collar and adapter; it is not measured.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sizing.errors import InputError
from sizing.geometry import FloatArray
from sizing.implants.custom_settings import SHORTEST_STEM_MM
from sizing.implants.model import Fixation, ImplantTemplate, Preparation, Provenance
from sizing.implants.shape import StemShape
from sizing.implants.shape_table import read_table

if TYPE_CHECKING:
    import trimesh

# A bone-anchored stem: shorter or longer, thinner or thicker is another part, or another unit.
LENGTH_MM = (SHORTEST_STEM_MM, 300.0)
WIDTH_MM = (5.0, 45.0)
_OTHER_UNITS = (("metres", 1000.0), ("inches", 25.4), ("cm", 10.0))
_STEP_MM = 1.0
_N_ANGLES = 128
# Facets of the seat and of the tip's end lie exactly in a cutting plane; cut this much inside.
_INSIDE_MM = 1e-3
# The kernel's facets leave the exact surface by no more than this.
_STEP_FACET_MM = 0.005


def implant_from_file(path: Path, *, last_reamer_mm: float | None = None) -> ImplantTemplate:
    """Read an implant of one's own.

    Parameters
    ----------
    path : Path
        ``.stl``, ``.3mf``, ``.step``/``.stp`` (with the extra ``[cad]``), or a ``.csv`` table of sections or contours
        as ``canalfit custom`` writes them.
    last_reamer_mm : float, optional
        Diameter of the last reamer; default: the stem's narrowest width along its body.

    Raises
    ------
    InputError
        CF-I050 to CF-I055: not readable, open, inverted, of implausible size, off its axis, a bad table; with the
        file and what was measured.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        shape = read_table(path)
    elif suffix in (".stl", ".3mf", ".step", ".stp"):
        shape = _from_mesh(_load(path, suffix), path.name)
    else:
        raise InputError("CF-I050", "this file type holds no implant", where=path.name,
                         expected="STL, 3MF, STEP or a CSV section table")  # fmt: skip
    phi = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    radius = shape.radius_mm(shape.station_mm, phi)
    widest = radius.max(axis=1)
    _plausible(shape.length_mm, 2 * float(widest.max()), path.name)
    body = shape.station_mm <= 0.8 * shape.length_mm
    reamer = last_reamer_mm or 2 * float(radius[body].min())
    return ImplantTemplate(
        family_id="own",
        part_number=path.stem,
        fixation=Fixation.PRESS_FIT,
        diameter_mm=2 * float(widest.max()),
        length_mm=shape.length_mm,
        profile_mm=np.stack([shape.station_mm, widest], axis=1),
        preparation=Preparation.UNDER_REAM,
        provenance=Provenance(f"file of the user: {path.name}", "custom", "", "checked for frame and scale only"),
        diametral_under_ream_mm=max(0.0, 2 * float(widest.max()) - reamer),
        bow_radius_mm=shape.bow_radius_mm,
        shape=shape,
    )


def _plausible(length_mm: float, width_mm: float, name: str) -> None:
    for what, value, (low, high) in (("length", length_mm, LENGTH_MM), ("width", width_mm, WIDTH_MM)):
        if low <= value <= high:
            continue
        units = [unit for unit, factor in _OTHER_UNITS if low <= value * factor <= high]
        hint = f"It looks like {' or '.join(units)}; write it in mm" if units else "Check unit and frame"
        raise InputError("CF-I051", f"the implant's {what} is not that of a stem", where=name,
                         measured=f"{value:.4g} mm", expected=f"{low:g} to {high:g} mm", advice=hint)  # fmt: skip


def _load(path: Path, suffix: str) -> trimesh.Trimesh:
    import trimesh

    try:
        if suffix in (".step", ".stp"):
            from sizing.implants.cad import mesh_of_step

            vertices, faces = mesh_of_step(path, _STEP_FACET_MM)
            mesh: Any = trimesh.Trimesh(vertices, faces)
        else:
            mesh = trimesh.load(path, force="mesh")
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError("CF-I050", "this file cannot be read as a solid", where=path.name,
                         advice=f"The reader says: {error}") from error  # fmt: skip
    if not len(getattr(mesh, "faces", ())):
        raise InputError("CF-I050", "this file holds no surface", where=path.name)
    mesh.merge_vertices()
    return mesh


def _from_mesh(mesh: trimesh.Trimesh, name: str) -> StemShape:
    if not mesh.is_watertight:
        edges = mesh.edges_sorted[np.asarray(_open_edges(mesh))]
        where = mesh.vertices[edges.ravel()].mean(axis=0) if len(edges) else mesh.centroid
        raise InputError("CF-I052", "the implant's surface is open", where=name,
                         measured=f"{len(edges)} open edges, about {np.array2string(where, precision=1)} mm",
                         expected="a closed surface", advice="Repair it in the program that made it")  # fmt: skip
    if mesh.volume <= 0:
        raise InputError("CF-I053", "the implant's surface is turned inside out", where=name,
                         measured=f"volume {mesh.volume:.0f} mm3", expected="above 0",
                         advice="Flip its normals")  # fmt: skip
    low, high = mesh.bounds
    _plausible(float(high[2]), float(max(high[0] - low[0], high[1] - low[1])), name)
    station = np.linspace(0.0, high[2], max(2, round(high[2] / _STEP_MM) + 1))
    cuts = np.clip(station, _INSIDE_MM, high[2] - _INSIDE_MM)
    radius = np.stack([_section_radius(mesh, z, name) for z in cuts])
    zero = np.zeros(len(station))
    extent = np.stack([radius.max(axis=1), radius.min(axis=1)], axis=1)
    return StemShape(station, extent, zero + 2.0, zero, np.zeros((len(station), 2)), radius)


def _open_edges(mesh: trimesh.Trimesh) -> FloatArray:
    import trimesh

    return trimesh.grouping.group_rows(mesh.edges_sorted, require_count=1)


def _section_radius(mesh: trimesh.Trimesh, z_mm: float, name: str) -> FloatArray:
    """Outermost crossing of each ray (n,) from the axis with the section at a height."""
    import trimesh

    segments = trimesh.intersections.mesh_plane(mesh, (0, 0, 1), (0, 0, z_mm))[..., :2]
    phi = np.arange(_N_ANGLES) * (2 * np.pi / _N_ANGLES)
    ray = np.stack([np.cos(phi), np.sin(phi)], axis=1)
    start, step = segments[:, 0], segments[:, 1] - segments[:, 0]
    # p + t d = r e: two linear equations per (ray, segment).
    cross = ray[:, None, 0] * step[None, :, 1] - ray[:, None, 1] * step[None, :, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (start[:, 0] * step[:, 1] - start[:, 1] * step[:, 0])[None] / cross
        t = (start[None, :, 0] * ray[:, None, 1] - start[None, :, 1] * ray[:, None, 0]) / cross
    hit = (t >= -1e-9) & (t <= 1 + 1e-9) & (r > 0)
    radius = np.where(hit, r, -np.inf).max(axis=1, initial=-np.inf)
    if not np.isfinite(radius).all():
        raise InputError(
            "CF-I054",
            "the implant does not surround its axis",
            where=f"{name}, {z_mm:.1f} mm from the seat",
            measured=f"{np.isinf(radius).sum()} of {_N_ANGLES} directions without a surface",
            expected="origin on the axis at the collar's seat, +z towards the tip",
            advice="Move and turn it into this frame",
        )
    return radius
