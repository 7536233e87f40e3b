"""The callbacks that change what is looked at, and never the plan: level, window, reamer, colours, 3-D."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import viewer.contours as contours
import viewer.slices as slices
from viewer.app.messages import number, told
from viewer.app.pictures import MAPS, level_of
from viewer.app.probe import probe
from viewer.app.screen import Screen

PRESETS = {"bone": slices.BONE_WINDOW, "soft": slices.SOFT_WINDOW}
LEAST_WINDOW_HU = 20.0


class ViewCallbacks:
    """What a click, a key or a wheel does to the pictures."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    def on_level_step(self, steps: float) -> None:
        """Go some levels up (proximally) or down."""
        self.screen.go(self.screen.look.level + round(steps))

    def on_level_end(self, end: str) -> None:
        """Go to the cut or to the last level."""
        self.screen.go(0 if end == "cut" else self.screen.top_level)

    def on_level_mm(self, depth_mm: Any) -> None:
        """Go to a level in mm above the cut."""
        with told(self.screen.state):
            self.screen.go(contours.nearest_level(self.screen.session.state.plan.canal, number(depth_mm)))

    def on_pick(self, key: str, x: float, y: float) -> None:
        """A click in a picture is a level."""
        state, _, plain = self.screen.shown_in(key)
        level = level_of(state, plain, x, y)
        if level is not None:
            self.screen.go(level)

    def on_probe(self, key: str, x: float, y: float) -> None:
        """Say what is under the pointer."""
        state, look, plain = self.screen.shown_in(key)
        self.screen.state.probe = probe(state, look, self.screen.pictures, plain, x, y)

    def on_preset(self, name: str) -> None:
        """Take a window preset."""
        self.screen.set_window(PRESETS[name])

    def on_window(self, centre_step: float, width_step: float) -> None:
        """Shift and widen the window by steps in HU."""
        low, high = self.screen.look.window
        centre, width = (low + high) / 2 + centre_step, max(LEAST_WINDOW_HU, high - low + width_step)
        self.screen.set_window((centre - width / 2, centre + width / 2))

    def on_reamer(self, index: Any) -> None:
        """Show a pass."""
        self.screen.show_reamer(int(index))

    def on_map(self, name: str) -> None:
        """Choose what the unrolled map shows."""
        if name in MAPS:
            self.screen.show_map(name)

    def on_scene(self, name: str, value: Any) -> None:
        """Set an option of the 3-D scene."""
        self.screen.set_scene(name, value)

    def on_look(self, view: str) -> None:
        """Look from a standard direction."""
        if self.screen.stage is not None:
            self.screen.stage.look(view)
            self.screen.push_stage()

    def on_theme(self) -> None:
        """Light or dark."""
        state = self.screen.state
        state.theme = "dark" if state.theme == "light" else "light"
        if self.screen.stage is not None:
            self.screen.stage.theme(state.theme)
            self.screen.push_stage()

    def on_room(self, rooms: dict[str, Any]) -> None:
        """The page has this much room (px) for each picture."""
        with told(self.screen.state):
            self.screen.fill({str(k): (number(w), number(h)) for k, (w, h) in rooms.items()})

    def on_shot(self) -> str:
        """Return the 3-D picture as a PNG data URI."""
        from PIL import Image

        if self.screen.stage is None:
            return ""
        out = BytesIO()
        Image.fromarray(self.screen.stage.picture()).save(out, "PNG")
        return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
