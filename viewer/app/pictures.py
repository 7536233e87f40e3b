"""The planner's 2-D pictures: from the present state and what is being looked at, to SVG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import viewer.charts as charts
import viewer.contours as contours
import viewer.facts as facts
import viewer.panes as panes
import viewer.slices as slices
import viewer.style as style
from sizing.canal import cortical_thickness
from sizing.canal.model import Canal
from sizing.geometry import FloatArray
from sizing.volume import CtVolume
from viewer.app.session import State
from viewer.pane import Band, Pane
from viewer.section_pane import section_pane
from viewer.svg import pane_in

# Width and height (px) for which a picture is drawn until a page says how much room it has.
ROOMS = {
    "section": (320.0, 320.0), "long": (150.0, 640.0), "straight": (120.0, 600.0), "map": (320.0, 260.0),
    "kept-map": (320.0, 260.0), "native": (320.0, 260.0), "diameters": (280.0, 360.0),
}  # fmt: skip
LEAST_ROOM_PX, MOST_ROOM_PX = 60.0, 4000.0
SECTION_STEP_MM, LONG_STEP_MM = 0.25, 0.4

MAPS = {"wall": "wall left", "thickness": "native wall", "hu": "cortex HU"}


@dataclass(frozen=True)
class Look:
    """What is being looked at; never part of a plan and never undone.

    Attributes
    ----------
    level : int
        Index of the canal's level.
    window : tuple of float
        HU that are black and white.
    reamer : int
        Pass that is shown; -1 = the last.
    map : str
        Key of ``MAPS``.
    """

    level: int = 0
    window: tuple[float, float] = slices.BONE_WINDOW
    reamer: int = -1
    map: str = "wall"


class Pictures:
    """Draws panes for one scan."""

    def __init__(self, volume: CtVolume | None) -> None:
        self.volume = volume
        self.rooms: dict[str, tuple[float, float]] = ROOMS
        self._kept: dict[str, tuple[tuple, Any]] = {}

    def _once(self, name: str, of: tuple, make: Callable[[], Any]) -> Any:
        """Make what depends on nothing but ``of`` (compared by identity), and keep the last of each name."""
        known = self._kept.get(name)
        if known is None or len(known[0]) != len(of) or any(a is not b for a, b in zip(known[0], of, strict=True)):
            self._kept[name] = known = (of, make())
        return known[1]

    def fill(self, rooms: dict[str, tuple[float, float]]) -> bool:
        """Draw for other rooms from now on; returns whether any is new."""
        changed = {}
        for name in ROOMS.keys() & rooms.keys():
            width, height = (min(MOST_ROOM_PX, max(LEAST_ROOM_PX, px)) for px in rooms[name])
            if (width, height) != self.rooms[name]:
                changed[name] = (width, height)
        self.rooms = self.rooms | changed
        return bool(changed)

    def native_wall_mm(self, canal: Canal) -> FloatArray:
        """Wall of the untouched bone (m, n), measured once for a canal."""
        return self._once("native", (canal,), lambda: cortical_thickness(canal))

    def stamp(self, state: State) -> str:
        """Return what stands on every picture: status, side and bone, case."""
        return f"{state.status} · research use only\n{facts.heading(state.plan)} · {facts.case_name(state.plan)}"

    def section(self, state: State, look: Look, other: State | None, prefix: str = "") -> str:
        """Cross-section at the present level, with the outline of another stem; ``prefix`` goes before its key."""
        canal, settings = state.plan.canal, self._settings(look, SECTION_STEP_MM, other)
        pane = section_pane(canal, look.level, state.fit, self.volume, settings, panes.half_width(canal))
        return pane_in(_named(pane, prefix), self.rooms["section"], self.stamp(state))

    def along_stem(self, state: State, look: Look, other: State | None, prefix: str = "") -> tuple[str, str]:
        """Coronal and sagittal slice along the stem, with the outline of another one."""
        settings = self._settings(look, LONG_STEP_MM, other)
        width, height = room = self.rooms["long"]
        coronal, sagittal = (
            pane_in(_named(panes.long_pane(state.plan.canal, state.fit, plane, self.volume, settings, height / width),
                           prefix), room, _short(state))
            for plane in ("coronal", "sagittal")
        )  # fmt: skip
        return coronal, sagittal

    def along_canal(self, state: State, look: Look) -> tuple[str, str]:
        """Straightened pair along the canal."""
        settings = self._settings(look, LONG_STEP_MM, None)
        canal = state.plan.canal

        def draw() -> tuple[str, str]:
            made = [panes.straight_pane(canal, p, self.volume, settings) for p in ("coronal", "sagittal")]
            marked = [replace(p, marks=panes.level_marks(p), sides_at=panes.between_marks(*p.y_range)) for p in made]
            frontal, lateral = (pane_in(pane, self.rooms["straight"], _short(state)) for pane in marked)
            return frontal, lateral

        return self._once("along canal", (canal, look.window, state.review, self.rooms["straight"]), draw)

    def unrolled(self, state: State, look: Look, prefix: str = "") -> tuple[str, list[dict[str, str]]]:
        """Unrolled map and its legend."""
        pane = _named(self._map(state, look), prefix)
        return pane_in(pane, self.rooms[f"{prefix}map"], _short(state)), legend(pane.bands)

    def native(self, state: State) -> tuple[str, list[dict[str, str]]]:
        """Unrolled map of the untouched bone's thickness, and its legend."""

        def draw() -> tuple[str, list[dict[str, str]]]:
            pane = replace(self._map(state, Look(map="thickness")), key="native-map")
            return pane_in(pane, self.rooms["native"], _short(state)), legend(pane.bands)

        of = (state.plan.canal, state.context.settings, state.review, self.rooms["native"])
        return self._once("native map", of, draw)

    def diameters(self, state: State) -> str:
        """Canal and stem by level."""
        return pane_in(charts.diameter_pane(state.plan, state.fit), self.rooms["diameters"], _short(state))

    def _map(self, state: State, look: Look) -> Pane:
        canal, limit = state.plan.canal, state.wall_limit_mm
        if look.map == "hu" and canal.cortex_hu is not None:
            return charts.map_pane(canal, canal.cortex_hu, style.hu_bands(), "Cortex, HU")
        if look.map == "wall":
            settings = replace(state.plan.settings, wall_limit_mm=limit)
            pane = charts.reamed_wall_pane(replace(state.plan, settings=settings), state.fit, look.reamer)
            if pane is not None:
                return pane
        return charts.wall_map_pane(canal, self.native_wall_mm(canal), limit, "Thickness of the untouched bone")

    def _settings(self, look: Look, step_mm: float, other: State | None) -> panes.PaneSettings:
        return panes.PaneSettings(look.window, step_mm, look.reamer, None if other is None else other.fit)


