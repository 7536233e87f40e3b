"""One run over a cohort: what is new is planned, what is finished stays, and the tables are made of all of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import canalfit.cohort.store as kept
from canalfit.cohort.answer import DUPLICATE, WHOLE_SCAN, Answer, Job, Limits
from canalfit.cohort.cases import Unit, find_units, shard_of
from canalfit.cohort.engine import engine, work
from canalfit.cohort.parquet import require_parquet
from canalfit.cohort.settings import CohortSettings
from canalfit.cohort.store import Marker, Store
from canalfit.cohort.summary import write_summary
from canalfit.cohort.task import catalogue_of, refusal, request_sha256, run_job
from sizing.errors import InputError

# So many answers in a row that cannot be written: the disk stays full, and planning goes on for nothing.
MOST_UNSAVED = 3

Told = Callable[[int, int, int], None]  # done, of, failed


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

    Every scan is one of: skipped, recognised, planned, refused, failed, duplicate.
    """

    units: int = 0
    skipped: int = 0  # finished before
    recognised: int = 0  # same content in other files, or at another time
    planned: int = 0  # at least one of its rows
    refused: int = 0  # no row, and trying again would give the same
    failed: int = 0  # crash, timeout, memory, or a mistake of ours
    changed: int = 0  # of the last three: done again, because scan or settings differ
    duplicates: int = 0
    unsaved: int = 0  # of those planned, refused or failed: could not be written
    left_out: int = 0  # finished earlier, no longer in the source
    skipped_failed: int = 0  # of those skipped, how many hold failures
    failures: list[tuple[str, str, str]] = field(default_factory=list)  # place, code, sentence

    def plain(self) -> dict[str, object]:
        """Return it as plain data; places of failures are left out, they may name a patient."""
        counts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "failures"}
        return counts | {"failures": [{"code": code, "sentence": words} for _, code, words in sorted(self.failures)]}


def run_cohort(
    source: Path,
    out: Path,
    settings: CohortSettings | None = None,
    options: RunOptions = RunOptions(),
    told: Callable[[int], AbstractContextManager[Told]] | None = None,
) -> RunReport:
    """Plan every scan of a source that is not finished, and write the tables.

    Parameters
    ----------
    source : Path
        Folder tree, table of cases (.csv), DICOMDIR or zip file.
    out : Path
        Folder of results; earlier results in it are kept and skipped.
    settings : CohortSettings, optional
        What is planned; the defaults plan every bone as it is in the scan.
    options : RunOptions
        How it is run.
    told : callable, optional
        Gives a context in which progress is shown, for the number of units.

    Raises
    ------
    UsageError
        Source, settings, folder or scheduler cannot be used.
    InputError
        CF-A028: the results cannot be written.
    """
    settings = settings or CohortSettings()
    if options.parquet:
        require_parquet()
    store = Store(out)
    units = shard_of(find_units(source), options.shard)
    run = _Run(settings, store, units, options)
    share = "" if options.shard is None else "-{}-of-{}".format(*options.shard)
    with store.lock(share):
        run.sift()
        show = told(len(units)) if told and run.jobs else nullcontext(lambda *_: None)
        with show as tell:
            run.work(tell)
        if options.shard is None:
            write_summary(store, run.in_tables(), settings, run.catalogue, parquet=options.parquet)
        if options.key_file is not None:
            write_key(options.key_file, store, run.in_tables(), units)
    return run.report


