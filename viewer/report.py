"""Writes a plan's report: ``report.pdf`` for paper, ``report.html`` for the screen, ``scene.png``."""

from __future__ import annotations

from pathlib import Path

import viewer.facts as facts
from sizing.findings import Finding
from sizing.intended_use import RESEARCH_USE
from sizing.planning import ImplantationPlan
from sizing.record import Provenance
from sizing.volume import CtVolume
from viewer.card import operating_card
from viewer.choice_page import choice_page
from viewer.measurement_page import measurement_page
from viewer.outlook_page import outlook_page
from viewer.page_frame import ReportCase
from viewer.render import Picture
from viewer.report_html import write_html
from viewer.scene import SceneOptions, plan_scene
from viewer.scene_picture import Caption, Shot


def write_report(
    plan: ImplantationPlan,
    volume: CtVolume | None,
    folder: Path,
    *,
    provenance: Provenance,
) -> tuple[Finding, ...]:
    """Write ``report.pdf``, ``report.html`` and ``scene.png`` into a folder; only the last needs OpenGL.

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

    Returns
    -------
    tuple of Finding
        What could not be drawn.
    """
    case = ReportCase(plan, volume, provenance)
    picture = start_picture(case, folder / "scene.png")  # on the other core, while the pages are drawn here
    write_pdf(case, folder / "report.pdf")
    write_html(case, folder / "report.html")
    return picture.finish()


def start_picture(case: ReportCase, path: Path) -> Picture:
    """Start drawing the scene from the front, from the side, and from the front without the implant."""
    front, side = plan_scene(case.plan), plan_scene(case.plan, options=SceneOptions(keep="medial"))
    shots = [Shot(front, "front", "from the front"), Shot(side, "lateral", "from the side")]
    if case.plan.chosen is not None:
        shots.append(Shot(front.without("implant"), "front", "the hole, from the front"))
    p = case.provenance
    caption = Caption(
        f"{facts.heading(case.plan)}   {facts.case_name(case.plan)}",
        f"{case.status} · research use only",
        f"{RESEARCH_USE}  canalfit {p.canalfit_version} · input {p.input_sha256[:16]} · plan {p.plan_sha256[:16]}",
    )
    return Picture(tuple(shots), caption, path)


def write_pdf(case: ReportCase, path: Path) -> None:
    """Write the four pages; two runs on the same plan give the same bytes."""
    from matplotlib.backends.backend_pdf import PdfPages

    about = {"Title": "canalfit implantation plan", "Creator": f"canalfit {case.provenance.canalfit_version}",
             "Subject": "Research use only", "CreationDate": None}  # fmt: skip
    with PdfPages(path, metadata=about) as pdf:
        for page in (choice_page, measurement_page, outlook_page, operating_card):
            pdf.savefig(page(case).figure)
