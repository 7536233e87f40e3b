"""``canalfit verify``: make a plan again from its scan, and compare; is a specification what was written."""

from __future__ import annotations

import argparse
from pathlib import Path

from canalfit import exit_codes


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser("verify", help="make a plan again from its scan and compare every number")
    parser.add_argument(
        "plan",
        metavar="PLAN.JSON",
        type=Path,
        help="the record to check; or RESULTS of a cohort; or the folder of a specification",
    )
    parser.add_argument(
        "--series", metavar="DIR", dest="source", type=Path, help="the scan it was made from; of a cohort its SOURCE"
    )
    parser.add_argument("--sample", metavar="N", type=int, default=5, help="of a cohort: scans planned again (5)")
    parser.add_argument("--seed", type=int, default=1, help="of a cohort: which sample is drawn")
    parser.add_argument("--catalogue", metavar="FILE", type=Path, action="append", default=[],
                        help="own implants it was made with (TOML); may be repeated")  # fmt: skip
    parser.add_argument("--mask", metavar="FILE", type=Path, help="the mask it was made with, if there was one")
    return parser


def run(args: argparse.Namespace) -> int:
    """Exit code 0: the same; 10: something differs; 3: not a plan, changed, or not its scan."""
    from canalfit.cohort.verify import is_cohort
    from canalfit.folder import SPECIFICATION_FOLDER
    from canalfit.verify import compare_with_scan
    from sizing.record import read_record

    if is_cohort(args.plan):
        return _cohort(args)
    if SPECIFICATION_FOLDER.master in (args.plan.name, *(p.name for p in _inside(args.plan))):
        return _specification(args)
    record = read_record(args.plan)
    args.console.say(f"{args.plan}: whole and unchanged (SHA-256 {record['sha256'][:16]}…)")
    if args.source is None:
        args.console.say("Give --series DIR to make it again from the scan.")
        differences = None
    else:
        with args.console.step("planning again"):
            differences = compare_with_scan(record, args.source, tuple(args.catalogue), args.mask)
        for d in differences:
            args.console.say(f"  {d.where}: {d.recorded} recorded, {d.again} now")
        args.console.say("Every number is the same." if not differences else f"{len(differences)} differences.")
    if args.json:
        args.console.json({
            "sha256": record["sha256"],
            "differences": None if differences is None else [d._asdict() for d in differences],
        })  # fmt: skip
    return exit_codes.FINDINGS if differences else exit_codes.OK


def _inside(path: Path) -> list[Path]:
    return list(path.iterdir()) if path.is_dir() else []


def _specification(args: argparse.Namespace) -> int:
    """Check a specification folder against its own hashes."""
    from canalfit.custom_case import check_specification

    record, wrong = check_specification(args.plan)
    for words in wrong:
        args.console.say(f"  {words}")
    if not wrong:
        args.console.say(
            f"{args.plan}: {record['specification_id']} version {record['version']} is whole and unchanged "
            f"(SHA-256 {record['sha256'][:16]}…), its tables and solids, too."
        )
    if args.json:
        args.console.json({"sha256": record["sha256"], "differences": wrong})
    return exit_codes.FINDINGS if wrong else exit_codes.OK


def _cohort(args: argparse.Namespace) -> int:
    """Check the files of a cohort, and plan a sample of its scans again."""
    from canalfit.cohort.verify import verify_cohort

    with args.console.step("comparing"):
        check = verify_cohort(args.plan, args.source, args.sample, args.seed)
    for name in check.differences:
        args.console.say(f"  {name}: not what was written")
    same = "are what was written" if not check.differences else f"hold {len(check.differences)} differences"
    args.console.say(f"{args.plan}: tables and {check.n_cases} cases {same}.")
    if args.source is None:
        args.console.say("Give --series SOURCE to plan a random sample of the scans again.")
    else:
        args.console.say(
            f"{len(check.recomputed)} scans were planned again: {', '.join(check.recomputed) or 'none known'}"
        )
    if args.json:
        args.console.json({
            "cases": check.n_cases, "planned_again": list(check.recomputed), "differences": list(check.differences),
        })  # fmt: skip
    return exit_codes.FINDINGS if check.differences else exit_codes.OK
