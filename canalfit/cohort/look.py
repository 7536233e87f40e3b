"""What a cohort would plan, and why not: headers are read, nothing is planned or written."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from canalfit.cohort.answer import DUPLICATE, Answer, Job
from canalfit.cohort.cases import Unit, find_units, shard_of
from canalfit.cohort.engine import engine, work
from canalfit.cohort.options import RunOptions
from canalfit.cohort.settings import CohortSettings
from canalfit.cohort.task import catalogue_of, run_job


def look_at(source: Path, settings: CohortSettings, options: RunOptions) -> Iterator[tuple[str, str, str]]:
    """Yield place, what would be planned, and why not, for every scan; nothing is written."""
    catalogue = catalogue_of(settings)
    jobs: deque[Job] = deque()
    for unit in shard_of(find_units(source), options.shard):
        question = settings.question_for(unit.groups, unit.own)
        jobs.append(Job(unit, question, settings, catalogue.sha256, look_only=True))
    found: list[tuple[Unit, Answer]] = []
    with engine(options.workers, options.scheduler) as here:
        for job, answer in work(here, jobs, run_job, options.limits):
            if answer.parts:
                jobs.extendleft(replace(job, unit=replace(job.unit, found=p)) for p in answer.parts)
                continue
            found.append((job.unit, answer))
    first: dict[str, str] = {}
    for unit, answer in sorted(found, key=lambda pair: pair[0].name):
        why = "; ".join(sentence for _, sentence in answer.failed)
        before = first.setdefault(answer.case or unit.name, unit.name)
        if before != unit.name and not why:
            why = f"{DUPLICATE}: the same scan as {before}, counted once"
        yield unit.name, answer.description, why
