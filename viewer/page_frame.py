"""What every page of the report carries: the case, its identity, and the frame around the page."""

from __future__ import annotations

from dataclasses import dataclass

import viewer.facts as facts
import viewer.panes as panes
import viewer.style as style
from sizing.findings import Level
from sizing.intended_use import RESEARCH_USE
from sizing.planning import ImplantationPlan
from sizing.record import Provenance
from sizing.volume import CtVolume
from viewer.lettering import LEAST_POINTS
from viewer.paint import PAGE_MM, Sheet

LEFT, RIGHT = 12.0, 198.0
WIDTH = RIGHT - LEFT
PAGES = 4
LEVEL_COLOUR = {Level.CRITICAL: style.DEEP_WARM, Level.WARNING: style.WARM, Level.INFO: style.BLUE}


@dataclass(frozen=True)
class ReportCase:
    """All that a page may draw on."""

    plan: ImplantationPlan
    volume: CtVolume | None
    provenance: Provenance

    @property
    def status(self) -> str:
        """Return ``DRAFT``, until a person has reviewed the plan."""
        return self.plan.status

    @property
    def limit_mm(self) -> float:
        """Least wall that the plan allows."""
        return self.plan.settings.wall_limit_mm

    @property
    def settings(self) -> panes.PaneSettings:
        """How CT pictures are cut."""
        return panes.PaneSettings()


def frame(sheet: Sheet, case: ReportCase, number: int, title: str, pages: int = PAGES) -> None:
    """Draw what every page carries: title, status, research use, version, hashes, page number."""
    sheet.box(0, 0, PAGE_MM[0], 10.5, fill=style.ACCENT)
    sheet.text(LEFT, 7.0, "canalfit", 10, bold=True, colour="#ffffff")
    sheet.text(LEFT + 19, 7.0, title, 9, colour="#ffffff")
    sheet.text(RIGHT, 7.0, f"{case.status} · research use only", 9, bold=True, colour="#ffd7b0", align="right")
    p = case.provenance
    sheet.line((LEFT, RIGHT), (284.0, 284.0), "#b8c1c8", 0.4)
    sheet.text(LEFT, 287.5, RESEARCH_USE, LEAST_POINTS, colour=style.GREY)
    sheet.text(LEFT, 291.0, f"canalfit {p.canalfit_version} · input {p.input_sha256[:16] or 'contours'} · plan "
               f"{p.plan_sha256[:16] or 'not saved'} · catalogue {case.plan.catalogue_version} "
               f"{case.plan.catalogue_sha256[:8]}", LEAST_POINTS, colour=style.GREY)  # fmt: skip
    sheet.text(RIGHT, 291.0, f"page {number} of {pages}", LEAST_POINTS, colour=style.GREY, align="right")


def identity(sheet: Sheet, case: ReportCase, y: float) -> None:
    """Draw side and bone in large type, the case and where the cut lies."""
    plan = case.plan
    w = sheet.text(LEFT, y, facts.heading(plan), 19, bold=True, colour=style.ACCENT)
    sheet.text(LEFT + w + 5, y, facts.case_name(plan), 11, colour=style.INK)
    sheet.text(LEFT, y + 5.4, facts.cut_text(plan), 8.5, bold=True)
    sheet.text(LEFT, y + 9.4, facts.scan_text(plan), 7, colour=style.GREY)
