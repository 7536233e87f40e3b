"""The pages of ``report.pdf``."""

from __future__ import annotations

from pathlib import Path

from viewer.card import operating_card
from viewer.choice_page import choice_page
from viewer.measurement_page import measurement_page
from viewer.outlook_page import outlook_page
from viewer.page_frame import ReportCase


def write_pdf(case: ReportCase, path: Path) -> None:
    """Write the four pages; two runs on the same plan give the same bytes."""
    from matplotlib.backends.backend_pdf import PdfPages

    about = {"Title": "canalfit implantation plan", "Creator": f"canalfit {case.provenance.canalfit_version}",
             "Subject": "Research use only", "CreationDate": None}  # fmt: skip
    with PdfPages(path, metadata=about) as pdf:
        for page in (choice_page, measurement_page, outlook_page, operating_card):
            pdf.savefig(page(case).figure)
