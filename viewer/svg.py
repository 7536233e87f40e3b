"""Draws panes as SVG for the browser: the picture and everything on it in one drawing, so nothing can slip.

An SVG laid over an ``<img>`` scales on its own; here the image is an element of the same SVG.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

import viewer.style as style
from sizing.geometry import FloatArray
from viewer.pane import Mark, Pane, Raster

JPEG_QUALITY = 88
POINT_PX = 96.0 / 72.0
CHART_HEIGHT = 420.0  # pixels; charts have no shape of their own
STAMP_PX, LETTER_PX = 11.0, 5.4  # height of a line of the stamp, and about the width of its letters


@dataclass(frozen=True)
class Frame:
    """Where a pane's units lie in the pixels of its SVG."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    box: tuple[float, float, float, float]  # left, top, width, height in pixels

    def to_px(self, points: FloatArray) -> FloatArray:
        """Map pane units (k, 2) to pixels (k, 2)."""
        left, top, w, h = self.box
        x = left + (points[:, 0] - self.x_range[0]) * w / (self.x_range[1] - self.x_range[0])
        y = top + (self.y_range[1] - points[:, 1]) * h / (self.y_range[1] - self.y_range[0])
        return np.stack([x, y], axis=1)


def frame_of(pane: Pane, width: float, chart_height: float = CHART_HEIGHT) -> tuple[Frame, float, float]:
    """Return the frame of a pane drawn this wide, and the SVG's width and height; a chart takes the height told."""
    left, right, top, bottom = _margins(pane)
    w = width - left - right
    shape = (pane.y_range[1] - pane.y_range[0]) / (pane.x_range[1] - pane.x_range[0])
    h = w * shape if pane.equal else chart_height
    return (
        Frame(pane.x_range, pane.y_range, (left, top, w, h)),
        width,
        top + h + bottom,
    )


def _margins(pane: Pane) -> tuple[float, float, float, float]:
    """Return the room in pixels that ticks and their words take: left, right, top, bottom."""
    left = 34.0 if pane.y_ticks.at else 0.0
    bottom = (30.0 if pane.x_ticks.label else 18.0) if pane.x_ticks.at else 0.0
    return left, 15.0 if pane.x_ticks.at else 0.0, 6.0 if left else 0.0, bottom


def pane_in(pane: Pane, room: tuple[float, float], stamp: str = "") -> str:
    """Return a pane as an SVG that fills a room (width, height in pixels), as far as millimetres stay equal."""
    width, height = room
    shape = (pane.y_range[1] - pane.y_range[0]) / (pane.x_range[1] - pane.x_range[0])
    _, _, top, bottom = _margins(pane)
    return pane_svg(pane, min(width, height / shape) if pane.equal else width, stamp, max(40.0, height - top - bottom))


def pane_svg(pane: Pane, width: float = 260.0, stamp: str = "", chart_height: float = CHART_HEIGHT) -> str:
    """Return a pane as one SVG element of the given width in pixels; ``stamp`` stands in its upper left corner."""
    frame, w, h = frame_of(pane, width, chart_height)
    left, top, pw, ph = frame.box
    parts = [
        f'<svg class="pane" viewBox="0 0 {w:.1f} {h:.1f}" data-key="{pane.key}" role="img" '
        f'aria-label="{escape(pane.title)}" data-box="{left:.2f} {top:.2f} {pw:.2f} {ph:.2f}" '
        f'data-range="{pane.x_range[0]:.3f} {pane.x_range[1]:.3f} {pane.y_range[0]:.3f} {pane.y_range[1]:.3f}">',
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{pw:.1f}" height="{ph:.1f}" '
        f'class="{"dark" if pane.dark else "ground"}"/>',
        f'<svg x="{left:.2f}" y="{top:.2f}" width="{pw:.2f}" height="{ph:.2f}" '
        f'viewBox="{left:.2f} {top:.2f} {pw:.2f} {ph:.2f}" preserveAspectRatio="none">',
    ]  # fmt: skip
    parts += [_image(r, frame) for r in pane.rasters]
    if not pane.dark and not pane.rasters:
        parts.append(_grid(pane, frame))
    for area in pane.areas:
        look = style.LOOKS[area.role]
        parts.append(
            f'<path d="{_path(frame.to_px(area.points), True)}" fill="{look.fill}" opacity="{look.opacity:g}"/>'
        )
    for line in pane.lines:
        parts += _line(line.pieces(), line.role, frame)
    parts.append("</svg>")
    lines = [line for line in stamp.splitlines() if 5.0 + LETTER_PX * len(line) <= pw]  # whole, or not at all
    parts += [_mark(m, frame) for m in pane.marks if m.role != "label" or not _under_stamp(m, frame, lines)]
    parts += _words(pane, frame, lines)
    aside = any(m.role != "label" and _under_stamp(m, frame, lines) for m in pane.marks)
    x, anchor = (left + pw - 5.0, "end") if aside else (left + 5.0, "start")
    for k, line_text in enumerate(lines):
        parts.append(_text(x, top + STAMP_PX * (k + 1), line_text, anchor, 9, ' class="stamp"'))
    parts.append("</svg>")
    return "".join(parts)


def _stamp_box(lines: list[str]) -> tuple[float, float]:
    """Return about how far a stamp reaches from the corner of its picture, to the right and down."""
    return 5.0 + LETTER_PX * max((len(line) for line in lines), default=0), STAMP_PX * len(lines) + 4.0


def _under_stamp(mark: Mark, frame: Frame, lines: list[str]) -> bool:
    (x, y), *_ = frame.to_px(np.array([mark.at]))
    wide, high = _stamp_box(lines)
    return bool(lines) and x - frame.box[0] < wide and y - frame.box[1] < high + 9.0


