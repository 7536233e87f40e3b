"""The planner's 3-D picture: one plotter, changed in place."""

from __future__ import annotations

from typing import Any

import numpy as np

import viewer.render as render
import viewer.style as style
from viewer.scene import Layer, Scene

STAGE_PIXELS = (900, 900)
FILL = 1.12  # height of the picture over that of the bone
PAPER = {"light": "white", "dark": "#11181e"}


class Stage:
    """A plotter that follows a scene.

    Arrays of bodies that keep their points are changed in place; actors are made only for new bodies.
    """

    def __init__(self, size: tuple[int, int] = STAGE_PIXELS, *, off_screen: bool = True) -> None:
        self.plotter: Any = render.plotter(size, off_screen=off_screen)
        self.scene: Scene | None = None
        self._shown: dict[str, tuple[Any, Any, tuple]] = {}
        self._lines: dict[str, Any] = {}
        self._view = "front"
        self._looked: tuple[Any, ...] = ()
        self._size = size
        window: Any = self.plotter.render_window
        window.AddObserver("WindowResizeEvent", self._resized)

    def show(self, scene: Scene) -> None:
        """Draw a scene; the camera stays, but for the first scene."""
        first = self.scene is None
        self.scene = scene
        wanted = {layer.mesh.name: layer for layer in scene.layers if layer.shown}
        for name, layer in wanted.items():
            self._put(name, layer, scene)
        for name, (_, actor, _) in self._shown.items():
            actor.SetVisibility(name in wanted)
        if first:
            self._lines = render.add_lines(self.plotter, scene)
            self.look("front")
        else:
            render.fill_lines(self._lines, scene)
            self.plotter.renderer.ResetCameraClippingRange()

    def look(self, view: str) -> None:
        """Point the camera at the whole scene: "front", "back", "lateral", "medial", "proximal", "distal"."""
        if self.scene is not None:
            render.look_from(self.plotter, self.scene, view, fill=FILL)
            self._view, self._looked = view, self._camera()

    def theme(self, name: str) -> None:
        """Take the ground's colour of a theme."""
        self.plotter.set_background(PAPER[name])

    def picture(self) -> np.ndarray:
        """Return RGB (h, w, 3) of what is shown."""
        self.plotter.render()
        return np.asarray(self.plotter.screenshot(return_img=True))

    def towards_viewer(self) -> str:
        """Return the direction of the bone that looks at the viewer, in a word, for the picture's corner."""
        scene = self.scene
        if scene is None:
            return ""
        way = -np.asarray(self.plotter.camera.direction)
        words = {
            "anterior": scene.anterior_lps, "posterior": -scene.anterior_lps, scene.lateral_word: scene.lateral_lps,
            scene.medial_word: -scene.lateral_lps, "proximal": scene.proximal_lps, "distal": -scene.proximal_lps,
        }  # fmt: skip
        return max(words, key=lambda w: float(way @ words[w]))

    def close(self) -> None:
        """Free the window."""
        self.plotter.close()

    def _camera(self) -> tuple[Any, ...]:
        camera = self.plotter.camera
        return (*camera.position, *camera.focal_point, *camera.up, camera.parallel_scale)

    def _resized(self, *_: Any) -> None:
        """Fit the scene into a window of another size; a camera that a hand has moved stays where it is."""
        size = tuple(self.plotter.render_window.GetSize())
        if size != self._size and self._looked == self._camera():
            self._size = size
            self.look(self._view)

    def _put(self, name: str, layer: Layer, scene: Scene) -> None:
        bands = layer.bands or scene.bands
        look = (len(layer.mesh.points_lps), layer.mesh.triangles.shape, layer.coloured, layer.opacity, bands)
        known = self._shown.get(name)
        if known is None or known[2] != look:
            actor, data = render.add_layer(self.plotter, layer, scene)
            self._shown[name] = (data, actor, look)
            return
        data = known[0]
        data.points[:] = layer.mesh.points_lps
        data.GetPoints().Modified()
        if layer.mesh.values is not None:
            data["value"][:] = layer.mesh.values
            data.GetPointData().GetArray("value").Modified()
        data.Modified()


def legend_of(scene: Scene, gap: bool) -> list[dict[str, str]]:
    """Return the colours of a scene's values, and of the stem's gap if it is shown."""
    found = [{"colour": style.hex_colour(b.rgb), "text": b.text} for b in scene.bands]
    return found + [{"colour": style.hex_colour(b.rgb), "text": f"stem: {b.text}"} for b in style.gap_bands() if gap]
