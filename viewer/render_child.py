"""Draws ``scene.png`` in a process of its own: what the parent sends on stdin, a job of ``viewer.render.Picture``."""

from __future__ import annotations

import os
import sys

from viewer.child import job_from_parent
from viewer.render import plotter, still
from viewer.scene_picture import VIEW_PIXELS, compose

FEW_PIXELS = (16, 36)


def get_ready() -> None:
    """Load what a picture needs before there is one, and have OpenGL build its shaders, on a few pixels."""
    import matplotlib.backends.backend_agg  # noqa: F401
    import pyvista as pv

    small = plotter(FEW_PIXELS)
    small.add_mesh(pv.Sphere(), opacity=0.5)
    small.screenshot(return_img=True)
    small.close()


def main() -> int:
    """Get ready, and draw what the parent process sends."""
    get_ready()
    shots, caption, path = job_from_parent()
    compose([(shot, *still(shot.scene, shot.view, VIEW_PIXELS)) for shot in shots], caption, path)
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # software OpenGL now and then crashes while Python shuts down; the picture is written
