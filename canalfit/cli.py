"""The command line: finds the sub-command, runs it, and turns what happens into an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from canalfit import __version__, exit_codes
from canalfit.commands import COMMANDS
from canalfit.console import Console
from sizing.errors import CanalfitError
from sizing.intended_use import RESEARCH_USE

DESCRIPTION = "Plans the fitting of a bone-anchored limb prosthesis from CT. " + RESEARCH_USE


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with every sub-command in it."""
    parser = argparse.ArgumentParser(prog="canalfit", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"canalfit {__version__}. {RESEARCH_USE}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"canalfit.commands.{name}")
        sub: argparse.ArgumentParser = module.add_parser(subparsers)
        sub.description = sub.description or _what(module)
        sub.add_argument("--json", action="store_true", help="write the result to stdout as JSON")
        sub.add_argument("--quiet", action="store_true", help="no words on stderr but errors")
        sub.set_defaults(run=module.run)
    return parser


def _what(module: ModuleType) -> str:
    """Return what a command does, from the first line of its module: ``canalfit name``: what it does."""
    text = (module.__doc__ or "").splitlines()[0].partition(": ")[2]
    return text[:1].upper() + text[1:]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; raises SystemExit only for usage and ``--help``."""
    _one_thread_for_linear_algebra()
    args = _parsed(argv)
    args.console = Console(quiet=args.quiet)
    try:
        return args.run(args)
    except CanalfitError as error:
        args.console.error(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        args.console.error("stopped")
        return exit_codes.INTERRUPTED
    except BrokenPipeError:  # the reader of our stdout went away, for example `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.OK
    except OSError as error:  # a file that the user named: absent, forbidden, or no room left
        if os.environ.get("CANALFIT_TRACEBACK"):
            raise
        args.console.error(f"{error.filename or 'writing failed'}: {error.strerror or error}")
        return exit_codes.USAGE
    except Exception as error:
        return _internal(error, args.console)


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse; a list of places may stand behind options, too, which argparse alone takes for a mistake."""
    parser = build_parser()
    args, rest = parser.parse_known_args(argv)
    if rest and (not hasattr(args, "places") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        args.places += map(Path, rest)
    return args


def _one_thread_for_linear_algebra() -> None:
    """Sums are split otherwise with another number of threads, and the last digits change with it.

    Must run before NumPy is loaded. Our matrices are small: threads would cost more than they give.
    """
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def _internal(error: Exception, console: Console) -> int:
    if os.environ.get("CANALFIT_TRACEBACK"):
        raise error
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}" if place else "unknown place"
    text = " ".join(str(error).split())
    console.error(
        f"internal error, our fault: {type(error).__name__}: {text} ({where}, version {__version__}). "
        "Please report this line to the project's issue tracker; CANALFIT_TRACEBACK=1 shows more."
    )
    return exit_codes.INTERNAL
