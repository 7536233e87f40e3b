"""Bones, sides and the words for directions. DICOM LPS throughout: +x left, +y posterior, +z superior."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

# An axis contributes a word only if it holds at least this share of the vector: sin(22.5 deg),
# so that eight equal sectors of 45 degrees result in the plane.
_WORD_SHARE = float(np.sin(np.pi / 8))


class Bone(StrEnum):
    """Bones that canalfit plans."""

    FEMUR = "femur"
    TIBIA = "tibia"
    HUMERUS = "humerus"


class Side(StrEnum):
    """Side of the patient's body."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def lateral_x(self) -> float:
        """Sign of LPS x that points laterally."""
        return 1.0 if self is Side.LEFT else -1.0


def direction_word(vector_lps: ArrayLike, side: Side) -> str:
    """Name the transverse direction of a vector as a surgeon would.

    Parameters
    ----------
    vector_lps : (3,) array_like
        Direction in LPS; its z component is ignored.
    side : Side
        Decides what is medial and what is lateral.

    Returns
    -------
    str
        One of eight words: anterior, anterolateral, lateral, posterolateral, …
    """
    x, y = np.asarray(vector_lps, float)[:2]
    norm = float(np.hypot(x, y))
    if not norm > 0:
        raise ValueError("a direction needs a transverse component that is not zero")
    x, y = x / norm, y / norm
    front = "" if abs(y) < _WORD_SHARE else ("posterior" if y > 0 else "anterior")
    across = "" if abs(x) < _WORD_SHARE else ("lateral" if x * side.lateral_x > 0 else "medial")
    if front and across:
        return f"{front[:-3]}o{across}"  # anterior + lateral -> anterolateral
    return front or across
