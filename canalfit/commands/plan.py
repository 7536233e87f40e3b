"""``canalfit plan``: from a CT series to a plan folder."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sizing.spelling import wall_text

if TYPE_CHECKING:
    from canalfit.case import CaseResult, PlanRequest

EPILOG = """\
The folder OUT gets plan.json (the master), sections.csv, reaming.csv, fits.csv, zones.csv,
envelope.csv, what_if.csv, wall.csv, report.pdf, report.html, bone.stl, canal.stl, reamed_canal.stl, implant.stl,
wall.ply (the wall at each point of the canal's surface) and scene.png; for an --implant that does not go in,
nearest_insertable_N.csv and .stl, which are not its design.
Exit code: 0 fine, 10 fine with findings to look at, 3 scan refused, 4 no implant fits.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "plan",
        help="plan an implant: from a CT series to a plan folder",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SERIES", type=Path, help="folder with the CT series")
    parser.add_argument("--out", type=Path, required=True, help="plan folder to write")
    parser.add_argument("--series", metavar="NUMBER", help="which series, where the folder holds several")
    parser.add_argument("--force", action="store_true", help="write into a folder that holds other files, too")
    parser.add_argument(
        "--reamers", metavar="ID|FILE", help="reamer set, shipped (canalfit catalogue) or your own (TOML)"
    )
    add_plan_options(parser)
    add_mask_options(parser)
    add_read_options(parser)
    return parser


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that decide about a plan, as settings of one case or of many."""
    parser.add_argument("--bone", choices=("femur", "tibia", "humerus"), help="default: told from the scan")
    parser.add_argument("--side", choices=("left", "right"), help="default: told from the scan")
    parser.add_argument("--distal", choices=("low", "high"), help="end of the scan that is distal; default: told")
    parser.add_argument(
        "--resect-at", metavar="MM", type=_positive, help="amputate so far above the lowest bone, along its axis"
    )
    parser.add_argument("--wall-limit", metavar="MM", type=_positive, help="least wall to leave (default 2.0)")
    parser.add_argument("--max-length", metavar="MM", type=_positive, help="longest stem to consider")
    parser.add_argument("--families", nargs="+", metavar="ID", default=(), help="only these implant families")
    parser.add_argument(
        "--catalogue", metavar="FILE", type=Path, action="append", default=[], help="own implants as well (TOML)"
    )
    parser.add_argument(
        "--implant",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="an implant of your own: STL, 3MF or STEP in mm (origin at the collar's seat, +z to the tip), or CSV",
    )
    parser.add_argument(
        "--implant-reamer", metavar="MM", type=_positive, help="last reamer for --implant; default: its narrowest width"
    )


def add_read_options(parser: argparse.ArgumentParser) -> None:
    """Add what the reader may repair; each use is reported and recorded."""
    group = parser.add_argument_group("reading (the refusals of a scan name these)")
    group.add_argument("--allow-gap", metavar="N", type=int, default=0, help="fill up to N single missing slices")
    for name, words in (
        ("resample", "interpolate unevenly spaced slices"),
        ("assume-hu", "take stored values as HU where the rescale is missing"),
        ("allow-uncalibrated", "accept values that cannot be HU, as of cone-beam CT"),
        ("keep-identity", "leave a patient's name or ID standing in descriptions and file names"),
    ):
        group.add_argument(f"--{name}", action="store_true", help=words)


def add_mask_options(parser: argparse.ArgumentParser) -> None:
    """Add the mask from elsewhere; only for one case, since a mask belongs to one scan."""
    parser.add_argument(
        "--mask",
        metavar="FILE",
        type=Path,
        help="label map that says which bone is meant: NIfTI, NRRD or DICOM SEG; its edges are measured again",
    )
    parser.add_argument("--mask-label", metavar="LABEL", help="number or name of the bone in it, if it holds several")


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 10_000:
        raise argparse.ArgumentTypeError(f"a length in mm above 0 is needed, not {text}")
    return value


def request_from(args: argparse.Namespace) -> PlanRequest:
    """Return the request that the options describe."""
    from canalfit.case import READING, PlanRequest
    from dicom_io import ReadOptions
    from sizing.anatomy import Bone, Side
    from sizing.planning import PlanSettings

    given = {
        "bone": args.bone and Bone(args.bone),
        "side": args.side and Side(args.side),
        "distal": args.distal,
        "resect_at_mm": args.resect_at,
        "wall_limit_mm": args.wall_limit,
        "max_stem_length_mm": args.max_length,
        # An implant that the user brings is always tried.
        "families": (*args.families, *(["own"] if args.implant and args.families else [])),
    }
    settings = PlanSettings(**{name: value for name, value in given.items() if value is not None})
    reading = ReadOptions(**{name: getattr(args, name) for name in READING})
    own = tuple(args.implant)
    return PlanRequest(settings, args.series, reading, tuple(args.catalogue), own, args.implant_reamer, args.force)


def run(args: argparse.Namespace) -> int:
    """Plan, write, and say what was found."""
    from canalfit.case import plan_series
    from canalfit.memory import return_large_blocks
    from sizing.implants import load_reamer_set

    return_large_blocks()
    reamers = None if args.reamers is None else load_reamer_set(args.reamers)
    request = replace(request_from(args), mask=args.mask, mask_label=args.mask_label, reamers=reamers)
    result = plan_series(args.source, args.out, request, args.console.step)
    if args.json:
        args.console.json({"folder": args.out.name, "exit_code": result.exit_code} | result.summary)
    _say(args, result)
    return result.exit_code


def _say(args: argparse.Namespace, result: CaseResult) -> None:
    say = args.console.say
    chosen, summary = result.plan.chosen, result.summary
    if chosen is None:
        say("No implant of the catalogue fits; fits.csv holds the reasons.")
    else:
        implant, fit = chosen.implant, summary["fit"]
        tools = summary["reaming"]["reamer_diameters_mm"]
        say(f"{summary['side']} {summary['bone']}: {implant.family_id} {implant.part_number}")
        if chosen.condition:
            say(f"  {chosen.condition}")
        say(f"  stem {implant.diameter_mm:g} x {implant.length_mm:g} mm, reamers {tools[0]:g} to {tools[-1]:g} mm")
        say(f"  least wall left {_wall(fit['wall_min_mm'])}, {_mm(fit['wall_min_depth_mm'], 0)} above the cut, "
            f"{fit['wall_min_direction']}")  # fmt: skip
    args.console.findings(result.findings)
    say(f"Plan folder: {args.out}/  (start with report.html or report.pdf)")


def _mm(value: float | None, decimals: int = 1) -> str:
    return "cannot be told" if value is None else f"{value:.{decimals}f} mm"


def _wall(value: float | None) -> str:
    return "cannot be told" if value is None else f"{wall_text(value)} mm"
