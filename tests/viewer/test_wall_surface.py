"""The wall on the canal's surface, as another program reads it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import example_case
import numpy as np
import pytest
import trimesh

from sizing.canal import Canal, cortical_thickness
from viewer import write_meshes
from viewer.wall_surface import PROPERTIES, write_wall_ply


def read(path: Path) -> tuple[trimesh.Trimesh, dict[str, np.ndarray]]:
    mesh = trimesh.load(path, process=False)
    data = mesh.metadata["_ply_raw"]["vertex"]["data"]
    return mesh, {name: np.asarray(data[name], float) for name in PROPERTIES}


def tube(outer_shift_mm: float = 0.0) -> Canal:
    theta = np.linspace(0, 2 * np.pi, 256, endpoint=False)
    ring = np.stack([12 * np.cos(theta) + outer_shift_mm, 12 * np.sin(theta)], axis=-1)
    return Canal.from_sections(np.linspace(0, 40, 21), [np.full(256, 7.0)] * 21, [ring] * 21, n_angles=256)


def test_each_vertex_carries_the_wall_that_is_known_on_paper(tmp_path: Path) -> None:
    assert write_wall_ply(tube(outer_shift_mm=2.0), tmp_path / "wall.ply")
    mesh, field = read(tmp_path / "wall.ply")
    assert len(mesh.vertices) == 21 * 256 and len(mesh.faces) == 20 * 256 * 2
    # canal of 7 mm about the axis, periosteum of 12 mm about a point 2 mm along u: wall = 12 - distance to that point
    angle = field["theta_rad"]
    paper = 12 - np.hypot(7 * np.cos(angle) - 2, 7 * np.sin(angle))
    np.testing.assert_allclose(field["wall_mm"], paper, atol=2e-3)  # facets of the periosteum
    np.testing.assert_allclose(field["depth_mm"], np.repeat(np.linspace(0, 40, 21), 256), atol=1e-5)
    assert np.isnan(field["wall_se_mm"]).all()  # contours that were given have no standard error: not zero


def test_normals_point_into_the_wall(tmp_path: Path) -> None:
    canal = tube()
    write_wall_ply(canal, tmp_path / "wall.ply")
    mesh, _ = read(tmp_path / "wall.ply")
    along = canal.axis.s_lps[0]
    from_axis = mesh.triangles_center - canal.axis.points_lps[0]
    across = from_axis - np.outer(from_axis @ along, along)
    assert np.all((mesh.face_normals * across).sum(axis=1) > 0)


def test_what_cannot_be_told_is_a_hole_and_no_vertex(tmp_path: Path) -> None:
    canal = tube()
    outer = canal.periosteal_radius_mm.copy()
    outer[8:11, 20:30] = np.nan
    holed = replace(canal, periosteal_radius_mm=outer)
    write_wall_ply(holed, tmp_path / "wall.ply")
    mesh, field = read(tmp_path / "wall.ply")
    assert len(mesh.vertices) == 21 * 256 - 30 and np.isfinite(field["wall_mm"]).all()
    assert len(mesh.faces) == 20 * 256 * 2 - 2 * 4 * 11  # patches with a corner in the hole: 4 by 11
    assert not write_wall_ply(replace(canal, periosteal_radius_mm=np.full_like(outer, np.nan)), tmp_path / "none.ply")
    assert not (tmp_path / "none.ply").exists()


def test_the_plan_folder_holds_the_measured_wall(tmp_path: Path) -> None:
    plan, _ = example_case.make_case()
    write_meshes(plan, tmp_path)
    _, field = read(tmp_path / "wall.ply")
    wall = cortical_thickness(plan.canal)
    assert field["wall_mm"] == pytest.approx(wall[np.isfinite(wall)], abs=1e-5)
