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

    def plan(self, axis: ToolAxis, depth_mm: float) -> ReamingPlan:
        """Return the passes, all on one axis and to one depth."""
        return ReamingPlan(tuple(ReamerPass(tool, axis, depth_mm) for tool in self.tools))


def tooling(implant: ImplantTemplate, reamers: ReamerSet) -> Tooling:
    """Pick the tools: the tray's sizes up to the one nearest to what the implant asks for.

    Of two sizes equally near, the larger is taken for threads (a thread must not be forced into too
    small a hole) and the smaller for press-fit (bone that stays can still be reamed).
    """
    sizes = reamers.diameters_mm
    wanted = implant.last_reamer_mm
    threaded = implant.fixation is Fixation.THREADED
    away = np.round(np.abs(sizes - wanted), 9)
    nearest = np.flatnonzero(away == away.min())
    last = int(nearest[-1] if threaded else nearest[0])
    kind = ToolKind(implant.reamer_kind)
    tools = [t if t.kind is kind else replace(t, kind=kind) for t in reamers.reamers[: last + 1]]
    if threaded:
        tools.append(Reamer(implant.diameter_mm, ToolKind.TAP, TipForm.FLAT))
    return Tooling(tuple(tools), float(sizes[last]), wanted)
