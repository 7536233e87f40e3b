"""Draws ``scene.png`` in a process of its own: what the parent sends on stdin, a job of ``viewer.render.Picture``."""

from __future__ import annotations

import os
import sys

from viewer.child import job_from_parent
from viewer.render import still
from viewer.scene_picture import VIEW_PIXELS, compose


def get_ready() -> None:
    """Load what a picture needs before there is one; OpenGL itself waits, because it takes memory."""
    import matplotlib.backends.backend_agg  # noqa: F401
    import pyvista.plotting  # noqa: F401


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
