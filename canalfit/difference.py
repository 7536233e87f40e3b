"""What changed between two plans, or two specifications: in words, as a table, and as a picture."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sizing.errors import UsageError
from sizing.record import read_record
from sizing.record.compare import ABSOLUTE_TOLERANCE
from sizing.record.surfaces import SurfaceDifference, surface_difference
from sizing.specification import SCHEMA as SPECIFICATION_SCHEMA

# What a person asks of a specification; a plan has its own summary.
_ASKED = ("form", "preparation", "wall", "solid", "datum", "insertion", "settings", "comparison", "version")
# Endings of keys, and what stands behind the number.
_UNITS = {
    "_mm3": " mm³",
    "_mm2": " mm²",
    "_mm4": " mm⁴",
    "_mm": " mm",
    "_deg": "°",
    "_hu": " HU",
    "_g": " g",
    "_rad": " rad",
}
# Rounding of a pose that was read and written again, mm and degrees.
_SAME_POSE = 1e-4
# Larger numbers are said in whole ones.
_WHOLE_FROM = 1000.0
# Said by other rows, or no property of the stem.
_LEFT_OUT = ("findings", "implant_to_lps", "files", "files_sha256", "words", "measures", "verdict", "best_stock")


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
    return changes_between(first, second), surface_difference(first, second)


def changes_between(first: dict[str, Any], second: dict[str, Any]) -> list[Change]:
    """Return what a person asks about and differs, in the order of its names."""
    changes = _changes(_asked(first), _asked(second), "")
    return sorted([*changes, *_pose_changes(first, second)], key=lambda change: change.name)


def _asked(record: dict[str, Any]) -> dict[str, Any]:
    if record["schema"] == SPECIFICATION_SCHEMA:
        return {k: record[k] for k in _ASKED}
    return record["summary"]


def _pose_changes(first: dict[str, Any], second: dict[str, Any]) -> Iterator[Change]:
    """Tell how two specified stems stand to each other: sixteen numbers of a matrix say nothing to a person."""
    poses = [np.array(r["datum"]["implant_to_lps"]) for r in (first, second) if "datum" in r]
    if len(poses) < 2:
        return
    moved_mm = float(np.linalg.norm(poses[1][:3, 3] - poses[0][:3, 3]))
    tilt_deg = float(np.degrees(np.arccos(np.clip(poses[0][:3, 2] @ poses[1][:3, 2], -1.0, 1.0))))
    for name, value in (("datum.entry_moved_by_mm", moved_mm), ("datum.axis_tilted_by_deg", tilt_deg)):
        if value > _SAME_POSE:
            yield Change(name, 0.0, value, value)


def _changes(a: Any, b: Any, name: str) -> Iterator[Change]:
    a, b = (_numbered(v) for v in (a, b))
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


def _numbered(value: Any) -> Any:
    """Return a list of tables, as screw holes, as a table of them by their number."""
    tables = isinstance(value, list) and value and all(isinstance(v, dict) for v in value)
    return {str(i): v for i, v in enumerate(value, 1)} if tables else value


def _said(value: Any) -> str:
    if value is None:
        return "no value"
    if isinstance(value, list) and not value:
        return "none"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= _WHOLE_FROM else f"{value:.4g}"
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def changes_csv(changes: list[Change]) -> str:
    """Return the changes as a table."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["name", "first", "second", "second_minus_first"])
    writer.writerows([c.name, c.first, c.second, c.by] for c in changes)
    return buffer.getvalue()
