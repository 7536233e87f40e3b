"""Draws ``report.pdf``, and puts ``scene.png`` together, in a process of its own, for ``viewer.press.Press``."""

from __future__ import annotations

import io

from viewer.child import job_from_parent, stay_behind
from viewer.pages import write_pdf
from viewer.paint import Sheet
from viewer.scene_picture import compose


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
    """Get ready, wait for the case, draw it; then wait for the views of the picture, if there are any."""
    stay_behind()
    get_ready()
    case, path = job_from_parent()
    write_pdf(case, path)
    if (picture := job_from_parent()) is not None:
        compose(*picture)


if __name__ == "__main__":
    main()
