"""Colours and line looks, once for paper, browser and 3-D. Safe for colour-blind readers; colour is never alone.

Accents are from the Okabe-Ito set, the scale is viridis in 1 mm bands; the one warm colour is kept
for a wall below the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import FloatArray
from viewer.pane import Band

INK, GREY, PALE, PAPER = "#1b2530", "#5c6873", "#e9edf0", "#ffffff"
BLUE, SKY, GREEN, YELLOW, WARM, DEEP_WARM = "#0072b2", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#8c2d04"
ACCENT = "#12405e"

WALL_TOP_MM = 8.0  # the scale's last whole band ends here; thicker walls share one colour
MIN_TABLE_ENTRIES = 250  # fewer entries shift the band edges in browser renderers (docs/method/report.md)

# Anchors of viridis (matplotlib, CC0), dark to light.
_VIRIDIS = np.array(
    [(68, 1, 84), (70, 50, 127), (54, 92, 141), (39, 127, 142), (31, 161, 135), (74, 194, 109), (159, 218, 58),
     (253, 231, 37)]
) / 255.0  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How one role is drawn; ``width`` in points, ``dash`` in points on and off."""

    stroke: str = "none"
    width: float = 0.0
    dash: tuple[float, ...] = ()
    fill: str = "none"
    opacity: float = 1.0


LOOKS: dict[str, Look] = {
    "endosteal": Look(YELLOW, 0.9),
    "periosteal": Look(GREEN, 0.9),
    "reamer": Look("#ffffff", 0.9, (2.5, 1.6)),
    "stem": Look(SKY, 1.2),
    "stem fill": Look(fill=SKY, opacity=0.30),
    "stem axis": Look(SKY, 0.7, (6.0, 2.0, 1.0, 2.0)),
    "canal axis": Look(YELLOW, 0.6, (1.2, 1.8)),
    "contact": Look("#cc79a7", 2.2),
    "least wall": Look(WARM, 1.6),
    "cut": Look("#ffffff", 1.0, (4.0, 2.0)),
    "level": Look("#ffffff", 0.5, (1.0, 2.0)),
    "isoline": Look(INK, 1.0),
    "isoline below": Look(WARM, 1.2),
    "tip": Look(INK, 0.8, (4.0, 2.0)),
    "isthmus": Look(GREY, 0.8, (1.2, 1.8)),
    "canal band": Look(fill=YELLOW, opacity=0.55),
    "canal inscribed": Look("#8a7a00", 1.3),
    "bone outline": Look(GREEN, 0.9),
    "chart stem": Look(BLUE, 1.6),
    "chart stem fill": Look(fill=SKY, opacity=0.35),
    "chart reamer": Look(INK, 0.9, (2.5, 1.6)),
    "chart contact": Look("#b0558a", 1.6),
    "reach straight": Look(INK, 1.5),
    "reach bow 1": Look(BLUE, 1.4, (4.0, 1.6)),
    "reach bow 2": Look(GREEN, 1.4, (1.6, 1.2)),
    "reach bow 3": Look("#b0558a", 1.4, (6.0, 1.6, 1.2, 1.6)),
    "bar": Look(fill=BLUE, opacity=0.85),
    "risk": Look(WARM, 1.6),
    "risk breach": Look(DEEP_WARM, 1.4, (3.0, 1.6)),
    "grid": Look("#cfd6db", 0.4),
    "limit": Look(WARM, 0.9, (3.0, 2.0)),
    "beyond": Look(fill="#ffffff", opacity=0.16),
    "cursor": Look("#f0e442", 0.8),
    "compared": Look("#cc79a7", 1.3, (3.0, 1.5)),
    "measure": Look("#f0e442", 1.2),
    "zone 1": Look(fill=SKY, opacity=0.45),
    "zone 2": Look(fill=YELLOW, opacity=0.55),
    "zone 3": Look(fill=GREEN, opacity=0.40),
    "zone 4": Look(fill="#cc79a7", opacity=0.45),
    "screw hole": Look(INK, 0.9),
    "centre line": Look(INK, 0.6, (6.0, 1.6, 1.2, 1.6)),
}

MARK_COLOUR = {
    "label": "#ffffff", "least wall": "#ffb27d", "stem": SKY, "endosteal": YELLOW, "chart": INK, "quiet": GREY,
    "least wall chart": DEEP_WARM, "chart stem": BLUE, "chart contact": "#8a3d6a",
}  # fmt: skip


