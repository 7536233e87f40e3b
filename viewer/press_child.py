"""Draws ``report.pdf`` in a process of its own, for ``viewer.press.Press``."""

from __future__ import annotations

import io

from viewer.child import job_from_parent, stay_behind
from viewer.pages import write_pdf
from viewer.paint import Sheet


def get_ready() -> None:
    """Load what pages need before there is one: SciPy, matplotlib, both cuts of the font."""
    import scipy.ndimage  # noqa: F401
    from matplotlib.backends.backend_pdf import PdfPages

    sheet = Sheet()
    sheet.text(10, 10, "0", 8.0)
    sheet.text(10, 20, "0", 8.0, bold=True)
    with PdfPages(io.BytesIO()) as pdf:
        pdf.savefig(sheet.figure)


def main() -> None:
    """Get ready, wait for the case, draw it."""
    stay_behind()
    get_ready()
    case, path = job_from_parent()
    write_pdf(case, path)


if __name__ == "__main__":
    main()
