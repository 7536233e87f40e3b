"""Draws panes on a sheet of paper with matplotlib. No window, no OpenGL, no pyplot state.

A ``Sheet`` is an A4 page addressed in millimetres from its upper left corner.
"""

from __future__ import annotations

from typing import Any

import viewer.style as style
from viewer.lettering import FONT, LEAST_POINTS, fitted, paragraph_mm, text_width_mm
from viewer.pane import Band, Mark, Pane

PAGE_MM = (210.0, 297.0)


class Sheet:
    """One A4 page."""

    def __init__(self) -> None:
        import matplotlib as mpl
        from matplotlib.figure import Figure

        mpl.rcParams["pdf.fonttype"] = 42  # embedded TrueType: the text can be searched and copied
        mpl.rcParams["font.family"] = FONT
        self.figure = Figure(figsize=(PAGE_MM[0] / 25.4, PAGE_MM[1] / 25.4))

    def text(
        self, x: float, y: float, text: str, size: float = 8.0, *, bold: bool = False, colour: str = style.INK,
        align: str = "left",
    ) -> float:  # fmt: skip
        """Write one line with its baseline at y; returns its width in mm."""
        self.figure.text(x / PAGE_MM[0], 1.0 - y / PAGE_MM[1], text, fontsize=size, color=colour, ha=align,
                         va="baseline", fontweight="bold" if bold else "normal", parse_math=False)  # fmt: skip
        return text_width_mm(text, size, bold)

    def paragraph(
        self, x: float, y: float, text: str, width: float, size: float = 8.0, *, bold: bool = False,
        colour: str = style.INK, max_lines: int = 99,
    ) -> float:  # fmt: skip
        """Write a text in a column; returns the baseline of the next line."""
        for line in fitted(text, width, size, max_lines, bold):
            self.text(x, y, line, size, bold=bold, colour=colour)
            y += paragraph_mm(1, size)
        return y

    def box(self, x: float, y: float, w: float, h: float, *, fill: str = "none", edge: str = "none", width: float = 0.6,
            radius: float = 0.0) -> None:  # fmt: skip
        """Draw a rectangle, with round corners if a radius is given."""
        from matplotlib.patches import FancyBboxPatch, Rectangle
        from matplotlib.transforms import Affine2D

        to_page = Affine2D().scale(1 / PAGE_MM[0], -1 / PAGE_MM[1]).translate(0, 1) + self.figure.transFigure
        look: dict[str, Any] = {"facecolor": fill, "edgecolor": edge, "linewidth": width, "transform": to_page}
        if radius:
            shape = f"round,pad=0,rounding_size={radius}"
            self.figure.add_artist(FancyBboxPatch((x, y), w, h, boxstyle=shape, **look))
        else:
            self.figure.add_artist(Rectangle((x, y), w, h, **look))

    def line(
        self, x: tuple[float, float], y: tuple[float, float], colour: str = style.GREY, width: float = 0.5
    ) -> None:
        """Draw a straight line between two points."""
        from matplotlib.lines import Line2D

        self.figure.add_artist(
            Line2D(
                [x[0] / PAGE_MM[0], x[1] / PAGE_MM[0]],
                [1 - y[0] / PAGE_MM[1], 1 - y[1] / PAGE_MM[1]],
                color=colour,
                lw=width,
            )
        )

    def pane(
        self, pane: Pane, x: float, y: float, w: float, h: float, *, title: bool = True, y_axis: bool = True
    ) -> None:
        """Draw a pane into a box; a picture in equal millimetres keeps its shape and is centred."""
        if title and pane.title:
            self.text(x, y - 1.4, pane.title, 7.5, bold=True)
        if pane.equal:
            shape = (pane.x_range[1] - pane.x_range[0]) / (pane.y_range[1] - pane.y_range[0])
            if w / h > shape:
                x, w = x + (w - h * shape) / 2, h * shape
            else:
                y, h = y + (h - w / shape) / 2, w / shape
        axes = self.figure.add_axes((x / PAGE_MM[0], 1 - (y + h) / PAGE_MM[1], w / PAGE_MM[0], h / PAGE_MM[1]))
        _draw(axes, pane, y_axis)


def _draw(axes: Any, pane: Pane, y_axis: bool) -> None:
    axes.set_xlim(pane.x_range)
    axes.set_ylim(pane.y_range)
    axes.set_facecolor("#262626" if pane.dark else style.PAPER)
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
        spine.set_color(style.GREY)
    for raster in pane.rasters:
        grey = {"cmap": "gray", "vmin": 0, "vmax": 255} if raster.pixels.ndim == 2 else {}
        axes.imshow(raster.pixels, extent=raster.box, aspect="auto", interpolation="none", zorder=0, **grey)
    axes.set_xlim(pane.x_range)
    axes.set_ylim(pane.y_range)
    _ticks(axes, pane, y_axis)
    for area in pane.areas:
        look = style.LOOKS[area.role]
        axes.fill(area.points[:, 0], area.points[:, 1], facecolor=look.fill, alpha=look.opacity, lw=0, zorder=2)
    for line in pane.lines:
        look = style.LOOKS[line.role]
        dashes = (0, tuple(d / look.width for d in look.dash)) if look.dash else "-"
        for piece in line.pieces():
            axes.plot(
                piece[:, 0], piece[:, 1], color=look.stroke, lw=look.width, ls=dashes, alpha=look.opacity, zorder=3
            )
    for mark in pane.marks:
        _mark(axes, mark)
    _edges(axes, pane)
    if pane.corner:
        axes.text(0.03, 0.03, pane.corner, transform=axes.transAxes, ha="left", va="bottom", fontsize=LEAST_POINTS,
                  fontweight="bold", color=style.MARK_COLOUR["least wall"], zorder=7)  # fmt: skip


