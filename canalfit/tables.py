"""The tables of a plan folder as CSV text: units in the column names, an empty cell is "cannot tell"."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from sizing.canal import Canal, cortical_thickness
from sizing.fit.model import Fit
from sizing.planning import ImplantationPlan
from sizing.reaming.model import PassResult, ReamedCanal

# One thousandth of a unit is far below every stated accuracy and keeps the tables readable.
DECIMALS = 3
# Directions in wall.csv: on a bone of 30 mm they lie 3 mm apart.
WALL_DIRECTIONS = 32


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return CSV (RFC 4180, but lines end with a bare newline)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_cell(v) for v in row] for row in rows])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return "" if math.isnan(value) else f"{round(float(value), DECIMALS) + 0.0:.{DECIMALS}f}"
    return str(value)


def sections_csv(plan: ImplantationPlan) -> str:
    """Return one row per level of the canal, distal first."""
    table = plan.sections
    if table is None:
        return csv_text(["depth_mm"], [[d] for d in plan.canal.axis.depth_mm])
    names = [f.name for f in fields(table) if np.shape(getattr(table, f.name)) == (len(plan.canal.axis),)]
    names.sort(key=lambda name: name != "depth_mm")  # the level first, the rest as the canal room lists it
    return csv_text(names, zip(*(getattr(table, name) for name in names), strict=True))


def wall_csv(canal: Canal) -> str:
    """Return the wall normal to the canal's surface: one row per level, one column per direction (from u towards v).

    ``wall.ply`` holds it for every ray; here are at most WALL_DIRECTIONS of them, enough to look at.
    """
    skip = max(1, len(canal.theta_rad) // WALL_DIRECTIONS)
    names = [f"wall_mm_at_{np.degrees(theta):.1f}_deg" for theta in canal.theta_rad[::skip]]
    wall = cortical_thickness(canal)[:, ::skip]
    return csv_text(["depth_mm", *names], [[d, *row] for d, row in zip(canal.axis.depth_mm, wall, strict=True)])


PASS_COLUMNS = (
    "row", "pass", "reamer_diameter_mm", "tool", "depth_mm", "removed_cortical_mm3", "removed_cancellous_mm3",
    "removed_medullary_mm3", "removed_outside_mm3", "wall_min_mm", "wall_min_depth_mm", "first_contact_depth_mm",
    "engaged_cortical_mm2", "breach", "level_depth_mm", "removed_cortical_mm2", "contact_share", "wall_left_min_mm",
)  # fmt: skip


def reaming_csv(reamed: ReamedCanal | None) -> str:
    """Return one row per pass, then for each pass one row per level.

    The first column tells the two kinds of row apart: ``pass`` and ``level``.
    """
    if reamed is None:
        return csv_text(PASS_COLUMNS, [])
    rows = [_pass_row(i, p) for i, p in enumerate(reamed.passes, 1)]
    for i, p in enumerate(reamed.passes, 1):
        rows += _level_rows(i, p, reamed.canal.axis.depth_mm)
    return csv_text(PASS_COLUMNS, rows)


def _pass_row(number: int, p: PassResult) -> list[Any]:
    tool = p.reamer_pass.reamer
    return [
        "pass", number, tool.diameter_mm, tool.kind.value, p.reamer_pass.depth_mm, p.removed_cortical_mm3,
        p.removed_cancellous_mm3, p.removed_medullary_mm3, p.removed_outside_mm3, p.wall_min_mm, p.wall_min_depth_mm,
        p.first_contact_depth_mm, p.engaged_cortical_mm2, p.breach, None, None, None, None,
    ]  # fmt: skip


def _level_rows(number: int, p: PassResult, depth_mm: np.ndarray) -> list[list[Any]]:
    tool = p.reamer_pass.reamer
    head = ["level", number, tool.diameter_mm, tool.kind.value, *[None] * 10]
    wall = np.where(np.isnan(p.wall_left_mm).all(axis=1), np.nan, _nanmin(p.wall_left_mm))
    return [[*head, *values] for values in zip(depth_mm, p.removed_cortical_mm2, p.contact_share, wall, strict=True)]


def _nanmin(values: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), np.inf, values).min(axis=1)


# Every single number and word of a fit, in the order of the class, so that a new one is tabulated as well.
FIT_COLUMNS = tuple(f.name for f in fields(Fit) if f.type in ("float", "str") and f.name != "lost_because")


def fits_csv(plan: ImplantationPlan) -> str:
    """Return one row per implant that was tried, best first, with the reason why it was not chosen."""
    parts = [name for name, _, _ in plan.fits[0].score.parts] if plan.fits else []
    columns = [
        "rank", "chosen", "can_serve", "family_id", "part_number", "fixation", "diameter_mm", "length_mm",
        "bow_radius_mm", "last_reamer_mm", "certainty", "score", *(f"score_{_key(name)}" for name in parts),
        *FIT_COLUMNS, "reason",
    ]  # fmt: skip
    return csv_text(columns, [_fit_row(i, f, plan.chosen, parts) for i, f in enumerate(plan.fits, 1)])


def _key(name: str) -> str:
    return name.replace(" ", "_").replace("-", "_")


def _fit_row(rank: int, fit: Fit, chosen: Fit | None, parts: list[str]) -> list[Any]:
    i = fit.implant
    is_chosen = chosen is not None and i.part_number == chosen.implant.part_number
    by_name = {name: value for name, value, _ in fit.score.parts}
    return [
        rank, is_chosen, not fit.rejected, i.family_id, i.part_number, i.fixation.value, i.diameter_mm, i.length_mm,
        i.bow_radius_mm, i.last_reamer_mm, i.provenance.certainty, fit.score.total, *(by_name.get(n) for n in parts),
        *(getattr(fit, name) for name in FIT_COLUMNS), "; ".join(fit.rejected) or fit.lost_because,
    ]  # fmt: skip


def rows_csv(rows: list[dict[str, Any]]) -> str:
    """Return rows as CSV; an empty cell is "cannot tell", or a tolerance that the maker has to give."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
