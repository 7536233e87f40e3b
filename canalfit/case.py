"""One case: from a CT series to a plan folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canalfit import exit_codes
from canalfit.folder import check_outside, check_target, whole_or_absent
from canalfit.memory import return_what_is_free
from canalfit.outlook_tables import envelope_csv, what_if_csv, zones_csv
from canalfit.tables import fits_csv, reaming_csv, sections_csv, wall_csv
from dicom_io import ReadOptions, ReadResult, read_labels, read_series
from sizing.errors import UsageError
from sizing.findings import Finding, needs_a_look
from sizing.implants import Catalogue, load_catalogue
from sizing.planning import ImplantationPlan, PlanSettings, plan_case
from sizing.reaming import ReamerSet
from sizing.record import InputFile, InputManifest, MaskFile, Provenance, plan_record, provenance_of
from sizing.segmentation import Locator
from sizing.threads import cores, on_cores
from sizing.volume import CtVolume

if TYPE_CHECKING:
    from viewer import Press

# The libraries whose version may change a number.
NUMERIC_LIBRARIES = ("numpy", "scipy", "scikit-image", "trimesh", "pydicom")

# Options of the reader that decide what is read, and not how fast.
READING = ("allow_gap", "resample", "assume_hu", "allow_uncalibrated", "keep_identity")

Step = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class PlanRequest:
    """What the user asks for, besides the scan and the place of the result."""

    settings: PlanSettings = field(default_factory=PlanSettings)
    series: str | None = None  # selector or UID of a series, where a folder holds several
    reading: ReadOptions = field(default_factory=ReadOptions)
    catalogue_files: tuple[Path, ...] = ()
    own_implants: tuple[Path, ...] = ()  # solids or section tables, tried beside the catalogue
    own_last_reamer_mm: float | None = None
    force: bool = False
    mask: Path | None = None  # label map from elsewhere that says which bone is meant
    mask_label: str | None = None  # number or name in it; needed where it holds several
    reamers: ReamerSet | None = None  # None: the generic tray


@dataclass(frozen=True)
class CaseResult:
    """A plan, what its record says in short, and the folder that holds them."""

    plan: ImplantationPlan
    summary: dict[str, Any]
    folder: Path
    findings: tuple[Finding, ...]  # of reading, planning and writing

    @property
    def exit_code(self) -> int:
        """What the command line returns for this case."""
        if self.plan.chosen is None:
            return exit_codes.NOTHING_FITS
        return exit_codes.FINDINGS if needs_a_look(self.findings) else exit_codes.OK


def plan_series(
    source: Path, out: Path, request: PlanRequest | None = None, step: Step = lambda words: nullcontext()
) -> CaseResult:
    """Read a series, plan it, and write the plan folder.

    Parameters
    ----------
    source : Path
        Folder (or file) with the CT series.
    out : Path
        Plan folder; it is written whole or not at all.
    request : PlanRequest, optional
        Settings of the plan; without it everything is told from the scan.
    step : callable
        ``with step("reading"):`` is entered round each long step, for those who show progress.

    Raises
    ------
    InputError
        The scan or a catalogue is refused.
    UsageError
        ``out`` is not a place for a plan, or cannot be written.
    """
    import viewer  # only here and below: planning alone draws nothing

    request = request or PlanRequest()
    check_target(Path(out), force=request.force)
    check_outside(Path(out), Path(source))
    catalogue = implants_for(request)
    with viewer.Press() as press:
        with step("reading the scan"):
            read = read_series(Path(source), series=request.series, options=request.reading)
        with step("planning"), on_cores(cores()):
            plan, mask = plan_of(read, catalogue, request)
            viewer.start_picture(plan, press)
            record, text = record_of(plan, read, request, mask)
            provenance, summary = provenance_of(record), record["summary"]
            del record  # tens of MB that drawing needs, and so is its text
        with step("writing the plan folder"), whole_or_absent(Path(out), force=request.force) as folder:
            (folder / "plan.json").write_text(text, encoding="utf-8")
            del text
            return_what_is_free()
            written = write_plan(plan, provenance, read.volume, folder, press)
    return CaseResult(plan, summary, Path(out), (*plan.findings, *written))


def implants_for(request: PlanRequest) -> Catalogue:
    """Return the catalogue with the user's own implants; their bytes are in its hash."""
    catalogue = load_catalogue(request.catalogue_files)
    if not request.own_implants:
        return catalogue
    from sizing.implants.own import implant_from_file

    own = [implant_from_file(path, last_reamer_mm=request.own_last_reamer_mm) for path in request.own_implants]
    digest = hashlib.sha256(catalogue.sha256.encode())
    for path in request.own_implants:
        digest.update(path.read_bytes())
    names = tuple(path.name for path in request.own_implants)
    return Catalogue((*catalogue.implants, *own), catalogue.version, digest.hexdigest(), (*catalogue.sources, *names))


