"""Reconstruction kernels by their makers' names: soft, or sharp enough for bone."""

from __future__ import annotations

import re

# GE names its soft kernels; Siemens numbers grow with sharpness (B31f, Br40, J37s, I31f, T20s, U30u);
# Toshiba and Canon FC01 to FC19 are body and soft tissue; Philips A, B and C are smooth to standard.
_SOFT_WORDS = {"SOFT", "STANDARD", "STND", "STD", "SMOOTH", "SMTH", "DETAIL", "A", "B", "C", "SB", "BODY", "BRAIN"}
_SIEMENS = re.compile(r"^[A-Z]{1,2}(\d{2})[A-Z]?", re.IGNORECASE)
_SIEMENS_SHARP = 50
_CANON = re.compile(r"^FC(\d{2})", re.IGNORECASE)
_CANON_SOFT = range(1, 20)


def is_soft(kernel: str | None) -> bool:
    """Return True if the kernel is known to blur bone edges; False if it is sharp or not known."""
    name = (kernel or "").split("\\")[0].strip().upper()
    if match := _CANON.match(name):
        return int(match.group(1)) in _CANON_SOFT
    if match := _SIEMENS.match(name):
        return int(match.group(1)) < _SIEMENS_SHARP
    return name in _SOFT_WORDS
