"""How wide text is on paper, where its lines break, and what is left out where room ends."""

from __future__ import annotations

import re
from functools import lru_cache

MM_PER_POINT = 25.4 / 72.0
LINE_HEIGHT = 1.32  # of the size of the letters
FONT = "DejaVu Sans"  # ships with matplotlib, so that pages are alike on every machine
LEAST_POINTS = 7.0  # smaller letters are not read in an operating room; a test holds every page to it


@lru_cache(maxsize=8192)
def text_width_mm(text: str, size: float, bold: bool = False) -> float:
    """Return the width of a line of text as the page will show it."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    prop = FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")
    return float(text_to_path.get_text_width_height_descent(text, prop, ismath=False)[0]) * MM_PER_POINT


def wrap(text: str, width_mm: float, size: float, bold: bool = False) -> list[str]:
    """Break a text into lines that fit a width; a word longer than the width is broken with a hyphen."""
    lines: list[str] = []
    for word in text.split():
        trial = f"{lines[-1]} {word}" if lines else word
        if lines and text_width_mm(trial, size, bold) <= width_mm:
            lines[-1] = trial
            continue
        while text_width_mm(word, size, bold) > width_mm and len(word) > 2:
            n = len(word) - 1
            while n > 1 and text_width_mm(word[:n] + "-", size, bold) > width_mm:
                n -= 1
            lines.append(word[:n] + "-")
            word = word[n:]
        lines.append(word)
    return lines or [""]


def fitted(text: str, width_mm: float, size: float, max_lines: int, bold: bool = False) -> list[str]:
    """Break a text into at most so many lines: whole sentences go first, and only then is a sentence cut ("…")."""
    lines = wrap(text, width_mm, size, bold)
    sentences = re.split(r"(?<=\.) (?=[A-Z0-9])", text)
    while len(lines) > max_lines and len(sentences) > 1:
        sentences.pop()
        lines = wrap(" ".join(sentences), width_mm, size, bold)
    if len(lines) <= max_lines:
        return lines
    lines = lines[:max_lines]
    while lines[-1] and text_width_mm(lines[-1] + " …", size, bold) > width_mm:
        lines[-1] = lines[-1].rsplit(" ", 1)[0] if " " in lines[-1] else lines[-1][:-1]
    lines[-1] += " …"
    return lines


def paragraph_mm(lines: int, size: float) -> float:
    """Return the height of so many lines."""
    return lines * size * MM_PER_POINT * LINE_HEIGHT
