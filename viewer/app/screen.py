"""What is on the page: pictures and numbers of the present state, drawn into the page's state by name.

Holds what is being looked at (level, window, reamer, colours), which is never part of a plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import viewer.app.panel as panel
from sizing.volume import CtVolume
from viewer.app.pictures import Look, Pictures, cursors
from viewer.app.session import Session, State
from viewer.app.stage import Stage, legend_of
from viewer.scene import SceneOptions, plan_scene

KEPT = "kept-"  # before the key of a picture of the kept state, while two are compared


class Screen:
    """Draws a session into the state of a trame server."""

    def __init__(self, server: Any, session: Session, volume: CtVolume | None) -> None:
        self.state, self.session = server.state, session
        self.pictures = Pictures(volume)
        self.look = Look(level=len(session.plan.canal.axis) // 3)
        self.options = SceneOptions()
        self.stage: Stage | None = None
        self.push_stage: Callable[[], None] = lambda: None

    # -- what is looked at -------------------------------------------------------------------------

    def go(self, level: int) -> None:
        """Look at a level; beyond an end it is the end."""
        self.look = replace(self.look, level=min(self.top_level, max(0, level)))
        self.draw_section()
        self.draw_level()

    @property
    def top_level(self) -> int:
        """Index of the last level of the present canal."""
        return len(self.session.state.plan.canal.axis) - 1

    def follow_change(self) -> None:
        """After a change of the plan: the last reamer again, and a level that exists."""
        if self.look.reamer != -1:
            self.options = replace(self.options, reamer=-1, show_reamer=False)
        self.look = replace(self.look, reamer=-1, level=min(self.look.level, self.top_level))

    def set_window(self, window: tuple[float, float]) -> None:
        """Take other HU as black and white."""
        self.look = replace(self.look, window=window)
        self.state.window = f"{window[1] - window[0]:.0f} / {(window[0] + window[1]) / 2:.0f} HU"
        self.draw_slices()

    def fill(self, rooms: dict[str, tuple[float, float]]) -> None:
        """Draw the 2-D pictures for the room that the page has for them."""
        if self.pictures.fill(rooms):
            self.draw_slices()
            if self.session.state.fit.reamed is not None:  # else the map is drawn once the hole is known
                self._draw_map(self.session.state)

    def show_reamer(self, index: int) -> None:
        """Show a pass; the last one is the end."""
        last = len(self.session.state.fit.reaming_plan.passes) - 1
        k = min(last, max(0, index))
        shown = -1 if k == last else k
        self.look = replace(self.look, reamer=shown)
        self.options = replace(self.options, reamer=shown, show_reamer=shown != -1)
        self.draw_reamed()
        self._draw_along_stem()

    def show_map(self, name: str) -> None:
        """Choose what the unrolled map shows; ``name`` is a key of ``pictures.MAPS``."""
        self.look = replace(self.look, map=name)
        self._draw_map(self.session.state)

    def set_scene(self, name: str, value: Any) -> None:
        """Set an option of the 3-D scene."""
        changed: dict[str, Any] = {name: value}
        self.options = replace(self.options, **changed)
        self.state.scene_options = panel.scene_options(self.options)
        self.draw_scene(self.session.state)

    def shown_in(self, key: str) -> tuple[State, Look, str]:
        """Return the state that a picture shows, how, and its key without what says which of two it is."""
        kept = self.session.compared
        if kept is not None and key.startswith(KEPT):
            return kept, self._kept_look, key.removeprefix(KEPT)
        return self.session.state, self.look, key

    # -- drawing -----------------------------------------------------------------------------------

    def draw_all(self) -> None:
        """Draw everything."""
        self.draw_numbers()
        self.draw_slices()
        self.draw_reamed()

    def draw_numbers(self) -> None:
        """The numbers of the fit, and of the level."""
        self.state.update(panel.numbers(self.session))
        self.draw_level()

    def draw_untold(self) -> None:
        """Right after a change: no reamer is measured yet, and nothing old stays on screen."""
        self.state.update(panel.reaming(self.session.state, -1))
        self.state.reaming = True

    def draw_level(self) -> None:
        """What is known of the level, and where it is in the long pictures."""
        self.state.update(panel.level(self.session.state, self.look.level))
        self.state.cursor = cursors(self.session.state, self.look, self.session.compared)

    def draw_slices(self) -> None:
        """The pictures that show the scan."""
        self.draw_section()
        self._draw_along_stem()
        self.state.svg_frontal, self.state.svg_lateral = self.pictures.along_canal(self.session.state, self.look)

    def draw_reamed(self) -> None:
        """What shows the hole, and the list of reamers."""
        s = self.session.state
        self.state.reaming = s.fit.reamed is None
        self.state.update(panel.reaming(s, self.look.reamer))
        self.draw_scene(s)
        self.draw_hole(s)

    def draw_hole(self, s: State) -> None:
        """The hole in the 2-D pictures: of the present state, or of its preview."""
        self.draw_section(s)
        self._draw_map(s)

    def draw_section(self, s: State | None = None) -> None:
        """The cross-section; beside it the kept one, while two are compared."""
        s, kept = s or self.session.state, self.session.compared
        self.state.svg_section = self.pictures.section(s, self.look, kept)
        self.state.svg_section_kept = "" if kept is None else self.pictures.section(kept, self._kept_look, s, KEPT)

    def draw_scene(self, s: State) -> None:
        """The 3-D picture, if there is one."""
        if self.stage is None:
            return
        scene = plan_scene(s.plan, s.fit, self.options, s.wall_limit_mm)
        self.stage.show(scene)
        self.state.scene_legend = legend_of(scene, self.options.stem == "gap")
        self.state.scene_title = scene.legend
        self.push_stage()

    @property
    def _kept_look(self) -> Look:
        """The kept stem is shown after its last reamer: the reamers of the two do not answer each other."""
        return replace(self.look, reamer=-1)

    def _draw_along_stem(self) -> None:
        s, kept, state = self.session.state, self.session.compared, self.state
        state.svg_coronal, state.svg_sagittal = self.pictures.along_stem(s, self.look, kept)
        both = ("", "") if kept is None else self.pictures.along_stem(kept, self._kept_look, s, KEPT)
        state.svg_coronal_kept, state.svg_sagittal_kept = both
        state.svg_diameters = self.pictures.diameters(s)

    def _draw_map(self, s: State) -> None:
        state, kept = self.state, self.session.compared
        state.svg_native, state.native_legend = self.pictures.native(s)
        state.svg_map, state.map_legend = self.pictures.unrolled(s, self.look)
        state.svg_map_kept = "" if kept is None else self.pictures.unrolled(kept, self._kept_look, KEPT)[0]
        state.map = self.look.map