class _Run:
    """The state of one run."""

    def __init__(self, settings: CohortSettings, store: Store, units: list[Unit], options: RunOptions) -> None:
        self.settings, self.store, self.units, self.options = settings, store, units, options
        self.catalogue = catalogue_of(settings)
        self.report = RunReport(units=len(units))
        self.jobs: deque[Job] = deque()
        self.markers = store.markers()
        self.order = {unit.signature: i for i, unit in enumerate(units)}
        self.unsaved = 0  # in a row
        self.parts: dict[str, int] = {}  # unit's signature -> cases it holds, where it was split

    def sift(self) -> None:
        """Make a job of every unit that is not finished."""
        by_signature: dict[str, list[Marker]] = {}
        for marker in self.markers.values():
            by_signature.setdefault(marker.signature, []).append(marker)
        for unit in self.units:
            job = self._job(unit)
            if self._finished(by_signature.get(unit.signature, []), job):
                self.report.skipped += 1
                self.report.skipped_failed += any(m.failed for m in by_signature[unit.signature])
                self._keep_groups(by_signature[unit.signature], unit)
            else:
                self.jobs.append(job)
        # Finished cases whose files are not those of any unit: the scan may have been moved or copied.
        strays = [m for m in self.markers.values() if m.signature not in self.order and m.input_sha256]
        if strays:
            requests: dict[str, set[str]] = {}
            for m in strays:
                requests.setdefault(m.request_sha256, set()).add(m.input_sha256)
            self.jobs = deque(replace(job, known=frozenset(requests.get(request_sha256(job), ()))) for job in self.jobs)

    def _job(self, unit: Unit) -> Job:
        question = self.settings.question_for(unit.groups, unit.own)
        return Job(unit, question, self.settings, self.catalogue.sha256)

    def _finished(self, markers: list[Marker], job: Job) -> bool:
        wanted = request_sha256(job)
        return bool(markers) and len(markers) == markers[0].parts and all(
            m.request_sha256 == wanted
            and (m.final or not self.options.retry_failed)
            and self.store.is_whole(m)
            for m in markers
        )  # fmt: skip

    def _keep_groups(self, markers: list[Marker], unit: Unit) -> None:
        for marker in markers:
            if marker.groups != unit.groups:
                self.markers[marker.case] = self.store.update(marker, groups=unit.groups)

    def work(self, tell: Told) -> None:
        """Run the jobs and keep every answer as it comes."""
        done, of = self.report.skipped, len(self.units)
        if not self.jobs:
            return
        with engine(self.options.workers, self.options.scheduler) as here:
            for job, answer in work(here, self.jobs, run_job, self.options.limits):
                if answer.parts:
                    self.parts[job.unit.signature] = len(answer.parts)
                    of += len(answer.parts) - 1
                    self.jobs.extendleft(replace(job, unit=replace(job.unit, found=p)) for p in answer.parts)
                    continue
                self._take(job, answer)
                done += 1
                tell(done, of, len(self.report.failures))

    def _take(self, job: Job, answer: Answer) -> None:
        earlier = self.markers.get(answer.case)
        if answer.same_as_known and earlier is not None:
            self.report.recognised += 1
            changes = {"signature": job.unit.signature, "groups": job.unit.groups}
            self.markers[answer.case] = self.store.update(earlier, **changes)
            return
        place = job.unit.name
        self.report.failures += [(place, code, sentence) for code, sentence in answer.failed]
        if earlier is not None and earlier.signature != job.unit.signature and earlier.signature in self.order:
            self._take_duplicate(job, answer, earlier)
            return
        setattr(self.report, answer.outcome, getattr(self.report, answer.outcome) + 1)
        if earlier is not None:
            self.report.changed += 1
        self._put(job, answer)

    def _put(self, job: Job, answer: Answer) -> None:
        """Keep an answer; a disk that fails now and then costs that scan only, one that stays full ends the run."""
        parts = self.parts.get(job.unit.signature, 1)
        try:
            self.markers[answer.case] = self.store.put(job.unit, answer, request_sha256(job), parts)
        except InputError as error:
            self.unsaved += 1
            if self.unsaved >= MOST_UNSAVED:
                raise
            self.report.failures.append((job.unit.name, error.code, str(error)))
            self.report.unsaved += 1
        else:
            self.unsaved = 0

    def _take_duplicate(self, job: Job, answer: Answer, earlier: Marker) -> None:
        """Two places hold the same scan: the first in order keeps the case, whichever was done first."""
        self.report.duplicates += 1
        other = self.units[self.order[earlier.signature]]
        first_is_ours = self.order[job.unit.signature] < self.order[earlier.signature]
        loser = other if first_is_ours else job.unit
        if first_is_ours:
            self._put(job, answer)
        sentence = f"{DUPLICATE}: the same scan as case {answer.case}, counted once. Take one of them out."
        again = refusal(f"{answer.case}-copy-{loser.label}", answer.patient, (DUPLICATE, sentence), WHOLE_SCAN, 3)
        self._put(self._job(loser), again)
        self.report.failures.append((loser.name, DUPLICATE, sentence))

    def in_tables(self) -> list[Marker]:
        """Return the finished cases of this source, in the order of their names."""
        if self.options.shard is not None:
            return []
        here = [m for _, m in sorted(self.markers.items()) if m.signature in self.order]
        self.report.left_out = len(self.markers) - len(here)
        return here


def look_at(source: Path, settings: CohortSettings, options: RunOptions) -> Iterator[tuple[str, str, str]]:
    """Yield place, what would be planned, and why not, for every scan; nothing is written."""
    catalogue = catalogue_of(settings)
    jobs: deque[Job] = deque()
    for unit in shard_of(find_units(source), options.shard):
        question = settings.question_for(unit.groups, unit.own)
        jobs.append(Job(unit, question, settings, catalogue.sha256, look_only=True))
    with engine(options.workers, options.scheduler) as here:
        for job, answer in work(here, jobs, run_job, options.limits):
            if answer.parts:
                jobs.extendleft(replace(job, unit=replace(job.unit, found=p)) for p in answer.parts)
                continue
            yield job.unit.name, answer.description, "; ".join(sentence for _, sentence in answer.failed)


def write_key(path: Path, store: Store, markers: list[Marker], units: list[Unit]) -> None:
    """Write which case is which place of the source; the file is for its owner only."""
    import os

    from canalfit.tables import csv_text
    from sizing.errors import UsageError

    if store.folder.resolve() in Path(path).resolve().parents:
        raise UsageError("the key file must not lie in the folder of results, which is made to be passed on")
    names = {unit.signature: str(unit.path) for unit in units}
    rows = [[m.case, m.patient, names[m.signature]] for m in markers]
    with kept.writing(path), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(csv_text(["case", "patient", "path"], rows))
