"""Opens plans for the planner, and saves what was changed there as new plan folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canalfit.case import PlanRequest, implants_for, library_versions, make_plan, options_of, write_plan
from canalfit.folder import whole_or_absent
from dicom_io import ReadResult, read_series
from sizing.errors import CanalfitError, RecordError, UsageError
from sizing.implants import Catalogue, load_catalogue
from sizing.planning import ImplantationPlan, PlanSettings, plan_case
from sizing.record import (
    InputManifest,
    manifest_from_record,
    plan_from_record,
    plan_record,
    provenance_of,
    read_record,
)
from sizing.volume import CtVolume

NO_SUCH_SERIES = "CF-D008a"  # of dicom_io
GIVE_SCAN = "Give the folder of the CT series with --scan to see it and to move the cut."


@dataclass(frozen=True)
class Opened:
    """A plan with what is at hand of its scan.

    Attributes
    ----------
    sha256 : str
        Hash of the plan's record: changed plans name it as their parent.
    volume : CtVolume or None
    note : str
        Why there is no scan; empty if there is one.
    home : Path
        Where new plan folders are written: beside the plan that was opened.
    """

    plan: ImplantationPlan
    sha256: str
    manifest: InputManifest
    catalogue: Catalogue
    volume: CtVolume | None
    note: str
    home: Path

    @property
    def replan(self) -> Callable[[PlanSettings], ImplantationPlan] | None:
        """Make a plan with other settings from the same scan; None without a scan, or where it took a mask."""
        volume = self.volume
        if volume is None or self.manifest.mask is not None:
            return None
        return lambda settings: plan_case(volume, self.catalogue, settings, self.plan.reamers)

    def save(self, plan: ImplantationPlan) -> Path:
        """Write a changed plan into a new folder beside its parent, and return where."""
        record, text = plan_record(plan, self.manifest, library_versions())
        target = free_name(self.home)
        with whole_or_absent(target) as folder:
            write_plan(plan, provenance_of(record), self.volume, folder)
            (folder / "plan.json").write_text(text, encoding="utf-8")
        return target


def open_plan(folder: Path, scan: Path | None, catalogue_files: tuple[Path, ...]) -> Opened:
    """Open a plan folder; the scan is shown only if it is the one the plan was made from.

    Raises
    ------
    RecordError
        Not a plan, changed, or of a schema that this version does not know.
    """
    path = folder / "plan.json" if folder.is_dir() else folder
    if not path.is_file():
        raise UsageError(f"{folder} holds no plan.json; give a plan folder, or the folder of a CT series")
    record = read_record(path)
    plan, manifest = plan_from_record(record), manifest_from_record(record)
    volume, note = _scan_of(record, manifest, scan)
    return Opened(plan, record["sha256"], manifest, load_catalogue(catalogue_files), volume, note, path.parent)


def open_series(source: Path, request: PlanRequest) -> Opened:
    """Read a CT series, plan it, and open the plan without writing it."""
    catalogue = implants_for(request)
    read = read_series(source, series=request.series, options=request.reading)
    plan, record, _ = make_plan(read, catalogue, request)
    home = Path.cwd() / f"{source.name}-plan"
    return Opened(plan, record["sha256"], manifest_from_record(record), catalogue, read.volume, "", home)


def free_name(home: Path) -> Path:
    """Return the first name beside a plan folder that is not taken: ``plan-2``, ``plan-3`` …"""
    base = home.resolve()
    n = 2
    while (target := base.with_name(f"{base.name}-{n}")).exists():
        n += 1
    return target


def _scan_of(record: dict[str, Any], manifest: InputManifest, scan: Path | None) -> tuple[CtVolume | None, str]:
    if scan is None:
        return None, f"The scan is not at hand. {GIVE_SCAN}"
    try:
        uid = record["plan"]["scan"]["series_uid"] or None
        read = read_series(scan, series=uid, options=options_of(manifest))
        _check_same(read, manifest, scan)
    except CanalfitError as error:
        if getattr(error, "code", "") == NO_SUCH_SERIES:  # one of another plan, or another limb
            error = RecordError("CF-A005", "this is not the scan that the plan was made from", where=scan.name,
                                measured="other series", expected=f"series …{str(uid)[-8:]}")  # fmt: skip
        return None, f"The scan is not shown: {error}"
    return read.volume, ""


def _check_same(read: ReadResult, manifest: InputManifest, scan: Path) -> None:
    found, recorded = ({sha for _, sha, _ in read.manifest}, {f.sha256 for f in manifest.files})
    if found != recorded:
        raise RecordError(
            "CF-A005", "this is not the scan that the plan was made from", where=scan.name,
            measured=f"{len(found)} files, {len(found - recorded)} of them not as recorded",
            expected=f"the {len(recorded)} recorded",
        )  # fmt: skip
