"""Are the results of a cohort what they were, and what its scans give."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from canalfit.cohort.answer import Job
from canalfit.cohort.cases import find_units
from canalfit.cohort.engine import engine, work
from canalfit.cohort.options import RunOptions
from canalfit.cohort.settings import settings_from
from canalfit.cohort.store import MANIFEST, Marker, Store
from canalfit.cohort.summary import SCHEMA, read_manifest
from canalfit.cohort.task import catalogue_of, run_job
from sizing.errors import RecordError

SAMPLE = 5


@dataclass(frozen=True)
class CohortCheck:
    """What was compared, and every file that differs, by its place in the folder."""

    n_cases: int
    recomputed: tuple[str, ...]
    differences: tuple[str, ...]


def is_cohort(path: Path) -> bool:
    """Return True for the folder of a cohort, or its manifest."""
    folder = path.parent if path.name == MANIFEST else path
    return (folder / MANIFEST).is_file()


def verify_cohort(path: Path, source: Path | None, sample: int = SAMPLE, seed: int = 1) -> CohortCheck:
    """Compare tables and cases with their recorded hashes; with a source, plan a random sample again.

    Raises
    ------
    RecordError
        CF-A030: the manifest is not one, or was written by a version that this one does not know.
    """
    store = Store(path.parent if path.name == MANIFEST else path)
    manifest = read_manifest(store)
    if manifest.get("schema") != SCHEMA:
        raise RecordError("CF-A030", "this is not the manifest of a cohort that this version knows",
                          where=str(path), measured=str(manifest.get("schema")), expected=SCHEMA)  # fmt: skip
    markers = store.markers()
    wrong = [name for name, sha in manifest["tables_sha256"].items() if _sha256(store.folder / name) != sha]
    for marker in markers.values():
        of = store.cases / marker.case
        wrong += [f"cases/{marker.case}/{n}" for n, (_, sha) in marker.files.items() if _sha256(of / n) != sha]
    again: tuple[str, ...] = ()
    if source is not None:
        chosen, differing = _plan_again(store, markers, manifest, source, sample, seed)
        again, wrong = chosen, [*wrong, *differing]
    return CohortCheck(len(markers), again, tuple(sorted(set(wrong))))


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _plan_again(
    store: Store, markers: dict[str, Marker], manifest: dict, source: Path, sample: int, seed: int
) -> tuple[tuple[str, ...], list[str]]:
    settings = settings_from(manifest["settings"], str(source.resolve().parent))
    options = RunOptions(workers=1)
    by_signature = {m.signature: m for m in markers.values() if m.parts == 1 and m.input_sha256 and m.final}
    units = [u for u in find_units(source) if u.signature in by_signature]
    picked = np.random.default_rng(seed).permutation(len(units))[:sample]
    catalogue = catalogue_of(settings)
    jobs = deque(
        Job(u, settings.question_for(u.groups, u.own), settings, catalogue.sha256) for u in (units[i] for i in picked)
    )
    cases, wrong = [], []
    with engine(options.workers) as here:
        for job, answer in work(here, jobs, run_job, options.limits):
            marker = by_signature[job.unit.signature]
            cases.append(marker.case)
            for name in marker.files:
                data = answer.files.get(name)
                # Pictures and records hold last digits that differ between machines; the tables do not.
                if name.endswith(".csv") and (
                    data is None or hashlib.sha256(data).hexdigest() != marker.files[name][1]
                ):
                    wrong.append(f"cases/{marker.case}/{name} (planned again)")
    return tuple(sorted(cases)), wrong
