"""The bodies of a plan as meshes: bone, canal, reamed canal, implant; written as STL for engineers."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from sizing.canal.model import Canal
from sizing.findings import Finding, Level
from sizing.fit.model import Fit
from sizing.geometry import FloatArray
from sizing.planning import ImplantationPlan
from sizing.reaming.model import ReamerPass
from viewer.contours import stem_frame, stem_outline
from viewer.mesh import Mesh, fan, grid_triangles, solid_of_rings, tidy, wall_of_rings, write_stl
from viewer.stem_frame import StemFrame
from viewer.wall_surface import write_wall_ply

IMPLANT_ANGLES = 96  # a 20 mm stem then deviates by less than 0.006 mm from its circle
ARC_STEP_MM = 2.0  # along a bowed stem: 0.001 mm of sagitta at a bow of 500 mm


def known_levels(canal: Canal) -> slice:
    """Return the levels from the first to the last whose surfaces are known all round."""
    whole = np.flatnonzero(canal.measured.all(axis=1))
    return slice(int(whole[0]), int(whole[-1]) + 1) if len(whole) > 1 else slice(0, 0)


def rings(canal: Canal, radius_mm: FloatArray) -> FloatArray:
    """Return LPS points (m, n, 3) at radii (m, n) along the canal's rays."""
    a, theta = canal.axis, canal.theta_rad
    across = np.cos(theta)[:, None] * a.u_lps[:, None] + np.sin(theta)[:, None] * a.v_lps[:, None]
    return a.points_lps[:, None] + radius_mm[..., None] * across


def bone_mesh(canal: Canal) -> Mesh:
    """Return the cortical wall between both measured surfaces."""
    k = known_levels(canal)
    return wall_of_rings(
        "bone", rings(canal, canal.endosteal_radius_mm)[k], rings(canal, canal.periosteal_radius_mm)[k]
    )


def canal_mesh(canal: Canal) -> Mesh:
    """Return the native canal as a solid."""
    k = known_levels(canal)
    return solid_of_rings("canal", rings(canal, canal.endosteal_radius_mm)[k], canal.axis.points_lps[k])


def reamed_canal_mesh(fit: Fit) -> Mesh | None:
    """Return the canal after the last tool as a solid; None where the fit was not reamed."""
    if fit.reamed is None:
        return None
    canal = fit.reamed.canal
    k = known_levels(canal)
    return solid_of_rings("reamed_canal", rings(canal, fit.reamed.bore_radius_mm)[k], canal.axis.points_lps[k])


def implant_mesh(fit: Fit, canal: Canal) -> Mesh:
    """Return the implant in its place: its profile turned about its own axis, threads as their crest."""
    if fit.implant.shape is not None:
        return _shaped_mesh(fit)
    return _turned("implant", stem_frame(fit, canal), _refined(_half_outline(fit)))


def _turned(name: str, frame: StemFrame, outline: FloatArray) -> Mesh:
    """Turn an outline (m, 2) of radius and station about an axis; closed with a fan at both ends."""
    m, n = len(outline), IMPLANT_ANGLES
    turn = np.arange(n) * 2.0 * np.pi / n
    radius, station = outline[:, :1], outline[:, 1:]
    body = frame.to_lps(radius * np.sin(turn), radius * np.cos(turn), station)
    ends = frame.to_lps(0.0, 0.0, outline[[0, -1], 1])
    points = np.concatenate([body.reshape(-1, 3), ends])
    last = np.arange((m - 1) * n, m * n)
    triangles = np.concatenate(
        [grid_triangles(m, n), fan(np.arange(n), m * n, up=False), fan(last, m * n + 1, up=True)]
    )
    return tidy(name, points, triangles)


def reamer_mesh(a_pass: ReamerPass, canal: Canal) -> Mesh:
    """Return the way of a straight or bowed tool: a cylinder from the cut to its depth."""
    frame = StemFrame.of(a_pass.axis, canal.axis.u_lps[0])
    r = a_pass.reamer.diameter_mm / 2.0
    return _turned("reamer", frame, _refined(np.array([(r, 0.0), (r, a_pass.depth_mm)])))


def _shaped_mesh(fit: Fit) -> Mesh:
    """A stem with a section table: the solid that is made, moved to its place."""
    from sizing.implants.solid import implant_solid, solid_mesh  # trimesh: only where such a stem is drawn

    solid, pose = solid_mesh(implant_solid(fit.implant)), fit.placement.implant_to_lps
    return Mesh("implant", solid.vertices @ pose[:3, :3].T + pose[:3, 3], solid.faces.astype(np.int32))


def _half_outline(fit: Fit) -> FloatArray:
    outline = stem_outline(fit.implant)
    half = outline[: len(outline) // 2]
    tip = half[-1]
    return half[:-1] if tip[0] <= 1e-6 and len(half) > 2 else half  # the tip itself is the fan's centre


def _refined(outline: FloatArray) -> FloatArray:
    """Add stations, so that a bowed stem is followed; the outline stays the same."""
    pieces = []
    for a, b in pairwise(outline):
        n = max(1, int(np.ceil(abs(b[1] - a[1]) / ARC_STEP_MM)))
        pieces.append(a + (b - a) * (np.arange(n) / n)[:, None])
    return np.vstack([*pieces, outline[-1:]])


def bodies(plan: ImplantationPlan) -> tuple[Mesh, ...]:
    """Return every body of a plan that is known."""
    found: list[Mesh | None] = [bone_mesh(plan.canal), canal_mesh(plan.canal)]
    if plan.chosen is not None:
        found += [reamed_canal_mesh(plan.chosen), implant_mesh(plan.chosen, plan.canal)]
    return tuple(m for m in found if m is not None and len(m.triangles))


def write_meshes(plan: ImplantationPlan, folder: Path) -> tuple[Finding, ...]:
    """Write ``bone.stl``, ``canal.stl``, ``reamed_canal.stl``, ``implant.stl`` and ``wall.ply`` (binary, mm, LPS).

    Returns
    -------
    tuple of Finding
        ``CF-V002``: a body is open because the scan does not show its surface all round.
    """
    meshes = bodies(plan)
    for mesh in meshes:
        write_stl(mesh, folder / f"{mesh.name}.stl")
    write_wall_ply(plan.canal, folder / "wall.ply")
    holed = ", ".join(f"{mesh.name}.stl" for mesh in meshes if not mesh.closed)
    if not holed:
        return ()
    return (
        Finding(
            Level.INFO,
            "CF-V002",
            f"{holed}: open where the scan does not tell the surface.",
            "Do not take a volume from it.",
        ),
    )
