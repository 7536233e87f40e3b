"""Where the stem is, relative to where it was proposed: small named moves, as a person would say them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from sizing.canal.model import Canal
from sizing.geometry import FloatArray, unit
from sizing.reaming.model import ToolAxis
from viewer.stem_frame import StemFrame


@dataclass(frozen=True, slots=True)
class Move:
    """Offsets and angles from a proposed axis; all zero = the proposal.

    Attributes
    ----------
    along_mm : float
        Deeper into the bone.
    anterior_mm, lateral_mm : float
        The whole axis, across.
    tilt_anterior_deg, tilt_lateral_deg : float
        The tip, about the collar's seat.
    turn_deg : float
        A bowed stem about its own axis, counter-clockwise seen from the cut end.
    """

    along_mm: float = 0.0
    anterior_mm: float = 0.0
    lateral_mm: float = 0.0
    tilt_anterior_deg: float = 0.0
    tilt_lateral_deg: float = 0.0
    turn_deg: float = 0.0

    def changed(self, name: str, value: float) -> Move:
        """Return the move with one part set, rounded to what the step buttons can reach."""
        if name not in {f.name for f in fields(self)}:
            raise KeyError(name)
        return replace(self, **{name: round(float(value), 3) + 0.0})

    @property
    def none(self) -> bool:
        """The stem is where it was proposed."""
        return self == Move()

    def words(self) -> str:
        """Return the parts that are not zero: ``2 mm deeper, 1 mm anterior``."""
        parts = []
        for value, unit_text, positive, negative in (
            (self.along_mm, "mm", "deeper", "shallower"),
            (self.anterior_mm, "mm", "anterior", "posterior"),
            (self.lateral_mm, "mm", "lateral", "medial"),
            (self.tilt_anterior_deg, "°", "tip anterior", "tip posterior"),
            (self.tilt_lateral_deg, "°", "tip lateral", "tip medial"),
            (self.turn_deg, "°", "turned", "turned back"),
        ):
            if value:
                parts.append(f"{abs(value):g} {unit_text} {positive if value > 0 else negative}".replace(" °", "°"))
        return ", ".join(parts) or "as proposed"


NOT_MOVED = Move()


def across(canal: Canal, axis: ToolAxis) -> tuple[FloatArray, FloatArray]:
    """Return the unit vectors across an axis that point anterior and lateral (left, if the side is unknown)."""
    frame = StemFrame.of(axis, canal.axis.u_lps[0])
    lateral_x = canal.side.lateral_x if canal.side else 1.0
    lateral = frame.right_lps if frame.right_lps[0] * lateral_x > 0 else -frame.right_lps
    return frame.front_lps, lateral


def moved(axis: ToolAxis, move: Move, canal: Canal) -> ToolAxis:
    """Return the axis after a move: first the tilt about the seat, then the shift, then the turn about itself."""
    anterior, lateral = across(canal, axis)
    d = axis.direction_lps
    lean = np.tan(np.deg2rad(move.tilt_anterior_deg)) * anterior + np.tan(np.deg2rad(move.tilt_lateral_deg)) * lateral
    direction = unit(d + lean)
    entry = axis.entry_lps + move.along_mm * d + move.anterior_mm * anterior + move.lateral_mm * lateral
    if axis.bow_radius_mm is None:
        return ToolAxis(entry, direction)
    assert axis.bow_centre_lps is not None
    centre = _carried(axis.bow_centre_lps, d, direction)
    turn = np.deg2rad(move.turn_deg)
    centre = np.cos(turn) * centre + np.sin(turn) * np.cross(direction, centre)
    return ToolAxis(entry, direction, axis.bow_radius_mm, centre)


def _carried(vector: FloatArray, old: FloatArray, new: FloatArray) -> FloatArray:
    """Carry a vector across ``old`` along to ``new`` by the smallest turn between the two (Rodrigues)."""
    cross, cosine = np.cross(old, new), float(old @ new)
    return vector + np.cross(cross, vector) + np.cross(cross, np.cross(cross, vector)) / (1.0 + cosine)
