"""One scan, with all bones, sides and levels that are asked for: a pure function from a job to an answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import canalfit.cohort.rows as rows
from canalfit import __version__, exit_codes
from canalfit.case import PlanRequest, implants_for, planned, record_of
from canalfit.cohort.answer import BONE_NOT_WHOLE, INTERNAL, UNUSABLE_ROW, WHOLE_SCAN, Answer, Job
from canalfit.cohort.cases import Unit
from canalfit.cohort.sentences import internal_sentence, told, without_place
from canalfit.cohort.settings import CohortSettings, Question, hash_of
from canalfit.cohort.thumbnail import thumbnail_png
from dicom_io import ReadOptions, ReadResult, SeriesList, find_series, read_series
from sizing.anatomy import Bone, Side
from sizing.errors import CanalfitError, InputError, SegmentationError, UsageError
from sizing.implants.model import Catalogue
from sizing.planning import ImplantationPlan, PlanSettings
from sizing.record.codec import encode
from sizing.segmentation import find_residual_bone

# Beside the choice and its neighbours, a plan keeps so many of the best fits; fits.csv has them all.
_FITS_KEPT = 10
_BOTH_SIDES = "CF-S005"


@dataclass(frozen=True, slots=True)
class Level:
    """One resection level: its name in the tables, and what it is."""

    name: str
    kind: str  # "as scanned", "mm", "bone" or "scan"
    value: float = 0.0


def levels_of(question: Question) -> list[Level]:
    """Return the levels that are asked for, in order."""
    levels = [
        *(Level(f"{v:g} mm", "mm", v) for v in question.at_mm),
        *(Level(f"bone {v:.4g}", "bone", v) for v in question.at_bone_share),
        *(Level(f"scan {v:.4g}", "scan", v) for v in question.at_scan_share),
    ]
    return levels or [Level("as scanned", "as scanned")]


def request_sha256(job: Job) -> str:
    """Return the hash of all that decides about a case's rows but the scan."""
    s = job.settings
    return hash_of(
        encode(job.question), encode(s.reading), encode(s.output), job.unit.series, job.unit.case,
        job.catalogue_sha256, __version__,
    )  # fmt: skip


def run_job(job: Job) -> Answer:
    """Read a scan and plan all that is asked of it; never raises for what is wrong with the scan."""
    unit = job.unit
    if unit.problem:
        return _nothing_read(job, (UNUSABLE_ROW, f"{UNUSABLE_ROW}: {unit.problem}. Correct the row."), unit.row)
    try:
        found = unit.found if unit.found is not None else find_series(unit.path)
        studies = _studies(found) if unit.series is None and unit.found is None else []
        if len(studies) > 1:
            return Answer(parts=tuple(studies))
        if job.look_only:
            return _look(job, found)
        read = read_series(found, series=unit.series, options=reading_of(job.settings))
    except InputError as error:
        return _nothing_read(job, (error.code, str(error)), error.where)
    case = _Case(job, read)
    if case.input_sha256 in job.known:
        return Answer(case.name, case.patient, case.input_sha256, same_as_known=True)
    return case.plan_all()


def reading_of(settings: CohortSettings) -> ReadOptions:
    """Return the reader's options; a worker has one core, so one decoder."""
    return ReadOptions(**encode(settings.reading), workers=1)


def _studies(found: SeriesList) -> list[SeriesList]:
    """Split a list by study; each part keeps the files that could not be read beside its own."""
    studies: dict[str, list] = {}
    for entry in found:
        studies.setdefault(entry.frames[0].study_uid, []).append(entry)
    with_ct = [entries for entries in studies.values() if any(e.is_candidate for e in entries)]
    return [replace(found, entries=tuple(entries)) for entries in with_ct] if len(with_ct) > 1 else []


