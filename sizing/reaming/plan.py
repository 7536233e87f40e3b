"""Reamer trays and the order in which a canal is reamed."""

from __future__ import annotations

import numpy as np

from sizing.errors import ReamingError
from sizing.reaming.model import Reamer, ReamerPass, ReamerSet, ReamingPlan, TipForm, ToolAxis, ToolKind
from sizing.strict import is_number

SMALLEST_MM, LARGEST_MM, STEP_MM = 8.0, 24.0, 0.5


def default_reamer_set() -> ReamerSet:
    """Return rigid reamers from 8 to 24 mm in steps of 0.5 mm (diameters), flat tips."""
    n = round((LARGEST_MM - SMALLEST_MM) / STEP_MM) + 1
    sizes = SMALLEST_MM + STEP_MM * np.arange(n)
    return ReamerSet(
        "generic-rigid",
        tuple(Reamer(float(d), ToolKind.RIGID, TipForm.FLAT) for d in sizes),
        provenance="canalfit judgement: half-millimetre steps as in femoral nailing; not a product",
    )


def reaming_plan(
    reamers: ReamerSet,
    axis: ToolAxis,
    last_diameter_mm: float,
    depth_mm: float,
    *,
    first_diameter_mm: float | None = None,
) -> ReamingPlan:
    """Order the tools of a set from the first to the last size, all on one axis and to one depth.

    Parameters
    ----------
    reamers : ReamerSet
        The tray.
    axis : ToolAxis
        Shared by all passes.
    last_diameter_mm : float
        Diameter of the hole that is wanted; must be in the set.
    depth_mm : float
        Travel of each tool's foremost point past the entry.
    first_diameter_mm : float, optional
        Smallest tool to use; default: the smallest of the set.

    Raises
    ------
    ReamingError
        CF-R004 when the last size is not in the set, CF-R005 when the depth is not positive, CF-R006 when
        no tool is left between the first and the last size.
    """
    sizes = reamers.diameters_mm
    if not (is_number(last_diameter_mm) and np.any(np.isclose(sizes, last_diameter_mm, atol=1e-6))):
        raise ReamingError(
            "CF-R004",
            "the last reamer is not in the set",
            where=reamers.set_id,
            measured=f"{last_diameter_mm} mm",
            expected=f"one of {_spell(sizes)}",
            advice="Choose a size of the set, or give a set that holds it",
        )
    if not (is_number(depth_mm) and depth_mm > 0):
        raise ReamingError("CF-R005", "the reaming depth must be positive and finite", measured=f"{depth_mm} mm")
    first = -np.inf if first_diameter_mm is None else first_diameter_mm - 1e-6
    chosen = [r for r in reamers.reamers if first <= r.diameter_mm <= last_diameter_mm + 1e-6]
    if not chosen:
        raise ReamingError(
            "CF-R006",
            "the first reamer is larger than the last",
            measured=f"first {first_diameter_mm:g} mm, last {last_diameter_mm:g} mm",
        )
    return ReamingPlan(tuple(ReamerPass(r, axis, float(depth_mm)) for r in chosen))


def _spell(sizes_mm: np.ndarray) -> str:
    return ", ".join(f"{d:g}" for d in sizes_mm)