def _named(pane: Pane, prefix: str) -> Pane:
    return replace(pane, key=prefix + pane.key)


def _short(state: State) -> str:
    return f"{state.status.split(' ')[0]}\n{facts.case_name(state.plan)}"


def legend(bands: tuple[Band, ...]) -> list[dict[str, str]]:
    """Return colours and texts of a scale."""
    return [{"colour": style.hex_colour(b.rgb), "text": b.text} for b in bands]


def cursors(state: State, look: Look, kept: State | None) -> dict[str, float]:
    """Return the present level in the units of the long pictures: along the stem, the kept stem, and the canal."""
    canal = state.plan.canal
    found = {"canal": float(canal.axis.depth_mm[look.level])}
    for name, s in (("stem", state), ("kept", kept)):
        if s is not None:
            found[name] = float(contours.travel_at_levels(canal, contours.stem_frame(s.fit, canal))[look.level])
    return {name: round(mm, 3) for name, mm in found.items()}


def level_of(state: State, key: str, x: float, y: float) -> int | None:
    """Return the level that a click in a picture means; None where a picture has no levels."""
    canal = state.plan.canal
    if key.startswith("long-"):
        travel = contours.travel_at_levels(canal, contours.stem_frame(state.fit, canal))
        return int(np.argmin(np.abs(travel - y)))
    if key in ("wall-map", "native-map", "diameters", "fill") or key.startswith("canal-"):
        return contours.nearest_level(canal, y)
    return None