def _look(job: Job, found: SeriesList) -> Answer:
    from dicom_io.catalog import choose
    from dicom_io.series import examine

    options = reading_of(job.settings)
    entry = choose(found.entries, job.unit.series, found.source) if found.entries else None
    if entry is None:
        read_series(found, options=options)  # refuses with the sentence for an empty source
        raise AssertionError("an empty source was read")
    examined = examine(found, entry, options)
    levels = ", ".join(level.name for level in levels_of(job.question))
    bones = "/".join(job.question.bones) or "bone told from the scan"
    refused = tuple((e.code, told(job, str(e))) for e in examined.refusals[:1])
    what = f"series {entry.describe()}; {bones}; {levels}"
    uid = entry.frames[0].series_uid
    return Answer(same_scan_as(job, uid) if uid else "", failed=refused, description=what)


def _nothing_read(job: Job, failure: tuple[str, str], where: str) -> Answer:
    case = stand_in(job.unit)
    code, sentence = failure
    where = without_place(job, where) or WHOLE_SCAN
    return refusal(case, "", (code, told(job, sentence)), where, exit_codes.REFUSED)


def same_scan_as(job: Job, series: str) -> str:
    """Return a hash that two places share which hold the same scan; with another question of its row it is another."""
    return hash_of(series, job.unit.series, encode(job.unit.own))


def stand_in(unit: Unit) -> str:
    """Return the name of a case whose scan gives none."""
    return unit.case or f"unread-{unit.label}"


def refusal(case: str, patient: str, failure: tuple[str, str], where: str, exit_code: int) -> Answer:
    """Return the answer for a scan of which nothing was planned."""
    key = (case, "", "", "")
    final = Answer(failed=(failure,)).final
    files = {
        "cases.csv": rows.table_text("cases", [rows.refused_row(key, patient, exit_code, "")]),
        "levels.csv": rows.table_text("levels", []),
        "fits.csv": rows.table_text("fits", []),
        "failures.csv": rows.table_text("failures", [[*key, *failure, where, final]]),
    }
    return Answer(case, patient, "", {name: text.encode() for name, text in files.items()}, (failure,))


