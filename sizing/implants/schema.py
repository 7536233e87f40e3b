"""Reads catalogue files (TOML) strictly: an unknown key, a missing one or a wrong kind is refused with file and row."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np

from sizing.errors import CatalogueError
from sizing.implants.model import Provenance
from sizing.strict import is_number

SCHEMA_VERSION = 1
# A range such as {from, to, step} that makes more sizes than this is a typing error, not a tray.
MOST_SIZES_PER_RANGE = 200


@dataclass(frozen=True, slots=True)
class Table:
    """One TOML table with its place in the file, so that every complaint can say where."""

    values: Mapping[str, Any]
    where: str

    def fail(self, what: str, *, measured: str = "", expected: str = "") -> CatalogueError:
        """Return the error for this table; the caller raises it."""
        return CatalogueError("CF-I010", what, where=self.where, measured=measured, expected=expected)

    def only(self, required: set[str], optional: set[str]) -> None:
        """Refuse missing and unknown keys."""
        keys = set(self.values)
        if missing := sorted(required - keys):
            raise self.fail("a field is missing", expected=", ".join(missing))
        if unknown := sorted(keys - required - optional):
            raise self.fail("a field is not known", measured=", ".join(unknown),
                            expected=", ".join(sorted(required | optional)))  # fmt: skip

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string that is not empty."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or (not value and default is None):
            raise self.fail(f"{key} must be a text that is not empty", measured=repr(value))
        return value

    def number(self, key: str, default: float | None = None, *, least: float = 0.0) -> float:
        """Return a finite number, at least ``least``."""
        return self._checked(key, self.values.get(key, default), least)

    def numbers(self, key: str) -> list[float]:
        """Return one number, a list of numbers, or a range {from, to, step} as a list; all positive."""
        value = self.values.get(key)
        if isinstance(value, dict):
            value = self._range(key, Table(value, f"{self.where}, {key}"))
        elif not isinstance(value, list):
            value = [value]
        if not value:
            raise self.fail(f"{key} has no sizes")
        sizes = [self._checked(key, v, 0.0) for v in value]
        if min(sizes) <= 0 or any(b <= a for a, b in pairwise(sizes)):
            raise self.fail(f"{key} must be positive and grow from size to size",
                            measured=", ".join(f"{s:g}" for s in sizes[:8]))  # fmt: skip
        return sizes

    def table(self, key: str) -> Table:
        """Return a sub-table."""
        value = self.values.get(key)
        if not isinstance(value, dict):
            raise self.fail(f"[{key}] is missing or is not a table")
        return Table(value, f"{self.where}, {key}")

    def rows(self) -> list[Table]:
        """Return the ``[[row]]`` tables, at least one."""
        rows = self.values.get("row")
        if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
            raise self.fail("the file has no [[row]]")
        return [Table(r, f"{self.where}, row {i}") for i, r in enumerate(rows, 1)]

    def provenance(self) -> Provenance:
        """Return where this row comes from; every row must say."""
        table = self.table("provenance")
        table.only({"certainty", "source", "retrieved"}, {"note"})
        try:
            return Provenance(table.text("source"), table.text("certainty"),
                              table.text("retrieved"), table.text("note", ""))  # fmt: skip
        except CatalogueError as error:
            raise table.fail(error.what, measured=error.measured, expected=error.expected) from error

    def _checked(self, key: str, value: Any, least: float) -> float:
        if not is_number(value) or value < least:
            raise self.fail(f"{key} must be a finite number, at least {least:g}", measured=repr(value))
        return float(value)

    def _range(self, key: str, table: Table) -> list[float]:
        table.only({"from", "to", "step"}, set())
        low, high, step = (table.number(k) for k in ("from", "to", "step"))
        count = (high - low) / step if step > 0 else np.nan
        if not (step > 0 and high >= low and count < MOST_SIZES_PER_RANGE and abs(count - round(count)) < 1e-9):
            raise table.fail(f"the range of {key} does not end on a step", measured=f"{low:g} to {high:g} by {step:g}")
        return [round(low + i * step, 9) for i in range(round(count) + 1)]


def read_toml(path: Path, raw: bytes) -> Table:
    """Parse one file and check its schema version."""
    try:
        values = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError("CF-I011", "the file is not TOML", where=str(path), measured=str(error)) from error
    top = Table(values, path.name)
    if values.get("schema") != SCHEMA_VERSION:
        raise top.fail("the schema version is not known", measured=repr(values.get("schema")),
                       expected=str(SCHEMA_VERSION))  # fmt: skip
    return top


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file that the user named, or say in one sentence why not."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CatalogueError("CF-I012", "the catalogue file cannot be read", where=str(path),
                             measured=error.strerror or str(error)) from error  # fmt: skip


def combinations(**sizes: list[float]) -> list[dict[str, float]]:
    """Return every combination of the named size lists, the last name changing fastest."""
    return [dict(zip(sizes, values, strict=True)) for values in product(*sizes.values())]
