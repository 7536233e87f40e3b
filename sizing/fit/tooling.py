"""Which tools of the tray prepare an implant, in which order, and what hole they leave."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sizing.implants.model import Fixation, ImplantTemplate
from sizing.reaming.model import Reamer, ReamerPass, ReamerSet, ReamingPlan, TipForm, ToolAxis, ToolKind


@dataclass(frozen=True, slots=True)
class Tooling:
    """Tools of one implant.

    Attributes
    ----------
    tools : tuple of Reamer
        In the order of use; a tap comes last.
    bore_diameter_mm : float
        Diameter of the last reamer or drill.
    wanted_diameter_mm : float
        What the implant's rule asks for.
    """

    tools: tuple[Reamer, ...]
    bore_diameter_mm: float
    wanted_diameter_mm: float

    def around(self, first_contact_mm: float, before: int) -> Tooling:
        """Return the same tools without those that are more than ``before`` sizes below the first contact."""
        loose = sum(t.diameter_mm <= first_contact_mm for t in self.tools[:-1])
        return replace(self, tools=self.tools[max(0, loose - before) :])

    def plan(self, axis: ToolAxis, depth_mm: float) -> ReamingPlan:
        """Return the passes, all on one axis and to one depth."""
        return ReamingPlan(tuple(ReamerPass(tool, axis, depth_mm) for tool in self.tools))


class Tray:
    """A reamer set, ready to be asked for the tools of many implants.

    Parameters
    ----------
    reamers : ReamerSet
        Sizes; each tool is used in the kind that the implant asks for (rigid, curved, drill …).
    """

    def __init__(self, reamers: ReamerSet) -> None:
        self.reamers = reamers
        self._sizes = reamers.diameters_mm
        self._by_kind: dict[ToolKind, tuple[Reamer, ...]] = {}

    def tooling(self, implant: ImplantTemplate) -> Tooling:
        """Pick the tools: the tray's sizes up to the one nearest to what the implant asks for.

        Of two sizes equally near, the larger is taken for threads (a thread must not be forced into too
        small a hole) and the smaller for press-fit (bone that stays can still be reamed).
        """
        wanted = implant.last_reamer_mm
        threaded = implant.fixation is Fixation.THREADED
        away = np.round(np.abs(self._sizes - wanted), 9)
        nearest = np.flatnonzero(away == away.min())
        last = int(nearest[-1] if threaded else nearest[0])
        tools = self._tools(ToolKind(implant.reamer_kind))[: last + 1]
        if threaded:
            tools = (*tools, Reamer(implant.diameter_mm, ToolKind.TAP, TipForm.FLAT))
        return Tooling(tools, float(self._sizes[last]), wanted)

    def _tools(self, kind: ToolKind) -> tuple[Reamer, ...]:
        if kind not in self._by_kind:
            self._by_kind[kind] = tuple(t if t.kind is kind else replace(t, kind=kind) for t in self.reamers.reamers)
        return self._by_kind[kind]
