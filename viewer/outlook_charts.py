"""Charts of what lies round a plan: the longest stem of every size, and how often each size would go wrong."""

from __future__ import annotations

import numpy as np

from sizing.fit.model import Fit
from sizing.reaming import Astray, Envelope, SizeDoubt
from viewer.pane import Area, Line, Mark, Pane, Ticks, nice_ticks

# Looks of the envelope's lines, straight first; a catalogue has at most a few bows.
BOW_ROLES = ("reach straight", "reach bow 1", "reach bow 2", "reach bow 3")
_BAR_MM = 0.34  # of a size step of 0.5 mm
_WORDS_ABOVE = 1.09  # height of the chart over the longest stem, where words stand above its line
_LEAST_SHOWN = 0.01  # of the draws
_PERCENT = Ticks((0.0, 25.0, 50.0, 75.0, 100.0), ("0", "25", "50", "75", "100"), "per cent")


def envelope_pane(reach: Envelope, fit: Fit | None) -> Pane:
    """Longest stem against diameter, one line for straight stems and one for each bow; the choice as a dot."""
    lines, marks = [], []
    diameters = np.array(sorted({r.diameter_mm for r in reach.rows}))
    for role, bow in zip(BOW_ROLES, bows_of(reach), strict=False):
        length = reach.lengths_mm(bow)
        lines.append(Line(np.stack([diameters, np.where(length > 0, length, np.nan)], axis=1), role))
    longest = max((r.length_mm for r in reach.rows), default=0.0)
    if fit is not None:
        at = (fit.implant.diameter_mm, fit.implant.length_mm)
        longest = max(longest, at[1])
        marks.append(Mark(at, "the choice", "chart stem", "middle", (0.0, -9.0), dot=True))
    ends = any(r.reaches_end for r in reach.rows)
    high = max(20.0, 20.0 * np.ceil(longest * (_WORDS_ABOVE if ends else 1.03) / 20.0))
    if ends:
        marks.append(Mark((float(diameters[0]), longest), "end of the measured bone", "quiet", "start", (0.0, 4.0)))
    x, y = nice_ticks(diameters[0], diameters[-1], 2.0), nice_ticks(0.0, high, 20.0)
    return Pane(
        "envelope", f"Longest stem that leaves {reach.wall_limit_mm:g} mm of wall",
        (float(diameters[0]) - 0.5, float(diameters[-1]) + 0.5), (0.0, float(high)), (), (), tuple(lines), tuple(marks),
        _ticks(x, "stem diameter, mm"), _ticks(y, "length, mm"), equal=False, dark=False,
    )  # fmt: skip


def bows_of(reach: Envelope) -> list[float | None]:
    """Return the bows in the order of the lines: None for straight, then by radius."""
    return list(dict.fromkeys(r.bow_radius_mm for r in reach.rows))


def size_pane(size: SizeDoubt) -> Pane:
    """Bars: how often the scan, within its doubt, asks for each size."""
    bars = [
        Area(np.array([(d - _BAR_MM / 2, 0), (d + _BAR_MM / 2, 0), (d + _BAR_MM / 2, h), (d - _BAR_MM / 2, h)]), "bar")
        for d, h in zip(size.diameters_mm, 100.0 * size.probability, strict=True)
        if h >= 100.0 * _LEAST_SHOWN
    ]
    return Pane(
        "size", "Size the scan asks for", _sizes(size), (0.0, 100.0), (), tuple(bars), (), (), _size_ticks(size),
        _PERCENT, equal=False, dark=False,
    )  # fmt: skip


def risk_pane(drawn: Astray) -> Pane:
    """Probability of a wall under the limit, and of a breach, by size."""
    lines = [
        Line(np.stack([drawn.diameters_mm, 100.0 * drawn.too_thin_probability], axis=1), "risk"),
        Line(np.stack([drawn.diameters_mm, 100.0 * drawn.breach_probability], axis=1), "risk breach"),
    ]
    return Pane(
        "risk", "Wall too thin; breach", _sizes(drawn), (0.0, 100.0), (), (),
        tuple(lines), (), _size_ticks(drawn), _PERCENT, equal=False, dark=False,
    )  # fmt: skip


def _sizes(drawn: Astray | SizeDoubt) -> tuple[float, float]:
    return float(drawn.diameters_mm[0]) - 0.5, float(drawn.diameters_mm[-1]) + 0.5


def _size_ticks(drawn: Astray | SizeDoubt) -> Ticks:
    low, high = _sizes(drawn)
    return _ticks(nice_ticks(low, high, 2.0), "last tool, mm")


def _ticks(at: np.ndarray, label: str) -> Ticks:
    return Ticks(tuple(float(t) for t in at), tuple(f"{t:.0f}" for t in at), label)
