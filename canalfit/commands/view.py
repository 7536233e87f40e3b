"""``canalfit view``: the planner in the browser, or a plain 3-D window."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canalfit import exit_codes
from canalfit.commands.plan import add_plan_options, add_read_options

if TYPE_CHECKING:
    from canalfit.viewing import Opened

EPILOG = """\
The planner runs on this machine only (127.0.0.1), with a key that is new for each run; nothing is
sent anywhere. Saving writes a new plan folder beside the one that was opened. Stop with Ctrl+C.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "view",
        help="open a plan (or a CT series) in the planner",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="PLAN|SERIES", type=Path, help="plan folder, or folder with a CT series")
    parser.add_argument("--scan", metavar="SERIES", type=Path, help="the scan of a plan folder")
    parser.add_argument("--series", metavar="UID", help="which series, where the folder holds several")
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    parser.add_argument("--window", action="store_true", help="a plain 3-D window instead of the browser")
    parser.add_argument("--no-browser", action="store_true", help="only say the address")
    add_plan_options(parser)
    add_read_options(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Open, serve until stopped."""
    from concurrent.futures import ThreadPoolExecutor

    from viewer.render import opengl_works

    opengl = ThreadPoolExecutor(1).submit(opengl_works)  # a child process looks while the plan is read
    with args.console.step("opening"):
        opened = _opened(args)
    if opened.note:
        args.console.say(opened.note)
    if args.window:
        from viewer.window import open_window

        open_window(opened.plan)
        return exit_codes.OK
    _serve(args, opened, opengl.result)
    return exit_codes.OK


def _opened(args: argparse.Namespace) -> Opened:
    from canalfit.commands.plan import request_from
    from canalfit.viewing import open_plan, open_series

    if args.source.is_file() or (args.source / "plan.json").is_file():
        return open_plan(args.source, args.scan, tuple(args.catalogue))
    args.force = False
    return open_series(args.source, request_from(args))


def _serve(args: argparse.Namespace, opened: Opened, opengl: Callable[[], tuple[bool, str]]) -> None:
    from viewer.app.journal import Journal
    from viewer.app.planner import Services
    from viewer.app.server import run as serve
    from viewer.app.session import Session

    journal = opened.home.with_name(f".{opened.home.name}.planner.json")
    session = Session(opened.plan, opened.catalogue, opened.replan, parent_plan_sha256=opened.sha256)
    services = Services(opened.save, Journal(journal), opened.note, opengl)

    def ready(url: str) -> None:
        args.console.data(url)
        args.console.say("The planner is ready. Open the address above in a browser of this machine; Ctrl+C ends it.")
        works, sentence = services.opengl()
        if not works:
            args.console.say(f"No 3-D picture: {sentence}. Everything else works.")
        if not args.no_browser and not _open_browser(url):
            args.console.say("No browser could be opened from here: copy the address into one.")

    serve(session, opened.volume, services, port=args.port, ready=ready)


def _open_browser(url: str) -> Any:
    import webbrowser

    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
