"""One run over a cohort: what is new is planned, what is finished stays, and the tables are made of all of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from canalfit import exit_codes
from canalfit.cohort.answer import DUPLICATE, UNWRITTEN, WHOLE_SCAN, Answer, Job
from canalfit.cohort.cases import Unit, find_units, shard_of
from canalfit.cohort.engine import engine, work
from canalfit.cohort.key import check_key, write_key
from canalfit.cohort.options import RunOptions, RunReport
from canalfit.cohort.parquet import require_parquet
from canalfit.cohort.settings import CohortSettings
from canalfit.cohort.store import Marker, Store, is_full
from canalfit.cohort.summary import write_summary
from canalfit.cohort.task import catalogue_of, refusal, request_sha256, run_job, stand_in
from sizing.errors import InputError

# So many answers in a row that cannot be written: the disk is full, and planning more would be for nothing.
MOST_UNSAVED = 3
# From then on a scan is left for the next run each time that so many seconds later there is still no room.
PAUSE_SECONDS = 1.0

Told = Callable[[int, int, int], None]  # done, of, failed


def run_cohort(
    source: Path,
    out: Path,
    settings: CohortSettings | None = None,
    options: RunOptions | None = None,
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
    options : RunOptions, optional
        How it is run.
    told : callable, optional
        Gives a context in which progress is shown, for the number of units.

    Raises
    ------
    UsageError
        Source, settings, folder or scheduler cannot be used.
    InputError
        CF-A028: there can be no folder of results. A disk that is, or becomes, full is no error: the report says so.
    """
    settings, options = settings or CohortSettings(), options or RunOptions()
    if options.parquet:
        require_parquet()
    store = Store(out)
    check_key(options.key_file, store)
    units = shard_of(find_units(source), options.shard)
    run = _Run(settings, store, units, options)
    share = "" if options.shard is None else "-{}-of-{}".format(*options.shard)
    try:
        with store.lock(share):
            run.sift()
            show = told(len(units)) if told and run.jobs else nullcontext(lambda *_: None)
            with show as tell:
                run.work(tell)
            run.sum_up()
    except InputError as error:
        if not is_full(error):
            raise
        run.found_no_folder(error)
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
        self.asked = {unit.signature: request_sha256(self._job(unit)) for unit in units}
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
        wanted = self.asked[job.unit.signature]
        return bool(markers) and len(markers) == markers[0].parts and all(
            m.request_sha256 == wanted
            and (m.final or not self.options.retry_failed)
            and not any(code == UNWRITTEN for code, _ in m.failed)
            and self.store.is_whole(m)
            for m in markers
        )  # fmt: skip

    def _keep_groups(self, markers: list[Marker], unit: Unit) -> None:
        for marker in markers:
            if marker.groups != unit.groups:
                self._update(replace(marker, groups=unit.groups))

    def _update(self, marker: Marker) -> None:
        """Take a changed marker; where it cannot be written the next run makes the same change."""
        self.markers[marker.case] = marker
        with suppress(InputError):
            self.store.update(marker)

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
            self._update(replace(earlier, signature=job.unit.signature, groups=job.unit.groups))
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
        """Keep an answer; where it finds no room, at least a row that says so."""
        parts, request = self.parts.get(job.unit.signature, 1), self.asked[job.unit.signature]
        try:
            self.markers[answer.case] = self.store.put(job.unit, answer, request, parts)
        except InputError as error:
            self.unsaved += 1
            self.report.unsaved += 1
            self.report.no_room = str(error)
            self.report.failures.append((job.unit.name, UNWRITTEN, str(error)))
            failure = (UNWRITTEN, f"{UNWRITTEN}: {error.what}. {error.advice}")
            row = refusal(answer.case, answer.patient, failure, WHOLE_SCAN, exit_codes.REFUSED)
            with suppress(InputError):
                self.markers[answer.case] = self.store.put(job.unit, row, request, parts)
            if self.unsaved >= MOST_UNSAVED:
                self._wait_for_room(answer)
        else:
            self.unsaved = 0
            self._drop_stand_in(job.unit, answer.case)

    def _drop_stand_in(self, unit: Unit, case: str) -> None:
        """A scan that could not be read at another attempt has a name now."""
        name = stand_in(unit)
        if name != case and self.markers.pop(name, None) is not None:
            self.store.drop(name)

    def _wait_for_room(self, answer: Answer) -> None:
        """While there is no room for such an answer, leave scans for the next run, one after each pause."""
        while self.jobs and not self.store.has_room(answer):
            self.jobs.popleft()
            self.report.unplanned += 1
            time.sleep(PAUSE_SECONDS)

    def found_no_folder(self, error: InputError) -> None:
        """Nothing can be kept from the start: every scan is left for the next run."""
        self.report.unplanned, self.report.no_tables, self.report.no_room = len(self.units), True, str(error)

    def sum_up(self) -> None:
        """Write the tables, and the key if it is asked for."""
        if self.options.shard is None:
            try:
                write_summary(
                    self.store, self._in_tables(), self.settings, self.catalogue, parquet=self.options.parquet
                )
            except InputError as error:
                self.report.no_tables, self.report.no_room = True, str(error)
        if self.options.key_file is not None:
            write_key(self.options.key_file, self._in_tables(), self.units)

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

    def _in_tables(self) -> list[Marker]:
        """Return the finished cases of this source, in the order of their names; none made with other settings."""
        if self.options.shard is not None:
            return []
        here = [m for _, m in sorted(self.markers.items()) if self.asked.get(m.signature) == m.request_sha256]
        self.report.left_out = sum(m.signature not in self.order for m in self.markers.values())
        return here
