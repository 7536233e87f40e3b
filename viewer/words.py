"""Numbers, levels and directions in the words of a surgeon. What is not known is said, never shown as 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sizing.anatomy import Side, direction_word
from sizing.fit.model import Fit
from sizing.implants.model import ImplantTemplate
from sizing.spelling import wall_text

CANNOT_TELL = "cannot tell"

_SHORT = {"anterior": "ant", "posterior": "post", "medial": "med", "lateral": "lat"}


def known(value: float | None) -> bool:
    """Return True if the value is a finite number."""
    return value is not None and bool(np.isfinite(value))


def number(value: float, digits: int = 0) -> str:
    """Return a rounded number with a real minus sign, and never minus zero."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def mm(value: float | None, digits: int = 1) -> str:
    """Return a length with its unit: ``2.3 mm``."""
    return f"{number(value, digits)} mm" if value is not None and known(value) else CANNOT_TELL


def wall(value: float | None) -> str:
    """Return a thickness of bone with its unit, rounded down: 1.99 is not the 2.0 mm that a limit asks for."""
    return f"{wall_text(value)} mm".replace("-", "−") if value is not None and known(value) else CANNOT_TELL


def ml(volume_mm3: float | None) -> str:
    """Return a volume in millilitres: ``4.2 ml``."""
    return f"{number(volume_mm3 / 1000.0, 1)} ml" if volume_mm3 is not None and known(volume_mm3) else CANNOT_TELL


def percent(share: float | None) -> str:
    """Return a share 0..1 in per cent: ``63 %``."""
    return f"{number(100.0 * share)} %" if share is not None and known(share) else CANNOT_TELL


def diameter(value_mm: float) -> str:
    """Return a tool's diameter with the half millimetre always written: ``16.0``."""
    return f"{value_mm:.1f}" if abs(value_mm * 10 - round(value_mm * 10)) < 1e-6 else f"{value_mm:.2f}"


def above_cut(depth_mm: float | None) -> str:
    """Return a level as a surgeon says it: ``34 mm above the cut``."""
    if not known(depth_mm) or depth_mm is None:
        return "level unknown"
    whole = round(depth_mm)
    if whole == 0:
        return "at the cut"
    return f"{abs(whole)} mm {'above' if whole > 0 else 'below'} the cut"


def place(depth_mm: float | None, direction: str | None) -> str:
    """Return level and direction together: ``34 mm above the cut, anterior``."""
    return f"{above_cut(depth_mm)}, {direction}" if direction else above_cut(depth_mm)


def short_direction(vector_lps: ArrayLike, side: Side | None) -> str:
    """Return ``ant``, ``post``, ``med``, ``lat`` or a pair of them; without a side, ``right`` and ``left``."""
    word = direction_word(vector_lps, side or Side.LEFT)
    parts = [_SHORT[w] for w in _SHORT if w in word or f"{w[:-3]}o" in word]
    if side is None:  # a left limb's lateral is the patient's left
        parts = [{"lat": "left", "med": "right"}.get(p, p) for p in parts]
    return "-".join(parts)


def family_title(implant: ImplantTemplate) -> str:
    """Return the family in words: ``Generic press-fit, straight``."""
    words = implant.family_id.replace("pressfit", "press-fit").split("-")
    name = " ".join(words).replace("press fit", "press-fit").replace(" straight", ", straight")
    name = name.replace(" curved", ", curved")
    return name[:1].upper() + name[1:]


def size_text(implant: ImplantTemplate) -> str:
    """Return diameter times length: ``16.0 × 140 mm``."""
    return f"{diameter(implant.diameter_mm)} × {implant.length_mm:.0f} mm"


def why_not(fit: Fit) -> str:
    """Return why this implant was not chosen, in one line; empty for the choice."""
    return "; ".join(fit.rejected) or fit.lost_because
