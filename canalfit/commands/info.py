"""``canalfit info``: what is in a scan, and what it is worth for planning."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from canalfit import exit_codes
from sizing.errors import UsageError

if TYPE_CHECKING:
    from dicom_io import SeriesCard, TruthCard

_COLUMNS = ("series", "images", "voxel mm", "step / thick mm", "kernel", "kVp", "verdict")


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "info",
        help="say what is in a scan and whether it is fit for planning",
        epilog="Exit code: 0 the best series is fit for planning, 10 usable with limits, 3 nothing can be planned.",
    )
    parser.add_argument("source", type=Path, help="folder, DICOMDIR, zip file or image file")
    parser.add_argument("--series", metavar="NUMBER", help="look at this series only")
    parser.add_argument("--page", type=Path, action="append", default=[], metavar="FILE",
                        help="write the best (or chosen) series as .png or .html; may be repeated")  # fmt: skip
    parser.add_argument("--keep-identity", action="store_true", help="do not strike out a patient's name or ID")
    return parser


def run(args: argparse.Namespace) -> int:
    """Print the truth card; exit code 3 if nothing can be planned, 10 if only with limits."""
    from dicom_io import ReadOptions, Verdict, truth_card

    for path in args.page:
        if path.suffix.lower() not in (".png", ".html"):
            raise UsageError(f"--page writes .png or .html, not {path.name}")
    options = ReadOptions(keep_identity=args.keep_identity)
    with args.console.step("looking at the scan"):
        card = truth_card(args.source, series=args.series, options=options)
    known = {name for s in card.series for name in (s.selector, s.facts["series_uid"])}
    if args.series is not None and args.series not in known:
        raise UsageError(
            f"no series answers to {args.series!r}; there are {', '.join(s.selector for s in card.series)}"
        )
    if args.json:
        args.console.json(card.as_dict())
    else:
        args.console.data("\n".join(_lines(card)))
    for path in args.page:
        _write_page(card, args.series or card.best, path)
    best = next((s for s in card.series if s.selector == card.best), None)
    if best is None:
        return exit_codes.REFUSED
    return exit_codes.OK if best.verdict is Verdict.FIT else exit_codes.FINDINGS


def _lines(card: TruthCard) -> list[str]:
    rows = [_COLUMNS, *(_row(s) for s in card.series)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(_COLUMNS))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * w for w in widths))
    for series in card.series:
        lines += ["", f"{series.selector}  {_title(series)}: {series.verdict.value}"]
        lines += [f"    - {reason}" for reason in series.reasons]
    lines.append("")
    if card.unreadable:
        lines += ["files that cannot be read:", *(f"    - {text}" for text in card.unreadable), ""]
    if card.n_other_files:
        lines.append(f"{card.n_other_files} other files are no images.")
    lines.append(f"best: {card.best} ({card.why_best})" if card.best else f"best: none ({card.why_best})")
    return lines


def _row(series: SeriesCard) -> tuple[str, ...]:
    from dicom_io.facts import words

    f = series.facts
    voxel = words(f["column_spacing_mm"], "", 2)
    step = f"{words(f.get('slice_step_mm'), '', 2)} / {words(f['slice_thickness_mm'], '', 2)}"
    name = f"{series.selector}  {f['modality'] or '?'}  {f['description'][:30]}".rstrip()
    return name, str(f["images"]), voxel, step, f["kernel"] or "?", words(f["kvp"], "", 0), series.verdict.value


def _title(series: SeriesCard) -> str:
    f = series.facts
    parts = [f["side"], f["bone"]] if f.get("bone") else [f["body_part_in_header"] or "body part unknown"]
    return " ".join(p for p in (f["description"], *parts) if p)


def _write_page(card: TruthCard, selector: str | None, path: Path) -> None:
    from viewer.scan_card import ScanPage, write_scan_page

    series = next((s for s in card.series if selector in (s.selector, s.facts["series_uid"])), None)
    series = series or next(iter(card.series), None)
    if series is None:
        raise UsageError(f"there is no series to draw for {path.name}")
    title = f"{_title(series)} (series {series.selector}, {series.facts.get('pseudonym', '')})".replace(", )", ")")
    page = ScanPage(title, series.verdict.value, series.public_reasons, series.facts_in_words, series.thumbnails)
    write_scan_page(page, path)
