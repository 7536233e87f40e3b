"""The tables of a cohort, joined from the finished cases in a fixed order: equal cases give equal bytes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from canalfit.cohort.columns import KEY, TABLES
from canalfit.cohort.shelf_columns import ANSWERS, names_of
from canalfit.cohort.store import RUNTIME, Marker, Store
from canalfit.tables import csv_text

PLANNED = ("0", "4", "10")  # exit codes of rows that hold a plan


def write_tables(store: Store, markers: Sequence[Marker]) -> dict[str, str]:
    """Write every table and the data dictionary; return the SHA-256 of those that a second run must give again."""
    groups = sorted({name for m in markers for name in m.groups})
    texts = {"cases.csv": cases_text(store, markers, groups)}
    for name in ("levels", "fits", "failures"):
        texts[f"{name}.csv"] = _joined(store, markers, name)
    texts["dictionary.csv"] = dictionary_text(groups)
    for name, data in texts.items():
        store.write(name, data)
    store.write("runtime.csv", _runtime(store, markers))
    return {name: hashlib.sha256(data).hexdigest() for name, data in texts.items()}


def _joined(store: Store, markers: Iterable[Marker], table: str) -> bytes:
    parts = [csv_text([c.name for c in TABLES[table]], []).encode()]
    for marker in markers:
        data = (store.cases / marker.case / f"{table}.csv").read_bytes()
        parts.append(data[data.index(b"\n") + 1 :])
    return b"".join(parts)


def cases_text(store: Store, markers: Iterable[Marker], groups: list[str]) -> bytes:
    """Return cases.csv: group columns behind the key, and repeats of one bone marked."""
    names = [c.name for c in TABLES["cases"]]
    at = len(KEY)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*names[:at], *(f"group_{g}" for g in groups), *names[at:]])
    seen: dict[tuple[str, ...], str] = {}
    for marker in markers:
        for row in read_rows(store.cases / marker.case / "cases.csv"):
            if row["exit_code"] in PLANNED and row["patient"]:
                bone = (row["patient"], row["bone"], row["side"], row["level"])
                row["repeat"] = "no" if seen.setdefault(bone, row["case"]) == row["case"] else "yes"
            values = [row[name] for name in names]
            writer.writerow([*values[:at], *(marker.groups.get(g, "") for g in groups), *values[at:]])
    return out.getvalue().encode()


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read one of our tables."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _runtime(store: Store, markers: Iterable[Marker]) -> bytes:
    rows: list[list[Any]] = []
    for marker in markers:
        try:
            clock = json.loads((store.cases / marker.case / RUNTIME).read_bytes())
        except (OSError, ValueError):
            clock = {}
        rows.append([marker.case, clock.get("seconds"), clock.get("memory_mb"), clock.get("attempts")])
    return csv_text([c.name for c in TABLES["runtime"]], rows).encode()


def dictionary_text(groups: list[str]) -> bytes:
    """Return the data dictionary: one row per column of every table."""
    rows = []
    for table, columns in (TABLES | ANSWERS).items():
        for column in columns:
            rows.append([f"{table}.csv", column.name, column.kind, column.unit, column.meaning])
        if table == "cases":
            rows += [["cases.csv", f"group_{g}", "text", "", "carried through from the table of cases"] for g in groups]
    return csv_text(names_of("dictionary"), rows).encode()