def make_plan(
    read: ReadResult, catalogue: Catalogue, request: PlanRequest
) -> tuple[ImplantationPlan, dict[str, Any], str]:
    """Plan a scan that was read; return the plan, its record, and the record's text."""
    plan, mask = plan_of(read, catalogue, request)
    return plan, *record_of(plan, read, request, mask)


def plan_of(read: ReadResult, catalogue: Catalogue, request: PlanRequest) -> tuple[ImplantationPlan, MaskFile | None]:
    """Plan a scan that was read; return the plan, and what its record says of a mask."""
    locator, mask = locator_for(request)
    return planned(read, catalogue, request.settings, locator, request.reamers), mask


def planned(
    read: ReadResult,
    catalogue: Catalogue,
    settings: PlanSettings,
    locator: Locator | None = None,
    reamers: ReamerSet | None = None,
) -> ImplantationPlan:
    """Plan a scan that was read; the findings of reading stand first."""
    plan = plan_case(read.volume, catalogue, settings, reamers, locator=locator)
    return replace(plan, findings=(*read.findings, *plan.findings))


def record_of(
    plan: ImplantationPlan, read: ReadResult, request: PlanRequest, mask: MaskFile | None = None
) -> tuple[dict[str, Any], str]:
    """Return the record of a plan of this scan, and the record's text."""
    files = tuple(InputFile(*entry) for entry in read.manifest)
    reading = {name: int(getattr(request.reading, name)) for name in READING}
    manifest = InputManifest(files, read.volume.geometry, reading, mask)
    return plan_record(plan, manifest, library_versions())


def locator_for(request: PlanRequest) -> tuple[Locator | None, MaskFile | None]:
    """Return the mask of a request as a locator, and what the record says of it."""
    if request.mask is None:
        if request.mask_label is not None:
            raise UsageError("--mask-label names a label of the file given with --mask; there is none")
        return None, None
    found = read_labels(request.mask)
    label = found.number_of(request.mask_label)
    return Locator(found.labels, found.geometry, label), MaskFile(request.mask.name, found.sha256, label)


def options_of(manifest: InputManifest) -> ReadOptions:
    """Return the options with which the scan of a record was read."""
    return ReadOptions(**{name: type(getattr(ReadOptions(), name))(value) for name, value in manifest.reading.items()})


def write_plan(
    plan: ImplantationPlan, provenance: Provenance, volume: CtVolume | None, folder: Path, press: Press | None = None
) -> tuple[Finding, ...]:
    """Write tables, report, meshes and picture; return what was noticed while drawing.

    A press that was entered when planning began has had the time to get ready; without one, pages are drawn here.
    """
    import viewer
    from canalfit.nearest import write_nearest_insertable

    report = viewer.start_report(plan, volume, folder, provenance=provenance, press=press or viewer.Press())
    write_tables(plan, folder)
    noticed = (*viewer.write_meshes(plan, folder), *write_nearest_insertable(plan, folder))
    return (*report.finish(), *noticed)


def write_tables(plan: ImplantationPlan, folder: Path) -> None:
    """Write every table of a plan."""
    tables = {
        "sections.csv": sections_csv(plan),
        "reaming.csv": reaming_csv(plan.reaming),
        "fits.csv": fits_csv(plan),
        "zones.csv": zones_csv(plan),
        "envelope.csv": envelope_csv(plan),
        "what_if.csv": what_if_csv(plan),
        "wall.csv": wall_csv(plan.canal),
    }
    for name, text in tables.items():
        (folder / name).write_text(text, encoding="utf-8")


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that may change a number."""
    found = {}
    for name in NUMERIC_LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found
