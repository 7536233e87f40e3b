"""A plain PyVista window with a plan's scene, for a desk; and the same plotter for notebooks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import viewer.facts as facts
import viewer.render as render
import viewer.style as style
from sizing.errors import UsageError
from sizing.planning import ImplantationPlan
from viewer.app.stage import Stage, legend_of
from viewer.scene import SceneOptions, plan_scene

if TYPE_CHECKING:
    import pyvista as pv

KEYS = {"a": "front", "p": "back", "l": "lateral", "m": "medial", "o": "proximal", "u": "distal"}
HELP = "A P L M O U: look from front, back, lateral, medial, above, cut end · B bone · C colour · G gap · Q quit"
BONES = ("half", "glass", "surface", "hidden")
WINDOW_PIXELS = (1000, 720)  # fits a screen of 1280 x 800 with its bars
LEGEND_LEFT, LEGEND_TOP, ROW_SHARE = 0.012, 0.91, 0.031  # shares of the window
DARK_SUM = 1.35  # of red, green and blue; below it letters are white
COLOURS = ("wall", "thickness", "contact", "hu")


def show(plan: ImplantationPlan, *, off_screen: bool = False) -> pv.Plotter:
    """Return a plotter with a plan's scene; ``show(plan).show()`` opens it, in a notebook too."""
    return _Window(plan, off_screen).stage.plotter


def open_window(plan: ImplantationPlan) -> None:
    """Open a window and return when it is closed.

    Raises
    ------
    UsageError
        No window can be opened on this machine.
    """
    works, sentence = render.opengl_works()
    if not works:
        raise UsageError(f"{sentence}; the planner in the browser shows the rest (without --window)")
    if not render.has_display() or sentence in render.WITHOUT_SCREEN:
        raise UsageError("there is no display to open a window on; use the planner in the browser (without --window)")
    show(plan).show(title=f"{facts.heading(plan)} · {facts.case_name(plan)} · canalfit")


class _Window:
    """A stage with keys."""

    def __init__(self, plan: ImplantationPlan, off_screen: bool) -> None:
        self.plan, self.options = plan, SceneOptions()
        self._rows = 0
        self.stage = Stage(WINDOW_PIXELS, off_screen=off_screen)
        self._draw()
        p: Any = self.stage.plotter
        p.add_text(f"{plan.status} · {facts.heading(plan)} · {facts.case_name(plan)}", font_size=10, color="#d55e00",
                   name="status")  # fmt: skip
        p.add_text(HELP, position="lower_left", font_size=9, color=style.GREY, name="keys")
        if p.iren is not None and not off_screen:
            p.iren.interactor.RemoveObservers("CharEvent")  # VTK's own P, W, S …: they pick and draw wires
            p.add_key_event("q", p.iren.terminate_app)
        for key, view in KEYS.items():
            p.add_key_event(key, lambda view=view: self._look(view))
        p.add_key_event("b", lambda: self._next("bone", BONES))
        p.add_key_event("c", lambda: self._next("colour", COLOURS))
        p.add_key_event("g", lambda: self._next("stem", ("plain", "gap")))
        p._canalfit_window = self  # keeps the keys alive as long as the plotter

    def _look(self, view: str) -> None:
        self.stage.look(view)
        self.stage.plotter.render()

    def _next(self, name: str, values: tuple[str, ...]) -> None:
        value = values[(values.index(getattr(self.options, name)) + 1) % len(values)]
        changed: dict[str, Any] = {name: value}
        self.options = replace(self.options, **changed)
        self._draw()
        self.stage.plotter.render()

    def _draw(self) -> None:
        """Show the scene with its legend."""
        scene = plan_scene(self.plan, options=self.options)
        self.stage.show(scene)
        rows = [("white", scene.legend)]
        rows += [(band["colour"], band["text"]) for band in legend_of(scene, self.options.stem == "gap")]
        width = max(len(text) for _, text in rows[1:])
        for k in range(max(len(rows), self._rows)):
            self._legend_row(k, *(rows[k] if k < len(rows) else ("white", "")), width if k else 0)
        self._rows = len(rows)

    def _legend_row(self, row: int, colour: str, text: str, width: int) -> None:
        """Write one row of the legend on a ground of its colour; an empty text takes the row away."""
        from matplotlib.colors import to_rgb

        p: Any = self.stage.plotter
        name = f"legend {row}"
        if not text:
            p.remove_actor(name)
            return
        at = (LEGEND_LEFT, LEGEND_TOP - ROW_SHARE * row)
        ink = "white" if sum(to_rgb(colour)) < DARK_SUM else style.INK
        words = p.add_text(f" {text.ljust(width)} ", position=at, viewport=True, font_size=8, font="courier", color=ink,
                           name=name)  # fmt: skip
        words.prop.background_color, words.prop.background_opacity = colour, 1.0
