"""Is a plan record what its scan gives: recompute and compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from canalfit.case import PlanRequest, make_plan
from dicom_io import ReadOptions, read_series
from sizing.errors import RecordError
from sizing.implants import load_catalogue
from sizing.record import Difference, differences, manifest_from_record, settings_from_record

# What may differ although the plan is the same: versions, and the names of the files.
NOT_COMPARED = {"software", "sha256", "input", "input_sha256"}


def compare_with_scan(record: dict[str, Any], source: Path, catalogue_files: tuple[Path, ...]) -> list[Difference]:
    """Plan again with the settings of a record and return every difference.

    Raises RecordError if the scan is not the one that the record was made from.
    """
    manifest = manifest_from_record(record)
    given = {name: type(getattr(ReadOptions(), name))(value) for name, value in manifest.reading.items()}
    request = PlanRequest(settings_from_record(record), record["plan"]["scan"]["series_uid"], ReadOptions(**given))
    read = read_series(source, series=request.series, options=request.reading)
    if {sha for _, sha, _ in read.manifest} != {f.sha256 for f in manifest.files}:
        raise RecordError(
            "CF-A005", "this is not the scan that the plan was made from", where=source.name,
            measured=f"{len(read.manifest)} files of other content", expected=f"the {len(manifest.files)} recorded",
        )  # fmt: skip
    _, again, _ = make_plan(read, load_catalogue(catalogue_files), request)
    return list(differences(_compared(record), _compared(again)))


def _compared(record: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in record.items() if k not in NOT_COMPARED}
