"""Is a plan record what its scan gives: recompute and compare."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from canalfit.case import PlanRequest, make_plan, options_of
from dicom_io import read_series
from sizing.errors import RecordError
from sizing.implants import load_catalogue
from sizing.record import (
    Difference,
    InputManifest,
    differences,
    manifest_from_record,
    reamers_from_record,
    settings_from_record,
)

# What may differ although the plan is the same: versions, and the names of the files.
NOT_COMPARED = {"software", "sha256", "input", "input_sha256"}


def compare_with_scan(
    record: dict[str, Any], source: Path, catalogue_files: tuple[Path, ...] = (), mask: Path | None = None
) -> list[Difference]:
    """Plan again with the settings of a record and return every difference.

    Raises RecordError if scan or mask are not those that the record was made from.
    """
    manifest = manifest_from_record(record)
    request = PlanRequest(
        settings_from_record(record),
        record["plan"]["scan"]["series_uid"],
        options_of(manifest),
        mask=_same_mask(manifest, mask),
        mask_label=None if manifest.mask is None else str(manifest.mask.label),
        reamers=reamers_from_record(record),
    )
    read = read_series(source, series=request.series, options=request.reading)
    if {sha for _, sha, _ in read.manifest} != {f.sha256 for f in manifest.files}:
        raise RecordError(
            "CF-A005", "this is not the scan that the plan was made from", where=source.name,
            measured=f"{len(read.manifest)} files of other content", expected=f"the {len(manifest.files)} recorded",
        )  # fmt: skip
    _, again, _ = make_plan(read, load_catalogue(catalogue_files), request)
    return list(differences(_compared(record), _compared(again)))


def _same_mask(manifest: InputManifest, mask: Path | None) -> Path | None:
    if manifest.mask is None:
        return None
    if mask is None:
        raise RecordError(
            "CF-A005",
            "the plan was made with a mask",
            where=manifest.mask.path,
            advice="Give the same file with --mask",
        )
    if hashlib.sha256(mask.read_bytes()).hexdigest() != manifest.mask.sha256:
        raise RecordError("CF-A005", "this is not the mask that the plan was made with", where=mask.name)
    return mask


def _compared(record: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in record.items() if k not in NOT_COMPARED}
