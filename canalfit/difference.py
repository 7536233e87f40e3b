"""What changed between two plans, or two specifications: in words, as a table, and as a picture."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sizing.errors import UsageError
from sizing.record import read_record
from sizing.record.compare import ABSOLUTE_TOLERANCE
from sizing.record.surfaces import SurfaceDifference, surface_difference
from sizing.specification import SCHEMA as SPECIFICATION_SCHEMA

# What a person asks of a specification; a plan has its own summary.
_ASKED = ("form", "preparation", "wall", "solid", "datum", "insertion", "settings", "comparison", "version")
# Endings of keys, and what stands behind the number.
_UNITS = {"_mm3": " mm³", "_mm2": " mm²", "_mm4": " mm⁴", "_mm": " mm", "_deg": "°", "_hu": " HU", "_g": " g"}
# Said by other rows, or no property of the stem.
_LEFT_OUT = ("findings", "files", "files_sha256", "words", "measures", "verdict", "best_stock")


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs; ``by`` is second minus first for numbers."""

    name: str
    first: Any
    second: Any
    by: float | None

    @property
    def words(self) -> str:
        """Return the change in one line, with the unit that the name ends in."""
        label, unit = _label(self.name)
        by = "" if self.by is None else f" ({self.by:+.3g})"
        return f"{label}: {_said(self.first)} -> {_said(self.second)}{unit}{by}"


def _label(name: str) -> tuple[str, str]:
    """Return the words of a key and its unit: ``fit.wall_min_mm`` is ("fit: wall min", " mm")."""
    *rooms, key = name.split(".")
    ending = next((e for e in _UNITS if key.endswith(e)), "")
    words = ": ".join([*rooms, key.removesuffix(ending)]).replace("_", " ")
    return words, _UNITS.get(ending, "")


def read_any(path: Path) -> dict[str, Any]:
    """Read a plan or a specification, from its folder or its JSON file.

    Raises
    ------
    InputError, UsageError
        It is neither.
    """
    if path.is_dir():
        names = [n for n in ("plan.json", "spec.json") if (path / n).is_file()]
        if not names:
            raise UsageError(f"{path} holds neither plan.json nor spec.json")
        path = path / names[0]
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(f"{path.name} cannot be read: {error}") from error
    is_specification = isinstance(record, dict) and record.get("schema") == SPECIFICATION_SCHEMA
    return record if is_specification else read_record(path)


def compare(first: dict[str, Any], second: dict[str, Any]) -> tuple[list[Change], SurfaceDifference]:
    """Return what a person asks about and differs, and the map of the surface's difference."""
    surface = surface_difference(first, second)
    return list(_changes(_asked(first), _asked(second), "")), surface


def _asked(record: dict[str, Any]) -> dict[str, Any]:
    if record["schema"] == SPECIFICATION_SCHEMA:
        return {k: record[k] for k in _ASKED}
    return record["summary"]


def _changes(a: Any, b: Any, name: str) -> Iterator[Change]:
    if isinstance(a, dict) or isinstance(b, dict):
        one, two = (v if isinstance(v, dict) else {} for v in (a, b))
        for key in sorted(one.keys() | two.keys()):
            if key not in _LEFT_OUT:
                yield from _changes(one.get(key), two.get(key), f"{name}.{key}" if name else key)
        return
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
    if numbers and abs(b - a) > ABSOLUTE_TOLERANCE:
        yield Change(name, a, b, float(b - a))
    elif not numbers and a != b:
        yield Change(name, a, b, None)


def _said(value: Any) -> str:
    if value is None:
        return "no value"
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def changes_csv(changes: list[Change]) -> str:
    """Return the changes as a table."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["name", "first", "second", "second_minus_first"])
    writer.writerows([c.name, c.first, c.second, c.by] for c in changes)
    return buffer.getvalue()
