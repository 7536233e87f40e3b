"""Draws ``scene.png`` in a process of its own: what the parent sends on stdin, a job of ``viewer.render.Picture``."""

from __future__ import annotations

import os
import sys

from viewer.child import job_from_parent, stay_behind
from viewer.render import plotter, still
from viewer.scene_picture import VIEW_PIXELS, compose

FEW_PIXELS = (16, 36)


def get_ready() -> None:
    """Load what views need before there are any, and have OpenGL build its shaders, on a few pixels.

    What puts the views together is loaded later, when the memory of drawing them has been given back.
    """
    import pyvista as pv

    small = plotter(FEW_PIXELS)
    small.add_mesh(pv.Sphere(), opacity=0.5)
    small.screenshot(return_img=True)
    small.close()


def main() -> int:
    """Get ready, draw the views that the parent process sends, and write them when it has sent what stands on them."""
    stay_behind()
    get_ready()
    views = [(shot, *still(shot.scene, shot.view, VIEW_PIXELS)) for shot in job_from_parent()]
    caption, path = job_from_parent()
    compose(views, caption, path)
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # software OpenGL now and then crashes while Python shuts down; the picture is written
