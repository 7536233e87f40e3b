"""``canalfit catalogue``: which implants and reamers are known, and where each number comes from."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from canalfit import exit_codes

if TYPE_CHECKING:
    from sizing.implants import ImplantTemplate


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser("catalogue", help="list the implants and reamers that are known, with their source")
    parser.add_argument("--catalogue", action="append", default=[], type=Path, metavar="FILE",
                        help="also read this family file (TOML); may be repeated")  # fmt: skip
    parser.add_argument("--rows", action="store_true", help="one line per implant")
    return parser


def run(args: argparse.Namespace) -> int:
    """Print families, or every row, with provenance."""
    from sizing.implants import load_catalogue, load_reamer_set, reamer_set_names

    catalogue = load_catalogue(args.catalogue)
    sets = [load_reamer_set(name) for name in reamer_set_names()]
    if args.json:
        args.console.json({
            "version": catalogue.version,
            "sha256": catalogue.sha256,
            "files": list(catalogue.sources),
            "implants": [_row(i) for i in catalogue.implants],
            "reamer_sets": [
                {"id": s.set_id, "diameters_mm": s.diameters_mm.tolist(), "provenance": s.provenance} for s in sets
            ],
        })  # fmt: skip
        return exit_codes.OK
    lines = _every_row(catalogue.implants) if args.rows else _families(catalogue.implants)
    args.console.data("\n".join(lines))
    for tray in sets:
        d = tray.diameters_mm
        args.console.data(f"reamers {tray.set_id}: {d[0]:g} to {d[-1]:g} mm, {len(d)} sizes\n    {tray.provenance}")
    args.console.data(f"catalogue version {catalogue.version}, sha256 {catalogue.sha256[:16]}")
    return exit_codes.OK


def _row(implant: ImplantTemplate) -> dict:
    p = implant.provenance
    return {
        "family": implant.family_id,
        "part_number": implant.part_number,
        "fixation": str(implant.fixation),
        "diameter_mm": implant.diameter_mm,
        "length_mm": implant.length_mm,
        "bow_radius_mm": implant.bow_radius_mm,
        "collar_diameter_mm": implant.collar_diameter_mm,
        "thread_pitch_mm": implant.thread_pitch_mm,
        "preparation": str(implant.preparation),
        "last_reamer_mm": implant.last_reamer_mm,
        "bones": list(implant.bones),
        "source": p.source,
        "certainty": p.certainty,
        "retrieved": p.retrieved,
    }


def _every_row(implants: Iterable[ImplantTemplate]) -> list[str]:
    return [
        f"{i.part_number:<22} {i.diameter_mm:5.1f} x {i.length_mm:5.0f} mm  last tool {i.last_reamer_mm:5.2f} mm  "
        f"{i.preparation:<12} {', '.join(i.bones):<22} certainty {i.provenance.certainty}"
        for i in implants
    ]


def _families(implants: Iterable[ImplantTemplate]) -> list[str]:
    lines = []
    for family, group in groupby(implants, key=lambda i: i.family_id):
        rows = list(group)
        lengths = sorted({i.length_mm for i in rows})
        bows = sorted({i.bow_radius_mm for i in rows if i.bow_radius_mm is not None})
        lines.append(
            f"{family}: {len(rows)} implants, {min(i.diameter_mm for i in rows):g} to "
            f"{max(i.diameter_mm for i in rows):g} mm, length {_list(lengths)} mm"
            + (f", bow radius {_list(bows)} mm" if bows else "")
            + f", {rows[0].preparation}, for {', '.join(rows[0].bones)}"
        )
        for p in dict.fromkeys(i.provenance for i in rows):
            note = f"; {p.note}" if p.note else ""
            lines.append(f"    certainty {p.certainty}: {p.source} (retrieved {p.retrieved}{note})")
    return lines


def _list(numbers: list[float]) -> str:
    return ", ".join(f"{n:g}" for n in numbers)
