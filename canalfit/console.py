"""Where output goes: data to stdout, words to stderr, progress only where a person is watching."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sizing.findings import Finding, Level, by_importance

_COLOUR = {Level.CRITICAL: "31;1", Level.WARNING: "33", Level.INFO: "2"}


class Console:
    """The two streams of one run.

    Parameters
    ----------
    quiet : bool
        Say nothing on stderr but errors.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.live = sys.stderr.isatty() and not quiet
        self.colour = self.live and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def data(self, text: str) -> None:
        """Write one block of data to stdout."""
        sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def json(self, value: Mapping[str, Any] | list) -> None:
        """Write data to stdout as JSON; NaN is not JSON and is refused here."""
        self.data(json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False))

    def say(self, text: str) -> None:
        """Write words for a person to stderr."""
        if not self.quiet:
            print(text, file=sys.stderr)

    def error(self, text: str) -> None:
        """Write an error to stderr, also when quiet."""
        print(self._paint(f"canalfit: {text}", "31;1"), file=sys.stderr)

    def findings(self, findings: Iterable[Finding]) -> None:
        """Say each finding, most important first."""
        for f in by_importance(findings):
            self.say(self._paint(f"  {f.level.value:8s} {finding_text(f)}", _COLOUR[f.level]))

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        """Show a spinner while a long step runs; silent where no terminal is."""
        if not self.live:
            yield
            return
        from rich.console import Console as RichConsole  # 40 ms, only for a person who watches

        with RichConsole(stderr=True, no_color=not self.colour).status(words):
            yield

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text


def finding_text(finding: Finding) -> str:
    """Return a finding in one line: code, what, where, what to do."""
    place = [] if finding.depth_mm is None else [f"{finding.depth_mm:.0f} mm above the cut"]
    place += [finding.direction] if finding.direction else []
    where = f" [{', '.join(place)}]" if place else ""
    advice = f" {_sentence(finding.advice)}" if finding.advice else ""
    return f"{finding.code}: {_sentence(finding.message.removesuffix('.') + where)}{advice}"


def _sentence(text: str) -> str:
    if "." not in text.split(" ", 1)[0]:  # a file's name stays as it is
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
