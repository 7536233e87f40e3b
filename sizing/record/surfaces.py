"""Where the surfaces of two plans or two specifications part: a map of differences over depth and angle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sizing.errors import UsageError
from sizing.geometry import FloatArray
from sizing.implants.shape import StemShape
from sizing.record.codec import decode
from sizing.record.plan import SCHEMA as PLAN_SCHEMA
from sizing.record.plan import plan_from_record

_ANGLES = 180
_STEP_MM = 1.0


@dataclass(frozen=True)
class SurfaceDifference:
    """Second minus first radius, (k, n) mm; NaN where one of them is not there or not known."""

    what: str
    depth_mm: FloatArray
    angle_deg: FloatArray
    difference_mm: FloatArray

    @property
    def worst_mm(self) -> float:
        """Largest difference in size; NaN if nothing can be compared."""
        known = np.isfinite(self.difference_mm)
        return float(np.abs(self.difference_mm[known]).max()) if known.any() else float("nan")


def surface_difference(first: dict[str, Any], second: dict[str, Any]) -> SurfaceDifference:
    """Compare two records of one kind: the hole after reaming of plans, the stem of specifications.

    Raises
    ------
    UsageError
        The records are of different kinds.
    """
    if first.get("schema") != second.get("schema"):
        raise UsageError("a plan and a specification cannot be compared; give two of one kind")
    what, one, two = (
        ("hole after reaming", _hole(first), _hole(second))
        if first["schema"] == PLAN_SCHEMA
        else ("stem", _stem(first), _stem(second))
    )
    depth = np.arange(0.0, max(one[0][-1], two[0][-1]) + _STEP_MM / 2, _STEP_MM)
    angle = np.arange(_ANGLES) * (360.0 / _ANGLES)
    return SurfaceDifference(what, depth, angle, _at(two, depth) - _at(one, depth))


def _hole(record: dict[str, Any]) -> tuple[FloatArray, FloatArray]:
    plan = plan_from_record(record)
    canal = plan.canal
    radius = canal.endosteal_radius_mm if plan.reaming is None else plan.reaming.bore_radius_mm
    phi = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    rows = [np.interp(phi, canal.theta_rad, row, period=2 * np.pi) for row in radius]
    return canal.axis.depth_mm, np.stack(rows)


def _stem(record: dict[str, Any]) -> tuple[FloatArray, FloatArray]:
    shape: StemShape = decode(record["shape"], StemShape)
    depth = np.unique(np.concatenate([np.arange(0.0, shape.length_mm, _STEP_MM), [shape.length_mm]]))
    return depth, shape.radius_mm(depth, np.arange(_ANGLES) * (2 * np.pi / _ANGLES))


def _at(surface: tuple[FloatArray, FloatArray], depth: FloatArray) -> FloatArray:
    at, radius = surface
    columns = [np.interp(depth, at, column, left=np.nan, right=np.nan) for column in radius.T]
    return np.stack(columns, axis=1)