def _ticks(axes: Any, pane: Pane, y_axis: bool) -> None:
    axes.set_xticks(pane.x_ticks.at, pane.x_ticks.text)
    for at, label in zip(pane.x_ticks.at, axes.get_xticklabels(), strict=True):  # words at the very edge stay inside
        if not pane.x_ticks.label and at in pane.x_range:
            label.set_horizontalalignment("left" if at == pane.x_range[0] else "right")
    axes.set_yticks(pane.y_ticks.at, pane.y_ticks.text if y_axis else [""] * len(pane.y_ticks.at))
    axes.tick_params(labelsize=LEAST_POINTS, length=1.6, width=0.4, pad=1.2, colors=style.INK)
    if pane.x_ticks.label:
        axes.set_xlabel(pane.x_ticks.label, fontsize=LEAST_POINTS, labelpad=1.0, color=style.INK)
    if pane.y_ticks.label and y_axis:
        axes.set_ylabel(pane.y_ticks.label, fontsize=LEAST_POINTS, labelpad=1.5, color=style.INK)
    if not pane.dark and not pane.rasters:
        grid = style.LOOKS["grid"]
        axes.grid(True, color=grid.stroke, lw=grid.width, zorder=0)
        axes.set_axisbelow(True)


def _mark(axes: Any, mark: Mark) -> None:
    colour = style.MARK_COLOUR[mark.role]
    if mark.dot:
        axes.plot([mark.at[0]], [mark.at[1]], "o", ms=4.2, mfc="#ffffff", mec=colour, mew=1.2, zorder=5)
    if mark.text:
        ground = (
            {"boxstyle": "square,pad=0.12", "fc": "#ffffff", "alpha": 0.8, "lw": 0} if "chart" in mark.role else None
        )
        axes.annotate(
            mark.text,
            mark.at,
            xytext=mark.offset,
            textcoords="offset points",
            fontsize=LEAST_POINTS,
            color=colour,
            bbox=ground,
            ha={"start": "left", "middle": "center", "end": "right"}[mark.anchor],
            va="baseline",
            zorder=6,
            annotation_clip=False,
        )


def _edges(axes: Any, pane: Pane) -> None:
    sides = pane.sides_share
    places = ((0.015, sides, "left", "center"), (0.985, sides, "right", "center"), (0.5, 0.02, "center", "bottom"),
              (0.5, 0.985, "center", "top"))  # fmt: skip
    for word, (x, y, ha, va) in zip(pane.edges, places, strict=True):
        if word:
            axes.text(x, y, word, transform=axes.transAxes, ha=ha, va=va, fontsize=LEAST_POINTS, color="#cfe8f7",
                      zorder=7)  # fmt: skip
    if pane.scale_bar_mm:
        x1 = pane.x_range[1] - 0.05 * (pane.x_range[1] - pane.x_range[0])
        y1 = pane.y_range[0] + 0.03 * (pane.x_range[1] - pane.x_range[0])
        axes.plot([x1 - pane.scale_bar_mm, x1], [y1, y1], color="#ffffff", lw=1.6, solid_capstyle="butt", zorder=7)
        axes.annotate(f"{pane.scale_bar_mm:.0f} mm", (x1, y1), xytext=(0, 2), textcoords="offset points", ha="right",
                      va="bottom", fontsize=LEAST_POINTS, color="#ffffff", zorder=7)  # fmt: skip


def band_bar(sheet: Sheet, bands: tuple[Band, ...], x: float, y: float, step: float = 9.0) -> float:
    """Draw a colour scale with the value at each edge; returns the x after it."""
    sheet.text(x, y + 2.6, "breach", LEAST_POINTS, colour=style.DEEP_WARM)
    x += text_width_mm("breach", LEAST_POINTS) + 1.5
    for i, band in enumerate(bands):
        sheet.box(x, y, step, 3.2, fill=style.hex_colour(band.rgb), edge="#ffffff", width=0.4)
        if i:
            sheet.text(x, y + 6.0, f"{band.low:g}", LEAST_POINTS, align="center")
        x += step
    x += 2.0 + sheet.text(x + 1.0, y + 2.6, "mm", LEAST_POINTS)
    return x


def legend(sheet: Sheet, x: float, y: float, items: list[tuple[str, str]], size: float = LEAST_POINTS) -> float:
    """Write a line of swatches with their meaning, (role or colour, text); returns the x after it."""
    for role, text in items:
        look = style.LOOKS.get(role)
        colour = look.stroke if look and look.stroke != "none" else look.fill if look else role
        sheet.box(x, y - 1.9, 4.0, 1.4, fill="#3a3f44" if colour == "#ffffff" else colour)
        if colour == "#ffffff":
            sheet.line((x + 0.4, x + 1.6), (y - 1.2, y - 1.2), "#ffffff", 0.9)
            sheet.line((x + 2.4, x + 3.6), (y - 1.2, y - 1.2), "#ffffff", 0.9)
        x += 5.0
        x += sheet.text(x, y, text, size, colour=style.GREY) + 4.0
    return x
