"""A plain PyVista window with a plan's scene, for a desk; and the same plotter for notebooks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import viewer.facts as facts
import viewer.render as render
from sizing.errors import UsageError
from sizing.planning import ImplantationPlan
from viewer.app.stage import Stage
from viewer.scene import SceneOptions, plan_scene

if TYPE_CHECKING:
    import pyvista as pv

KEYS = {"a": "front", "p": "back", "l": "lateral", "m": "medial", "o": "proximal", "u": "distal"}
HELP = "A P L M O U: look from front, back, lateral, medial, above, cut end · B bone · C colour · G gap · Q quit"
BONES = ("half", "glass", "surface", "hidden")
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
        raise UsageError(sentence)
    if not render.has_display():
        raise UsageError("there is no display to open a window on; use the planner in the browser (without --window)")
    show(plan).show(title=f"{facts.heading(plan)} · {facts.case_name(plan)} · canalfit")


class _Window:
    """A stage with keys."""

    def __init__(self, plan: ImplantationPlan, off_screen: bool) -> None:
        self.plan, self.options = plan, SceneOptions()
        self.stage = Stage(off_screen=off_screen)
        self.stage.show(plan_scene(plan, options=self.options))
        p: Any = self.stage.plotter
        p.add_text(f"{plan.status} · {facts.heading(plan)} · {facts.case_name(plan)}", font_size=10, color="#d55e00",
                   name="status")  # fmt: skip
        p.add_text(HELP, position="lower_left", font_size=7, color="#5c6873", name="keys")
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
        self.stage.show(plan_scene(self.plan, options=self.options))
        self.stage.plotter.render()
