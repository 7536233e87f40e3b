"""Bodies, light and camera in plain VTK, and still pictures of them: all that a report's picture takes.

PyVista's plotter loads five times as many modules as it uses here: 100 MB and a second, which a process that draws
three views has no use for. Windows and the planner (``viewer.render``) show the same actors in such a plotter.

Nothing here may run in the process of the caller: where OpenGL does not work, VTK kills it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  who draws; found by VTK when it is loaded
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkLookupTable, vtkPoints, vtkUnsignedCharArray
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkCamera,
    vtkLightKit,
    vtkPolyDataMapper,
    vtkRenderer,
    vtkRenderWindow,
)

import viewer.style as style
from sizing.geometry import FloatArray
from viewer.isolines import Isolines
from viewer.pane import Band
from viewer.scene import Layer, Scene

SMOOTH = 2  # pictures are drawn this many times larger and averaged
# Strips that a picture is drawn in, one after the other: buffers of a whole one would take four times the memory.
STRIPS = 4
TABLE_ENTRIES = 1200  # about 0.01 mm per entry for walls
AMBIENT, DIFFUSE = 0.32, 0.72
NO_VALUE_RGB = style.rgb("#c9ced3")
# Width in pixels and colour of the lines on a surface; both are seen on warm and on cold bands.
LINES = {"limit": (3.0, "#1b2530"), "borders": (1.0, "#1b2530")}
LINE_OFFSET = -20.0  # in steps of the depth buffer: lines lie on the surface, and are drawn before it


def body_of(layer: Layer) -> vtkPolyData:
    """Return a layer's surface, with its values as the point array ``value``."""
    data = _poly_data(layer.mesh.points_lps)
    data.SetPolys(_cells(layer.mesh.triangles))
    if layer.mesh.values is not None:
        values = numpy_to_vtk(layer.mesh.values)
        values.SetName("value")
        data.GetPointData().AddArray(values)
    return data


def body_actor(data: vtkPolyData, layer: Layer, bands: tuple[Band, ...]) -> vtkActor:
    """Return the actor of ``body_of`` a layer, coloured by its own bands or by those of its scene."""
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(data)
    actor = vtkActor()
    actor.SetMapper(mapper)
    look = actor.GetProperty()
    look.SetInterpolationToFlat()
    look.SetAmbient(AMBIENT)
    look.SetDiffuse(DIFFUSE)
    look.SetSpecular(0.0)
    look.SetOpacity(layer.opacity)
    if layer.coloured:
        table = _lookup_table(layer.bands or bands)
        mapper.SetScalarModeToUsePointFieldData()
        mapper.SelectColorArray("value")
        mapper.SetLookupTable(table)
        mapper.SetScalarRange(table.GetRange())
        mapper.InterpolateScalarsBeforeMappingOn()
    else:
        mapper.ScalarVisibilityOff()
        look.SetColor(*layer.rgb)
    return actor


def line_actors() -> dict[str, tuple[vtkActor, vtkPolyData]]:
    """Return actors and data of the borders of colours, still empty, by the keys of ``LINES``."""
    found = {}
    for name, (width, colour) in LINES.items():
        data = vtkPolyData()
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(data)
        mapper.SetResolveCoincidentTopologyToPolygonOffset()
        mapper.SetRelativeCoincidentTopologyLineOffsetParameters(0.0, LINE_OFFSET)
        actor = vtkActor()
        actor.SetMapper(mapper)
        actor.SetPickable(False)
        actor.SetUseBounds(False)
        actor.GetProperty().SetColor(*style.rgb(colour))
        actor.GetProperty().SetLineWidth(width)
        actor.GetProperty().LightingOff()
        found[name] = (actor, data)
    return found


def fill_lines(lines: dict[str, vtkPolyData], made: Isolines) -> None:
    """Put the borders of a scene's colours into the data of ``line_actors``."""
    for name, segments in (("limit", made.limit_lps), ("borders", made.borders_lps)):
        data = _poly_data(segments.reshape(-1, 3))
        data.SetLines(_cells(np.arange(2 * len(segments)).reshape(-1, 2)))
        lines[name].ShallowCopy(data)


