"""``plan.json``: the loss-free master of one plan, and the way back to the objects."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from sizing import __version__
from sizing.canal.model import Canal
from sizing.errors import RecordError
from sizing.fit.model import Fit
from sizing.geometry import VolumeGeometry
from sizing.implants.model import ImplantTemplate
from sizing.intended_use import RESEARCH_USE
from sizing.planning import ImplantationPlan, PlanSettings
from sizing.reaming import ream
from sizing.reaming.model import PassResult, ReamedCanal, Reamer, ReamerSet, ReamingPlan, ToolAxis
from sizing.record.canonical import HASH_KEY, canonical_json, seal, sha256_of
from sizing.record.codec import Pool, decode, encode
from sizing.record.compare import differences
from sizing.record.summary import summarize

SCHEMA = "canalfit-plan"
SCHEMA_VERSION = 1

# Written once each and referred to; an object only holds objects of tables above its own.
TABLES: dict[type, str] = {
    Reamer: "reamers",
    ToolAxis: "tool_axes",
    ReamingPlan: "reaming_plans",
    Canal: "canals",
    ReamedCanal: "reamed_canals",
    ImplantTemplate: "implants",
}
# Maps along the canal's rays, pass after pass, would be most of the record; reading reams again and compares.
REAMED_AGAIN: dict[type, frozenset[str]] = {
    PassResult: frozenset({"contact", "wall_left_mm"}),
    ReamedCanal: frozenset({"bore_radius_mm"}),
}
NOT_RECORDED = {"fits", "timings_s"}  # fits stand beside the plan; the clock never enters hashed content

CONVENTIONS = {
    "frame": "points and directions in DICOM LPS (+x left, +y posterior, +z superior), mm",
    "depth": "arc length along the canal axis from the resection plane, growing proximally, mm",
    "angle": "canal angles run from anterior as scanned, about the axis that points proximally",
    "null": "does not apply or cannot be told, never zero; not_measured says why",
}
WHY_NULL = {
    "review": "no person has reviewed this plan",
    "ancestry": "the plan is as the program proposed it",
    "chosen": "no implant can serve; each fit says why in its field rejected",
    "astray": "no implant can serve",
    "graft": "no implant can serve",
    "size": "no implant can serve",
    "envelope": "too little of the canal is measured to place any axis",
    "worst_depth_mm": "the wall never fell under the limit",
    "worst_direction": "the wall never fell under the limit, or the side is not known",
    "axis": "no stem of this diameter and bow keeps the wall",
    "tip_to_defect_mm": "the cortex has no hole",
    "wall_round_defects_mm": "the stem passes no hole in the cortex",
    "tip_to_isthmus_mm": "no isthmus lies inside the scanned stretch of bone",
    "isthmus_depth_mm": "the narrowest level lies at an end of the measured stretch",
    "isthmus_diameter_mm": "the narrowest level lies at an end of the measured stretch",
    "isthmus_depth_se_mm": "the narrowest level lies at an end of the measured stretch",
    "isthmus_from_mm": "the narrowest level lies at an end of the measured stretch",
    "isthmus_to_mm": "the narrowest level lies at an end of the measured stretch",
    "bow_radius_mm": "straight, or the bow cannot be told from straight",
    "first_contact_diameter_mm": "no tool touches the cortex",
    "first_contact_depth_mm": "no tool touches the cortex",
    "reamed": "the passes are recorded only for the chosen implant and those nearest to it",
    "fill_by_level": "levels beyond the stem, or levels where the canal's edge could not be told",
}
WHY_NULL_ELSE = "does not apply here, or could not be told from this scan; see findings"


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file that was read: path relative to what the user named, its hash, its SOP instance."""

    path: str
    sha256: str
    sop_uid: str


@dataclass(frozen=True, slots=True)
class MaskFile:
    """The label map that said which bone is meant, and the label in it."""

    path: str
    sha256: str
    label: int


@dataclass(frozen=True)
class InputManifest:
    """What a plan was made from.

    Attributes
    ----------
    files : tuple of InputFile
        In the order in which they were read.
    geometry : VolumeGeometry or None
        Of the whole volume; None for a plan from contours.
    reading : dict
        What the reader was allowed to do, by the names of its options; a flag is 0 or 1.
    mask : MaskFile or None
        None where the bone was found without a mask.
    """

    files: tuple[InputFile, ...] = ()
    geometry: VolumeGeometry | None = None
    reading: dict[str, int] = field(default_factory=dict)
    mask: MaskFile | None = None

    @property
    def sha256(self) -> str:
        """One hash over the hashes of all files, in the order in which they were read."""
        text = "".join(f"{f.sha256}  {f.path}\n" for f in self.files)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a page needs to say where it comes from."""

    canalfit_version: str
    input_sha256: str
    plan_sha256: str


def plan_to_record(
    plan: ImplantationPlan,
    manifest: InputManifest = InputManifest(),
    libraries: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return everything about a plan as plain data; `plan_record` without the text."""
    return plan_record(plan, manifest, libraries)[0]


