"""Which scans a source holds: a folder tree, a table of cases, a DICOMDIR or a zip file. Reads no header."""

from __future__ import annotations

import csv
import difflib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dicom_io import SeriesList
from sizing.anatomy import Bone, Side
from sizing.errors import UsageError

COLUMNS = ("path", "case", "series", "bone", "side", "distal", "at_mm", "at_bone_share", "at_scan_share")
GROUP = "group_"
_SNIFF = 132  # a DICOM file carries DICM after 128 bytes
_SUFFIXES = (".dcm", ".dicom", ".ima")


@dataclass(frozen=True)
class Unit:
    """One place that holds a scan, or several that are told apart when its headers are read.

    Attributes
    ----------
    name : str
        Place relative to the source; units are ordered by it.
    path : Path
    signature : str
        Changes with the name, size or time of any file and with what is asked of the row.
    own : dict
        What the row of a table asks for; see `canalfit.cohort.settings.Question`.
    groups : dict
        Group columns of the row, without their prefix.
    case, series : str or None
        Name of the case and series, where the row gives them.
    problem : str
        Why the row cannot be used; empty = it can.
    row : str
        Table and line, where the unit comes from one.
    found : SeriesList or None
        The headers of one study, where the unit was told apart from others of its place.
    """

    name: str
    path: Path
    signature: str
    own: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    case: str | None = None
    series: str | None = None
    problem: str = ""
    row: str = ""
    found: SeriesList | None = None

    @property
    def label(self) -> str:
        """A name that does not tell the path: for scans whose header gives no better one."""
        studies = [entry.frames[0].study_uid for entry in self.found] if self.found is not None else []
        return hashlib.sha256("\n".join([self.name, *studies[:1]]).encode()).hexdigest()[:8]


def find_units(source: Path) -> list[Unit]:
    """Return the units of a source in a fixed order.

    Raises
    ------
    UsageError
        There is no such source, or its table has a wrong column.
    """
    source = Path(source)
    if not source.exists():
        raise UsageError(f"{source}: there is no such folder or file")
    if source.suffix.lower() == ".csv":
        return list(_rows(source))
    if source.name.upper() == "DICOMDIR":
        return [_unit(".", source.parent)]  # its files lie beside it, and belong to its signature
    if source.is_file():
        return [_unit(source.name, source)]
    if any((source / name).is_file() for name in ("DICOMDIR", "dicomdir")):
        return [_unit(".", source)]
    units = [_unit(path.relative_to(source).as_posix(), path) for path in _scans_below(source)]
    if not units:
        raise UsageError(f"{source} holds no DICOM file")
    return sorted(units, key=lambda unit: unit.name)


def shard_of(units: list[Unit], shard: tuple[int, int] | None) -> list[Unit]:
    """Return share i of n (counted from 1) of the units: every n-th."""
    return units if shard is None else units[shard[0] - 1 :: shard[1]]


def _scans_below(folder: Path) -> Iterator[Path]:
    """Yield the topmost folders that hold DICOM files, and zip files; links are not followed."""
    entries = sorted(os.scandir(folder), key=lambda e: e.name)
    files = [e for e in entries if e.is_file(follow_symlinks=False)]
    if any(_is_dicom(e.path) for e in files):
        yield folder
        return
    for e in entries:
        if e.is_dir(follow_symlinks=False):
            yield from _scans_below(Path(e.path))
        elif e.name.lower().endswith(".zip"):
            yield Path(e.path)


def _is_dicom(path: str) -> bool:
    if path.lower().endswith(_SUFFIXES):
        return True
    try:
        with open(path, "rb") as file:
            return file.read(_SNIFF)[128:] == b"DICM"
    except OSError:
        return False


def _unit(name: str, path: Path, row: dict[str, Any] | None = None) -> Unit:
    row = row or {}
    asked = repr(sorted((k, v) for k, v in row.items() if k != "groups"))
    return Unit(name, path, _signature(name, path, asked), **row)


def _signature(name: str, path: Path, asked: str) -> str:
    digest = hashlib.sha256(f"{name}\n{asked}\n".encode())
    for file, size, changed_ns in sorted(_files_of(path)):
        digest.update(f"{file}\t{size}\t{changed_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _files_of(path: Path) -> Iterator[tuple[str, int, int]]:
    if path.is_file():
        s = path.stat()
        yield path.name, s.st_size, s.st_mtime_ns
        return
    for folder, _, names in os.walk(path):
        for name in names:
            full = os.path.join(folder, name)
            s = os.lstat(full)
            yield os.path.relpath(full, path), s.st_size, s.st_mtime_ns


def _rows(table: Path) -> Iterator[Unit]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            _check_columns(table, reader.fieldnames or [])
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{table}: the table of cases cannot be read: {error}") from None
    for number, row in enumerate(rows, start=2):
        name = f"row {number:06d} {row['path']}"
        path = table.parent / (row["path"] or "")
        try:
            if not row["path"] or not path.exists():
                raise ValueError("the path of the row does not exist")
            unit = _unit(name, path, _asked(row))
        except ValueError as error:
            unit = Unit(name, path, _signature(name, Path(os.devnull), str(error)), problem=str(error))
        yield replace(unit, row=f"{table.name} line {number}")


def _check_columns(table: Path, names: Sequence[str]) -> None:
    if "path" not in names:
        raise UsageError(f"{table}: the table of cases needs a column 'path'; it has {', '.join(names) or 'none'}")
    for name in names:
        if name not in COLUMNS and not (name or "").startswith(GROUP):
            known = ", ".join(COLUMNS)
            near = difflib.get_close_matches(name or "", COLUMNS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"it may have {known}, and {GROUP}{name}"
            raise UsageError(f"{table}: unknown column '{name}'; {hint}")


def _asked(row: dict[str, str]) -> dict[str, Any]:
    """Return what a row asks for as fields of a Unit; raises ValueError with a sentence."""
    given = {k: (v or "").strip() for k, v in row.items() if k}
    own: dict[str, Any] = {
        "bones": tuple(_word(Bone, "bone", w) for w in given.get("bone", "").split(";") if w),
        "side": _word(Side, "side", given["side"]) if given.get("side") else None,
        "distal": given.get("distal") or None,
    }
    if own["distal"] not in (None, "low", "high"):
        raise ValueError(f"distal is {own['distal']!r}; expected low or high")
    for name in ("at_mm", "at_bone_share", "at_scan_share"):
        own[name] = tuple(_level(name, w) for w in given.get(name, "").split(";") if w)
    case = given.get("case") or None
    if (case and not all(c.isalnum() or c in "-_." for c in case)) or case in (".", ".."):
        raise ValueError(f"the case name {case!r} may hold letters, digits, '-', '_' and '.' only")
    groups = {k.removeprefix(GROUP): v for k, v in given.items() if k.startswith(GROUP)}
    return {"own": own, "groups": groups, "case": case, "series": given.get("series") or None}


def _word(kind: Any, name: str, word: str) -> Any:
    try:
        return kind(word.strip())
    except ValueError:
        raise ValueError(f"{name} is {word!r}; expected {', '.join(kind)}") from None


def _level(name: str, word: str) -> float:
    top = 10_000.0 if name == "at_mm" else 1.0
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not 0 < value < top:
        raise ValueError(f"{name} is {word!r}; expected a number above 0 and below {top:g}")
    return value