class _Case:
    """One scan that was read, and the tables that grow from it."""

    def __init__(self, job: Job, read: ReadResult) -> None:
        self.job, self.read = job, read
        info = read.volume.info
        self.input_sha256 = hash_of([[sha, path] for path, sha, _ in read.manifest])
        self.patient = info.pseudonym
        own = same_scan_as(job, info.series_uid or self.input_sha256)[:6]
        self.name = job.unit.case or f"{self.patient or 'case'}-{own}"
        self.catalogue = _catalogue(job)
        self.tables: dict[str, list[rows.Row]] = {"cases": [], "levels": [], "fits": [], "failures": []}
        self.files: dict[str, bytes] = {}
        self.failed: list[tuple[str, str]] = []

    def plan_all(self) -> Answer:
        for bone in self.job.question.bones or (None,):
            for level in levels_of(self.job.question):
                self._plan_level(bone, level)
        for name, table in self.tables.items():
            self.files[f"{name}.csv"] = rows.table_text(name, table).encode()
        plans = len(self.tables["cases"]) - len(self.failed)
        return Answer(self.name, self.patient, self.input_sha256, self.files, tuple(self.failed), plans)

    def _plan_level(self, bone: Bone | None, level: Level) -> None:
        try:
            self._plan(bone, self.job.question.side, level)
        except SegmentationError as error:
            if error.code != _BOTH_SIDES:
                raise
            for side in (Side.LEFT, Side.RIGHT):
                self._plan(bone, side, level)

    def _plan(self, bone: Bone | None, side: Side | None, level: Level) -> None:
        """Plan one level; whatever is wrong with it becomes a row of failures.csv."""
        asked = (self.name, bone or "", side or "", level.name)
        try:
            settings = self._settings(bone, side, level)
            plan = planned(self.read, self.catalogue, settings)
        except InputError as error:
            if error.code == _BOTH_SIDES and side is None:
                raise
            self._fail(asked, error.code, str(error), exit_codes.REFUSED)
        except (UsageError, CanalfitError) as error:
            self._fail(asked, INTERNAL, str(error), exit_codes.REFUSED)
        except MemoryError:
            raise
        except Exception as error:
            self._fail(asked, INTERNAL, internal_sentence(error), exit_codes.INTERNAL)
        else:
            self._keep(plan, level)

    def _fail(self, key: rows.Key, code: str, sentence: str, exit_code: int) -> None:
        """List a failure of a scan that was read: it is about the series, named by its first file."""
        sentence = told(self.job, sentence)
        self.failed.append((code, sentence))
        self.tables["failures"].append([*key, code, sentence, without_place(self.job, self.read.manifest[0][0]), True])
        self.tables["cases"].append(rows.refused_row(key, self.patient, exit_code, self.input_sha256))

    def _settings(self, bone: Bone | None, side: Side | None, level: Level) -> PlanSettings:
        q = self.job.question
        settings = PlanSettings(
            bone, side, q.distal, wall_limit_mm=q.wall_limit_mm, max_stem_length_mm=q.max_stem_length_mm,
            families=q.families,
        )  # fmt: skip
        if level.kind == "as scanned":
            return settings
        if level.kind == "mm":
            return replace(settings, resect_at_mm=level.value)
        whole = find_residual_bone(self.read.volume, bone=bone, side=side, distal=q.distal)
        if level.kind == "bone" and not whole.whole:
            raise SegmentationError(
                BONE_NOT_WHOLE, f"the length of the {whole.bone} is not known: the scan does not hold both its joints",
                advice="Ask for a level in mm (at_mm) or as a share of what is scanned (at_scan_share)",
            )  # fmt: skip
        return replace(settings, resect_at_mm=round(level.value * whole.scanned_length_mm, 1))

    def _keep(self, plan: ImplantationPlan, level: Level) -> None:
        bone, side = plan.canal.bone, plan.canal.side
        key = (self.name, str(bone or ""), str(side or ""), level.name)
        output = self.job.settings.output
        self.tables["cases"].append(rows.case_row(key, self.patient, plan, self.read.volume, self.input_sha256))
        self.tables["levels"] += rows.level_rows(key, plan, output.station_step_mm)
        self.tables["fits"] += rows.fit_rows(key, plan)
        folder = folder_of(*key[1:])
        if output.plans != "none":
            self.files[f"{folder}/plan.json"] = self._record(plan).encode()
        if output.thumbnails:
            self.files[f"{folder}/thumbnail.png"] = thumbnail_png(plan, self.read.volume)

    def _record(self, plan: ImplantationPlan) -> str:
        if self.job.settings.output.plans == "chosen":
            numbers = {f.implant.part_number for f in (plan.chosen, *plan.neighbours, *plan.fits[:_FITS_KEPT]) if f}
            plan = replace(plan, fits=tuple(f for f in plan.fits if f.implant.part_number in numbers))
        return record_of(plan, self.read, PlanRequest(reading=reading_of(self.job.settings)))[1]


def folder_of(bone: str, side: str, level: str) -> str:
    """Return the sub-folder of one row in its case's folder."""
    return f"{bone}-{side}-{level}".replace(" ", "-")


def _catalogue(job: Job) -> Catalogue:
    catalogue = catalogue_of(job.settings)
    if catalogue.sha256 != job.catalogue_sha256:
        raise UsageError("this worker has another catalogue than the run was started with: install the same version")
    return catalogue


def catalogue_of(settings: CohortSettings) -> Catalogue:
    """Return the catalogue with the implants that the settings name."""
    own = settings.implants
    return _load(settings.files(own.catalogue), settings.files(own.own), own.own_last_reamer_mm)


@lru_cache(maxsize=2)
def _load(files: tuple[Path, ...], own: tuple[Path, ...], reamer_mm: float | None) -> Catalogue:
    return implants_for(PlanRequest(catalogue_files=files, own_implants=own, own_last_reamer_mm=reamer_mm))