def viridis(t: FloatArray | float) -> FloatArray:
    """Return RGB (..., 3) in 0..1 for positions 0 (dark) to 1 (light)."""
    x = np.clip(np.asarray(t, float), 0.0, 1.0) * (len(_VIRIDIS) - 1)
    return np.stack([np.interp(x, np.arange(len(_VIRIDIS)), _VIRIDIS[:, k]) for k in range(3)], axis=-1)


def rgb(hex_colour: str) -> tuple[float, float, float]:
    """Return (r, g, b) in 0..1 of ``#rrggbb``."""
    r, g, b = (int(hex_colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5))
    return r, g, b


def wall_bands(limit_mm: float) -> tuple[Band, ...]:
    """Return the colour steps of a wall: breach and below the limit in warm colours, then 1 mm bands."""
    whole = [float(e) for e in range(int(np.floor(limit_mm)) + 1, int(WALL_TOP_MM) + 1)]
    edges = [limit_mm, *whole]
    bands = [Band(-inf, 0.0, rgb(DEEP_WARM), "breach"), Band(0.0, limit_mm, rgb(WARM), f"below {limit_mm:g} mm")]
    for i, (low, high) in enumerate(zip(edges, [*edges[1:], inf], strict=True)):
        text = f"{low:g}–{high:g} mm" if high < inf else f"over {low:g} mm"
        r, g, b = viridis(0.12 + 0.88 * i / max(1, len(edges) - 1))
        bands.append(Band(low, high, (float(r), float(g), float(b)), text))
    return tuple(bands)


def hu_bands() -> tuple[Band, ...]:
    """Return steps of 200 HU for cortex."""
    edges = [float(e) for e in range(400, 1801, 200)]
    ends = [(-inf, edges[0]), *pairwise(edges), (edges[-1], inf)]
    bands = []
    for i, (low, high) in enumerate(ends):
        text = f"below {high:g}" if low == -inf else f"over {low:g}" if high == inf else f"{low:g}–{high:g}"
        r, g, b = viridis(i / (len(ends) - 1))
        bands.append(Band(low, high, (float(r), float(g), float(b)), text))
    return tuple(bands)


def contact_bands() -> tuple[Band, ...]:
    """Return two steps: no contact, contact."""
    return Band(-inf, 0.5, rgb("#c9d3da"), "no contact"), Band(0.5, inf, rgb("#b0558a"), "contact")


def gap_bands() -> tuple[Band, ...]:
    """Return steps of the gap between stem and hole: interference in warm colours, contact, then wider gaps."""
    steps = ((-inf, -0.25, DEEP_WARM, "over 0.25 mm into bone"), (-0.25, -0.02, WARM, "0.02–0.25 mm into bone"),
             (-0.02, 0.1, GREEN, "touching, gap to 0.1 mm"), (0.1, 0.5, SKY, "gap 0.1–0.5 mm"),
             (0.5, 1.0, BLUE, "gap 0.5–1 mm"), (1.0, inf, "#44475a", "gap over 1 mm"))  # fmt: skip
    return tuple(Band(low, high, rgb(colour), text) for low, high, colour, text in steps)


def hex_colour(colour: tuple[float, float, float]) -> str:
    """Return ``#rrggbb`` of (r, g, b) in 0..1."""
    return "#" + "".join(f"{round(255 * c):02x}" for c in colour)


def band_index(values: FloatArray, bands: tuple[Band, ...]) -> NDArray[np.intp]:
    """Return the band (...,) of each value; a value on an edge belongs to the upper band; NaN gives -1."""
    edges = np.array([b.low for b in bands[1:]])
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), -1)


def table_range(bands: tuple[Band, ...]) -> tuple[float, float]:
    """Return a range that shows every edge of a scale, with room for two steps at both ends."""
    low, high = bands[1].low, bands[-1].low
    room = max(high - low, 1.0) / max(len(bands) - 2, 1)
    return low - 2.0 * room, high + 2.0 * room


def colour_table(bands: tuple[Band, ...], low: float, high: float, entries: int = 1024) -> FloatArray:
    """Return RGB (entries, 3) of equal steps from ``low`` to ``high``, for renderers that look colours up."""
    if entries < MIN_TABLE_ENTRIES:
        raise ValueError(f"a colour table needs at least {MIN_TABLE_ENTRIES} entries, got {entries}")
    centres = low + (np.arange(entries) + 0.5) * (high - low) / entries
    return np.array([b.rgb for b in bands])[band_index(centres, bands)]
