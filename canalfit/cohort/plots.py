"""Pictures of a cohort: what the canals are like, which sizes were chosen, how many sizes serve how many people."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from canalfit.cohort.shelf import coverage_by_count, share_interval
from canalfit.cohort.shelf_tables import Demand, read_demand
from canalfit.cohort.store import Store

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_SIZES = 12
MOST_GROUPS = 6
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")  # Okabe and Ito: told apart by all


def write_plots(store: Store) -> None:
    """Write plots/*.png; none where nothing was planned."""
    demand = read_demand(store.folder, certainty=0.5)
    if not demand.rows:
        return
    from matplotlib.figure import Figure

    for name, draw in (("canal", _canal), ("sizes", _sizes), ("coverage", _coverage)):
        figure = Figure(figsize=(7.0, 4.0), layout="constrained")
        draw(figure.add_subplot(), demand)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
        store.write(f"plots/{name}.png", out.getvalue())


def _groups(demand: Demand) -> list[tuple[str, list[dict[str, str]]]]:
    """Return the rows by the first group column, or by bone and level where there is none."""
    names = [n for n in demand.rows[0] if n.startswith("group_")]

    def key(row: dict[str, str]) -> str:
        return row[names[0]] or "not given" if names else f"{row['bone']}, {row['level']}"

    values = sorted({key(r) for r in demand.rows})
    return [(v, [r for r in demand.rows if key(r) == v]) for v in values[:MOST_GROUPS]]


def _canal(axes: Axes, demand: Demand) -> None:
    data = [(name, [float(r["narrowest_diameter_mm"]) for r in rows if r["narrowest_diameter_mm"]])
            for name, rows in _groups(demand)]  # fmt: skip
    known = [v for _, values in data for v in values]
    if known:
        edges = np.arange(np.floor(min(known)), np.ceil(max(known)) + 1.0, 0.5)
        for (name, values), colour in zip(data, COLOURS, strict=False):
            axes.hist(
                values, edges.tolist(), histtype="step", lw=1.8, color=colour, label=f"{name} (n = {len(values)})"
            )
        axes.legend(frameon=False)
    _label(axes, "narrowest inscribed diameter of the canal, mm", "bones")


def _sizes(axes: Axes, demand: Demand) -> None:
    groups = _groups(demand)
    chosen = sorted({float(r["diameter_mm"]) for r in demand.rows if r["diameter_mm"]})
    width = 0.8 / max(len(groups), 1)
    for k, ((name, rows), colour) in enumerate(zip(groups, COLOURS, strict=False)):
        counts = [sum(r["diameter_mm"] != "" and float(r["diameter_mm"]) == d for r in rows) for d in chosen]
        none = sum(r["diameter_mm"] == "" for r in rows)
        at = np.arange(len(chosen) + 1) + (k - (len(groups) - 1) / 2) * width
        axes.bar(at, [*counts, none], width, color=colour, label=name)
    axes.set_xticks(range(len(chosen) + 1), [*(f"{d:g}" for d in chosen), "none fits"], rotation=60)
    axes.legend(frameon=False)
    _label(axes, "diameter of the chosen stem, mm", "bones")


def _coverage(axes: Axes, demand: Demand) -> None:
    n, people = len(demand.rows), len(set(demand.people))
    for words, serves, colour, marks in (
        ("as measured", demand.serves, COLOURS[0], "o-"),
        ("size as likely as not to serve, or better", demand.certain, COLOURS[1], "s--"),
    ):
        if not serves.any():
            continue
        counts = coverage_by_count(serves, MOST_SIZES)
        bands = 100 * np.array([share_interval(c, n, people) for c in counts])
        k = np.arange(1, len(counts) + 1)
        axes.plot(k, 100 * np.array(counts) / n, marks, color=colour, label=words)
        axes.fill_between(k, bands[:, 0], bands[:, 1], color=colour, alpha=0.15, lw=0)
        axes.axhline(100 * serves.any(axis=1).mean(), color=colour, lw=0.8, ls=":")
    axes.set_ylim(0, 102)
    axes.locator_params("x", integer=True)
    if axes.lines:
        axes.legend(frameon=False, loc="lower right")
    _label(axes, "number of sizes on the shelf, the best set of each number", "bones served, %")
    axes.set_title(f"{n} bones of {people} people; bands: 95 %; dotted: whole catalogue", fontsize=9)


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def plot_names(store: Store) -> list[Any]:
    """Return the plots that were made."""
    return sorted(p.name for p in (store.folder / "plots").glob("*.png"))
