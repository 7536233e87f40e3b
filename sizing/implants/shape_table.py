"""The form of a stem as a CSV table of sections or contours, and back: what is written can be read again.

Bow and ribs hold for the whole stem; every row repeats them, an empty cell says that there are none. Sections and
contours are those of the core: ribs stand on them.
"""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sizing.errors import InputError
from sizing.geometry import FloatArray
from sizing.implants.sections import free_form_stem
from sizing.implants.shape import Splines, StemShape

_TABLE_NEEDS = ("station_mm", "semi_axis_a_mm", "semi_axis_b_mm")
_CONTOURS_NEED = ("station_mm", "angle_deg", "radius_mm")
# Angles of a contour are equal to this, and a contour has at least so many of them.
_SAME_ANGLE_DEG = 1e-6
_LEAST_ANGLES = 16
_BOW = "bow_radius_mm"
_RIBS = ("rib_count", "rib_height_mm", "rib_from_mm", "rib_to_mm", "rib_run_out_mm")


def whole_stem_cells(shape: StemShape) -> dict[str, float | int | None]:
    """Return what holds for the whole stem, as cells of every row; None = straight, no ribs."""
    ribs = shape.splines
    values = (None,) * len(_RIBS) if ribs is None else (
        ribs.count, ribs.height_mm, ribs.from_station_mm, ribs.to_station_mm, ribs.run_out_mm
    )  # fmt: skip
    return {_BOW: shape.bow_radius_mm, **dict(zip(_RIBS, values, strict=True))}


def contour_rows(shape: StemShape, step_deg: float = 5.0) -> list[dict[str, Any]]:
    """Return the outline of every row of the table as points: station, angle from x, radius about the stem's axis."""
    angle = np.arange(0.0, 360.0, step_deg)
    radius = replace(shape, splines=None).radius_mm(shape.station_mm, np.deg2rad(angle))
    cells = whole_stem_cells(shape)
    return [
        {"station_mm": float(s), "angle_deg": float(a), "radius_mm": float(r), **cells}
        for s, row in zip(shape.station_mm, radius, strict=True)
        for a, r in zip(angle, row, strict=True)
    ]


def _whole_stem_of(rows: list[dict[str, str]], file: str) -> tuple[float | None, Splines | None]:
    """Return bow radius and ribs that all rows agree on."""
    said: list[float | None] = []
    for name in (_BOW, *_RIBS):
        texts = {(row.get(name) or "").strip() for row in rows}
        if len(texts) > 1:
            raise InputError("CF-I055", f"{name} differs between rows; it holds for the whole stem", where=file,
                             measured=", ".join(sorted(texts)[:3]))  # fmt: skip
        text = texts.pop()
        try:
            said.append(_finite(text) if text else None)
        except ValueError:
            raise InputError("CF-I055", f"{name} is not a number", where=file, measured=repr(text)) from None
    bow, *ribs = said
    given = [r for r in ribs if r is not None]
    if given and (len(given) < len(_RIBS) or given[0] != int(given[0])):
        raise InputError("CF-I055", "ribs need a whole number of them, height, both ends and run-out", where=file,
                         measured=f"{len(given)} of {len(_RIBS)} columns", expected=", ".join(_RIBS))  # fmt: skip
    return bow, Splines(int(given[0]), *given[1:]) if given else None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def read_table(path: Path) -> StemShape:
    """Read a table of sections or contours; a column that says what holds for the whole stem may be left out.

    Raises
    ------
    InputError
        CF-I050: not readable; CF-I055: not a table of a stem, with the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("CF-I050", "this file cannot be read as a section table", where=path.name,
                         advice=f"The reader says: {error}") from error  # fmt: skip
    if rows and all(c in rows[0] for c in _CONTOURS_NEED):
        return _from_contours(rows, path.name)
    missing = [c for c in _TABLE_NEEDS if not rows or c not in rows[0]]
    if missing:
        raise InputError("CF-I055", "the section table lacks columns or rows", where=path.name,
                         measured=f"missing {', '.join(missing)}", expected=", ".join(_TABLE_NEEDS))  # fmt: skip
    if any(row.get("shape", "ellipse") == "free" for row in rows):
        raise InputError("CF-I055", "a free form is not told by its semi-axes", where=path.name,
                         advice="Give its contours.csv, STL or STEP instead")  # fmt: skip

    def column(name: str, default: float | None = None) -> FloatArray:
        return _column(rows, name, default, path.name)

    semi = np.stack([column("semi_axis_a_mm"), column("semi_axis_b_mm")], axis=1)
    offset = np.stack([column("offset_x_mm", 0.0), column("offset_y_mm", 0.0)], axis=1)
    return StemShape(
        column("station_mm"), semi, column("exponent", 2.0), column("orientation_deg", 0.0), offset, None,
        *_whole_stem_of(rows, path.name),
    )  # fmt: skip


def _column(rows: list[dict[str, str]], name: str, default: float | None, file: str) -> FloatArray:
    values = []
    for number, row in enumerate(rows, 2):
        text = row.get(name) or ("" if default is None else str(default))
        try:
            values.append(_finite(text))
        except ValueError:
            raise InputError("CF-I055", f"{name} is not a number", where=f"{file} line {number}",
                             measured=repr(text)) from None  # fmt: skip
    return np.array(values)


def _from_contours(rows: list[dict[str, str]], file: str) -> StemShape:
    """A free form from its outline: every station with the same equal angles from 0."""
    station, angle, radius = (_column(rows, name, None, file) for name in _CONTOURS_NEED)
    at = np.unique(station)
    n = len(station) // len(at)
    equal = np.arange(n) * (360.0 / n) if n else np.zeros(0)
    ordered = len(station) == n * len(at) and np.array_equal(station, np.repeat(at, n))
    if not ordered or n < _LEAST_ANGLES or np.abs(angle - np.tile(equal, len(at))).max() > _SAME_ANGLE_DEG:
        raise InputError("CF-I055", "the contours are not on equal angles", where=file,
                         measured=f"{len(station)} points at {len(at)} stations",
                         expected=f"at every station the same {_LEAST_ANGLES} or more equal angles from 0")  # fmt: skip
    return free_form_stem(at, radius.reshape(len(at), n), *_whole_stem_of(rows, file))
