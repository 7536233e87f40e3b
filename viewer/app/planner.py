"""The planner's callbacks that change the plan: what a click, a key or a number does, and which pictures follow.

After each change the numbers and the 2-D pictures go out together; the hole after the last reamer is cut
meanwhile in a thread, and the 3-D picture and the wall map follow; what each reamer takes comes last. A newer
change makes an older measurement void.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import viewer.app.panel as panel
import viewer.render as render
from sizing.fit import Fit, with_reaming
from sizing.planning import ImplantationPlan
from sizing.volume import CtVolume
from viewer.app.journal import Journal
from viewer.app.messages import number, told
from viewer.app.screen import Screen
from viewer.app.session import Session, State, preview_of
from viewer.app.view_callbacks import ViewCallbacks

# What was flushed is on its way to the page before a picture keeps this thread busy.
SENT_S = 0.01
# The 3-D picture is drawn and sent before the long measurement takes a core away from it.
PICTURE_FIRST_S = 0.08


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
    """Callbacks of one browser session."""

    def __init__(self, server: Any, session: Session, volume: CtVolume | None, services: Services) -> None:
        self.server, self.session, self.services = server, session, services
        self.screen = Screen(server, session, volume)
        self._pending: asyncio.Task | None = None
        self._worker = ThreadPoolExecutor(1)  # one measurement at a time; those left behind are skipped
        server.state.update(panel.first_state(session, services.scan_note))
        for callbacks in (self, ViewCallbacks(self.screen)):
            for name in dir(callbacks):
                if name.startswith("on_"):
                    server.controller.trigger(name[3:])(getattr(callbacks, name))

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
        self._change(lambda s: s.set_size(name, number(value)))

    def on_nudge(self, name: str, step: float) -> None:
        """Move the stem by a small step."""
        self._change(lambda s: s.nudge(name, float(step)))

    def on_move(self, name: str, value: Any) -> None:
        """Move the stem to a typed value."""
        self._change(lambda s: s.set_move(name, number(value)))

    def on_limit(self, value: Any) -> None:
        """Set the least wall that reaming may leave."""
        self._change(lambda s: s.set_wall_limit(number(value)))

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
        self.screen.draw_numbers()

    def on_compare(self) -> None:
        """Keep the present implant beside what comes, or end that."""
        self.session.compare()
        self.screen.draw_all()

    async def on_search(self) -> None:
        """Search all implants again."""
        await self._long("searching all implants", self.session.search)

    async def on_cut(self, value: Any) -> None:
        """Cut the bone elsewhere, from the scan."""
        with told(self.server.state):
            at = number(value)
            await self._long("cutting, measuring and searching again", lambda: self.session.move_cut(at))

    async def on_save(self) -> None:
        """Write a new plan folder."""

        def save() -> None:
            where = self.services.save(self.session.edited_plan())
            self.services.journal.clear()
            self.server.state.message = f"Saved: {where}"

        await self._long("saving", save, changed=False)

    async def on_idle(self) -> bool:
        """Answer once nothing is being measured and the page has been told everything."""
        while self._pending is not None and not self._pending.done():
            await asyncio.wait([self._pending])
        self.server.state.flush()
        await asyncio.sleep(2 * SENT_S)
        return True

    # -- what follows a change ---------------------------------------------------------------------

    def start(self) -> None:
        """Draw everything for the first time."""
        restored = self.services.journal.restore(self.session)
        self.session.complete()
        self.screen.draw_all()
        if restored:
            self.server.state.message = restored

    def _change(self, change: Callable[[Session], None]) -> None:
        before = self.session.state
        with told(self.server.state):
            change(self.session)
        if self.session.state is not before:
            self._changed(before.plan is not self.session.state.plan)

    def _changed(self, other_canal: bool) -> None:
        self.services.journal.keep(self.session)
        self.screen.follow_change()
        if other_canal or self.session.state.fit.reamed is not None:
            self.screen.draw_all()
            return
        self._measure_soon()
        self.screen.draw_numbers()
        self.screen.draw_untold()
        self.screen.draw_slices()

    def _measure_soon(self) -> None:
        """Begin to cut the hole at once, while the numbers and the slices are drawn."""
        if self._pending is not None:
            self._pending.cancel()
        loop, state = asyncio.get_event_loop(), self.session.state
        hole = loop.run_in_executor(self._worker, self._if_current, state, preview_of)
        self._pending = loop.create_task(self._measure(state, hole))

    async def _measure(self, state: State, hole: asyncio.Future[Fit | None]) -> None:
        self.server.state.flush()
        await asyncio.sleep(SENT_S)
        preview = await hole
        if preview is not None and self.session.state is state and self.screen.options.colour != "contact":
            seen = replace(state, fit=preview)
            with self.server.state:
                self.screen.draw_scene(seen)
                self.screen.draw_hole(seen)
            await asyncio.sleep(PICTURE_FIRST_S)
        whole = await asyncio.get_event_loop().run_in_executor(self._worker, self._if_current, state, _reamed)
        if self.session.state is state and whole is not None:
            self.session.state = replace(state, fit=whole)
            with self.server.state:
                self.screen.draw_reamed()

    def _if_current(self, state: State, measure: Callable[[State], Fit | None]) -> Fit | None:
        """Measure unless the state has been left behind while this waited for its turn."""
        return measure(state) if self.session.state is state else None

    async def _long(self, words: str, work: Callable[[], None], *, changed: bool = True) -> None:
        with self.server.state as state:
            state.busy = words
        await asyncio.sleep(0.05)  # the browser shows the bar before the work begins
        with told(self.server.state):
            await asyncio.get_event_loop().run_in_executor(None, work)
        with self.server.state as state:
            state.busy = ""
            if changed:
                self.session.complete()
                self._changed(True)


def _reamed(state: State) -> Fit:
    return with_reaming(state.context, state.fit)
