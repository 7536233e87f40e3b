"""``canalfit cohort``: plan hundreds of scans unattended, and put the results of shares together."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canalfit import exit_codes

if TYPE_CHECKING:
    from canalfit.cohort.options import RunOptions, RunReport

EPILOG = """\
SOURCE is a folder tree, a table of cases (.csv with a column path), a DICOMDIR or a zip file.
RESULTS gets cases.csv, levels.csv, fits.csv, failures.csv, dictionary.csv, index.html, the answer for the shelf, and
a folder per case. Start the same command again at any time: finished cases are skipped.
  canalfit cohort scans/ --settings cohort.toml --out results/
  canalfit cohort scans/ --settings cohort.toml --out part3/ --shard 3/8     one share of eight, on any machine
  canalfit cohort merge --out results/ part1/ part2/ ...                     put shares together
Exit code: 0 all planned, 10 some scans failed or were refused (failures.csv), 2 the call cannot be meant.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "cohort",
        help="plan many scans unattended",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "places", metavar="SOURCE", nargs="+", type=Path, help="where the scans are; or: merge PART ..."
    )
    parser.add_argument("--out", metavar="RESULTS", type=Path, help="folder of results")
    parser.add_argument("--settings", metavar="TOML", type=Path, help="what is planned (docs/cohorts.md)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be planned and why not; write nothing")
    parser.add_argument("--workers", metavar="N", type=int, help="scans at a time (default: one per core it may use)")
    parser.add_argument("--timeout", metavar="S", type=float, default=600.0, help="for one scan (default 600 s)")
    parser.add_argument("--memory", metavar="MB", type=float, default=4096.0, help="for one scan (default 4096)")
    parser.add_argument("--shard", metavar="I/N", type=_shard, help="only the I-th of N shares; then merge")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="run on a dask cluster: tcp://host:8786")
    parser.add_argument("--retry-failed", action="store_true", help="try again what crashed or ran into a limit")
    parser.add_argument("--parquet", action="store_true", help="tables as Parquet, too (needs canalfit[cohort])")
    parser.add_argument("--key-file", metavar="CSV", type=Path, help="write which case is which path, outside RESULTS")
    return parser


def _shard(text: str) -> tuple[int, int]:
    i, _, n = text.partition("/")
    if not (i.isdigit() and n.isdigit() and 1 <= int(i) <= int(n)):
        raise argparse.ArgumentTypeError(f"a share is I/N with I from 1 to N, not {text}")
    return int(i), int(n)


def run(args: argparse.Namespace) -> int:
    """Run a cohort, look at it, or merge shares."""
    from sizing.errors import UsageError

    if str(args.places[0]) == "merge":
        return _merge(args)
    if len(args.places) > 1:
        raise UsageError("one SOURCE at a time; several places go into a table of cases (.csv)")
    from canalfit.cohort.run import run_cohort
    from canalfit.cohort.settings import load_settings

    settings, options = load_settings(args.settings), _options(args)
    if args.dry_run:
        return _look(args, settings, options)
    if args.out is None:
        raise UsageError("say where the results go: --out RESULTS")
    report = run_cohort(args.places[0], args.out, settings, options, lambda n: _progress(args.console, n))
    _say(args, report)
    return exit_codes.OK if report.clean else exit_codes.FINDINGS


def _options(args: argparse.Namespace) -> RunOptions:
    from canalfit.cohort.answer import Limits
    from canalfit.cohort.options import RunOptions
    from sizing.errors import UsageError
    from sizing.threads import cores

    workers = args.workers if args.workers is not None else cores()
    if workers < 1 or args.timeout <= 0 or args.memory <= 0:
        raise UsageError("--workers, --timeout and --memory must be above zero")
    return RunOptions(
        workers, Limits(args.timeout, args.memory), args.scheduler, args.shard, args.retry_failed, args.parquet,
        args.key_file,
    )  # fmt: skip


def _look(args: argparse.Namespace, settings: Any, options: RunOptions) -> int:
    from canalfit.cohort.look import look_at

    seen = sorted(look_at(args.places[0], settings, options))
    if args.json:
        args.console.json([{"place": p, "would_plan": what, "problem": why} for p, what, why in seen])
    else:
        for place, what, why in seen:
            args.console.data(f"{place}: {what}" if not why else f"{place}: NOT: {why}")
    return exit_codes.FINDINGS if any(why for *_, why in seen) else exit_codes.OK


def _merge(args: argparse.Namespace) -> int:
    from canalfit.cohort.merge import merge
    from canalfit.cohort.settings import load_settings
    from sizing.errors import UsageError

    if args.out is None:
        raise UsageError("say where the merged results go: --out RESULTS")
    n, failed = merge(args.out, args.places[1:], load_settings(args.settings), parquet=args.parquet)
    args.console.say(f"{n} cases in {args.out}/, {failed} of them with failures")
    return exit_codes.FINDINGS if failed else exit_codes.OK


def _say(args: argparse.Namespace, report: RunReport) -> None:
    from canalfit.cohort.answer import UNWRITTEN

    say = args.console.say
    for (place, code, sentence), n in sorted(Counter(report.failures).items()):
        if code != UNWRITTEN:  # said once, below
            say(f"  {place}: {sentence}" + (f" ({n} rows)" if n > 1 else ""))
    counts = {
        "planned": report.planned, "refused": report.refused, "failed": report.failed,
        "finished before": report.skipped, "recognised by content": report.recognised,
        "twice in the source": report.duplicates, "left for the next run": report.unplanned,
    }  # fmt: skip
    say(f"{report.units} scans: " + (", ".join(f"{n} {words}" for words, n in counts.items() if n) or "nothing to do"))
    if report.changed:
        say(f"{report.changed} of them were done again, because scan or settings changed")
    _say_no_room(say, report)
    if report.left_out:
        say(f"{report.left_out} cases of earlier runs are not in this source: kept in cases/, not in the tables")
    if report.skipped_failed:
        say(f"{report.skipped_failed} of those finished before hold refusals or failures: see failures.csv; "
            "--retry-failed tries crashes again")  # fmt: skip
    if args.json:
        args.console.json(report.plain())


def _say_no_room(say: Callable[[str], None], report: RunReport) -> None:
    """Say once what a full disk cost: each scan that it cost would say the same."""
    if not report.no_room:
        return
    say(report.no_room)
    if report.unsaved:
        say(f"  {report.unsaved} of them could not be written: failures.csv names those for which a row found room")
    if report.unplanned:
        say(f"  {report.unplanned} were left for the next run, as nothing more could be written")
    if report.no_tables:
        say("  there was no room for the tables: the next run makes them of the finished cases")


@contextmanager
def _progress(console: Any, total: int):  # type: ignore[no-untyped-def]
    """Show a bar with the time left, where a person is watching."""
    if not console.live:
        yield lambda *_: None
        return
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=RichConsole(stderr=True, no_color=not console.colour)) as bar:
        task = bar.add_task("", total=total)
        yield lambda done, of, failed: bar.update(
            task, completed=done, total=of, description=f"{failed} failures" if failed else ""
        )
