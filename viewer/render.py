"""Where scenes are drawn with OpenGL: a child process for a report, a PyVista plotter for windows and the planner.

A machine without OpenGL kills the process that tries (no exception), so everything that draws off screen for a
report runs in a child process (``viewer.render_child``), and here is found out beforehand if it works.

Multi-sampling stays off: together with depth peeling software OpenGL loses translucent bodies without a word, and it
is three times slower. Bodies, lines and camera are those of ``viewer.stills``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from sizing.findings import Finding, Level
from viewer.child import Child
from viewer.scene import Layer, Scene
from viewer.scene_picture import Shot, View

if TYPE_CHECKING:
    import pyvista as pv

NO_DISPLAY = ("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
# What VTK takes by itself where the display that is named does not answer.
WITHOUT_SCREEN = ("vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow")
# glibc then returns a view's buffers when the view is closed, and does not keep them for the next.
GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
PACKAGES = "libegl1 and libgl1-mesa-dri"
CHILD_SECONDS = 60.0


class Picture:
    """Views that a child process draws, while the caller finds out what is to stand on the picture."""

    def __init__(self, shots: tuple[Shot, ...], child: Child) -> None:
        self._child = child
        self._place = TemporaryDirectory(prefix="canalfit-")
        self._file = Path(self._place.name) / "views.npz"
        self._words = [replace(shot, scene=replace(shot.scene, layers=())) for shot in shots]  # all that text needs
        self._child.send((shots, self._file))

    def views(self) -> list[View] | None:
        """Wait for the views; None from a machine that cannot draw."""
        try:
            if not self._child.worked(CHILD_SECONDS):
                return None
            with np.load(self._file) as drawn:
                found = zip(self._words, drawn["pixels"], drawn["pixel_mm"], strict=True)
                return [(shot, pixels, float(mm)) for shot, pixels, mm in found]
        finally:
            self.close()

    def close(self) -> None:
        """Take away what was drawn."""
        self._place.cleanup()


def picture_child() -> Child:
    """Return a child that is getting ready to draw one picture."""
    return Child("viewer.render_child", _environment())


def no_picture(name: str) -> Finding:
    """Return the finding for a machine on which OpenGL does not work."""
    return Finding(
        Level.INFO, "CF-V001", f"{name} was not drawn: OpenGL does not work on this machine",
        f"On Debian or Ubuntu install {PACKAGES}; every other file is complete",
    )  # fmt: skip


def opengl_works(seconds: float = 20.0) -> tuple[bool, str]:
    """Try OpenGL in a child process; returns whether it works, and the window's class or the reason."""
    code = "import vtkmodules.vtkRenderingOpenGL2, vtkmodules.vtkRenderingCore as c\nw = c.vtkRenderWindow()\n"
    code += "w.SetOffScreenRendering(1); w.SetMultiSamples(0); w.SetSize(16, 16); w.Render(); print(w.GetClassName())"
    try:
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=seconds,
                               env=os.environ | _environment())  # fmt: skip
    except subprocess.TimeoutExpired:
        return False, f"no window within {seconds:g} s"
    if child.returncode == 0 and child.stdout.strip():
        return True, child.stdout.strip().splitlines()[-1]
    return False, f"OpenGL does not work here: on Debian or Ubuntu install {PACKAGES}"


def _environment() -> dict[str, str]:
    """Without a display go to EGL at once: no wait and no noise about an X server."""
    return GIVE_BACK | ({} if has_display() or NO_DISPLAY[0] in os.environ else dict([NO_DISPLAY]))


def has_display() -> bool:
    """A window can be opened here."""
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def plotter(size: tuple[int, int], *, off_screen: bool = True) -> pv.Plotter:
    """Return an empty plotter with the settings of this house."""
    if not has_display():
        os.environ.setdefault(*NO_DISPLAY)
    import pyvista as pv

    p: Any = pv.Plotter(off_screen=off_screen, window_size=list(size), lighting="light kit")
    p.render_window.SetMultiSamples(0)
    p.enable_parallel_projection()
    p.set_background("white")
    return p


def add_layer(p: Any, layer: Layer, scene: Scene) -> tuple[Any, pv.PolyData]:
    """Add one layer to a plotter; return its actor and its data, whose arrays may be changed in place."""
    import pyvista as pv

    from viewer.stills import body_actor, body_of

    data = pv.PolyData(body_of(layer))
    actor = body_actor(data, layer, scene.bands)
    actor.SetVisibility(layer.shown)
    p.add_actor(actor, name=layer.mesh.name, reset_camera=False)
    return actor, data


def add_lines(p: Any, scene: Scene) -> dict[str, Any]:
    """Add the borders of the colours; return their data by name, for ``fill_lines``."""
    from viewer.stills import line_actors

    lines = line_actors()
    for name, (actor, _) in lines.items():
        p.add_actor(actor, name=f"{name} lines", reset_camera=False, pickable=False)
    found = {name: data for name, (_, data) in lines.items()}
    fill_lines(found, scene)
    return found


def fill_lines(lines: dict[str, Any], scene: Scene) -> None:
    """Put the borders of a scene's colours into the data of ``add_lines``."""
    from viewer.stills import fill_lines as fill

    fill(lines, scene.isolines())


def look_from(p: pv.Plotter, scene: Scene, view: str, fill: float = 1.04) -> None:
    """Point a plotter's camera; see ``viewer.stills.aim``."""
    from viewer.stills import aim

    aim(p.camera, scene, view, p.window_size[0] / p.window_size[1], fill)
    p.reset_camera_clipping_range()
