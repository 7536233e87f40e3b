"""Reamer trays as TOML files beside the implants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sizing.errors import CatalogueError
from sizing.implants.catalogue import DATA_FOLDER
from sizing.implants.schema import read_bytes, read_toml
from sizing.reaming.model import Reamer, ReamerSet, TipForm, ToolKind


def reamer_set_names() -> tuple[str, ...]:
    """Return the ids of the shipped sets."""
    return tuple(p.stem.removeprefix("reamers-") for p in sorted(DATA_FOLDER.glob("reamers-*.toml")))


def load_reamer_set(source: Path | str = "generic-rigid") -> ReamerSet:
    """Read a tray by the id of a shipped set or from a user's file.

    Raises
    ------
    CatalogueError
        The file breaks the schema, or the sizes do not grow; names file and row.
    """
    name = str(source)
    path = DATA_FOLDER / f"reamers-{name}.toml" if name in reamer_set_names() else Path(source)
    top = read_toml(path, read_bytes(path))
    top.only({"schema", "reamer_set", "row"}, set())
    head = top.table("reamer_set")
    head.only({"id", "title", "kind", "tip"},
              {"max_depth_mm", "chamfer_half_angle_deg", "barrel_length_mm", "min_bend_radius_mm"})  # fmt: skip
    try:
        kind, tip = ToolKind(head.text("kind")), TipForm(head.text("tip"))
    except ValueError as error:
        raise head.fail("the tool is not known", measured=str(error)) from error
    options: dict[str, Any] = {k: head.number(k, least=1e-6) for k in
               ("chamfer_half_angle_deg", "barrel_length_mm", "min_bend_radius_mm") if k in head.values}  # fmt: skip
    reamers: list[Reamer] = []
    sources: list[str] = []
    for row in top.rows():
        row.only({"diameter_mm", "provenance"}, {"part_number"})
        provenance = row.provenance()
        sources.append(f"{provenance.source} (certainty {provenance.certainty})")
        for diameter in row.numbers("diameter_mm"):
            if reamers and diameter <= reamers[-1].diameter_mm:
                raise row.fail("a reamer set must grow from size to size",
                               measured=f"{diameter:g} mm after {reamers[-1].diameter_mm:g} mm")  # fmt: skip
            reamers.append(Reamer(diameter, kind, tip, part_number=row.text("part_number", ""), **options))
    if not reamers:
        raise CatalogueError("CF-I014", "a reamer set has no tools", where=path.name)
    return ReamerSet(head.text("id"), tuple(reamers), "; ".join(dict.fromkeys(sources)))