def plan_record(
    plan: ImplantationPlan,
    manifest: InputManifest = InputManifest(),
    libraries: dict[str, str] | None = None,
) -> tuple[dict[str, Any], str]:
    """Return the record of a plan, sealed with its own SHA-256, and its canonical text.

    Parameters
    ----------
    plan : ImplantationPlan
        Timings are not recorded.
    manifest : InputManifest
        Empty for a plan that was made from contours and not from files.
    libraries : dict of str
        Versions of the libraries that took part.
    """
    pool = Pool(TABLES, REAMED_AGAIN)
    fits = []
    for i, fit in enumerate(plan.fits):
        fits.append(encode(fit, pool))
        pool.name(fit, f"fits/{i}")
    body = {f.name: encode(getattr(plan, f.name), pool) for f in fields(plan) if f.name not in NOT_RECORDED}
    lacking = {name for name, data in body.items() if data is None}
    record = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "state": plan.status,
        "statement": RESEARCH_USE,
        "conventions": CONVENTIONS,
        "software": {"canalfit": __version__, "libraries": dict(libraries or {})},
        "input": encode(manifest),
        "input_sha256": manifest.sha256,
        "summary": summarize(plan),
        "plan": body,
        "fits": fits,
        **pool.tables,
    }
    record["not_measured"] = {name: WHY_NULL.get(name, WHY_NULL_ELSE) for name in pool.not_measured | lacking}
    return seal(record)


def plan_from_record(record: dict[str, Any]) -> ImplantationPlan:
    """Return the plan that a record holds; raises RecordError where it cannot be trusted."""
    check_record(record)
    shared: dict[str, Any] = {}
    try:
        for kind, table in [*TABLES.items(), (Fit, "fits")]:
            for i, data in enumerate(record[table]):
                read = _ream_again if kind is ReamedCanal else decode
                shared[f"{table}/{i}"] = read(data, kind, shared)
        hints = get_type_hints(ImplantationPlan)
        body = {name: decode(data, hints[name], shared) for name, data in record["plan"].items()}
        fits = tuple(shared[f"fits/{i}"] for i in range(len(record["fits"])))
        return ImplantationPlan(**body, fits=fits)
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError(
            "CF-A004", f"the plan record does not hold what its schema says ({type(error).__name__}: {error})",
            advice="Make the plan again with this version",
        ) from error  # fmt: skip


def _ream_again(data: dict[str, Any], kind: type, shared: dict[str, Any]) -> ReamedCanal:
    reamed = ream(decode(data["canal"], Canal, shared), decode(data["plan"], ReamingPlan, shared))
    again = encode(reamed, Pool(left_out=REAMED_AGAIN))
    other = list(differences(_results(data), _results(again)))
    if other:
        raise RecordError(
            "CF-A006", "this version reams otherwise than the one that wrote the plan",
            where=other[0].where, measured=other[0].again, expected=other[0].recorded, advice="Make the plan again",
        )  # fmt: skip
    return reamed


def _results(reamed: dict[str, Any]) -> dict[str, Any]:
    passes = [{name: value for name, value in p.items() if name != "reamer_pass"} for p in reamed["passes"]]
    return {name: value for name, value in reamed.items() if name not in ("canal", "plan")} | {"passes": passes}


def provenance_of(record: dict[str, Any]) -> Provenance:
    """Return version and hashes of a record, to print on what is drawn from it."""
    return Provenance(record["software"]["canalfit"], record["input_sha256"], record[HASH_KEY])


def settings_from_record(record: dict[str, Any]) -> PlanSettings:
    """Return the settings that the plan was made with."""
    return decode(record["plan"]["settings"], PlanSettings)


def reamers_from_record(record: dict[str, Any]) -> ReamerSet:
    """Return the tray that the plan was made with."""
    shared = {f"{TABLES[Reamer]}/{i}": decode(data, Reamer) for i, data in enumerate(record[TABLES[Reamer]])}
    return decode(record["plan"]["reamers"], ReamerSet, shared)


def manifest_from_record(record: dict[str, Any]) -> InputManifest:
    """Return what the plan was made from."""
    return decode(record["input"], InputManifest)


def check_record(record: Any, where: str = "") -> None:
    """Raise RecordError unless this is a plan record of a known schema that nobody changed."""
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise RecordError("CF-A001", "this is not a canalfit plan", where=where,
                          advice="Give the plan.json of a plan folder")  # fmt: skip
    version = record.get("schema_version")
    if version != SCHEMA_VERSION:
        raise RecordError(
            "CF-A002", "the plan record has a schema that this version does not know", where=where,
            measured=f"schema version {version}", expected=f"schema version {SCHEMA_VERSION}",
            advice="Use the canalfit version that wrote it, or a newer one",
        )  # fmt: skip
    if record.get(HASH_KEY) != sha256_of(record):
        raise RecordError(
            "CF-A003", "the plan record was changed after it was written: its SHA-256 does not match", where=where,
            advice="Make the plan again",
        )  # fmt: skip


def record_text(record: dict[str, Any]) -> str:
    """Return the canonical text of a record, as it stands in ``plan.json``."""
    return canonical_json(record)


def read_record(path: Path) -> dict[str, Any]:
    """Read and check a ``plan.json``."""
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RecordError(
            "CF-A001", "this is not a canalfit plan", where=str(path), advice="Give the plan.json of a plan folder"
        ) from error
    check_record(record, str(path))
    return record
