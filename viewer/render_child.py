"""Draws ``scene.png`` in a process of its own: what the parent sends on stdin, a job of ``viewer.render.Picture``."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

from viewer.render import still
from viewer.scene_picture import VIEW_PIXELS, compose


def main() -> int:
    """Draw what the parent process sent."""
    shots, caption, path = pickle.load(sys.stdin.buffer)
    compose([(shot, *still(shot.scene, shot.view, VIEW_PIXELS)) for shot in shots], caption, Path(path))
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # software OpenGL now and then crashes while Python shuts down; the picture is written
