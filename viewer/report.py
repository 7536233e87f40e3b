"""Writes a plan's report: ``report.pdf`` for paper, ``report.html`` for the screen, ``scene.png``."""

from __future__ import annotations

from pathlib import Path

import viewer.facts as facts
from sizing.findings import Finding
from sizing.intended_use import RESEARCH_USE
from sizing.planning import ImplantationPlan
from sizing.record import Provenance
from sizing.volume import CtVolume
from viewer.page_frame import ReportCase
from viewer.press import Press
from viewer.render import no_picture
from viewer.report_html import write_html
from viewer.scene import SceneOptions, plan_scene
from viewer.scene_picture import Caption, Shot
from viewer.shown import shown_part


class Report:
    """A report that is being drawn, in this process and in others; nothing is complete before ``finish``.

    Parameters
    ----------
    case : ReportCase
    folder : Path
        Must exist.
    press : Press
        Draws pages and picture; serves one report.
    """

    def __init__(self, case: ReportCase, folder: Path, press: Press) -> None:
        self._case, self._folder, self._press = case, folder, press
        press.start_pages(case, folder / "report.pdf")
        write_html(case, folder / "report.html")

    def finish(self) -> tuple[Finding, ...]:
        """Wait for everything; return what could not be drawn."""
        if not self._press.picture_started:
            start_picture(self._case.plan, self._press)
        views, path = self._press.views(), self._folder / "scene.png"
        picture = None if views is None else (views, _caption(self._case), path)
        self._press.finish_pages(self._case, self._folder / "report.pdf", picture)
        return (no_picture(path.name),) if picture is None else ()


def start_report(
    plan: ImplantationPlan, volume: CtVolume | None, folder: Path, *, provenance: Provenance, press: Press
) -> Report:
    """Start drawing ``report.pdf``, ``report.html`` and ``scene.png`` into a folder; only the last needs OpenGL.

    Parameters
    ----------
    plan : ImplantationPlan
        With or without a choice.
    volume : CtVolume or None
        The scan the plan was made on; without it, contours stand on a plain ground.
    folder : Path
        Must exist.
    provenance : Provenance
        Version and hashes that every page carries.
    press : Press
        Where the pages are drawn, while the caller does something else.
    """
    shown = None if volume is None else shown_part(volume, plan.canal)
    return Report(ReportCase(plan, shown, provenance), folder, press)


def write_report(
    plan: ImplantationPlan, volume: CtVolume | None, folder: Path, *, provenance: Provenance
) -> tuple[Finding, ...]:
    """Write the whole report; see ``start_report`` for the arguments.

    Returns
    -------
    tuple of Finding
        What could not be drawn.
    """
    return start_report(plan, volume, folder, provenance=provenance, press=Press()).finish()


def start_picture(plan: ImplantationPlan, press: Press) -> None:
    """Start drawing the scene from the front, from the side, and from the front without the implant."""
    front, side = plan_scene(plan), plan_scene(plan, options=SceneOptions(keep="medial"))
    shots = [Shot(front, "front", "from the front"), Shot(side, "lateral", "from the side")]
    if plan.chosen is not None:
        shots.append(Shot(front.without("implant"), "front", "the hole, from the front"))
    press.start_picture(tuple(shots))


def _caption(case: ReportCase) -> Caption:
    p = case.provenance
    return Caption(
        f"{facts.heading(case.plan)}   {facts.case_name(case.plan)}",
        f"{case.status} · research use only",
        f"{RESEARCH_USE}  canalfit {p.canalfit_version} · input {p.input_sha256[:16]} · plan {p.plan_sha256[:16]}",
    )
