"""How a cohort is run, and what a run says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

from canalfit.cohort.answer import Limits


@dataclass(frozen=True)
class RunOptions:
    """How a cohort is run; none of it changes a result.

    Attributes
    ----------
    shard : (int, int) or None
        Do the i-th of n shares, counted from 1; the tables are then made by ``merge``.
    retry_failed : bool
        Try again what ran into a limit or crashed.
    """

    workers: int = 2
    limits: Limits = field(default_factory=Limits)
    scheduler: str | None = None
    shard: tuple[int, int] | None = None
    retry_failed: bool = False
    parquet: bool = False
    key_file: Path | None = None


@dataclass
class RunReport:
    """What a run did, in numbers of scans.

    Every scan is one of: skipped, recognised, planned, refused, failed, duplicate, left for the next run.
    """

    units: int = 0
    skipped: int = 0  # finished before
    recognised: int = 0  # same content in other files, or at another time
    planned: int = 0  # at least one of its rows
    refused: int = 0  # no row, and trying again would give the same
    failed: int = 0  # crash, timeout, memory, or a mistake of ours
    changed: int = 0  # of the last three: done again, because scan or settings differ
    duplicates: int = 0
    unsaved: int = 0  # of those planned, refused or failed: could not be written as a whole
    unplanned: int = 0  # left for the next run: nothing could be written
    no_tables: bool = False  # there was no room for them
    no_room: str = ""  # the sentence that says why something could not be written
    left_out: int = 0  # finished earlier, no longer in the source
    skipped_failed: int = 0  # of those skipped, how many hold failures
    failures: list[tuple[str, str, str]] = field(default_factory=list)  # place, code, sentence

    @property
    def clean(self) -> bool:
        """Nothing that a person should look at."""
        return not (self.failures or self.skipped_failed or self.no_room)

    def plain(self) -> dict[str, object]:
        """Return it as plain data; places of failures are left out, they may name a patient."""
        counts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "failures"}
        return counts | {"failures": [{"code": code, "sentence": words} for _, code, words in sorted(self.failures)]}
