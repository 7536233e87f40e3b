"""``canalfit phantom``: a residual limb that is known exactly, as a CT series with its truth beside it."""

from __future__ import annotations

import argparse
from pathlib import Path

from canalfit import exit_codes

EPILOG = """\
SPEC is a TOML or JSON file (docs/method/phantom.md; examples/phantoms holds some); without it the
default limb is drawn. OUT gets series/ (a CT series of one file per slice) and truth.json.
The same spec gives the same bytes.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "phantom",
        help="make a CT series of a limb whose truth is known",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("spec", metavar="SPEC", nargs="?", type=Path, help="what to draw; default: a femur")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; new or empty")
    parser.add_argument("--seed", type=int, help="another draw of the noise")
    return parser


def run(args: argparse.Namespace) -> int:
    """Write the series and its truth."""
    from dataclasses import replace

    from dicom_io import write_ct_series
    from sizing.errors import UsageError
    from sizing.phantom import PhantomSpec, make_phantom
    from sizing.phantom.files import load_spec, write_truth

    spec = PhantomSpec() if args.spec is None else load_spec(args.spec)
    if args.seed is not None:
        spec = replace(spec, seed=args.seed)
    if args.out.exists() and (not args.out.is_dir() or any(args.out.iterdir())):
        raise UsageError(f"{args.out} exists and is not an empty folder; name another with --out")
    with args.console.step("drawing"):
        volume, truth = make_phantom(spec)
    with args.console.step("writing"):
        args.out.mkdir(parents=True, exist_ok=True)
        files = write_ct_series(volume, args.out / "series", seed=f"{spec.name} {spec.seed}")
        write_truth(truth, args.out / "truth.json")
    told = {
        "name": spec.name,
        "series": str(args.out / "series"),
        "truth": str(args.out / "truth.json"),
        "slices": len(files),
        "shape": list(volume.geometry.shape),
        "isthmus_diameter_mm": _known(truth.isthmus_diameter_mm),
        "isthmus_depth_mm": _known(truth.isthmus_depth_mm),
    }
    if args.json:
        args.console.json(told)
    else:
        s, r, c = volume.geometry.shape
        args.console.data(f"{told['series']}: {s} slices of {r} x {c}; truth in {told['truth']}")
    return exit_codes.OK


def _known(value: float) -> float | None:
    return None if value != value else round(value, 4)
