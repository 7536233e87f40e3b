"""The shelf's answers as tables: coverage, smallest sets, who needs custom, and distributions by group."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from canalfit.cohort.settings import Shelf
from canalfit.cohort.shelf import Serves, SmallestSet, coverage_of_new_people, share_interval, smallest_set
from canalfit.cohort.shelf_columns import names_of
from canalfit.cohort.tables import PLANNED, read_rows
from canalfit.tables import csv_text

MEASURES = (
    "isthmus_diameter_mm", "narrowest_diameter_mm", "wall_min_mm", "bow_radius_mm", "cortex_hu", "diameter_mm",
    "length_mm", "wall_left_mm",
)  # fmt: skip
AS_MEASURED = "as measured"


@dataclass(frozen=True)
class Demand:
    """Whom the sizes are for, and which serve them.

    Attributes
    ----------
    rows : list of dict
        Rows of cases.csv that hold a plan, each bone of a person once per level.
    sizes : list of (part number, family, diameter, length)
    serves : (rows, sizes) bool array
        As measured.
    certain : (rows, sizes) bool array
        With at least the certainty asked for.
    """

    rows: list[dict[str, str]]
    sizes: list[tuple[str, str, str, str]]
    serves: Serves
    certain: Serves

    def part(self, name: str, value: str) -> Demand:
        """Return the rows with one value of a column."""
        at = [i for i, row in enumerate(self.rows) if row[name] == value]
        return Demand([self.rows[i] for i in at], self.sizes, self.serves[at], self.certain[at])

    @property
    def people(self) -> list[str]:
        """Of each row; a case without a patient's ID is a person of its own."""
        return [row["patient"] or row["case"] for row in self.rows]

    def scopes(self) -> Iterator[tuple[str, Demand]]:
        """Yield all rows, then each bone and each level where there are several."""
        yield "all", self
        for name in ("bone", "level"):
            values = sorted({row[name] for row in self.rows})
            if len(values) > 1:
                yield from ((value, self.part(name, value)) for value in values)


def read_demand(folder: Path, certainty: float) -> Demand:
    """Read cases.csv and fits.csv of a cohort."""
    rows = [r for r in read_rows(folder / "cases.csv") if r["exit_code"] in PLANNED and r["repeat"] != "yes"]
    at = {(r["case"], r["bone"], r["side"], r["level"]): i for i, r in enumerate(rows)}
    sizes: dict[tuple[str, str, str, str], int] = {}
    hits: list[tuple[int, int, bool, bool]] = []
    with (folder / "fits.csv").open(newline="", encoding="utf-8") as file:
        for fit in csv.DictReader(file):
            i = at.get((fit["case"], fit["bone"], fit["side"], fit["level"]))
            if i is None:
                continue
            size = (fit["part_number"], fit["family_id"], fit["diameter_mm"], fit["length_mm"])
            j = sizes.setdefault(size, len(sizes))
            serves = fit["can_serve"] == "yes"
            certain = serves and bool(fit["serve_probability"]) and float(fit["serve_probability"]) >= certainty
            hits.append((i, j, serves, certain))
    # In the order of their names, so that nothing depends on the order of the cases.
    names = sorted(sizes)
    place = {sizes[name]: k for k, name in enumerate(names)}
    table = np.zeros((2, len(rows), len(names)), bool)
    for i, j, serves, certain in hits:
        table[:, i, place[j]] = serves, certain
    return Demand(rows, names, table[0], table[1])


def shelf_texts(folder: Path, shelf: Shelf) -> dict[str, bytes]:
    """Return the tables by their names; see `docs/method/cohort.md` for their columns."""
    demand = read_demand(folder, shelf.certainty)
    sets, sizes = _sets(demand, shelf)
    tables = {
        "coverage": _coverage(demand),
        "shelf": sets,
        "shelf_sizes": sizes,
        "custom": _custom(demand),
        "distributions": _distributions(demand),
    }
    return {f"{name}.csv": csv_text(names_of(name), rows).encode() for name, rows in tables.items()}


def _coverage(demand: Demand) -> list[list[Any]]:
    rows = []
    for scope, part in demand.scopes():
        for by, at in (("catalogue", None), ("family", 1), ("diameter_mm", 2), ("length_mm", 3)):
            values = [""] if at is None else sorted({s[at] for s in part.sizes}, key=lambda v: (len(v), v))
            for value in values:
                of = [j for j, s in enumerate(part.sizes) if at is None or s[at] == value]
                n, hits = len(part.rows), int(part.serves[:, of].any(axis=1).sum())
                people = len(set(part.people))
                share = hits / n if n else None
                rows.append([scope, by, value, n, people, hits, share, *share_interval(hits, n, people)])
    return rows


