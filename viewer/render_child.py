"""Draws the views of ``scene.png`` in a process of its own, for ``viewer.render.Picture``."""

from __future__ import annotations

import os
import sys

import numpy as np

import viewer.style as style
from viewer.child import job_from_parent, stay_behind
from viewer.mesh import Mesh
from viewer.scene import Layer, Scene
from viewer.scene_picture import VIEW_PIXELS
from viewer.stills import still

FEW_PIXELS = (16, 36)


def get_ready() -> None:
    """Have OpenGL build its shaders before there are views, on a few pixels."""
    right, anterior, proximal = np.eye(3)
    values = Mesh("values", np.eye(3), np.array([[0, 1, 2]]), np.arange(3.0))
    plain = Mesh("plain", np.eye(3), np.array([[0, 1, 2]]))
    layers = (Layer(values, "", (1.0, 1.0, 1.0)), Layer(plain, "", (1.0, 1.0, 1.0)))
    still(Scene(layers, style.gap_bands(), "", anterior, right, proximal), "front", FEW_PIXELS)


def main() -> int:
    """Get ready, draw the views that the parent process sends, and leave them where it says."""
    stay_behind()
    get_ready()
    shots, path = job_from_parent()
    views = [still(shot.scene, shot.view, VIEW_PIXELS) for shot in shots]
    np.savez(path, pixels=np.stack([pixels for pixels, _ in views]), pixel_mm=np.array([mm for _, mm in views]))
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # software OpenGL now and then crashes while Python shuts down; the picture is written
