"""index.html: every row with its thumbnail, sortable and filtered, without any network."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from canalfit.cohort.plots import plot_names
from canalfit.cohort.store import Store
from canalfit.cohort.tables import read_rows
from canalfit.cohort.task import folder_of

# What the page shows of cases.csv: column, heading, decimals (None: text).
SHOWN = (
    ("case", "case", None), ("bone", "bone", None), ("side", "side", None), ("level", "level", None),
    ("outcome", "outcome", None), ("narrowest_diameter_mm", "narrowest canal, mm", 1),
    ("wall_min_mm", "thinnest wall, mm", 1), ("bow_radius_mm", "bow, mm", 0),
    ("part_number", "implant", None), ("diameter_mm", "diameter, mm", 1), ("length_mm", "length, mm", 0),
    ("score", "score", 0), ("size_certainty", "certain", 2), ("wall_left_mm", "wall left, mm", 1),
    ("findings", "findings", None),
)  # fmt: skip
OUTCOME = {"0": "planned", "10": "planned with findings", "4": "nothing fits", "3": "refused", "70": "failed"}


def write_page(store: Store, manifest: dict[str, Any]) -> None:
    """Write index.html."""
    from jinja2 import Environment, FileSystemLoader

    rows = read_rows(store.folder / "cases.csv")
    failures = read_rows(store.folder / "failures.csv")
    why: dict[tuple[str, ...], str] = {(f["case"], f["bone"], f["side"], f["level"]): f["sentence"] for f in failures}
    groups = [n for n in (rows[0] if rows else {}) if n.startswith("group_")]
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
    text = environment.get_template("cohort.html").render(
        manifest=manifest,
        columns=[(n, heading, decimals) for n, heading, decimals in _with_groups(groups)],
        rows=[_shown(store, row, groups, why) for row in rows],
        outcomes=Counter(OUTCOME.get(r["exit_code"], r["exit_code"]) for r in rows),
        codes=sorted({code for r in rows for code in _codes(r, why).split()}),
        sets=_sets(read_rows(store.folder / "shelf.csv"), read_rows(store.folder / "shelf_sizes.csv")),
        plots=plot_names(store),
        settings=json.dumps(manifest["settings"], indent=1, sort_keys=True),
    )
    store.write("index.html", text.encode())


def _sets(rows: list[dict[str, str]], sizes: list[dict[str, str]]) -> list[dict[str, str]]:
    """Join the rows of shares that have the same answer: the same sizes, or the same reason why there are none."""
    out: list[dict[str, str]] = []
    for row in rows:
        asked = f"{100 * float(row['share_asked']):g}\u00a0%"
        key = ("scope", "doubt", "share_asked")
        which = ", ".join(z["part_number"] for z in sizes if all(z[name] == row[name] for name in key))
        answer = {"which": which} | {name: row[name] for name in ("scope", "doubt", "says")}
        if out and all(out[-1][name] == words for name, words in answer.items()):
            out[-1]["asked"] += f", {asked}"
        else:
            out.append(row | answer | {"asked": asked})
    return out


def _with_groups(groups: list[str]) -> list[tuple[str, str, int | None]]:
    named: list[tuple[str, str, int | None]] = [(g, g.removeprefix("group_"), None) for g in groups]
    return [*SHOWN[:4], *named, *SHOWN[4:]]


def _codes(row: dict[str, str], why: dict[tuple[str, ...], str]) -> str:
    sentence = why.get((row["case"], row["bone"], row["side"], row["level"]), "")
    return row["findings"] or sentence.split(":")[0]


def _shown(store: Store, row: dict[str, str], groups: list[str], why: dict[tuple[str, ...], str]) -> dict[str, Any]:
    folder = f"cases/{row['case']}/{folder_of(row['bone'], row['side'], row['level'])}"
    picture = f"{folder}/thumbnail.png"
    sentence = why.get((row["case"], row["bone"], row["side"], row["level"]), row["nearest_reason"])
    values = row | {"outcome": OUTCOME.get(row["exit_code"], row["exit_code"]), "findings": _codes(row, why)}
    return {
        "cells": [_cell(values[name], decimals) for name, _, decimals in _with_groups(groups)],
        "picture": picture if (store.folder / picture).is_file() else "",
        "codes": _codes(row, why),
        "outcome": values["outcome"],
        "sentence": sentence,
    }


def _cell(value: str, decimals: int | None) -> tuple[str, str]:
    """Return what is shown and what is sorted by."""
    if decimals is None or not value:
        return value or "–", value
    return f"{float(value):.{decimals}f}", value