def _sets(demand: Demand, shelf: Shelf) -> tuple[list[list[Any]], list[list[Any]]]:
    sets, sizes = [], []
    for scope, part in demand.scopes():
        n, people = len(part.rows), part.people
        for doubt, serves in ((AS_MEASURED, part.serves), (f"certain to {shelf.certainty:.0%}", part.certain)):
            reach = float(serves.any(axis=1).mean()) if n else float("nan")
            most = smallest_set(serves, reach) if n else SmallestSet((), 0, True, False)
            for share in shelf.shares:
                found = smallest_set(serves, share)
                head = [scope, doubt, share, n, len(set(people)), reach]
                if not found.reachable:
                    sets.append([*head, *[None] * 6, _not_reached(most, n, len(set(people)))])
                    continue
                low, high = share_interval(found.covered, n, len(set(people)))
                new = coverage_of_new_people(serves, people, share, shelf.seed)
                sets.append([*head, len(found.sizes), found.covered / n, low, high, new, found.proven, ""])
                sizes += [[scope, doubt, share, *row] for row in _sizes(part, serves, found.sizes)]
    return sets, sizes


def _not_reached(most: SmallestSet, n: int, n_people: int) -> str:
    """Say how far the whole catalogue reaches, with its interval, and how few of its sizes reach as far."""
    if not n:
        return "no case was planned"
    low, high = share_interval(most.covered, n, n_people)
    return (
        f"cannot be reached: the whole catalogue serves {most.covered / n:.1%} (95% interval {low:.0%} to {high:.0%}); "
        f"{_so_many(len(most.sizes))}; see custom.csv"
    )


def _so_many(sizes: int) -> str:
    return {0: "none of its sizes serves any", 1: "one size serves as many"}.get(sizes, f"{sizes} sizes serve as many")


def _sizes(part: Demand, serves: Serves, chosen: tuple[int, ...]) -> Iterator[list[Any]]:
    count = serves[:, list(chosen)].sum(axis=1)
    for j in chosen:
        yield [*part.sizes[j], int(serves[:, j].sum()), int((serves[:, j] & (count == 1)).sum())]


def _custom(demand: Demand) -> list[list[Any]]:
    names = ("case", "bone", "side", "level", "patient", "nearest_part_number", "nearest_reason")
    return [[row[n] for n in names] for i, row in enumerate(demand.rows) if not demand.serves[i].any()]


def _distributions(demand: Demand) -> list[list[Any]]:
    groups = [n for n in (demand.rows[0] if demand.rows else {}) if n.startswith("group_")]
    places = sorted({(r["bone"], r["level"]) for r in demand.rows})
    table = []
    for bone, level in places:
        rows = [r for r in demand.rows if (r["bone"], r["level"]) == (bone, level)]
        for group in ("", *groups):
            for value in sorted({r.get(group, "") for r in rows}):
                members = [r for r in rows if r.get(group, "") == value]
                head = [bone, level, group.removeprefix("group_"), value]
                table += [[*head, name, *_statistics(members, name)] for name in MEASURES]
    return table


def _statistics(rows: list[dict[str, str]], name: str) -> list[Any]:
    values = np.sort([float(r[name]) for r in rows if r[name]])
    n = len(values)
    if n == 0:
        return [0, *[None] * 7]
    p05, median, p95 = (float(v) for v in np.percentile(values, (5, 50, 95)))
    spread = float(values.std(ddof=1)) if n > 1 else None
    return [n, float(values.mean()), spread, p05, median, p95, *_median_interval(values)]


def _median_interval(values: np.ndarray) -> tuple[float | None, float | None]:
    """Return order statistics that hold the median with at least 95 %; None with fewer than six values."""
    from scipy.stats import binom

    n = len(values)
    if n < 6:  # even the whole range holds it with less than 97 %
        return None, None
    k = int(binom.ppf(0.025, n, 0.5))
    k -= int(binom.cdf(k - 1, n, 0.5) > 0.025)
    return float(values[max(k - 1, 0)]), float(values[min(n - k, n - 1)])
