"""``canalfit custom``: a custom stem for a plan, specified."""

from __future__ import annotations

import argparse
from pathlib import Path

from canalfit import exit_codes

EPILOG = """\
The folder OUT gets spec.json (the master), sections.csv, spec.pdf, spec.html, stem.stl, stem.3mf and, with the
extra [cad], stem.step. It is a specification for discussion, never a prescription.
Exit code: 0 fine, 10 fine with findings to look at, 2 settings that cannot be meant, 3 plan refused or no stem
can be made, 4 the custom stem does not serve.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "custom",
        help="design a custom stem for a plan and write its specification",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("plan", metavar="PLAN", type=Path, nargs="?", help="plan folder or plan.json")
    parser.add_argument("--out", type=Path, help="specification folder to write")
    parser.add_argument("--settings", metavar="FILE", type=Path, help="custom.toml; default: all defaults")
    parser.add_argument("--supersedes", metavar="SPEC", type=Path, help="specification that this one replaces")
    parser.add_argument("--step-schema", choices=("AP214", "AP242"), default="AP214")
    parser.add_argument("--force", action="store_true", help="write into a folder that holds other files, too")
    parser.add_argument("--print-settings", action="store_true", help="print a settings file with every default")
    return parser


def run(args: argparse.Namespace) -> int:
    """Design, write, and say what was found."""
    from canalfit.custom_case import CustomRequest, specify
    from sizing.errors import UsageError
    from sizing.implants.custom_settings import CustomSettings, load_custom_settings, settings_template

    if args.print_settings:
        args.console.data(settings_template())
        return exit_codes.OK
    if args.plan is None or args.out is None:
        raise UsageError("give a plan folder and --out, or --print-settings")
    settings = load_custom_settings(args.settings) if args.settings else CustomSettings()
    request = CustomRequest(settings, args.supersedes, args.step_schema, args.force)
    result = specify(args.plan, args.out, request, args.console.step)
    record, implant = result.record, result.custom.design.implant
    if args.json:
        args.console.json({"folder": args.out.name, "exit_code": result.exit_code} | {
            k: record[k] for k in ("specification_id", "version", "form", "wall", "solid", "insertion", "comparison")
        })  # fmt: skip
    say = args.console.say
    say(f"{record['specification_id']} version {record['version']}: {record['form']['section']} stem, "
        f"up to {implant.diameter_mm:.2f} x {implant.length_mm:g} mm")  # fmt: skip
    say(f"  {record['comparison']['verdict']}")
    if record["solid"]["step_volume_relative"] is None:
        say(f"  {record['solid']['step_note']}")
    args.console.findings(result.custom.findings)
    say(f"Specification folder: {args.out}/  (start with spec.pdf or spec.html)")
    return result.exit_code
