"""The 3-D scene: geometry and colours exact as data, and facts found again in rendered pixels."""

from __future__ import annotations

import ctypes.util
import os
from dataclasses import replace
from pathlib import Path

import example_case
import numpy as np
import pytest

import viewer.style as style
from viewer import render, scene, scene_picture, stills, turntable
from viewer.mesh import Mesh, grid_triangles
from viewer.scene import Layer

OPENGL = render.opengl_works()


def strip_scene() -> scene.Scene:
    """A flat strip, 90 mm long and 10 mm wide, whose value grows from -1 to 9 along its length."""
    x = np.linspace(0.0, 90.0, 7)
    points = np.stack([np.stack([x, 0 * x, 0 * x + z], axis=1) for z in (0.0, 10.0)])
    values = np.broadcast_to(np.linspace(-1.0, 9.0, 7), (2, 7)).reshape(-1)
    mesh = Mesh("strip", points.reshape(-1, 3), grid_triangles(2, 7, wrap=False), values)
    return scene.Scene((Layer(mesh, "strip", (1.0, 1.0, 1.0)),), style.wall_bands(2.0), "wall, mm",
                       np.array([0.0, -1.0, 0.0]), np.array([-1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0]))  # fmt: skip


def band_edges_mm(row: np.ndarray) -> np.ndarray:
    """Values at which the colour changes along a row of pixels (w, 3) that shows the strip from -1 to 9."""
    on = np.flatnonzero(row.min(axis=1) < 250)  # the ground is white
    first, last = on[0], on[-1] + 1
    hue = row[first:last].astype(float)
    hue /= np.maximum(hue.sum(axis=1, keepdims=True), 1.0)  # shading scales a colour, it does not change its hue
    jump = np.flatnonzero(np.abs(np.diff(hue, axis=0)).sum(axis=1) > 0.03)
    jump = jump[(jump > 2) & (jump < len(hue) - 4)]  # the outermost pixels are mixed with the ground
    jump = jump[np.insert(np.diff(jump) > 2, 0, True)]  # an averaged pixel between two bands counts once
    return -1.0 + (jump + 1.0) / (last - first) * 10.0


def test_the_half_that_is_kept_lies_behind_and_faces_outwards() -> None:
    plan, _ = example_case.make_case()
    made = scene.plan_scene(plan)
    shell = next(layer.mesh for layer in made.layers if layer.mesh.name == "bone")
    middle = plan.canal.axis.points_lps[len(plan.canal.axis) // 2]
    assert np.all((shell.points_lps - middle) @ made.anterior_lps < 3.0)  # sagitta of the bow, at most
    a, b, c = (shell.points_lps[shell.triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    outer = len(plan.canal.axis) * 33  # the first sheet of points
    sheet = (shell.triangles < outer).all(axis=1)
    away = (a + b + c)[sheet] / 3 - middle
    away -= (away @ made.proximal_lps)[:, None] * made.proximal_lps
    assert np.mean(np.einsum("ij,ij->i", normal[sheet], away) > 0) > 0.99


def test_the_bore_carries_the_wall_that_the_plan_holds() -> None:
    plan, _ = example_case.make_case()
    bore = next(layer.mesh for layer in scene.plan_scene(plan).layers if layer.mesh.name == "bore")
    wall = plan.chosen.reamed.passes[-1].wall_left_mm
    half = scene.half_rays(plan.canal, -scene.directions(plan.canal)[0])
    assert np.array_equal(bore.values.reshape(len(plan.canal.axis), -1), wall[:, half])


def test_lateral_is_on_the_patients_outer_side() -> None:
    for side, sign in ((example_case.Side.RIGHT, -1.0), (example_case.Side.LEFT, 1.0)):
        anterior, lateral, proximal = scene.directions(example_case.make_canal(side))
        assert lateral[0] * sign > 0.99 and anterior[1] < -0.9 and proximal[2] > 0.9
    unknown = scene.plan_scene(replace(example_case.make_plan(), canal=replace(example_case.make_canal(), side=None)))
    assert (unknown.lateral_word, unknown.medial_word) == ("left", "right")


def test_walls_travel_to_the_page_within_a_thousandth_of_a_millimetre() -> None:
    walls = np.array([-3.0, 0.0, 1.2345, 2.0, 7.77, np.nan])
    code = turntable.coded(walls).astype(float)
    low, high = turntable.CODED_RANGE_MM
    assert code[-1] == turntable.UNKNOWN
    assert np.allclose(low + code[:-1] / 65534 * (high - low), walls[:-1], atol=5e-4)
    packed = turntable.pack(strip_scene())
    assert packed.description.count("<") == 0  # cannot close its own script element


@pytest.mark.skipif(not OPENGL[0], reason=f"no picture can be drawn: {OPENGL[1]}")
def test_band_edges_in_rendered_pixels(tmp_path: Path) -> None:
    made = strip_scene()
    pixels, mm = stills.still(made, "front", (900, 300))
    assert np.allclose(band_edges_mm(pixels[150]), [0, 2, 3, 4, 5, 6, 7, 8], atol=0.05)  # 3 pixels of 900
    width = np.flatnonzero(pixels[150].min(axis=1) < 250)
    assert (width[-1] - width[0] + 1) * mm == pytest.approx(90.0, abs=2 * mm)  # the scale is true


@pytest.mark.skipif(not OPENGL[0], reason=f"no picture can be drawn: {OPENGL[1]}")
def test_translucent_bone_is_really_drawn() -> None:
    """With multi-sampling on, software OpenGL loses translucent bodies without a word."""
    plan, _ = example_case.make_case()
    whole = next(layer for layer in scene.plan_scene(plan).layers if layer.mesh.name == "outer")
    glass = replace(scene.plan_scene(plan), layers=(replace(whole, shown=True, rgb=(1.0, 0.0, 0.0), opacity=0.5),))
    pixels, _ = stills.still(glass, "front", (200, 400))
    red = (pixels[..., 0] > pixels[..., 1].astype(int) + 40).mean()
    assert red > 0.1


@pytest.mark.skipif(not OPENGL[0], reason=f"no picture can be drawn: {OPENGL[1]}")
def test_a_right_leg_from_the_front_has_lateral_on_the_left_of_the_picture() -> None:
    plan, _ = example_case.make_case()
    p = render.plotter((200, 400))
    made = scene.plan_scene(plan)
    for layer in made.layers:
        render.add_layer(p, layer, made)
    render.look_from(p, made, "front")
    right = np.cross(p.camera.direction, p.camera.up)
    assert right @ made.lateral_lps < -0.99
    p.close()


def test_without_opengl_there_is_a_finding_and_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, _ = example_case.make_case()
    monkeypatch.setattr(render, "_environment", lambda: {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd()),
                        "VTK_DEFAULT_OPENGL_WINDOW": "vtkOSOpenGLRenderWindow"})  # fmt: skip
    if ctypes.util.find_library("OSMesa"):
        pytest.skip("OSMesa is installed: a machine without OpenGL cannot be played here")
    shot = scene_picture.Shot(scene.plan_scene(plan), "front", "from the front")
    picture = render.Picture((shot,), render.picture_child())
    assert picture.views() is None
    assert render.no_picture("scene.png").code == "CF-V001" and "libegl1" in render.no_picture("scene.png").advice
    works, sentence = render.opengl_works()
    assert not works and "libgl1-mesa-dri" in sentence