def _path(px: FloatArray, closed: bool) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in px) + ("Z" if closed else "")


def _line(pieces: list[FloatArray], role: str, frame: Frame) -> list[str]:
    look = style.LOOKS[role]
    dash = f' stroke-dasharray="{" ".join(f"{d * POINT_PX:.1f}" for d in look.dash)}"' if look.dash else ""
    d = "".join(_path(frame.to_px(p), False) for p in pieces)
    name = role.replace(" ", "-")
    look_text = f'stroke="{look.stroke}" stroke-width="{look.width * POINT_PX:.2f}"{dash}'
    return [f'<path class="l-{name}" d="{d}" fill="none" {look_text}/>'] if d else []


def _image(raster: Raster, frame: Frame) -> str:
    left, right, bottom, top = raster.box
    (x0, y0), (x1, y1) = frame.to_px(np.array([(left, top), (right, bottom)]))
    return (f'<image x="{x0:.2f}" y="{y0:.2f}" width="{x1 - x0:.2f}" height="{y1 - y0:.2f}" preserveAspectRatio="none" '
            f'href="{data_uri(raster.pixels)}"/>')  # fmt: skip


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """Return an image as a data URI: grey as JPEG, colour as PNG, whose edges stay exact."""
    from PIL import Image

    out = BytesIO()
    if pixels.ndim == 2:
        Image.fromarray(pixels).save(out, "JPEG", quality=JPEG_QUALITY)
        kind = "jpeg"
    else:
        Image.fromarray(pixels).save(out, "PNG", compress_level=6)
        kind = "png"
    return f"data:image/{kind};base64,{base64.b64encode(out.getvalue()).decode()}"


def _grid(pane: Pane, frame: Frame) -> str:
    look = style.LOOKS["grid"]
    x = [np.array([(t, pane.y_range[0]), (t, pane.y_range[1])]) for t in pane.x_ticks.at]
    y = [np.array([(pane.x_range[0], t), (pane.x_range[1], t)]) for t in pane.y_ticks.at]
    d = "".join(_path(frame.to_px(p), False) for p in (*x, *y))
    return f'<path d="{d}" fill="none" stroke="{look.stroke}" stroke-width="0.6"/>'


def _text(x: float, y: float, text: str, anchor: str, size: float, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}"{extra}>{escape(text)}</text>'


def _mark(mark: Mark, frame: Frame) -> str:
    (x, y), *_ = frame.to_px(np.array([mark.at]))
    colour = style.MARK_COLOUR[mark.role]
    dot = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="#fff" stroke="{colour}" stroke-width="1.6"/>'
        if mark.dot
        else ""
    )
    halo = ' class="halo"' if "chart" in mark.role else ""
    at = (x + mark.offset[0] * POINT_PX, y - mark.offset[1] * POINT_PX)
    return dot + _text(*at, mark.text, mark.anchor, 10, f' fill="{colour}"{halo}')


def _words(pane: Pane, frame: Frame, stamp: list[str]) -> list[str]:
    left, top, w, h = frame.box
    parts: list[str] = []
    sides = top + h * (1.0 - pane.sides_share) + 4
    wide, high = _stamp_box(stamp)
    upper = top + 12 + (high if wide > w / 2 - 3 * LETTER_PX else 0.0)
    places: tuple[tuple[float, float, str], ...] = (
        (left + 4, sides, "start"), (left + w - 4, sides, "end"),
        (left + w / 2, top + h - 5, "middle"), (left + w / 2, upper, "middle"),
    )  # fmt: skip
    parts += [_text(x, y, word, a, 10, ' fill="#cfe8f7" class="edge"')
              for word, (x, y, a) in zip(pane.edges, places, strict=True) if word]  # fmt: skip
    if pane.corner:
        parts.append(_text(left + 6, top + h - 7, pane.corner, "start", 12,
                           f' fill="{style.MARK_COLOUR["least wall"]}" font-weight="bold"'))  # fmt: skip
    if pane.scale_bar_mm:
        parts += _scale_bar(pane.scale_bar_mm, frame)
    for t, text in zip(pane.x_ticks.at, pane.x_ticks.text, strict=True):
        (x, _), *_ = frame.to_px(np.array([(t, pane.y_range[0])]))
        parts.append(_text(x, top + h + 13, text, "middle", 10, ' class="tick"'))
    for t, text in zip(pane.y_ticks.at, pane.y_ticks.text, strict=True):
        (_, y), *_ = frame.to_px(np.array([(pane.x_range[0], t)]))
        parts.append(_text(left - 4, y + 3.5, text, "end", 10, ' class="tick"'))
    if pane.x_ticks.label:
        parts.append(_text(left + w / 2, top + h + 26, pane.x_ticks.label, "middle", 10, ' class="tick"'))
    if pane.y_ticks.label:
        turn = f' class="tick" transform="rotate(-90 8 {top + h / 2:.1f})"'
        parts.append(_text(8, top + h / 2, pane.y_ticks.label, "middle", 10, turn))
    return parts


def _scale_bar(length_mm: float, frame: Frame) -> list[str]:
    left, top, w, h = frame.box
    px = length_mm * w / (frame.x_range[1] - frame.x_range[0])
    x, y = left + w - 8, top + h - 7
    return [f'<path d="M{x - px:.1f} {y:.1f}H{x:.1f}" stroke="#fff" stroke-width="2.4"/>',
            _text(x, y - 4, f"{length_mm:.0f} mm", "end", 9, ' fill="#fff"')]  # fmt: skip
