"""Puts rendered views, legend, directions, scale and status together into ``scene.png``. No OpenGL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import viewer.style as style
from viewer.scene import Scene

HEADER, FOOTER, GAP, LEGEND = 56, 34, 10, 168  # pixels
DPI = 100
VIEW_PIXELS = (400, 900)  # one view, wide and high


@dataclass(frozen=True)
class Caption:
    """What stands on a picture besides the bodies."""

    title: str
    status: str
    footer: str


@dataclass(frozen=True)
class Shot:
    """One view of a scene, and its title."""

    scene: Scene
    view: str
    title: str


View = tuple[Shot, np.ndarray, float]  # RGB (h, w, 3), and the millimetres of one pixel


def compose(views: list[View], caption: Caption, path: Path) -> None:
    """Write one PNG: the views side by side, what the colours mean, side words, a scale bar."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    h, w = views[0][1].shape[:2]
    width = len(views) * (w + GAP) + LEGEND
    height = h + HEADER + FOOTER
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    text: dict[str, Any] = {"va": "center", "color": style.INK}
    figure.text(14 / width, 1 - 26 / height, caption.title, fontsize=15, fontweight="bold", **text)
    figure.text(1 - 14 / width, 1 - 26 / height, caption.status, fontsize=12, ha="right", va="center", color=style.WARM,
                fontweight="bold")  # fmt: skip
    figure.text(14 / width, 15 / height, caption.footer, fontsize=7.5, va="center", color=style.GREY)
    for i, (shot, pixels, mm) in enumerate(views):
        x = i * (w + GAP)
        axes = figure.add_axes((x / width, FOOTER / height, w / width, h / height))
        axes.imshow(pixels, interpolation="none")
        axes.set_axis_off()
        _view_words(axes, shot, mm, w, h)
    _legend(figure, views[0][0].scene, width, height)
    figure.savefig(path, dpi=DPI, metadata={"Software": None}, facecolor="white")


def _view_words(axes: object, shot: Shot, mm: float, w: int, h: int) -> None:
    scene, view = shot.scene, shot.view
    right = np.cross(scene.proximal_lps, scene.anterior_lps if view == "front" else scene.lateral_lps)
    across = scene.lateral_lps if view == "front" else scene.anterior_lps
    words = (scene.lateral_word, scene.medial_word) if view == "front" else ("anterior", "posterior")
    at_right, at_left = words if right @ across > 0 else words[::-1]
    put = axes.text  # type: ignore[attr-defined]
    put(w / 2, 12, shot.title, ha="center", va="center", fontsize=10, color=style.INK)
    put(8, h / 2, at_left, ha="left", va="center", fontsize=9, color=style.GREY, rotation=90)
    put(w - 8, h / 2, at_right, ha="right", va="center", fontsize=9, color=style.GREY, rotation=90)
    bar = 20.0 / mm
    axes.plot([w - 24 - bar, w - 24], [h - 14, h - 14], color=style.INK, lw=3, solid_capstyle="butt")  # type: ignore[attr-defined]
    put(w - 24 - bar / 2, h - 24, "20 mm", ha="center", va="center", fontsize=8.5, color=style.INK)


def _legend(figure: object, scene: Scene, width: int, height: int) -> None:
    from matplotlib.patches import Rectangle

    x, y = width - LEGEND + 16, height - HEADER - 30
    put = figure.text  # type: ignore[attr-defined]
    for i, line in enumerate(_two_lines(scene.legend)):
        put(x / width, (y - 15 * i) / height, line, fontsize=9, fontweight="bold", color=style.INK)
    y -= 44
    for band in reversed(scene.bands):
        figure.add_artist(  # type: ignore[attr-defined]
            Rectangle((x / width, y / height), 26 / width, 20 / height, facecolor=style.hex_colour(band.rgb),
                      edgecolor="#ffffff", lw=0.6, transform=figure.transFigure)  # type: ignore[attr-defined]
        )  # fmt: skip
        put((x + 34) / width, (y + 10) / height, band.text, fontsize=9, va="center", color=style.INK)
        y -= 22


def _two_lines(text: str) -> tuple[str, str]:
    words = text.split()
    k = (len(words) + 1) // 2
    return " ".join(words[:k]), " ".join(words[k:])