def aim(camera: vtkCamera, scene: Scene, view: str, aspect: float, fill: float = 1.04) -> None:
    """Point a camera at what is shown: "front", "back", "lateral", "medial", "proximal" or "distal"; proximal is up.

    Parameters
    ----------
    camera : vtkCamera
        Of parallel projection.
    scene : Scene
        Its shown layers fill the picture.
    view : str
        Where from.
    aspect : float
        Width of the picture per height.
    fill : float
        Height of what is seen, per height of the bodies.
    """
    from_lps = {
        "front": scene.anterior_lps, "back": -scene.anterior_lps, "lateral": scene.lateral_lps,
        "medial": -scene.lateral_lps, "proximal": scene.proximal_lps, "distal": -scene.proximal_lps,
    }[view]  # fmt: skip
    up = scene.anterior_lps if view in ("proximal", "distal") else scene.proximal_lps
    frame = np.stack([np.cross(up, from_lps), up, from_lps])
    local = np.concatenate([layer.mesh.points_lps for layer in scene.layers if layer.shown]) @ frame.T
    low, high = local.min(axis=0), local.max(axis=0)
    centre = (low + high) / 2 @ frame
    camera.SetFocalPoint(*centre)
    camera.SetPosition(*(centre + 2.0 * float(np.linalg.norm(high - low)) * np.asarray(from_lps)))
    camera.SetViewUp(*up)
    camera.SetParallelScale(fill * max(high[1] - low[1], (high[0] - low[0]) / aspect) / 2)


def still(scene: Scene, view: str, size: tuple[int, int]) -> tuple[np.ndarray, float]:
    """Draw one view, ``size`` pixels wide and high; return RGB (h, w, 3) and the millimetres of one pixel."""
    renderer = _renderer(scene)
    camera = renderer.GetActiveCamera()
    aim(camera, scene, view, size[0] / size[1])
    renderer.ResetCameraClippingRange()
    mm = 2.0 * camera.GetParallelScale() / size[1]
    return _drawn(renderer, size), mm


def _renderer(scene: Scene) -> vtkRenderer:
    """Return a lit renderer with everything that is shown."""
    renderer = vtkRenderer()
    renderer.SetBackground(1.0, 1.0, 1.0)
    renderer.GetActiveCamera().ParallelProjectionOn()
    vtkLightKit().AddLightsToRenderer(renderer)
    for layer in scene.layers:
        if layer.shown:
            renderer.AddActor(body_actor(body_of(layer), layer, scene.bands))
    lines = line_actors()
    fill_lines({name: data for name, (_, data) in lines.items()}, scene.isolines())
    for actor, _ in lines.values():
        renderer.AddActor(actor)
    return renderer


def _drawn(renderer: vtkRenderer, size: tuple[int, int]) -> np.ndarray:
    """Return RGB (h, w, 3) of what a renderer sees, drawn larger, strip by strip from below, and averaged."""
    w, h = size
    high = -(-h // STRIPS)  # the last strip may reach above the picture
    window: Any = vtkRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetMultiSamples(0)
    window.SetSize(w * SMOOTH, high * SMOOTH)
    window.AddRenderer(renderer)
    camera = renderer.GetActiveCamera()
    camera.SetParallelScale(camera.GetParallelScale() * high / h)
    strips = []
    raw = vtkUnsignedCharArray()
    for k in range(STRIPS):
        camera.SetWindowCenter(0.0, (2 * k + 1) - h / high)  # in halves of a strip
        window.Render()
        window.GetPixelData(0, 0, w * SMOOTH - 1, high * SMOOTH - 1, 1, raw, 0)
        big = vtk_to_numpy(raw).reshape(high, SMOOTH, w, SMOOTH, 3)
        strips.append(big.mean(axis=(1, 3), dtype=np.float32).round().astype(np.uint8))
    window.Finalize()
    return np.concatenate(strips)[:h][::-1]


def _lookup_table(bands: tuple[Band, ...]) -> vtkLookupTable:
    low, high = style.table_range(bands)
    colours = style.colour_table(bands, low, high, entries=TABLE_ENTRIES)
    table = vtkLookupTable()
    table.SetTable(numpy_to_vtk(_opaque(colours), deep=True))
    table.SetRange(low, high)
    table.SetNanColor(*NO_VALUE_RGB, 1.0)
    return table


def _opaque(rgb: FloatArray) -> np.ndarray:
    """Return colours (n, 3) between 0 and 1 as bytes (n, 4)."""
    return np.column_stack([rgb * 255, np.full(len(rgb), 255)]).astype(np.uint8)


def _poly_data(points_lps: FloatArray) -> vtkPolyData:
    points = vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(points_lps)))
    data = vtkPolyData()
    data.SetPoints(points)
    return data


def _cells(corners: np.ndarray) -> vtkCellArray:
    """Return cells of equally many corners (n, k)."""
    cells = vtkCellArray()
    cells.SetData(corners.shape[1], numpy_to_vtkIdTypeArray(np.ascontiguousarray(corners.ravel(), np.int64), deep=True))
    return cells
