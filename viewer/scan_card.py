"""The truth card of one series as a page: verdict, three thumbnails, facts and reasons; PNG or self-contained HTML."""

from __future__ import annotations

import html
import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

import viewer.style as style
from sizing.intended_use import RESEARCH_USE
from viewer.paint import PAGE_MM, Sheet

_LEFT, _WIDTH = 15.0, 180.0
_PICTURE_MM = 56.0
_WINDOW_HU = (-250.0, 1500.0)  # soft tissue still grey, cortex bright
_COLOURS = {"fit for planning": style.GREEN, "usable with limits": style.WARM, "not usable": style.DEEP_WARM}
_ROWS, _REASONS = 24, 12  # what fits on the page; the rest is in the JSON
_DPI = 150


class Picture(Protocol):
    """A grey picture; its top row comes first."""

    @property
    def title(self) -> str:
        """What it shows."""

    @property
    def hu(self) -> NDArray[np.int16]:
        """Height by width."""

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width."""


@dataclass(frozen=True)
class ScanPage:
    """What the page says.

    Attributes
    ----------
    title, verdict : str
    reasons : sequence of str
        Heaviest first.
    facts : sequence of (str, str)
        Name and value, as shown.
    pictures : sequence of Picture
        At most three.
    """

    title: str
    verdict: str
    reasons: Sequence[str]
    facts: Sequence[tuple[str, str]]
    pictures: Sequence[Picture]


def write_scan_page(page: ScanPage, path: Path) -> None:
    """Write the page; the suffix decides: ``.png`` a picture of A4, ``.html`` a page that opens offline."""
    if path.suffix.lower() == ".html":
        path.write_text(_html(page), encoding="utf-8")
    else:
        _sheet(page).figure.savefig(path, dpi=_DPI, metadata={"Software": "canalfit"})


def _sheet(page: ScanPage) -> Sheet:
    sheet = Sheet()
    colour = _COLOURS.get(page.verdict, style.GREY)
    sheet.text(_LEFT, 20.0, "canalfit scan card", 9, colour=style.GREY)
    y = sheet.paragraph(_LEFT, 28.0, page.title, _WIDTH, 15, bold=True, max_lines=2)
    sheet.box(_LEFT, y - 3.0, _WIDTH, 11.0, fill=colour, radius=1.5)
    sheet.text(_LEFT + 4, y + 4.6, page.verdict.upper(), 15, bold=True, colour=style.PAPER)
    y += 16.0
    for k, picture in enumerate(page.pictures[:3]):
        _draw(sheet, picture, _LEFT + k * (_PICTURE_MM + 6.0), y)
    y += (_PICTURE_MM + 12.0) if page.pictures else 0.0
    sheet.text(_LEFT, y, "Why", 11, bold=True)
    y += 6.0
    for reason in page.reasons[:_REASONS]:
        sheet.box(_LEFT, y - 2.4, 1.6, 2.6, fill=colour)
        y = sheet.paragraph(_LEFT + 4, y, reason, _WIDTH - 4, 8.5, max_lines=3) + 1.0
    y += 4.0
    sheet.text(_LEFT, y, "Facts", 11, bold=True)
    y += 6.0
    shown = page.facts[:_ROWS]
    half = (len(shown) + 1) // 2
    for k, (name, value) in enumerate(shown):
        x, row = _LEFT + (k // half) * 92.0, y + (k % half) * 5.0
        sheet.text(x, row, name, 8, colour=style.GREY)
        sheet.paragraph(x + 40, row, value, 48, 8, max_lines=1)
    sheet.paragraph(_LEFT, PAGE_MM[1] - 12.0, RESEARCH_USE, _WIDTH, 6.5, colour=style.GREY)
    return sheet


def _draw(sheet: Sheet, picture: Picture, x: float, y: float) -> None:
    height, width = picture.size_mm
    scale = _PICTURE_MM / max(height, width)
    w, h = width * scale, height * scale
    sheet.text(x, y - 1.5, picture.title, 7.5, bold=True)
    axes = sheet.figure.add_axes((x / PAGE_MM[0], 1 - (y + h) / PAGE_MM[1], w / PAGE_MM[0], h / PAGE_MM[1]))
    axes.imshow(_grey(picture), cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="bilinear")
    axes.set_axis_off()
    sheet.text(x, y + h + 3.5, f"{width:.0f} x {height:.0f} mm", 6.5, colour=style.GREY)


def _grey(picture: Picture) -> NDArray[np.uint8]:
    low, high = _WINDOW_HU
    return np.clip((picture.hu.astype(np.float32) - low) * (255 / (high - low)), 0, 255).astype(np.uint8)


def _html(page: ScanPage) -> str:
    text = html.escape
    colour = _COLOURS.get(page.verdict, style.GREY)
    pictures = "".join(
        f'<figure><img alt="{text(p.title)}" style="width:{p.size_mm[1]:.0f}px;height:{p.size_mm[0]:.0f}px" '
        f'src="data:image/png;base64,{_png(p)}"><figcaption>{text(p.title)}, '
        f"{p.size_mm[1]:.0f} x {p.size_mm[0]:.0f} mm</figcaption></figure>"
        for p in page.pictures
    )
    reasons = "".join(f"<li>{text(r)}</li>" for r in page.reasons)
    facts = "".join(f"<tr><th>{text(n)}</th><td>{text(v)}</td></tr>" for n, v in page.facts)
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{text(page.title)}</title><style>
body{{font:15px/1.45 system-ui,sans-serif;color:{style.INK};max-width:58rem;margin:2rem auto;padding:0 1rem}}
.verdict{{background:{colour};color:#fff;padding:.5rem 1rem;border-radius:.4rem;font-weight:700;font-size:1.2rem}}
.row{{display:flex;gap:1.5rem;flex-wrap:wrap}} figure{{margin:1rem 0}} figcaption{{color:{style.GREY};font-size:.8rem}}
img{{min-width:160px;object-fit:fill}} th{{text-align:left;color:{style.GREY};font-weight:400;padding-right:2rem}}
footer{{color:{style.GREY};font-size:.8rem;margin-top:2rem}}</style></head><body>
<h1>{text(page.title)}</h1><p class="verdict">{text(page.verdict)}</p><div class="row">{pictures}</div>
<h2>Why</h2><ul>{reasons}</ul><h2>Facts</h2><table>{facts}</table><footer>{text(RESEARCH_USE)}</footer></body></html>
"""


def _png(picture: Picture) -> str:
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, _grey(picture), cmap="gray", vmin=0, vmax=255, format="png", metadata={"Software": "canalfit"})
    return b64encode(buffer.getvalue()).decode()
