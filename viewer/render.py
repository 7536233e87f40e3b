"""The only place with OpenGL: draws scenes with PyVista, off screen, and finds out beforehand if that works.

A machine without OpenGL kills the process that tries (no exception), so everything that draws off
screen for a report runs in a child process (``viewer.render_child``).

Settings and why: multi-sampling stays off, because together with depth peeling software OpenGL loses
translucent bodies without a word, and it is three times slower; still pictures are drawn larger and
averaged instead (SSAA).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import viewer.style as style
from sizing.findings import Finding, Level
from viewer.child import Child
from viewer.pane import Band
from viewer.scene import Layer, Scene
from viewer.scene_picture import Caption, Shot

if TYPE_CHECKING:
    import pyvista as pv

NO_DISPLAY = ("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
# What VTK takes by itself where the display that is named does not answer.
WITHOUT_SCREEN = ("vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow")
# glibc then returns a view's 60 MB of buffers when the view is closed, and does not keep them for the next.
GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
PACKAGES = "libegl1 and libgl1-mesa-dri"
SMOOTH = 2  # pictures are drawn this many times larger and averaged
CHILD_SECONDS = 60.0
TABLE_ENTRIES = 1200  # about 0.01 mm per entry for walls
# Width in pixels and colour of the lines on a surface; both are seen on warm and on cold bands.
LINES = {"limit": (3.0, "#1b2530"), "borders": (1.0, "#1b2530")}
LINE_OFFSET = -20.0  # in steps of the depth buffer: lines lie on the surface, and are drawn before it


class Picture:
    """A picture that a child process draws, while the caller finds out what is to stand on it."""

    def __init__(self, shots: tuple[Shot, ...], child: Child) -> None:
        self._child = child
        self._child.send(shots, last=False)

    def finish(self, caption: Caption, path: Path) -> tuple[Finding, ...]:
        """Have it written, and wait for that; a machine that cannot draw is a finding, not an error."""
        self._child.send((caption, path))
        if self._child.worked(CHILD_SECONDS) and path.exists():
            return ()
        return (no_picture(path.name),)


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


def add_layer(p: pv.Plotter, layer: Layer, scene: Scene) -> tuple[Any, pv.PolyData]:
    """Add one layer to a plotter; return its actor and its data, whose arrays may be changed in place."""
    data = poly_data(layer)
    look: dict[str, Any] = {"opacity": layer.opacity, "ambient": 0.32, "diffuse": 0.72, "specular": 0.0,
                            "smooth_shading": False, "name": layer.mesh.name, "show_scalar_bar": False}  # fmt: skip
    bands = layer.bands or scene.bands
    if layer.coloured:
        actor = p.add_mesh(
            data,
            scalars="value",
            cmap=colour_map(bands),
            clim=list(style.table_range(bands)),
            nan_color="#c9ced3",
            interpolate_before_map=True,
            n_colors=TABLE_ENTRIES,
            **look,
        )
    else:
        actor = p.add_mesh(data, color=layer.rgb, **look)
    actor.visibility = layer.shown
    return actor, data


def add_lines(p: pv.Plotter, scene: Scene) -> dict[str, pv.PolyData]:
    """Add the borders of the colours; return their data by the keys of ``LINES``, for ``fill_lines``."""
    import pyvista as pv

    found = {}
    for name, (width, colour) in LINES.items():
        data = pv.PolyData(np.zeros((2, 3)), lines=np.array([2, 0, 1]))
        actor: Any = p.add_mesh(data, color=colour, line_width=width, lighting=False, name=f"{name} lines",
                                show_scalar_bar=False, reset_camera=False)  # fmt: skip
        actor.mapper.SetResolveCoincidentTopologyToPolygonOffset()
        actor.mapper.SetRelativeCoincidentTopologyLineOffsetParameters(0.0, LINE_OFFSET)
        actor.SetPickable(False)
        actor.SetUseBounds(False)
        found[name] = data
    fill_lines(found, scene)
    return found


def fill_lines(lines: dict[str, pv.PolyData], scene: Scene) -> None:
    """Put the borders of a scene's colours into the data of ``add_lines``."""
    import pyvista as pv

    made = scene.isolines()
    for name, segments in (("limit", made.limit_lps), ("borders", made.borders_lps)):
        n = len(segments)
        cells = np.column_stack([np.full(n, 2), np.arange(2 * n).reshape(n, 2)])
        lines[name].ShallowCopy(pv.PolyData(segments.reshape(-1, 3), lines=cells.ravel()))


def poly_data(layer: Layer) -> pv.PolyData:
    """Return a layer as PyVista data, with its values as ``value``."""
    import pyvista as pv

    points: Any = layer.mesh.points_lps
    faces: Any = layer.mesh.triangles
    data = pv.PolyData.from_regular_faces(points, faces)
    if layer.mesh.values is not None:
        data["value"] = layer.mesh.values
    return data


def colour_map(bands: tuple[Band, ...]) -> Any:
    """Return a scale as a matplotlib colour map over ``style.table_range``."""
    from matplotlib.colors import ListedColormap

    return ListedColormap(style.colour_table(bands, *style.table_range(bands), entries=TABLE_ENTRIES))


def look_from(p: pv.Plotter, scene: Scene, view: str, fill: float = 1.04) -> None:
    """Point the camera: "front", "back", "lateral", "medial", "proximal" or "distal"; proximal is up."""
    from_lps = {
        "front": scene.anterior_lps, "back": -scene.anterior_lps, "lateral": scene.lateral_lps,
        "medial": -scene.lateral_lps, "proximal": scene.proximal_lps, "distal": -scene.proximal_lps,
    }[view]  # fmt: skip
    up = scene.anterior_lps if view in ("proximal", "distal") else scene.proximal_lps
    frame = np.stack([np.cross(up, from_lps), up, from_lps])
    local = np.concatenate([layer.mesh.points_lps for layer in scene.layers if layer.shown]) @ frame.T
    low, high = local.min(axis=0), local.max(axis=0)
    centre = (low + high) / 2 @ frame
    p.camera.focal_point = centre
    p.camera.position = centre + 2.0 * float(np.linalg.norm(high - low)) * np.asarray(from_lps)
    p.camera.up = up
    aspect = p.window_size[0] / p.window_size[1]
    p.camera.parallel_scale = fill * max(high[1] - low[1], (high[0] - low[0]) / aspect) / 2
    p.reset_camera_clipping_range()


def still(scene: Scene, view: str, size: tuple[int, int]) -> tuple[np.ndarray, float]:
    """Draw one view; returns RGB (h, w, 3) and the millimetres of one pixel."""
    p = plotter((size[0] * SMOOTH, size[1] * SMOOTH))
    for layer in scene.layers:
        if layer.shown:
            add_layer(p, layer, scene)
    add_lines(p, scene)
    look_from(p, scene, view)
    big = np.asarray(p.screenshot(return_img=True), np.float32)
    mm = 2.0 * p.camera.parallel_scale / size[1]
    p.close()
    h, w = size[1], size[0]
    small = big.reshape(h, SMOOTH, w, SMOOTH, 3).mean(axis=(1, 3))
    return small.round().astype(np.uint8), float(mm)
