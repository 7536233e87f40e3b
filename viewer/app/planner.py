"""The planner's callbacks: what a click, a key or a number changes, and which pictures follow.

After each change the numbers and the 2-D pictures go out together; what each reamer cuts is measured
in a thread right after, and the wall map and the 3-D picture follow. A newer change makes an older
measurement void.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import viewer.app.panel as panel
import viewer.render as render
import viewer.slices as slices
from sizing.errors import CanalfitError
from sizing.fit import Fit, with_reaming
from sizing.planning import ImplantationPlan
from sizing.volume import CtVolume
from viewer.app.journal import Journal
from viewer.app.pictures import MAPS, Look, Pictures, cursors, level_of
from viewer.app.probe import probe
from viewer.app.session import Session, State, preview_of
from viewer.app.stage import Stage, legend_of
from viewer.scene import SceneOptions, plan_scene

PRESETS = {"bone": slices.BONE_WINDOW, "soft": slices.SOFT_WINDOW}
LEAST_WINDOW_HU = 20.0


@dataclass(frozen=True)
class Services:
    """What the application does for the planner.

    Attributes
    ----------
    save : callable
        ``save(plan) -> Path``: writes a new plan folder and says where.
    journal : Journal
        Keeps unsaved changes over a crash.
    scan_note : str
        Why there is no scan, if there is none.
    opengl : callable
        Whether OpenGL works, and the window's class or the reason why not.
    """

    save: Callable[[ImplantationPlan], Path]
    journal: Journal
    scan_note: str = ""
    opengl: Callable[[], tuple[bool, str]] = render.opengl_works


class Planner:
    """State and callbacks of one browser session."""

    def __init__(self, server: Any, session: Session, volume: CtVolume | None, services: Services) -> None:
        self.server, self.session, self.services = server, session, services
        self.pictures = Pictures(volume)
        self.look = Look(level=len(session.plan.canal.axis) // 3)
        self.options = SceneOptions()
        self.stage: Stage | None = None
        self.push_stage: Callable[[], None] = lambda: None
        self._pending: asyncio.Task | None = None
        self._worker = ThreadPoolExecutor(1)  # one measurement at a time; those left behind are skipped
        server.state.update(panel.first_state(session, services.scan_note))
        for name in dir(self):
            if name.startswith("on_"):
                server.controller.trigger(name[3:])(getattr(self, name))

    # -- what changes the plan ---------------------------------------------------------------------

    def on_choose(self, part_number: str) -> None:
        """Take an implant by its part number."""
        self._change(lambda s: s.choose(part_number))

    def on_diameter(self, steps: int) -> None:
        """Size up or down."""
        self._change(lambda s: s.step_diameter(int(steps)))

    def on_length(self, steps: int) -> None:
        """Longer or shorter."""
        self._change(lambda s: s.step_length(int(steps)))

    def on_size(self, name: str, value: Any) -> None:
        """Take a typed size: ``name`` is "diameter_mm" or "length_mm"."""
        self._change(lambda s: s.set_size(name, _number(value)))

    def on_nudge(self, name: str, step: float) -> None:
        """Move the stem by a small step."""
        self._change(lambda s: s.nudge(name, float(step)))

    def on_move(self, name: str, value: Any) -> None:
        """Move the stem to a typed value."""
        self._change(lambda s: s.set_move(name, _number(value)))

    def on_limit(self, value: Any) -> None:
        """Set the least wall that reaming may leave."""
        self._change(lambda s: s.set_wall_limit(_number(value)))

    def on_reset(self) -> None:
        """Back to the proposal."""
        self._change(lambda s: s.reset())

    def on_undo(self) -> None:
        """One change back."""
        self._change(lambda s: s.undo())

    def on_redo(self) -> None:
        """One change forward."""
        self._change(lambda s: s.redo())

    def on_review(self, name: str, date: str) -> None:
        """Mark as reviewed."""
        self._change(lambda s: s.review(str(name), str(date)))

    def on_lock(self) -> None:
        """Lock or unlock the plan."""
        self.session.locked = not self.session.locked
        self._refresh_numbers()

    def on_compare(self) -> None:
        """Keep the present implant beside what comes, or end that."""
        self.session.compare()
        self._refresh_all()

    async def on_search(self) -> None:
        """Search all implants again."""
        await self._long("searching all implants", self.session.search)

    async def on_cut(self, value: Any) -> None:
        """Cut the bone elsewhere, from the scan."""
        with self._told():
            at = _number(value)
            await self._long("cutting, measuring and searching again", lambda: self.session.move_cut(at))

    async def on_save(self) -> None:
        """Write a new plan folder."""

        def save() -> None:
            where = self.services.save(self.session.edited_plan())
            self.services.journal.clear()
            self.server.state.message = f"Saved: {where}"

        await self._long("saving", save, changed=False)

    # -- what changes the view ---------------------------------------------------------------------

    def on_level_step(self, steps: float) -> None:
        """Go some levels up (proximally) or down."""
        self._go(self.look.level + round(steps))

    def on_level_end(self, end: str) -> None:
        """Go to the cut or to the last level."""
        self._go(0 if end == "cut" else len(self.session.state.plan.canal.axis) - 1)

    def on_level_mm(self, depth_mm: Any) -> None:
        """Go to a level in mm above the cut."""
        from viewer.contours import nearest_level

        with self._told():
            self._go(nearest_level(self.session.state.plan.canal, _number(depth_mm)))

    def on_pick(self, key: str, x: float, y: float) -> None:
        """A click in a picture is a level."""
        level = level_of(self.session.state, key, x, y)
        if level is not None:
            self._go(level)

    def on_probe(self, key: str, x: float, y: float) -> None:
        """Say what is under the pointer."""
        self.server.state.probe = probe(self.session.state, self.look, self.pictures, key, x, y)

    def on_preset(self, name: str) -> None:
        """Take a window preset."""
        self._window(PRESETS[name])

    def on_window(self, centre_step: float, width_step: float) -> None:
        """Shift and widen the window by steps in HU."""
        low, high = self.look.window
        centre, width = (low + high) / 2 + centre_step, max(LEAST_WINDOW_HU, high - low + width_step)
        self._window((centre - width / 2, centre + width / 2))

    def on_reamer(self, index: Any) -> None:
        """Show a pass; the last one is the end."""
        passes = len(self.session.state.fit.reaming_plan.passes)
        k = min(passes - 1, max(0, int(index)))
        shown = -1 if k == passes - 1 else k
        self.look = replace(self.look, reamer=shown)
        self.options = replace(self.options, reamer=shown, show_reamer=shown != -1)
        self._refresh_reamed()
        self._draw_long()

    def on_map(self, name: str) -> None:
        """Choose what the unrolled map shows."""
        if name in MAPS:
            self.look = replace(self.look, map=name)
            self._draw_map()

    def on_scene(self, name: str, value: Any) -> None:
        """Set an option of the 3-D scene."""
        self.options = replace(self.options, **{name: value})
        self.server.state.scene_options = panel.scene_options(self.options)
        self._draw_scene()

    def on_look(self, view: str) -> None:
        """Look from a standard direction."""
        if self.stage is not None:
            self.stage.look(view)
            self.push_stage()

    def on_theme(self) -> None:
        """Light or dark."""
        self.server.state.theme = "dark" if self.server.state.theme == "light" else "light"
        if self.stage is not None:
            self.stage.theme(self.server.state.theme)
            self.push_stage()

    def on_shot(self) -> str:
        """Return the 3-D picture as a PNG data URI."""
        from PIL import Image

        if self.stage is None:
            return ""
        out = BytesIO()
        Image.fromarray(self.stage.picture()).save(out, "PNG")
        return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()

    async def on_idle(self) -> bool:
        """Answer once nothing is being measured and the page has been told everything."""
        while self._pending is not None and not self._pending.done():
            await asyncio.wait([self._pending])
        self.server.state.flush()
        await asyncio.sleep(0.02)  # what was flushed goes out before this answer
        return True

    # -- pictures and numbers ----------------------------------------------------------------------

    def start(self) -> None:
        """Draw everything for the first time."""
        restored = self.services.journal.restore(self.session)
        self.session.complete()
        self._refresh_all()
        if restored:
            self.server.state.message = restored

    def _change(self, change: Callable[[Session], None]) -> None:
        before = self.session.state
        with self._told():
            change(self.session)
        if self.session.state is not before:
            self._changed(before.plan is not self.session.state.plan)

    def _changed(self, other_canal: bool) -> None:
        self.services.journal.keep(self.session)
        if self.look.reamer != -1:
            self.look = replace(self.look, reamer=-1)
            self.options = replace(self.options, reamer=-1, show_reamer=False)
        top = len(self.session.state.plan.canal.axis) - 1
        self.look = replace(self.look, level=min(self.look.level, top))
        if other_canal or self.session.state.fit.reamed is not None:
            self._refresh_all()
            return
        self._refresh_numbers()
        self.server.state.update(panel.reaming(self.session.state, -1))  # none yet: nothing old stays on screen
        self._draw_slices()
        self._complete_soon()

    def _complete_soon(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
        self.server.state.reaming = True
        self._pending = asyncio.get_event_loop().create_task(self._complete())

    async def _complete(self) -> None:
        state = self.session.state
        await asyncio.sleep(0)  # let the numbers and the slices go out first
        loop = asyncio.get_event_loop()
        if self.options.colour != "contact":
            preview = await loop.run_in_executor(self._worker, self._if_current, state, preview_of)
            if self.session.state is state and preview is not None:
                with self.server.state:
                    self._draw_reamed(replace(state, fit=preview))
        whole = await loop.run_in_executor(self._worker, self._if_current, state, _reamed)
        if self.session.state is state and whole is not None:
            self.session.state = replace(state, fit=whole)
            with self.server.state:
                self._refresh_reamed()

    def _if_current(self, state: State, measure: Callable[[State], Fit | None]) -> Fit | None:
        """Measure unless the state has been left behind while this waited for its turn."""
        return measure(state) if self.session.state is state else None

    async def _long(self, words: str, work: Callable[[], None], *, changed: bool = True) -> None:
        with self.server.state as state:
            state.busy = words
        await asyncio.sleep(0.05)  # the browser shows the bar before the work begins
        with self._told():
            await asyncio.get_event_loop().run_in_executor(None, work)
        with self.server.state as state:
            state.busy = ""
            if changed:
                self.session.complete()
                self._changed(True)

    def _go(self, level: int) -> None:
        top = len(self.session.state.plan.canal.axis) - 1
        self.look = replace(self.look, level=min(top, max(0, level)))
        self._draw_section()
        self._level_numbers()

    def _window(self, window: tuple[float, float]) -> None:
        self.look = replace(self.look, window=window)
        self.server.state.window = f"{window[1] - window[0]:.0f} / {(window[0] + window[1]) / 2:.0f} HU"
        self._draw_slices()

    def _refresh_all(self) -> None:
        self._refresh_numbers()
        self._draw_slices()
        self._refresh_reamed()

    def _refresh_numbers(self) -> None:
        self.server.state.update(panel.numbers(self.session))
        self._level_numbers()

    def _refresh_reamed(self) -> None:
        s, state = self.session.state, self.server.state
        state.reaming = s.fit.reamed is None
        state.update(panel.reaming(s, self.look.reamer))
        self._draw_reamed(s)

    def _draw_reamed(self, s: State) -> None:
        """Draw what shows the hole: of the present state, or of its preview."""
        self._draw_section(s)
        self._draw_map(s)
        self._draw_scene(s)

    def _level_numbers(self) -> None:
        self.server.state.update(panel.level(self.session.state, self.look.level))
        self.server.state.cursor = cursors(self.session.state, self.look)

    def _draw_slices(self) -> None:
        self._draw_section()
        self._draw_long()
        state = self.server.state
        state.svg_frontal, state.svg_lateral = self.pictures.along_canal(self.session.state, self.look)

    def _draw_section(self, s: State | None = None) -> None:
        s, other = s or self.session.state, self.session.compared
        self.server.state.svg_section = self.pictures.section(s, self.look, other)

    def _draw_long(self) -> None:
        s, state = self.session, self.server.state
        state.svg_coronal, state.svg_sagittal = self.pictures.along_stem(s.state, self.look, s.compared)
        state.svg_diameters = self.pictures.diameters(s.state)

    def _draw_map(self, s: State | None = None) -> None:
        s, state = s or self.session.state, self.server.state
        state.svg_native, state.native_legend = self.pictures.native(s)
        state.svg_map, state.map_legend = self.pictures.unrolled(s, self.look)
        state.map = self.look.map

    def _draw_scene(self, s: State | None = None) -> None:
        if self.stage is None:
            return
        s = s or self.session.state
        scene = plan_scene(s.plan, s.fit, self.options, s.wall_limit_mm)
        self.stage.show(scene)
        self.server.state.scene_legend = legend_of(scene, self.options.stem == "gap")
        self.server.state.scene_title = scene.legend
        self.push_stage()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Say an error of ours in the page, and go on."""
        try:
            yield
        except (CanalfitError, ValueError) as error:
            self.server.state.message = str(error)
            self.server.state.flush()


def _reamed(state: State) -> Fit:
    return with_reaming(state.context, state.fit)


def _number(value: Any) -> float:
    try:
        return float(str(value).replace(",", "."))
    except ValueError:
        raise ValueError(f"a number is needed, not {value!r}") from None
