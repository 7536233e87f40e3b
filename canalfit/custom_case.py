"""One custom stem: from a plan folder to a specification folder."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canalfit import exit_codes
from canalfit.folder import SPECIFICATION_FOLDER, check_target, whole_or_absent
from canalfit.tables import rows_csv
from sizing.customise import CustomPlan, customise
from sizing.errors import UsageError
from sizing.findings import needs_a_look
from sizing.implants.cad import NO_CAD_KERNEL, cad_kernel_available, cad_volume_mm3, solid_shape, write_step
from sizing.implants.custom_settings import CustomSettings
from sizing.implants.shape_table import contour_rows
from sizing.implants.solid import mesh_deviation, solid_mesh, write_mesh
from sizing.record import Provenance, plan_from_record, provenance_of, read_record
from sizing.record.canonical import sha256_of
from sizing.specification import SCHEMA, SolidFacts, specification_record

Step = Callable[[str], AbstractContextManager[None]]
STEP_SCHEMAS = ("AP214", "AP242")
MESH_FILES = ("stem.stl", "stem.3mf")


@dataclass(frozen=True)
class CustomRequest:
    """What the user asks for, besides the plan and the place of the result."""

    settings: CustomSettings
    supersedes: Path | None = None
    step_schema: str = "AP214"
    force: bool = False


@dataclass(frozen=True)
class CustomResult:
    """A custom stem and the record of its specification."""

    custom: CustomPlan
    record: dict[str, Any]

    @property
    def exit_code(self) -> int:
        """What the command line returns."""
        if self.custom.fit.rejected:
            return exit_codes.NOTHING_FITS
        return exit_codes.FINDINGS if needs_a_look(self.custom.findings) else exit_codes.OK


def specify(
    plan_path: Path, out: Path, request: CustomRequest, step: Step = lambda words: nullcontext()
) -> CustomResult:
    """Design a custom stem for a plan and write its specification folder, whole or not at all.

    Raises
    ------
    InputError
        The plan cannot be read, or no stem can be made.
    UsageError
        ``out`` is not a place for a specification, or settings contradict each other.
    """
    check_target(out, SPECIFICATION_FOLDER, force=request.force)
    record = read_record(plan_path / "plan.json" if plan_path.is_dir() else plan_path)
    before = None if request.supersedes is None else read_specification(request.supersedes)
    with step("reading the plan"):
        plan = plan_from_record(record)
    with step("designing"):
        custom = customise(plan, request.settings)
    with step("writing the specification"), whole_or_absent(out, SPECIFICATION_FOLDER, force=request.force) as folder:
        solid = write_solids(custom, folder, request.step_schema)
        spec, text = specification_record(custom, plan, provenance_of(record), solid, before)
        _write_pages(custom, spec, plan, provenance_of(record), folder)
        (folder / "sections.csv").write_text(rows_csv(spec["sections"]), encoding="utf-8")
        (folder / "contours.csv").write_text(rows_csv(contour_rows(custom.design.implant.stem_shape)), encoding="utf-8")
        (folder / "spec.json").write_text(text, encoding="utf-8")
    return CustomResult(custom, spec)


def write_solids(custom: CustomPlan, folder: Path, step_schema: str) -> SolidFacts:
    """Write STL, 3MF and, with the CAD kernel, STEP; return how exact they are."""
    solid = custom.design.solid
    mesh = solid_mesh(solid)
    for name in MESH_FILES:
        write_mesh(mesh, folder / name)
    deviation = mesh_deviation(solid, mesh)
    if not cad_kernel_available():
        return SolidFacts(MESH_FILES, deviation, file_hashes(folder, MESH_FILES), None, NO_CAD_KERNEL)
    shape = solid_shape(solid)
    write_step(shape, folder / "stem.step", step_schema)
    relative = cad_volume_mm3(shape) / solid.volume_mm3 - 1.0
    files = (*MESH_FILES, "stem.step")
    return SolidFacts(files, deviation, file_hashes(folder, files), relative, f"{step_schema}, Open CASCADE")


def file_hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each file in a folder; a file that is not there is left out."""
    return {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in names if (folder / n).is_file()}


def _write_pages(custom: CustomPlan, spec: dict[str, Any], plan: Any, provenance: Provenance, folder: Path) -> None:
    from viewer.page_frame import ReportCase
    from viewer.specification import write_specification

    write_specification(custom, spec, ReportCase(plan, None, provenance), folder)


def read_specification(path: Path) -> dict[str, Any]:
    """Read ``spec.json`` (or the folder that holds it).

    Raises
    ------
    UsageError
        It is not a specification of canalfit.
    """
    file = path / "spec.json" if path.is_dir() else path
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(f"{file.name} cannot be read as a specification: {error}") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise UsageError(
            f"{file.name} is not a custom stem specification; give the spec.json that canalfit custom wrote"
        )
    return record


def check_specification(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return a specification and what of its folder is not what was written; empty = whole and unchanged.

    Checked: the record against its own hash, tables against the record, solids against the hashes in it. Pages
    (PDF, HTML) are drawings of the record and carry its hash.

    Raises
    ------
    UsageError
        It is not a specification.
    """
    record = read_specification(path)
    folder = path if path.is_dir() else path.parent
    wrong = [] if sha256_of(record) == record["sha256"] else ["spec.json: changed after it was written"]
    now = file_hashes(folder, record["solid"]["files_sha256"])
    for name, sha256 in record["solid"]["files_sha256"].items():
        if now.get(name) != sha256:
            wrong.append(f"{name}: {'missing' if name not in now else 'not the solid that was specified'}")
    if _table_in(folder) != list(csv.DictReader(io.StringIO(rows_csv(record["sections"])))):
        wrong.append("sections.csv: missing, or not the table of spec.json")
    return record, wrong


def _table_in(folder: Path) -> list[dict[str, str]] | None:
    try:
        return list(csv.DictReader(io.StringIO((folder / "sections.csv").read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError):
        return None
