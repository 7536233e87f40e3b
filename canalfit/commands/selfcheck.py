"""``canalfit selfcheck``: how well the program measures on this machine, at a given scan's voxels and noise."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canalfit import exit_codes

if TYPE_CHECKING:
    from sizing.phantom.spec import ScanSpec
    from sizing.selfcheck import LimbResult, Row, SelfcheckReport

EPILOG = """\
Draws limbs whose truth is known, as the scanner of SERIES (or a common one) would see them, puts them
through the whole line and compares. Phantoms share the physics of the measuring model: what is printed
is a lower bound of the error on a patient. Exit code: 0 all goals reached, 10 not.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "selfcheck",
        help="measure the program itself on limbs whose truth is known",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SERIES", nargs="?", type=Path, help="imitate the scanner of this CT series")
    parser.add_argument("--series", metavar="UID", help="which series, where the folder holds several")
    parser.add_argument("--bone", choices=("femur", "tibia", "humerus"), help="bone in SERIES, to read its blur from")
    parser.add_argument("--limbs", type=_count, default=9, metavar="N", help="how many limbs (default 9)")
    parser.add_argument("--seed", type=int, default=7, help="another seed draws other limbs (default 7)")
    return parser


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 10_000:
        raise argparse.ArgumentTypeError(f"a number of limbs from 1 is needed, not {text}")
    return value


def run(args: argparse.Namespace) -> int:
    """Run the check and print its table."""
    from sizing.implants import load_catalogue
    from sizing.phantom.spec import ScanSpec
    from sizing.selfcheck import SelfcheckSettings, run_selfcheck

    scan = ScanSpec() if args.source is None else _scan_of(args)
    if not args.json:
        args.console.say(_scanner(scan))
    settings = SelfcheckSettings(scan, args.limbs, args.seed, load_catalogue())

    def tell(i: int, limb: LimbResult) -> None:
        said = limb.refused or f"chosen {limb.chosen}, from the truth {limb.chosen_from_truth}"
        args.console.say(f"  limb {i + 1} of {args.limbs}, {limb.spec.bone}: {said}")

    report = run_selfcheck(settings, tell)
    if args.json:
        args.console.json(_plain(report))
    else:
        args.console.data(_table(report))
    return exit_codes.OK if report.good else exit_codes.FINDINGS


def _scan_of(args: argparse.Namespace) -> ScanSpec:
    from dicom_io import read_series
    from sizing.anatomy import Bone
    from sizing.canal import measure_canal
    from sizing.errors import CanalfitError
    from sizing.segmentation import find_residual_bone
    from sizing.selfcheck.like import scan_like

    read = read_series(args.source, series=args.series)
    args.console.findings(read.findings)
    canal = None
    if args.bone is not None:
        try:
            found = find_residual_bone(read.volume, bone=Bone(args.bone), distal="low")
            canal = measure_canal(read.volume, found)
        except CanalfitError as error:
            args.console.say(f"  the blur of this scan is taken from its kernel's name: {error}")
    return scan_like(read.volume, canal)


def _scanner(scan: ScanSpec) -> str:
    return (
        f"Scanner: pixel {scan.pixel_mm:.3g} mm, slices {scan.slice_thickness_mm:.3g} mm every "
        f"{scan.slice_step_mm:.3g} mm, {scan.kernel} kernel, blur {scan.sigma_in_plane_mm:.2f} mm, "
        f"noise {scan.noise_hu:.0f} HU"
    )


def _table(report: SelfcheckReport) -> str:
    names = ("n", 7), ("bias", 8), ("SD", 7), ("worst", 7), ("in 95 %", 8), ("interval", 17)
    head = f"{'quantity (measured - true, mm)':32s} {' '.join(f'{n:>{w}s}' for n, w in names)}  goal"
    lines = [head, "-" * len(head)]
    lines += [_line(row) for row in report.rows]
    refused = [limb for limb in report.limbs if limb.refused]
    lines.append(f"limbs refused: {len(refused)} of {len(report.limbs)}")
    lines.append("All goals are reached." if report.good else "NOT all goals are reached.")
    return "\n".join(lines)


def _line(row: Row) -> str:
    def number(value: float, form: str) -> str:
        return "" if value != value else format(value, form)

    missed = f"  MISSED: {', '.join(row.missed)}" if row.missed else ""
    known = row.coverage_low == row.coverage_low
    interval = f"{row.coverage_low:.1%} to {row.coverage_high:.1%}" if known else ""
    return (
        f"{row.quantity:32s} {row.count:7d} {number(row.bias, '+8.3f'):>8s} {number(row.sd, '7.3f'):>7s} "
        f"{number(row.worst, '7.3f'):>7s} {number(row.coverage, '8.1%'):>8s} {interval:>17s}  {row.goal}{missed}"
    )


def _plain(report: SelfcheckReport) -> dict[str, Any]:
    from dataclasses import asdict

    rows = [{k: None if v != v else v for k, v in asdict(row).items()} for row in report.rows]
    limbs = [
        {"name": r.spec.name, "bone": r.spec.bone, "refused": r.refused, "chosen": r.chosen,
         "chosen_from_truth": r.chosen_from_truth}
        for r in report.limbs
    ]  # fmt: skip
    return {"scan": asdict(report.scan), "rows": rows, "limbs": limbs, "good": report.good}
