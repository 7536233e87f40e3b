"""Meshes: closed, turned outwards, in the right place, and with the volume that the contours have on paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import example_case
import numpy as np
import pytest
import trimesh

from sizing.canal import Canal
from viewer import bodies, write_meshes
from viewer.stem_frame import StemFrame


def tube(inner_mm: float, outer_mm: float, length_mm: float, n: int = 256) -> Canal:
    depth = np.linspace(0.0, length_mm, 11)
    return Canal.from_sections(depth, [np.full(n, inner_mm)] * 11, [np.full(n, outer_mm)] * 11, n_angles=n)


def test_a_straight_tube_has_its_volume() -> None:
    canal = tube(7.0, 12.0, 100.0)
    polygon = 0.5 * 256 * np.sin(2 * np.pi / 256)  # area of the inscribed polygon of radius 1: the mesh's own shape
    assert bodies.canal_mesh(canal).volume_mm3 == pytest.approx(polygon * 49 * 100, rel=1e-9)
    assert bodies.bone_mesh(canal).volume_mm3 == pytest.approx(polygon * (144 - 49) * 100, rel=1e-9)


def test_files_are_watertight_for_an_independent_reader(tmp_path: Path) -> None:
    plan, _ = example_case.make_case()
    assert write_meshes(plan, tmp_path) == ()
    for name in ("bone", "canal", "reamed_canal", "implant"):
        mesh = trimesh.load(tmp_path / f"{name}.stl")
        assert mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0, name
        ours = next(m for m in bodies.bodies(plan) if m.name == name)
        # float32 corners: 1e-7 of 300 mm per coordinate
        assert mesh.volume == pytest.approx(ours.volume_mm3, rel=1e-4)


def test_the_implant_lies_on_its_axis_with_its_own_radius() -> None:
    for family in ("generic-pressfit-straight", "generic-pressfit-curved"):
        plan = example_case.make_plan(family=family)
        fit = plan.chosen or plan.fits[0]
        mesh = bodies.implant_mesh(fit, plan.canal)
        frame = StemFrame.of(bodies.stem_frame(fit, plan.canal).axis, plan.canal.axis.u_lps[0])
        p = frame.from_lps(mesh.points_lps)
        on_stem = (p[:, 2] > 1.0) & (p[:, 2] < fit.implant.length_mm - 1e-6)
        radius = np.hypot(p[on_stem, 0], p[on_stem, 1])
        assert np.allclose(radius, fit.implant.radius_at(p[on_stem, 2]), atol=1e-9)
        assert mesh.closed and mesh.volume_mm3 > 0


def test_an_unknown_surface_leaves_a_hole_and_a_finding(tmp_path: Path) -> None:
    plan, _ = example_case.make_case()
    outer = plan.canal.periosteal_radius_mm.copy()
    outer[30:33, 10:14] = np.nan
    holed = replace(plan, canal=replace(plan.canal, periosteal_radius_mm=outer), chosen=None)
    found = write_meshes(holed, tmp_path)
    assert [f.code for f in found] == ["CF-V002"] and "bone.stl" in found[0].message
    assert not trimesh.load(tmp_path / "bone.stl").is_watertight
    assert trimesh.load(tmp_path / "canal.stl").is_watertight


def test_a_mesh_with_a_flipped_triangle_is_not_called_closed() -> None:
    mesh = bodies.canal_mesh(tube(7.0, 12.0, 20.0, n=16))
    flipped = mesh.triangles.copy()
    flipped[3] = flipped[3, ::-1]
    assert mesh.closed and not replace(mesh, triangles=flipped).closed
