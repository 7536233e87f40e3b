"""``canalfit diff``: what changed between two plans, or two specifications."""

from __future__ import annotations

import argparse
from pathlib import Path

from canalfit import exit_codes


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "diff",
        help="what changed between two plans, or two specifications",
        epilog="Exit code 0: the same; 10: something differs.",
    )
    parser.add_argument("first", metavar="A", type=Path, help="folder, plan.json or spec.json")
    parser.add_argument("second", metavar="B", type=Path)
    parser.add_argument("--table", metavar="FILE.csv", type=Path, help="write the changes as a table")
    parser.add_argument("--picture", metavar="FILE.png", type=Path, help="draw the surface difference in 0.05 mm bands")
    return parser


def run(args: argparse.Namespace) -> int:
    """Compare, say, and write what was asked for."""
    from canalfit.difference import changes_csv, compare, read_any

    changes, surface = compare(read_any(args.first), read_any(args.second))
    worst = surface.worst_mm
    if args.json:
        args.console.json({
            "changes": [{"name": c.name, "first": c.first, "second": c.second, "by": c.by} for c in changes],
            "surface": surface.what,
            "surface_worst_mm": worst if worst == worst else None,
        })  # fmt: skip
    else:
        for change in changes:
            args.console.data(change.words)
        told = f"{worst:.3f} mm at most" if worst == worst else "cannot be compared"
        args.console.data(f"surface of the {surface.what}: {told}")
    if args.table:
        args.table.write_text(changes_csv(changes), encoding="utf-8")
    if args.picture:
        from viewer.difference_picture import draw_difference

        draw_difference(surface, args.picture)
    return exit_codes.FINDINGS if changes or worst > 0 else exit_codes.OK
