"""Shares of a cohort, made on any machines, put together into one folder of results."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from canalfit.cohort.parquet import require_parquet
from canalfit.cohort.settings import CohortSettings
from canalfit.cohort.store import Store, writing
from canalfit.cohort.summary import write_summary
from canalfit.cohort.task import catalogue_of
from sizing.errors import InputError, UsageError


def merge(out: Path, parts: Sequence[Path], settings: CohortSettings, *, parquet: bool = False) -> tuple[int, int]:
    """Copy the finished cases of the parts into ``out`` and write its tables; return cases and those with failures.

    Without parts, the tables are made of what ``out`` holds, as after shares that wrote into one folder.

    Raises
    ------
    UsageError
        A part is no folder of results.
    InputError
        CF-A029: two parts give the same case otherwise: made with other settings or another version.
    """
    if parquet:
        require_parquet()
    for part in parts:
        if not (Path(part) / "cases").is_dir():
            raise UsageError(f"{part} is not a folder of results: it holds no folder cases")
    store = Store(out)
    with store.lock():
        found = store.markers()
        for part in parts:
            for case, marker in Store(part).markers().items():
                if case not in found:
                    _copy(Path(part) / "cases" / case, store)
                    found[case] = marker
                elif found[case].files != marker.files:
                    raise _differs(case, str(part))
        write_summary(store, sorted(found.values(), key=lambda m: m.case), settings, catalogue_of(settings),
                      parquet=parquet)  # fmt: skip
    return len(found), sum(bool(m.failed) for m in found.values())


def _copy(source: Path, store: Store) -> None:
    with writing(store.folder):
        work = Path(tempfile.mkdtemp(prefix=".work-", dir=store.folder))
        try:
            shutil.copytree(source, work / source.name)
            (work / source.name).rename(store.cases / source.name)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _differs(case: str, part: str) -> InputError:
    return InputError(
        "CF-A029", f"case {case} was made otherwise in two shares", where=part,
        advice="Run all shares with the same version and settings, into empty folders",
    )  # fmt: skip
